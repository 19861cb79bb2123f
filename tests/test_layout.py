"""`Layout`: which columns a result has, what is a row of it and what a total, however its rows arrive."""

from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookerframe.columns import Column, Decoding, Pivot
from lookerframe.exceptions import ConversionError
from lookerframe.fields import Field
from lookerframe.layout import Layout, spread_fields
from lookerframe.payload import Payload
from lookerframe.pivots import TOTAL
from lookerframe.result import Findings
from lookerframe.typed_rows import Piece

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lookerframe.columns import Part
    from lookerframe.result import Result

A, B = Field("v.a", "string", measure=False), Field("v.b", "string", measure=False)
N, S = Field("v.n", "count", measure=True), Field("v.s", "sum", measure=True)
C, T = Field("c", "number"), Field("t", "number")
P, Q = Field("v.p", "string", measure=False), Field("v.q", "number", measure=False)
K, J, NULL = Pivot("k", ("k",)), Pivot("j", ("j",)), Pivot("v.p___null", (None,))

Rows = list[list[Any]]


def pieces(layout: Layout, rows: Rows, borders: Iterable[int] = ()) -> Iterator[Piece]:
    """Make arrays of rows of values, one for each column of the layout; cut at `borders`."""
    places = sorted({0, len(rows), *(place for place in borders if place <= len(rows))})
    for first, end in pairwise(places):
        part = [list(values) for values in zip(*rows[first:end], strict=True)]
        arrays = [column.reader.build(values) for column, values in zip(layout.columns, part, strict=True)]
        yield Piece(tuple(arrays), first, end - first)


def read(layout: Layout, rows: Rows, borders: Iterable[int] = (), findings: Findings | None = None) -> Result:
    """Make the result of rows."""
    payload = Payload("json", [])
    return layout.result(pieces(layout, rows, borders), findings or Findings({}), payload)


def names(columns: Sequence[Column]) -> list[str]:
    """Name columns."""
    return [column.name for column in columns]


# -- columns -----------------------------------------------------------------------------------------------------------


def test_without_pivots_columns_are_the_fields() -> None:
    """In their order; one for each member of cells."""
    fields = [A, N, C]
    assert names(Layout(fields, decoding=Decoding()).columns) == ["v.a", "v.n", "c"]
    both = Layout(fields, decoding=Decoding(cells=("value", "rendered")))
    assert names(both.columns) == ["v.a", "v.a.rendered", "v.n", "v.n.rendered", "c", "c.rendered"]
    assert Layout([], decoding=Decoding()).columns == ()


def test_pivoted_columns_stand_pivot_by_pivot() -> None:
    """Dimensions, for each pivot its measures and calculations, then what is not pivoted, then the totals of rows."""
    layout = Layout(
        [A, B, N, S, C, T],
        decoding=Decoding(),
        pivot_fields=[P],
        pivots=[K, TOTAL, NULL, J],
        pivoted={"v.n", "v.s", "t"},
    )
    assert names(layout.columns) == [
        *["v.a", "v.b", "v.n|k", "v.s|k", "t|k", "v.n|null", "v.s|null", "t|null", "v.n|j", "v.s|j", "t|j"],
        *["c", "v.n", "v.s", "t"],
    ]


def test_long_rows_have_the_pivot_beside_the_dimensions() -> None:
    """A decoder reads the same columns all the same."""
    wide, long = (
        Layout(
            [A, N, S, C],
            decoding=Decoding(pivots=pivots),
            pivot_fields=[P, Q],
            pivots=[Pivot("k", ("k", 1)), Pivot("j", ("j", None))],
            pivoted={"v.n", "v.s"},
        )
        for pivots in ("wide", "long")
    )
    assert names(wide.columns) == names(long.columns) == ["v.a", "v.n|k|1", "v.s|k|1", "v.n|j|null", "v.s|j|null", "c"]
    assert read(wide, []).schema.names == names(wide.columns)
    assert read(long, []).schema.names == ["v.a", "v.p", "v.q", "v.n", "v.s", "c"]


def test_paths_say_where_members_stand() -> None:
    """The layout asks the decoder for each field, pivot and member of cells."""

    def path(field: Field, pivot: Pivot | None, part: Part) -> tuple[str, ...]:
        return (field.name, pivot.key if pivot else "", part)

    layout = Layout(
        [A, N],
        decoding=Decoding(cells=("value", "html")),
        pivot_fields=[P],
        pivots=[K, TOTAL],
        pivoted={"v.n"},
        path=path,
    )
    assert [column.path for column in layout.columns] == [
        *[("v.a", "", "value"), ("v.a", "", "html"), ("v.n", "k", "value"), ("v.n", "k", "html")],
        *[("v.n", "$$$_row_total_$$$", "value"), ("v.n", "$$$_row_total_$$$", "html")],
    ]


