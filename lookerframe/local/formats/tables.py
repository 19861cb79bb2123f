"""A result as one flat table: what ``csv``, ``txt``, ``md``, ``html`` and ``xlsx`` share.

Sources: labels head the columns (documented); with pivots a row for each pivot field stands above them, with
the field's label over the last dimension and each value repeated over its measures (``csv_tile_pivoted.csv``, whose
row numbers are the dashboard's). Totals are one more row without a label (documented). Assumed are the words
over the total of a row, and that a null is empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lookerframe.local.cells import json_value, map_values
from lookerframe.local.rendering import formatted, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from lookerframe.local.cells import Column as Writer
    from lookerframe.local.outcome import Outcome
    from lookerframe.local.project import Field
    from lookerframe.local.sheets import Column, Sheet, Shown

ROW_TOTAL_LABEL = "Row Total"


@dataclass(frozen=True, slots=True)
class FlatTable:
    """The columns of a result in the order of a table.

    Attributes
    ----------
    headings : tuple of tuple of str
        The heading rows; the last has the labels.
    places : tuple of int
        Where in the sheet each column is.
    unpivoted : int
        How many columns stand before the first pivot.
    tables : tuple of pyarrow.Table
        The rows, then the totals if there are any.
    """

    headings: tuple[tuple[str, ...], ...]
    places: tuple[int, ...]
    unpivoted: int
    sheet: Sheet
    apply_formatting: bool

    @classmethod
    def of(cls, outcome: Outcome) -> FlatTable:
        """Flatten a result: the measures of the first pivot, then those of the second, and so on."""
        sheet = outcome.sheet()
        numbered = list(enumerate(sheet.columns))
        order = {pivot.key: place for place, pivot in enumerate(sheet.pivots)}
        flat = [place for place, column in numbered if column.pivot is None]
        spread = sorted(
            (place for place, column in numbered if column.pivot is not None),
            key=lambda place: order[_key(sheet.columns[place])],
        )
        columns = [sheet.columns[place] for place in (*flat, *spread)]
        above = [
            _heading(field, depth, columns, len(flat)) for depth, field in enumerate(outcome.run.query.layout.pivots)
        ]
        labels = tuple(column.shown.label for column in columns)
        return cls((*above, labels), (*flat, *spread), len(flat), sheet, outcome.run.apply_formatting)

    @property
    def tables(self) -> tuple[pa.Table, ...]:
        """The rows, then the totals if there are any."""
        return (self.sheet.table, *(() if self.sheet.totals is None else (self.sheet.totals,)))

    def writers(self, quote: Callable[[str], str]) -> list[Writer]:
        """Make a writer for each column; `quote` makes the text of a cell safe."""
        return [_writer(place, self.value, self.sheet.columns[place].shown, quote) for place in self.places]

    def value(self, shown: Shown, raw: Any) -> Any:
        """Turn a value of the database into what the cell shows."""
        return formatted(shown, raw) if self.apply_formatting else json_value(raw)

    def rows(self) -> Iterator[list[Any]]:
        """Give the rows as Python values."""
        shown = [self.sheet.columns[place].shown for place in self.places]
        for table in self.tables:
            for batch in table.to_batches(max_chunksize=4_096):
                columns = [
                    [self.value(item, raw) for raw in batch.column(place).to_pylist()]
                    for item, place in zip(shown, self.places, strict=True)
                ]
                yield from (list(row) for row in zip(*columns, strict=True))


def _writer(
    place: int, value: Callable[[Shown, Any], Any], shown: Shown, quote: Callable[[str], str]
) -> Callable[[pa.RecordBatch], pa.Array]:
    return lambda batch: map_values(batch.column(place), lambda raw: quote(text(value(shown, raw))))


def _key(column: Column) -> str:
    return column.pivot.key if column.pivot else ""


def _heading(field: Field, depth: int, columns: list[Column], unpivoted: int) -> tuple[str, ...]:
    label = f"{field.view_label} {field.label}".strip()
    before = ("",) * (unpivoted - 1) + (label,) if unpivoted else ()
    return (*before, *(_over(column, depth) for column in columns[unpivoted:]))


def _over(column: Column, depth: int) -> str:
    if column.pivot is None or column.pivot.is_total:
        return "" if depth else ROW_TOTAL_LABEL
    return text(column.pivot.values[depth])
