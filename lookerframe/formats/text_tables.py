"""What ``csv``, ``txt``, ``html``, ``md`` and ``xlsx`` share: a table of texts under labels.

Fields are found by their labels, and types come from their metadata. Where there is none, the headings are names, and
types are told from the texts: numbers and booleans where all are, else text.
"""

from __future__ import annotations

from itertools import chain, islice, takewhile
from typing import TYPE_CHECKING

import pyarrow as pa

from lookerframe import arrays
from lookerframe.columns import unique
from lookerframe.exceptions import PayloadError
from lookerframe.fields import Field, fields_of, pivot_fields_of
from lookerframe.headings import Headings, read_headings, row_total_heading
from lookerframe.layout import Layout
from lookerframe.pivots import TOTAL
from lookerframe.render import shorten
from lookerframe.result import Findings
from lookerframe.text_arrays import text_array
from lookerframe.typed_rows import Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from lookerframe.columns import Column, Decoding
    from lookerframe.payload import Payload
    from lookerframe.result import Result

    Texts = Sequence[pa.Array]

#: What a context has that knows whether the query asks for totals: Looker leaves out what is not asked for.
_OF_QUERY = frozenset({"total", "model", "query_id"})
#: The number of the first row of a dashboard's tile.
_FIRST = "1"
#: Rows of headings that a tile may have.
_MAX_HEADINGS = 8


def decode_table(
    result_format: str,
    heading_rows: Sequence[Sequence[str]],
    batches: Iterable[Texts],
    payload: Payload,
    decoding: Decoding,
    *,
    expect: Callable[[Mapping[int, Column]], None] = lambda _columns: None,
) -> Result:
    """Make the result of a table of texts.

    Parameters
    ----------
    result_format
        For messages.
    heading_rows
        The rows of headings that the format tells from the others, one at least; further ones are taken from `batches`.
    batches
        The rows below: for each batch an array of n texts for each column, null where there is none; or an array of
        the type that the column is expected to have.
    payload, decoding
        See `formats.decode`.
    expect
        Told, before the rows are read, which column of the result stands at which place.

    Raises
    ------
    ConfigError, PayloadError, ConversionError
        The headings are not those of the query, or the first rows cannot be read; later rows raise as they are read.
    """
    decoding.refuse_cells(result_format)
    findings = Findings({"result_format": result_format, **payload.context})
    context = findings.metadata
    heads: tuple[Field, ...] = ()
    if payload.fields is None:
        rows, batches = _headed(heading_rows, batches, _known_pivots(context.get("pivots")), result_format)
        fields, headings = _named(rows, row_total=context.get("row_total"), result_format=result_format)
        findings.note("no field metadata was given: types are inferred from the values; give fields= for Looker's")
    else:
        metadata = payload.fields()
        fields, heads = fields_of(metadata), pivot_fields_of(metadata)
        rows, batches = _headed(heading_rows, batches, len(heads), result_format)
        headings = _described(rows, fields, heads, row_total=context.get("row_total"), result_format=result_format)
    for note in headings.notes:
        findings.note(note)
    if context.keys().isdisjoint(_OF_QUERY):
        findings.note(
            "nothing is known of the query: if it asks for totals, they are the last row of the table; give query="
        )
    timezone = context.get("timezone")
    layout = Layout(
        fields,
        decoding=decoding,
        pivot_fields=heads,
        pivots=headings.pivots,
        pivoted=headings.pivoted,
        timezone=timezone if isinstance(timezone, str) else None,
        totals_row=bool(context.get("total")),
    )
    if context.get("total"):
        batches = _last_row_apart(batches)
    slots = _slots(layout, headings)
    expect({place: column for place, column in zip(slots, layout.columns, strict=True) if place is not None})
    return layout.result(_pieces(layout, slots, batches), findings, payload)


def _last_row_apart(batches: Iterable[Texts]) -> Iterator[Texts]:
    """Make a batch of the last row, which is the totals: it may be of other types than the rows."""
    held: Texts | None = None
    for texts in batches:
        if texts and len(texts[0]):
            if held is not None:
                yield held
            held = texts
    if held is not None:
        last = len(held[0]) - 1
        yield [array.slice(0, last) for array in held]
        yield [array.slice(last) for array in held]


def _known_pivots(names: object) -> int | None:
    return len(names) if isinstance(names, list | tuple) else None


def _headed(
    heading_rows: Sequence[Sequence[str]], batches: Iterable[Texts], pivots: int | None, result_format: str
) -> tuple[list[Sequence[str]], Iterable[Texts]]:
    """Take the heading rows that are still among the others; without knowledge of pivots, those of a numbered tile."""
    found = list(heading_rows)
    width = len(found[-1])
    if not width:
        if not pivots:
            message = "the row of headings is empty"
            raise PayloadError(message, result_format=result_format)
        return found * (1 + pivots), batches
    rest = iter(batches)
    is_tile = pivots is None and len(found) == 1 and width > 1 and not found[0][0].strip()
    if not is_tile and (pivots is None or len(found) > pivots):
        return found, rest
    first = next(rest, None)
    if first is None:
        first = [pa.array([], pa.string())] * width
    count = _tile_headings(first, result_format) if is_tile else (pivots or 0) + 1 - len(found)
    if count > len(first[0]):
        message = f"the table ends within its headings, which are {1 + (pivots or 0)} rows"
        raise PayloadError(message, result_format=result_format)
    columns = [[text or "" for text in array.slice(0, count).to_pylist()] for array in first]
    found += zip(*columns, strict=True)
    return found, chain([[array.slice(count) for array in first]], rest)


