"""LookML: what is read means what Looker says, every mistake is one error with file, line and field."""

from __future__ import annotations

import pickle
import re
from typing import TYPE_CHECKING, Any

import pytest

from lookerframe.exceptions import LookerFrameError, LookMLError
from lookerframe.local.models import read_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.local.calling import Api

EVERYTHING = """
# A comment, and every parameter that is served.
view: base {
  sql_table_name: (VALUES (1, 'a', TIMESTAMP '2013-01-01 10:00:00'), (2, NULL, NULL)) ;;
  label: "The Base"
  dimension: id { primary_key: yes type: number sql: ${TABLE}.col0 ;; value_format: "0.0" }
  dimension: text {
    label: "Some Text" description: "Words" group_label: "Group" group_item_label: "Item" view_label: "Elsewhere"
    hidden: yes tags: ["a", "b"] sql: ${TABLE}.col1 ;;
  }
  dimension: zip { type: zipcode sql: ${text} ;; }
  dimension: has_text { type: yesno sql: ${text} IS NOT NULL ;; }
  dimension: both { type: yesno sql: ${has_text} AND ${base.id} > 0 ;; }
  dimension: length { type: number sql: LENGTH(${text}) ;; }
  dimension_group: seen { type: time timeframes: [raw, date, year] sql: ${TABLE}.col2 ;; }
  dimension: next_year { type: number sql: ${seen_year} + 1 ;; }
  measure: count { type: count drill_fields: [id, base.text] }
  measure: texts { type: count_distinct sql: ${text} ;; }
  measure: total { type: sum sql: ${id} ;; value_format_name: usd }
}
"""


