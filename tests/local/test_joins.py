"""Joins: only those that are needed, and every row counted once whatever they do to it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from lookerframe.exceptions import LookMLError
from lookerframe.local import filters
from lookerframe.local.compiler import Sort, compile_query
from lookerframe.local.models import read_project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lookerframe.local.engine import Session
    from lookerframe.local.project import Explore
    from tests.local.calling import Api

    Ask = Callable[..., tuple[list[tuple[Any, ...]], str]]

#: Orders 1 and 2 have three items together, order 3 none; item 4 has no order. Customer 9 never bought.
VIEWS = """
view: orders {
  sql_table_name: (VALUES (1, 7, 0.10), (2, 7, 0.10), (3, 8, 100.25)) ;;
  dimension: id { type: number primary_key: yes sql: ${TABLE}.col0 ;; }
  dimension: customer_id { type: number sql: ${TABLE}.col1 ;; }
  dimension: freight { type: number sql: ${TABLE}.col2 ;; }
  dimension: customer { sql: ${customers.name} ;; }
  measure: count { type: count drill_fields: [basic*] }
  measure: dear { type: count filters: [freight: ">1"] }
  measure: freights { type: sum sql: ${freight} ;; }
  measure: average_freight { type: average sql: ${freight} ;; }
  measure: median_freight { type: median sql: ${freight} ;; }
  measure: freight_90 { type: percentile percentile: 90 sql: ${freight} ;; }
  measure: highest { type: max sql: ${freight} ;; }
  measure: freight_each { type: number sql: ${freights} / ${count} ;; }
  set: basic { fields: [id, freight, -freight, items.id] }
}
view: items {
  sql_table_name: (VALUES (1, 1, 5), (2, 1, 6), (3, 2, 7), (4, NULL, 8)) ;;
  dimension: id { type: number primary_key: yes sql: ${TABLE}.col0 ;; }
  dimension: order_id { type: number sql: ${TABLE}.col1 ;; }
  dimension: price { type: number sql: ${TABLE}.col2 ;; }
  measure: count { type: count }
  measure: total { type: sum sql: ${price} ;; }
  measure: freights { type: sum_distinct sql_distinct_key: ${orders.id} ;; sql: ${orders.freight} ;; }
  set: all { fields: [id, price, count, total] }
}
view: customers {
  label: "Buyers"
  sql_table_name: (VALUES (7, 'Ana'), (8, 'Zoë'), (9, 'Nobody')) ;;
  dimension: id { type: number primary_key: yes sql: ${TABLE}.col0 ;; }
  dimension: name { sql: ${TABLE}.col1 ;; }
  measure: count { type: count }
}
view: facts {
  derived_table: { sql: SELECT col1 AS id, COUNT(*) AS n FROM ${orders.SQL_TABLE_NAME} AS o GROUP BY 1 ;; }
  dimension: id { type: number primary_key: yes }
  dimension: n { type: number }
}
view: ranked {
  derived_table: { sql: SELECT *, RANK() OVER (ORDER BY n DESC) AS place FROM ${facts.SQL_TABLE_NAME} ;; }
  dimension: id { type: number primary_key: yes }
  dimension: place { type: number }
}
view: keyless {
  sql_table_name: (VALUES (1), (1)) ;;
  dimension: order_id { type: number sql: ${TABLE}.col0 ;; }
  measure: orders { type: count_distinct sql: ${order_id} ;; }
}
"""

EXPLORE = """
explore: orders {
  join: items { relationship: one_to_many sql_on: ${orders.id} = ${items.order_id} ;; }
  join: ranked { relationship: many_to_one sql_on: ${customers.id} = ${ranked.id} ;; }
  join: customers { relationship: many_to_one sql_on: ${orders.customer_id} = ${customers.id} ;; }
  join: facts { relationship: one_to_one sql_on: ${customers.id} = ${facts.id} ;; }
}
"""


@pytest.fixture
def explore(project: Callable[..., Path]) -> Callable[..., Explore]:
    """Read one explore over the views of this module."""

    def read(model: str, name: str = "orders") -> Explore:
        return read_project(project(VIEWS, model=model)).models["m"].explores[name]

    return read


@pytest.fixture
def ask(explore: Callable[..., Explore], session: Session) -> Ask:
    """Run a query; give its rows and its SQL."""

    def run(
        *fields: str, model: str = EXPLORE, view: str = "orders", where: Mapping[str, str] | None = None
    ) -> tuple[list[tuple[Any, ...]], str]:
        found = explore(model, view)
        conditions = {name: filters.parse(found.fields[name], text) for name, text in (where or {}).items()}
        plan = compile_query(found, fields, filters=conditions, sorts=(Sort(fields[0]),), limit=None, timezone="UTC")
        return [tuple(row.values()) for row in session.run(plan.sql).to_pylist()], plan.sql

    return run


@pytest.mark.parametrize(
    ("fields", "tables"),
    [
        (["orders.id"], []),
        (["items.price"], ["items"]),
        (["customers.name", "items.id"], ["items", "customers"]),
        (["facts.n"], ["customers", "facts"]),
        (["ranked.place"], ["customers", "ranked"]),
        (["orders.customer"], ["customers"]),
        (["items.freights"], ["items"]),
    ],
)
def test_only_needed_joins_are_written(ask: Ask, fields: Sequence[str], tables: Sequence[str]) -> None:
    """A join comes with those that it needs, before it; a field may need a join through another field."""
    _, sql = ask(*fields)

    assert [line.split("  AS ")[1].split()[0] for line in sql.splitlines() if " JOIN " in line] == tables


def test_join_is_laid_out_as_looker_does(ask: Ask) -> None:
    """One line each, the view's name as alias."""
    _, sql = ask("customers.count", "items.total", where={"customers.name": "Ana"})

    table = "(VALUES (7, 'Ana'), (8, 'Zoë'), (9, 'Nobody'))"
    assert (
        f"LEFT JOIN {table}  AS customers ON (orders.col1) = (customers.col0)\nWHERE (customers.col1 ) = 'Ana'" in sql
    )


