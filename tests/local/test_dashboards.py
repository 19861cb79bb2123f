"""Dashboards, as the official ``looker_sdk`` finds them, and as their filters are put on their tiles."""

from __future__ import annotations

import json
import math
import re
import shutil
import time
from typing import TYPE_CHECKING, Any

import looker_sdk
import pytest
from looker_sdk import error, models40
from looker_sdk.rtl.requests_transport import RequestsTransport

from lookerframe import local
from lookerframe.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import duckdb
    from looker_sdk.sdk.api40.methods import Looker40SDK

    from tests.local.calling import Api

DASHBOARD = "10"
TEXT, LOOK = "101", "104"
TILES = ["102", "103", "104", "105", "106"]
#: What a client must not send back of a query that it changed.
READ_ONLY = ("id", "client_id", "slug", "share_url", "expanded_share_url", "url", "has_table_calculations", "can")

VIEW = """
view: t {
  sql_table_name: (SELECT 'a' AS name, 1 AS n) ;;
  dimension: name {}
  dimension: n { type: number }
  measure: count { type: count }
}
"""


@pytest.fixture(scope="module")
def sdk(server: local.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looker40SDK]:
    """Give the SDK on the server of the test run."""
    ini = tmp_path_factory.mktemp("sdk") / "looker.ini"
    lines = ("[Looker]", f"base_url={server.base_url}", f"client_id={server.client_id}")
    ini.write_text("\n".join([*lines, f"client_secret={server.client_secret}"]), encoding="utf-8")
    client = looker_sdk.init40(str(ini))
    yield client
    assert isinstance(client.transport, RequestsTransport)
    client.transport.session.close()


def filtered(sdk: Looker40SDK, element_id: str, values: Mapping[str, str]) -> models40.WriteQuery:
    """Put filters of the dashboard on a tile's query, as a client does: by name of the filter, over the tile's own."""
    made = sdk.dashboard_element(element_id).result_maker
    assert made is not None
    assert made.query is not None
    (filterable,) = made.filterables or ()
    assert (filterable.model, filterable.view) == (made.query.model, made.query.view)
    listens = {item.dashboard_filter_name or "": item.field or "" for item in filterable.listen or ()}
    filters = {field: values[name] for name, field in listens.items() if values.get(name)}
    given = {key: value for key, value in vars(made.query).items() if key not in READ_ONLY and value is not None}
    return models40.WriteQuery(**{**given, "filters": {**(made.query.filters or {}), **filters}})


def run(sdk: Looker40SDK, query_id: str, dashboard_id: str = DASHBOARD) -> Any:
    """Run a query as a task of the dashboard and read its rows."""
    kind = models40.ResultFormat.json
    body = models40.WriteCreateQueryTask(query_id=query_id, result_format=kind, dashboard_id=dashboard_id)
    task = sdk.create_query_task(body)
    assert task.dashboard_id == dashboard_id
    ended = sdk.query_task(task.id or "")
    for _ in range(6_000):
        if ended.status not in ("added", "running"):
            break
        time.sleep(0.01)
        ended = sdk.query_task(task.id or "")
    assert (ended.status, ended.dashboard_id) == ("complete", dashboard_id)
    return json.loads(sdk.query_task_results(task.id or ""))


def defaults(sdk: Looker40SDK) -> dict[str, str]:
    """Read the values that the dashboard opens with."""
    return {item.name or "": item.default_value or "" for item in sdk.dashboard_dashboard_filters(DASHBOARD)}


# -- What is found -----------------------------------------------------------------------------------------------------


