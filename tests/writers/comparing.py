"""Decode what a writer wrote, and compare all of it with what the query has in truth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lookerframe.columns import Decoding
from tests.writers import expected
from tests.writers.expected import Choices
from tests.writers.losses import carried
from tests.writers.reading import decode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lookerframe.result import Result
    from tests.writers.queries import Query


def read(
    query: Query, result_format: str, body: bytes | Iterable[bytes], choices: Choices | None = None, **facts: Any
) -> Result:
    """Decode a body of a query, with all that a client knows of the query."""
    choices = choices or Choices()
    decoding: Any = Decoding(
        names=choices.names,  # type: ignore[arg-type]
        pivots=choices.pivots,  # type: ignore[arg-type]
        cells=choices.cells,  # type: ignore[arg-type]
        timestamps=choices.timestamps,  # type: ignore[arg-type]
        numbers=choices.numbers,  # type: ignore[arg-type]
    )
    context = query.context | facts.pop("context", {})
    return decode(
        body, result_format, columns=query.fields, pivots=query.pivots, decoding=decoding, context=context, **facts
    )


def same(
    result: Result, query: Query, result_format: str, choices: Choices | None = None, *, streamed: bool = False
) -> None:
    """Compare rows, totals, totals of rows and subtotals; types and names, too.

    Parameters
    ----------
    streamed
        Whether the rows are taken batch by batch.

    Raises
    ------
    AssertionError
        They differ by more than the format loses.
    """
    choices, query = choices or Choices(), carried(query, result_format)
    table = pa.Table.from_batches(result.batches(), result.schema) if streamed else result.to_arrow()
    _equal(table, expected.table(query, choices), "rows")
    _equal(result.totals, expected.totals(query, choices), "totals")
    _equal(result.row_totals, expected.row_totals(query, choices), "row totals")
    found, due = result.subtotals, expected.subtotals(query, choices)
    assert list(found) == list(due), f"subtotals by {list(found)}, expected by {list(due)}"
    for names, table in due.items():
        _equal(found[names], table, f"subtotals by {names}")


def bare(table: pa.Table) -> pa.Table:
    """Leave out what Looker says of the fields, and how the text of links is spelt."""
    names = [f"c{place}" for place in range(table.num_columns)]
    table, spelt = table.rename_columns(names).replace_schema_metadata(), table.column_names
    for place, name in enumerate(spelt):
        if ".links" in name and pa.types.is_string(table.schema.field(place).type):
            texts = [None if item is None else _respelt(item) for item in table.column(place).to_pylist()]
            table = table.set_column(place, names[place], pa.array(texts, pa.string()))
    schema = pa.schema([pa.field(name, field.type) for name, field in zip(names, table.schema, strict=True)])
    return table.cast(schema).rename_columns(spelt)


def _respelt(text: str) -> str:
    return json.dumps(json.loads(text)) if text.startswith("[") else text


def _equal(found: pa.Table | None, due: pa.Table | None, what: str) -> None:
    if found is None or due is None:
        assert found is due, f"{what}: {_shown(found)}, expected {_shown(due)}"
        return
    if not bare(found).equals(bare(due)):
        raise AssertionError(f"{what}: {_shown(found)}, expected {_shown(due)}")


def _shown(table: pa.Table | None) -> str:
    if table is None:
        return "none"
    return f"{[(field.name, str(field.type)) for field in table.schema]}\n{table.to_pylist()}\n"
