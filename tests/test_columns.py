"""`Decoding` and `Column`: what the caller may decide, and what columns are called and typed then."""

from __future__ import annotations

import datetime as dt
import json
import pickle
import string
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookerframe.columns import Column, Decoding, Pivot, flat_name, pivot_text, unique
from lookerframe.exceptions import ConfigError, ConversionError
from lookerframe.fields import Field
from lookerframe.layout import Layout
from tests.writers import Col, cell, decode, dumped, json_detail, json_rows, metadata

TEXT, INT, FLOAT = pa.string(), pa.int64(), pa.float64()


def described(**facts: Any) -> Field:
    """Make a dimension."""
    return Field("v.a", "string", measure=False, **facts)


# -- what may be decided -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "value", "text"),
    [
        ("numbers", "int64", "numbers='int64' is not known; give one of 'auto', 'float64', 'decimal128'"),
        ("timestamps", "local", "timestamps='local' is not known; give one of 'naive', 'aware', 'utc'"),
        ("names", "title", "names='title' is not known; give one of 'field', 'label', 'label_short'"),
        ("pivots", "tidy", "pivots='tidy' is not known; give one of 'wide', 'long'"),
        ("on_truncate", "fail", "on_truncate='fail' is not known; give one of 'warn', 'raise', 'ignore'"),
        ("cells", ("value", "text"), "cells='text' is not known; give one of 'value', 'rendered', 'html', 'links'"),
        ("numbers", None, "numbers=None is not known"),
        ("names", ["field"], "names=['field'] is not known"),
        ("cells", [["value"]], "cells=['value'] is not known"),
        ("cells", (), "cells is a list of members of cells, as in ['value', 'rendered']; met ()"),
        ("cells", "value", "cells is a list of members of cells, as in ['value', 'rendered']; met 'value'"),
        ("cells", None, "cells is a list of members of cells"),
        ("cells", 5, "cells is a list of members of cells"),
        ("cells", {"value": 1}, "cells is a list of members of cells"),
        ("cells", {"value"}, "cells is a list of members of cells"),
        ("cells", ("value", "html", "value"), "cells=('value', 'html', 'value') names 'value' twice"),
        ("dtypes", [("v.a", "int64")], "dtypes maps field names to types, as in {'orders.id': 'int64'}; met [('v.a'"),
        ("dtypes", "int64", "dtypes maps field names to types"),
        ("dtypes", {"v.a": "varchar"}, "dtypes['v.a']: no column can have the type 'varchar'; give one of int64, "),
    ],
)
def test_what_cannot_be_decided_is_refused_by_its_setting(setting: str, value: Any, text: str) -> None:
    """Before anything is read, with what was met and what is known."""
    with pytest.raises(ConfigError) as caught:
        Decoding(**{setting: value})

    assert str(caught.value).startswith(text)
    assert caught.value.setting == setting


def test_a_decision_is_a_value() -> None:
    """Equal to another of the same words; workers get copies of it."""
    decoding = Decoding("float64", {"v.a": "int64"}, "utc", "label", ("value", "html"), "long", "raise")

    assert pickle.loads(pickle.dumps(decoding)) == decoding  # noqa: S301
    assert Decoding() == Decoding("auto", {}, "naive", "field", ("value",), "wide", "warn")


# -- unique names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_names", "found"),
    [
        ([], []),
        (["a", "b"], ["a", "b"]),
        (["a", "a", "a"], ["a", "a_2", "a_3"]),
        (["a", "a", "a_2"], ["a", "a_3", "a_2"]),
        (["a_2", "a", "a"], ["a_2", "a", "a_3"]),
        (["a", "a_2", "a", "a_2", "a_2_2"], ["a", "a_2", "a_3", "a_2_3", "a_2_2"]),
        (["", ""], ["", "_2"]),
        (["A", "a"], ["A", "a"]),
    ],
)
def test_the_second_of_a_name_is_numbered(given_names: list[str], found: list[str]) -> None:
    """In column order; a number that is somebody's name already is left out."""
    assert unique(given_names) == found


