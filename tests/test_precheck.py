"""The check before a query is sent: what it refuses, what it proposes, and whether the server agrees."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from lookerframe.exceptions import InvalidQueryError, QueryProblem
from lookerframe.precheck import problems
from lookerframe.query import Query
from tests.local.calling import Api

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lookerframe.client import Looker
    from lookerframe.local import Server


def ask(**parts: Any) -> Query:
    """Write a query over the demo's flights."""
    return Query(**{"model": "flights", "explore": "flights", "fields": ["flights.origin", "flights.count"], **parts})


@pytest.fixture(scope="module")
def metadata(looker: Looker) -> Mapping[str, Any]:
    """Give the fields of the demo's explore as the server describes them."""
    return looker.explore_fields("flights", "flights")


def described(**groups: list[dict[str, Any]]) -> dict[str, Any]:
    """Write metadata by hand."""
    return {"dimensions": [], "measures": [], "filters": [], "parameters": [], **groups}


OWN = described(
    dimensions=[
        {"name": "orders.id", "label": "Orders ID", "label_short": "ID", "can_filter": True, "fill_style": None},
        {"name": "orders.created_date", "label": "Orders Created Date", "fill_style": "range"},
        {"name": "orders.secret", "label": "Orders Secret", "can_filter": False, "sortable": False},
        {"name": "users.id", "label": "Users ID", "label_short": "ID"},
    ],
    measures=[{"name": "orders.count", "label": "Orders Count", "label_short": "Count"}],
    filters=[{"name": "orders.region_filter", "label": "Orders Region Filter"}],
    parameters=[{"name": "orders.unit", "label": "Orders Unit", "can_filter": False}],
)
DYNAMIC = [
    {"table_calculation": "share", "expression": "${orders.count} / sum(${orders.count:total})"},
    {"measure": "big", "based_on": "orders.id", "type": "count_distinct", "filters": {"orders.id": ">5"}},
    {"dimension": "kind", "expression": 'concat(${orders.id}, "x")'},
]


def own(**parts: Any) -> tuple[QueryProblem, ...]:
    """Check a query over the metadata written by hand."""
    given = {"model": "shop", "explore": "orders", "fields": ["orders.created_date", "orders.count"], **parts}
    return problems(Query(**given), OWN)


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"filters": {"orders.id": "5", "orders.count": ">5"}},
        {"filters": {"orders.region_filter": "EU", "orders.unit": "day"}},
        {"sorts": ["orders.created_date", "orders.count desc"]},
        {"sorts": ["orders.count desc 0", "orders.created_date asc", "orders.count 1", "orders.count DESC row_total"]},
        {"fields": ["orders.created_date", "orders.id", "orders.count"], "pivots": ["orders.id"]},
        {"fields": ["orders.created_date", "orders.id", "orders.count"], "subtotals": ["orders.created_date"]},
        {"fill_fields": ["orders.created_date"]},
        {"dynamic_fields": DYNAMIC, "fields": ["kind", "big", "share"], "sorts": ["share desc 0", "kind", "big"]},
        {"dynamic_fields": DYNAMIC, "sorts": ["share"], "filters": {"big": ">5", "kind": "x"}},
        {"dynamic_fields": DYNAMIC, "fields": ["kind", "orders.count"], "pivots": ["kind"], "fill_fields": ["kind"]},
        {"dynamic_fields": DYNAMIC, "fields": ["orders.id"], "pivots": ["orders.id"]},
        {"filter_expression": "${orders.count} > 5"},
    ],
)
def test_what_can_be_asked_has_no_problems(parts: dict[str, Any]) -> None:
    """Filter-only fields and parameters can be filtered, dynamic fields are known, a calculation is always there."""
    assert own(**parts) == ()