def test_rows_that_joins_repeat_count_once(ask: Ask) -> None:
    """Sums, averages and medians are exact, decimals included, though equal values belong to different rows."""
    measures = (
        "freights",
        "average_freight",
        "median_freight",
        "freight_90",
        "highest",
        "freight_each",
        "dear",
        "count",
    )
    alone, plain = ask(*(f"orders.{name}" for name in measures))

    joined, symmetric = ask(*(f"orders.{name}" for name in measures), "items.count", "items.total")

    assert joined == [(*alone[0], 3, 18)]
    assert alone[0][0] == Decimal("100.45")
    assert "DISTINCT" not in plain
    assert "DISTINCT" in symmetric


def test_groups_of_repeated_rows(ask: Ask) -> None:
    """The same within groups; an order without items is one of the group that has none."""
    rows, _ = ask("items.price", "orders.count", "orders.freights", "items.count", "customers.count", "items.freights")

    cheap = Decimal("0.10")
    assert rows == [
        (None, 1, Decimal("100.25"), 0, 1, Decimal("100.25")),
        *((price, 1, cheap, 1, 1, cheap) for price in (5, 6, 7)),
    ]


def test_rows_of_a_primary_key_are_grouped_if_joins_repeat_them(ask: Ask) -> None:
    """A key tells rows apart only where each is there once."""
    assert ask("orders.id", "orders.freight")[0] == [(1, Decimal("0.10")), (2, Decimal("0.10")), (3, Decimal("100.25"))]
    assert "GROUP BY" not in ask("orders.id")[1]
    assert "GROUP BY" in ask("orders.id", "items.price")[1]
    assert ask("orders.id", where={"items.price": "5,6"})[0] == [(1,)]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("left_outer", [(None, 1, 0), (1, 1, 2), (2, 1, 1)]),
        ("inner", [(1, 1, 2), (2, 1, 1)]),
        ("full_outer", [(None, 1, 1), (1, 1, 2), (2, 1, 1)]),
    ],
)
def test_types_of_joins(ask: Ask, kind: str, expected: list[tuple[Any, ...]]) -> None:
    """Rows that have no match are kept as the type says, and counted where they are."""
    model = f"""explore: orders {{ fields: [ALL_FIELDS*, -orders.customer]
      join: items {{ type: {kind} relationship: one_to_many sql_on: ${{orders.id}} = ${{items.order_id}} ;; }} }}"""

    assert ask("items.order_id", "orders.count", "items.count", model=model)[0] == expected