@given(st.lists(st.text(string.ascii_lowercase[:2] + "_23", max_size=4), max_size=12))
def test_unique_names_are_unique_and_keep_what_they_can(names: list[str]) -> None:
    """The first of each name keeps it; the others have it before an underscore and a number."""
    found = unique(names)

    assert len(set(found)) == len(found) == len(names)
    for place, (name, other) in enumerate(zip(names, found, strict=True)):
        if name not in names[:place]:
            assert other == name
        else:
            stem, _, number = other.rpartition("_")
            assert stem == name
            assert int(number) >= 2


def test_labels_that_clash_are_numbered_in_column_order() -> None:
    """Also with a field whose label is what a number would make of another; no value changes its column."""
    fields = {
        "dimensions": [
            {"name": "v.a", "type": "string", "label": "Name"},
            {"name": "w.a", "type": "string", "label": "Name"},
            {"name": "x.a", "type": "string", "label": "Name_2"},
            {"name": "y.a", "type": "string"},
        ]
    }
    row = {name: cell(name) for name in ("y.a", "x.a", "w.a", "v.a")}
    body = dumped({"fields": fields, "data": [row]})

    for names in ("label", "label_short"):
        table = decode(body, decoding=Decoding(names=names)).to_arrow()
        assert table.to_pylist() == [{"Name": "v.a", "Name_3": "w.a", "Name_2": "x.a", "y.a": "y.a"}]


@pytest.mark.parametrize(
    ("facts", "label", "label_short"),
    [
        ({"label": "V A", "label_short": "A"}, "V A", "A"),
        ({"label": "V A"}, "V A", "V A"),
        ({"label_short": "A"}, "v.a", "A"),
        ({}, "v.a", "v.a"),
        ({"label": "", "label_short": ""}, "v.a", "v.a"),
    ],
)
def test_a_field_without_a_label_keeps_its_name(facts: dict[str, Any], label: str, label_short: str) -> None:
    """The short label is replaced by the long one, and that by the name."""
    field = described(**facts)
    assert Decoding().label(field) == "v.a"
    assert Decoding(names="label").label(field) == label
    assert Decoding(names="label_short").label(field) == label_short


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "null"), ("x", "x"), ("", ""), ("é|FIELD|", "é|FIELD|"), (7, "7"), (1.5, "1.5"), (True, "true")],
)
def test_pivot_values_are_spelt_as_text(value: Any, text: str) -> None:
    """A null by the word; what is no text as JSON spells it."""
    assert pivot_text(value) == text


def test_flat_names_join_the_parts() -> None:
    """The field, the values of the pivots, the member of the cell."""
    assert flat_name(("v.n",), "value") == "v.n"
    assert flat_name(("v.n", "2024", "new"), "value") == "v.n|2024|new"
    assert flat_name(("v.n", "2024"), "rendered") == "v.n|2024.rendered"


# -- types by name -----------------------------------------------------------------------------------------------------


def pivoted(*, total: bool = False) -> bytes:
    """Write a row of a count by two pivot values."""
    keys = ["k", "j", *(["$$$_row_total_$$$"] if total else [])]
    fields = metadata([Col("v.a"), Col("v.n", "count", "measures", "Count")], [Col("v.p", "number", label="P")])
    pivots = [{"key": key, "data": {"v.p": place}} for place, key in enumerate(keys)]
    row = {"v.a": cell("x"), "v.n": {key: cell(place) for place, key in enumerate(keys)}}
    return dumped({"fields": fields, "pivots": pivots, "data": [row]})


