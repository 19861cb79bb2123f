"""Query tasks: queued, run by a bounded number of workers, killed, expired.

Sources: Looker's docs (states; at most 15 running queries a user, others wait 600 seconds at most and are killed
then; results kept for 360 minutes). What starts a deferred task is not documented; here it is the first call that asks
for its results.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from lookerframe.local import formats
from lookerframe.local.arranging import arrange
from lookerframe.local.columns import readable
from lookerframe.local.engine import DatabaseError, QueryInterruptedError, UnservableError
from lookerframe.local.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from lookerframe.local.accounts import User
    from lookerframe.local.engine import Engine, Session
    from lookerframe.local.formats import Format
    from lookerframe.local.outcome import Run
    from lookerframe.local.sheets import Sheet

_log = logging.getLogger(__name__)

_INTERRUPT_AGAIN = 0.01


class Status(StrEnum):
    """What a task does; values as observed."""

    ADDED = "added"
    RUNNING = "running"
    COMPLETE = "complete"
    ERROR = "error"
    KILLED = "killed"
    EXPIRED = "expired"


@dataclass(slots=True)
class Task:
    """One run of a query.

    Attributes
    ----------
    id : str
        32 hexadecimal digits, as recorded ids have.
    owner : User
        Who created it; nobody else sees it.
    format : Format
        How the result is written.
    shown : mapping
        Keys of the API's ``QueryTask`` that are as the caller set them.
    status : Status
        Changed by the worker that runs the task, and by `Tasks`.
    kept : bool
        Whether the outcome is kept after it was read; that of a run while the caller waits is not.
    outcome : Outcome or None
        What it brought, until it expires or, if it is not kept, was read.
    runtime, rows
        Seconds, and rows of the result, as long as the task is known.
    """

    id: str
    owner: User
    run: Run
    format: Format
    shown: Mapping[str, Any]
    kept: bool = True
    created: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    status: Status = Status.ADDED
    outcome: Outcome | None = None
    runtime: float | None = None
    rows: int | None = None
    finished: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)
    queued: float | None = None
    expires: float | None = None
    session: Session | None = None
    future: Future[None] | None = None


class Tasks:
    """The tasks of one server and the workers that run them.

    Parameters
    ----------
    latency : float
        Seconds that each query takes longer than the database needs.
    max_running : int
        Queries of one user that run at once; the others wait as ``added``.
    queue_ttl : float
        Seconds that a query waits before it is killed.
    result_ttl : float
        Seconds that results are kept.
    """

    def __init__(
        self, engine: Engine, *, latency: float, max_running: int, queue_ttl: float, result_ttl: float
    ) -> None:
        self._engine = engine
        self._latency = latency
        self._max_running = max_running
        self._queue_ttl = queue_ttl
        self._result_ttl = result_ttl
        #: The workers of each user.
        self._workers: dict[str, ThreadPoolExecutor] = {}
        self._tasks: dict[str, Task] = {}
        self._lock = threading.Lock()

    def create(
        self, owner: User, run: Run, result_format: Format, *, shown: Mapping[str, Any] | None = None, kept: bool = True
    ) -> Task:
        """Make a task that waits to be started."""
        self._expire()
        task = Task(secrets.token_hex(16), owner, run, result_format, shown or {}, kept=kept)
        with self._lock:
            self._tasks[task.id] = task
        return task

    def start(self, task: Task) -> Future[None]:
        """Queue the task, unless it was queued or killed before; the future ends when the task does."""
        with self._lock:
            if task.future is None:
                task.queued = time.monotonic()
                task.future = self._workers_of(task.owner).submit(self._run, task)
            return task.future

    def get(self, task_id: str, *, seen_by: User) -> Task | None:
        """Find a task of a user, after what is too old was dropped."""
        self._expire()
        task = self._tasks.get(task_id)
        return task if task is not None and task.owner.id == seen_by.id else None

    def find(self, task_id: str) -> Task | None:
        """Find anybody's task."""
        return self._tasks.get(task_id)

    def under_way(self) -> list[Task]:
        """List everybody's tasks that wait in a queue or run, the oldest first."""
        self._expire()
        return [task for task in list(self._tasks.values()) if task.future is not None and not task.finished.is_set()]

    def recent(self, count: int) -> list[Task]:
        """List the newest of everybody's tasks, the newest first."""
        self._expire()
        return list(self._tasks.values())[: -count - 1 : -1]

    def kill(self, task: Task) -> bool:
        """Stop a task that waits or runs, and wait until it has stopped; false if it had ended before."""
        with self._lock:
            if task.finished.is_set():
                return False
            task.stopped.set()
            if task.future is None:
                task.future = Future()
            if task.future.cancel():
                self._end(task, Status.KILLED)
        # The worker may be anywhere between taking the task and DuckDB, which forgets an interrupt that comes early.
        while not task.finished.wait(_INTERRUPT_AGAIN):
            session = task.session
            if session is not None:
                session.interrupt()
        return task.status is Status.KILLED

    def drop(self, task: Task) -> None:
        """Free the rows of a task whose outcome is not kept; an error stays."""
        if not task.kept and task.status is Status.COMPLETE:
            task.outcome = None

    def kill_all(self) -> None:
        """Kill whatever is not finished."""
        for task in list(self._tasks.values()):
            self.kill(task)

    def close(self) -> None:
        """Kill whatever is not finished and end the workers."""
        self.kill_all()
        for workers in self._workers.values():
            workers.shutdown()

    def _workers_of(self, user: User) -> ThreadPoolExecutor:
        if user.id not in self._workers:
            self._workers[user.id] = ThreadPoolExecutor(
                self._max_running, thread_name_prefix=f"lookerframe-local-query-{user.id}"
            )
        return self._workers[user.id]

    def _run(self, task: Task) -> None:
        status = Status.ERROR
        task.status = Status.RUNNING
        try:
            task.outcome = outcome = self._query(task)
            status = Status.KILLED if outcome is None else Status.ERROR if outcome.error else Status.COMPLETE
        except Exception:  # noqa: BLE001 - the log has it, callers see the status
            _log.exception("task %s: a fault of the local Looker itself", task.id)
        finally:
            # Also after a fault, or the task would never end.
            self._end(task, status)

    def _query(self, task: Task) -> Outcome | None:
        ran_at, began = dt.datetime.now(dt.UTC), time.monotonic()
        if task.stopped.wait(self._latency):
            return None
        sheet, error = None, None
        with self._engine.session() as session:
            task.session = session
            try:
                sheet = _laid_out(task, session.run(task.run.plan.sql))
            except DatabaseError as exc:
                error = exc
            except QueryInterruptedError:
                return None
        task.runtime = time.monotonic() - began
        task.rows = None if sheet is None else sheet.table.num_rows
        table = None if sheet is None else sheet.table
        return Outcome(task.id, task.run, ran_at, task.runtime, table, error, sheet)

    def _end(self, task: Task, status: Status) -> None:
        task.status = status
        task.expires = time.monotonic() + self._result_ttl if task.kept else None
        task.finished.set()

    def _expire(self) -> None:
        now = time.monotonic()
        for task in list(self._tasks.values()):
            if task.outcome is not None and task.expires is not None and task.expires <= now:
                task.outcome = None
                task.status = Status.EXPIRED
            elif task.status is Status.ADDED and task.queued is not None and task.queued + self._queue_ttl <= now:
                self.kill(task)


def _laid_out(task: Task, table: pa.Table) -> Sheet:
    """Lay the rows out before the answer begins: what cannot be laid out is an error of the query."""
    run = task.run
    lists = {field.full_name for field in run.plan.fields if field.type == "list"}
    try:
        sheet = arrange(run.query.layout, run.plan, readable(table, lists=lists))
        formats.check(task.format, sheet)
    except DatabaseError:
        raise
    except Exception as exc:
        _log.exception("task %s: the result cannot be laid out", task.id)
        message = f"the local Looker cannot lay out these values ({exc}); cast them in the field's sql"
        raise UnservableError(message) from exc
    return sheet
