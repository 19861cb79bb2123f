"""The body of an answer as it arrives: inflated, bounded by the deadline, and proven to be whole.

HTTP framing must end where it said, and a gzip stream must reach its end and its checksum. HTTP clients leave the
second out, so bytes are taken raw and inflated here.
"""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any, Protocol

import urllib3

from lookerframe.answers import root_cause
from lookerframe.connections import TimedConnection
from lookerframe.exceptions import (
    IncompleteResultError,
    LookerFrameError,
    NetworkError,
    UnexpectedContentError,
)
from lookerframe.inflation import Inflater

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.deadline import Deadline

_PIECE = 64 * 1024
# A socket that timed out at the deadline may wake a moment before it.
DEADLINE_SLACK = 0.005


class Operation(Protocol):
    """What a body needs to know of the call that it answers."""

    @property
    def endpoint(self) -> str:
        """Verb and path, for messages."""
        ...

    @property
    def deadline(self) -> Deadline:
        """When the operation must be over."""
        ...

    def count(self, **amounts: Any) -> None:
        """Add to the statistics."""
        ...


class Body:
    """A body as it arrives: inflated, its end proven, every read bounded by the deadline."""

    def __init__(self, raw: urllib3.HTTPResponse, operation: Operation, *, timeout: float) -> None:
        self.framed = raw.chunked or raw.length_remaining is not None
        self._raw = raw
        self._operation = operation
        self._timeout = timeout
        self._received = 0
        self._inflated = 0
        self._closed = False

    def pieces(self) -> Iterator[bytes]:
        """Give the body in pieces, once, and let go of the connection; see `Stream.chunks` for what is raised."""
        inflater = self._inflater()
        try:
            while data := self._read():
                self._received += len(data)
                self._operation.count(received=len(data))
                for piece in (data,) if inflater is None else inflater.feed(data):
                    self._inflated += len(piece)
                    self._operation.count(inflated=len(piece))
                    yield piece
            if inflater is not None:
                inflater.end()
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the connection; harmless when called twice."""
        if not self._closed:
            self._closed = True
            self._raw.close()
            self._raw.release_conn()

    def _inflater(self) -> Inflater | None:
        encoding = self._raw.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding in ("gzip", "x-gzip"):
            return Inflater(f"{self._operation.endpoint}: the body")
        if encoding in ("identity", ""):
            return None
        self.close()
        message = f"{self._operation.endpoint}: the body is encoded as {encoding!r}; gzip was asked for"
        raise UnexpectedContentError(message)

    def _read(self) -> bytes:
        deadline = self._operation.deadline
        deadline.check("downloading", endpoint=self._operation.endpoint)
        connection: object = self._raw.connection
        if isinstance(connection, TimedConnection):
            connection.allow(min(self._timeout, deadline.remaining()))
        cause: BaseException | None = None
        try:
            data = self._raw.read1(_PIECE, decode_content=False) if not self._closed else b""
        # AttributeError, ValueError: another thread closed the stream while this one was reading.
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, AttributeError, ValueError) as exc:
            error, cause = self._broken(exc)
        else:
            if data or not self._closed:
                return data
            error, _ = self._broken(None)
        raise error from cause

    def _broken(self, exc: Exception | None) -> tuple[LookerFrameError, BaseException | None]:
        endpoint = self._operation.endpoint
        if self._closed:
            message = f"{endpoint}: the stream was closed before its end"
            return IncompleteResultError(message, offset=self._inflated), None
        if exc is None or self._operation.deadline.remaining() <= DEADLINE_SLACK:
            return self._operation.deadline.error("downloading", endpoint=endpoint), None
        cause = root_cause(exc)
        if isinstance(exc, urllib3.exceptions.ReadTimeoutError):
            message = f"the body stopped for {self._timeout:g} s (Settings.timeout) after {self._received:,} bytes"
            return NetworkError(message, reason="timeout", endpoint=endpoint), None
        message = f"{endpoint}: the connection broke after {self._received:,} bytes of the body"
        return IncompleteResultError(message, offset=self._inflated), cause
