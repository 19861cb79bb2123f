"""A result whose body breaks off is asked for again, and no row is lost, doubled or altered by that."""

from __future__ import annotations

import gzip
import io
import json
import logging
import zlib
from typing import TYPE_CHECKING, Any

import openpyxl  # type: ignore[import-untyped]
import pyarrow as pa
import pytest

import lookerframe as lf
from lookerframe.retrieval import _Beginning, _Passage
from tests.faults import Close, Pause, Reset, cut, reply, zipped
from tests.scripted import DETAIL, TASK, ScriptedLooker, connections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults import Request, Script

RESULTS = f"GET /query_tasks/{TASK}/results"
FIELDS = {"dimensions": [{"name": "orders.id", "label": "Orders ID", "type": "number"}], "measures": []}
#: More rows than two batches hold.
IDS = list(range(50_000))
LONG = json.dumps({"fields": FIELDS, "data": [{"orders.id": {"value": number}} for number in IDS]}).encode()
OTHER = json.dumps({"fields": FIELDS, "data": [{"orders.id": {"value": -number}} for number in IDS]}).encode()


@pytest.fixture
def connect() -> Iterator[Any]:
    """Give a function that makes a client of a scripted Looker."""
    yield from connections()


def _cut_gzip(body: bytes, drop: int) -> Script:
    return reply(200, gzip.compress(body)[:-drop], content_encoding="gzip")


