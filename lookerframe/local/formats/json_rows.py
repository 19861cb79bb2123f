"""``json``, ``inline_json`` and ``json_label``: an array of objects, a row each.

Sources: Looker's docs; ``json_one_pivot.json`` (recorded): a pivoted value lies under the name of the pivot field
and its value, null under the empty text, and so on for every pivot field. That the total of a row lies under its key at
the first of them, and that totals are the last row, is assumed, as is that ``inline_json`` is the same as ``json``. A
failed run is 200 with one ``looker_error`` row (observed), a failed task 400.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lookerframe.local.cells import json_text, json_value, keyed, nested, write_rows
from lookerframe.local.engine import UnservableError
from lookerframe.local.formats.describing import grouped_columns
from lookerframe.local.rendering import formatted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lookerframe.local.cells import Column as Writer
    from lookerframe.local.outcome import Outcome
    from lookerframe.local.sheets import Pivot, Sheet, Shown


@dataclass(frozen=True, slots=True)
class JsonRows:
    """Plain rows.

    Attributes
    ----------
    labels : bool
        Whether fields go by their labels; a query in which two have the same is refused before it is run.
    """

    name: str = "json"
    labels: bool = False
    content_type: str = "application/json"
    carries_errors: bool = False
    wraps_errors: bool = False

    def check(self, sheet: Sheet) -> None:
        """Refuse pivots whose cells would have the same key, as those of null and of the empty text.

        Raises
        ------
        UnservableError
            There are some.
        """
        paths = [tuple(map(_key, pivot.values)) for pivot in sheet.pivots if not pivot.is_total]
        if len(set(paths)) < len(paths):
            message = (
                f"{self.name} writes null and the empty text of a pivot under one key; "
                "use json_detail, or make them one in the field's sql"
            )
            raise UnservableError(message)

    def write(self, outcome: Outcome) -> Iterator[bytes]:
        """Write the rows as they come; nothing but the rows of one batch is held."""
        if outcome.table is None:
            yield json_text([{"looker_error": error_text(outcome)}]).encode()
            return
        sheet = outcome.sheet()
        writers = self._writers(outcome, sheet)
        yield b"["
        yield from write_rows(sheet.table, writers)
        if sheet.totals is not None:
            separator = b"," if sheet.table.num_rows else b""
            yield separator + b"".join(write_rows(sheet.totals, writers))
        yield b"]"

    def _writers(self, outcome: Outcome, sheet: Sheet) -> list[Writer]:
        fields = outcome.run.query.layout.pivots
        levels = [f"{item.view_label} {item.label}".strip() if self.labels else item.full_name for item in fields]
        writers = []
        for shown, columns in grouped_columns(sheet):
            name = shown.label if self.labels else shown.name
            cell = _cell(shown, apply_formatting=outcome.run.apply_formatting)
            if None in columns:
                writers.append(keyed(name, columns[None], cell))
                continue
            placed = [(pivot, columns[pivot.key]) for pivot in sheet.pivots]
            totals = [keyed(pivot.key, place, cell) for pivot, place in placed if pivot.is_total]
            spread = [(pivot, place) for pivot, place in placed if not pivot.is_total]
            writers.append(nested(name, [_level(levels, 0, spread, cell, totals)]))
        return writers


def _level(
    levels: list[str], depth: int, spread: list[tuple[Pivot, int]], cell: Callable[[Any], str], totals: list[Writer]
) -> Writer:
    """Write one pivot field and those after it: its name, its values, and under each what is there."""
    by_value: dict[str, list[tuple[Pivot, int]]] = {}
    for pivot, place in spread:
        value = pivot.values[depth]
        by_value.setdefault(_key(value), []).append((pivot, place))
    last = depth == len(levels) - 1
    values = [
        keyed(value, found[0][1], cell) if last else nested(value, [_level(levels, depth + 1, found, cell, [])])
        for value, found in by_value.items()
    ]
    return nested(levels[depth], [*values, *totals])


def _key(value: Any) -> str:
    return "" if value is None else str(value)


def _cell(shown: Shown, *, apply_formatting: bool) -> Callable[[Any], str]:
    if apply_formatting:
        return lambda raw: json_text(formatted(shown, raw))
    return lambda raw: json_text(json_value(raw))


def error_text(outcome: Outcome) -> str:
    """Say in one text what the database said; formats of plain rows have no other place for it."""
    return f"{outcome.summary} {outcome.error.message if outcome.error else ''}".rstrip()