def test_cross_join(ask: Ask) -> None:
    """Every row with every other; each still counts once."""
    rows, sql = ask(
        "customers.count",
        "orders.count",
        "orders.freights",
        model="explore: orders { join: customers { type: cross } }",
    )

    assert "CROSS JOIN" in sql
    assert rows == [(3, 3, Decimal("100.45"))]


def test_foreign_key_and_names_of_ones_own(ask: Ask, explore: Callable[..., Explore]) -> None:
    """``foreign_key`` is the view's key; ``from`` gives view, fields and label another name."""
    model = """explore: orders { fields: [ALL_FIELDS*, -orders.customer]
                                 join: buyer { from: customers foreign_key: customer_id }
                                 join: other { from: customers view_label: "Else" foreign_key: orders.customer_id } }"""

    assert ask("buyer.name", "other.name", model=model)[0] == [("Ana", "Ana"), ("Zoë", "Zoë")]
    found = explore(model).fields
    assert (found["buyer.name"].view_label, found["other.name"].view_label) == ("Buyer", "Else")


def test_fields_and_sets(explore: Callable[..., Explore]) -> None:
    """A join brings the fields it names; an explore has those it names; a minus takes away; sets are lists of both."""
    model = EXPLORE.replace(
        "sql_on: ${orders.id} = ${items.order_id} ;;",
        "sql_on: ${orders.id} = ${items.order_id} ;; fields: [items.all*, -items.price]",
    ).replace("explore: orders {", "explore: orders { fields: [ALL_FIELDS*, -orders.freight_90]")

    found = explore(model).fields

    assert [name for name in found if name.startswith("items.")] == ["items.id", "items.count", "items.total"]
    assert "orders.freight_90" not in found
    assert found["orders.count"].drill_fields == ("orders.id", "items.id")


def test_derived_tables(ask: Ask) -> None:
    """Each is a common table expression, after those that it reads; none is there without need."""
    rows, sql = ask("ranked.place", "facts.n")

    assert rows == [(1, 2), (2, 1)]
    assert sql.startswith("WITH facts AS (\nSELECT col1 AS id, COUNT(*) AS n FROM (VALUES (1, 7, 0.10), ")
    assert ",\nranked AS (\nSELECT *, RANK() OVER (ORDER BY n DESC) AS place FROM facts\n)\nSELECT\n" in sql
    assert "WITH" not in ask("orders.id")[1]


def test_filters_of_the_explore(ask: Ask) -> None:
    """What an explore always asks for is asked; ``always_filter`` only until a query filters that field itself."""
    model = EXPLORE.replace(
        "explore: orders {",
        """explore: orders { sql_always_where: ${customers.name} <> 'Zoë' ;; sql_always_having: ${orders.count} > 0 ;;
             always_filter: { filters: [id: "1", customers.name: "-Nobody"] }""",
    )

    assert ask("orders.id", model=model)[0] == [(1,)]
    assert ask("orders.id", model=model, where={"orders.id": "1,2,3"})[0] == [(1,), (2,)]
    assert "HAVING (" in ask("orders.count", model=model)[1]


