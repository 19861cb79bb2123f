"""``json``, ``inline_json`` and ``json_label``: an array of objects, field name or label → value, and nothing else.

Source: Looker API 4.0 and recorded answers; a failed query is HTTP 400, or HTTP 200 with ``[{"looker_error": "..."}]``.
Field metadata comes from the explore or from the caller; where there is none, types are inferred from the values, over
all rows. Pivoted values are nested, ``{"orders.count": {"orders.status": {"complete": 1}}}``, one pivot in the other;
nothing lists the pivots, so the rows are kept in a temporary file until all are known. That totals are the last row,
and those of a row stand beside the values of the first pivot, is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from lookerframe.columns import Pivot
from lookerframe.exceptions import PayloadError
from lookerframe.fields import Field, fields_of, pivot_fields_of
from lookerframe.formats.failures import failed_rows
from lookerframe.formats.spool import Spool
from lookerframe.layout import Layout, spread_fields
from lookerframe.pivots import ROW_TOTAL, TOTAL
from lookerframe.render import shorten
from lookerframe.result import Findings
from lookerframe.rows import RowArray, refuse_deep
from lookerframe.typed_rows import ERROR_KEY, RowDecoder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lookerframe.columns import Decoding
    from lookerframe.payload import Payload
    from lookerframe.result import Result
    from lookerframe.typed_rows import Piece

#: Pivoted values, in their order, and those of the next dimension below each.
Values: TypeAlias = "dict[str, Values]"


@dataclass(frozen=True, slots=True)
class JsonRows:
    """A decoder of plain rows.

    Attributes
    ----------
    name
        The result format.
    by_label
        Whether the rows' members are labels of fields.
    """

    name: str
    by_label: bool = False

    def decode(self, payload: Payload, decoding: Decoding) -> Result:
        """Turn a payload into a result, its first batch read; see `formats.decode`."""
        decoding.refuse_cells(self.name)
        return _Reading(self, payload, decoding).result()


class _Reading:
    """One payload on its way to a result."""

    def __init__(self, form: JsonRows, payload: Payload, decoding: Decoding) -> None:
        self._form = form
        self._payload = payload
        self._decoding = decoding
        self._findings = Findings({"result_format": form.name, **payload.context})
        self._rows = RowArray(
            payload.chunks,
            key=None,
            result_format=form.name,
            max_row_bytes=payload.max_row_bytes,
            max_envelope_bytes=payload.max_row_bytes,
        )
        self._spool: Spool | None = None
        self._keys: Mapping[str, str] = {}
        self._supermeasures: Sequence[str] = ()
        self._missing: set[str] = set()

    def result(self) -> Result:
        self._rows.head()
        row = self._rows.first_row()
        described = self._payload.fields is not None
        # Nothing is looked up for a query that failed; where it is not known what is a field, one more may well be.
        if ERROR_KEY in row and (len(row) == 1 or not described):
            return self._decoded(Layout((), decoding=self._decoding), closed=False)
        try:
            return self._decoded(self._layout(row), closed=not described)
        except BaseException:
            self._close()
            raise

    def _decoded(self, layout: Layout, *, closed: bool) -> Result:
        decoder = RowDecoder(layout.columns, in_cells=False, result_format=self._form.name, closed=closed)
        return layout.result(self._pieces(layout, decoder), self._findings, self._payload, close=self._close)

    def _close(self) -> None:
        if self._spool is not None:
            self._spool.close()
        self._payload.close()

    def _layout(self, row: Mapping[str, Any]) -> Layout:
        fields, heads = self._fields(row)
        self._keys = self._keyed([*fields, *heads])
        self._missing = {field.name for field in fields if row and self._keys[field.name] not in row}
        levels = [self._keys[field.name] for field in heads]
        pivots: tuple[Pivot, ...] = ()
        if levels and row:
            self._spool = Spool(self._form.name)
            self._spool.take(self._rows)
            self._rows.envelope()
            pivots = _pivots(self._spool.pieces(self._built), levels)

        def is_spread(field: Field) -> bool:
            cell = row.get(self._keys[field.name])
            return not row or (isinstance(cell, dict) and levels[0] in cell)

        pivoted = spread_fields(fields, is_spread, supermeasures=self._supermeasures) if heads else ()
        if self._spool is not None and not pivots:
            self._refuse_bare_values(self._spool, pivoted, levels)
        context = self._findings.metadata
        timezone = context.get("timezone")
        return Layout(
            fields,
            decoding=self._decoding,
            pivot_fields=heads,
            pivots=pivots,
            pivoted=pivoted,
            timezone=timezone if isinstance(timezone, str) else None,
            totals_row=bool(context.get("total")),
            path=lambda field, pivot, _part: _path(self._keys[field.name], pivot, levels),
        )

    def _built(self, piece: memoryview) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = msgspec.json.decode(piece)
        refuse_deep(rows, result_format=self._form.name)
        return rows

    def _fields(self, row: Mapping[str, Any]) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
        """Return the fields of the rows, and those by which they are pivoted."""
        if self._payload.fields is None:
            self._findings.note(
                "no field metadata was given: types are inferred from the values; give fields= for Looker's"
            )
            return tuple(Field(name) for name in row), tuple(Field(name) for name in _levels(row))
        metadata = self._payload.fields()
        fields, heads = fields_of(metadata), pivot_fields_of(metadata)
        self._supermeasures = [item["name"] for item in metadata.get("supermeasure_like") or ()]
        if not heads and (levels := _levels(row)):
            known = {self._key(field): field for field in fields}
            heads = tuple(known.get(level, Field(level)) for level in levels)
            fields = tuple(field for field in fields if field not in heads)
        return fields, heads

    def _refuse_bare_values(self, spool: Spool, pivoted: Sequence[str], levels: Sequence[str]) -> None:
        """Refuse values of pivoted fields, where no row has a pivot that would make columns of them."""
        names = [self._keys[name] for name in pivoted]
        for place, row in enumerate(row for rows in spool.pieces(self._built) for row in rows):
            for name in names:
                if name in row and not _is_empty(row[name]):
                    met = shorten(repr(row[name]), 120)
                    message = f"row {place:,} {name}: expected values by {' and '.join(levels)}, met {met}"
                    raise PayloadError(message, result_format=self._form.name)

    def _note_missing(self) -> None:
        if self._missing:
            names = shorten(", ".join(name for name in self._keys if name in self._missing), 500)
            hint = "" if "fields" in self._payload.context else "; if it is an explore's metadata, give query="
            self._findings.note(
                f"no row has a value of {len(self._missing):,} of the fields described, which are null: {names}{hint}"
            )

    def _key(self, field: Field) -> str:
        return (field.label or field.name) if self._form.by_label else field.name

    def _keyed(self, fields: Sequence[Field]) -> dict[str, str]:
        """Say under which member the values of each field stand."""
        keys = {field.name: self._key(field) for field in fields}
        if len(set(keys.values())) != len(keys):
            twice = next(key for key in keys.values() if list(keys.values()).count(key) > 1)
            message = f"two fields have the label {twice!r}, so their values cannot be told apart; take another format"
            raise PayloadError(message, result_format=self._form.name)
        return keys

    def _pieces(self, layout: Layout, decoder: RowDecoder) -> Iterator[Piece]:
        with failed_rows(decoder, self._payload, self._findings):
            for piece in decoder.data(
                self._rows.pieces(decoder) if self._spool is None else self._spool.pieces(decoder)
            ):
                self._missing -= _met(layout, piece) if self._missing else set()
                yield piece
            if self._spool is None:
                self._rows.envelope()
        self._note_missing()
        if unlisted := [name for name in decoder.unlisted if name not in self._keys.values()]:
            names = shorten(", ".join(unlisted), 500)
            self._findings.note(
                f"rows have members that no field metadata describes; they are not in the table: {names}"
            )


def _met(layout: Layout, piece: Piece) -> set[str]:
    """Name the fields of which a piece has a value."""
    columns = zip(layout.columns, piece.arrays, strict=True)
    return {column.field.name for column, array in columns if array.null_count < len(array)}


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, dict) and all(map(_is_empty, cell.values())))


def _levels(row: Mapping[str, Any]) -> list[str]:
    """Name the pivoted dimensions by how values are nested in a row."""
    nested = next((cell for cell in row.values() if isinstance(cell, dict)), None)
    found = []
    while isinstance(nested, dict) and nested:
        level, values = next(iter(nested.items()))
        found.append(level)
        inner = values.values() if isinstance(values, dict) else ()
        nested = next((value for value in inner if isinstance(value, dict)), None)
    return found


def _pivots(pieces: Iterator[list[dict[str, Any]]], levels: Sequence[str]) -> tuple[Pivot, ...]:
    """Gather all combinations of pivoted values that rows have, in the order in which they stand there."""
    tree: Values = {}
    has_totals = False
    for row in (row for rows in pieces for row in rows):
        for cell in row.values():
            values = _values(cell, levels[0])
            has_totals = has_totals or ROW_TOTAL in values
            _grow(tree, {value: inner for value, inner in values.items() if value != ROW_TOTAL}, levels[1:])
    # A null is the empty text. Source: recorded answers.
    found = [Pivot("|".join(path), tuple(value or None for value in path)) for path in _paths(tree, len(levels))]
    return (*found, TOTAL) if has_totals else tuple(found)


def _values(cell: Any, level: str) -> Mapping[str, Any]:
    values = cell.get(level) if isinstance(cell, dict) else None
    return values if isinstance(values, dict) else {}


def _grow(tree: Values, values: Mapping[str, Any], levels: Sequence[str]) -> None:
    """Put values that are new after those that they follow where they were met, level by level."""
    if values.keys() - tree.keys():
        order = list(tree)
        place = 0
        for value in values:
            if value in tree:
                place = order.index(value) + 1
            else:
                order.insert(place, value)
                place += 1
        grown = {value: tree.get(value, {}) for value in order}
        tree.clear()
        tree.update(grown)
    for value, inner in values.items() if levels else ():
        _grow(tree[value], _values(inner, levels[0]), levels[1:])


def _paths(tree: Values, depth: int) -> Iterator[tuple[str, ...]]:
    for value, inner in tree.items():
        yield from [(value,)] if depth == 1 else [(value, *path) for path in _paths(inner, depth - 1)]


def _path(key: str, pivot: Pivot | None, levels: Sequence[str]) -> tuple[str, ...]:
    if pivot is None:
        return (key,)
    if pivot.is_total:
        return (key, levels[0], ROW_TOTAL)
    values = ("" if value is None else value for value in pivot.values)
    return (key, *(part for pair in zip(levels, values, strict=True) for part in pair))
