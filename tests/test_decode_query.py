"""Saved bodies whose fields are told by an explore: `decode` with `fields=` and `query=`, against the local Looker."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests

import lookerframe as lf
from lookerframe.fields import picked
from lookerframe.models import SavedQuery
from tests.writers.comparing import bare

if TYPE_CHECKING:
    from lookerframe.client import Looker
    from lookerframe.local import Server

PLAIN = lf.Query(
    model="flights",
    explore="flights",
    fields=["flights.carrier", "flights.count"],
    filters={"flights.month": 1, "flights.day": 1},
    sorts=["flights.carrier"],
    limit=1000,
)
SHARE = {
    "table_calculation": "share",
    "label": "Share",
    "expression": "${flights.count} / sum(${flights.count})",
    "_type_hint": "number",
}
QUERIES = {
    "plain": PLAIN,
    "pivoted, totals": replace(
        PLAIN,
        fields=["flights.carrier", "flights.origin", "flights.count"],
        pivots=["flights.origin"],
        total=True,
    ),
    "a calculation": replace(PLAIN, fields=[*PLAIN.fields, "share"], dynamic_fields=[SHARE]),
    "in another order": replace(
        PLAIN,
        fields=["flights.dest", "flights.carrier", "flights.count"],
        sorts=["flights.carrier", "flights.dest"],
    ),
}


def body(server: Server, query: lf.Query, result_format: str) -> bytes:
    """Fetch what Looker answers, as it is."""
    task = server.looker.submit(query, result_format=result_format)
    task.result().to_arrow()
    answer = requests.get(
        f"{server.base_url}/api/4.0/query_tasks/{task.id}/results",
        headers={"Authorization": f"token {server.looker._login.token().reveal()}"},
        timeout=10,
    )
    assert answer.status_code == 200
    return answer.content


@pytest.mark.parametrize("result_format", ["json", "csv", "html", "md", "xlsx"])
@pytest.mark.parametrize("name", QUERIES)
def test_of_an_explore_the_fields_of_the_query_are_taken(server: Server, name: str, result_format: str) -> None:
    """A saved body becomes the table that the client reads, without a column or a note more, however it is asked."""
    query = QUERIES[name]
    explore = server.looker.explore_fields("flights", "flights")
    due = server.looker.run(query, result_format=result_format)
    saved = body(server, query, result_format)

    for spelling in (query, SavedQuery.from_api(query.to_api()), query.to_api()):
        found = lf.decode(saved, result_format, fields=explore, query=spelling)
        assert list(found.schema) == list(due.schema)
        assert found.schema.remove_metadata().equals(due.schema.remove_metadata(), check_metadata=True)
        assert bare(found.to_arrow()).equals(bare(due.to_arrow()))
        assert (found.totals is None) == (due.totals is None)
        assert found.notes == due.notes


def test_fields_of_an_answer_are_picked_too(looker: Looker, server: Server) -> None:
    """Those of `json_detail` have pivoted dimensions and calculations in lists of their own; none gets lost."""
    query = replace(QUERIES["pivoted, totals"], fields=[*QUERIES["pivoted, totals"].fields, "share"])
    query = replace(query, dynamic_fields=[SHARE])
    described = json.loads(body(server, query, "json_detail"))["fields"]
    asked = {**query.to_api(), "dynamic_fields": None}

    found = lf.decode(body(server, query, "json"), "json", fields=described, query=asked).to_arrow()

    assert found.schema.names == looker.run(query).to_arrow().schema.names
    assert bare(found).equals(bare(looker.run(query).to_arrow()))


def test_without_a_query_a_note_counts_the_fields_that_no_row_has() -> None:
    """Each field that is described is a column; that most are not of this result is said, with what to give."""
    names = [f"v.f{number}" for number in range(40)]
    described = {"dimensions": [{"name": name, "type": "string"} for name in names]}
    rows = json.dumps([{"v.f0": "x", "v.f1": None}, {"v.f0": None, "v.f2": "later"}]).encode()

    result = lf.decode(rows, "json", fields=described)

    assert result.to_arrow().num_columns == 40
    said = f"no row has a value of 37 of the fields described, which are null: {', '.join(names[3:])}"
    assert result.notes == (f"{said}; if it is an explore's metadata, give query=",)


@pytest.mark.parametrize("rows", [[], [{"v.a": 1, "v.b": None}]])
def test_rows_that_name_all_fields_have_no_note(rows: list[dict[str, Any]]) -> None:
    """Nor does a result without rows, whatever is null."""
    described = {"measures": [{"name": "v.a", "type": "count"}, {"name": "v.b", "type": "count"}]}

    result = lf.decode(json.dumps(rows).encode(), "json", fields=described)

    assert result.to_arrow().num_columns == 2
    assert result.notes == ()


def test_a_query_that_names_no_fields_picks_none() -> None:
    """It is given for its time zone: all that is described stays."""
    described = {"measures": [{"name": "v.a", "type": "count"}]}

    found = lf.decode(b'[{"v.a": 1}]', "json", fields=described, query={"query_timezone": "UTC"}).to_arrow()

    assert found.to_pydict() == {"v.a": [1]}


def test_metadata_of_another_shape_is_refused_with_a_query_too() -> None:
    """In the words in which it is refused without one."""
    with pytest.raises(lf.ConfigError, match="field metadata is an object"):
        lf.decode(b'[{"v.a": 1}]', "json", fields=["v.a"], query={"fields": ["v.a"]})  # type: ignore[arg-type]


def test_picked_fields_stand_in_the_query_s_order() -> None:
    """Each in its group; what is not described has its name alone, and a pivoted field heads columns."""
    a, b, n, calculation = ({"name": name, "type": "string"} for name in ("v.a", "v.b", "v.n", "c"))
    metadata = {"dimensions": [a, b], "measures": [n], "table_calculations": [calculation]}
    query = SavedQuery(fields=("v.gone", "v.b", "v.n", "v.a"), pivots=("v.b",))

    found = picked(metadata, query)

    assert found == {
        "pivots": [b],
        "dimensions": [a],
        "measures": [n],
        "table_calculations": [{"name": "v.gone"}, calculation],
        "supermeasure_like": [],
    }
