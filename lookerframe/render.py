"""Plain text for messages: where in the SQL it went wrong, and what an HTML error page says. Standard library only."""

from __future__ import annotations

import html
import re
import unicodedata

TAB_WIDTH = 4
_CONTEXT_LINES = 2
_MAX_LINE = 160
#: Databases count by these alone; `str.splitlines` knows eight more, which may stand in a literal.
_LINE_END = re.compile(r"\r\n?|\n")
#: All but the tab: terminals would act on them.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
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
    lines = _LINE_END.split(sql)
    if len(lines) > line and not lines[-1]:
        lines.pop()  # the last line was ended, nothing more
    if not 1 <= line <= len(lines):
        return ""
    first = max(1, line - _CONTEXT_LINES)
    last = min(len(lines), line + _CONTEXT_LINES)
    gutter = len(str(last))
    out = []
    for number in range(first, last + 1):
        text = lines[number - 1]
        here = number == line
        marked = column if here and column and column <= len(text) + 1 else None
        start = _window_start(marked) if marked else 0
        out.append(f"{'>' if here else ' '} {number:>{gutter}} | {_shown(text, start)}".rstrip())
        if marked:
            out.append(f"  {'':>{gutter}} | {' ' * _caret_offset(text, start, marked)}^")
    return "\n".join(out)


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
    part = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text[start : start + _MAX_LINE])
    return ("..." if start else "") + part.expandtabs(TAB_WIDTH) + ("..." if start + _MAX_LINE < len(text) else "")


def _caret_offset(text: str, start: int, column: int) -> int:
    before = text[start : column - 1].expandtabs(TAB_WIDTH)
    return (3 if start else 0) + display_width(before)


def _cells(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