@pytest.mark.parametrize(
    ("join", "expected"),
    [
        ("join: nothing {}", "m.model.lkml:2: orders.nothing: no view 'nothing' among the included files; known: cust"),
        ("join: items {}", "m.model.lkml:2: orders.items: a join needs sql_on or foreign_key, as in sql_on: ${orders"),
        ("join: items { sql_on: 1=1 ;; foreign_key: id }", "m.model.lkml:2: orders.items: a join needs sql_on or for"),
        ("join: items { type: cross sql_on: 1=1 ;; }", "m.model.lkml:2: orders.items: a cross join has no sql_on and"),
        ("join: items { type: anti sql_on: 1=1 ;; }", "m.model.lkml:2: orders.items: type 'anti' is not served by the"),
        (
            "join: items { relationship: some sql_on: 1=1 ;; }",
            "m.model.lkml:2: orders.items: relationship 'some' is not served by the local Looker; served: many",
        ),
        (
            "join: items { sql_on: ${orders.id} = ${item.order_id} ;; }",
            "m.model.lkml:2: orders.items: sql refers to ${item.order_id}, which is no field of explore orders",
        ),
        (
            "join: items { sql_on: ${id} = ${items.order_id} ;; }",
            "m.model.lkml:2: orders.items: sql refers to ${id}, which is no field of explore orders",
        ),
        (
            "join: keyless { foreign_key: id }",
            "m.model.lkml:2: orders.keyless: foreign_key needs a primary_key in view",
        ),
        (
            "join: items { sql_on: 1=1 ;; required_joins: [x] }",
            "m.model.lkml:2: orders.items: required_joins names 'x'",
        ),
        (
            "join: items { sql_on: 1=1 ;; } join: items { sql_on: 1=1 ;; }",
            "m.model.lkml:2: orders.items: 'items' is joined already; give this join another name and say",
        ),
        (
            "join: items { sql_on: ${orders.id} = ${facts.n} ;; } join: facts { sql_on: ${items.id} = 1 ;; }",
            "m.model.lkml:2: orders: joins need each other: items -> facts -> items",
        ),
        (
            "join: items { sql_on: 1=1 ;; fields: [id, x] }",
            "m.model.lkml:2: orders.items: fields: 'items.x' is not one",
        ),
        ("join: items { sql_on: 1=1 ;; sql: x ;; }", "m.model.lkml:2: orders.items: parameter 'sql' is not served by"),
    ],
)
def test_mistake_in_a_join(explore: Callable[..., Explore], join: str, expected: str) -> None:
    """One error: file, line, explore and join, what was met, what is expected."""
    customers = "join: customers { sql_on: ${orders.customer_id} = ${customers.id} ;; }"

    with pytest.raises(LookMLError) as caught:
        explore(f"explore: orders {{ {join} {customers} }}")

    assert str(caught.value).startswith(expected)


def test_measure_that_needs_a_key(project: Callable[..., Path]) -> None:
    """Without a key repeated rows could not be told apart, so the LookML is refused; what needs no key is served."""
    model = """explore: keyless { join: items { relationship: one_to_many
      sql_on: ${keyless.order_id} = ${items.order_id} ;; fields: [items.price, items.count] } }"""
    served = read_project(project(VIEWS, model=model)).models["m"].explores["keyless"]
    assert "keyless.orders" in served.fields

    views = VIEWS.replace("measure: orders {", "measure: rows { type: count } measure: orders {")
    with pytest.raises(
        LookMLError, match=r"'keyless', so 'keyless\.rows' needs a primary_key there; mark one dimension"
    ):
        read_project(project(views, model=model))


NOT_JOINED = """
view: orders {
  sql_table_name: (SELECT 1 AS id) ;;
  dimension: id { type: number primary_key: yes }
  dimension: customer { sql: ${customers.name} ;; }
  dimension: loud { sql: UPPER(${customer}) ;; }
  measure: count { type: count }
  measure: bobs { type: count filters: [customers.name: "Bob"] }
}
view: customers {
  sql_table_name: (SELECT 1 AS id, 'Bob' AS name) ;;
  dimension: id { primary_key: yes }
  dimension: name {}
}
"""


def test_field_of_a_view_that_is_not_joined(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """In an explore without that view a query for it is refused, also through other fields; the rest is served."""
    model = "explore: e { view_name: orders join: customers { sql_on: ${customers.id} = ${orders.id} ;; } }"
    user = started(lookml=project(NOT_JOINED, "orders", model=model))

    assert user.run("orders.id", "orders.count", model="m", view="orders") == [{"orders.id": 1, "orders.count": 1}]
    assert user.run("orders.loud", "orders.bobs", model="m", view="e") == [{"orders.loud": "BOB", "orders.bobs": 1}]
    for name in ("customer", "loud", "bobs"):
        body = {"model": "m", "view": "orders", "fields": [f"orders.{name}"]}
        answer = user("POST", "/queries", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["message"] == (
            f"field 'orders.{name}' cannot be used in explore 'orders': "
            "it refers to ${customers.name}, whose view is not joined here"
        )


@pytest.mark.parametrize(
    "explore",
    ['always_filter: { filters: [orders.customer: "Bob"] }', "sql_always_where: ${orders.customer} = 'Bob' ;;"],
)
def test_explore_that_always_needs_a_view_that_is_not_joined(project: Callable[..., Path], explore: str) -> None:
    """Without it no query could be run, so the project is refused."""
    with pytest.raises(LookMLError, match=r"orders\.customer: sql refers to \$\{customers\.name\}"):
        read_project(project(NOT_JOINED, model=f"explore: orders {{ {explore} }}"))
