"""A server that answers by script and can misbehave below HTTP: for tests of what a client must notice.

It plays one script a request, the last one for all that follow, and keeps what it was sent. A script is made of bytes,
sent as they are, and of `Pause`, `Drip`, `Reset`, `Close`. `reply` writes a correct answer; to make a wrong one, give
it a wrong ``length`` or `cut` it. Everything is bounded and ends with the ``with`` block.
"""

from __future__ import annotations

import contextlib
import gzip
import http
import json
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

_IDLE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Send nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Drip:
    """Send byte by byte."""

    data: bytes
    every: float


@dataclass(frozen=True, slots=True)
class Reset:
    """Break the connection with a TCP reset."""


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection in order."""


Step = bytes | Pause | Drip | Reset | Close
Script = list[Step]


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def reply(
    status: int = 200,
    body: bytes | str | list[Any] | dict[str, Any] = b"",
    *,
    length: int | None = -1,
    chunks: int | None = None,
    **headers: str,
) -> Script:
    """Write an answer.

    Parameters
    ----------
    status, body
        Text and JSON values are encoded.
    length
        The Content-Length to claim; -1 for the true one, None for none (the end of the connection ends the body).
    chunks
        Send the body in chunks of this size instead.
    **headers
        ``retry_after="3"`` is ``Retry-After: 3``.
    """
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    ending: Script = []
    if chunks is not None:
        lines.append("Transfer-Encoding: chunked")
        data = chunked(data, chunks)
    elif length is None:
        ending = [Close()]
    else:
        lines.append(f"Content-Length: {len(data) if length == -1 else length}")
    return ["\r\n".join([*lines, "", ""]).encode() + data, *ending]


def zipped(body: bytes, **options: Any) -> Script:
    """Write an answer that is compressed."""
    return reply(200, gzip.compress(body), content_encoding="gzip", **options)


def chunked(data: bytes, size: int) -> bytes:
    """Frame `data` in chunks, the last one included."""
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"


def cut(script: Script, drop: int, ending: Reset | Close | None = None) -> Script:
    """Leave the last `drop` bytes of an answer out and end the connection."""
    head = script[0]
    assert isinstance(head, bytes)
    return [head[: len(head) - drop], ending or Close()]


class FaultServer:
    """Plays scripts to whoever asks; ``with FaultServer(script, script) as server:``."""

    def __init__(self, *scripts: Script, answer: Callable[[Request], Script] | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._scripts = scripts
        self._answer = answer
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """A base_url."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        """Verb and path of each request, below ``/api/4.0``."""
        return [f"{item.method} {item.target.removeprefix('/api/4.0')}" for item in self.requests]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):  # wakes the thread that accepts
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=_IDLE_SECONDS)
        self._listener.close()

    def _start(self, work: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            sock, _ = self._listener.accept()
            with self._lock:
                self._open.append(sock)
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            sock.settimeout(_IDLE_SECONDS)
            # Without it, a body that is sent in two parts waits for the other side's delayed acknowledgement.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with sock.makefile("rb") as incoming:
                first = True
                while not self._ended.is_set() and (request := _read_request(incoming)) is not None:
                    if not self._play(sock, self._next(request, first=first)):
                        break
                    first = False

    def _next(self, request: Request, *, first: bool) -> Script:
        with self._lock:
            self.connections += first
            self.requests.append(request)
            number = len(self.requests) - 1
        if self._answer is not None:
            return self._answer(request)
        return self._scripts[min(number, len(self._scripts) - 1)]

    def _play(self, sock: socket.socket, script: Sequence[Step]) -> bool:
        """Send a script; False if the connection has ended."""
        for step in script:
            if isinstance(step, Pause):
                self._ended.wait(step.seconds)
            elif isinstance(step, Drip):
                for value in step.data:
                    sock.sendall(bytes([value]))
                    if self._ended.wait(step.every):
                        return False
            elif isinstance(step, Reset):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            elif isinstance(step, Close):
                return False
            else:
                sock.sendall(step)
        return True


def _read_request(incoming: Any) -> Request | None:
    # The first byte tells a greeting of TLS, which may hold spaces and no line end, from a request.
    if not incoming.peek(1)[:1].isalpha():
        return None
    first = incoming.readline(65536)
    if first.count(b" ") < 2:  # the end, or no HTTP
        return None
    method, target, _ = first.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := incoming.readline(65536).decode("latin-1").strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Request(method, target, headers, incoming.read(int(headers.get("content-length", "0"))))
