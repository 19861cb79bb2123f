"""Heading rows of a table → the field and the pivot of each of its columns.

Sources: labels head the columns, in an order that need not be the query's (observed). With pivots a row for each
pivoted dimension stands above them (recorded, with one pivot): its label over the last column that is not pivoted, then
each value over each of its measures. A dashboard's tile begins with a column of row numbers that has no heading, has
short labels, and a blank before those of dimensions (recorded). Assumed are several pivots, ``Row Total`` over the
totals of a row, an empty text for a null, and that fields of one label stand in the order of the fields. What is not
pivoted may stand right of the pivots too, under an empty text; a null alone then has no other pivot to tell it by.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lookerframe.columns import Pivot
from lookerframe.exceptions import PayloadError
from lookerframe.pivots import NULL_KEY, SEPARATOR, TOTAL
from lookerframe.render import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lookerframe.fields import Field

#: What heads the totals of the rows.
ROW_TOTAL_LABEL = "Row Total"

_UNTOLD_ROW_TOTAL = (
    f"{ROW_TOTAL_LABEL!r} heads columns that are not the last: they are taken for a pivot of that name, but may be "
    "totals of the rows"
)
_MAX_SHOWN = 500
_FLOAT = re.compile(r"-?\d+(?:\.\d+)?e[+-]\d+", re.ASCII)
_SPELLINGS: tuple[Callable[[Field], str], ...] = (
    lambda field: field.label or field.name,
    lambda field: field.label_short or field.label or field.name,
    lambda field: field.name,
)


@dataclass(frozen=True, slots=True)
class Headings:
    """What the columns of a table are.

    Attributes
    ----------
    slots : tuple
        For each column the names of its field and of its pivot's key, None outside of pivots; None for a column that
        is of no field.
    pivots : tuple of Pivot
        In the order of their columns; nearly all values are texts.
    pivoted : tuple of str
        Names of the fields that have a value for each pivot.
    notes : tuple of str
        Remarks on columns without a field, and fields without a column.
    """

    slots: tuple[tuple[str, str | None] | None, ...]
    pivots: tuple[Pivot, ...] = ()
    pivoted: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_headings(
    rows: Sequence[Sequence[str]],
    fields: Sequence[Field],
    heads: Sequence[Field] = (),
    *,
    result_format: str,
    row_total: bool | None = None,
) -> Headings:
    """Tell which field and pivot each column of a table has.

    Parameters
    ----------
    rows
        The heading rows, of equal length: one for each of `heads`, then the labels.
    fields, heads
        Those of the result, and the dimensions by which it is pivoted, outermost first.
    row_total
        Whether the query asks for totals of rows; None if unknown.

    Raises
    ------
    PayloadError
        No heading is that of a field; or both headings and fields are left over, so that one of them may have been
        renamed; or two columns are headed alike; or one pivot has other columns than the next.
    """
    if len(rows) != len(heads) + 1:
        message = f"the table has {len(rows)} rows of headings, but its query has {len(heads)} pivoted dimensions"
        raise PayloadError(message, result_format=result_format)
    labels = [label.strip() for label in rows[-1]]
    above = list(zip(*rows[:-1], strict=True)) or [()] * len(labels)
    left = _left(labels, above, fields, heads) if heads else len(labels)
    spread = [field for field in fields if field.measure is not False]
    groups = _groups(labels, above, range(left, len(labels)), spread)
    groups, behind = _apart(labels, groups)
    pivots = _pivots([values for values, _ in groups], heads, row_total=row_total, result_format=result_format)
    _refuse_unequal(labels, groups, pivots, result_format)
    found: list[tuple[Pivot | None, dict[int, Field]]] = [(None, _matched(labels, [*range(left), *behind], fields))]
    found += [(pivot, _matched(labels, places, spread)) for pivot, (_, places) in zip(pivots, groups, strict=True)]
    slots: list[tuple[str, str | None] | None] = [None] * len(labels)
    for pivot, fitting in found:
        for place, field in fitting.items():
            slots[place] = (field.name, pivot.key if pivot else None)
    headings = _judged(rows, slots, pivots, fields, is_pivoted=bool(heads), result_format=result_format)
    if row_total is None and any(pivot.values == row_total_heading(len(heads)) for pivot in pivots):
        headings = replace(headings, notes=(*headings.notes, _UNTOLD_ROW_TOTAL))
    return headings


def row_total_heading(pivots: int) -> tuple[str, ...]:
    """Return what stands over the totals of the rows, in each of so many heading rows."""
    return (ROW_TOTAL_LABEL, *[""] * (pivots - 1))


def _left(
    labels: Sequence[str], above: Sequence[tuple[str, ...]], fields: Sequence[Field], heads: Sequence[Field]
) -> int:
    """Count the columns before the pivots: the labels of the pivoted dimensions stand over the last of them."""
    dimensions = [field for field in fields if field.measure is False]
    due = {tuple(spelt(head).strip() for head in heads) for spelt in _SPELLINGS}
    # Without dimensions a value may read like the label of its own; no measure stands before the pivots.
    measures = [field for field in fields if field.measure and not field.is_calculation]
    taken = set() if dimensions else {spelt(field).strip() for field in measures for spelt in _SPELLINGS}
    for place in range(max(0, len(dimensions) - 1), len(labels)):
        if labels[place] not in taken and tuple(text.strip() for text in above[place]) in due:
            return place + 1
    known = {spelt(field).strip() for field in dimensions for spelt in _SPELLINGS}
    return next((place for place, label in enumerate(labels) if label not in known), len(labels))


def _groups(
    labels: Sequence[str], above: Sequence[tuple[str, ...]], places: Iterable[int], fields: Sequence[Field]
) -> list[tuple[tuple[str, ...], list[int]]]:
    """Gather columns that stand side by side under the same values; a label that comes again begins the next pivot."""
    alike = {spelt: Counter(spelt(field).strip() for field in fields) for spelt in _SPELLINGS}
    groups: list[tuple[tuple[str, ...], list[int]]] = []
    for place in places:
        label = labels[place]
        most = max(1, *(counter[label] for counter in alike.values()))
        if not groups or groups[-1][0] != above[place] or [labels[p] for p in groups[-1][1]].count(label) >= most:
            groups.append((above[place], []))
        groups[-1][1].append(place)
    return groups


def _apart(
    labels: Sequence[str], groups: Sequence[tuple[tuple[str, ...], list[int]]]
) -> tuple[list[tuple[tuple[str, ...], list[int]]], list[int]]:
    """Tell columns that are not pivoted from those of a null: other pivots have no column of that label."""
    named = {labels[place] for values, places in groups if any(values) for place in places}
    if not named:
        return list(groups), []
    behind = [place for values, places in groups if not any(values) for place in places if labels[place] not in named]
    kept = [(values, [place for place in places if place not in behind]) for values, places in groups]
    return [(values, places) for values, places in kept if places], behind


def _refuse_unequal(
    labels: Sequence[str],
    groups: Sequence[tuple[tuple[str, ...], list[int]]],
    pivots: Sequence[Pivot],
    result_format: str,
) -> None:
    """Hold each pivot to the columns of the first; the totals of the rows may have fewer."""
    first: Counter[str] | None = None
    for (values, places), pivot in zip(groups, pivots, strict=True):
        found = Counter(labels[place] for place in places)
        first = found if first is None else first
        if not (found <= first if pivot.is_total else found == first):
            met, due = (repr(shorten(", ".join(names.elements()), _MAX_SHOWN)) for names in (found, first))
            message = f"{', '.join(values)!r} heads the columns {met}, the first pivot {due}; each has the same columns"
            raise PayloadError(message, result_format=result_format)


def _pivots(
    values: Sequence[tuple[str, ...]], heads: Sequence[Field], *, row_total: bool | None, result_format: str
) -> list[Pivot]:
    total = row_total_heading(len(heads))
    found = [
        Pivot(
            SEPARATOR.join(text or head.name + NULL_KEY for text, head in zip(texts, heads, strict=True)),
            tuple(map(_value, texts)),
        )
        for texts in values
    ]
    if values and values[-1] == total and row_total is not False:
        found[-1] = TOTAL
    elif found and row_total:
        message = f"the query asks for totals of rows, but {values[-1]!r} heads the last columns, not {total!r}"
        raise PayloadError(message, result_format=result_format)
    keys = Counter(pivot.key for pivot in found)
    if twice := [texts for texts, pivot in zip(values, found, strict=True) if keys[pivot.key] > 1]:
        message = f"{twice[0]!r} heads columns of two pivots, which cannot be told apart; json_detail tells them"
        raise PayloadError(message, result_format=result_format)
    return found


def _value(text: str) -> str | float | None:
    """Turn the text over a column into the JSON value that it stands for: null, a float, or what else it says."""
    if not text:
        return None
    # As in cells, only floats have exponents; here one that JSON would spell alike.
    return float(text) if "e" in text and _FLOAT.fullmatch(text) and repr(float(text)) == text else text


def _matched(labels: Sequence[str], places: Sequence[int], fields: Sequence[Field]) -> dict[int, Field]:
    """Find the field of each column, first by the spelling of labels that most columns have."""

    def fitting(spelt: Callable[[Field], str]) -> int:
        known = {spelt(field).strip() for field in fields}
        return sum(labels[place] in known for place in places)

    found: dict[int, Field] = {}
    for spelt in sorted(_SPELLINGS, key=fitting, reverse=True):
        free = [field for field in fields if field not in found.values()]
        for place in places:
            field = next((field for field in free if spelt(field).strip() == labels[place]), None)
            if field is not None and place not in found:
                found[place] = field
                free.remove(field)
    return found


def _judged(
    rows: Sequence[Sequence[str]],
    slots: Sequence[tuple[str, str | None] | None],
    pivots: Sequence[Pivot],
    fields: Sequence[Field],
    *,
    is_pivoted: bool,
    result_format: str,
) -> Headings:
    """Look at what is left over, and refuse what may be wrong."""
    labels = rows[-1]
    is_spread = {slot[0]: slot[1] is not None for slot in slots if slot is not None}
    missing = [field for field in fields if field.name not in is_spread]
    if is_pivoted and not pivots:
        missing = [field for field in missing if field.measure is False]
    is_numbered = bool(slots) and slots[0] is None and not any(row[0].strip() for row in rows)
    unknown = [labels[place].strip() for place, slot in enumerate(slots) if slot is None][is_numbered:]
    if (unknown and missing) or (any(labels) and not is_spread):
        met, due = (repr(shorten(", ".join(names), _MAX_SHOWN)) for names in (unknown, _due(missing)))
        message = f"no field of the query has the heading {met}"
        message += f", and no column that of {due}" if missing else ""
        message += "; it may be the text of a failed query, or a label that apply_vis put in place of the field's"
        raise PayloadError(message, result_format=result_format)
    notes = []
    if is_numbered:
        notes.append(
            "the first column has no heading, as the row numbers of a dashboard's tile; it is not in the table"
        )
    if unknown:
        notes.append(f"columns that no field metadata describes are not in the table: {', '.join(unknown)}")
    if missing:
        notes.append(f"no column has a heading of these fields, which are null: {', '.join(_due(missing))}")
    pivoted = [
        field.name
        for field in fields
        if is_spread.get(field.name, is_pivoted and not pivots and field.measure is not False)
    ]
    short = tuple(shorten(note, _MAX_SHOWN) for note in notes)
    return Headings(tuple(slots), tuple(pivots), tuple(pivoted), short)


def _due(fields: Iterable[Field]) -> list[str]:
    return [field.label or field.name for field in fields]