def test_dashboard(sdk: Looker40SDK) -> None:
    """The dashboard comes with its tiles and filters, each as it is found by itself."""
    found = sdk.dashboard(DASHBOARD)

    assert (found.id, found.title, found.deleted) == (DASHBOARD, "Flights from New York City", False)
    assert found.user_id == sdk.me().id
    assert list(found.dashboard_elements or ()) == list(sdk.dashboard_dashboard_elements(DASHBOARD))
    assert list(found.dashboard_filters or ()) == list(sdk.dashboard_dashboard_filters(DASHBOARD))
    assert [item.id for item in found.dashboard_elements or ()] == [TEXT, *TILES]
    for element in found.dashboard_elements or ():
        assert element == sdk.dashboard_element(element.id or "")
        assert element.dashboard_id == DASHBOARD
    for item in found.dashboard_filters or ():
        assert item == sdk.dashboard_filter(item.id or "")
        assert item.dashboard_id == DASHBOARD


def test_keys_are_those_of_the_api(api: Api) -> None:
    """Nothing is served that the SDK does not know."""
    (listed,) = api("GET", "/dashboards").json()
    found = api("GET", f"/dashboards/{DASHBOARD}").json()
    made = [item["result_maker"] for item in found["dashboard_elements"] if item["result_maker"]]
    filterables = [item for one in made for item in one["filterables"]]
    served: dict[type[Any], list[dict[str, Any]]] = {
        models40.DashboardBase: [listed],
        models40.Dashboard: [found],
        models40.DashboardElement: found["dashboard_elements"],
        models40.DashboardFilter: found["dashboard_filters"],
        models40.ResultMakerWithIdVisConfigAndDynamicFields: made,
        models40.ResultMakerFilterables: filterables,
        models40.ResultMakerFilterablesListen: [item for one in filterables for item in one["listen"]],
    }

    unknown = {
        kind.__name__: set(item) - set(kind.__annotations__)
        for kind, items in served.items()
        for item in items
        if set(item) - set(kind.__annotations__)
    }

    assert unknown == {}
    assert all(served.values())


def test_tile_with_a_query(sdk: Looker40SDK) -> None:
    """It names its query, holds it, and says which filters it listens to."""
    element = sdk.dashboard_element("102")

    assert (element.type, element.title, element.look, element.look_id) == ("vis", "Flights", None, None)
    assert element.query is not None
    assert element.query == sdk.query(element.query_id or "")
    made = element.result_maker
    assert made is not None
    assert (made.id, made.query_id, made.query) == (element.result_maker_id, element.query_id, element.query)
    assert made.vis_config == {"type": "single_value"}
    (filterable,) = made.filterables or ()
    assert (filterable.model, filterable.view, filterable.name) == ("flights", "flights", None)
    assert [(item.dashboard_filter_name, item.field) for item in filterable.listen or ()] == [
        ("Carrier", "flights.carrier"),
        ("Date", "flights.time_date"),
        ("Airport", "flights.origin"),
        ("Delay", "flights.dep_delay"),
    ]


def test_tile_with_a_look(sdk: Looker40SDK) -> None:
    """It holds the Look, which holds the query; it has none of its own."""
    element = sdk.dashboard_element(LOOK)

    assert (element.type, element.look_id, element.query, element.query_id) == ("vis", "1", None, None)
    assert element.look is not None
    assert element.look == sdk.look("1")
    assert element.result_maker is not None
    assert element.result_maker.query == element.look.query
    assert element.result_maker.sorts == ["flights.count desc"]


def test_tile_with_text(sdk: Looker40SDK) -> None:
    """It has words and nothing to run."""
    element = sdk.dashboard_element(TEXT)

    assert (element.type, element.title_text, element.subtitle_text) == ("text", "Flights of 2013", "EWR, JFK and LGA")
    assert (element.body_text or "").startswith("Every tile below")
    assert (element.query, element.look, element.result_maker, element.result_maker_id) == (None, None, None, None)


