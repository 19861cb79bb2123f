"""Connections to Looker whose answers keep a deadline, byte by byte: urllib3's own, with other ears."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import io
import math
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3 import exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

_BUFFER = 64 * 1024
_LEAST_TLS = ssl.TLSVersion.TLSv1_2


class _TimedReads(io.RawIOBase):
    """What comes in on a socket, no byte of it awaited beyond a moment that is set beforehand.

    A socket's timeout starts anew with every byte, so that a server which drips them is never done; urllib3 has no
    other. This one holds for the head of an answer as a whole, and for the body as often as `allow` is called.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._bytes = sock.makefile("rb", buffering=0)
        self._until = math.inf
        self.allow(sock.gettimeout())

    def allow(self, seconds: float | None) -> None:
        self._until = math.inf if seconds is None else time.monotonic() + seconds

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Pass for a socket: all that `http.client.HTTPResponse` does with one."""
        return _WholeLines(self, _BUFFER)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(None if math.isinf(left) else left)
        return self._bytes.readinto(buffer)

    def close(self) -> None:
        self._bytes.close()
        super().close()


class _WholeLines(io.BufferedReader):
    """Refuses lines that the end of the connection cut.

    `http.client` takes the end for an empty line: a head cut between two fields would be a head without length, and a
    chunk's size ``00ff`` cut to ``00`` the last chunk.
    """

    _begun = False

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line.endswith(b"\n") and len(line) != size and (line or self._begun):
            raise http.client.IncompleteRead(line)
        self._begun = True
        return line


def connected(connect: Callable[[], socket.socket], seconds: float) -> socket.socket:
    """Connect within a time that holds as a whole.

    Looking a host up has no timeout in Python, and each of its addresses gets one of its own. So this is done in a
    thread, which is left to itself when the time is over; a connection that it brings later is closed.

    Parameters
    ----------
    connect : callable
        Looks up and connects.
    seconds : float
        For all of it.

    Raises
    ------
    TimeoutError
        The time is over.
    """
    outcome: concurrent.futures.Future[socket.socket] = concurrent.futures.Future()

    def work() -> None:
        try:
            outcome.set_result(connect())
        except BaseException as exc:  # noqa: BLE001 - raised in the thread that waits
            outcome.set_exception(exc)

    try:
        threading.Thread(target=work, name="lookerframe-connect", daemon=True).start()
    except RuntimeError:  # no thread begins any more while the interpreter ends: then without this bound
        return connect()
    concurrent.futures.wait([outcome], seconds)
    if not outcome.done():
        outcome.add_done_callback(_close)
        raise TimeoutError
    return outcome.result()


def _close(outcome: concurrent.futures.Future[socket.socket]) -> None:
    with contextlib.suppress(OSError, exceptions.HTTPError):
        outcome.result().close()


class TimedConnection:
    """Mixed into urllib3's connections: connects within its timeout, and reads answers through `_TimedReads`."""

    #: Whoever turns it on for all of `http.client` has requests printed, the token and the credentials among them.
    debuglevel = 0
    _reads: _TimedReads | None = None
    timeout: float | None

    def _new_conn(self) -> socket.socket:
        # What urllib3 calls; the next class in line is its own connection.
        connect: Callable[[], socket.socket] = super()._new_conn  # type: ignore[misc]
        if self.timeout is None:
            return connect()
        until = time.monotonic() + self.timeout
        try:
            sock = connected(connect, self.timeout)
        except TimeoutError:
            message = f"no connection within {self.timeout:g} s"
        else:
            sock.settimeout(max(0.001, until - time.monotonic()))  # for TLS: what is left
            return sock
        raise exceptions.ConnectTimeoutError(self, message)

    def allow(self, seconds: float) -> None:
        """Let what comes next take `seconds`, from now."""
        if self._reads is not None:
            self._reads.allow(seconds)

    def response_class(self, sock: socket.socket, *args: Any, **options: Any) -> http.client.HTTPResponse:
        """Stand where `http.client.HTTPConnection` keeps the class of its answers."""
        self._reads = _TimedReads(sock)
        return http.client.HTTPResponse(self._reads, *args, **options)  # type: ignore[arg-type]  # see `makefile`


class _PlainConnection(TimedConnection, HTTPConnection):  # type: ignore[misc]  # a method in place of a class
    pass


class _TLSConnection(TimedConnection, HTTPSConnection):  # type: ignore[misc]  # a method in place of a class
    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError:
            message = f"no TLS within {self.timeout} s"
        else:
            return
        # Raised as it is, it would pass for an answer that does not come, though nothing was sent yet.
        raise exceptions.ConnectTimeoutError(self, message)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


_POOLS = {"http": _PlainPool, "https": _TLSPool}


class Adapter(HTTPAdapter):
    """Connections of our own kind, also through HTTP proxies; SOCKS proxies keep theirs."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Have connections made by our own classes, and never below TLS 1.2, whatever OpenSSL is set to."""
        super().init_poolmanager(*args, ssl_minimum_version=_LEAST_TLS, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Have connections through an HTTP proxy made by our own classes."""
        manager = super().proxy_manager_for(proxy, ssl_minimum_version=_LEAST_TLS, **options)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager
