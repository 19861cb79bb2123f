"""A query is checked before it is sent, and what people paste is understood."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import pickle
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookerframe.exceptions import InvalidQueryError
from lookerframe.query import Query, Reference, locate

if TYPE_CHECKING:
    from pathlib import Path

EXPLORE = "https://looker.example.com/explore/flights/flights"


def make(**given: Any) -> Query:
    """Make a query that differs from a valid one in what is given."""
    return Query(**{"model": "flights", "explore": "flights", "fields": ["flights.carrier"], **given})


def problems(**given: Any) -> dict[str | None, str]:
    """Return what is wrong with such a query, by field."""
    with pytest.raises(InvalidQueryError) as caught:
        make(**given)
    return {problem.field: problem.message for problem in caught.value.problems}


class TestBody:
    """What is sent to ``POST /queries``."""

    def test_everything(self) -> None:
        """Each argument arrives in the spelling of the API."""
        query = make(
            filters={"flights.month": "1 to 3"},
            pivots=("flights.origin",),
            sorts=["flights.count desc"],
            limit=500,
            column_limit=50,
            query_timezone="UTC",
            total=True,
            row_total=True,
            subtotals=["flights.carrier"],
            fill_fields=["flights.month"],
            filter_expression="${flights.month} > 3",
            dynamic_fields=[{"table_calculation": "a", "expression": "1"}],
            vis_config={"type": "table"},
            filter_config={"a": 1},
            visible_ui_sections="table",
            client_id="a" * 22,
        )

        body = query.to_api()

        assert json.loads(body.pop("dynamic_fields")) == [{"table_calculation": "a", "expression": "1"}]
        assert body == {
            "model": "flights",
            "view": "flights",
            "fields": ["flights.carrier"],
            "filters": {"flights.month": "1 to 3"},
            "pivots": ["flights.origin"],
            "sorts": ["flights.count desc"],
            "limit": "500",
            "column_limit": "50",
            "query_timezone": "UTC",
            "total": True,
            "row_total": "right",
            "subtotals": ["flights.carrier"],
            "fill_fields": ["flights.month"],
            "filter_expression": "${flights.month} > 3",
            "vis_config": {"type": "table"},
            "filter_config": {"a": 1},
            "visible_ui_sections": "table",
            "client_id": "a" * 22,
        }

    def test_without_a_limit_all_rows_are_asked_for(self) -> None:
        """Looker's own default would cut the result; what is not set is left out."""
        body = {"model": "flights", "view": "flights", "fields": ["flights.carrier"], "limit": "-1"}

        assert make().to_api() == make(limit=-1).to_api() == body

    def test_has_every_property_that_can_be_written(self, spec: Path) -> None:
        """Compared with the API's document."""
        document = json.loads(spec.read_text())
        documented = document["components"]["schemas"]["Query"]["properties"]
        writable = {name for name, schema in documented.items() if not schema.get("readOnly")}

        ours = {field.name for field in dataclasses.fields(Query)}

        assert ours - {"explore"} | {"view"} == writable