@pytest.mark.parametrize(
    ("parts", "field", "message"),
    [
        (
            {"fields": ["orders.cuont"]},
            "fields",
            "unknown field 'orders.cuont' in explore 'orders'; did you mean 'orders.count'",
        ),
        (
            {"fields": ["orders.region_filter"]},
            "fields",
            "'orders.region_filter' is a filter; it can be filtered,",
        ),
        ({"fields": ["orders.unit"]}, "fields", "'orders.unit' is a parameter; it can be filtered, not selected"),
        ({"filters": {"orders.idd": "5"}}, "filters", "unknown field 'orders.idd' in explore 'orders'; did you mean"),
        ({"filters": {"orders.secret": "5"}}, "filters", "'orders.secret' cannot be filtered"),
        ({"filters": {"share": ">0"}, "dynamic_fields": DYNAMIC}, "filters", "'share' is a table calculation"),
        (
            {"sorts": ["orders.id desc 0"]},
            "sorts",
            "sort 'orders.id desc 0' is on a field that is not selected; add it",
        ),
        ({"sorts": ["orders.idx desc"]}, "sorts", "unknown field 'orders.idx'"),
        ({"sorts": ["orders.count down"]}, "sorts", "'orders.count down' is not a sort; expected 'view.field'"),
        ({"sorts": ["big"], "dynamic_fields": DYNAMIC}, "sorts", "sort 'big' is on a field that is not selected"),
        ({"fields": ["orders.secret"], "sorts": ["orders.secret"]}, "sorts", "'orders.secret' cannot be sorted by"),
        ({"pivots": ["orders.id"]}, "pivots", "'orders.id' is not selected; add it to 'fields'"),
        ({"pivots": ["orders.count"]}, "pivots", "'orders.count' is a measure; only dimensions can be pivoted"),
        (
            {"pivots": ["created_date"]},
            "pivots",
            "'created_date' in explore 'orders'; did you mean 'orders.created_date'?",
        ),
        ({"fields": ["orders.id"], "pivots": ["orders.id"]}, "pivots", "a query with pivots needs a measure"),
        ({"subtotals": ["orders.id"]}, "subtotals", "'orders.id' is not selected"),
        (
            {"subtotals": ["orders.count"]},
            "subtotals",
            "'orders.count' is a measure; only dimensions can be subt",
        ),
        ({"fill_fields": ["orders.id"]}, "fill_fields", "'orders.id' is not selected"),
        (
            {"fill_fields": ["orders.count"]},
            "fill_fields",
            "'orders.count' is a measure; only dimensions can be fill",
        ),
        ({"fields": ["orders.id"], "fill_fields": ["orders.id"]}, "fill_fields", "'orders.id' cannot be filled"),
        ({"dynamic_fields": [{"measure": "m", "based_on": "orders.x"}]}, "dynamic_fields", "unknown field 'orders.x'"),
        (
            {"dynamic_fields": [{"measure": "m", "filters": {"usr.id": "1"}}]},
            "dynamic_fields",
            "did you mean 'users.id'",
        ),
        (
            {"dynamic_fields": [{"table_calculation": "c", "expression": "${orders.z} + 1"}]},
            "dynamic_fields",
            "'orders.z'",
        ),
        ({"filter_expression": "${orders.y:total} > 5"}, "filter_expression", "unknown field 'orders.y'"),
    ],
)
def test_one_problem(parts: dict[str, Any], field: str, message: str) -> None:
    """It names the part of the query, what is wrong and what helps."""
    (found,) = own(**parts)

    assert (found.field, found.code) == (field, "invalid")
    assert message in found.message


def test_a_query_without_fields() -> None:
    """It lacks something, which is Looker's other code."""
    assert own(fields=[]) == (
        QueryProblem("the query selects nothing; name at least one field", "fields", "missing_field"),
    )


def test_a_field_that_is_unknown_is_said_once() -> None:
    """Sorted by and pivoted, it is still one mistake."""
    found = own(fields=["orders.cuont", "orders.count"], sorts=["orders.cuont desc"], pivots=["orders.cuont"])

    assert [problem.field for problem in found] == ["fields"]


def test_everything_that_is_wrong_is_listed() -> None:
    """Each part has its problems, in the order of the query; a name that is met twice counts once."""
    found = own(
        fields=["a.b", "orders.count", "a.b"],
        filters={"c.d": "1", "orders.secret": "2"},
        sorts=["orders.id"],
        pivots=["orders.count"],
        subtotals=["e.f"],
        fill_fields=["orders.id"],
    )

    assert [problem.field for problem in found] == [
        *("fields", "filters", "filters", "sorts", "pivots", "subtotals", "fill_fields"),
    ]
    text = str(InvalidQueryError(found))
    assert all(problem.message in text for problem in found)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("flights.dep_dely", "flights.dep_delay"),
        ("dep_delay", "flights.dep_delay"),
        ("Dep Delay", "flights.dep_delay"),
        ("Flights Dep Delay", "flights.dep_delay"),
        ("flight.dep_delay", "flights.dep_delay"),
        ("FLIGHTS.DEP_DELAY", "flights.dep_delay"),
        ("Flights.Dep Delay", "flights.dep_delay"),
        ("dep_dely", "flights.dep_delay"),
        ("tail number", "flights.tailnum"),
        ("flights.carier", "flights.carrier"),
    ],
)
def test_did_you_mean(metadata: Mapping[str, Any], written: str, meant: str) -> None:
    """A misspelling, a label, a name without its view or with another leads to the field."""
    (found,) = problems(ask(fields=[written]), metadata)

    assert "did you mean" in found.message
    assert repr(meant) in found.message.partition("did you mean")[2]


def test_nothing_is_proposed_for_what_is_like_nothing(metadata: Mapping[str, Any]) -> None:
    """A guess would only mislead."""
    (found,) = problems(ask(fields=["zzz.qqqqqq"]), metadata)

    assert found.message == "unknown field 'zzz.qqqqqq' in explore 'flights'"


def test_the_nearest_view_comes_first() -> None:
    """Many views have an ``id``; that of the view most like the one written is proposed first."""
    (found,) = own(fields=["user.id"])

    assert "did you mean 'users.id' or 'orders.id'?" in found.message


