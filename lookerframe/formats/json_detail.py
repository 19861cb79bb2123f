"""``json_detail``: rows, field metadata, the SQL and every SQL error, in one JSON object.

Source: Looker API 4.0, ``query_task_results``, which documents the errors (HTTP 200, ``errors`` set, ``data`` empty) but
not the object; its members and their order are those of recorded answers. ``fields`` stands before ``data`` in all of
them, so rows are typed as they arrive. In another order they are kept in a temporary file until ``fields`` is known.
"""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING, Any

import msgspec

from lookerframe.exceptions import PayloadError
from lookerframe.fields import Field, fields_of
from lookerframe.formats.failures import refuse_error_rows, refuse_failed_query
from lookerframe.result import Findings, Result
from lookerframe.rows import RowArray, first_row
from lookerframe.typed_rows import RowDecoder, RowError
from lookerframe.validation import check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lookerframe.fields import Column, Typing
    from lookerframe.payload import Payload
    from lookerframe.result import OnTruncate
    from lookerframe.typed_rows import Piece

#: Members of the envelope that become `Result.metadata` as they are.
_METADATA = (
    "id",
    "sql",
    "timezone",
    "ran_at",
    "runtime",
    "from_cache",
    "result_source",
    "added_params",
    "applied_filters",
    "applied_filter_expression",
    "explore",
    "has_totals",
    "has_row_totals",
    "has_subtotals",
    "fill_fields",
    "number_format",
)
_SPOOL_BYTES = 8 * 1024 * 1024


class JsonDetail:
    """Decoder of ``json_detail``."""

    name = "json_detail"

    def decode(self, payload: Payload, *, typing: Typing, on_truncate: OnTruncate) -> Result:
        """Turn a payload into a result, its first batch read; see `formats.decode`."""
        findings = Findings({"result_format": self.name, **payload.context})
        rows = RowArray(payload.chunks, key="data", result_format=self.name)
        head = rows.head()
        refuse_failed_query(head, payload, findings)
        spool: Spool | None = None
        if "fields" not in head and rows.has_array:
            spool = Spool.of(rows)
            head = self._end(rows, payload, findings)
        self._learn(head, findings)
        columns = self._columns(head, rows, payload, typing, findings, spool)
        decoder = RowDecoder(columns, in_cells=True, result_format=self.name)
        pieces = self._pieces(rows, decoder, payload, findings, spool)
        return Result(
            columns, pieces, findings, close=payload.close, stats=payload.stats, on_truncate=on_truncate
        )

    def _columns(
        self,
        head: Mapping[str, Any],
        rows: RowArray,
        payload: Payload,
        typing: Typing,
        findings: Findings,
        spool: Spool | None,
    ) -> tuple[Column, ...]:
        check({"data": [], **head} if rows.has_array else head, schema=self.name, result_format=self.name)
        metadata = head.get("fields")
        if metadata is None and payload.fields is not None:
            metadata = payload.fields()
        if metadata is None:
            findings.note("the payload has no field metadata: types are inferred from the values")
            found = [Field(name) for name in (spool.names if spool else ())]
        else:
            if metadata.get("pivots") or head.get("pivots"):
                message = "the query is pivoted, and pivoted results are not decoded yet; run it without pivots"
                raise PayloadError(message, result_format=self.name)
            found = list(fields_of(metadata))
        columns = typing.columns(found)
        for name in typing.unused(columns):
            findings.note(f"dtypes names {name!r}, which is no column of this result")
        return columns

    def _pieces(
        self, rows: RowArray, decoder: RowDecoder, payload: Payload, findings: Findings, spool: Spool | None
    ) -> Iterator[Piece]:
        try:
            if spool is None:
                yield from rows.pieces(decoder)
                self._learn(self._end(rows, payload, findings), findings)
            else:
                yield from spool.pieces(decoder)
        except RowError as exc:
            refuse_error_rows(exc.errors, payload, sql=findings.metadata.get("sql"))
        if decoder.unlisted:
            names = ", ".join(decoder.unlisted)
            findings.note(f"rows have members that `fields` does not list; they are not in the table: {names}")

    def _end(self, rows: RowArray, payload: Payload, findings: Findings) -> Mapping[str, Any]:
        envelope = rows.envelope()
        refuse_failed_query(envelope, payload, findings)
        for note in check(envelope, schema=self.name, result_format=self.name):
            findings.note(note)
        truncated = envelope.get("truncated")
        # Looker writes `truncated` only where it is true. Source: recorded answers.
        findings.truncated = truncated if isinstance(truncated, bool) else False
        return envelope

    def _learn(self, envelope: Mapping[str, Any], findings: Findings) -> None:
        findings.metadata.update({key: envelope[key] for key in _METADATA if envelope.get(key) is not None})


class Spool:
    """Rows that arrived before their field metadata: checked, and kept in a temporary file."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115 - closed by pieces
        self._sizes: list[int] = []
        self.names: dict[str, None] = {}

    @classmethod
    def of(cls, rows: RowArray) -> Spool:
        """Take all rows."""
        spool = cls()
        for _ in rows.pieces(spool._keep):  # noqa: SLF001 - its own
            pass
        return spool

    def _keep(self, piece: memoryview) -> None:
        self.names.update(dict.fromkeys(first_row(str(piece, "utf-8"))))
        msgspec.json.decode(piece, type=list[msgspec.Raw])
        self._sizes.append(self._file.write(piece))

    def pieces(self, decoder: RowDecoder) -> Iterator[Piece]:
        """Decode the rows, in pieces as they came."""
        with self._file as file:
            file.seek(0)
            for size in self._sizes:
                yield decoder(memoryview(file.read(size)))
