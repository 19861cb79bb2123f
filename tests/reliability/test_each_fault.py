"""R2: each kind of fault by itself, in each tabular format, into a table and into a file.

What must happen was written down before it was tried. It follows from what the kind does: what a client can get over
costs so many calls more, what it cannot raises this very error after so many requests.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookerframe import Looker, Query, local, write_parquet
from lookerframe.exceptions import (
    AccessError,
    AuthError,
    DeadlineError,
    IncompleteResultError,
    LookerFrameError,
    NetworkError,
    PayloadError,
    PayloadLimitError,
    RateLimitError,
    ResultExpiredError,
    ServerError,
    TaskKilledError,
    UnexpectedContentError,
)
from tests.connecting import settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lookerframe.client import Task
    from tests.counting import Counts

#: Waits of moments.
PATIENCE: dict[str, float] = {
    "backoff_base": 0.001,
    "backoff_cap": 0.005,
    "poll_interval": 0.005,
    "poll_interval_max": 0.01,
    "timeout": 30,
}
FEW = 3  # Settings.connect_attempts: what another try seldom mends
FETCHES = 5  # Settings.fetch_attempts: bodies that end too early
REPEATS = 1 + 2  # the call itself, and Settings.post_repeats
PLAIN_CALLS = 2  # a look at the task, its result
LASTING = 1_000_000

JSON = ("json_detail", "json_bi", "json", "inline_json")
FORMATS = (*JSON, "csv", "txt", "html", "md", "xlsx")
#: Bodies that end too early, or say so.
BODIES = (
    *("reset_in_body", "close_in_body", "length_too_large", "length_too_small", "cut_chunked", "cut_in_chunk"),
    *("bad_chunk_size", "cut_close_delimited", "cut_gzip", "no_gzip_trailer"),
)


@dataclass(frozen=True)
class Passes:
    """Met once, it costs `calls` more; it may last for `requests` to its operation, and then this error is raised."""

    calls: int
    error: type[LookerFrameError] | None = None
    requests: int | None = None


@dataclass(frozen=True)
class Raises:
    """Met once, the error is raised after the one request."""

    error: type[LookerFrameError]


#: What a kind does to a result, or to the look at a task, in any format. No `requests`: it ends with the deadline.
EXPECTED: dict[str, Passes | Raises] = {
    "500": Passes(1, ServerError, FEW),
    **{name: Passes(1, ServerError) for name in ("502", "503", "504", "502_html", "504_html")},
    **{f"429_{name}": Passes(1, RateLimitError) for name in ("seconds", "date", "absent", "garbage", "negative")},
    "401": Passes(2, AuthError, 2),  # a login besides; a token that is new and not accepted is final
    "404": Raises(ResultExpiredError),
    "202": Passes(1, DeadlineError),
    "204": Passes(1, DeadlineError),
    "302": Raises(NetworkError),
    "200_empty": Passes(1, IncompleteResultError, FETCHES),
    "200_html": Passes(1, UnexpectedContentError, FEW),
    "task_object": Passes(1, UnexpectedContentError, FEW),
    "gzip_bomb": Raises(PayloadLimitError),
    "xlsx_bomb": Passes(1, UnexpectedContentError, FEW),
    "reset_before": Passes(1, NetworkError),
    "reset_after": Passes(1, NetworkError),
    "close_after": Passes(1, NetworkError),
    "hang": Passes(1, NetworkError),
    **dict.fromkeys((*BODIES, "cut_body"), Passes(1, IncompleteResultError, FETCHES)),
    "close_delimited": Passes(0),  # the end of gzip shows that it is whole
    "wrong_crc": Passes(1, PayloadError, FEW),
    "drip": Passes(0),
    "appended_text": Passes(1, PayloadError, FEW),
    "deep_nesting": Raises(PayloadLimitError),
    "latin_1": Passes(1, PayloadError, FEW),
    "utf_16": Passes(1, PayloadError, FEW),
    "bom": Passes(0),
    "expired": Passes(1, ResultExpiredError, 2),  # of a task named by its id, after one more look
    "killed": Raises(TaskKilledError),
    "missing": Raises(AccessError),
    "unknown_status": Passes(1, DeadlineError),
    "upper_case": Passes(0),
}
#: Where a format differs; None if the kind cannot befall it.
DIFFERENT: dict[tuple[str, str], Passes | Raises | None] = {
    # A workbook is no text, and ignores what follows it.
    **{(kind, "xlsx"): None for kind in ("latin_1", "utf_16", "bom")},
    ("appended_text", "xlsx"): Passes(0),
    ("xlsx_bomb", "xlsx"): Raises(PayloadLimitError),
    **{("deep_nesting", name): None for name in FORMATS if name not in JSON},
    # JSON or a workbook in place of text is text of another kind, to those who read text.
    **{("xlsx_bomb", name): Passes(1, PayloadError, FEW) for name in ("csv", "txt", "html", "md")},
    # Two bytes a character is another kind of document, where a document begins with a bracket.
    **{("utf_16", name): Passes(1, UnexpectedContentError, FEW) for name in JSON},
}
#: What a kind does to the call that creates a task, if it lasts: the error, and how often the task was asked for.
ON_CREATE: dict[str, tuple[type[LookerFrameError], int]] = {
    "500": (ServerError, 1),
    **dict.fromkeys(("502", "504", "502_html", "504_html"), (ServerError, REPEATS)),
    "401": (AuthError, 2),
    "302": (NetworkError, 1),
    "200_html": (UnexpectedContentError, REPEATS),
    **dict.fromkeys(("reset_before", "reset_after", "close_after", "hang"), (NetworkError, REPEATS)),
    **dict.fromkeys(BODIES, (IncompleteResultError, REPEATS)),
    "wrong_crc": (PayloadError, REPEATS),
}
UNTIL_DEADLINE = [
    name for name, item in EXPECTED.items() if isinstance(item, Passes) and item.error and not item.requests
]

LOOKML = """
view: rows {
  derived_table: {
    sql: SELECT n + 1 AS id, 'Zürich, "' || n || '"' AS name, n / 8.0 + 0.125 AS amount,
         DATE '2020-01-01' + CAST(n AS INTEGER) AS day FROM range(60) AS t(n) ;;
  }
  dimension: id { type: number primary_key: yes }
  dimension: name {}
  dimension: amount { type: number }
  dimension: day { type: date datatype: date convert_tz: no }
}
"""
FIELDS = ("rows.id", "rows.name", "rows.amount", "rows.day")
TRUTH = pa.table(
    {
        "rows.id": pa.array(range(1, 61), pa.int64()),
        "rows.name": [f'Zürich, "{number}"' for number in range(60)],
        "rows.amount": [number / 8 + 0.125 for number in range(60)],
        "rows.day": [dt.date(2020, 1, 1) + dt.timedelta(number) for number in range(60)],
    }
)
QUERY = Query(model="m", explore="rows", fields=FIELDS, sorts=["rows.id"])


@dataclass(frozen=True)
class Bench:
    """A server, a client, and a task that has ended in each format."""

    server: local.Server
    looker: Looker
    tasks: dict[str, str]

    def met(self, before: int) -> int:
        """Count the faults since then."""
        return len(self.server.faults) - before


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write an explore of sixty rows."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "v.view.lkml").write_text(LOOKML, encoding="utf-8")
    (folder / "m.model.lkml").write_text('include: "v.view"\nexplore: rows {}\n', encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def bench(project: Path) -> Iterator[Bench]:
    """Run the query once in each format, and see that the rows are those that DuckDB was asked for."""
    faults = local.Faults(seconds=0.05)
    with local.start(lookml=project, faults=faults) as server, Looker(settings_for(server, **PATIENCE)) as looker:
        tasks = {name: looker.submit(QUERY, result_format=name) for name in FORMATS}
        for task in tasks.values():
            assert task.result().to_arrow().equals(TRUTH)
            assert outcome(looker.task(task.id), None, 30) == (None, PLAIN_CALLS)
        yield Bench(server, looker, {name: task.id for name, task in tasks.items()})


@pytest.fixture(scope="module")
def cases() -> Counter[str]:
    """Count what was tried."""
    return Counter()


def expected(kind: str, result_format: str) -> Passes | Raises | None:
    """Look it up."""
    return DIFFERENT[kind, result_format] if (kind, result_format) in DIFFERENT else EXPECTED[kind]


def operation(kind: str) -> str:
    """Name the operation that a kind is tried on."""
    return next(iter(local.KINDS[kind].on), "query_task_results")


def outcome(task: Task, path: Path | None, timeout: float) -> tuple[LookerFrameError | None, int]:
    """Read a task into a table or a file; give the error or None, and the calls that it took."""
    try:
        result = task.result(timeout=timeout)
        if path is None:
            table = result.to_arrow()
        else:
            assert write_parquet(result, path) == TRUTH.num_rows
            table = pq.read_table(path).replace_schema_metadata(None)
            path.unlink()
    except LookerFrameError as exc:
        assert path is None or list(path.parent.iterdir()) == [], "a part of a file"
        return exc, 0
    assert table.cast(TRUTH.schema).equals(TRUTH), "a wrong table"
    return None, int(result.stats["calls"])


def name_of(error: LookerFrameError | type[LookerFrameError] | None) -> str:
    """Say what came of it."""
    if error is None:
        return "rows"
    return error.__name__ if isinstance(error, type) else type(error).__name__


def test_every_kind_is_expected() -> None:
    """The table is about all that the local Looker can do wrong."""
    assert set(EXPECTED) == set(local.KINDS)


@pytest.mark.parametrize("kind", EXPECTED)
def test_fault_that_comes_once(kind: str, bench: Bench, cases: Counter[str], counts: Counts, tmp_path: Path) -> None:
    """The true rows, after as many calls as it must cost; or the one error, and no part of a file."""
    wanted, found = {}, {}
    for result_format, into in product(FORMATS, ("table", "file")):
        case = expected(kind, result_format)
        before = len(bench.server.faults)
        bench.server.inject(local.Fault(kind, on=operation(kind)))

        path = tmp_path / "rows.parquet" if into == "file" else None
        error, calls = outcome(bench.looker.task(bench.tasks[result_format]), path, 30)

        found[result_format, into] = name_of(error), calls, bench.met(before)
        if isinstance(case, Raises):
            wanted[result_format, into] = name_of(case.error), 0, 1
        else:
            wanted[result_format, into] = "rows", PLAIN_CALLS + (case.calls if case else 0), int(case is not None)
        bench.server.inject()
    assert found == wanted
    cases["once"] += len(found)
    counts("R2", **cases)


@pytest.mark.parametrize("kind", [name for name in EXPECTED if name not in UNTIL_DEADLINE])
def test_fault_that_lasts(kind: str, bench: Bench, cases: Counter[str], counts: Counts, tmp_path: Path) -> None:
    """The very error, after as many requests as it is worth, and no file; rows where there is nothing to get over."""
    wanted, found = {}, {}
    for result_format in FORMATS:
        case = expected(kind, result_format)
        before = len(bench.server.faults)
        bench.server.inject(local.Fault(kind, on=operation(kind), times=LASTING))

        error, _ = outcome(bench.looker.task(bench.tasks[result_format]), tmp_path / "rows.parquet", 30)

        found[result_format] = name_of(error), bench.met(before)
        if isinstance(case, Raises):
            wanted[result_format] = name_of(case.error), 1
        else:
            requests = (case.requests or 1) if case else 0
            wanted[result_format] = name_of(case.error if case else None), requests
        bench.server.inject()
    assert found == wanted
    cases["lasting"] += len(found)
    counts("R2", **cases)


@pytest.mark.parametrize("kind", UNTIL_DEADLINE)
def test_fault_that_outlasts_the_deadline(kind: str, project: Path, counts: Counts, cases: Counter[str]) -> None:
    """It ends with the deadline, and the error says what was met: by itself, or as the cause of `DeadlineError`."""
    case = EXPECTED[kind]
    assert isinstance(case, Passes)
    faults = local.Faults(plan=[local.Fault(kind, on=operation(kind), times=LASTING, seconds=0)])
    with local.start(lookml=project, faults=faults) as server, Looker(settings_for(server, **PATIENCE)) as looker:
        task_id = looker.submit(QUERY).id

        error, _ = outcome(looker.task(task_id), None, 0.5)

        assert case.error in (type(error), type(error.__cause__ if error else None))
        assert error is None or type(error) in (case.error, DeadlineError)
        assert len(server.faults) > 2
    cases["deadline"] += 1
    counts("R2", **cases)


@pytest.mark.parametrize("on", ["login", "create_query", "create_query_task", "query_task"])
@pytest.mark.parametrize("kind", [kind.name for kind in local.KINDS.values() if kind.passing and not kind.on])
def test_fault_of_another_call(kind: str, on: str, bench: Bench, cases: Counter[str], counts: Counts) -> None:
    """Before there are rows, one fault costs time and nothing else; 500 may have made a task, so it is not repeated."""
    before = len(bench.server.faults)
    bench.server.inject(local.Fault(kind, on=on))
    with Looker(settings_for(bench.server, **PATIENCE)) as looker:
        table, error = None, None
        try:
            table = looker.run(QUERY, timeout=30).to_arrow()
        except LookerFrameError as exc:
            error = exc

    bench.server.inject()
    if (kind, on) == ("500", "create_query_task"):
        assert type(error) is ServerError
    elif (kind, on) == ("401", "login"):
        assert type(error) is AuthError
    else:
        assert error is None
        assert table is not None
        assert table.equals(TRUTH)
    assert bench.met(before) == 1
    cases["other_calls"] += 1
    counts("R2", **cases)


@pytest.mark.parametrize("kind", ON_CREATE)
def test_create_is_not_repeated_lightly(kind: str, bench: Bench, cases: Counter[str], counts: Counts) -> None:
    """What may have made a task is asked for three times at most."""
    before = len(bench.server.faults)
    bench.server.inject(local.Fault(kind, on="create_query_task", times=LASTING))
    with Looker(settings_for(bench.server, **PATIENCE)) as looker, pytest.raises(LookerFrameError) as caught:
        looker.submit(QUERY, timeout=30)

    bench.server.inject()
    assert (type(caught.value), bench.met(before)) == ON_CREATE[kind]
    cases["creates"] += 1
    counts("R2", **cases)


def test_query_of_our_own_is_run_again_once(bench: Bench) -> None:
    """If Looker keeps no result of a task that we submitted, its query is run once more, and no more."""
    for times in (1, LASTING):
        before = len(bench.server.faults)
        bench.server.inject(local.Fault("404", times=times))

        error, _ = outcome(bench.looker.submit(QUERY), None, 30)

        bench.server.inject()
        assert (type(error), bench.met(before)) == ((type(None), 1) if times == 1 else (ResultExpiredError, 2))
