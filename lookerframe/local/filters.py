"""Filter expressions -> conditions.

First form: equality and comma lists, for strings, numbers and yesno. Whatever else Looker's filter language can say is
recognised and refused, never taken for a plain value. An empty filter is "any value".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lookerframe.local.project import Field

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
#: A character of a filter, and whether it stands for itself whatever it is.
_Character = tuple[str, bool]

_KEYWORDS = {"NULL", "EMPTY", "NOT NULL", "NOT EMPTY"}


class FilterError(ValueError):
    """The expression is not one that is served; the text says which part, and what is served."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter on one field: it must have one of `values`, written as SQL literals; none is no condition."""

    field: Field
    text: str
    values: tuple[str, ...]

    def sql(self, expression: str) -> str:
        """Write the condition over the field's own SQL."""
        if self.field.kind == "yesno":
            yes, no = f"({expression} )", f"NOT COALESCE({expression} , FALSE)"
            return f"({yes} OR {no})" if len(self.values) > 1 else yes if self.values[0] == "Yes" else no
        if len(self.values) == 1:
            return f"({expression} ) = {self.values[0]}"
        return f"({expression} ) IN ({', '.join(self.values)})"


def parse(field: Field, text: str) -> Condition:
    """Read the filter expression `text` on `field`.

    Raises
    ------
    FilterError
        The expression says something else than equality or a list.
    """
    readers = {"string": _strings, "number": _numbers, "yesno": _yesno}
    reader = readers.get(field.kind)
    if reader is None and text.strip():
        message = f"filters on times are not served by the local Looker yet, so not {text!r}"
        raise FilterError(message)
    return Condition(field, text, tuple(dict.fromkeys(reader(text))) if reader else ())


def _numbers(text: str) -> list[str]:
    values = [part.strip() for part in text.split(",")] if text.strip() else []
    for value in values:
        if not _NUMBER.fullmatch(value):
            message = f"number filter {text!r} is not served by the local Looker yet; served: numbers and lists of them"
            raise FilterError(message)
    return values


def _yesno(text: str) -> list[str]:
    values = [part.strip().capitalize() for part in text.split(",")] if text.strip() else []
    if not set(values) <= {"Yes", "No"}:
        message = f"yesno filter {text!r} is not served; expected Yes, No or Yes,No"
        raise FilterError(message)
    return values


def _strings(text: str) -> list[str]:
    parts = _parts(text)
    # Two quotes with nothing between them are the empty string, which the language calls EMPTY.
    if '""' in text or any(map(_is_special, parts)):
        raise _refused_string(text)
    return [_literal("".join(character for character, _ in part)) for part in parts]


def _refused_string(text: str) -> FilterError:
    return FilterError(
        f"string filter {text!r} is not served by the local Looker yet; served: values and lists of them, "
        'with ^ before each of % _ - , " ^ that is meant as itself'
    )


def _parts(text: str) -> list[list[_Character]]:
    """Cut a string filter at its commas; ``^`` takes the next character as it is, quotes all between them."""
    parts: list[list[_Character]] = [[]]
    quoted = False
    characters = iter(text)
    for character in characters:
        if character == "^":
            parts[-1].append((next(characters, "^"), True))
        elif character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            parts.append([])
        else:
            parts[-1].append((character, quoted))
    if quoted:
        raise _refused_string(text)
    return [part for part in map(_stripped, parts) if part]


def _stripped(part: list[_Character]) -> list[_Character]:
    kept = [place for place, (character, literal) in enumerate(part) if literal or not character.isspace()]
    return part[kept[0] : kept[-1] + 1] if kept else []


def _is_special(part: list[_Character]) -> bool:
    """Tell whether a part means more than a value: a wildcard, a negation or a keyword."""
    bare = "".join(character for character, literal in part if not literal)
    return (
        part[0] == ("-", False) or "%" in bare or "_" in bare or (len(bare) == len(part) and bare.upper() in _KEYWORDS)
    )


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
