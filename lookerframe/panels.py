"""The panel that a notebook shows for a query that failed. Standard library only; Pygments, where it is, colours SQL.

All text is escaped, for it comes from a server. Colours follow the notebook's theme, light or dark.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookerframe.render import TAB_WIDTH, printable, shorten, window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lookerframe.render import Line

#: Kinds of tokens that have a colour of their own, by the beginning of Pygments' name for them.
_COLOURED = (
    ("Token.Keyword", "k"),
    ("Token.Literal.String", "s"),
    ("Token.Literal.Number", "n"),
    ("Token.Comment", "c"),
)
_MAX_TEXT = 4_000
_CSS = """
.lookerframe-error{font:14px/1.5 system-ui,sans-serif;border:1px solid var(--line);border-left:4px solid var(--bad);
border-radius:6px;padding:10px 14px;margin:6px 0;max-width:100%;overflow:hidden}
.lookerframe-error h4{margin:0;font-size:14px;color:var(--bad)}
.lookerframe-error p{margin:4px 0;white-space:pre-wrap;overflow-wrap:anywhere}
.lookerframe-error .dim{color:var(--dim);font-size:12px}
.lookerframe-error pre{margin:8px 0;padding:6px 0;border:1px solid var(--line);border-radius:4px;overflow-x:auto;
font:12px/1.5 ui-monospace,monospace;background:none;color:inherit}
.lookerframe-error .l{display:block;padding:0 10px;min-width:max-content;white-space:pre}
.lookerframe-error .here{background:var(--mark)}
.lookerframe-error i{font-style:normal;color:var(--dim);user-select:none}
.lookerframe-error mark{background:var(--bad);color:var(--on-bad);border-radius:2px}
.lookerframe-error .k{color:var(--k)}.lookerframe-error .s{color:var(--s)}
.lookerframe-error .n{color:var(--n)}.lookerframe-error .c{color:var(--dim)}
.lookerframe-error a{color:var(--k)}
""".strip()
_LIGHT = (
    "--bad:#b3261e;--on-bad:#fff;--dim:#5f6368;--line:#dadce0;--mark:#fce8e6;--k:#174ea6;--s:#0d652d;--n:#9334e6;"
    "background:#fff;color:#202124;color-scheme:light"
)
_DARK = (
    "--bad:#f28b82;--on-bad:#202124;--dim:#9aa0a6;--line:#3c4043;--mark:#4a2b2a;--k:#8ab4f8;--s:#81c995;--n:#d7aefb;"
    "background:#202124;color:#e8eaed;color-scheme:dark"
)
#: The system's choice, and those of the notebook programs that have one of their own.
_STYLE = (
    f"{_CSS}\n.lookerframe-error{{{_LIGHT}}}\n@media (prefers-color-scheme:dark){{.lookerframe-error{{{_DARK}}}}}\n"
    f'[data-jp-theme-light="true"] .lookerframe-error,.vscode-light .lookerframe-error{{{_LIGHT}}}\n'
    f'[data-jp-theme-light="false"] .lookerframe-error,.vscode-dark .lookerframe-error{{{_DARK}}}\n'
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that went wrong.

    Attributes
    ----------
    message
        What the database said.
    summary
        Looker's sentence on it.
    where
        The place in words.
    line, column
        The place in the SQL, counted from 1.
    """

    message: str
    summary: str | None = None
    where: str | None = None
    line: int | None = None
    column: int | None = None


def error_panel(
    title: str,
    entries: Iterable[Entry],
    *,
    sql: str | None,
    facts: Iterable[tuple[str, str]],
    links: Iterable[tuple[str, str]],
) -> str:
    """Write the panel as HTML.

    Parameters
    ----------
    title
        What it is about.
    entries
        What went wrong.
    sql
        The statement.
    facts
        Names and values below.
    links
        Names and addresses; what is no web address is left out.
    """
    parts = [f"<h4>{_escaped(title)}</h4>"]
    excerpts = 0
    for entry in entries:
        parts.append(f"<p>{_escaped(entry.message)}</p>")
        parts += [f'<p class="dim">{_escaped(text)}</p>' for text in (entry.summary, entry.where) if text]
        if sql and entry.line and (excerpt := _excerpt(sql, entry.line, entry.column)):
            parts.append(excerpt)
            excerpts += 1
    if sql and not excerpts:
        parts.append(_statement(sql))
    rows = [f"{_escaped(name)}: {_escaped(value)}" for name, value in facts]
    rows += [
        f'<a href="{_escaped(address)}" target="_blank" rel="noopener noreferrer">{_escaped(name)}</a>'
        for name, address in links
        if address.startswith(("https://", "http://"))
    ]
    if rows:
        parts.append(f'<p class="dim">{" · ".join(rows)}</p>')
    return f'<style>{_STYLE}</style><div class="lookerframe-error">{"".join(parts)}</div>'


def _excerpt(sql: str, line: int, column: int | None) -> str:
    lines = window(sql, line, column)
    return f"<pre>{''.join(_shown(item, len(str(lines[-1].number))) for item in lines)}</pre>" if lines else ""


def _statement(sql: str) -> str:
    return f'<pre><span class="l">{_coloured(shorten(sql, _MAX_TEXT).expandtabs(TAB_WIDTH))}</span></pre>'


def _shown(line: Line, gutter: int) -> str:
    text = _coloured(line.text, line.marked)
    here = " here" if line.is_here else ""
    return f'<span class="l{here}"><i>{line.number:>{gutter}} | </i>{text}</span>'


def _coloured(text: str, marked: int | None = None) -> str:
    """Escape SQL, colour its words, and mark the one that begins at or holds a character."""
    out = []
    for start, kind, token in _tokens(text):
        found = _escaped(token, limit=None)
        if marked is not None and start <= marked < start + len(token):
            found = f"<mark>{found}</mark>"
        elif kind:
            found = f'<span class="{kind}">{found}</span>'
        out.append(found)
    if marked is not None and marked >= len(text):
        out.append("<mark> </mark>")
    return "".join(out)


def _tokens(text: str) -> Iterator[tuple[int, str, str]]:
    try:
        from pygments.lexers.sql import SqlLexer  # type: ignore[import-untyped]
    except ImportError:
        yield 0, "", text
        return
    for start, kind, token in SqlLexer(stripnl=False, ensurenl=False).get_tokens_unprocessed(text):
        name = str(kind)
        yield start, next((short for prefix, short in _COLOURED if name.startswith(prefix)), ""), token


def _escaped(text: str, limit: int | None = _MAX_TEXT) -> str:
    return html.escape(printable(text if limit is None else shorten(text, limit)))
