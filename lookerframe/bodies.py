"""The body of an answer as it arrives: inflated, bounded by the deadline, and proven to be whole.

HTTP framing must end where it said, and a gzip stream must reach its end and its checksum. HTTP clients leave the
second out, so bytes are taken raw and inflated here.
"""

from __future__ import annotations

import http.client
import math
import ssl
from typing import TYPE_CHECKING, Any, Protocol

import urllib3

from lookerframe.answers import root_cause
from lookerframe.connections import TimedConnection
from lookerframe.exceptions import (
    IncompleteResultError,
    LookerFrameError,
    NetworkError,
    PayloadLimitError,
    UnexpectedContentError,
)
from lookerframe.inflation import Inflater

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.config import Settings
    from lookerframe.deadline import Deadline, Phase

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

    def spend(self, phase: Phase, seconds: float) -> None:
        """Add to the time of a phase."""
        ...


class Body:
    """A body as it arrives: inflated, its end proven, its size and every read bounded."""

    def __init__(self, raw: urllib3.HTTPResponse, operation: Operation, settings: Settings) -> None:
        # A gzip stream has an end of its own; that it is one, and not several behind each other, is assumed.
        self.framed = raw.chunked or raw.length_remaining is not None or _is_gzip(raw)
        self._raw = raw
        self._operation = operation
        self._timeout = settings.timeout
        self._limit = math.inf if settings.max_bytes is None else settings.max_bytes
        self._rate = _Rate(settings.min_rate, settings.min_rate_seconds)
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
                    if self._inflated > self._limit:
                        raise self._too_long()
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
        if _is_gzip(self._raw):
            return Inflater(f"{self._operation.endpoint}: the body")
        encoding = _encoding(self._raw)
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
            connection.allow(min(self._timeout, deadline.remaining(), self._rate.patience()))
        began = deadline.now()
        cause: BaseException | None = None
        try:
            data = self._raw.read1(_PIECE, decode_content=False) if not self._closed else b""
        # AttributeError, ValueError: another thread closed the stream while this one was reading.
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, AttributeError, ValueError) as exc:
            self._waited(deadline.now() - began, 0)
            error, cause = self._broken(exc)
        else:
            self._waited(deadline.now() - began, len(data))
            if not data and self._closed:
                error, _ = self._broken(None)
            elif data and self._rate.is_low():
                error = self._stalled()
            else:
                return data
        raise error from cause

    def _waited(self, seconds: float, received: int) -> None:
        self._operation.spend("downloading", seconds)
        self._rate.waited(seconds, received)

    def _broken(self, exc: Exception | None) -> tuple[LookerFrameError, BaseException | None]:
        endpoint = self._operation.endpoint
        if self._closed:
            message = f"{endpoint}: the stream was closed before its end"
            return IncompleteResultError(message, offset=self._inflated), None
        if exc is None or self._operation.deadline.remaining() <= DEADLINE_SLACK:
            return self._operation.deadline.error("downloading", endpoint=endpoint), None
        cause = root_cause(exc)
        if isinstance(exc, urllib3.exceptions.ReadTimeoutError):
            if self._rate.is_low():
                return self._stalled(), None
            message = f"the body stopped for {self._timeout:g} s (Settings.timeout) after {self._received:,} bytes"
            return NetworkError(message, reason="timeout", endpoint=endpoint), None
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            message = f"after {self._received:,} bytes of the body, the connection cannot be trusted any more"
            return NetworkError(message, reason="tls", endpoint=endpoint), cause
        message = f"{endpoint}: the connection broke after {self._received:,} bytes of the body"
        return IncompleteResultError(message, offset=self._inflated), cause

    def _stalled(self) -> NetworkError:
        message = (
            f"the body came at less than {self._rate.least:g} bytes/s for {self._rate.seconds:g} s (Settings.min_rate, "
            f"Settings.min_rate_seconds), {self._received:,} bytes in all"
        )
        return NetworkError(message, reason="stalled", endpoint=self._operation.endpoint)

    def _too_long(self) -> PayloadLimitError:
        message = f"{self._operation.endpoint}: the body passes {self._limit:,} bytes (Settings.max_bytes)"
        return PayloadLimitError(message, offset=self._inflated)


class _Rate:
    """How fast a body comes while it is waited for; what its reader does between two pieces takes no time here."""

    def __init__(self, least: float, seconds: float) -> None:
        self.least = least
        self.seconds = seconds
        self._waited = 0.0
        self._received = 0

    def patience(self) -> float:
        """Return the seconds that the next read may take."""
        if self._is_over:
            self._waited, self._received = 0.0, 0
        return math.inf if self._received >= self.least * self.seconds else self.seconds - self._waited

    def waited(self, seconds: float, received: int) -> None:
        """Take a wait and what it brought down."""
        self._waited += seconds
        self._received += received

    def is_low(self) -> bool:
        """Tell whether too little has come in the time that counts."""
        return self._is_over and self._received < self.least * self._waited

    @property
    def _is_over(self) -> bool:
        return self._waited >= self.seconds - DEADLINE_SLACK


def _encoding(raw: urllib3.HTTPResponse) -> str:
    return str(raw.headers.get("Content-Encoding", "identity")).strip().lower()


def _is_gzip(raw: urllib3.HTTPResponse) -> bool:
    return _encoding(raw) in ("gzip", "x-gzip")
