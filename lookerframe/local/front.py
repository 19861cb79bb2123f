"""A front on the public address that can misbehave below HTTP: it passes calls on to the server behind it.

Where no fault is to be met, bodies pass through piece by piece. A fault that changes a body needs the whole of it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import struct
import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol, Self

from lookerframe.exceptions import ConfigError
from lookerframe.local.damage import DAMAGED, MADE_UP
from lookerframe.local.relay import WITHOUT_BODY, Relay
from lookerframe.local.serving import bound, url_of
from lookerframe.local.wire import Answer, Call, Close, Drip, Pause, Reset, Step, read_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lookerframe.local.faults import Fault
    from lookerframe.local.injection import Injector, Meeting

_HEADER = "X-Lookerframe-Fault"
#: Seconds that a connection is kept without a call.
_IDLE = 60.0
_LOOK_UP = 0.1
_DRIP_PAUSE = 0.02
#: Calls that a token is good for before its end is drawn.
_FAIR = 32
#: Drawn only if something else shows where the body ends: JSON, or gzip.
_WITHOUT_END = frozenset({"close_delimited", "cut_close_delimited", "length_too_small"})
#: ``SO_LINGER`` that makes closing a reset; Windows has shorter numbers in it.
_AT_ONCE = struct.pack("ii" if os.name == "posix" else "hh", 1, 0)
_OK = 200
_REFUSED = 400


class Backing(Protocol):
    """The real server, as the front needs it."""

    def operation(self, method: str, path: str) -> tuple[str, str | None]:
        """Name the operation and the query task of a call; empty and None if there is none."""
        ...

    def revoke(self, authorization: str) -> None:
        """Make the token of a header worthless."""
        ...

    def calls_with(self, authorization: str) -> int:
        """Count the calls that the token of a header was good for."""
        ...


class Front:
    """A server before another one.

    Parameters
    ----------
    backing : Backing
        The real server; `start` is told where it listens.
    log : callable, optional
        Is given a line for each fault.

    Attributes
    ----------
    base_url : str
        Where it listens.
    """

    def __init__(
        self,
        backing: Backing,
        injector: Injector,
        *,
        host: str,
        port: int,
        log: Callable[[str], None] | None,
    ) -> None:
        self.behind = ("", 0)
        self.backing = backing
        self.injector = injector
        self.log = log
        self.ended = threading.Event()
        self._socket = bound(host, port)
        self._socket.settimeout(_LOOK_UP)
        self.base_url = url_of(self._socket)
        self._clients: dict[threading.Thread, _Client] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name="lookerframe-local-front", daemon=True)

    def start(self, behind: tuple[str, int]) -> None:
        """Serve what is listening at host and port of `behind`."""
        self.behind = behind
        self._thread.start()

    def close(self) -> None:
        """Stop serving and wait until every thread has ended."""
        self.ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()
        with self._lock:
            clients = dict(self._clients)
        for client in clients.values():
            client.interrupt()
        for thread in clients:
            thread.join()

    def _accept(self) -> None:
        while not self.ended.is_set():
            try:
                client = _Client(self._socket.accept()[0], self)
            except OSError:  # nobody came, or has gone again
                continue
            thread = threading.Thread(
                target=self._serve, args=(client,), name="lookerframe-local-front-client", daemon=True
            )
            with self._lock:
                self._clients[thread] = client
            thread.start()

    def _serve(self, client: _Client) -> None:
        try:
            # ValueError and HTTPException: what came is no HTTP, or the real server has gone.
            with client, contextlib.suppress(OSError, ValueError, http.client.HTTPException):
                client.serve()
        finally:
            with self._lock:
                del self._clients[threading.current_thread()]


class _Client:
    """One connection, and the one behind it."""

    def __init__(self, sock: socket.socket, front: Front) -> None:
        self._socket = sock
        self._front = front
        self._relay = Relay(front.behind)
        sock.settimeout(_IDLE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._incoming = sock.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._incoming.close()
        self._socket.close()
        self._relay.close()

    def interrupt(self) -> None:
        """End whatever waits on a connection, from another thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._relay.interrupt()

    def serve(self) -> None:
        """Answer call after call until the connection ends."""
        while not self._front.ended.is_set():
            with self._socket.makefile("wb") as outgoing:
                call = read_call(self._incoming, outgoing)
            if call is None or not self._answer(call) or not call.is_kept_alive:
                return

    def _answer(self, call: Call) -> bool:
        """Answer one call; false if the connection has ended."""
        operation, task_id = self._front.backing.operation(call.method, call.path)
        asked = call.headers.get(_HEADER)
        del call.headers[_HEADER]
        call = replace(call, operation=operation, task_id=task_id)
        try:
            meeting = self._front.injector.take(call, asked) if operation else None
        except ConfigError as exc:
            body = str(exc).encode()
            return self._play([Answer(400, (("Content-Type", "text/plain; charset=utf-8"),), body).whole()])
        if meeting is None or self._is_unfair(call, meeting):
            return self._play(self._relay.pieces(call, answered=partial(self._let_through, call)))
        make_up = MADE_UP.get(meeting.fault.kind)
        return self._damage(call, meeting) if make_up is None else self._make_up(call, meeting.fault, make_up)

    def _is_unfair(self, call: Call, meeting: Meeting) -> bool:
        """Tell whether a client would be right to give up: nobody draws the end of a token that is new."""
        known = self._front.backing.calls_with(call.headers.get("Authorization", ""))
        if not meeting.is_drawn or meeting.fault.kind != "401" or known >= _FAIR:
            return False
        self._front.injector.put_back(meeting)
        return True

    def _make_up(self, call: Call, fault: Fault, make_up: Callable[[Call, Fault], Iterable[Step]]) -> bool:
        if fault.kind == "401":
            self._front.backing.revoke(call.headers.get("Authorization", ""))
        self._note(call, fault, call.task_id, reached=False)
        return self._play(make_up(call, fault))

    def _damage(self, call: Call, meeting: Meeting) -> bool:
        fault = meeting.fault
        answer = self._relay.whole(call)
        fits = fault.kind.endswith("_after") or (answer.status == _OK and len(answer.body) > 0)
        fits = fits and (answer.is_json or not meeting.is_drawn or not _is_hidden(fault, answer))
        steps = DAMAGED[fault.kind](answer, fault) if fits else None
        if steps is None:
            self._front.injector.put_back(meeting)
            self._let_through(call, answer.status)
            return self._play([answer.whole() if answer.status not in WITHOUT_BODY else answer.head()])
        made = json.loads(answer.body)["id"] if call.operation == "create_query_task" and answer.status == _OK else None
        self._note(call, fault, made or call.task_id, reached=answer.status < _REFUSED)
        return self._play(steps)

    def _let_through(self, call: Call, status: int) -> None:
        if status < _REFUSED:
            self._front.injector.let_through(call)

    def _note(self, call: Call, fault: Fault, task_id: str | None, *, reached: bool) -> None:
        self._front.injector.note(call, fault, reached=reached, task_id=task_id)
        if self._front.log is not None:
            self._front.log(f"{time.strftime('%H:%M:%S')} {call.method} {call.path} fault {fault.kind}")

    def _play(self, steps: Iterable[Step]) -> bool:
        """Send the steps; false if the connection has ended."""
        for step in steps:
            match step:
                case bytes():
                    self._socket.sendall(step)
                case Drip():
                    self._drip(step)
                case Pause():
                    self._wait(step.seconds)
                case Close():
                    return False
                case Reset():
                    self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                    return False
        return True

    def _drip(self, drip: Drip) -> None:
        bytes_at_most = int(drip.seconds / _DRIP_PAUSE)
        for value in drip.data[:bytes_at_most]:
            self._socket.sendall(bytes([value]))
            self._wait(_DRIP_PAUSE)
        self._socket.sendall(drip.data[bytes_at_most:])

    def _wait(self, seconds: float) -> None:
        if self._front.ended.wait(seconds):
            raise ConnectionAbortedError


def _is_hidden(fault: Fault, answer: Answer) -> bool:
    """Tell whether nothing shows that an answer other than JSON is not whole."""
    return fault.kind == "cut_body" or (fault.kind in _WITHOUT_END and not answer.takes_gzip)