def test_filters(sdk: Looker40SDK) -> None:
    """Each has a name, a title, a type and a default; one about a field says which, and describes it."""
    found = list(sdk.dashboard_dashboard_filters(DASHBOARD))
    explore = sdk.lookml_model_explore("flights", "flights")

    assert [(item.name, item.title, item.type, item.default_value, item.row) for item in found] == [
        ("Carrier", "Carrier", "field_filter", "", 0),
        ("Date", "Date", "date_filter", "2013-01-01 to 2013-07-01", 1),
        ("Airport", "Airport of departure", "string_filter", "JFK,LGA", 2),
        ("Delay", "Minutes late", "number_filter", None, 3),
    ]
    carrier = found[0]
    assert (carrier.model, carrier.explore, carrier.dimension) == ("flights", "flights", "flights.carrier")
    assert explore.fields is not None
    (described,) = (item for item in explore.fields.dimensions or () if item.name == "flights.carrier")
    assert (carrier.field or {})["label"] == described.label
    assert [(item.model, item.explore, item.dimension, item.field) for item in found[1:]] == [(None,) * 4] * 3


def test_all_dashboards(sdk: Looker40SDK) -> None:
    """The list is of abbreviated dashboards: no tiles."""
    (found,) = sdk.all_dashboards()

    assert (found.id, found.title) == (DASHBOARD, "Flights from New York City")
    assert not hasattr(found, "dashboard_elements")


@pytest.mark.parametrize(
    ("title", "count"),
    [
        ("Flights from New York City", 1),
        ("flights FROM new york city", 1),
        ("flights%", 1),
        ("%york%", 1),
        ("_lights from New York City", 1),
        ("Flights", 0),
        ("_flights%", 0),
        ("Flights*", 0),
        ("Flights from New York Cit?", 0),
        ("[F]lights%", 0),
        ("%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%x", 0),
    ],
)
def test_search_by_title(sdk: Looker40SDK, title: str, count: int) -> None:
    """``%`` and ``_`` stand for other characters, letters match in either case; nothing else is special."""
    assert len(sdk.search_dashboards(title=title)) == count


def test_search_brings_whole_dashboards_in_pages(sdk: Looker40SDK) -> None:
    """What is found has its tiles; ``limit`` and ``offset`` cut."""
    assert list(sdk.search_dashboards(limit=5)) == [sdk.dashboard(DASHBOARD)]
    assert list(sdk.search_dashboards(limit=0)) == []
    assert list(sdk.search_dashboards(limit=5, offset=1)) == []


def test_search_by_something_else_is_refused(sdk: Looker40SDK) -> None:
    """A parameter that is not served is 422: without it too much would be found."""
    with pytest.raises(error.SDKError, match="Validation Failed") as caught:
        sdk.search_dashboards(title="%", folder_id="7", sorts="title")

    assert [item.field for item in caught.value.errors] == ["folder_id", "sorts"]


def test_fields_are_selected(sdk: Looker40SDK) -> None:
    """``fields`` keeps what it names, inside of lists and objects too."""
    assert sdk.dashboard(DASHBOARD, fields="id,dashboard_elements(id)") == models40.Dashboard(
        id=DASHBOARD, dashboard_elements=[models40.DashboardElement(id=name) for name in (TEXT, *TILES)]
    )
    assert sdk.all_dashboards(fields="title")[0].id is None
    assert sdk.search_dashboards(fields="id")[0].title is None
    assert sdk.dashboard_dashboard_elements(DASHBOARD, fields="id")[1].query is None
    assert sdk.dashboard_element("102", fields="query_id").query is None
    assert sdk.dashboard_dashboard_filters(DASHBOARD, fields="name,default_value")[1] == models40.DashboardFilter(
        name="Date", default_value="2013-01-01 to 2013-07-01"
    )
    assert sdk.dashboard_filter("202", fields="type") == models40.DashboardFilter(type="date_filter")


@pytest.mark.parametrize(
    "call",
    [
        lambda sdk: sdk.dashboard("99"),
        lambda sdk: sdk.dashboard_dashboard_elements("99"),
        lambda sdk: sdk.dashboard_dashboard_filters("99"),
        lambda sdk: sdk.dashboard_element("99"),
        lambda sdk: sdk.dashboard_element("201"),
        lambda sdk: sdk.dashboard_filter("99"),
        lambda sdk: sdk.dashboard_filter("101"),
    ],
)
def test_unknown_id(sdk: Looker40SDK, call: Callable[[Looker40SDK], object]) -> None:
    """404, as the SDK's own error."""
    with pytest.raises(error.SDKError) as caught:
        call(sdk)

    assert caught.value.message == "Not found"