class TestArguments:
    """What is taken, and what is refused before anything is sent."""

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("-UA,%x%", "-UA,%x%"),
            ("", ""),
            (3, "3"),
            (2**63, str(2**63)),
            (np.int64(3), "3"),
            (1.5, "1.5"),
            (1e-7, "0.0000001"),
            (np.float64(0.1), "0.1"),
            (np.float32(0.5), "0.5"),
            (Decimal("1.10"), "1.10"),
            (True, "Yes"),
            (False, "No"),
            (dt.date(2013, 1, 31), "2013-01-31"),
            (dt.datetime(2013, 1, 31, 5), "2013-01-31 05:00:00"),  # noqa: DTZ001
            (pd.Timestamp("2013-01-31 05:00:01.5"), "2013-01-31 05:00:01.500000"),
        ],
    )
    def test_filter_values_are_written_in_lookers_words(self, value: Any, expected: str) -> None:
        """Numbers without exponents, booleans as Yes and No."""
        assert make(filters={"a.b": value}).filters == {"a.b": expected}

    @pytest.mark.parametrize(
        ("value", "advice"),
        [
            (["AA", "DL"], '"AA,DL"'),
            (("AA",), '"AA,DL"'),
            ({"a": 1}, '"AA,DL"'),
            (np.array(["AA"]), '"AA,DL"'),
            (None, '"NULL"'),
            (float("nan"), '"NULL"'),
            (pd.NaT, '"NULL"'),
            (float("inf"), "as text"),
            (dt.datetime(2013, 1, 31, tzinfo=dt.UTC), "query_timezone"),
            (dt.timedelta(1), "as text"),
            (object(), "as text"),
        ],
    )
    def test_filter_values_without_one_spelling(self, value: Any, advice: str) -> None:
        """The message says how to write it."""
        assert advice in problems(filters={"a.b": value})["filters['a.b']"]

    @pytest.mark.parametrize("names", [["a.b"], ("a.b",), pd.Index(["a.b"]), np.array(["a.b"]), iter(["a.b"]), {"a.b"}])
    def test_names_in_any_container(self, names: Any) -> None:
        """They become a tuple."""
        assert tuple(make(fields=names).fields) == ("a.b",)

    def test_one_name_is_not_a_list_of_letters(self) -> None:
        """The classic slip: fields="a.b"."""
        assert "['a.b']" in problems(fields="a.b")["fields"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("model", None),
            ("model", ""),
            ("explore", " "),
            ("explore", 3),
            ("fields", 3),
            ("fields", b"ab"),
            ("fields", {"a.b": 1}),
            ("fields", ["a.b", None]),
            ("fields", [["a.b"]]),
            ("sorts", [""]),
            ("filters", ["a.b"]),
            ("filters", {1: "a"}),
            ("filters", {"": "a"}),
            ("limit", 0),
            ("limit", -2),
            ("limit", 1.5),
            ("limit", True),
            ("limit", "many"),
            ("column_limit", -1),
            ("column_limit", 0),
            ("total", "on"),
            ("row_total", 3),
            ("query_timezone", dt.UTC),
            ("filter_expression", 3),
            ("dynamic_fields", "{"),
            ("dynamic_fields", object()),
            ("dynamic_fields", [float("nan")]),
            ("vis_config", "table"),
            ("vis_config", {"a": object()}),
            ("filter_config", {"a": float("inf")}),
            ("client_id", 3),
        ],
    )
    def test_refused(self, name: str, value: Any) -> None:
        """The argument is named, and no error but InvalidQueryError comes out."""
        assert list(problems(**{name: value})) == [name]

    def test_all_problems_are_listed(self) -> None:
        """Not one after the other."""
        assert list(problems(fields="x", limit=0, filters={"a": None})) == ["fields", "limit", "filters['a']"]

    @pytest.mark.parametrize(("value", "expected"), [("500", 500), (np.int32(5), 5), (-1, None), ("-1", None)])
    def test_limits_as_people_have_them(self, value: Any, expected: int | None) -> None:
        """The API spells them as text."""
        assert make(limit=value).limit == expected

    def test_what_was_given_can_change_afterwards(self) -> None:
        """The query has copies."""
        fields, filters = ["a.b"], {"a.b": "1"}
        query = make(fields=fields, filters=filters)

        fields.append("a.c")
        filters["a.c"] = "2"

        assert (query.fields, query.filters) == (("a.b",), {"a.b": "1"})

    def test_is_a_value(self) -> None:
        """Equal, hashable, pickled (errors and workers carry it), changed by copy."""
        query = make(filters={"a.b": 1})

        assert query == make(filters={"a.b": "1"})
        assert query != make(filters={"a.b": "2"})
        assert len({query, make(filters={"a.b": 1})}) == 1
        assert pickle.loads(pickle.dumps(query)) == query  # noqa: S301
        assert dataclasses.replace(query, limit=3).limit == 3
        assert query.view == query.explore


