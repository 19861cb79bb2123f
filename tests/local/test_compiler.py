"""Types of dimensions and measures: what each computes, and how the API describes it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lookerframe import local
from lookerframe.local import filters, liquid
from lookerframe.local.compiler import compile_query
from lookerframe.local.metadata import describe_explore, describe_field
from lookerframe.local.models import read_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from lookerframe.local.engine import Session
    from lookerframe.local.project import Project

    Ask = Callable[..., list[tuple[Any, ...]]]

TYPES = """
view: t {
  sql_table_name: (VALUES
    (1, -1, 'a', TIMESTAMP '2024-01-31 12:00:00', TIMESTAMP '2024-02-29 11:00:00', 52.52, 13.405),
    (2, 0, 'b', TIMESTAMP '2024-03-01', TIMESTAMP '2024-02-28', 40.7128, -74.006),
    (3, 10, NULL, TIMESTAMP '2024-01-01', NULL, NULL, NULL),
    (4, 80, 'it''s', TIMESTAMP '2023-01-01', TIMESTAMP '2025-01-01', -33.8688, 151.2093),
    (5, NULL, 'b', NULL, NULL, 52.52, 13.405)) ;;
  dimension: id { type: number primary_key: yes sql: ${TABLE}.col0 ;; }
  dimension: age { type: number sql: ${TABLE}.col1 ;; }
  dimension: text { sql: ${TABLE}.col2 ;; drill_fields: [id] }
  dimension: classic { type: tier tiers: [0, 10, 80] sql: ${age} ;; }
  dimension: interval { type: tier style: interval tiers: [0, 10, 80] sql: ${age} ;; }
  dimension: integer { type: tier style: integer tiers: [0, 10, 80] sql: ${age} ;; }
  dimension: relational { type: tier style: relational tiers: [0, 10, 80] sql: ${age} ;; }
  dimension: ones { type: tier style: integer tiers: [0, 1, 2] sql: ${age} ;; }
  dimension: halves { type: bin bins: [0.5] style: interval sql: ${age} ;; }
  dimension: letter {
    case: { when: { sql: ${text} = 'b' ;; label: "It's B" } when: { sql: ${text} = 'a' ;; label: "A" } else: "Else" }
  }
  dimension: only_a { case: { when: { sql: ${text} = 'a' ;; label: "A" } } }
  dimension: place { type: location sql_latitude: ${TABLE}.col5 ;; sql_longitude: ${TABLE}.col6 ;; }
  dimension: berlin { type: location sql_latitude: 52.52 ;; sql_longitude: 13.405 ;; hidden: yes }
  dimension: km { type: distance start_location_field: place end_location_field: berlin units: kilometers }
  dimension: miles { type: distance start_location_field: berlin end_location_field: t.place }
  dimension: latitude { type: number sql: ${place::latitude} ;; }
  dimension_group: start { type: time timeframes: [raw, date, quarter_of_year] sql: ${TABLE}.col3 ;; }
  dimension_group: open {
    type: duration intervals: [hour, day, week, month, year] sql_start: ${start_raw} ;; sql_end: ${TABLE}.col4 ;;
  }
  dimension: mail {
    html: <b>{{ rendered_value }}</b> ;; link: { label: "Find {{ value }}" url: "/x?q={{ value | url_encode }}" }
    sql: ${text} ;; tags: ["email"] suggestions: ["a", "b"]
  }
  measure: median { type: median sql: ${age} ;; }
  measure: p25 { type: percentile percentile: 25 sql: ${age} ;; }
  measure: texts { type: list list_field: text }
  measure: bs { type: count filters: [text: "b"] }
  measure: old { type: sum sql: ${age} ;; filters: [age: ">=10", letter: "-A"] }
  measure: recent { type: count filters: [start_date: "30 days"] }
  measure: mean_b { type: average sql: ${age} ;; filters: { field: text value: "b" } }
  measure: share { type: number sql: 1.0 * ${bs} / ${median} ;; }
  measure: many { type: yesno sql: ${bs} > 1 ;; }
  measure: word { type: string sql: 'n=' || ${bs} ;; }
  measure: first { type: date sql: MIN(${start_raw}) ;; }
}
"""


@pytest.fixture
def read(project: Callable[..., Path]) -> Project:
    """Read the LookML of this module."""
    return read_project(project(TYPES, "t"))


@pytest.fixture
def ask(read: Project, session: Session) -> Ask:
    """Run a query over the fields named."""
    explore = read.models["m"].explores["t"]

    def run(*names: str, timezone: str = "UTC", now: dt.datetime | None = None, **where: str) -> list[tuple[Any, ...]]:
        fields = [f"t.{name}" for name in names]
        conditions = {f"t.{name}": filters.parse(explore.fields[f"t.{name}"], text) for name, text in where.items()}
        plan = compile_query(explore, fields, filters=conditions, sorts=(), limit=None, timezone=timezone, now=now)
        return [tuple(row.values()) for row in session.run(plan.sql).to_pylist()]

    return run


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("classic", ["T00 (-inf,0)", "T01 [0,10)", "T02 [10,80)", "T03 [80,inf)", "TXX Undefined"]),
        ("interval", ["(-inf,0)", "[0,10)", "[10,80)", "[80,inf)", "Undefined"]),
        ("integer", ["Below 0", "0 to 9", "10 to 79", "80 or Above", "Undefined"]),
        ("relational", ["< 0", ">= 0 and < 10", ">= 10 and < 80", ">= 80", "Undefined"]),
    ],
)
def test_tiers(ask: Ask, read: Project, name: str, labels: list[str]) -> None:
    """Four styles of labels; a bound belongs to the tier that it begins; tiers are sorted as they rise, null last."""
    field = read.models["m"].explores["t"].fields[f"t.{name}"]

    assert ask(name) == [(label,) for label in labels]
    assert ask(name, "id") == list(zip(labels, range(1, 6), strict=True))
    assert [
        item["label"] for item in describe_field(field, read.models["m"].explores["t"], read)["enumerations"]
    ] == labels
    assert [field.sort_value(label) for label in labels] == ["00", "01", "02", "03", "04"]
    assert field.sort_value(None) is None


def test_tiers_of_one_number_and_bins(ask: Ask) -> None:
    """A tier of one whole number has that for its name; a bin is a tier under another name."""
    assert [row[0] for row in ask("ones")] == ["Below 0", "0", "2 or Above", "Undefined"]
    assert ask("halves", id="1,3,5") == [("(-inf,0.5)",), ("[0.5,inf)",), ("Undefined",)]


def test_case(ask: Ask, read: Project) -> None:
    """The first condition that holds counts; values are sorted as they are written."""
    explore = read.models["m"].explores["t"]

    assert ask("letter") == [("It's B",), ("A",), ("Else",)]
    assert sorted(ask("only_a", "id"), key=lambda row: row[1]) == [("A", 1), (None, 2), (None, 3), (None, 4), (None, 5)]
    described = describe_field(explore.fields["t.letter"], explore, read)
    assert described["sql_case"][0] == {"value": "It's B", "condition": "${text} = 'b'"}
    assert [item["value"] for item in described["enumerations"]] == ["It's B", "A", "Else"]


def test_locations_and_distances(ask: Ask) -> None:
    """A location is two numbers with a comma; a distance is that along the earth, in the unit asked for."""
    rows = {number: rest for number, *rest in ask("id", "place", "km", "miles", "latitude")}

    assert rows[1] == ["52.5200,13.4050", 0, 0, Decimal("52.52")]
    assert rows[2][1] == pytest.approx(6_385, rel=1e-3)
    assert rows[2][2] == pytest.approx(6_385 / 1.609344, rel=1e-3)
    assert rows[3] == [None, None, None, None]
    assert rows[4][1] == pytest.approx(16_094, rel=1e-3)


def test_durations(ask: Ask) -> None:
    """Whole units that have passed; negative if the end comes first."""
    names = [f"{unit}s_open" for unit in ("hour", "day", "week", "month", "year")]

    assert [row[1:] for row in ask("id", *names)] == [
        (695, 28, 4, 0, 0),
        (-48, -2, 0, 0, 0),
        (None,) * 5,
        (17_544, 731, 104, 24, 2),
        (None,) * 5,
    ]


def test_measures(ask: Ask) -> None:
    """Each type of measure, over five rows one of which is null."""
    found = ask("median", "p25", "texts", "bs", "old", "mean_b", "share", "many", "word", "first")

    assert found == [(5.0, -0.25, ["a", "b", "it's"], 2, 90, 0.0, pytest.approx(0.4), "Yes", "n=2", "2023-01-01")]


def test_dates_of_measures_are_in_the_zone_of_the_query(ask: Ask) -> None:
    """A date that is a measure is converted like any other."""
    assert ask("first", timezone="America/New_York") == [("2022-12-31",)]


def test_filters_of_measures_count_from_now(ask: Ask) -> None:
    """A filter on time in the LookML is read when the query runs."""
    assert ask("recent", now=dt.datetime(2024, 3, 2, tzinfo=dt.UTC)) == [(1,)]
    assert ask("recent", now=dt.datetime(2030, 3, 2, tzinfo=dt.UTC)) == [(0,)]


def test_filters_on_measures_of_every_kind(ask: Ask) -> None:
    """Numbers, yesno and text can be asked of a measure; a primary key is grouped then."""
    assert ask("text", "bs", bs=">1") == [("b", 2)]
    assert ask("text", many="Yes") == [("b",)]
    assert ask("id", bs="1") == [(2,), (5,)]


def test_description_of_new_fields(read: Project) -> None:
    """Types, flags, links and filters are as the API spells them."""
    explore = read.models["m"].explores["t"]

    def described(name: str) -> dict[str, Any]:
        return describe_field(explore.fields[f"t.{name}"], explore, read)

    assert {name: described(name)["type"] for name in ("classic", "halves", "letter", "place", "km", "days_open")} == {
        "classic": "tier",
        "halves": "bin",
        "letter": "string",
        "place": "location",
        "km": "distance",
        "days_open": "duration_day",
    }
    assert [described(name)["is_numeric"] for name in ("classic", "km", "days_open", "texts", "many", "share")] == [
        *(False, True, True),
        *(False, False, True),
    ]
    days = described("days_open")
    assert (days["label"], days["field_group_label"], days["dimension_group"]) == (
        "T Days Open",
        "Duration Open",
        "t.open",
    )
    mail = described("mail")
    assert mail["links"] == [{"label": "Find {{ value }}", "url": "/x?q={{ value | url_encode }}", "icon_url": None}]
    assert (mail["tags"], mail["suggestions"]) == (["email"], ["a", "b"])
    assert described("old")["filters"] == [
        {"field": "age", "condition": ">=10"},
        {"field": "letter", "condition": "-A"},
    ]
    assert described("start_quarter_of_year")["enumerations"][0] == {"label": "Q1", "value": "Q1"}
    assert described("text")["drill_fields"] == ["t.id"]


def test_descriptions_are_of_the_schema(read: Project, valid: Callable[[str, Any], None]) -> None:
    """Every field of this module, and an explore with joins, is what the API says it is."""
    model = read.models["m"]
    valid("LookmlModelExplore", describe_explore(model.explores["t"], model, read))
    for field in model.explores["t"].fields.values():
        valid("LookmlModelExploreField", describe_field(field, model.explores["t"], read))


def test_demo(valid: Callable[[str, Any], None]) -> None:
    """The demo has two models; every explore is described as the API does, joins and links included."""
    demo = read_project(Path(local.__file__).parent / "lookml")

    assert {name: list(model.explores) for name, model in demo.models.items()} == {
        "flights": ["flights", "planes", "weather"],
        "thelook": ["order_items", "orders", "users", "completed_orders"],
    }
    for model in demo.models.values():
        for explore in model.explores.values():
            described = describe_explore(explore, model, demo)
            valid("LookmlModelExplore", described)
            assert [join["name"] for join in described["joins"]] == [join.name for join in explore.joins]
            for join in described["joins"]:
                valid("LookmlModelExploreJoins", join)
            for field in explore.fields.values():
                for link in describe_field(field, explore, demo)["links"] or []:
                    valid("LookmlFieldLink", link)


def test_liquid() -> None:
    """The cell's own values, with a few filters; what is not given is empty."""
    text = liquid.checked("<a href='{{ value | url_encode }}'>{{rendered_value|upcase|escape}}</a>{{ linked_value }}")

    assert liquid.render(text, value="a b&c", rendered_value="<x>") == "<a href='a+b%26c'>&lt;X&gt;</a>"


def test_percentiles_are_not_rounded(ask: Ask) -> None:
    """Statistics that interpolate have more decimals than the values."""
    assert ask("p25", id="2,3") == [(2.5,)]
