"""``json_fe``, and formats that this version does not know: rows if they look like rows, else a document.

Source: the API's list of formats, which names ``json_fe`` without giving its shape, and has grown between releases.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lookerframe.exceptions import IncompleteResultError
from lookerframe.formats.json_rows import JsonRows
from lookerframe.result import Document, Findings
from lookerframe.rows import first_row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lookerframe.columns import Decoding
    from lookerframe.payload import Payload
    from lookerframe.result import Result

#: Bytes in which the first row must end for the body to be taken as rows.
_MAX_START = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_WHITE = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A decoder of what no source describes.

    Attributes
    ----------
    name
        The result format.
    """

    name: str

    def decode(self, payload: Payload, decoding: Decoding) -> Result:
        """Turn a payload into a result, with a note on what it was taken for; see `formats.decode`.

        Raises
        ------
        IncompleteResultError
            It is empty.
        """
        chunks = iter(payload.chunks)
        seen, are_rows = _looked_at(chunks)
        again = replace(payload, chunks=itertools.chain([seen], chunks))
        if are_rows:
            result = JsonRows(self.name).decode(again, decoding)
            what = "read as json, for it is an array of flat objects"
        else:
            content = again.read()
            if not content.strip():
                message = "the body is empty: expected a result"
                raise IncompleteResultError(message, result_format=self.name)
            findings = Findings({"result_format": self.name, **payload.context})
            result = Document(content, findings, stats=payload.stats)
            what = "left as it came, for it is no array of flat objects; see .text and .content"
        result._findings.note(f"no source says what {self.name!r} looks like: {what}")  # noqa: SLF001
        return result


def _looked_at(chunks: Iterable[bytes]) -> tuple[bytes, bool]:
    """Read as far as the first row; return what was read, and whether it is one of flat rows."""
    seen = bytearray()
    due = 1
    for chunk in chunks:
        seen += chunk
        if len(seen) >= due:
            if (found := _are_rows(seen)) is not None:
                return bytes(seen), found
            if len(seen) > _MAX_START:
                break
            due = 2 * len(seen)  # a search that failed is repeated only when twice as much has been read
    return bytes(seen), bool(_are_rows(seen))


def _are_rows(seen: bytearray) -> bool | None:
    """Tell whether an array of flat objects begins; None if that cannot be told yet."""
    if _BOM.startswith(seen):
        return None
    start = bytes(seen).removeprefix(_BOM).lstrip(_WHITE)
    inner = start[1:].lstrip(_WHITE)
    if start[:1] not in (b"", b"[") or inner[:1] not in (b"", b"{", b"]"):
        return False
    if inner.startswith(b"]"):
        return True
    row = first_row(inner, result_format=None)
    return all(not isinstance(value, dict | list) for value in row.values()) if row else None