@pytest.mark.parametrize("path", ["", "/10", "/search", "/10/dashboard_elements", "/10/dashboard_filters"])
def test_login_is_needed(api: Api, path: str) -> None:
    """Without a token each call is 401."""
    answer = api("GET", f"/dashboards{path}", headers={"Authorization": ""})

    assert answer.status_code == 401
    assert answer.json()["message"] == "Requires authentication."


# -- What is run -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("element_id", TILES)
def test_every_tile_runs(sdk: Looker40SDK, element_id: str) -> None:
    """The query behind each tile runs as a task of the dashboard, as saved and with the defaults of the filters."""
    made = sdk.dashboard_element(element_id).result_maker
    assert made is not None
    assert made.query is not None

    plain = run(sdk, made.query_id or "")
    chosen = run(sdk, sdk.create_query(filtered(sdk, element_id, defaults(sdk))).id or "")

    for rows in (plain, chosen):
        assert set(rows[0]) <= set(made.query.fields or ())
    assert chosen != plain


def test_defaults_of_the_filters_choose_the_rows(sdk: Looker40SDK, flights: duckdb.DuckDBPyConnection) -> None:
    """The tiles' rows are those that SQL by hand finds for the same filters, in the time zone of New York."""
    values = defaults(sdk)
    expected = flights.execute(
        "SELECT month, COUNT(*) FILTER (origin = 'JFK'), COUNT(*) FILTER (origin = 'LGA') "
        "FROM flights WHERE year = 2013 AND month <= 6 GROUP BY 1 ORDER BY 1"
    ).fetchall()

    (counted,) = run(sdk, sdk.create_query(filtered(sdk, "102", values)).id or "")
    *months, total = run(sdk, sdk.create_query(filtered(sdk, "103", values)).id or "")

    assert [(row["flights.time_month"], row["flights.count"]["flights.origin"]) for row in months] == [
        (f"2013-{month:02}", {"JFK": jfk, "LGA": lga}) for month, jfk, lga in expected
    ]
    airports = total["flights.count"]["flights.origin"]
    assert airports == {"JFK": sum(row[1] for row in expected), "LGA": sum(row[2] for row in expected)}
    assert counted["flights.count"] == sum(airports.values())


def test_filter_of_a_look(sdk: Looker40SDK, flights: duckdb.DuckDBPyConnection) -> None:
    """A Look on a dashboard is filtered as any other tile; its query has no zone, so days are those of UTC."""
    rows = run(sdk, sdk.create_query(filtered(sdk, LOOK, {"Airport": "EWR", "Date": "2013-02-01"})).id or "")

    expected = flights.execute(
        "SELECT carrier, COUNT(*) FROM flights "
        "WHERE origin = 'EWR' AND CAST(time_hour AT TIME ZONE 'UTC' AS DATE) = '2013-02-01' GROUP BY 1"
    ).fetchall()
    assert {row["flights.carrier"]: row["flights.count"] for row in rows} == dict(expected)


def test_filter_replaces_the_filter_of_a_tile(sdk: Looker40SDK, flights: duckdb.DuckDBPyConnection) -> None:
    """The dashboard's value stands in for the tile's own on the same field; the tile's others stay."""
    rows = run(sdk, sdk.create_query(filtered(sdk, "105", {"Delay": ">=60", "Carrier": "UA,DL"})).id or "")

    expected = flights.execute(
        "SELECT carrier, COUNT(*), AVG(dep_delay) FROM flights "
        "WHERE dep_time IS NOT NULL AND dep_delay >= 60 AND carrier IN ('UA', 'DL') GROUP BY 1 ORDER BY 3 DESC"
    ).fetchall()
    names = {"UA": "United Air Lines Inc.", "DL": "Delta Air Lines Inc."}
    assert [(row["airlines.name"], row["flights.count"]) for row in rows] == [
        (names[carrier], count) for carrier, count, _ in expected
    ]