def test_everything_that_is_served(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """References, also to yesno and times, are resolved; labels and formats reach the metadata."""
    user = started(lookml=project(EVERYTHING, "base"))
    fields = ("id", "zip", "both", "length", "seen_date", "next_year", "count", "texts", "total")
    names = [f"base.{name}" for name in fields]

    rows = user.run(*names, model="m", view="base", sorts=["base.id"])

    assert [tuple(row.values()) for row in rows] == [
        (1, "a", "Yes", 1, "2013-01-01", 2014, 1, 1, 1),
        (2, None, "No", None, None, None, 1, 0, 2),
    ]
    explore = user("GET", "/lookml_models/m/explores/base").json()
    described = {field["name"]: field for group in ("dimensions", "measures") for field in explore["fields"][group]}
    text = described["base.text"]
    assert (text["label"], text["label_short"], text["view_label"]) == ("Elsewhere Some Text", "Some Text", "Elsewhere")
    assert (text["description"], text["hidden"], text["tags"]) == ("Words", True, ["a", "b"])
    assert (text["field_group_label"], text["field_group_variant"]) == ("Group", "Item")
    assert text["lookml_link"] == "/projects/project/files/v.view.lkml?line=7"
    assert described["base.id"]["primary_key"]
    assert described["base.id"]["label"] == "The Base Id"
    assert described["base.seen_year"]["label_short"] == "Seen Year"
    assert described["base.seen_year"]["field_group_label"] == "Seen Date"
    assert described["base.total"]["value_format"] == '"$"#,##0.00'
    assert described["base.count"]["drill_fields"] == ["base.id", "base.text"]


@pytest.mark.parametrize("how", ["from", "view_name"])
def test_explore_over_a_view_of_another_name(
    started: Callable[..., Api], project: Callable[..., Path], how: str
) -> None:
    """``from`` renames the view and its fields; ``view_name`` does not."""
    model = f'explore: e {{ {how}: base label: "An E" description: "What it is" hidden: yes group_label: "G" }}'
    user = started(lookml=project(EVERYTHING, model=model))
    view = "e" if how == "from" else "base"

    rows = user.run(f"{view}.both", f"{view}.count", model="m", view="e", filters={f"{view}.id": "1"})

    assert rows == [{f"{view}.both": "Yes", f"{view}.count": 1}]
    sql = user.run(f"{view}.id", model="m", view="e", result_format="json_detail")["sql"]
    assert f"  AS {view}\n" in sql
    assert f"{view}.col0 AS" in sql
    explore = user("GET", "/lookml_models/m/explores/e").json()
    assert (explore["label"], explore["description"], explore["hidden"], explore["group_label"]) == (
        "An E",
        "What it is",
        True,
        "G",
    )


@pytest.mark.parametrize(
    "include", ["v.view.lkml", "v.view", "/v.view.lkml", "*.view.lkml", "/**/*.view", "*.lkml", "**/v.view.lkml"]
)
def test_include(tmp_path: Path, include: str) -> None:
    """Includes are paths or patterns below the project, with or without the last suffix."""
    (tmp_path / "v.view.lkml").write_text("view: t { dimension: a {} }", encoding="utf-8")
    (tmp_path / "m.model.lkml").write_text(f'include: "{include}"\nexplore: t {{}}', encoding="utf-8")

    assert list(read_project(tmp_path).models["m"].explores["t"].fields) == ["t.a"]


def test_include_beside_the_file_and_below_the_project(tmp_path: Path) -> None:
    """A slash in front is the project's folder, else paths count from the file; what is included may include."""
    (tmp_path / "views" / "more").mkdir(parents=True)
    (tmp_path / "views" / "a.view.lkml").write_text("view: a { dimension: x {} }", encoding="utf-8")
    (tmp_path / "views" / "more" / "b.view.lkml").write_text(
        'include: "/views/a.view"\ninclude: "../../e.explore"\nview: b { dimension: y {} }', encoding="utf-8"
    )
    (tmp_path / "e.explore.lkml").write_text('include: "*.lkml"\nexplore: a {}\nexplore: b {}', encoding="utf-8")
    (tmp_path / "views" / "m.model.lkml").write_text('include: "more/*.view.lkml"', encoding="utf-8")

    explores = read_project(tmp_path).models["m"].explores

    assert {name: list(explore.fields) for name, explore in explores.items()} == {"a": ["a.x"], "b": ["b.y"]}
    assert explores["a"].view.fields["x"].place.file == "views/a.view.lkml"
    assert explores["b"].place.file == "e.explore.lkml"


def test_include_that_leads_out_of_the_project(tmp_path: Path) -> None:
    """Files beside the project are none of it."""
    (tmp_path / "p").mkdir()
    (tmp_path / "v.view.lkml").write_text("view: t { dimension: x {} }", encoding="utf-8")
    (tmp_path / "p" / "m.model.lkml").write_text('include: "../*.lkml"\nexplore: t {}', encoding="utf-8")

    with pytest.raises(LookMLError, match=r"m\.model\.lkml:1: m\.model\.lkml: include .* leads out of the project"):
        read_project(tmp_path / "p")


def test_two_models_of_one_name(tmp_path: Path) -> None:
    """The second is refused, wherever it stands."""
    (tmp_path / "deep").mkdir()
    for folder in (tmp_path, tmp_path / "deep"):
        (folder / "a.model.lkml").write_text("view: t { dimension: x {} } explore: t {}", encoding="utf-8")

    with pytest.raises(LookMLError, match="there is another model 'a'; give the file another name"):
        read_project(tmp_path)


def test_several_models(tmp_path: Path) -> None:
    """Each model file is a model, also in folders; views may stand in it."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.model.lkml").write_text("view: t { dimension: x {} } explore: t {}", encoding="utf-8")
    (tmp_path / "deep" / "b.model.lkml").write_text(
        'connection: "c" label: "B!" view: t { dimension: y {} } explore: t {}', encoding="utf-8"
    )

    models = read_project(tmp_path).models

    assert {name: list(model.explores["t"].fields) for name, model in models.items()} == {"a": ["t.x"], "b": ["t.y"]}
    assert (models["a"].label, models["a"].connection) == ("A", "a")
    assert (models["b"].label, models["b"].connection) == ("B!", "c")


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("view: t {\n  dimension a {}\n}", "v.view.lkml:2: not valid LookML: "),
        ("view: t {", "v.view.lkml:1: not valid LookML: "),
        (
            "view: t {\n  dimension: a {\n    sql: x\n  }\n}",
            "v.view.lkml:3: not valid LookML: the expression that begins here never ends; is a ';;' missing?",
        ),
        (
            'view: t {\n  label: "x\n}\n',
            "v.view.lkml:2: not valid LookML: the text that begins here never ends; is a '\"' missing?",
        ),
        (
            "view: t { dimension: a {} }\n}\nview: u { dimension: b {} }",
            "v.view.lkml:2: not valid LookML: '}' closes nothing; take it away, or open a block before it",
        ),
        ("view: t {\n  ;\n}", "v.view.lkml:2: not valid LookML: a single ';'; an expression ends in ';;'"),
        ("view: t {}\n\0view: u {}", "v.view.lkml:2: not valid LookML: a character NUL, which is no text"),
        ("view: t {" * 2_000, "v.view.lkml:1: not valid LookML: blocks are nested deeper than can be read"),
        (
            "view: t {\n  dimension: a {\n    type: string\n    type: number\n  }\n}",
            "v.view.lkml:4: not valid LookML: parameter 'type' is given twice in one block",
        ),
        (
            'include: "a"\ninclude: "b"\nlabel: "c"\nlabel: "d"',
            "v.view.lkml:4: not valid LookML: parameter 'label' is given twice in one file",
        ),
        (
            "view: t {\n dimension: a { primary_key: yes }\n dimension: b { primary_key: yes }\n}",
            "v.view.lkml:3: t.b: primary_key: yes stands at 'a' as well; one dimension tells the rows of a view apart",
        ),
        (
            "view: t {\n derived_table: { sql: SELECT * FROM ${t.SQL_TABLE_NAME} ;; } }",
            "v.view.lkml:1: t: the derived_table needs itself: t -> t",
        ),
        (
            (
                "view: t { derived_table: { sql: SELECT * FROM ${u.SQL_TABLE_NAME} ;; } }\n"
                "view: u { derived_table: { sql: SELECT * FROM ${t.SQL_TABLE_NAME} ;; } }"
            ),
            "v.view.lkml:1: t: the derived_table needs itself: t -> u -> t",
        ),
        (
            "view: t {\n derived_table: { sql: SELECT * FROM ${nope.SQL_TABLE_NAME} ;; } }",
            "v.view.lkml:1: t: ${nope.SQL_TABLE_NAME} cannot stand here; a derived_table may have",
        ),
        (
            "view: t { sql_table_name: ${u.SQL_TABLE_NAME} ;; } view: u { dimension: a {} }",
            "v.view.lkml:1: t: ${u.SQL_TABLE_NAME} cannot stand here",
        ),
        (
            "view: t {\n  derived_table: { explore_source: x {} }\n}",
            "v.view.lkml:1: t: parameter 'explore_source' is not served by the local Looker; served in a ",
        ),
        ("view: t { derived_table: {} }", "v.view.lkml:1: t: a derived_table needs sql; others are not served"),
        (
            "view: t { derived_table: { sql: x ;; } sql_table_name: y ;; }",
            "v.view.lkml:1: t: a view has sql_table_name or",
        ),
        (
            "view: t {\n\n  dimension: a {\n    html: {% if x %} ;;\n  }\n}",
            "v.view.lkml:3: t.a: html: tags of Liquid ({% ... %}) are not served",
        ),
        (
            "view: t { dimension: a { html: {{ t.b._value }} ;; } }",
            "v.view.lkml:1: t.a: html: Liquid 't.b._value' is not served by the local Looker; served: value, rendered_",
        ),
        (
            'view: t { dimension: a { link: { label: "x" url: "{{ value | shout }}" } } }',
            "v.view.lkml:1: t.a: url: Liquid 'shout' is not served",
        ),
        ('view: t { dimension: a { link: { label: "x" } } }', "v.view.lkml:1: t.a: a link needs label and url, as in"),
        (
            'view: t {\n  measure: m { type: count filters: [a: "1"] }\n}',
            "v.view.lkml:2: t.m: filters has 'a', which is no field of view t",
        ),
        (
            'view: t { dimension: a { type: number } measure: m { type: count filters: [a: "many"] } }',
            "v.view.lkml:1: t.m: filters: a: ",
        ),
        (
            'view: t { dimension: a {} measure: m { type: number sql: 1 ;; filters: [a: "1"] } }',
            "v.view.lkml:1: t.m: a measure of type number has no filters; put them on the measures that it refers to",
        ),
        ("view: t { dimension: a { type: location } }", "v.view.lkml:1: t.a: a location needs sql_latitude and sql_l"),
        (
            "view: t { dimension: a { type: distance } }",
            "v.view.lkml:1: t.a: a distance needs start_location_field and",
        ),
        (
            "view: t { dimension: a {} dimension: b { type: distance start_location_field: a end_location_field: a } }",
            "v.view.lkml:1: t.b: sql refers to ${a::latitude}, which is no field of view t",
        ),
        (
            "view: t { dimension: a { type: distance start_location_field: b end_location_field: c units: feats } }",
            "v.view.lkml:1: t.a: units 'feats' is not served by the local Looker; served: kilometers, meters, feet, ",
        ),
        (
            "view: t { dimension: a { type: tier } }",
            "v.view.lkml:1: t.a: tiers [] do not rise; expected numbers, as in",
        ),
        ("view: t { dimension: a { type: tier tiers: [2, 1] } }", "v.view.lkml:1: t.a: tiers ['2', '1'] do not rise"),
        (
            "view: t { dimension: a { type: bin bins: [x] } }",
            "v.view.lkml:1: t.a: bins ['x'] are not numbers; expected",
        ),
        (
            "view: t { dimension: a { type: tier style: integer tiers: [0.5] } }",
            "v.view.lkml:1: t.a: style integer needs whole numbers as tiers, not ['0.5']",
        ),
        (
            "view: t { dimension: a { type: tier style: round tiers: [1] } }",
            "v.view.lkml:1: t.a: style 'round' is not served by the local Looker; served: classic, interval, integer, ",
        ),
        (
            "view: t { dimension: a { tiers: [1] } }",
            "v.view.lkml:1: t.a: parameter 'tiers' means nothing with type string; it goes with tier",
        ),
        ("view: t { dimension: a { case: {} } }", "v.view.lkml:1: t.a: the case has no when; expected when: { sql: "),
        (
            "view: t { dimension: a { case: { when: { sql: 1=1 ;; } } } }",
            "v.view.lkml:1: t.a: a when of the case lacks sql or label; expected when: { sql: ",
        ),
        (
            'view: t { dimension: a { type: number case: { when: { sql: 1=1 ;; label: "x" } } } }',
            "v.view.lkml:1: t.a: a case gives a string, so the dimension cannot be of type number",
        ),
        ("view: t { measure: m {} }", "v.view.lkml:1: t.m: a measure needs a type; served: count, count_distinct, "),
        (
            "view: t { measure: m { type: running_total sql: 1 ;; } }",
            "v.view.lkml:1: t.m: type 'running_total' is not served by the local Looker; served: count, ",
        ),
        ("view: t { measure: m { type: list } }", "v.view.lkml:1: t.m: a measure of type list needs list_field"),
        (
            "view: t { measure: m { type: percentile sql: 1 ;; percentile: 101 } }",
            "v.view.lkml:1: t.m: percentile is '101'; expected a number from 0 to 100",
        ),
        ("view: t { measure: m { type: sum } }", "v.view.lkml:1: t.m: a measure of type sum needs sql"),
        ("view: t { measure: m { type: count sql: 1 ;; } }", "v.view.lkml:1: t.m: a measure of type count has no sql"),
        (
            "view: t { dimension: a { hidden: maybe } }",
            "v.view.lkml:1: t.a: parameter 'hidden' is 'maybe'; expected yes",
        ),
        ("view: t { dimension: a { tags: x } }", "v.view.lkml:1: t.a: parameter 'tags' is 'x'; expected a list, as in"),
        (
            "view: t { dimension: a { label: [x] } }",
            "v.view.lkml:1: t.a: parameter 'label' is ['x']; expected one value",
        ),
        (
            "view: t { dimension: a { value_format_name: money } }",
            "v.view.lkml:1: t.a: value_format_name 'money' is not",
        ),
        ('view: t { dimension: a { value_format: "0;0" } }', "v.view.lkml:1: t.a: value_format '0;0' is not served"),
        (
            "view: t { dimension: a { sql: {{ x }} ;; } }",
            "v.view.lkml:1: t.a: Liquid in sql is not served by the local",
        ),
        ("view: t { dimension: a { sql: ${b} ;; } }", "v.view.lkml:1: t.a: sql refers to ${b}, which is no field of"),
        ("view: t { dimension: a { sql: ${u.b} ;; } }", "v.view.lkml:1: t.a: sql refers to ${u.b}, which is no field"),
        ("view: t { dimension: a { sql: ${a} ;; } }", "v.view.lkml:1: t.a: sql refers to itself: a -> a"),
        (
            "view: t { dimension: a { sql: ${b} ;; } dimension: b { sql: ${a} ;; } }",
            "v.view.lkml:1: t.b: sql refers to itself: a -> b -> a",
        ),
        (
            "view: t { dimension: a { sql: ${m} ;; } measure: m { type: count } }",
            "v.view.lkml:1: t.a: sql refers to ${m}, a measure; only dimensions can be referred to",
        ),
        (
            "view: t {\n dimension: a {}\n dimension: a {}\n}",
            "v.view.lkml:3: t.a: field 't.a' is defined twice in this view",
        ),
        (
            "view: t {\n dimension: time_date {}\n dimension_group: time { type: time timeframes: [date] }\n}",
            "v.view.lkml:3: t.time: field 't.time_date' is defined twice in this view",
        ),
        (
            "view: t { dimension: a {} }\nview: t { dimension: b {} }",
            "v.view.lkml:2: view 't' is defined twice in model 'm'",
        ),
        (
            "view: t { dimension: a {} }\nview: +t { dimension: b {} }",
            "v.view.lkml:2: +t: refinements (names with +) are not served",
        ),
        ("view: t { dimension_group: g { type: tier } }", "v.view.lkml:1: t.g: type 'tier' is not served by the local"),
        (
            "view: t { dimension_group: g { type: duration } }",
            "v.view.lkml:1: t.g: a dimension_group of type duration needs sql_start and sql_end",
        ),
        (
            "view: t { dimension_group: g { type: duration intervals: [eon] sql_start: a ;; sql_end: b ;; } }",
            "v.view.lkml:1: t.g: interval 'eon' is not served by the local Looker; served: second, minute, ",
        ),
        (
            "view: t { dimension_group: g { timeframes: [date, eon] } }",
            "v.view.lkml:1: t.g: timeframe 'eon' is not served by the local Looker; served: raw, time, ",
        ),
        (
            "view: t { dimension_group: g { type: time datatype: julian } }",
            "v.view.lkml:1: t.g: datatype 'julian' is not served by the local Looker; served: timestamp, ",
        ),
        (
            "view: t { dimension: a { sql: ${b.SQL_TABLE_NAME} ;; } }",
            "v.view.lkml:1: t.a: sql refers to ${b.SQL_TABLE_NAME}, which is no view of the model",
        ),
        ("view: u { dimension: a {} }", "m.model.lkml:2: t: no view 't' among the included files; known: u"),
    ],
)
def test_mistake_in_a_view(project: Callable[..., Path], view: str, expected: str) -> None:
    """One error: file, line, field, what was met, what is expected."""
    with pytest.raises(LookMLError) as caught:
        read_project(project(view, "t"))

    assert str(caught.value).startswith(expected)
    assert isinstance(caught.value, LookerFrameError)
    assert isinstance(caught.value, ValueError)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert (str(again), again.place) == (str(caught.value), caught.value.place)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (
            "explore: t {\n  access_filter: { field: t.a user_attribute: b }\n}",
            "m.model.lkml:2: t: parameter 'access_filter' is not served by the",
        ),
        (
            "explore: t {\n  sql_always_where: ${a} = 1 ;;\n}",
            "m.model.lkml:2: t: sql refers to ${a}, which is no field of explore t; expected ${view.field}",
        ),
        (
            'explore: t { always_filter: { filters: [b: "1"] } }',
            "m.model.lkml:2: t: always_filter is on 'b', which is no",
        ),
        ("explore: t { always_join: [u] }", "m.model.lkml:2: t: always_join names 'u', which is not joined"),
        ("explore: t { fields: [t.b] }", "m.model.lkml:2: t: fields: 't.b' is not one of the fields here"),
        ("explore: t { fields: [t.b*] }", "m.model.lkml:2: t: fields: there is no set 't.b*'"),
        ("fiscal_month_offset: x explore: t {}", "m.model.lkml:1: m: fiscal_month_offset is 'x'; expected a number of"),
        ("explore: t {\n  from: nothing\n}", "m.model.lkml:2: t: no view 'nothing' among the included files; known: t"),
        ("", "m.model.lkml:1: m: the model has no explore; add one, as in: explore: orders {}"),
        ('include: "none*"\nexplore: t {}', "m.model.lkml:1: m.model.lkml: include 'none*' matches no .lkml file in "),
        ('include: ""\nexplore: t {}', "m.model.lkml:1: m.model.lkml: include '' matches no .lkml file in "),
        ("explore: t {}\nexplore: t {}", "m.model.lkml:3: explore 't' is defined twice in model 'm'"),
        ("week_start_day: sunday", "m.model.lkml:1: m: parameter 'week_start_day' is not served by the"),
        (
            "explore: t {\n  sql_always_where: ${t.m} > 1 ;;\n}",
            "m.model.lkml:2: t: sql_always_where refers to ${t.m}, a measure; only dimensions can be referred to",
        ),
        (
            "explore: t {\n  join: u { from: t sql_on: ${u.m} = ${t.a} ;; }\n}",
            "m.model.lkml:3: t: sql_on refers to ${u.m}, a measure; only dimensions can be referred to",
        ),
    ],
)
def test_mistake_in_a_model(project: Callable[..., Path], model: str, expected: str) -> None:
    """The same for models and explores."""
    with pytest.raises(LookMLError) as caught:
        read_project(project("view: t { dimension: a {} measure: m { type: max sql: ${a} ;; } }", model=model))

    assert str(caught.value).startswith(expected)


def test_key_that_needs_another_view(project: Callable[..., Path]) -> None:
    """A primary key tells the rows of its own table apart, so its SQL is over that alone."""
    view = """
    view: t { dimension: id {} dimension: key { primary_key: yes sql: ${id} || ${u.id} ;; } }
    view: u { dimension: id { primary_key: yes } }
    """
    model = "explore: t { join: u { relationship: one_to_one sql_on: ${u.id} = ${t.id} ;; } }"

    with pytest.raises(LookMLError, match=r"v\.view\.lkml:2: t\.key: the primary_key refers to another view"):
        read_project(project(view, model=model))


QUOTED = r"""
view: t {
  sql_table_name: (VALUES (1, 'say "a"'), (2, 'b\c'), (3, '\"')) ;;
  dimension: n { type: number sql: ${TABLE}.col0 ;; value_format: "0.0,\" K\"" }
  dimension: text { label: "a \"b\"" description: "c:\\d \e" tags: ["\"x\""] sql: ${TABLE}.col1 ;; }
  dimension: kind { case: { when: { sql: ${n} = 1 ;; label: "the \"first\"" } else: "\\" } }
  measure: quoted { type: count filters: [text: "say ^\"a^\""] }
  measure: slashed { type: count filters: [text: "b\\c"] }
  dimension: written { sql: '\"' ;; }
}
"""


def test_backslashes(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """In quoted text a backslash stands before a quote or a backslash; in SQL it is itself."""
    user = started(lookml=project(QUOTED, "t"))
    names = ("t.n", "t.kind", "t.written", "t.quoted", "t.slashed")

    detail = user.run(*names, model="m", view="t", sorts=["t.n"], result_format="json_detail")
    explore = user("GET", "/lookml_models/m/explores/t").json()

    assert [tuple(row[name]["value"] for name in names) for row in detail["data"]] == [
        (1, 'the "first"', r"\"", 1, 0),
        (2, "\\", r"\"", 0, 1),
        (3, "\\", r"\"", 0, 0),
    ]
    assert detail["data"][0]["t.n"]["rendered"] == "0.0 K"
    (text,) = (item for item in explore["fields"]["dimensions"] if item["name"] == "t.text")
    assert (text["label_short"], text["description"], text["tags"]) == ('a "b"', r"c:\d \e", ['"x"'])


INERT = """
view: t {
  view_label: "The T"
  drill_fields: [n]
  suggestions: no
  derived_table: { sql: SELECT 1 AS n ;; persist_for: "1 hour" indexes: ["n"] }
  dimension: n { type: number can_filter: no suggest_dimension: n suggest_explore: t alias: [m] map_layer_name: x }
  measure: count { type: count }
}
"""


def test_what_changes_no_number_is_passed_over(
    started: Callable[..., Api], project: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    """Caches, suggestions and maps are not served and need not be; the log names each."""
    model = (
        'datagroup: d { max_cache_age: "1 hour" }\npersist_with: d\nmap_layer: x {}\n'
        'explore: t { persist_for: "2 hours" query: q { dimensions: [n] } }'
    )
    caplog.set_level("INFO", logger="lookerframe.local.blocks")
    user = started(lookml=project(INERT, model=model))

    assert user.run("t.n", "t.count", model="m", view="t") == [{"t.n": 1, "t.count": 1}]
    described = user("GET", "/lookml_models/m/explores/t").json()["fields"]["dimensions"][0]
    assert described["view_label"] == "The T"
    passed_over = set(re.findall(r"parameter '(\w+)' changes no number", caplog.text))
    assert passed_over == {
        *("drill_fields", "suggestions", "persist_for", "indexes", "can_filter", "suggest_dimension"),
        *("suggest_explore", "alias", "map_layer_name", "datagroup", "persist_with", "map_layer", "query"),
    }


def test_formats_that_the_model_names(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """``named_value_format`` is a name beside Looker's own."""
    view = "view: t { sql_table_name: (SELECT 1234.5 AS n) ;; dimension: n { type: number value_format_name: mine } }"
    model = 'named_value_format: mine { value_format: "$#,##0.00" } explore: t {}'
    user = started(lookml=project(view, model=model))

    (row,) = user.run("t.n", model="m", view="t", result_format="json_detail")["data"]

    assert row["t.n"] == {"value": 1234.5, "rendered": "$1,234.50"}


def test_byte_order_mark(project: Callable[..., Path]) -> None:
    """Editors put one before the text; it is none of it."""
    folder = project("\ufeffview: t { dimension: a {} }", "t")

    assert list(read_project(folder).models["m"].explores["t"].fields) == ["t.a"]


def test_folder_that_is_named_like_a_model(project: Callable[..., Path]) -> None:
    """Only files are models."""
    folder = project("view: t { dimension: a {} }", "t")
    (folder / "x.model.lkml").mkdir()

    assert list(read_project(folder).models) == ["m"]


def test_folder_without_a_model(tmp_path: Path) -> None:
    """The error says which files are looked for."""
    with pytest.raises(LookMLError, match=r"no model here; expected at least one file .* <model>\.model\.lkml"):
        read_project(tmp_path)


def test_file_that_is_not_text(project: Callable[..., Path]) -> None:
    """Bytes that are not UTF-8 are named with their file."""
    folder = project("", "t")
    (folder / "v.view.lkml").write_bytes(b'view: t { label: "\xff" }')

    with pytest.raises(LookMLError, match=r"v\.view\.lkml:1: not UTF-8 text"):
        read_project(folder)


def test_broken_field_is_the_only_one_of_the_demo(api: Api) -> None:
    """Every field of the demo but the broken one can be run, each by itself."""
    explore = api("GET", "/lookml_models/flights/explores/flights").json()["fields"]
    names = [field["name"] for group in ("dimensions", "measures") for field in explore[group]]
    failed: list[Any] = [name for name in names if "errors" in api.run(name, limit="1", result_format="json_detail")]

    assert failed == ["flights.broken"]
    assert len(names) > 45
