"""What a saved payload is, by its first bytes."""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING

from lookerframe.exceptions import IncompleteResultError, UnexpectedContentError
from lookerframe.inflation import Inflater
from lookerframe.render import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: What `detect` answers to a body that wraps a result; see `webhook`.
WEBHOOK = "webhook"
#: What `detect` answers to results by task id; see `multi_results`.
MULTI_RESULTS = "multi_results"

_MAGIC = (
    (b"PK\x03\x04", "xlsx"),
    (b"PK\x05\x06", "xlsx"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
)
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_WRAPPERS = frozenset({"scheduled_plan", "attachment", "form_params"})
#: A string, whole or cut off, or a bracket.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[][{}]', re.DOTALL)
#: How results by task id begin.
_ENTRY = re.compile(r'\{\s*"[^"\\]+"\s*:\s*\{\s*"status"\s*:')
_COLON = re.compile(r"\s*+:")
#: How Looker's SQL begins. A heading of csv may begin with the same words, but hardly spelt so.
_SQL = re.compile(
    r"(?:SELECT|select)\s|(?:WITH|with)\s+\S+\s+(?:AS|as)\s*\(|(?:CREATE|create)\s+(?:\S+\s+){0,3}(?:AS|as)\s"
)
_OFFICE = re.compile(r"urn:schemas-microsoft-com|<odc:")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")


def detect(start: bytes) -> str:
    """Tell the result format of a payload.

    Parameters
    ----------
    start
        Its first bytes, some thousands of them; all, if there are no more.

    Returns
    -------
    str
        A result format, as the API spells it, ``"webhook"`` or ``"multi_results"``. Labels of `json_label` look like
        names, so it is told as ``"json"``; what is text and nothing else is ``"txt"`` if its first line has a tab, else
        ``"csv"``.

    Raises
    ------
    UnexpectedContentError
        It is nothing that a result can be.
    IncompleteResultError
        It is empty.
    """
    found = next((name for magic, name in _MAGIC if start.startswith(magic)), None)
    if found is None:
        text = _text(start)
        found = _BY_BRACKET.get(text[0], _of_lines)(text)
    return found


def inflated(chunks: Iterable[bytes], *, origin: str) -> Iterator[bytes]:
    """Inflate what was saved as gzip; pass on whatever else it is.

    Parameters
    ----------
    chunks
        The file.
    origin
        Its name, for messages.

    Raises
    ------
    IncompleteResultError
        The gzip stream stops before its end.
    PayloadError, PayloadLimitError
        It is damaged, or inflates more than a thousandfold.
    """
    source = iter(chunks)
    seen = b""
    for chunk in source:
        seen += chunk
        if len(seen) >= len(_GZIP):
            break
    if not seen.startswith(_GZIP):
        yield from itertools.chain([seen] if seen else [], source)
        return
    inflater = Inflater(origin)
    for chunk in itertools.chain([seen], source):
        yield from inflater.feed(chunk)
    inflater.end()


def _text(start: bytes) -> str:
    """Read the bytes as text, but for a character that is cut off at their end."""
    try:
        text = start.removeprefix(_BOM).decode()
    except UnicodeDecodeError as exc:
        if exc.reason != "unexpected end of data":
            raise _nothing_known(start) from None
        text = start.removeprefix(_BOM)[: exc.start].decode()
    if not text.strip():
        raise IncompleteResultError("the body is empty: expected a result", offset=0)
    if _CONTROL.search(text):
        raise _nothing_known(start)
    return text.lstrip()


def _nothing_known(start: bytes) -> UnexpectedContentError:
    met = shorten(repr(bytes(start[:60])), 200)
    message = f"the payload begins with {met}, as no result does; give result_format= if it is one all the same"
    return UnexpectedContentError(message, offset=0)


def _of_object(text: str) -> str:
    if _ENTRY.match(text):
        return MULTI_RESULTS
    names = set(_members(text))
    if names & _WRAPPERS:
        return WEBHOOK
    return "json_bi" if names & {"metadata", "rows"} else "json_detail"


def _members(text: str) -> Iterator[str]:
    """Name the members of an object, as far as its text reaches."""
    depth = 0
    for token in _TOKEN.finditer(text):
        kind = text[token.start()]
        if kind in "{[":
            depth += 1
        elif kind in "}]":
            depth -= 1
        elif depth == 1 and _COLON.match(text, token.end()):
            try:
                yield json.loads(token[0])
            except ValueError:  # reported when the body is parsed
                continue


def _of_markup(text: str) -> str:
    if _OFFICE.search(text):
        return "odc"
    return "gsxml" if text.startswith("<?xml") and "<!doctype html" not in text.lower() else "html"


def _of_lines(text: str) -> str:
    line = text.partition("\n")[0].rstrip()
    if len(line) > 1 and line.startswith("|") and line.endswith("|"):
        return "md"
    if text.startswith(("--", "/*")) or _SQL.match(text):
        return "sql"
    return "txt" if "\t" in line else "csv"


_BY_BRACKET: dict[str, Callable[[str], str]] = {"{": _of_object, "[": lambda _text: "json", "<": _of_markup}