@pytest.mark.parametrize(
    ("decoding", "types"),
    [
        (Decoding(), {"v.a": TEXT, "v.n|0": INT, "v.n|1": INT}),
        (Decoding(dtypes={"v.n": "float64"}), {"v.a": TEXT, "v.n|0": FLOAT, "v.n|1": FLOAT}),
        (Decoding(dtypes={"v.n|1": "float64"}), {"v.a": TEXT, "v.n|0": INT, "v.n|1": FLOAT}),
        (Decoding(dtypes={"v.n|1": "string", "v.n": "float64"}), {"v.a": TEXT, "v.n|0": FLOAT, "v.n|1": TEXT}),
        (Decoding(dtypes={"v.p": "float64"}), {"v.a": TEXT, "v.n|0": INT, "v.n|1": INT}),
        (Decoding(dtypes={"Count|1": "string"}, names="label"), {"v.a": TEXT, "Count|0": INT, "Count|1": TEXT}),
        (Decoding(pivots="long"), {"v.a": TEXT, "v.p": INT, "v.n": INT}),
        (Decoding(dtypes={"v.n": "string"}, pivots="long"), {"v.a": TEXT, "v.p": INT, "v.n": TEXT}),
        (Decoding(dtypes={"v.n|1": "string"}, pivots="long"), {"v.a": TEXT, "v.p": INT, "v.n": TEXT}),
        (Decoding(dtypes={"v.p": "float64"}, pivots="long"), {"v.a": TEXT, "v.p": FLOAT, "v.n": INT}),
        (
            Decoding(dtypes={"Count": "float64", "P": "string"}, names="label", pivots="long"),
            {"v.a": TEXT, "P": TEXT, "Count": FLOAT},
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("total", [True, False])
def test_dtypes_name_a_field_or_one_of_its_columns(
    decoding: Decoding, types: dict[str, pa.DataType], total: bool
) -> None:
    """The column's own name counts more than the field's; what `names` makes of it is a name too.

    In a long result the name of one pivot's column, which errors tell, decides for all of the field.
    """
    table = decode(pivoted(total=total), decoding=decoding).to_arrow()

    assert dict(zip(table.schema.names, table.schema.types, strict=True)) == types
    assert table.num_rows == (2 if decoding.pivots == "long" else 1)


@pytest.mark.parametrize(
    ("dtypes", "pivots", "hint"),
    [
        ({"v.nn": "int64"}, "wide", "'v.n'"),
        ({"v.n|k": "int64"}, "wide", "'v.n|1'"),
        ({"v.n|2": "int64"}, "long", "'v.n|1'"),
        ({"Count": "int64"}, "wide", None),
        ({"": "int64"}, "wide", None),
        ({7: "int64"}, "wide", None),
    ],
)
def test_dtypes_of_no_column_are_refused(dtypes: Any, pivots: Any, hint: str | None) -> None:
    """With the name that is most like it."""
    with pytest.raises(ConfigError, match=r"dtypes names .*, which is no column of this result") as caught:
        decode(pivoted(), decoding=Decoding(dtypes=dtypes, pivots=pivots))

    assert caught.value.setting == "dtypes"
    assert ("did you mean" in str(caught.value)) is (hint is not None)
    assert (hint or "") in str(caught.value)


# -- members of cells --------------------------------------------------------------------------------------------------

RICH: list[dict[str, Any]] = [
    {
        "value": 7,
        "rendered": "$7.00",
        "html": "<b>é</b>",
        "links": [{"label": 'by "x"', "url": "/é?a=1", "n": [1.10, None]}],
    },
    {"value": None},
    {"value": 8, "rendered": None, "html": None, "links": None},
    {"links": [], "rendered": 1.10, "value": 9},
]


def rich(*cells: Any) -> bytes:
    """Write rows of one count with cells as they are."""
    return json_detail([Col("v.n", "count", "measures")], [], data=[{"v.n": item} for item in cells])


def test_members_of_cells_become_columns() -> None:
    """In the order that is asked for; an absent one is null, and one that is no text keeps its own spelling."""
    table = decode(rich(*RICH, *[{"value": 1}] * 2), decoding=Decoding(cells=["html", "value", "rendered"])).to_arrow()

    assert table.to_pydict() == {
        "v.n.html": ["<b>é</b>", None, None, None, None, None],
        "v.n": [7, None, 8, 9, 1, 1],
        "v.n.rendered": ["$7.00", None, None, "1.1", None, None],
    }
    assert table.schema.types == [TEXT, INT, TEXT]
    assert table.schema.field("v.n.html").metadata[b"lookml.part"] == b"html"
    assert b"lookml.part" not in table.schema.field("v.n").metadata


def test_links_are_the_text_of_their_json() -> None:
    """What they say is what `json.loads` makes of them; the number of digits of a number in them may change."""
    body = rich(*RICH)
    for cells in (("links",), ("links", "value")):
        table = decode(body, decoding=Decoding(cells=cells)).to_arrow()
        found = [None if text is None else json.loads(text) for text in table["v.n.links"].to_pylist()]
        assert found == [RICH[0]["links"], None, None, []]
        assert table.schema.field("v.n.links").type == TEXT


def test_links_of_another_shape_are_refused() -> None:
    """A text is not taken for the text of links."""
    with pytest.raises(ConversionError, match=r"column 'v\.n\.links', row 1: 'x' is not a value"):
        decode(rich({"value": 1}, {"value": 1, "links": "x"}), decoding=Decoding(cells=("value", "links"))).to_arrow()


def test_a_member_of_cells_may_be_given_a_type() -> None:
    """By the name of its column; the value of the field keeps its own."""
    decoding = Decoding(cells=("value", "rendered"), dtypes={"v.n.rendered": "float64"})
    table = decode(rich({"value": 1, "rendered": "1.5"}, {"value": 2}), decoding=decoding).to_arrow()

    assert table.to_pydict() == {"v.n": [1, 2], "v.n.rendered": [1.5, None]}


def test_a_member_clashes_with_no_field() -> None:
    """A field may be called as a member's column is."""
    columns = [Col("v.a"), Col("v.a.rendered")]
    body = json_detail(columns, [], data=[{"v.a": {"value": "1", "rendered": "2"}, "v.a.rendered": {"value": "3"}}])

    table = decode(body, decoding=Decoding(cells=("value", "rendered"))).to_arrow()
    assert table.to_pylist() == [
        {"v.a": "1", "v.a.rendered": "2", "v.a.rendered_2": "3", "v.a.rendered.rendered": None}
    ]


@pytest.mark.parametrize("result_format", ["json", "inline_json", "json_label"])
@pytest.mark.parametrize("cells", [("value", "rendered"), ("links",)])
def test_formats_without_cells_refuse_their_members(result_format: str, cells: Any) -> None:
    """Before a row is read."""
    with pytest.raises(ConfigError, match=f"{result_format} has values alone; json_detail has the rest") as caught:
        decode(json_rows([{"v.a": 1}]), result_format, decoding=Decoding(cells=cells))
    assert caught.value.setting == "cells"


# -- what columns say of themselves ------------------------------------------------------------------------------------


def test_pivot_values_are_in_the_metadata_of_their_columns() -> None:
    """As JSON, nulls and numbers told from texts."""
    pivots = [Pivot("k", ("é", None)), Pivot("j", (7, "null")), Pivot("t", (), is_total=True)]
    fields = [Field("v.n", "count", measure=True)]
    layout = Layout(
        fields, decoding=Decoding(), pivot_fields=[Field("v.p"), Field("v.q")], pivots=pivots, pivoted={"v.n"}
    )
    found = [column.arrow_field(INT).metadata.get(b"lookml.pivot") for column in layout.columns]

    assert [column.name for column in layout.columns] == ["v.n|é|null", "v.n|7|null", "v.n"]
    assert [None if text is None else json.loads(text) for text in found] == [["é", None], [7, "null"], None]


def test_a_column_is_a_value() -> None:
    """Nothing changes it once it is laid out."""
    column = Column(described(), Decoding().reader(described(), "v.a", timezone=None), ("v.a",), "v.a")
    with pytest.raises(AttributeError):
        column.name = "x"  # type: ignore[misc]


# -- time zones --------------------------------------------------------------------------------------------------------

#: With gaps and folds of an hour, of half an hour, at midnight, over a day, of old and of other signs; and none.
ZONES = [
    *["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu"],
    *["Pacific/Apia", "Africa/Casablanca", "Europe/Dublin", "Asia/Tehran", "America/St_Johns"],
]


def instant(wall: dt.datetime, zone: str) -> dt.datetime:
    """Say with the standard library which point in time a wall clock of a zone means."""
    info = ZoneInfo(zone)
    early = wall.replace(tzinfo=info, fold=0).astimezone(dt.UTC)
    if early.astimezone(info).replace(tzinfo=None) == wall:
        return early  # the earlier of two that have this wall clock
    # The clocks skip it. The two offsets around the gap give a time before and one after it.
    late = wall.replace(tzinfo=info, fold=1).astimezone(dt.UTC)
    before, after = sorted((early, late))
    start = before.astimezone(info).utcoffset()
    while after - before > dt.timedelta(microseconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(info).utcoffset() == start:
            before = middle
        else:
            after = middle
    return after


def times(timestamps: Any, zone: str, walls: list[dt.datetime | None]) -> pa.Table:
    """Decode wall clocks of a zone."""
    rows = [{"v.t": None if wall is None else wall.isoformat(sep=" ", timespec="microseconds")} for wall in walls]
    body = json_detail([Col("v.t", "date_time")], rows, timezone=zone)
    return decode(body, decoding=Decoding(timestamps=timestamps)).to_arrow()


def points(table: pa.Table) -> list[dt.datetime | None]:
    """Give the points in time that a column means."""
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return [
        None if micros is None else epoch + dt.timedelta(microseconds=micros)
        for micros in table["v.t"].cast(pa.int64()).to_pylist()
    ]


def changes(zone: str) -> list[dt.date]:
    """Give the days from 1995 to 2025 on which the clocks of a zone are set, and the days around them."""
    noons = [dt.datetime(1995, 1, 1, 12, tzinfo=ZoneInfo(zone)) + dt.timedelta(days=day) for day in range(11_300)]
    offsets = [noon.utcoffset() for noon in noons]
    found = [place for place in range(1, len(noons) - 1) if offsets[place] != offsets[place - 1]]
    return [noons[place + near].date() for place in found or [100] for near in (-1, 0, 1)]


@pytest.mark.parametrize("zone", ZONES)
def test_times_are_placed_as_the_standard_library_places_them(zone: str) -> None:
    """Every half hour where clocks are set: of a time that comes twice the earlier, of one that is skipped the next."""
    walls: list[dt.datetime | None] = [
        dt.datetime.combine(day, dt.time()) + dt.timedelta(minutes=30 * step, microseconds=micros)
        for day in changes(zone)
        for step in range(48)
        for micros in (0, 1)
    ]
    due = [instant(wall, zone) for wall in walls if wall is not None]

    for timestamps, name in (("aware", zone), ("utc", "UTC")):
        table = times(timestamps, zone, [*walls, None])
        assert table.schema.types == [pa.timestamp("us", name)]
        assert points(table) == [*due, None]
    assert times("naive", zone, walls)["v.t"].to_pylist() == walls


@pytest.mark.parametrize(
    ("zone", "wall", "utc"),
    [
        ("America/New_York", "2024-03-10 01:59:59.999999", "2024-03-10 06:59:59.999999"),
        ("America/New_York", "2024-03-10 02:00:00", "2024-03-10 07:00:00"),
        ("America/New_York", "2024-03-10 02:30:00", "2024-03-10 07:00:00"),
        ("America/New_York", "2024-03-10 03:00:00", "2024-03-10 07:00:00"),
        ("America/New_York", "2024-11-03 01:30:00", "2024-11-03 05:30:00"),
        ("America/New_York", "2024-11-03 02:00:00", "2024-11-03 07:00:00"),
        ("Europe/Berlin", "2024-03-31 02:30:00", "2024-03-31 01:00:00"),
        ("Europe/Berlin", "2024-10-27 02:30:00", "2024-10-27 00:30:00"),
        ("America/Sao_Paulo", "2018-11-04 00:30:00", "2018-11-04 03:00:00"),
        ("Australia/Lord_Howe", "2024-10-06 02:15:00", "2024-10-05 15:30:00"),
        ("Pacific/Apia", "2011-12-30 12:00:00", "2011-12-30 10:00:00"),
        ("Asia/Kathmandu", "2024-01-01 00:00:00", "2023-12-31 18:15:00"),
    ],
)
def test_gaps_and_folds_by_hand(zone: str, wall: str, utc: str) -> None:
    """The first moment after a gap, the first of two in a fold."""
    table = times("utc", zone, [dt.datetime.fromisoformat(wall)])
    assert table["v.t"].to_pylist() == [dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)]


@given(
    st.sampled_from(ZONES),
    st.lists(st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2037, 12, 30)), max_size=5),  # noqa: DTZ001
)
def test_any_time_is_placed_right(zone: str, walls: list[dt.datetime]) -> None:
    """To the microsecond."""
    assert points(times("aware", zone, list(walls))) == [instant(wall, zone) for wall in walls]


@pytest.mark.parametrize("timestamps", ["aware", "utc"])
def test_fields_in_no_zone_stay_naive(timestamps: Any) -> None:
    """With ``convert_tz: no`` the times are the database's; dates, and the text of a raw time, have no zone either."""
    fields = {
        "dimensions": [
            {"name": "v.t", "type": "date_time", "convert_tz": False},
            {"name": "v.u", "type": "date_time", "convert_tz": True},
            {"name": "v.h", "type": "date_hour6"},
            {"name": "v.d", "type": "date_date"},
            {"name": "v.r", "type": "date_raw"},
        ]
    }
    row = {"v.t": "2024-03-10 02:30:00", "v.u": "2024-07-01 00:00:00", "v.h": "2024-07-01 06:00:00"}
    row |= {"v.d": "2024-03-10", "v.r": "2024-03-10 02:30:00 UTC"}
    body = json_detail([], [row], fields=fields, timezone="Europe/Berlin")
    table = decode(body, decoding=Decoding(timestamps=timestamps)).to_arrow()

    zoned = pa.timestamp("us", "UTC" if timestamps == "utc" else "Europe/Berlin")
    assert table.schema.types == [pa.timestamp("us"), zoned, zoned, pa.date32(), TEXT]
    assert table["v.t"].to_pylist() == [dt.datetime(2024, 3, 10, 2, 30)]  # noqa: DTZ001


@pytest.mark.parametrize("timestamps", ["aware", "utc"])
def test_pivots_and_totals_have_the_zone_too(timestamps: Any) -> None:
    """A time that heads columns is placed like one in a row."""
    fields = metadata([Col("v.n", "count", "measures")], [Col("v.t", "date_minute")])
    pivots = [{"key": "k", "data": {"v.t": "2024-07-01 12:00"}}]
    body = dumped({"fields": fields, "pivots": pivots, "timezone": "Europe/Berlin", "data": [{"v.n": {"k": cell(1)}}]})

    table = decode(body, decoding=Decoding(timestamps=timestamps, pivots="long")).to_arrow()
    assert table.schema.field("v.t").type == pa.timestamp("us", "UTC" if timestamps == "utc" else "Europe/Berlin")
    assert points(table) == [dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC)]