def test_names_that_clash_are_numbered() -> None:
    """A null and the text "null", a dimension and a total of the row, a separator inside of a value."""
    dimension = Field("v.n", "string", measure=False, label="Count")
    measure = Field("w.n", "count", measure=True, label="Count")
    pivots = [Pivot("1", ("null",)), Pivot("2", (None,)), Pivot("3", ("a|b",)), TOTAL]
    layout = Layout(
        [dimension, measure], decoding=Decoding(names="label"), pivot_fields=[P], pivots=pivots, pivoted={"w.n"}
    )
    assert names(layout.columns) == ["Count", "Count|null", "Count|null_2", "Count|a|b", "Count_2"]

    result = read(layout, [["x", 1, 2, 3, 6]])
    assert result.to_arrow().to_pylist() == [{"Count": "x", "Count|null": 1, "Count|null_2": 2, "Count|a|b": 3}]
    assert result.row_totals is not None
    assert result.row_totals.to_pylist() == [{"Count": "x", "Count_2": 6}]


@pytest.mark.parametrize(
    ("is_spread", "supermeasures", "found"),
    [
        (True, (), ("v.n", "c")),
        (False, (), ("v.n",)),
        (True, ("c",), ("v.n",)),
        (True, ("v.n",), ("c",)),
        (True, ("v.n", "c"), ()),
    ],
)
def test_measures_are_pivoted_and_calculations_as_the_rows_say(
    is_spread: bool, supermeasures: tuple[str, ...], found: tuple[str, ...]
) -> None:
    """Dimensions never; what stands outside of the pivot neither."""
    assert spread_fields([A, N, C], lambda _field: is_spread, supermeasures=supermeasures) == found


# -- wide and long against plain Python --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A pivoted result as tables of Python values."""

    fields: tuple[Field, ...]
    heads: tuple[Field, ...]
    pivots: tuple[Pivot, ...]
    pivoted: frozenset[str]
    has_row_totals: bool
    has_totals: bool
    rows: Rows
    borders: tuple[int, ...]

    def layout(self, decoding: Decoding) -> Layout:
        """Lay it out."""
        return Layout(
            self.fields,
            decoding=decoding,
            pivot_fields=self.heads,
            pivots=[*self.pivots, TOTAL] if self.has_row_totals else self.pivots,
            pivoted=self.pivoted,
            totals_row=self.has_totals,
        )

    @property
    def places(self) -> list[tuple[str, Any]]:
        """Say what stands where in a row: the name of a field, and its pivot; None for none, ... for the total."""
        spread = [field.name for field in self.fields if field.name in self.pivoted]
        before = names_before(self)
        after = [field.name for field in self.fields if field.name not in {*before, *spread}]
        return [
            *((name, None) for name in before),
            *((name, pivot) for pivot in self.pivots for name in spread),
            *((name, None) for name in after),
            *((name, ...) for name in spread if self.has_row_totals),
        ]

    def wide(self, row: list[Any], *, total: bool = False) -> dict[str, Any]:
        """Give a row by the names of columns."""
        found = {}
        for (name, pivot), value in zip(self.places, row, strict=True):
            if pivot is None:
                found[name] = value
            elif pivot is not ...:
                spelt = ["null" if item is None else str(item) for item in pivot.values]
                found["|".join([name, *spelt])] = value
            elif total:
                found[name] = value
        return found

    def long(self, row: list[Any]) -> Iterator[dict[str, Any]]:
        """Give the rows that one row becomes."""
        cells = list(zip(self.places, row, strict=True))
        for pivot in self.pivots:
            heads = {field.name: value for field, value in zip(self.heads, pivot.values, strict=True)}
            yield heads | {name: value for (name, of), value in cells if of is None or of is pivot}

    def row_total(self, row: list[Any]) -> dict[str, Any]:
        """Give what stands in the totals of the rows: what is before the pivots, and the totals."""
        found = {}
        for (name, pivot), value in zip(self.places, row, strict=True):
            if (pivot is None and name in names_before(self)) or pivot is ...:
                found[name] = value
        return found


def names_before(case: Case) -> list[str]:
    """Name the fields that stand before the first pivoted one."""
    found = []
    for field in case.fields:
        if field.name in case.pivoted:
            break
        found.append(field.name)
    return found


