"""Plain text for messages: where in the SQL it went wrong, and what an HTML error page says. Standard library only."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass

TAB_WIDTH = 4
_CONTEXT_LINES = 2
_MAX_LINE = 160
#: Databases count by these alone; `str.splitlines` knows eight more, which may stand in a literal.
_LINE_END = re.compile(r"\r\n?|\n")
#: All but the tab: terminals would act on them.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_REPLACED = "\N{REPLACEMENT CHARACTER}"
#: What turns the direction of text around, so that it reads otherwise than it is.
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: Unicode categories of marks that stand on the character before, and of invisible ones.
_NO_WIDTH = frozenset({"Mn", "Me", "Cf"})


def excerpt(sql: str, line: int, column: int | None = None) -> str:
    """Quote the lines of `sql` around one place, numbered, with a caret under the column.

    Parameters
    ----------
    sql
        The statement in which `line` and `column` count.
    line, column
        Counted from 1. Without a column, or with one beyond its line, the line alone is marked.

    Returns
    -------
    str
        Up to five lines of SQL; empty if `sql` has no such line.
    """
    lines = window(sql, line, column)
    gutter = len(str(lines[-1].number)) if lines else 0
    out = []
    for item in lines:
        out.append(f"{'>' if item.is_here else ' '} {item.number:>{gutter}} | {item.text}".rstrip())
        if item.marked is not None:
            out.append(f"  {'':>{gutter}} | {' ' * display_width(item.text[: item.marked])}^")
    return "\n".join(out)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of SQL as it is shown.

    Attributes
    ----------
    number
        Counted from 1.
    text
        Its text or, of a long line, the part around the place; tabs are blanks, other control characters are replaced.
    is_here
        Whether it is the line in question.
    marked
        The place in `text`, counted from 0; None where no column is known.
    """

    number: int
    text: str
    is_here: bool = False
    marked: int | None = None


def window(sql: str, line: int, column: int | None = None) -> list[Line]:
    """Take the lines of `sql` around one place; see `excerpt`."""
    lines = _LINE_END.split(sql)
    if len(lines) > line and not lines[-1]:
        lines.pop()  # the last line was ended, nothing more
    if not 1 <= line <= len(lines):
        return []
    found = []
    for number in range(max(1, line - _CONTEXT_LINES), min(len(lines), line + _CONTEXT_LINES) + 1):
        text = lines[number - 1]
        here = number == line
        place = column if here and column and column <= len(text) + 1 else None
        start = _window_start(place) if place else 0
        marked = None if place is None else (3 if start else 0) + len(_expanded(text[start : place - 1]))
        found.append(Line(number, _shown(text, start), is_here=here, marked=marked))
    return found


def printable(text: str) -> str:
    """Replace what a terminal would act on, but for tabs and line feeds: escapes, and marks that turn text around."""
    return _DIRECTION.sub(_REPLACED, _CONTROL.sub(_REPLACED, _LINE_END.sub("\n", text)))


def display_width(text: str) -> int:
    """Count the terminal cells that `text` takes: two for wide characters, none for combining ones."""
    return sum(_cells(character) for character in text)


def text_of_html(page: str, limit: int = 500) -> str:
    """Take the readable words out of an HTML page, at most `limit` characters of them."""
    body = re.sub(r"(?is)<(script|style)\b.*?(?:</\1\s*>|\Z)", " ", page)
    words = html.unescape(re.sub(r"<[^<>]*(?:>|\Z)", " ", body))
    return shorten(" ".join(words.split()), limit)


def shorten(text: str, limit: int) -> str:
    """Cut `text` to `limit` characters and say how many were left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}... ({len(text) - limit} more characters)"


def _window_start(column: int) -> int:
    # A generated line of SQL can be thousands of characters long: show the part around the column.
    return max(0, column - 1 - _MAX_LINE // 2) if column > _MAX_LINE else 0


def _shown(text: str, start: int) -> str:
    # The cut is marked in place, so that the caret's offset is the same with and without the mark.
    part = _expanded(text[start : start + _MAX_LINE])
    return ("..." if start else "") + part + ("..." if start + _MAX_LINE < len(text) else "")


def _expanded(text: str) -> str:
    return _DIRECTION.sub(_REPLACED, _CONTROL.sub(_REPLACED, text)).expandtabs(TAB_WIDTH)


def _cells(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