def _tile_headings(first: Texts, result_format: str) -> int:
    """Count the heading rows that stand above row number 1."""
    numbers = [text or "" for text in first[0].slice(0, _MAX_HEADINGS).to_pylist()]
    count = numbers.index(_FIRST) if _FIRST in numbers else len(numbers)
    if any(numbers[:count]):
        message = (
            "the first column has no heading and no row numbers; if the query is pivoted, give fields= that say so"
        )
        raise PayloadError(message, result_format=result_format)
    return count


def _described(
    rows: Sequence[Sequence[str]],
    fields: Sequence[Field],
    heads: Sequence[Field],
    *,
    row_total: bool | None,
    result_format: str,
) -> Headings:
    """Find columns by their headings, one at least: a blank one above all values passes for that of row numbers."""
    headings = read_headings(rows, fields, heads, result_format=result_format, row_total=row_total)
    if fields and not any(headings.slots):
        message = f"no heading is that of a field of the query: {shorten(repr(list(rows[-1])), 120)}"
        raise PayloadError(message, result_format=result_format)
    return headings


def _named(
    rows: Sequence[Sequence[str]], *, row_total: bool | None, result_format: str
) -> tuple[tuple[Field, ...], Headings]:
    """Name columns by their headings; row numbers, and the labels of pivoted dimensions, are left out."""
    *above, labels = rows
    if not any(label.strip() for label in labels):
        message = f"the row of headings is blank: {shorten(repr(list(labels)), 120)}"
        raise PayloadError(message, result_format=result_format)
    first = bool(len(labels) > 1 and not any(row[0].strip() for row in rows))
    # The labels of the pivoted dimensions stand over the last column that is not pivoted.
    left = next((place for place, text in enumerate(above[0]) if text.strip()), len(labels)) if above else len(labels)
    values = [tuple(row[place] for row in above) if place > left else () for place in range(len(labels))]
    totals = _row_totals(values, row_total=row_total, pivots=len(above), result_format=result_format)
    names = unique(
        "|".join([label.strip(), *(() if place in totals else values[place])])
        for place, label in islice(enumerate(labels), first, None)
    )
    slots = [
        *[None] * first,
        *((name, TOTAL.key if place in totals else None) for place, name in enumerate(names, first)),
    ]
    spread = tuple(names[place - first] for place in totals)
    kept = [name for name in names if name not in spread]
    # What is pivoted stands before what is not, but for the dimensions.
    before = max(0, left + 1 - first) if totals else len(kept)
    ordered = (*kept[:before], *spread, *kept[before:])
    return tuple(map(Field, ordered)), Headings(tuple(slots), (TOTAL,) * bool(totals), spread)


def _row_totals(values: Sequence[tuple[str, ...]], *, row_total: bool | None, pivots: int, result_format: str) -> range:
    """Find the columns at the end that are the totals of their rows."""
    due = row_total_heading(pivots)
    count = sum(1 for _ in takewhile(lambda found: found == due, reversed(values))) if pivots else 0
    if row_total and pivots and not count:
        message = f"the query asks for totals of rows, but {values[-1]!r} heads the last columns, not {due!r}"
        raise PayloadError(message, result_format=result_format)
    return range(len(values) - (0 if row_total is False else count), len(values))


def _slots(layout: Layout, headings: Headings) -> list[int | None]:
    """Say where in the table the values of each column are."""
    places = {slot: place for place, slot in enumerate(headings.slots)}
    return [places.get((column.field.name, column.pivot.key if column.pivot else None)) for column in layout.columns]


def _pieces(layout: Layout, slots: Sequence[int | None], batches: Iterable[Texts]) -> Iterator[Piece]:
    spelt: set[int] = set()
    first_row = 0
    for texts in batches:
        rows = len(texts[0]) if texts else 0
        if not rows:
            continue
        found = []
        for place, column in zip(slots, layout.columns, strict=True):
            if place is None:
                found.append(pa.nulls(rows, column.reader.arrow_type or pa.null()))
            elif place in spelt or not pa.types.is_string(texts[place].type):
                found.append(texts[place])
            else:
                found.append(text_array(column.reader, texts[place], column=column.name, first_row=first_row))
            if column.reader is arrays.INFERRED and found[-1].type == pa.string() and place is not None:
                spelt.add(place)  # what was text once is not taken for a number later
        yield Piece(tuple(found), first_row, rows)
        first_row += rows