COUNTS = st.none() | st.integers(-(2**63), 2**63 - 1)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a result: fields of both kinds, one or two pivot fields, rows cut anywhere, totals both ways."""
    dimensions = draw(st.sampled_from([(), (A,), (A, B)]))
    spread = draw(st.sampled_from([(N,), (N, Field("v.m", "count", measure=True))]))
    alone = draw(st.sampled_from([(), (Field("v.z", "count", measure=True),)]))
    heads = draw(st.sampled_from([(P,), (P, Q)]))
    values = draw(st.lists(st.tuples(*(_head(head) for head in heads)), max_size=4, unique=True))
    has_row_totals, has_totals = draw(st.booleans()) and bool(values), draw(st.booleans())
    width = len(dimensions) + len(spread) * (len(values) + has_row_totals) + len(alone)
    texts = st.none() | st.text(max_size=3)
    row = st.tuples(*([texts] * len(dimensions)), *([COUNTS] * (width - len(dimensions)))).map(list)
    rows = draw(st.lists(row, max_size=5)) if width else []
    has_totals = has_totals and bool(width)
    if has_totals:
        total = draw(row)
        rows.append([None] * len(dimensions) + total[len(dimensions) :])
    return Case(
        fields=(*dimensions, *spread, *alone),
        heads=heads,
        pivots=tuple(Pivot(str(place), some) for place, some in enumerate(values)),
        pivoted=frozenset(field.name for field in spread),
        has_row_totals=has_row_totals,
        has_totals=has_totals,
        rows=rows,
        borders=tuple(draw(st.lists(st.integers(0, 6), max_size=4))),
    )


def _head(field: Field) -> st.SearchStrategy[Any]:
    # No two of these are spelt alike, nor as the word for null.
    return st.none() | (st.text("ab", max_size=2) if field is P else st.integers(-9, 9))


@given(cases())
def test_rows_and_totals_are_those_of_plain_python(case: Case) -> None:
    """Wide and long, wherever pieces end; totals are in no row, and no row is lost."""
    rows = case.rows[:-1] if case.has_totals else case.rows
    wide = read(case.layout(Decoding()), case.rows, case.borders)
    long = read(case.layout(Decoding(pivots="long")), case.rows, case.borders)

    assert wide.to_arrow().to_pylist() == [case.wide(row) for row in rows]
    assert long.to_arrow().to_pylist() == [some for row in rows for some in case.long(row)]
    for result in (wide, long):
        assert result._findings.rows == len(rows)
        assert [note for note in result.notes if "was chosen by the values" not in note] == []
        totals = [case.wide(case.rows[-1], total=True)] if case.has_totals else None
        assert (None if result.totals is None else result.totals.to_pylist()) == totals
        row_totals = [case.row_total(row) for row in rows] if case.has_row_totals else None
        assert (None if result.row_totals is None else result.row_totals.to_pylist()) == row_totals


@given(cases())
def test_batches_have_the_rows_of_the_table(case: Case) -> None:
    """All of one schema, which is known before the rows are read."""
    for pivots in ("wide", "long"):
        layout = case.layout(Decoding(pivots=pivots))
        streamed = read(layout, case.rows, case.borders)
        schema = streamed.schema
        table = pa.Table.from_batches(streamed.batches(), schema)
        assert table.equals(read(layout, case.rows).to_arrow())


# -- totals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("borders", [(), (1,), (2,), (3,), (1, 2, 3), (0, 4)])
def test_the_totals_are_the_last_row_wherever_pieces_end(borders: tuple[int, ...]) -> None:
    """Also where it is a piece of its own."""
    layout = Layout([A, N], decoding=Decoding(), totals_row=True)
    result = read(layout, [["x", 1], ["y", 2], [None, 7], [None, 10]], borders)

    assert result.to_arrow().to_pydict() == {"v.a": ["x", "y", None], "v.n": [1, 2, 7]}
    assert result.totals is not None
    assert result.totals.to_pylist() == [{"v.a": None, "v.n": 10}]
    assert result.totals.schema.types == [pa.string(), pa.int64()]
    assert result.stats["rows"] == 3


def test_totals_may_be_the_only_row() -> None:
    """Then there are no rows, and the types are known all the same."""
    for pivots in ("wide", "long"):
        decoding = Decoding(pivots=pivots)
        layout = Layout([A, N], decoding=decoding, pivot_fields=[P], pivots=[K, J], pivoted={"v.n"}, totals_row=True)
        result = read(layout, [[None, 1, 2]])
        assert result.to_arrow().num_rows == 0
        assert result.to_arrow().schema.field("v.a").type == pa.string()
        assert result.totals is not None
        assert result.totals.to_pylist() == [{"v.a": None, "v.n|k": 1, "v.n|j": 2}]


def test_pieces_without_rows_hide_no_totals() -> None:
    """The last row is in the last piece that has one."""
    layout = Layout([A, N], decoding=Decoding(), totals_row=True)
    made = [*pieces(layout, [["x", 1], [None, 1]]), Piece((pa.array([], pa.string()), pa.array([], pa.int64())), 2, 0)]
    result = layout.result(made, Findings({}), Payload("json", []))

    assert result.to_arrow().to_pylist() == [{"v.a": "x", "v.n": 1}]
    assert result.totals is not None


def test_no_rows_have_no_totals() -> None:
    """Though the query asks for them."""
    result = read(Layout([A, N], decoding=Decoding(), totals_row=True), [])

    assert result.to_arrow().num_rows == 0
    assert result.totals is None
    assert result.notes == ()


@pytest.mark.parametrize("fields", [[A, N], [A, B]], ids=["measure", "dimensions"])
def test_a_last_row_with_a_value_of_a_dimension_is_a_row(fields: list[Field]) -> None:
    """It is kept, and a note says so."""
    rows: Rows = [["x", None], ["y", None]]
    result = read(Layout(fields, decoding=Decoding(), totals_row=True), rows)

    assert result.to_arrow().num_rows == 2
    assert result.totals is None
    assert result.notes == (
        "the query asks for totals, but the last row does not look like them: it is taken as a row",
    )


def test_totals_of_a_query_without_dimensions() -> None:
    """Nothing in them can be taken for the value of a dimension."""
    result = read(Layout([N, S], decoding=Decoding(), totals_row=True), [[1, 1.5], [1, 1.5]])

    assert result.to_arrow().to_pylist() == [{"v.n": 1, "v.s": 1.5}]
    assert result.totals is not None


def test_totals_have_the_types_of_the_rows() -> None:
    """A number dimension that is null in them, and a calculation that is whole in them alone."""
    number = Field("v.k", "number", measure=False)
    layout = Layout([number, N, T], decoding=Decoding(), totals_row=True)
    cases: list[tuple[Rows, list[pa.DataType]]] = [
        ([[1, 1, 1.5], [2, 1, 2.5], [None, 2, 4]], [pa.int64(), pa.int64(), pa.float64()]),
        ([[1.5, 1, 1], [None, 1, 2]], [pa.float64(), pa.int64(), pa.int64()]),
    ]
    for rows, types in cases:
        for borders in ((), (1, 2)):
            result = read(layout, rows, borders)
            assert result.to_arrow().schema.types == types
            assert result.totals is not None
            assert result.totals.schema.types == types


def test_row_totals_keep_no_more_than_themselves() -> None:
    """The pivoted cells of rows that were handed out are let go; rows without end fit into memory."""
    count = 200
    layout = Layout([A, N], decoding=Decoding(), pivot_fields=[P], pivots=[K, TOTAL], pivoted={"v.n"})
    seen: list[weakref.ref[pa.Array]] = []

    def source() -> Iterator[Piece]:
        for first in range(0, count * 1000, 1000):
            cells, totals = (pa.array(range(first, first + 1000)) for _ in range(2))
            seen.append(weakref.ref(cells))
            yield Piece((pa.array(["x"] * 1000), cells, totals), first, 1000)

    result = layout.result(source(), Findings({}), Payload("json", []))
    for batch in result.batches():
        assert batch.num_rows <= 17_000
        gc.collect()
        assert sum(ref() is not None for ref in seen) < 50

    assert len(seen) == count
    assert result.row_totals is not None
    assert result.row_totals["v.n"].to_pylist() == list(range(count * 1000))


def test_values_that_do_not_fit_in_long_rows_are_told_by_their_column() -> None:
    """A number that float64 cannot hold, beside the fraction of another pivot."""
    layout = Layout([A, T], decoding=Decoding(pivots="long"), pivot_fields=[P], pivots=[K, J], pivoted={"t"})
    with pytest.raises(ConversionError) as caught:
        read(layout, [["x", 0.5, 1], ["y", 1.5, 2**53 + 1]]).to_arrow()

    assert str(caught.value) == (
        "column 't|j', row 1: 9007199254740993 is not a value of type float64; give dtypes={'t|j': 'decimal128'}"
    )
    advised = Decoding(pivots="long", dtypes={"t|j": "decimal128"})
    layout = Layout([A, T], decoding=advised, pivot_fields=[P], pivots=[K, J], pivoted={"t"})
    rows = [["x", Decimal("0.5"), Decimal(1)], ["y", Decimal("1.5"), Decimal(2**53 + 1)]]
    assert read(layout, rows).to_arrow()["t"].to_pylist() == [Decimal("0.5"), 1, Decimal("1.5"), 2**53 + 1]


def test_one_column_of_long_rows_has_one_type() -> None:
    """Where one pivot has whole numbers and another fractions; and where one has no value at all."""
    layout = Layout([A, T], decoding=Decoding(pivots="long"), pivot_fields=[P], pivots=[K, J, NULL], pivoted={"t"})
    table = read(layout, [["x", 1, 0.5, None], ["y", 2, None, None]], (1,)).to_arrow()

    assert table.schema.field("t").type == pa.float64()
    assert table["t"].to_pylist() == [1.0, 0.5, None, 2.0, None, None]
    assert table["v.p"].to_pylist() == ["k", "j", None] * 2
