"""All parts of one local Looker, put together and taken apart."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from lookerframe.exceptions import ConfigError
from lookerframe.local.accounts import Accounts, RateLimit
from lookerframe.local.app import build_app, operation_of, operations_of
from lookerframe.local.calls import CallLog
from lookerframe.local.content import read_looks
from lookerframe.local.dashboard_file import read_dashboards
from lookerframe.local.dashboard_operations import DashboardOperations
from lookerframe.local.engine import Engine
from lookerframe.local.front import Front
from lookerframe.local.injection import Injector
from lookerframe.local.models import read_project
from lookerframe.local.operations import Operations
from lookerframe.local.queries import Queries
from lookerframe.local.serving import Listener
from lookerframe.local.tasks import Tasks

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import ASGIApp

    from lookerframe.local.faults import Faults
    from lookerframe.local.options import Options

_HERE = Path(__file__).parent
_DEMO_LOOKML = _HERE / "lookml"
_LOOPBACK = "127.0.0.1"
_DEMO_TABLES = {path.stem: path for path in sorted((_HERE / "data").glob("*.parquet"))}


@dataclass(frozen=True, slots=True)
class Service:
    """A local Looker that listens.

    Attributes
    ----------
    base_url : str
        Where it listens.
    accounts : Accounts
        Who may call it.
    injector : Injector or None
        What it does wrong on purpose.
    """

    base_url: str
    accounts: Accounts
    injector: Injector | None
    _parts: contextlib.ExitStack

    @classmethod
    def launch(cls, options: Options) -> Service:
        """Read the LookML, open the database, listen; whatever was opened is closed if a later step fails."""
        with contextlib.ExitStack() as parts:
            folder = options.lookml or _DEMO_LOOKML
            project = read_project(folder)
            engine = _engine(options)
            parts.callback(engine.close)
            queries = Queries(project, timezone=options.timezone, timezones=_timezones(engine, options))
            tasks = Tasks(
                engine,
                latency=options.latency,
                max_running=options.max_running,
                queue_ttl=options.queue_ttl,
                result_ttl=options.result_ttl,
            )
            parts.callback(tasks.close)
            accounts = Accounts(options.users, token_ttl=options.token_ttl)
            looks = read_looks(folder, queries)
            operations = Operations(project, accounts, queries, looks, tasks, options.not_ready_status)
            dashboards = DashboardOperations(
                read_dashboards(folder, project, queries, looks), user_id=accounts.users[0].id
            )
            limit = RateLimit(options.calls_per_second, retry_after=options.retry_after)
            app = build_app(operations, dashboards, limit)
            logged: ASGIApp = app if options.log is None else CallLog(app, options.log)
            front = None if options.faults is None else _front(options, options.faults, Real(app, accounts))
            host, port = (options.host, options.port) if front is None else (_LOOPBACK, 0)
            listener = Listener(logged, host=host, port=port)
            parts.callback(listener.close)
            if front is not None:
                parts.callback(front.close)
            # First of all when closing, so that no caller is still waiting for a query.
            parts.callback(tasks.kill_all)
            listener.start()
            if front is None:
                return cls(listener.base_url, accounts, None, parts.pop_all())
            front.start(listener.address)
            return cls(front.base_url, accounts, front.injector, parts.pop_all())

    def close(self) -> None:
        """Take everything apart, once."""
        self._parts.close()


@dataclass(frozen=True, slots=True)
class Real:
    """The server behind a front."""

    app: Starlette
    accounts: Accounts

    def operation(self, method: str, path: str) -> tuple[str, str | None]:
        """Name the operation and the query task of a call."""
        return operation_of(self.app, method, path)

    def revoke(self, authorization: str) -> None:
        """Make the token of a header worthless."""
        self.accounts.revoke(authorization)

    def calls_with(self, authorization: str) -> int:
        """Count the calls that the token of a header was good for."""
        return self.accounts.calls_with(authorization)


def _front(options: Options, faults: Faults, real: Real) -> Front:
    injector = Injector(faults, known=operations_of(real.app))
    return Front(real, injector, host=options.host, port=options.port, log=options.log)


def _engine(options: Options) -> Engine:
    try:
        return Engine.open(options.database, {} if options.database else _DEMO_TABLES)
    except duckdb.Error as exc:
        # DuckDB's words about a connection of this process say nothing of a way out.
        advice = (
            "; close the other connection to it, or open that read-only" if "same database file" in str(exc) else ""
        )
        message = f"cannot open database {str(options.database)!r}: {exc}{advice}"
        raise ConfigError(message, setting="database") from exc


def _timezones(engine: Engine, options: Options) -> frozenset[str]:
    known = engine.timezones()
    if options.timezone not in known:
        message = f"timezone is {options.timezone!r}, which is unknown; expected a name such as Europe/Berlin"
        raise ConfigError(message, setting="timezone")
    return known
