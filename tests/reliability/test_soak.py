"""R1 and P5: tasks by the hundred while three calls in ten go wrong; no row is lost, doubled or altered."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

from lookerframe import Looker, Query, local
from lookerframe.exceptions import LookerFrameError
from tests.connecting import settings_for
from tests.tiers import SOAK, scaled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.counting import Counts

#: Waits of moments.
PATIENCE: dict[str, Any] = {
    "backoff_base": 0.001,
    "backoff_cap": 0.01,
    "poll_interval": 0.005,
    "poll_interval_max": 0.02,
    "timeout": 10,
}
SEED = 20_260
RATE = 0.3
THREADS = 8
TASKS = scaled(500, 10_000)
STATED = scaled(1_000, 20_000)
FORMATS = ("json_detail", "json_bi", "json", "csv", "txt")
#: Looks at a task besides those that waiting for it takes: more calls, and so more faults.
_LOOKS = 3
#: After these, a client cannot know whether its call was carried out.
AMBIGUOUS = {"502", "504", "502_html", "504_html", "reset_before", "reset_after", "close_after", "hang"}
COLUMNS = ("id", "day", "name", "amount", "large", "is_even")
SCHEMA = {
    "rows.id": pa.int64(),
    "rows.day": pa.date32(),
    "rows.name": pa.string(),
    "rows.amount": pa.float64(),
    "rows.large": pa.int64(),
    "rows.is_even": pa.bool_(),
}

LOOKML = """
view: rows {
  sql_table_name: rows ;;
  dimension: slice { type: number }
  dimension: id { type: number primary_key: yes }
  dimension: day { type: date datatype: date convert_tz: no }
  dimension: name {}
  dimension: amount { type: number }
  dimension: large { type: number }
  dimension: is_even { type: yesno sql: ${TABLE}.id % 2 = 0 ;; }
}
"""
#: From 1 to 120 rows a slice; texts that a cut could turn into other texts, and numbers into other numbers.
TABLE = """
CREATE TABLE rows AS SELECT
  slice, row_number() OVER (ORDER BY slice, n) AS id, DATE '2000-01-01' + CAST(n * 31 + slice AS INTEGER) AS day,
  'Zürich, "' || slice || '" / ' || n AS name,
  CASE WHEN n % 7 = 3 THEN NULL ELSE (slice * 1000 + n) / 8.0 + 0.125 END AS amount, 9007199254740993 + n AS large
FROM range({tasks}) AS t(slice), range(1 + (slice * 37) % 120) AS u(n)
"""


@dataclass(frozen=True)
class Project:
    """LookML, its database, and what is in it."""

    lookml: Path
    database: Path
    truth: dict[int, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Write a table of slices, and read them back."""
    folder = tmp_path_factory.mktemp("soak")
    (folder / "v.view.lkml").write_text(LOOKML, encoding="utf-8")
    (folder / "m.model.lkml").write_text('include: "v.view"\nexplore: rows {}\n', encoding="utf-8")
    truth: dict[int, list[tuple[Any, ...]]] = {}
    with duckdb.connect(str(folder / "rows.duckdb")) as connection:
        connection.execute(TABLE.format(tasks=TASKS))
        found = connection.execute("SELECT slice, id, day, name, amount, large, id % 2 = 0 FROM rows ORDER BY id")
        for number, *row in found.fetchall():
            truth.setdefault(number, []).append(tuple(row))
    assert len(truth) == TASKS
    return Project(folder, folder / "rows.duckdb", truth)


def serve(project: Project, faults: local.Faults, log: Callable[[str], None]) -> local.Server:
    """Start a server whose queries take a few looks at their tasks."""
    return local.start(lookml=project.lookml, database=project.database, latency=0.05, faults=faults, log=log)


@dataclass(frozen=True)
class Outcome:
    """What became of one task."""

    number: int
    query_id: str | None = None
    table: pa.Table | None = None
    error: LookerFrameError | None = None


def run(looker: Looker, number: int) -> Outcome:
    """Submit a query for one slice, look how it stands, and read its rows."""
    fields = [f"rows.{name}" for name in COLUMNS]
    query = Query(model="m", explore="rows", fields=fields, filters={"rows.slice": str(number)}, sorts=["rows.id"])
    try:
        task = looker.submit(query, result_format=FORMATS[number % len(FORMATS)], timeout=120)
        for _ in range(_LOOKS):
            task.status()
        result = task.result(timeout=120)
        return Outcome(number, result.metadata["query_id"], result.to_arrow())
    except LookerFrameError as exc:
        return Outcome(number, error=exc)


def test_no_row_is_lost_doubled_or_altered(project: Project, counts: Counts) -> None:
    """Every task ends with its own rows, or, one in a thousand, with an error of ours; no submit makes four tasks."""
    faults = local.Faults(rate=RATE, seed=SEED, in_a_row=2, seconds=0.05)
    made = Counter[str]()
    lock = threading.Lock()

    def log(line: str) -> None:
        if " POST /api/4.0/query_tasks 200 " in line:
            with lock:
                made["tasks"] += 1

    with serve(project, faults, log) as server:
        with Looker(settings_for(server, **PATIENCE)) as looker, ThreadPoolExecutor(THREADS) as pool:
            outcomes = list(pool.map(lambda number: run(looker, number), range(TASKS)))
            met = server.faults
            repeated = [fault for fault in met if fault.operation == "create_query_task" and fault.kind in AMBIGUOUS]
            orphans = [looker.task(str(fault.task_id)).status().query_id for fault in repeated if fault.reached]
        created = made["tasks"]

    check_rows(project, outcomes)
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    per_submit = Counter([*orphans, *(outcome.query_id for outcome in outcomes if outcome.query_id)])
    assert len(per_submit) >= TASKS - len(failed)
    assert max(per_submit.values()) <= 3
    assert TASKS - len(failed) <= created <= TASKS + len(repeated)
    assert len(met) >= STATED, "a soak with fewer faults than it states shows nothing"
    kinds = Counter(fault.kind for fault in met)
    assert {kind.name for kind in local.KINDS.values() if kind.passing and not kind.on} <= set(kinds)
    counts("P5", tasks_created=created, ambiguous=len(repeated), most_of_one_submit=max(per_submit.values()), seed=SEED)
    counts(
        "R1" if SOAK else "R1q",
        tasks=TASKS,
        faults=len(met),
        failed=len(failed),
        seed=SEED,
        kinds=", ".join(f"{kind}: {count}" for kind, count in sorted(kinds.items())),
    )


def check_rows(project: Project, outcomes: list[Outcome]) -> None:
    """Compare with the database, row by row."""
    tables = {outcome.number: outcome.table for outcome in outcomes if outcome.table is not None}
    met = Counter(number for table in tables.values() for number in table["rows.id"].to_pylist())
    wanted = {row[0] for number in tables for row in project.truth[number]}
    assert wanted - set(met) == set(), "lost"
    assert [number for number, count in met.items() if count > 1] == [], "doubled"
    for number, table in tables.items():
        assert dict(zip(table.schema.names, table.schema.types, strict=True)) == SCHEMA
        assert list(zip(*(column.to_pylist() for column in table.columns), strict=True)) == project.truth[number]
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    assert len(errors) <= len(outcomes) // 1_000, [f"{type(error).__name__}: {error}" for error in errors]
    assert not {type(error) for error in errors} & {LookerFrameError}, "an error without a name"
