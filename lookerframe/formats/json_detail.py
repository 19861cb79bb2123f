"""``json_detail``: one JSON object with the rows, what Looker knows of their fields, the SQL, and what went wrong.

Source: Looker API 4.0, ``query_task_results``, which documents the errors (HTTP 200, ``errors`` set, ``data`` empty)
but not the object; its members and their order are those of recorded answers. ``fields`` stands before ``data`` in all
of them, so rows are typed as they arrive. In another order they are kept in a temporary file until ``fields`` is known.
"""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING, Any

import msgspec

from lookerframe.exceptions import PayloadLimitError
from lookerframe.fields import Field, fields_of
from lookerframe.formats.failures import failed_rows, refuse_error_rows, refuse_failed_query, refuse_pivots
from lookerframe.render import shorten
from lookerframe.result import Findings, Result
from lookerframe.rows import RowArray, first_row, well_formed
from lookerframe.typed_rows import ERROR_KEY, RowDecoder
from lookerframe.validation import check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lookerframe.fields import Typing
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
        if head.get("fields") is not None:
            self._check(head)
            self._learn(head, findings)
            return self._result(head, rows, payload, findings, typing=typing, on_truncate=on_truncate)
        spool = Spool()
        try:
            spool.take(rows)
            head = self._end(rows, payload, findings, spool)
            return self._result(head, rows, payload, findings, typing=typing, on_truncate=on_truncate, spool=spool)
        except BaseException:
            spool.close()
            raise

    def _result(
        self,
        head: Mapping[str, Any],
        rows: RowArray,
        payload: Payload,
        findings: Findings,
        *,
        typing: Typing,
        on_truncate: OnTruncate,
        spool: Spool | None = None,
    ) -> Result:
        metadata = head.get("fields")
        if metadata is None and payload.fields is not None:
            metadata = payload.fields()
        if metadata is not None:
            fields = fields_of(metadata)
            refuse_pivots(metadata, result_format=self.name)
        else:
            fields = tuple(Field(name) for name in (spool.names if spool else ()))
            findings.note("the payload has no field metadata: types are inferred from the values")
        refuse_pivots(head, result_format=self.name)
        columns = typing.columns(fields)
        decoder = RowDecoder(columns, in_cells=True, result_format=self.name)
        pieces = self._pieces(rows, decoder, payload, findings, spool)

        def close() -> None:
            if spool is not None:
                spool.close()
            payload.close()

        return Result(
            columns,
            pieces,
            findings,
            close=close,
            on_failure=payload.on_failure,
            stats=payload.stats,
            on_truncate=on_truncate,
        )

    def _pieces(
        self, rows: RowArray, decoder: RowDecoder, payload: Payload, findings: Findings, spool: Spool | None
    ) -> Iterator[Piece]:
        with failed_rows(decoder, payload, findings):
            if spool is None:
                yield from decoder.data(rows.pieces(decoder))
                self._end(rows, payload, findings)
            else:
                yield from decoder.data(spool.pieces(decoder))
        if decoder.unlisted:
            names = shorten(", ".join(decoder.unlisted), 500)
            findings.note(f"rows have members that `fields` does not list; they are not in the table: {names}")

    def _end(self, rows: RowArray, payload: Payload, findings: Findings, spool: Spool | None = None) -> dict[str, Any]:
        envelope = rows.envelope()
        refuse_failed_query(envelope, payload, findings)
        if spool is not None and spool.errors and envelope.get("fields") is None:
            refuse_error_rows(spool.errors, payload, sql=envelope.get("sql"))
        for note in self._check(envelope):
            findings.note(note)
        refuse_pivots(envelope, result_format=self.name)
        truncated = envelope.get("truncated")
        # Looker writes `truncated` only where it is true. Source: recorded answers.
        findings.truncated = truncated if isinstance(truncated, bool) else False
        self._learn(envelope, findings)
        return envelope

    def _check(self, envelope: Mapping[str, Any]) -> tuple[str, ...]:
        # Failures were refused: what is left of errors are notes on a query that ran, so its rows are due.
        left = {key: value for key, value in envelope.items() if key not in ("errors", "error")}
        return check(left, schema=self.name, result_format=self.name)

    def _learn(self, envelope: Mapping[str, Any], findings: Findings) -> None:
        findings.metadata.update({key: envelope[key] for key in _METADATA if envelope.get(key) is not None})


class Spool:
    """Rows that arrived before their field metadata: checked, and kept in a temporary file.

    Attributes
    ----------
    names : dict
        The names of their members, in the order in which they were met.
    errors : list
        What their members ``looker_error`` hold, should that be no column.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115 - `close`
        self._sizes: list[int] = []
        self.names: dict[str, None] = {}
        self.errors: list[Any] = []

    def take(self, rows: RowArray) -> None:
        """Take all rows.

        Raises
        ------
        PayloadError
            They are not whole, well-formed rows.
        PayloadLimitError
            There is no place for them in the folder of temporary files.
        """
        for _ in rows.pieces(self._keep):
            pass

    def _keep(self, piece: memoryview) -> None:
        first_row(str(piece, "utf-8"), result_format=JsonDetail.name)
        found = msgspec.json.decode(bytes(piece), type=list[dict[str, msgspec.Raw]])
        self.names.update(dict.fromkeys(name for row in found for name in row))
        self.errors += [msgspec.json.decode(row[ERROR_KEY]) for row in found if ERROR_KEY in row]
        try:
            self._sizes.append(self._file.write(piece))
        except OSError as exc:
            message = f"the rows come before `fields`, and a temporary file cannot keep them: {exc.strerror}"
            raise PayloadLimitError(message, result_format=JsonDetail.name) from exc

    def pieces(self, decoder: RowDecoder) -> Iterator[Piece]:
        """Decode the rows, in pieces as they came."""
        self._file.seek(0)
        for size in self._sizes:
            with well_formed(JsonDetail.name, offset=0):
                piece = decoder(memoryview(self._file.read(size)))
            yield piece

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
