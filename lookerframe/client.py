"""`Looker`, whom to ask, and `Task`, a handle on one run of a query."""

from __future__ import annotations

import contextlib
import copy
import logging
import threading
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

from lookerframe import formats, tasks
from lookerframe.auth import Login
from lookerframe.columns import Decoding
from lookerframe.config import Settings, sealed
from lookerframe.deadline import Deadline, Stats
from lookerframe.exceptions import (
    ConfigError,
    DeadlineError,
    FetchError,
    InvalidQueryError,
    LookerFrameError,
    LookerSQLError,
    QueryProblem,
    ResultExpiredError,
)
from lookerframe.explores import Explores
from lookerframe.models import Look, QueryTask, SavedQuery, User
from lookerframe.precheck import problems
from lookerframe.query import Query, locate
from lookerframe.retrieval import Retrieval
from lookerframe.signals import exit_on_sigterm
from lookerframe.transport import Transport, path
from lookerframe.validation import check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Unpack

    import pyarrow as pa

    from lookerframe.columns import Names, OnTruncate, Part, Pivots, Timestamps
    from lookerframe.fields import Numbers
    from lookerframe.result import Result
    from lookerframe.tasks import TaskOptions

#: Whether to ask again for what an error of a query does not say; see `Task.result`.
Detail: TypeAlias = Literal["fetch", "no"]
#: What to do about a task whose result Looker no longer keeps; see `Task.result`.
OnExpired: TypeAlias = Literal["raise", "rerun"]
_log = logging.getLogger(__name__)
#: Seconds for telling Looker to stop a query, after the time for the operation itself is over.
_KILL_SECONDS = 3.0
#: Threads that stop queries at the same time.
_STOPPERS = 16


