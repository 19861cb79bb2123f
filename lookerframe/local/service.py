"""All parts of one local Looker, put together and taken apart."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from lookerframe.exceptions import ConfigError
from lookerframe.local.accounts import Accounts, RateLimit
from lookerframe.local.app import build_app
from lookerframe.local.calls import CallLog
from lookerframe.local.content import read_looks
from lookerframe.local.dashboard_file import read_dashboards
from lookerframe.local.dashboard_operations import DashboardOperations
from lookerframe.local.engine import Engine
from lookerframe.local.models import read_project
from lookerframe.local.operations import Operations
from lookerframe.local.queries import Queries
from lookerframe.local.serving import Listener
from lookerframe.local.tasks import Tasks

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from lookerframe.local.options import Options

_HERE = Path(__file__).parent
_DEMO_LOOKML = _HERE / "lookml"
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
    """

    base_url: str
    accounts: Accounts
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
            app: ASGIApp = build_app(operations, dashboards, limit)
            if options.log is not None:
                app = CallLog(app, options.log)
            listener = Listener(app, host=options.host, port=options.port)
            parts.callback(listener.close)
            # First of all when closing, so that no caller is still waiting for a query.
            parts.callback(tasks.kill_all)
            listener.start()
            return cls(listener.base_url, accounts, parts.pop_all())

    def close(self) -> None:
        """Take everything apart, once."""
        self._parts.close()


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
