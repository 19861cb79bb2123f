"""Filters on strings: ``a,b``, ``-a``, ``a%``, ``EMPTY``, ``NULL``; ``^`` and quotes take a character as it is.

Source: "Looker filter expressions", String. Values are compared case-sensitively, which is the default of a model.
Assumed: quotes protect whatever is between them, so ``""`` is the empty string.
"""

from __future__ import annotations

from dataclasses import dataclass

from lookerframe.local.filters.errors import FilterError
from lookerframe.local.filters.predicates import (
    HOLE,
    IS_NOT_NULL,
    IS_NULL,
    Predicate,
    among,
    combined,
    literal,
    not_among,
    or_null,
)

#: A character of a filter, and whether it stands for itself whatever it is.
_Character = tuple[str, bool]

#: What a word asks for, and what it asks for with a minus before it.
_KEYWORDS = {
    "NULL": (IS_NULL, IS_NOT_NULL),
    "EMPTY": (f"({IS_NULL} OR LENGTH({HOLE} ) = 0)", f"({IS_NOT_NULL} AND LENGTH({HOLE} ) <> 0)"),
}
#: Not of this language, but of that of numbers, so hardly ever meant as a value.
_FOREIGN = {"NOT NULL", "NOT EMPTY"}
_WILDCARDS = {("%", False), ("_", False)}


@dataclass(slots=True)
class _Part:
    """What stands between two commas."""

    characters: list[_Character]
    quoted: bool = False

    @property
    def bare(self) -> str:
        """The text, if none of its characters is protected."""
        return "" if any(protected for _, protected in self.characters) else self.text

    @property
    def text(self) -> str:
        return "".join(character for character, _ in self.characters)

    def pattern(self) -> str:
        """Write the part for LIKE, with ``^`` before what stands for itself."""
        written = (
            f"^{character}" if character == "^" or (character in "%_" and protected) else character
            for character, protected in self.characters
        )
        return literal("".join(written))


def read_strings(text: str) -> Predicate | None:
    """Read a filter on a string."""
    equal: list[str] = []
    unequal: list[str] = []
    includes: list[str] = []
    excludes: list[str] = []
    for part in _parts(text):
        negative = part.characters[:1] == [("-", False)]
        if negative:
            part.characters = part.characters[1:]
            if not part.characters and not part.quoted:
                raise _refused(text, "a minus with nothing after it")
        word = part.bare.strip().upper()
        if word in _FOREIGN:
            raise _refused(text, f"{part.text!r}; write -{word.removeprefix('NOT ')}")
        if word in _KEYWORDS:
            (excludes if negative else includes).append(_KEYWORDS[word][negative])
        elif _WILDCARDS.intersection(part.characters):
            test = f"({HOLE} ) {'NOT ' if negative else ''}LIKE {part.pattern()} ESCAPE '^'"
            (excludes if negative else includes).append(or_null(test) if negative else test)
        else:
            (unequal if negative else equal).append(literal(part.text))
    if equal:
        includes.insert(0, among(list(dict.fromkeys(equal))))
    if unequal:
        excludes.insert(0, not_among(list(dict.fromkeys(unequal))))
    return Predicate.of(combined(includes, excludes)) if includes or excludes else None


def _parts(text: str) -> list[_Part]:
    """Cut a filter at its commas."""
    parts = [_Part([])]
    quoted = False
    characters = iter(text)
    for character in characters:
        if character == "^":
            parts[-1].characters.append((next(characters, "^"), True))
        elif character == '"':
            quoted = not quoted
            parts[-1].quoted = True
        elif character == "," and not quoted:
            parts.append(_Part([]))
        else:
            parts[-1].characters.append((character, quoted))
    if quoted:
        raise _refused(text, "a quote that is not closed")
    for part in parts:
        part.characters = _stripped(part.characters)
    return [part for part in parts if part.characters or part.quoted]


def _stripped(characters: list[_Character]) -> list[_Character]:
    kept = [place for place, (character, protected) in enumerate(characters) if protected or not character.isspace()]
    return characters[kept[0] : kept[-1] + 1] if kept else []


def _refused(text: str, met: str) -> FilterError:
    return FilterError(
        f"string filter {text!r} has {met}; understood: values, -values, patterns with % and _, EMPTY, NULL and lists "
        'of these, with ^ before each of % _ , " ^ and a leading - that is meant as itself'
    )