def test_one_filter_on_two_explores(
    sdk: Looker40SDK, flights: duckdb.DuckDBPyConnection, pytestconfig: pytest.Config
) -> None:
    """A tile over another explore puts the same filters on fields of its own."""
    rows = run(sdk, sdk.create_query(filtered(sdk, "106", {"Date": "2013-03", "Airport": "JFK"})).id or "")

    weather = str(pytestconfig.rootpath / "lookerframe/local/data/weather.parquet")
    mean = flights.execute(
        "SELECT AVG(temp) FROM read_parquet(?) WHERE origin = 'JFK' AND year = 2013 AND month = 3", [weather]
    ).fetchone()
    assert mean is not None
    (row,) = rows
    assert row["weather.time_month"] == "2013-03"
    assert math.isclose(row["weather.average_temperature"], mean[0])


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("12:00", lambda clock: clock == "12:00"),
        ("06:00,12:00", lambda clock: clock in ("06:00", "12:00")),
        ("-12:00", lambda clock: clock != "12:00"),
        ("1%", lambda clock: clock.startswith("1")),
    ],
)
def test_time_of_day_is_filtered_as_text(
    api: Api, flights: duckdb.DuckDBPyConnection, expression: str, meant: Callable[[str], bool]
) -> None:
    """``12:00`` is a value of the field, not a point in time; so are lists and patterns of such."""
    filters = {"flights.time_time_of_day": expression}

    (row,) = api.run("flights.count", filters=filters, query_timezone="America/New_York")

    hours = flights.execute("SELECT hour, COUNT(*) FROM flights GROUP BY 1").fetchall()
    assert row["flights.count"] == sum(count for hour, count in hours if meant(f"{hour:02}:00"))
    assert row["flights.count"] > 0


# -- One's own ---------------------------------------------------------------------------------------------------------


def text_tile(name: str = "e1", **more: object) -> dict[str, object]:
    """Write a tile of text."""
    return {"id": name, "body_text": "x", **more}


def query_tile(*fields: str, **more: object) -> dict[str, object]:
    """Write a tile with a query."""
    return {"id": "e1", "query": {"model": "m", "view": "t", "fields": fields or ("t.count",)}, **more}


def on_field(**more: object) -> dict[str, object]:
    """Write a filter about a field."""
    named = {"type": "field_filter", "model": "m", "explore": "t", "dimension": "t.n"}
    return {"id": "f1", "name": "N", **named, **more}


def board(*elements: object, filters: object = ()) -> dict[str, object]:
    """Write a dashboard."""
    return {"id": "1", "title": "T", "elements": elements, "filters": filters}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected a list of dashboards with id, title and elements"),
        ([{"id": "1", "title": "T"}], "missing required field `elements`"),
        ([{**board(), "x": 1}], "unknown field `x`"),
        ([board(filters=[{"id": "f1", "name": "N", "type": "colour"}])], "Invalid enum value 'colour'"),
        ([board(), board()], "two dashboards have the id '1'; give each its own"),
        ([board(text_tile()), {**board(text_tile()), "id": "2"}], "two elements have the id 'e1'; give each its own"),
        ([board(filters=[on_field(), on_field(name="M")])], "two filters have the id 'f1'; give each its own"),
        ([board(filters=[on_field(), on_field(id="f2")])], "two filters of dashboard '1' have the same name"),
        (
            [board(filters=[on_field(dimension="t.x")])],
            "filter 'N' is on model 'm', explore 't', dimension 't.x', which",
        ),
        ([board(filters=[on_field(model=None)])], "filter 'N' is on model None, explore 't', dimension 't.n', which"),
        ([board(filters=[on_field(type="date_filter")])], "filter 'N' is a date_filter; only a field_filter has model"),
        ([board({"id": "e1"})], "element 'e1' has none of them; expected one of query, look_id and body_text"),
        ([board(text_tile(look_id="1"))], "element 'e1' has look_id and body_text; expected one of query"),
        ([board({"id": "e1", "look_id": "9"})], "element 'e1' shows Look '9', which looks.json does not have"),
        ([board(query_tile("t.x"))], "the query of element 'e1' cannot be run: fields: unknown field 't.x'"),
        ([board(text_tile(listen={"N": "t.n"}), filters=[on_field()])], "element 'e1' is text, which cannot listen"),
        ([board(query_tile(listen={"M": "t.n"}), filters=[on_field()])], "element 'e1' listens to 'M', which is no"),
        ([board(query_tile(listen={"N": "t.x"}), filters=[on_field()])], "element 'e1' listens with 't.x', which its"),
        (
            [board(query_tile(listen={"N": "t.n"}), filters=[on_field(default_value="abc")])],
            "element 'e1' cannot be run with the defaults of its filters: t.n: ",
        ),
    ],
)
def test_dashboards_that_cannot_be_served(project: Callable[..., Path], content: object, message: str) -> None:
    """The error names the file, what in it, and why."""
    folder = project(VIEW, "t")
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "dashboards.json").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        local.start(lookml=folder)

    assert "dashboards.json: " in str(caught.value)
    assert message in str(caught.value)