class TestFromUrl:
    """The address of an explore page, as copied from the browser."""

    def test_everything(self) -> None:
        """All that makes up the query is read, the state of the page is not."""
        dynamic = '[{"table_calculation":"a","expression":"1"}]'
        query = Query.from_url(
            f"{EXPLORE}?fields=flights.carrier,flights.count&f[flights.month]=1+to+3&f[flights.origin]=%22a%2Cb%22"
            "&sorts=flights.count+desc+0,flights.carrier&limit=500&column_limit=50&query_timezone=America%2FNew_York"
            "&pivots=flights.origin&total=on&row_total=right&fill_fields=flights.month&subtotals=flights.carrier"
            f"&dynamic_fields={quote(dynamic)}&vis=%7B%22type%22%3A%22table%22%7D&filter_expression=true"
            "&filter_config=%7B%22a%22%3A1%7D&origin=share-expanded&toggle=fil"
        )

        assert query == Query(
            model="flights",
            explore="flights",
            fields=("flights.carrier", "flights.count"),
            filters={"flights.month": "1 to 3", "flights.origin": '"a,b"'},
            sorts=("flights.count desc 0", "flights.carrier"),
            limit=500,
            column_limit=50,
            query_timezone="America/New_York",
            pivots=("flights.origin",),
            total=True,
            row_total="right",
            fill_fields=("flights.month",),
            subtotals=("flights.carrier",),
            dynamic_fields=dynamic,
            vis_config={"type": "table"},
            filter_expression="true",
        )

    @pytest.mark.parametrize("form", ["{}", "{}/", "/embed{}", "https://x.example.com/embed{}"])
    def test_place(self, form: str) -> None:
        """Host and prefix do not matter; names are unquoted."""
        query = Query.from_url(form.format("/explore/my%20model/my::view") + "?fields=a.b&dynamic_fields=[]")

        assert query == Query(model="my model", explore="my::view", fields=["a.b"])

    def test_an_empty_filter_is_kept(self) -> None:
        """It means any value, and keeps the explore's own default away."""
        assert Query.from_url(f"{EXPLORE}?fields=a.b&f[a.c]=").filters == {"a.c": ""}

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            (f"{EXPLORE}?qid=aBc123&toggle=fil", "'aBc123'"),
            (EXPLORE, "fields="),
            (f"{EXPLORE}?fields=", "fields="),
            ("https://looker.example.com/x/aBc123", "fields="),
            ("https://[::1", "fields="),
            (f"{EXPLORE}?fields=a.b&limit=all", "limit"),
            (f"{EXPLORE}?fields=a.b&vis=x", "vis_config"),
            (f"{EXPLORE}?fields=a.b&f[a.c]=1&f[a.c]=2", "a.c"),
        ],
    )
    def test_refused(self, url: str, said: str) -> None:
        """The message says what is wrong."""
        with pytest.raises(InvalidQueryError) as caught:
            Query.from_url(url)

        assert said in str(caught.value)


class TestLocate:
    """Ids, slugs and addresses."""

    @pytest.mark.parametrize("bare", ["task", "query", "look"])
    @pytest.mark.parametrize("text", ["1f2e3d4c5b6a79881f2e3d4c5b6a7988", "aBcDeFgHiJkLmNoPqRsTuV", "42", 42, " 42\n"])
    def test_bare(self, text: str | int, bare: Literal["task", "query", "look"]) -> None:
        """The caller knows what it is the id of."""
        assert locate(text, bare=bare) == Reference(bare, str(text).strip())

    @pytest.mark.parametrize(
        ("address", "expected"),
        [
            ("https://looker.example.com/x/aBc-1_2", Reference("slug", "aBc-1_2")),
            ("looker.example.com/x/aBc/", Reference("slug", "aBc")),
            (f"{EXPLORE}?qid=aBc&origin_space=3&toggle=vis", Reference("slug", "aBc")),
            (f"{EXPLORE}?fields=a.b", Reference("explore", f"{EXPLORE}?fields=a.b")),
            ("https://looker.example.com/looks/42", Reference("look", "42")),
            ("https://looker.example.com/embed/looks/42?x=1#y", Reference("look", "42")),
            ("/looks/42", Reference("look", "42")),
            ("https://looker.example.com:19999/api/4.0/query_tasks/abc", Reference("task", "abc")),
            ("GET /query_tasks/abc/results", Reference("task", "abc")),
            ("https://looker.example.com/api/4.0/query_tasks/abc/results", Reference("task", "abc")),
            ("https://looker.example.com/api/4.0/queries/abc/run/json", Reference("query", "abc")),
            ("https://looker.example.com/api/4.0/queries/slug/abc", Reference("slug", "abc")),
            ("https://looker.example.com/dashboards/42", None),
            ("https://looker.example.com/looks/../users/3", None),
            ("https://looker.example.com/looks/a%2Fb", None),
            (EXPLORE, None),
            (f"{EXPLORE}?qid=a/b", None),
            ("https://[::1", None),
            ("../users/3", None),
            ("two words", None),
            ("", None),
            ("ünïcode", None),
            ("٣", None),
            (True, None),
            (None, None),
            (1.5, None),
            (b"abc", None),
        ],
    )
    def test_addresses(self, address: Any, expected: Reference | None) -> None:
        """What is not understood is one error that lists what is."""
        if expected is not None:
            assert locate(address, bare="task") == expected
            return
        with pytest.raises(InvalidQueryError) as caught:
            locate(address, bare="task")
        for form in ("/x/<slug>", "qid=<slug>", "/looks/<id>", "id or slug"):
            assert form in str(caught.value)

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """An id that comes out can be part of a path; nothing but InvalidQueryError is raised."""
        try:
            found = locate(text, bare="query")
        except InvalidQueryError:
            return
        assert found.kind == "explore" or (found.id.isascii() and not set(found.id) & set("/?#%. "))