BROKEN: dict[str, Script] = {
    "length": cut(reply(200, DETAIL), 5),
    "reset": cut(reply(200, DETAIL), 5, Reset()),
    "chunks": cut(reply(200, DETAIL, chunks=16), 9),
    "gzip": _cut_gzip(json.dumps(DETAIL).encode(), 12),
    "trailer": _cut_gzip(json.dumps(DETAIL).encode(), 8),
    "document": reply(200, json.dumps(DETAIL)[:-1]),
    "nothing": reply(200, b""),
    "text after it": reply(200, json.dumps(DETAIL) + "ERROR: the database went away"),
    "text in it": reply(200, json.dumps(DETAIL)[:-4] + "ERROR: the database went away"),
    "page": reply(200, "<html><body>Bad gateway</body></html>"),
    "page that says so": reply(200, "<html><body>Bad gateway</body></html>", content_type="text/html"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_body_that_is_not_whole_is_asked_for_again(connect: Any, broken: Script, caplog: Any) -> None:
    """One more call, the table, and a line in the log that says how often, how long and why."""
    script = ScriptedLooker("complete", results=[broken, reply(200, DETAIL)])

    with caplog.at_level(logging.WARNING, logger="lookerframe"):
        result = connect(script).task(TASK).result()

    assert result.to_arrow().to_pydict() == {"orders.count": [7]}
    assert script.calls.count(RESULTS) == 2
    assert result.stats["retries"] == 1
    assert "attempt 1 failed" in caplog.text
    assert "again in" in caplog.text


def test_a_body_that_never_is_whole_is_an_error(connect: Any) -> None:
    """After as many answers as the settings say; the error tells how many, and of which task."""
    script = ScriptedLooker("complete", results=[reply(200, json.dumps(DETAIL)[:-1])])

    with pytest.raises(lf.IncompleteResultError, match="after 5 attempts") as caught:
        connect(script, connect_attempts=2, fetch_attempts=5).task(TASK).result()

    assert (caught.value.task_id, caught.value.attempts) == (TASK, 5)
    assert script.calls.count(RESULTS) == 5


def test_what_another_answer_would_not_mend_is_not_asked_for_again(connect: Any) -> None:
    """A document of another shape, a value that does not fit, a failed query: one call."""
    wrong: list[tuple[Any, type[Exception]]] = [
        ({**DETAIL, "fields": 7}, lf.SchemaError),
        ({**DETAIL, "data": [{"orders.count": {"value": "seven"}}]}, lf.ConversionError),
        ({"errors": [{"message": "no such table"}], "data": []}, lf.LookerSQLError),
    ]
    for body, expected in wrong:
        script = ScriptedLooker("complete", results=[reply(200, body)])
        with pytest.raises(expected):
            connect(script).task(TASK).result(detail="no")
        assert script.calls.count(RESULTS) == 1


def test_the_deadline_ends_it(connect: Any) -> None:
    """Where no time is left for another answer, what happened last is raised."""
    script = ScriptedLooker("complete", results=[reply(200, json.dumps(DETAIL)[:-1])])

    with pytest.raises(lf.IncompleteResultError) as caught:
        connect(script, backoff_base=50, backoff_cap=60, fetch_attempts=50).task(TASK).result(timeout=0.5)

    assert caught.value.attempts < 50


@pytest.mark.parametrize("drop", [1, 20_000, 300_000, len(LONG) - 10_000])
@pytest.mark.parametrize("read", ["to_arrow", "batches", "parquet"])
def test_a_long_result_goes_on_where_it_broke_off(connect: Any, drop: int, read: str, tmp_path: Path) -> None:
    """However the rows are read: each of them once, in order."""
    script = ScriptedLooker("complete", results=[cut(reply(200, LONG), drop), reply(200, LONG)])
    result = connect(script).task(TASK).result()

    assert _read(result, read, tmp_path) == IDS
    assert script.calls.count(RESULTS) == 2
    assert result.stats["rows"] == len(IDS)


def test_it_may_break_off_several_times(connect: Any) -> None:
    """At places that come earlier and later than the first."""
    broken = [cut(reply(200, LONG), drop) for drop in (400_000, 900_000, 100_000)]
    script = ScriptedLooker("complete", results=[*broken, zipped(LONG)])

    batches = connect(script).task(TASK).result().batches()

    assert pa.Table.from_batches(list(batches))["orders.id"].to_pylist() == IDS
    assert script.calls.count(RESULTS) == 4


def test_rows_that_were_handed_out_are_not_mixed_with_others(connect: Any) -> None:
    """An answer that begins otherwise cannot go on for the first; a table, of which nothing was handed out, can."""
    results = [cut(reply(200, LONG), 100_000), reply(200, OTHER)]
    stream = connect(ScriptedLooker("complete", results=list(results))).task(TASK).result().batches()

    with pytest.raises(lf.IncompleteResultError, match="other bytes in the part that had come before"):
        list(stream)

    table = connect(ScriptedLooker("complete", results=list(results))).task(TASK).result().to_arrow()
    assert table["orders.id"].to_pylist() == [-number for number in IDS]


def test_another_answer_is_not_asked_for_as_often_as_one_that_was_cut(connect: Any) -> None:
    """A task that answers otherwise now seldom finds back."""
    script = ScriptedLooker("complete", results=[cut(reply(200, LONG), 100_000), reply(200, OTHER)])
    stream = connect(script, connect_attempts=2, fetch_attempts=5).task(TASK).result().batches()

    with pytest.raises(lf.IncompleteResultError, match="other bytes"):
        list(stream)
    assert script.calls.count(RESULTS) == 2


def test_a_shorter_answer_does_not_end_the_first(connect: Any) -> None:
    """Rows that were there do not vanish."""
    short = json.dumps({"fields": FIELDS, "data": [{"orders.id": {"value": 0}}]}).encode()
    script = ScriptedLooker("complete", results=[cut(reply(200, LONG), 100_000), reply(200, short)])

    with pytest.raises(lf.IncompleteResultError, match="shorter than the part that had come before"):
        list(connect(script).task(TASK).result().batches())


def test_rows_of_two_answers_are_not_mixed_by_a_third(connect: Any) -> None:
    """An answer of which rows were handed out counts as well, though it broke off before it could be compared."""
    numbers = range(300_000)
    first = json.dumps({"fields": FIELDS, "data": [{"orders.id": {"value": n}} for n in numbers]}).encode()
    dense = json.dumps({"fields": FIELDS, "data": [{"orders.id": {"value": 0}}] * len(numbers)}, separators=(",", ":"))
    results = [
        cut(reply(200, first), len(first) - 8_000_000),
        cut(reply(200, dense), len(dense) - 7_500_000),
        reply(200, first),
    ]
    stream = connect(ScriptedLooker("complete", results=results)).task(TASK).result().batches()

    with pytest.raises(lf.IncompleteResultError, match="other bytes"):
        list(stream)


@pytest.mark.parametrize("name", [*BROKEN, "task", "message"])
def test_one_bad_answer_more_does_not_end_a_stream(connect: Any, name: str) -> None:
    """Between one that broke off after rows were handed out, and the whole one."""
    others = {"task": reply(200, {"id": TASK, "status": "complete"}), "message": reply(200, {"message": "busy"})}
    bad = BROKEN.get(name) or others[name]
    script = ScriptedLooker("complete", results=[cut(reply(200, LONG), 100_000), bad, reply(200, LONG)])

    batches = list(connect(script).task(TASK).result().batches())

    assert pa.Table.from_batches(batches)["orders.id"].to_pylist() == IDS
    assert script.calls.count(RESULTS) == 3


def test_trouble_with_field_metadata_is_not_that_of_the_result(connect: Any) -> None:
    """The result is fetched once; what went wrong is told."""
    script = ScriptedLooker("complete", results=[reply(200, [{"orders.id": 1}])], result_format="json")

    def answer(request: Request) -> Script:
        return reply(200, b"") if "/queries/" in request.target else script(request)

    with pytest.raises(lf.UnexpectedContentError, match="/queries/q1"):
        connect(answer).task(TASK).result()
    assert script.calls.count(RESULTS) == 1


def test_a_file_is_not_written_of_half_a_result(connect: Any, tmp_path: Path) -> None:
    """What stood there stays."""
    target = tmp_path / "ids.parquet"
    target.write_bytes(b"before")
    script = ScriptedLooker("complete", results=[cut(reply(200, LONG), 100_000)])
    result = connect(script, fetch_attempts=2).task(TASK).result()

    with pytest.raises(lf.IncompleteResultError):
        lf.write_parquet(result, target)

    assert [path.name for path in tmp_path.iterdir()] == ["ids.parquet"]
    assert target.read_bytes() == b"before"


def test_a_pause_in_the_body_is_a_reason_too(connect: Any) -> None:
    """Silence for `Settings.timeout` seconds."""
    head = cut(reply(200, DETAIL), 5)[0]
    script = ScriptedLooker("complete", results=[[head, Pause(2), Close()], reply(200, DETAIL)])

    assert connect(script, timeout=0.3).task(TASK).result().to_arrow().num_rows == 1


@pytest.mark.parametrize("result_format", ["csv", "txt", "md"])
def test_lines_without_a_length_prove_nothing(connect: Any, result_format: str) -> None:
    """A lost connection would look like their end: they are refused, with what to do."""
    body = "Id\n1\n" if result_format != "md" else "|Id|\n|---|\n|1|\n"
    script = ScriptedLooker("complete", results=[reply(200, body, length=None)], result_format=result_format)

    with pytest.raises(lf.IncompleteResultError, match="json_detail") as caught:
        connect(script).task(TASK).result()

    assert caught.value.task_id == TASK
    assert script.calls.count(RESULTS) == 1


def _described(script: ScriptedLooker) -> Callable[[Request], Script]:
    """Let a scripted Looker know what the columns of its query are."""
    known: dict[str, Any] = {
        "/queries/q1": {"id": "q1", "model": "m", "view": "e", "fields": ["orders.id"]},
        "/lookml_models/m/explores/e": {"name": "e", "fields": FIELDS},
    }

    def answer(request: Request) -> Script:
        where = request.target.split("?")[0].removeprefix("/api/4.0")
        return reply(200, known[where]) if where in known else script(request)

    return answer


@pytest.mark.parametrize("result_format", ["csv", "txt"])
def test_lines_with_a_length_are_a_result(connect: Any, result_format: str) -> None:
    """HTTP says where they end."""
    script = ScriptedLooker("complete", results=[reply(200, "Orders ID\n1\n")], result_format=result_format)

    assert connect(_described(script)).task(TASK).result().to_arrow().num_rows == 1


def test_a_value_that_does_not_fit_may_be_text_that_was_appended(connect: Any) -> None:
    """Lines of text have no end that tells: a good answer behind it is taken, and the third one is the last."""
    bad, good = reply(200, "Orders ID\n7\nseven\n"), reply(200, "Orders ID\n7\n8\n")
    script = ScriptedLooker("complete", results=[bad, good], result_format="csv")
    result = connect(_described(script)).task(TASK).result()
    assert result.to_arrow().to_pydict() == {"orders.id": [7, 8]}
    assert script.calls.count(RESULTS) == 2

    script = ScriptedLooker("complete", results=[bad], result_format="csv")
    with pytest.raises(lf.ConversionError, match="seven"):
        connect(_described(script), connect_attempts=3).task(TASK).result().to_arrow()
    assert script.calls.count(RESULTS) == 3


def _sheet() -> bytes:
    written = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(["Orders ID"])
    book.active.append([1])
    book.save(written)
    return written.getvalue()


CLOSED: dict[str, Any] = {
    "json_detail": {"fields": FIELDS, "data": [{"orders.id": {"value": 1}}]},
    "json_bi": {"metadata": {"fields": FIELDS}, "rows": [{"orders.id": {"value": 1}}]},
    "json_detail_lite_stream": {"fields": FIELDS, "data": [{"orders.id": {"value": 1}}]},
    "json": [{"orders.id": 1}],
    "inline_json": [{"orders.id": 1}],
    "json_label": [{"Orders ID": 1}],
    "html": "<table><tr><th>Orders ID</th></tr><tr><td>1</td></tr></table>",
    "xlsx": _sheet(),
}


@pytest.mark.parametrize("result_format", CLOSED)
def test_what_shows_its_own_end_needs_no_length(connect: Any, result_format: str) -> None:
    """A bracket, a tag or a directory is the last thing of it."""
    whole = reply(200, CLOSED[result_format], length=None)
    script = ScriptedLooker("complete", results=[whole], result_format=result_format)

    assert connect(_described(script)).task(TASK).result().to_arrow()["orders.id"].to_pylist() == [1]
    assert script.calls.count(RESULTS) == 1


def test_damage_is_asked_for_again_less_often_than_cuts(connect: Any) -> None:
    """It seldom passes."""
    damaged = reply(200, json.dumps(DETAIL).replace("7", "7 7"))
    script = ScriptedLooker("complete", results=[damaged])

    with pytest.raises(lf.PayloadError) as caught:
        connect(script, connect_attempts=2, fetch_attempts=4).task(TASK).result()
    assert (caught.value.attempts, script.calls.count(RESULTS)) == (2, 2)


def test_the_part_that_had_come_is_compared_before_it_is_given() -> None:
    """Also where it ends with a piece of the body, or with the body."""
    expected = [_Beginning(3, zlib.crc32(b"abc"))]

    assert list(_Passage([b"abc"], expected)) == [b"abc"]
    assert list(_Passage([b"a", b"bc", b"d"], expected)) == [b"a", b"bc", b"d"]
    with pytest.raises(lf.IncompleteResultError, match="other bytes"):
        next(iter(_Passage([b"abd", b"e"], expected)))
    with pytest.raises(lf.IncompleteResultError, match="is shorter"):
        list(_Passage([b"ab"], expected))
    several = [*expected, _Beginning(2, zlib.crc32(b"ab"))]
    assert list(_Passage([b"a", b"b", b"cd"], several)) == [b"a", b"b", b"cd"]


def _read(result: lf.Result, how: str, folder: Path) -> Any:
    if how == "to_arrow":
        table = result.to_arrow()
    elif how == "batches":
        table = pa.Table.from_batches(list(result.batches()))
    else:
        lf.write_parquet(result, folder / "ids.parquet")
        table = pa.parquet.read_table(folder / "ids.parquet")
    return table["orders.id"].to_pylist()


def test_rows_are_bounded_by_the_settings(connect: Any) -> None:
    """One that is larger than `Settings.max_row_bytes` is refused, and not asked for again."""
    script = ScriptedLooker("complete", results=[reply(200, [{"orders.note": 5_000_000 * "x"}])], result_format="json")

    with pytest.raises(lf.PayloadLimitError, match="4,000,000"):
        connect(script, max_row_bytes=4_000_000).task(TASK).result()
    assert script.calls.count(RESULTS) == 1
