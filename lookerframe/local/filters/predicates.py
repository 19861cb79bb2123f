"""Predicates in SQL with a hole where the filtered expression goes.

A negation keeps nulls: ``NOT 5`` is ``<> 5 OR IS NULL``, as in the SQL that Looker writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookerframe.local.filters.errors import FilterError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The hole. No SQL can hold this character, so a filter that has it is refused before.
HOLE = "\0"

IS_NULL = f"({HOLE} ) IS NULL"
IS_NOT_NULL = f"({HOLE} ) IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Predicate:
    """SQL cut at its holes; `parts` are what stands around them."""

    parts: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Predicate:
        """Cut `text` at its holes."""
        return cls(tuple(text.split(HOLE)))

    def sql(self, expression: str) -> str:
        """Fill the holes."""
        return expression.join(self.parts)


def check_characters(text: str) -> None:
    """Refuse what SQL cannot say."""
    if HOLE in text:
        message = f"filter {text!r} has a NUL character, which no value in the database has"
        raise FilterError(message)


def literal(value: str) -> str:
    """Write a string as SQL."""
    return "'" + value.replace("'", "''") + "'"


def among(values: Sequence[str]) -> str:
    """Be one of `values`, which are SQL."""
    return f"({HOLE} ) = {values[0]}" if len(values) == 1 else f"({HOLE} ) IN ({', '.join(values)})"


def not_among(values: Sequence[str]) -> str:
    """Be none of `values`, or null."""
    test = f"<> {values[0]}" if len(values) == 1 else f"NOT IN ({', '.join(values)})"
    return or_null(f"({HOLE} ) {test}")


def or_null(predicate: str) -> str:
    """Let nulls through as well."""
    return f"({predicate} OR {IS_NULL})"


def combined(includes: Sequence[str], excludes: Sequence[str]) -> str:
    """Ask for any of `includes`, if there are some, and for all of `excludes`."""
    choice = () if not includes else (includes[0],) if len(includes) == 1 else (f"({' OR '.join(includes)})",)
    return " AND ".join((*choice, *excludes))
