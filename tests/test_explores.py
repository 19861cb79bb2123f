"""What a client keeps of the explores of its Looker, and when it asks again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import lookerframe as lf
from tests.faults import reply
from tests.scripted import TASK, ScriptedLooker, connections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults import Request, Script

EXPLORE = "/lookml_models/m/explores/e"
ID = {"name": "orders.id", "label": "Orders ID", "type": "number", "can_filter": True}
NAME = {"name": "orders.name", "label": "Orders Name", "type": "string", "can_filter": True}
OLD = lf.Query(model="m", explore="e", fields=["orders.id"])
NEW = lf.Query(model="m", explore="e", fields=["orders.name"])


class Deployed(ScriptedLooker):
    """A Looker whose explore changes, and that writes one csv file of its new field."""

    def __init__(self) -> None:
        super().__init__("complete", results=[reply(200, "Orders Name\n007\n")], result_format="csv")
        self.dimensions = [ID]

    def __call__(self, request: Request) -> Script:
        """Answer one request."""
        where = request.target.split("?")[0].removeprefix("/api/4.0")
        answer = super().__call__(request)
        known: dict[str, Any] = {
            EXPLORE: {"name": "e", "fields": {"dimensions": self.dimensions, "measures": []}},
            "/queries/q1": {"id": "q1", "model": "m", "view": "e", "fields": ["orders.name"]},
        }
        return reply(200, known[where]) if where in known else answer

    @property
    def asked(self) -> int:
        """How often the explore was asked for."""
        return self.calls.count(f"GET {EXPLORE}")


@pytest.fixture
def connect() -> Iterator[Any]:
    """Give a function that makes a client of a scripted Looker."""
    yield from connections()


def test_a_field_that_is_new_in_an_explore_is_decoded(connect: Any) -> None:
    """The metadata that is kept does not know it, so that it is asked for anew, once."""
    script = Deployed()
    looker = connect(script)
    looker.explore_fields("m", "e")
    script.dimensions = [ID, NAME]

    for _ in range(2):
        assert looker.task(TASK).result().to_arrow().to_pydict() == {"orders.name": ["007"]}
    assert script.asked == 2


def test_the_check_asks_anew_before_it_refuses(connect: Any) -> None:
    """A field that is new is not called unknown; one that is known costs no call."""
    script = Deployed()
    looker = connect(script)
    looker.check(OLD)
    looker.check(OLD)
    assert script.asked == 1

    with pytest.raises(lf.InvalidQueryError, match=r"orders\.name"):
        looker.check(NEW)
    assert script.asked == 2

    script.dimensions = [NAME]
    looker.check(NEW)
    assert script.asked == 3
    with pytest.raises(lf.InvalidQueryError, match=r"orders\.id"):
        looker.check(OLD)


def test_a_change_to_what_was_returned_changes_no_result(connect: Any) -> None:
    """The metadata belongs to who asked for it: results and checks go by what Looker said."""
    script = Deployed()
    script.dimensions = [NAME]
    looker = connect(script)

    fields = looker.explore_fields("m", "e")
    fields["dimensions"][0]["type"] = "number"
    fields["dimensions"][0]["label"] = "Other"
    fields["measures"] = None

    assert looker.explore_fields("m", "e") == {"dimensions": [NAME], "measures": []}
    assert looker.task(TASK).result().to_arrow().to_pydict() == {"orders.name": ["007"]}
    assert script.asked == 1
