"""Heading rows: which field and which pivot each column of a table has."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from lookerframe.columns import Pivot
from lookerframe.exceptions import PayloadError
from lookerframe.fields import Field
from lookerframe.headings import Headings, read_headings
from lookerframe.pivots import TOTAL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DAY = Field("o.day", "date_date", measure=False, label="Orders Day", label_short="Day")
NAME = Field("o.name", "string", measure=False, label="Orders Name", label_short="Name")
COUNT = Field("o.count", "count", measure=True, label="Orders Count", label_short="Count")
SUM = Field("o.sum", "sum", measure=True, label="Orders Sum", label_short="Sum")
RUNNING = Field("running", "number", label="Running")
STATUS = Field("o.status", "string", measure=False, label="Orders Status", label_short="Status")
YEAR = Field("o.year", "date_year", measure=False, label="Orders Year", label_short="Year")


def read(rows: Sequence[str], fields: Sequence[Field], *heads: Field, row_total: bool | None = None) -> Headings:
    """Read heading rows, each cell between pipes."""
    return read_headings([row.split("|") for row in rows], fields, heads, result_format="csv", row_total=row_total)


@pytest.mark.parametrize(
    "row",
    [
        "Orders Count|Orders Day|Orders Sum",
        "Count|Day|Sum",
        "o.count|o.day|o.sum",
        "Count|Orders Day| Sum ",
        "Orders Count|Day|o.sum",
    ],
)
def test_fields_are_found_by_any_of_their_names(row: str) -> None:
    """Labels, short labels or names, in any order, with blanks at their edges."""
    found = read([row], [DAY, COUNT, SUM])

    assert found == Headings((("o.count", None), ("o.day", None), ("o.sum", None)))


def test_most_common_spelling_is_tried_first() -> None:
    """``Day`` may be the label of one field and the short label of another: the other headings tell."""
    shipped = Field("s.day", "date_date", measure=False, label="Day", label_short="Shipped Day")

    assert read(["Day|Count|Shipped Day"], [DAY, shipped, COUNT]).slots == (
        *(("o.day", None), ("o.count", None)),
        ("s.day", None),
    )
    assert read(["Day|Orders Count|Orders Day"], [DAY, shipped, COUNT]).slots == (
        *(("s.day", None), ("o.count", None)),
        ("o.day", None),
    )


def test_equal_labels_are_in_the_order_of_the_fields() -> None:
    """As assumed; nothing else tells them apart."""
    twin = Field("u.count", "count", measure=True, label="Orders Count")

    assert read(["Orders Count|Orders Day|Orders Count"], [DAY, COUNT, twin]).slots == (
        *(("o.count", None), ("o.day", None)),
        ("u.count", None),
    )


def test_pivoted_tile_as_recorded(payloads: Path) -> None:
    """Row numbers without a heading, the pivot's label over the last dimension, short labels, a blank."""
    with (payloads / "csv_tile_pivoted.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[:2]
    source = Field("s.source", "string", measure=False, label="Sessions UTM Source", label_short="UTM Source")
    date = Field("s.date", "date_date", measure=False, label="Sessions Date", label_short="Date")
    revenue = Field(
        "s.revenue", "sum", measure=True, label="Sessions Estimated Revenue", label_short="Estimated Revenue"
    )

    found = read_headings(rows, [date, revenue], [source], result_format="csv", row_total=False)

    assert found.slots == (None, ("s.date", None), ("s.revenue", "facebook"), ("s.revenue", "fb"))
    assert found.pivots == (Pivot("facebook", ("facebook",)), Pivot("fb", ("fb",)))
    assert found.pivoted == ("s.revenue",)
    assert found.notes == (
        "the first column has no heading, as the row numbers of a dashboard's tile; it is not in the table",
    )


def test_several_pivots_measures_and_row_totals() -> None:
    """A row for each pivoted dimension; an empty text is null; what is not pivoted stands left; totals stand last."""
    found = read(
        [
            "|Orders Status|new|new|new|new|||Row Total|Row Total",
            "|Orders Year|2024|2024|2025|2025|2024|2024||",
            "Running|Orders Day|Count|Orders Sum|Count|Orders Sum|Count|Orders Sum|Count|Orders Sum",
        ],
        [DAY, COUNT, SUM, RUNNING],
        STATUS,
        YEAR,
        row_total=True,
    )

    assert found.pivots == (
        Pivot("new|FIELD|2024", ("new", "2024")),
        Pivot("new|FIELD|2025", ("new", "2025")),
        Pivot("o.status___null|FIELD|2024", (None, "2024")),
        TOTAL,
    )
    assert found.slots[:4] == (
        ("running", None),
        ("o.day", None),
        ("o.count", "new|FIELD|2024"),
        ("o.sum", "new|FIELD|2024"),
    )
    assert found.slots[-2:] == (("o.count", TOTAL.key), ("o.sum", TOTAL.key))
    assert found.pivoted == ("o.count", "o.sum")
    assert found.notes == ()


@pytest.mark.parametrize(
    "rows",
    [
        ["Orders Status|a|b|", "Orders Day|Orders Count|Orders Count|Running"],
        ["Orders Status||a|b|", "Orders Day|Orders Count|Orders Count|Orders Count|Running"],
        ["Orders Status|a||", "Orders Day|Orders Count|Orders Count|Running"],
        ["Orders Status|a|Row Total|", "Orders Day|Orders Count|Orders Count|Running"],
    ],
)
def test_what_is_not_pivoted_may_stand_right_of_the_pivots(rows: list[str]) -> None:
    """Under an empty heading there is a null's column only if other pivots have one of that label."""
    found = read(rows, [DAY, COUNT, RUNNING], STATUS)

    assert found.slots[-1] == ("running", None)
    assert found.pivoted == ("o.count",)
    assert found.notes == ()
    above = rows[0].split("|")[1:-1]
    keys = {"": "o.status___null", "Row Total": TOTAL.key}
    assert [pivot.key for pivot in found.pivots] == [keys.get(text, text) for text in above]
    assert found.slots[1:-1] == tuple(("o.count", keys.get(text, text)) for text in above)


@pytest.mark.parametrize(
    ("above", "labels"),
    [
        ("a|a|b|c|c", "Count|Sum|Count|Count|Sum"),
        ("a|b|b", "Count|Count|Sum"),
        ("a|b", "Count|Sum"),
        ("a|Row Total|Row Total", "Count|Count|Sum"),
    ],
)
def test_pivots_with_different_columns_are_refused(above: str, labels: str) -> None:
    """A hidden measure has no column for any; else what stands under a pivot may be another's."""
    with pytest.raises(PayloadError, match="each has the same columns"):
        read([f"Orders Status|{above}", f"Orders Day|{labels}"], [DAY, COUNT, SUM], STATUS)


def test_totals_of_rows_may_have_fewer_columns_than_a_pivot() -> None:
    """Not every calculation has one."""
    found = read(
        ["Orders Status|a|a|Row Total", "Orders Day|Orders Count|Running|Orders Count"], [DAY, COUNT, RUNNING], STATUS
    )

    assert found.slots[1:] == (("o.count", "a"), ("running", "a"), ("o.count", TOTAL.key))


@pytest.mark.parametrize(("row_total", "notes"), [(None, 1), (False, 0)])
def test_a_row_total_before_other_pivots_is_noted(row_total: bool | None, notes: int) -> None:
    """It is taken for a value; only a query says whether it is one."""
    rows = ["Orders Status|Row Total|a", "Orders Day|Orders Count|Orders Count"]
    found = read(rows, [DAY, COUNT], STATUS, row_total=row_total)

    assert [pivot.key for pivot in found.pivots] == ["Row Total", "a"]
    assert len(found.notes) == notes


@pytest.mark.parametrize(("row_total", "is_total"), [(True, True), (None, True), (False, False)])
def test_row_total_may_be_a_value(row_total: bool | None, is_total: bool) -> None:
    """A query without totals of rows may well have a pivot of that name."""
    rows = ["Orders Status|a|Row Total", "Orders Day|Orders Count|Orders Count"]

    assert read(rows, [DAY, COUNT], STATUS, row_total=row_total).pivots[-1].is_total == is_total


def test_pivots_without_dimensions() -> None:
    """All columns are pivoted then, and no label stands above."""
    found = read(["a|b", "Orders Count|Orders Count"], [COUNT], STATUS)

    assert found.slots == (("o.count", "a"), ("o.count", "b"))


def test_equal_labels_within_a_pivot() -> None:
    """As many as there are fields of that label; one more begins the next pivot."""
    twin = Field("u.count", "count", measure=True, label="Orders Count")
    labels = "Orders Day|Orders Count|Orders Count|Orders Count|Orders Count"

    found = read(["Orders Status|a|a|b|b", labels], [DAY, COUNT, twin], STATUS)

    assert found.slots[1:] == (("o.count", "a"), ("u.count", "a"), ("o.count", "b"), ("u.count", "b"))


def test_no_pivot_has_values() -> None:
    """A result without rows has its dimensions; measures have no columns, and none is missing."""
    found = read(["Orders Status", "Orders Day"], [DAY, COUNT], STATUS)

    assert found == Headings((("o.day", None),), (), ("o.count",))


def test_what_no_field_describes_is_noted() -> None:
    """It is not in the table."""
    found = read(["Orders Day|Other|Orders Count"], [DAY, COUNT])

    assert found.slots == (("o.day", None), None, ("o.count", None))
    assert found.notes == ("columns that no field metadata describes are not in the table: Other",)


def test_a_field_without_a_column_is_noted() -> None:
    """It was hidden; its column is null."""
    found = read(["Orders Day"], [DAY, COUNT])

    assert found.notes == ("no column has a heading of these fields, which are null: Orders Count",)


@pytest.mark.parametrize(
    ("rows", "heads", "text"),
    [
        (["SQL Error: no such table"], (), "no field of the query has the heading 'SQL Error: no such table'"),
        (["a|b"], (), "no field of the query has the heading 'a, b', and no column that of 'Orders Day, Orders Count'"),
        (["Orders Day|Total"], (), "has the heading 'Total', and no column that of 'Orders Count'; .* apply_vis"),
        (["Orders Day|Orders Day|Orders Count"], (), None),
        (["Orders Status|a", "Orders Day|Orders Count"], (), "2 rows of headings, but its query has 0 pivoted"),
        (["Orders Day|Orders Count"], (STATUS,), "1 rows of headings, but its query has 1 pivoted"),
        (
            ["Orders Status|a|a", "Orders Day|Orders Count|Orders Count"],
            (STATUS,),
            "'a'.* heads columns of two pivots, which cannot be told apart",
        ),
        (["Orders Status|a", "Orders Day|Orders Sum"], (STATUS,), "no field of the query has the heading 'Orders Sum'"),
    ],
)
def test_headings_of_another_query_are_refused(rows: list[str], heads: tuple[Field, ...], text: str | None) -> None:
    """Else values would stand under a wrong name, or be left out; a surplus column alone is noted."""
    if text is None:
        assert read(rows, [DAY, COUNT], *heads).notes
        return
    with pytest.raises(PayloadError, match=text):
        read(rows, [DAY, COUNT], *heads)


def test_row_totals_that_are_due_are_not_guessed() -> None:
    """Totals under another heading would pass for a pivot."""
    rows = ["Orders Status|a|Total", "Orders Day|Orders Count|Orders Count"]

    with pytest.raises(PayloadError, match=r"asks for totals of rows, but .*'Total'.* heads the last columns"):
        read(rows, [DAY, COUNT], STATUS, row_total=True)
