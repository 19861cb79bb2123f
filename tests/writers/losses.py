"""What a format cannot carry: a literal table, and what becomes of a query on the way.

`docs/formats.md` says the same in words; `tests/formats/test_contract.py` holds it to this table, and shows each loss.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from lookerframe.exceptions import ConfigError, ConversionError, LookerFrameError, PayloadError
from tests.writers.expected import Choices
from tests.writers.queries import Col, Query

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.writers.queries import Row

JSON = ("json", "inline_json", "json_label")
FLAT = ("csv", "txt", "html", "md", "xlsx")


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that some formats cannot carry.

    Attributes
    ----------
    what
        Its row in `docs/formats.md`.
    formats
        Those that lose it.
    example
        A query that has it.
    becomes
        The query that arrives in its place, or the error that says that it cannot.
    choices
        What the caller asks for in the example.
    """

    what: str
    formats: tuple[str, ...]
    example: Query
    becomes: Callable[[Query], Query] | type[LookerFrameError]
    choices: Choices = field(default_factory=Choices)


def carried(query: Query, result_format: str) -> Query:
    """Return the query as a format can carry it."""
    for loss in LOSSES:
        if result_format in loss.formats and not isinstance(loss.becomes, type):
            query = loss.becomes(query)
    return query


def of_values(change: Callable[[Any, Col], Any]) -> Callable[[Query], Query]:
    """Change each value of the rows, the totals, the subtotals and the pivots."""

    def apply(query: Query) -> Query:
        def row(values: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(change(value, slot.field) for value, slot in zip(values, query.slots, strict=True))

        return replace(
            query,
            rows=tuple(map(row, query.rows)),
            totals=None if query.totals is None else row(query.totals),
            subtotals={names: tuple(map(row, rows)) for names, rows in query.subtotals.items()},
            pivot_values=tuple(
                tuple(change(value, item) for value, item in zip(values, query.pivots, strict=True))
                for values in query.pivot_values
            ),
        )

    return apply


def _empty_is_null(value: Any, _field: Col) -> Any:
    # So it is for cells without text. In `csv` and `txt` a cell of two quotes is an empty text, unless all headings are
    # quoted; the writer quotes none or all.
    return None if value == "" else value


def _null_pivots(query: Query) -> Query:
    found = (tuple(None if value == "" else value for value in values) for values in query.pivot_values)
    return replace(query, pivot_values=tuple(found))


def _by_first_field(query: Query) -> Query:
    firsts = list(dict.fromkeys(values[0] for values in query.pivot_values))
    order = sorted(range(len(query.pivot_values)), key=lambda place: firsts.index(query.pivot_values[place][0]))
    start, width = len(query.dimensions), len(query.spread)

    def row(values: Row) -> Row:
        groups = [values[start + place * width : start + (place + 1) * width] for place in order]
        return (*values[:start], *chain.from_iterable(groups), *values[start + len(order) * width :])

    return replace(
        query,
        pivot_values=tuple(query.pivot_values[place] for place in order),
        rows=tuple(map(row, query.rows)),
        totals=None if query.totals is None else row(query.totals),
    )


def _no_pivots_without_rows(query: Query) -> Query:
    if query.rows or query.totals is not None:
        return query
    return replace(query, pivot_values=(), row_totals=False)


def _one_line(value: Any, _field: Col) -> Any:
    return " ".join(value.splitlines()).strip(" \t") if isinstance(value, str) else value


def _whole_is_integer(query: Query) -> Query:
    def change(value: Any, _field: Col) -> Any:
        return int(value) if isinstance(value, float) and value.is_integer() else value

    return replace(of_values(change)(query), pivot_values=query.pivot_values)  # headings are texts


def _sixteen_digits(value: Any, _field: Col) -> Any:
    return float(f"{value:.16G}") if isinstance(value, float) else value


def _no_blank_end(query: Query) -> Query:
    rows = list(query.rows)
    while rows and query.totals is None and all(value is None for value in rows[-1]):
        rows.pop()
    return replace(query, rows=tuple(rows))


def _no_short_labels(query: Query) -> Query:
    def bare(columns: tuple[Col, ...]) -> tuple[Col, ...]:
        return tuple(replace(column, label_short=None) for column in columns)

    return replace(query, fields=bare(query.fields), pivots=bare(query.pivots))


def _without_subtotals(query: Query) -> Query:
    return replace(query, subtotals={})


# -- examples ----------------------------------------------------------------------------------------------------------

_NAME = Col("v.name", label="V Name", label_short="Name")
_NUMBER = Col("v.number", "number", label="V Number", label_short="Number")
_COUNT = Col("v.count", "count", "measures", "V Count", "Count")
_MEAN = Col("v.mean", "average", "measures", "V Mean", "Mean")
_LIST = Col("v.list", "list", "measures", "V List", "List")
_HEAD = Col("v.head", label="V Head", label_short="Head")


def _names(*values: str | None) -> Query:
    return Query(fields=(_NAME, _COUNT), rows=tuple((value, 1) for value in values))


def _twins() -> Query:
    return Query(fields=(_NAME, replace(_NAME, name="w.name"), _COUNT), rows=(("x", "y", 1),))


def _pivoted(*heads: Any, rows: int = 1) -> Query:
    values = tuple(head if isinstance(head, tuple) else (head,) for head in heads)
    pivots = (_HEAD, Col("v.second", label="V Second"))[: len(values[0])]
    row = ("x", *range(len(values)))
    return Query(fields=(_NAME, _COUNT), pivots=pivots, pivot_values=values, rows=(row,) * rows)


LOSSES = (
    Loss(
        "subtotals",
        ("json_bi", *JSON, *FLAT),
        Query(
            fields=(_NAME, _NUMBER, _COUNT),
            rows=(("x", 1, 2), ("x", 3, 4)),
            subtotals={("v.name",): (("x", None, 6),)},
        ),
        _without_subtotals,
    ),
    Loss(
        "what cells hold besides values: rendered text, HTML, links",
        ("json_detail_lite_stream", "json_bi", *JSON, *FLAT),
        _names("x"),
        ConfigError,
        Choices(cells=("value", "rendered", "html", "links")),
    ),
    Loss("short labels", ("json_bi",), _names("x"), _no_short_labels, Choices(names="label_short")),
    Loss("two fields with one label", ("json_label",), _twins(), PayloadError),
    Loss("whether a pivot value is null or an empty text", (*JSON, *FLAT), _pivoted("a", ""), _null_pivots),
    Loss("the pivots of a result without rows", JSON, _pivoted("a", "b", rows=0), _no_pivots_without_rows),
    Loss(
        "pivots in another order than that of their first field",
        JSON,
        _pivoted(("a", "x"), ("b", "x"), ("a", "y")),
        _by_first_field,
    ),
    Loss("line breaks in a text, and blanks at its ends", ("md",), _names("a\nb", " c"), of_values(_one_line)),
    Loss("whether a text is null or empty", FLAT, _names("", None, "x"), of_values(_empty_is_null)),
    Loss("lists", FLAT, Query(fields=(_NAME, _LIST), rows=(("x", ["a", "b"]),)), ConversionError),
    Loss(
        "whether a number was written as an integer",
        ("xlsx",),
        Query(fields=(_NUMBER, _COUNT), rows=((2.0, 1), (7.0, 1))),
        _whole_is_integer,
    ),
    Loss(
        "digits of a number after the sixteenth",
        ("xlsx",),
        Query(fields=(_NAME, _MEAN), rows=(("x", 0.1 + 0.2),)),
        of_values(_sixteen_digits),
    ),
    Loss(
        "rows at the end in which all is null",
        ("xlsx",),
        Query(fields=(_NAME, _COUNT), rows=(("x", 1), (None, None), ("y", 2), (None, None))),
        _no_blank_end,
    ),
    Loss("integers from 2^53 on", ("xlsx",), Query(fields=(_NUMBER, _COUNT), rows=((2**53 + 1, 1),)), ConversionError),
)