class Looker:
    """A connection to one Looker, as one user; for any number of threads.

    Parameters
    ----------
    settings : Settings
        Where and as whom. Logging in happens with the first call.

    Notes
    -----
    Use it as a context manager, or `close` it: that logs out. A ``with`` block that ends in an error, or is
    interrupted, stops the queries that were submitted in it and still run.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._login = Login(settings)
        self._transport = Transport(settings, self._login.token)
        self._explores = Explores(self._transport)
        self._running: dict[str, Task] = {}
        self._blocks = threading.local()  # those that a thread is in, the innermost last
        self._lock = threading.Lock()

    @classmethod
    @sealed
    def from_env(cls, **settings: Any) -> Self:
        """Connect with `Settings.load`: arguments, then ``LOOKERSDK_*``, then ``looker.ini``.

        Raises
        ------
        ConfigError
            A setting is absent or cannot be used.
        """
        return cls(Settings.load(**settings))

    def __repr__(self) -> str:
        return f"<Looker {self.settings.base_url}>"

    def __enter__(self) -> Self:
        block = contextlib.ExitStack()
        block.enter_context(exit_on_sigterm())
        self._blocks.__dict__.setdefault("entered", []).append(block)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_exc: object) -> None:
        try:
            if kind is not None:
                self._stop_all()
            self.close()
        finally:
            if entered := self._blocks.__dict__.get("entered"):
                entered.pop().close()

    def close(self) -> None:
        """Log out and let go of all connections. Harmless when called twice."""
        self._login.logout()
        self._transport.close()

    # -- queries and tasks ---------------------------------------------------------------------------------------------

    def submit(
        self,
        query: str | Query | SavedQuery,
        *,
        result_format: str = "json_detail",
        timeout: float | None = 600.0,
        **options: Unpack[TaskOptions],
    ) -> Task:
        """Have a query run, and return at once.

        Parameters
        ----------
        query : str, Query or SavedQuery
            A query; or the id, slug or address of one that Looker has.
        result_format : str, default "json_detail"
            How the result shall be written: one of those in ``docs/formats.md``.
        timeout : float or None, default 600.0
            Seconds for this call; None for no limit.
        **options
            Those of `TaskOptions`: cache, cache_only, force_production, rebuild_pdts, server_table_calcs,
            apply_formatting, apply_vis, generate_links, path_prefix, limit, look_id, dashboard_id, source, deferred.

        Returns
        -------
        Task
            A handle; its ``id`` can be stored, and read tomorrow with `task`.

        Raises
        ------
        UnknownFormatError
            The format could not be decoded.
        InvalidQueryError
            Looker refuses the query.
        FetchError
            A call fails.

        Notes
        -----
        Source: Looker API 4.0, ``POST /queries``, ``POST /query_tasks``.
        """
        formats.require(result_format)
        return self._submit(query, result_format, Deadline(timeout), Stats(), options)

    def task(self, task: str | QueryTask) -> Task:
        """Return a handle on a task that exists already; nothing is asked yet.

        Parameters
        ----------
        task : str or QueryTask
            Its id, its address, or what `Task.status` returned.

        Raises
        ------
        InvalidQueryError
            The text is neither the id nor the address of a task.
        """
        reference = locate(task.id or "" if isinstance(task, QueryTask) else task, bare="task")
        if reference.kind != "task":
            problem = QueryProblem(f"{task!r} is the address of a {reference.kind}, not of a query task")
            raise InvalidQueryError([problem])
        return Task(self, reference.id)

    def run(
        self,
        query: str | Query | SavedQuery,
        *,
        result_format: str = "json_detail",
        timeout: float | None = 600.0,
        numbers: Numbers = "auto",
        dtypes: Mapping[str, str | pa.DataType] | None = None,
        timestamps: Timestamps = "naive",
        names: Names = "field",
        cells: Sequence[Part] = ("value",),
        pivots: Pivots = "wide",
        on_truncate: OnTruncate = "warn",
        strict: bool = False,
        detail: Detail = "fetch",
        **options: Unpack[TaskOptions],
    ) -> Result:
        """Run a query and stream its rows.

        Parameters
        ----------
        query, result_format, **options
            See `submit`.
        timeout : float or None, default 600.0
            Seconds for everything: submitting, waiting, and reading to the last row; None for no limit.
        numbers, dtypes, timestamps, names, cells, pivots, on_truncate, strict, detail
            See `Task.result`.

        Returns
        -------
        Result
            n rows, a column for each field, named ``view.field``.

        Raises
        ------
        LookerSQLError, InvalidQueryError, FetchError, PayloadError, ConversionError
            See `submit` and `Task.result`.
        """
        formats.require(result_format)
        _refuse_unknown_detail(detail)
        decoding = Decoding(numbers, dtypes or {}, timestamps, names, cells, pivots, on_truncate, strict=strict)
        deadline, stats = Deadline(timeout), Stats()
        task = self._submit(query, result_format, deadline, stats, _now(options))
        return task._result(deadline, stats, decoding, detail)  # noqa: SLF001 - the same operation goes on

    def run_look(
        self,
        look: str | int | Look,
        *,
        result_format: str = "json_detail",
        timeout: float | None = 600.0,
        numbers: Numbers = "auto",
        dtypes: Mapping[str, str | pa.DataType] | None = None,
        timestamps: Timestamps = "naive",
        names: Names = "field",
        cells: Sequence[Part] = ("value",),
        pivots: Pivots = "wide",
        on_truncate: OnTruncate = "warn",
        strict: bool = False,
        detail: Detail = "fetch",
        **options: Unpack[TaskOptions],
    ) -> Result:
        """Run the query of a Look and stream its rows.

        Parameters
        ----------
        look : str, int or Look
            The id of a Look, its address, or the Look itself.
        result_format, timeout, numbers, dtypes, timestamps, names, cells, pivots, on_truncate, strict, detail
            See `run`.
        **options
            See `run`.

        Raises
        ------
        NotFoundError
            There is no such Look, or this user may not see it.
        LookerSQLError, InvalidQueryError, FetchError, PayloadError, ConversionError
            See `run`.
        """
        formats.require(result_format)
        _refuse_unknown_detail(detail)
        decoding = Decoding(numbers, dtypes or {}, timestamps, names, cells, pivots, on_truncate, strict=strict)
        deadline, stats = Deadline(timeout), Stats()
        found = look if isinstance(look, Look) else self._look(look, deadline, stats)
        query = found.query or (self._saved(found.query_id, deadline, stats) if found.query_id else None)
        if query is None:
            problem = QueryProblem(f"Look {found.id} has no query of its own that could be run")
            raise InvalidQueryError([problem])
        options.setdefault("look_id", found.id)
        task = self._submit(query, result_format, deadline, stats, _now(options))
        return task._result(deadline, stats, decoding, detail)  # noqa: SLF001

    # -- what Looker knows ---------------------------------------------------------------------------------------------

    def query(self, query: str) -> SavedQuery:
        """Look up a saved query by its id, its slug or an address that holds one of them.

        Raises
        ------
        NotFoundError
            There is none, or this user may not see it.
        InvalidQueryError
            The text points at something else.
        """
        return self._saved(query, Deadline(self.settings.task_timeout), Stats())

    def look(self, look: str | int) -> Look:
        """Look up a Look by its id or address.

        Raises
        ------
        NotFoundError
            There is none, or this user may not see it.
        InvalidQueryError
            The text points at something else.
        """
        return self._look(look, Deadline(self.settings.task_timeout), Stats())

    def me(self) -> User:
        """Return the user as whom Looker knows this client.

        Raises
        ------
        AuthError, FetchError
            The credentials are wrong; the call fails.
        """
        reply = self._transport.request("GET", "/user", deadline=Deadline(self.settings.task_timeout))
        return User.from_api(reply.json())

    def explore_fields(self, model: str, explore: str) -> Mapping[str, Any]:
        """Return the field metadata of an explore, asked for once per client.

        Returns
        -------
        mapping
            ``dimensions``, ``measures``, ``filters``, ``parameters``: arrays of ``LookmlModelExploreField``.

        Raises
        ------
        NotFoundError, FetchError, SchemaError
            There is no such explore, or this user may not see it; the call fails; the answer is of another shape.

        Notes
        -----
        Source: Looker API 4.0, ``GET /lookml_models/{lookml_model_name}/explores/{explore_name}``.
        """
        found = self._explores.fields(model, explore, Deadline(self.settings.task_timeout), Stats())
        return copy.deepcopy(found)  # it may be changed; what is kept is not to be

    def check(self, query: Query) -> None:
        """Look for what is wrong with a query before it is run, in the field metadata of its explore.

        Parameters
        ----------
        query : Query
            Its fields, filters, sorts, pivots, subtotals and dynamic fields are looked at; nothing is run.

        Raises
        ------
        InvalidQueryError
            Its explore cannot answer it: ``.problems`` lists all that is wrong, with names that may have been meant.
        NotFoundError, FetchError, SchemaError
            See `explore_fields`.
        """
        given: Any = query
        if not isinstance(given, Query):
            problem = QueryProblem(
                f"a Query is checked, not {type(given).__name__}; what Looker has saved was accepted by it"
            )
            raise InvalidQueryError([problem])
        deadline, stats = Deadline(self.settings.task_timeout), Stats()
        found = problems(query, self._explores.fields(query.model, query.explore, deadline, stats))
        if found:  # what is kept may be older than the query
            found = problems(query, self._explores.fields(query.model, query.explore, deadline, stats, fresh=True))
        if found:
            raise InvalidQueryError(found)

    # -- how it is done ------------------------------------------------------------------------------------------------

    def _submit(
        self,
        query: str | Query | SavedQuery,
        result_format: str,
        deadline: Deadline,
        stats: Stats,
        options: Mapping[str, Any],
    ) -> Task:
        try:
            with stats.phase("submitting"):
                saved = self._saved(query, deadline, stats)
                state = tasks.create_task(
                    self._transport,
                    saved.id or "",
                    result_format=result_format,
                    options=options,
                    deadline=deadline,
                    stats=stats,
                )
        except LookerFrameError as exc:
            exc.query = exc.query or (query if isinstance(query, Query | SavedQuery) else None)
            raise
        asked = query if isinstance(query, Query) else saved
        task = Task(self, state.id or "", state=state, asked=asked, options=options)
        with self._lock:
            self._running[task.id] = task
        return task

    def _stop_all(self) -> None:
        """Stop the queries that this client submitted and that still run, as far as is known; all at once."""
        with self._lock:
            running = list(self._running.values())
        deadline = Deadline(_KILL_SECONDS)

        def stop(some: Sequence[Task]) -> None:
            for task in some:
                task._stop(deadline)  # noqa: SLF001

        shares = [running[place::_STOPPERS] for place in range(min(_STOPPERS, len(running)))]
        stopping = [threading.Thread(target=stop, args=(share,), daemon=True) for share in shares]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join(deadline.remaining())

    def _forget(self, task: Task) -> None:
        """Take down that a query does not run any more, or that stopping it was tried."""
        with self._lock:
            self._running.pop(task.id, None)

    def _saved(self, query: str | Query | SavedQuery, deadline: Deadline, stats: Stats) -> SavedQuery:
        if isinstance(query, SavedQuery):
            return query
        if isinstance(query, Query):
            return tasks.create_query(self._transport, query, deadline=deadline, stats=stats)
        reference = locate(query, bare="query")
        if reference.kind == "explore":
            return self._saved(Query.from_url(reference.id), deadline, stats)
        if reference.kind not in {"query", "slug"}:
            problem = QueryProblem(f"{query!r} is the address of a {reference.kind}, not of a query")
            raise InvalidQueryError([problem])
        where = path("queries", reference.id) if reference.kind == "query" else path("queries", "slug", reference.id)
        body = self._transport.request("GET", where, deadline=deadline, stats=stats).json()
        check(body, schema="query")
        return SavedQuery.from_api(body)

    def _look(self, look: str | int, deadline: Deadline, stats: Stats) -> Look:
        reference = locate(look, bare="look")
        if reference.kind != "look":
            problem = QueryProblem(f"{look!r} is the address of a {reference.kind}, not of a Look")
            raise InvalidQueryError([problem])
        reply = self._transport.request("GET", path("looks", reference.id), deadline=deadline, stats=stats)
        return Look.from_api(reply.json())


class Task:
    """A handle on one run of a query. Made by `Looker.submit` and `Looker.task`.

    Attributes
    ----------
    id : str
        Looker's id of the task.
    looker : Looker
        Whom it was made by.
    """

    def __init__(
        self,
        looker: Looker,
        task_id: str,
        *,
        state: QueryTask | None = None,
        asked: Query | SavedQuery | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.id = task_id
        self.looker = looker
        self._known = state
        self._asked = asked
        self._options = dict(options or {})
        self._limit = self._options.get("limit")
        self._own = state is not None
        self._alive = self._own

    def __repr__(self) -> str:
        return f"<Task {self.id}>"

    def status(self) -> QueryTask:
        """Ask Looker how the task stands.

        Returns
        -------
        QueryTask
            Every property that the API documents, as attributes; ``state`` is the status in lower case.

        Raises
        ------
        NotFoundError, FetchError
            There is no such task, or this user may not see it; the call fails.
        """
        self._known = tasks.get_task(
            self.looker._transport,  # noqa: SLF001 - the handle is part of the client
            self.id,
            deadline=Deadline(self.looker.settings.task_timeout),
            stats=Stats(),
        )
        if self._known.is_finished:
            self._alive = False
            self.looker._forget(self)  # noqa: SLF001
        return self._known

    def result(
        self,
        *,
        timeout: float | None = 600.0,
        numbers: Numbers = "auto",
        dtypes: Mapping[str, str | pa.DataType] | None = None,
        timestamps: Timestamps = "naive",
        names: Names = "field",
        cells: Sequence[Part] = ("value",),
        pivots: Pivots = "wide",
        on_truncate: OnTruncate = "warn",
        strict: bool = False,
        detail: Detail = "fetch",
        on_expired: OnExpired = "raise",
    ) -> Result:
        """Wait for the task, and stream its rows, decoded by its own result format.

        Parameters
        ----------
        timeout : float or None, default 600.0
            Seconds for everything, to the last row; None for no limit. When they are over, a query that was submitted
            through this handle is stopped on the server; one that the handle was made for by its id goes on.
        numbers : {"auto", "float64", "decimal128"}, default "auto"
            Types of number dimensions, whose width Looker does not declare. ``"auto"``: int64 if all values are
            written as integers, else float64, over the whole result; in a stream the first batch decides, and a later
            misfit raises.
            ``"float64"``: always so, as nightly tables want it. ``"decimal128"``: exact, for measures too.
        dtypes : mapping, optional
            Field name → type for single columns: ``"int64"``, ``"float64"``, ``"bool"``, ``"string"``, ``"date32"``,
            ``"timestamp[us]"``, ``"list<string>"``, ``"decimal128"``, or the pyarrow type.
        timestamps : {"naive", "aware", "utc"}, default "naive"
            Times as Looker writes them, the wall clock of the query's time zone; the same times with that zone; or in
            UTC. Of a time that the clocks show twice the earlier is meant; one that they skip is the first after it.
            Fields with ``convert_tz: no`` stay naive: they are in another zone, that of the database.
        names : {"field", "label", "label_short"}, default "field"
            What columns are named by. Where two have the same name, the later ones become ``Name_2``, ``Name_3``, ...
        cells : sequence of {"value", "rendered", "html", "links"}, default ("value",)
            Which members of cells become columns, for `json_detail`: ``view.field``, ``view.field.rendered``, ...;
            links are the text of their JSON.
        pivots : {"wide", "long"}, default "wide"
            Pivoted measures: a column for each pivot value, ``orders.count|complete``; or a row for each row and pivot
            value, with the pivoted dimensions as columns.
        on_truncate : {"warn", "raise", "ignore"}, default "warn"
            What happens when Looker cut the rows at a limit.
        strict : bool, default False
            Whether members and words of the answer that lookerframe does not know are a `SchemaError`, rather than
            notes of the result. The formats without a description of their rows have none.
        detail : {"fetch", "no"}, default "fetch"
            What happens when the query failed and the answer does not say where in its SQL, as in all formats but
            `json_detail`: the same query is run once more as `json_detail`, and the error tells what that says; or the
            error has the short message alone.
        on_expired : {"raise", "rerun"}, default "raise"
            What happens when Looker no longer keeps the result of a task that was named by its id. ``"rerun"``: its
            query is run again, once, with the query's own limit. One that was submitted through this handle is always
            run again, once.

        Returns
        -------
        Result
            n rows, a column for each field, named ``view.field``. Totals, row totals and subtotals are not among the
            rows: they are in its attributes.

        Raises
        ------
        LookerSQLError
            The query failed in Looker or its database.
        ResultExpiredError, TaskKilledError, NotFoundError, AccessError
            The task has no result any more, or none for this user.
        DeadlineError
            The time is over; ``.phase`` says what was going on, ``.killed`` whether the query was stopped.
        FetchError
            A call fails in another way.
        UnknownFormatError
            There is no decoder for the task's result format.
        PayloadError, ConversionError
            The result is not what its format says, or a value does not fit its column.

        Notes
        -----
        Source: Looker API 4.0, ``GET /query_tasks/{query_task_id}`` and ``.../results``.
        """
        if on_expired not in get_args(OnExpired):
            message = f"on_expired={on_expired!r} is not known; give one of {', '.join(map(repr, get_args(OnExpired)))}"
            raise ConfigError(message, setting="on_expired")
        decoding = Decoding(numbers, dtypes or {}, timestamps, names, cells, pivots, on_truncate, strict=strict)
        return self._result(Deadline(timeout), Stats(), decoding, detail, reruns=self._own or on_expired == "rerun")

    def cancel(self) -> bool:
        """Stop the query on the server.

        Returns
        -------
        bool
            False if it had ended already.

        Raises
        ------
        FetchError
            The call fails.
        """
        deadline = Deadline(self.looker.settings.task_timeout)
        was_running = tasks.kill(self.looker._transport, self.id, deadline=deadline, stats=Stats())  # noqa: SLF001
        self.looker._forget(self)  # noqa: SLF001
        return was_running

    def _result(
        self, deadline: Deadline, stats: Stats, decoding: Decoding, detail: Detail, *, reruns: bool = True
    ) -> Result:
        _refuse_unknown_detail(detail)

        def failed(exc: BaseException) -> None:
            self._failed(exc)
            if detail == "fetch" and isinstance(exc, LookerSQLError):
                self._ask_for_details(exc, deadline, stats)

        try:
            with exit_on_sigterm():
                task = self._wait(deadline, stats)
                return Retrieval(
                    self.looker._transport,  # noqa: SLF001
                    task,
                    decoding=decoding,
                    limit=self._limit,
                    fields=self._field_source(task, deadline, stats),
                    on_failure=failed,
                    deadline=deadline,
                    stats=stats,
                ).result()
        except ResultExpiredError as exc:
            failed(exc)
            if not reruns:
                raise
            again = self._run_again(exc, deadline, stats)
        except BaseException as exc:
            failed(exc)
            raise
        result = again._result(deadline, stats, decoding, detail, reruns=False)  # noqa: SLF001
        result._findings.note(f"Looker kept no result of task {self.id}; its query was run again, as task {again.id}")  # noqa: SLF001
        return result

    def _run_again(self, error: ResultExpiredError, deadline: Deadline, stats: Stats) -> Task:
        """Submit the query of a task once more; raise `error` if it is not known or no time is left."""
        known = self._known
        if known is None or known.query_id is None or known.result_format is None or deadline.remaining() <= 0:
            raise error
        _log.warning("task %s: Looker keeps no result of it; running its query again", self.id)
        query = SavedQuery(id=known.query_id)
        return self.looker._submit(query, known.result_format, deadline, stats, self._options)  # noqa: SLF001

    def _ask_for_details(self, error: LookerSQLError, deadline: Deadline, stats: Stats) -> None:
        """Ask once more for a format that has a place for all that is known of an error, and take it over."""
        query_id = error.query_id or (self._known.query_id if self._known else None)
        if error.result_format == "json_detail" or error.is_located or not query_id:
            return
        try:
            again = self.looker._submit(SavedQuery(id=query_id), "json_detail", deadline, stats, self._options)  # noqa: SLF001
            for _ in again._result(deadline, stats, Decoding(on_truncate="ignore"), "no").batches():  # noqa: SLF001
                pass  # an error may come after the rows
            error.add_note("run once more as json_detail, for the details, the query did not fail")
        except LookerSQLError as found:
            error.take_over(found)
        except LookerFrameError as exc:
            error.add_note(f"asking for the details as json_detail failed: {type(exc).__name__}")

    def _wait(self, deadline: Deadline, stats: Stats) -> QueryTask:
        transport = self.looker._transport  # noqa: SLF001
        with stats.phase("waiting"):
            if self._known is None or self._known.result_format is None:
                self._known = tasks.get_task(transport, self.id, deadline=deadline, stats=stats)
            self._known = tasks.wait(transport, self._known, alive=self._alive, deadline=deadline, stats=stats)
        self._alive = False
        self.looker._forget(self)  # noqa: SLF001
        return self._known

    def _field_source(self, task: QueryTask, deadline: Deadline, stats: Stats) -> Callable[[], Mapping[str, Any]]:
        looker = self.looker

        def fields() -> Mapping[str, Any]:
            query = task.query
            if query is None or query.model is None:
                query = looker._saved(task.query_id or "", deadline, stats)  # noqa: SLF001
            return looker._explores.fields_of(query, deadline, stats)  # noqa: SLF001

        return fields

    def _failed(self, exc: BaseException) -> None:
        """Say on an error what was asked, and stop a query that nobody waits for any more."""
        if isinstance(exc, LookerFrameError) and exc.query is None:
            exc.query = self._asked or (self._known.query if self._known else None)
        if isinstance(exc, DeadlineError):
            exc.task_id = self.id
            exc.killed = self._stop(Deadline(_KILL_SECONDS))
        elif self._alive or isinstance(exc, FetchError) or not isinstance(exc, Exception):  # Ctrl-C, SIGTERM, ...
            self._stop(Deadline(_KILL_SECONDS))

    def _stop(self, deadline: Deadline) -> bool | None:
        """Stop a query that this handle submitted: None if it is not ours to stop, or has ended."""
        if not self._own:
            return None
        self.looker._forget(self)  # noqa: SLF001
        try:
            stopped = tasks.kill(self.looker._transport, self.id, deadline=deadline, stats=Stats())  # noqa: SLF001
        except LookerFrameError:
            return False
        self._alive = False
        return True if stopped else None


def _refuse_unknown_detail(detail: Any) -> None:
    if detail not in get_args(Detail):
        message = f"detail={detail!r} is not known; give one of {', '.join(map(repr, get_args(Detail)))}"
        raise ConfigError(message, setting="detail")


def _now(options: TaskOptions) -> TaskOptions:
    """Refuse to wait for what Looker was told not to begin."""
    if options.get("deferred"):
        message = "deferred=True makes a task that does not run, so there is no result to wait for; use submit()"
        raise ConfigError(message, setting="deferred")
    return options