@pytest.mark.parametrize("timestamps", ["aware", "utc"])
@pytest.mark.parametrize(
    ("timezone", "text"),
    [
        ("Mars/Olympus", "the time zone 'Mars/Olympus' of this result is not known on this machine; use timestamps="),
        (None, "timestamps=.* needs the time zone of the query, which this result does not name"),
        ("", "the time zone '' of this result is not known on this machine"),
    ],
)
def test_a_zone_that_is_not_known_is_told(timestamps: Any, timezone: str | None, text: str) -> None:
    """Before a row is read; a result without times needs none."""
    with pytest.raises(ConfigError, match=text) as caught:
        decode(json_detail([Col("v.t", "date_time")], [], timezone=timezone), decoding=Decoding(timestamps=timestamps))
    assert caught.value.setting == "timestamps"

    other = json_detail([Col("v.a"), Col("v.d", "date_date")], [], timezone=timezone)
    assert decode(other, decoding=Decoding(timestamps=timestamps)).to_arrow().num_rows == 0


def test_formats_without_a_zone_take_that_of_the_query() -> None:
    """`json` does not name it; whoever ran the query knows it."""
    body, columns = json_rows([{"v.t": "2024-07-01 12:00:00"}]), [Col("v.t", "date_time")]
    facts = {"columns": columns, "decoding": Decoding(timestamps="utc")}

    table = decode(body, "json", context={"timezone": "Europe/Berlin"}, **facts).to_arrow()  # type: ignore[arg-type]
    assert points(table) == [dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC)]
    with pytest.raises(ConfigError, match="needs the time zone of the query"):
        decode(body, "json", **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize("timestamps", ["naive", "aware", "utc"])
@pytest.mark.parametrize("text", ["2024-07-01 12:00:00Z", "2024-07-01 12:00:00+02:00", "noon", "2024-13-01 00:00:00"])
def test_other_times_are_refused_in_every_zone(timestamps: Any, text: str) -> None:
    """A zone in the text is not thrown away, nor applied twice."""
    body = json_detail([Col("v.t", "date_time")], [{"v.t": None}, {"v.t": text}], timezone="Europe/Berlin")
    with pytest.raises(ConversionError) as caught:
        decode(body, decoding=Decoding(timestamps=timestamps)).to_arrow()
    assert (caught.value.column, caught.value.row, caught.value.value) == ("v.t", 1, text)


# -- formatted values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["$1,234.50", "1,234", "12.5%", "€ 1.234,50", "1 234,5 €", "$-5", "(5)", '<a href="/x">7</a>', "7 days", "$5.00M"],
)
@pytest.mark.parametrize(
    "column", [Col("v.n", "count", "measures"), Col("v.n", "sum", "measures"), Col("v.n", "number")]
)
def test_formatted_numbers_are_told_with_their_cause(text: str, column: Col) -> None:
    """They are no numbers, and the option that makes Looker write them is named; as texts they can be had."""
    for body, result_format in (
        (json_rows([{"v.n": text}]), "json"),
        (json_detail([column], [{"v.n": text}]), "json_detail"),
    ):
        with pytest.raises(ConversionError, match="it looks formatted: the task was made with apply_formatting"):
            decode(body, result_format, columns=[column]).to_arrow()
        decoding = Decoding(dtypes={"v.n": "string"})
        assert decode(body, result_format, columns=[column], decoding=decoding).to_arrow()["v.n"].to_pylist() == [text]


@pytest.mark.parametrize("zone", ["+05:30", "No/Where", ""])
def test_a_zone_without_rules_is_refused_before_any_row(zone: str) -> None:
    """Also one that Arrow takes for an offset."""
    body = json_detail([Col("v.t", "date_time")], [{"v.t": "2040-01-01 00:00:00"}], timezone=zone)

    with pytest.raises(ConfigError, match="time zone"):
        decode(body, decoding=Decoding(timestamps="aware"))


@pytest.mark.parametrize("kind", ["date_time", "date_date"])
def test_there_is_no_year_0(kind: str) -> None:
    """Arrow has one, but a value of it can be read by nothing else."""
    body = json_detail([Col("v.t", kind)], [{"v.t": "0000-01-01 00:00:00"[: 10 if kind == "date_date" else 19]}])

    with pytest.raises(ConversionError, match="0000-01-01"):
        decode(body).to_arrow()
