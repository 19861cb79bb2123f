"""What `json_detail` and `json_bi` have in common: rows of cells, described in the same document.

What describes the rows stands before them in all recorded answers, so rows are typed as they arrive. In another order
they are kept in a temporary file until it is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from lookerframe.exceptions import PayloadError, SchemaError, SchemaProblem
from lookerframe.fields import GROUPS, Field, completed, fields_of, pivot_fields_of
from lookerframe.formats.failures import failed_rows, refuse_error_rows, refuse_failed_query
from lookerframe.formats.spool import Spool
from lookerframe.layout import Layout, spread_fields
from lookerframe.pivots import ROW_TOTAL, TOTAL, pivots_of
from lookerframe.render import shorten
from lookerframe.result import Findings
from lookerframe.rows import RowArray, well_formed
from lookerframe.typed_rows import ERROR_KEY, Piece, RowDecoder
from lookerframe.validation import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lookerframe.columns import Decoding, Part, Pivot
    from lookerframe.payload import Payload
    from lookerframe.result import Result
    from lookerframe.validation import Mode

#: How the envelope says whether columns were cut; of other words nothing is known.
_WORDS = {"true": True, "yes": True, "false": False, "no": False}
#: The member of a subtotal that names the dimensions that are grouped by. Source: recorded answers.
_GROUPING = "$$$__grouping__$$$"
#: The member of field metadata that is false where times are shown as the database has them.
_ZONED = "convert_tz"


@dataclass(frozen=True, slots=True)
class CellRows:
    """A decoder of rows of cells.

    Attributes
    ----------
    name, schema
        The result format, and its JSON Schema.
    rows
        The member that is the array of rows.
    describe
        The envelope → what describes the rows: ``fields``, ``pivots``, ``has_totals``, ``has_row_totals``,
        ``timezone``, ``truncated``, ``columns_truncated``, ``totals_data``, ``subtotals_data``.
    metadata
        Members of that description that become `Result.metadata` as they are.
    has_parts
        Whether cells hold more than values.
    totals_last
        Whether totals are the last row, rather than a member of the envelope.
    is_terse
        Whether ``fields`` leaves out ``convert_tz`` and the types of calculations, which other metadata has.
    """

    name: str
    schema: str
    rows: str
    describe: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    metadata: Sequence[str]
    has_parts: bool = False
    totals_last: bool = False
    is_terse: bool = False

    def decode(self, payload: Payload, decoding: Decoding) -> Result:
        """Turn a payload into a result, its first batch read; see `formats.decode`."""
        if not self.has_parts:
            decoding.refuse_cells(self.name)
        return _Reading(self, payload, decoding).result()


class _Reading:
    """One payload on its way to a result."""

    def __init__(self, form: CellRows, payload: Payload, decoding: Decoding) -> None:
        self._form = form
        self._payload = payload
        self._decoding = decoding
        self._findings = Findings({"result_format": form.name, **payload.context})
        self._rows = RowArray(
            payload.chunks,
            key=form.rows,
            result_format=form.name,
            max_row_bytes=payload.max_row_bytes,
            max_envelope_bytes=payload.max_row_bytes,
        )
        self._spool: Spool | None = None

    def result(self) -> Result:
        head = self._rows.head()
        refuse_failed_query(head, self._payload, self._findings)
        described = self._form.describe(head)
        if described.get("fields") is not None:
            self._check(head)
            if "pivots" in described or not described["fields"].get("pivots"):
                self._learn(described)
                return self._decoded(described, self._rows.first_row())
        self._spool = Spool(self._form.name)
        try:
            self._spool.take(self._rows)
            return self._decoded(self._end(), self._spool.first)
        except BaseException:
            self._spool.close()
            raise

    def _decoded(self, described: Mapping[str, Any], row: Mapping[str, Any]) -> Result:
        if ERROR_KEY not in row and described.get("fields") is not None:
            described = {**described, "fields": self._completed(described["fields"])}
        layout = self._layout(described, {} if ERROR_KEY in row else row)
        decoder = RowDecoder(layout.columns, in_cells=True, result_format=self._form.name)
        return layout.result(self._pieces(layout, decoder), self._findings, self._payload, close=self._close)

    def _close(self) -> None:
        if self._spool is not None:
            self._spool.close()
        self._payload.close()

    def _completed(self, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
        """Look for what the payload's own metadata leaves out, if a column depends on it."""
        if self._form.is_terse and self._payload.fields is not None:
            untyped = (field for field in fields_of(metadata) if field.is_calculation and field.type is None)
            if self._unplaced(metadata) or any(field.name not in self._decoding.dtypes for field in untyped):
                metadata = completed(metadata, self._payload.fields())
        if times := self._unplaced(metadata):
            self._findings.note(
                f"{self._form.name} does not say whether convert_tz is no for {shorten(', '.join(times), 500)}: the "
                "times are taken for those of the query's time zone; give fields= for Looker's word"
            )
        return metadata

    def _unplaced(self, metadata: Mapping[str, Any]) -> list[str]:
        """Name the fields that shall have a time zone, though nothing says whether Looker converts their times."""
        told = {item["name"] for group in (*GROUPS, "pivots") for item in metadata.get(group) or () if _ZONED in item}
        fields = (*fields_of(metadata), *pivot_fields_of(metadata))
        readers = {
            field.name: self._decoding.reader(field, field.name, timezone="UTC")
            for field in fields
            if field.name not in told and not field.is_calculation
        }
        return [name for name, reader in readers.items() if getattr(reader.arrow_type, "tz", None) is not None]

    def _layout(self, described: Mapping[str, Any], row: Mapping[str, Any]) -> Layout:
        metadata = described.get("fields")
        if metadata is None and self._payload.fields is not None and (row or not self._rows.has_array):
            metadata = self._payload.fields()
        if metadata is None:
            self._findings.note("the payload has no field metadata: types are inferred from the values")
            names = self._spool.names if self._spool else ()
            metadata = {}
            fields = tuple(Field(name) for name in names)
        else:
            fields = fields_of(metadata)
        heads = pivot_fields_of(metadata)
        pivots = self._pivots(described, fields, heads, row)
        supermeasures = {item["name"] for item in metadata.get("supermeasure_like") or ()}
        keys = {pivot.key for pivot in pivots}

        def is_spread(field: Field) -> bool:
            cell = row.get(field.name)
            if not isinstance(cell, dict):
                return not row
            # A pivot may be called `value`, but what stands there is a cell then.
            return cell.keys() <= keys and all(isinstance(member, dict) for member in cell.values())

        timezone = described.get("timezone") or self._findings.metadata.get("timezone")
        return Layout(
            fields,
            decoding=self._decoding,
            pivot_fields=heads,
            pivots=pivots,
            pivoted=spread_fields(fields, is_spread, supermeasures=supermeasures) if heads or pivots else (),
            timezone=timezone if isinstance(timezone, str) else None,
            totals_row=self._form.totals_last and bool(described.get("has_totals")),
            path=_path,
        )

    def _pivots(
        self, described: Mapping[str, Any], fields: Sequence[Field], heads: Sequence[Field], row: Mapping[str, Any]
    ) -> tuple[Pivot, ...]:
        listed = pivots_of(described.get("pivots"), [field.name for field in heads], result_format=self._form.name)
        if heads and not listed and row:
            names = ", ".join(field.name for field in heads)
            message = f"the fields say that the result is pivoted by {names}, but it lists no `pivots`"
            raise PayloadError(message, result_format=self._form.name)
        if any(pivot.is_total for pivot in listed) or not listed:
            return listed
        cells = [row.get(field.name) for field in fields]
        has_row_totals = described.get("has_row_totals") or any(isinstance(c, dict) and ROW_TOTAL in c for c in cells)
        return (*listed, TOTAL) if has_row_totals else listed

    def _pieces(self, layout: Layout, decoder: RowDecoder) -> Iterator[Piece]:
        with failed_rows(decoder, self._payload, self._findings):
            if self._spool is None:
                yield from decoder.data(self._rows.pieces(decoder))
                self._end()
            else:
                yield from decoder.data(self._spool.pieces(decoder))
        if decoder.unlisted:
            names = shorten(", ".join(decoder.unlisted), 500)
            self._refuse_drift(names)
            self._findings.note(f"rows have members that `fields` does not list; they are not in the table: {names}")
        self._take_totals(layout)

    def _refuse_drift(self, names: str) -> None:
        if self._decoding.strict:
            problem = SchemaProblem(
                f"$.{self._form.rows}[0]", "additionalProperties", "members that `fields` lists", names
            )
            raise SchemaError([problem], schema=self._form.schema, result_format=self._form.name)

    def _take_totals(self, layout: Layout) -> None:
        """Decode the totals and subtotals that stand in the envelope."""
        totals = self._rows.member("totals_data")
        if totals.strip(b"{} \t\r\n") or (totals and self._findings.metadata.get("has_totals")):
            self._findings.totals = self._table(layout, [totals])
        if subtotals := self._rows.member("subtotals_data"):
            groups: dict[tuple[str, ...], list[bytes]] = {}
            for raw in _subtotal_rows(subtotals, self._form.name):
                groups.setdefault(_grouping(raw, self._form.name), []).append(bytes(raw))
            for names, rows in groups.items():
                self._findings.subtotals[names] = self._table(layout, rows)

    def _table(self, layout: Layout, rows: Sequence[bytes]) -> Any:
        decoder = RowDecoder(layout.columns, in_cells=True, result_format=self._form.name)
        with well_formed(self._form.name, offset=0):
            piece = decoder(memoryview(b"[" + b",".join(rows) + b"]"))
        if decoder.errors:
            refuse_error_rows(decoder.errors, self._payload, sql=self._findings.metadata.get("sql"))
        return layout.table([piece])

    def _end(self) -> Mapping[str, Any]:
        envelope = self._rows.envelope()
        refuse_failed_query(envelope, self._payload, self._findings)
        described = self._form.describe(envelope)
        if self._spool is not None and self._spool.errors and described.get("fields") is None:
            refuse_error_rows(self._spool.errors, self._payload, sql=described.get("sql"))
        for note in self._check(envelope):
            self._findings.note(note)
        truncated = described.get("truncated")
        if isinstance(truncated, bool) or not self._form.totals_last:
            # json_detail has `truncated` only where it is true, json_bi never. Source: recorded answers.
            self._findings.truncated = truncated is True
        self._findings.columns_truncated = _WORDS.get(str(described.get("columns_truncated")).lower())
        self._learn(described)
        return described

    def _check(self, envelope: Mapping[str, Any]) -> tuple[str, ...]:
        # Failures were refused: what is left of errors are notes on a query that ran, so its rows are due.
        left = {key: value for key, value in envelope.items() if key not in ("errors", "error")}
        mode: Mode = "strict" if self._decoding.strict else "lenient"
        return check(left, schema=self._form.schema, mode=mode, result_format=self._form.name)

    def _learn(self, described: Mapping[str, Any]) -> None:
        known = {key: described[key] for key in self._form.metadata if described.get(key) is not None}
        if isinstance(known.get("explore"), dict):  # other formats have its name, from the query
            about = known.pop("explore")
            known |= {f"explore_{key}".removesuffix("_name"): text for key, text in about.items() if text is not None}
        self._findings.metadata.update(known)


def _path(field: Field, pivot: Pivot | None, part: Part) -> tuple[str, ...]:
    return (field.name, part) if pivot is None else (field.name, pivot.key, part)


def _subtotal_rows(subtotals: bytes, result_format: str) -> list[msgspec.Raw]:
    try:
        groups = msgspec.json.decode(subtotals, type=dict[str, list[msgspec.Raw]])
    except msgspec.ValidationError as exc:
        message = f"`subtotals_data` is not an object of arrays of rows: {exc}"
        raise PayloadError(message, result_format=result_format) from exc
    return [row for rows in groups.values() for row in rows]


def _grouping(row: msgspec.Raw, result_format: str) -> tuple[str, ...]:
    try:
        members = msgspec.json.decode(row, type=dict[str, msgspec.Raw])
        return tuple(msgspec.json.decode(members.get(_GROUPING, b"[]"), type=list[str]))
    except msgspec.ValidationError as exc:
        message = f"a row of `subtotals_data` does not name its grouping: {exc}"
        raise PayloadError(message, result_format=result_format) from exc