def test_looks_with_one_id(project: Callable[..., Path]) -> None:
    """Of two Looks with one id neither is lost in silence."""
    folder = project(VIEW, "t")
    look = {"id": "1", "title": "T", "query": {"model": "m", "view": "t", "fields": ["t.n"]}}
    (folder / "looks.json").write_text(json.dumps([look, look]), encoding="utf-8")

    with pytest.raises(ConfigError, match=r"looks\.json: two Looks have the id '1'; give each its own"):
        local.start(lookml=folder)


def test_project_without_dashboards(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """``dashboards.json`` may be absent; then there are none."""
    user = started(lookml=project(VIEW, "t"))

    assert user("GET", "/dashboards").json() == []
    assert user("GET", "/dashboards/search").json() == []
    assert user("GET", "/dashboards/1").status_code == 404


def test_dashboard_of_ones_own(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """A file beside one's own LookML is served; a filter's title is its name unless it has one."""
    folder = project(VIEW, "t")
    listening = query_tile("t.name", "t.count", listen={"N": "t.n"})
    content = [board(listening, filters=[on_field(default_value="1")])]
    (folder / "dashboards.json").write_text(json.dumps(content), encoding="utf-8")
    user = started(lookml=folder)

    found = user("GET", "/dashboards/1").json()

    (element,) = found["dashboard_elements"]
    assert found["dashboard_filters"][0]["title"] == "N"
    assert user.results(user.submit(element["query_id"])).json() == [{"t.name": "a", "t.count": 1}]


def test_files_of_the_documentation(
    started: Callable[..., Api], pytestconfig: pytest.Config, tmp_path: Path, flights: duckdb.DuckDBPyConnection
) -> None:
    """The Looks and dashboards that docs/local.md shows are served, over the demo's LookML."""
    text = (pytestconfig.rootpath / "docs/local.md").read_text(encoding="utf-8")
    looks, dashboards = re.findall("^```json\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    folder = tmp_path / "lookml"
    shutil.copytree(pytestconfig.rootpath / "lookerframe/local/lookml", folder)
    (folder / "looks.json").write_text(looks, encoding="utf-8")
    (folder / "dashboards.json").write_text(dashboards, encoding="utf-8")
    user = started(lookml=folder)

    found = user("GET", "/dashboards/1").json()

    assert [item["type"] for item in found["dashboard_elements"]] == ["vis", "vis", "text"]
    assert [item["type"] for item in found["dashboard_filters"]] == ["field_filter", "date_filter"]
    rows = user.results(user.submit(found["dashboard_elements"][1]["result_maker"]["query_id"])).json()
    expected = flights.execute("SELECT carrier, COUNT(*) FROM flights GROUP BY 1").fetchall()
    assert {row["flights.carrier"]: row["flights.count"] for row in rows} == dict(expected)
