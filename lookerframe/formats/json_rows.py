"""``json``: an array of flat objects, field name → value, and nothing else.

Source: Looker API 4.0 (``json``: plain JSON) and recorded answers; a failed query is HTTP 400, or HTTP 200 with
``[{"looker_error": "..."}]``. Field metadata comes from the explore or from the caller; where there is none, types are
inferred from the values, over all rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lookerframe.fields import Field, fields_of
from lookerframe.formats.failures import failed_rows, refuse_pivots
from lookerframe.render import shorten
from lookerframe.result import Findings, Result
from lookerframe.rows import RowArray
from lookerframe.typed_rows import ERROR_KEY, RowDecoder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.fields import Typing
    from lookerframe.payload import Payload
    from lookerframe.result import OnTruncate
    from lookerframe.typed_rows import Piece


class JsonRows:
    """Decoder of ``json``."""

    name = "json"

    def decode(self, payload: Payload, *, typing: Typing, on_truncate: OnTruncate) -> Result:
        """Turn a payload into a result, its first batch read; see `formats.decode`."""
        findings = Findings({"result_format": self.name, **payload.context})
        rows = RowArray(payload.chunks, key=None, result_format=self.name)
        rows.head()
        keys = rows.first_keys()
        described = payload.fields is not None
        failed = ERROR_KEY in keys and (len(keys) == 1 or not described)
        fields: tuple[Field, ...] = ()  # nothing to look up for a query that failed
        if payload.fields is not None and not failed:
            metadata = payload.fields()
            fields = fields_of(metadata)
            refuse_pivots(metadata, result_format=self.name)
        elif not failed:
            fields = tuple(Field(name) for name in keys)
            findings.note("no field metadata was given: types are inferred from the values; give fields= for Looker's")
        columns = () if failed else typing.columns(fields)
        decoder = RowDecoder(columns, in_cells=False, result_format=self.name, closed=not described and not failed)
        pieces = _pieces(rows, decoder, payload, findings)
        return Result(
            columns,
            pieces,
            findings,
            close=payload.close,
            on_failure=payload.on_failure,
            stats=payload.stats,
            on_truncate=on_truncate,
        )


def _pieces(rows: RowArray, decoder: RowDecoder, payload: Payload, findings: Findings) -> Iterator[Piece]:
    with failed_rows(decoder, payload, findings):
        yield from decoder.data(rows.pieces(decoder))
        rows.envelope()
    if decoder.unlisted:
        names = shorten(", ".join(decoder.unlisted), 500)
        findings.note(f"rows have members that no field metadata describes; they are not in the table: {names}")