@pytest.mark.parametrize("groups", [{}, {"dimensions": None}, {"dimensions": [{"label": "nameless"}]}])
def test_metadata_that_says_little(groups: dict[str, Any]) -> None:
    """Groups may be absent or null, as the API's schema allows; then nothing is known."""
    (found,) = problems(ask(fields=["a.b"]), groups)

    assert found.message == "unknown field 'a.b' in explore 'flights'"


# -- The server's own verdict ------------------------------------------------------------------------------------------

NAMES = ["flights.origin", "flights.carrier", "flights.count", "flights.dep_delay", "flights.nothing"]
CUSTOM = [{"measure": "planes", "based_on": "flights.tailnum", "type": "count_distinct"}]


def variants() -> list[dict[str, Any]]:
    """Make queries up from a few names, right and wrong ones; every fourth has a custom measure."""
    pick = random.Random(11)  # noqa: S311
    made: list[dict[str, Any]] = []
    for number in range(160):
        known = [*NAMES, "planes"] if number % 4 == 0 else NAMES
        fields = pick.sample(known[:-1] if pick.random() < 0.7 else known, pick.randint(1, 3))
        near = [*fields, *fields, pick.choice(known)]
        made.append(
            {
                "fields": fields,
                "filters": dict.fromkeys(pick.sample(known, pick.choice([0, 0, 1, 2])), "NULL"),
                "sorts": [
                    name + pick.choice(["", " desc", " desc 0", " asc"])
                    for name in pick.sample(near, pick.choice([0, 1]))
                ],
                "pivots": pick.sample(near, pick.choice([0, 0, 1])),
                "dynamic_fields": json.dumps(CUSTOM) if number % 4 == 0 else None,
            }
        )
    return made


@pytest.fixture(scope="module")
def refused(server: Server) -> Callable[[Query], set[str]]:
    """Ask the server to save a query, and give the parts that it refuses."""
    api = Api.login(server)

    def parts(query: Query) -> set[str]:
        answer = api("POST", "/queries", json=query.to_api())
        assert answer.status_code in (200, 422), answer.text
        return {item["field"] for item in answer.json().get("errors", ())}

    return parts


def test_the_server_agrees(refused: Callable[[Query], set[str]], metadata: Mapping[str, Any]) -> None:
    """What passes is accepted; what is refused here is refused there, for the same parts of the query."""
    counts = {True: 0, False: 0}
    for parts in variants():
        query = ask(**parts)
        ours, theirs = {problem.field for problem in problems(query, metadata)}, refused(query)

        # Of a field that is unknown, the server also says that it is no measure to pivot.
        assert theirs - ours <= ({"pivots"} if "fields" in ours else set()), parts
        assert ours <= theirs, parts
        counts[not ours] += 1

    assert min(counts.values()) > 20


@pytest.mark.parametrize("part", ["fields", "filters", "sorts", "pivots", "subtotals", "fill_fields"])
def test_an_unknown_field_is_refused_on_both_sides(
    refused: Callable[[Query], set[str]], metadata: Mapping[str, Any], part: str
) -> None:
    """Wherever it stands."""
    query = ask(**{part: {"flights.orgin": "1"} if part == "filters" else ["flights.orgin"]})

    assert part in refused(query)
    (found,) = [problem for problem in problems(query, metadata) if "unknown" in problem.message]
    assert (found.field, "'flights.origin'" in found.message) == (part, True)


def test_every_field_of_every_explore_can_be_asked_for(refused: Callable[[Query], set[str]], looker: Looker) -> None:
    """No field that the server describes is taken for an unknown one."""
    for model, explore in (("flights", "flights"), ("thelook", "order_items")):
        known = looker.explore_fields(model, explore)
        fields = [*known["dimensions"], *known["measures"]]
        names = [item["name"] for item in fields]
        # Lists cannot be filtered by the local Looker; no source says whether they can in another one.
        filters = dict.fromkeys((item["name"] for item in fields if item["type"] != "list"), "")
        query = Query(model=model, explore=explore, fields=names, sorts=names, filters=filters)

        assert len(names) > 20
        assert problems(query, known) == ()
        assert refused(query) == set()


def test_the_client_looks_the_explore_up(looker: Looker) -> None:
    """`Looker.check` raises all problems in one error, of the class that Looker's refusal has; else it says nothing."""
    looker.check(Query(model="flights", explore="flights", fields=["flights.carrier", "flights.count"]))

    with pytest.raises(InvalidQueryError) as caught:
        looker.check(Query(model="flights", explore="flights", fields=["flights.carier"], sorts=["flights.count"]))
    assert [problem.field for problem in caught.value.problems] == ["fields", "sorts"]
    assert "flights.carrier" in str(caught.value)


@pytest.mark.parametrize("query", ["flights/flights", None, {"model": "flights"}, 7])
def test_what_is_no_query_is_refused_in_one_sentence(looker: Looker, query: Any) -> None:
    """A saved query was accepted by Looker when it was saved."""
    with pytest.raises(InvalidQueryError, match=f"a Query is checked, not {type(query).__name__}"):
        looker.check(query)
