"""One HTTP exchange with Looker: repeated where that is safe, bounded by one deadline, its body proven whole.

`Transport.request` reads a body into memory, `Transport.stream` hands it over as it arrives. Neither logs in: the token
comes from a callable. What a body means is for others to say.

Of a body it is proven that HTTP framing ended where it said (a body without framing is marked, `Stream.framed`), and
that a gzip stream reached its end and checksum. HTTP clients leave the second out, so bytes are taken raw and inflated
here.
"""

from __future__ import annotations

import email.utils
import http
import http.client
import io
import json as jsonlib
import logging
import math
import os
import random
import re
import threading
import time
import zlib
from dataclasses import dataclass, field
from enum import Enum
from importlib import metadata
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar
from urllib.parse import quote, urlsplit

import requests
import requests.utils
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from lookerframe.config import Secret
from lookerframe.exceptions import (
    AccessError,
    AuthError,
    DeadlineError,
    FetchError,
    IncompleteResultError,
    InvalidQueryError,
    LookerFrameError,
    NetworkError,
    NotFoundError,
    PayloadError,
    PayloadLimitError,
    QueryProblem,
    RateLimitError,
    ServerError,
    UnexpectedContentError,
    problems_of,
)
from lookerframe.render import shorten, text_of_html

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping

    from lookerframe.config import Settings

    # Gets the token that Looker rejected, or None, and the deadline of the call; brings a token that should do.
    TokenSource = Callable[[Secret | None, "Deadline"], Secret]

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

API_PATH = "/api/4.0"
#: Bytes that `Transport.request` takes into memory.
MAX_BODY = 64 * 1024 * 1024

_PIECE = 64 * 1024
_MAX_ERROR_BODY = 256 * 1024
_MAX_ERROR_TEXT = 2_000
# Real results that are mostly nulls reach 230:1; deflate ends at 1,032:1. Source: reliability table 2.3, row 37.
_MAX_RATIO = 1_000
_RATIO_FREE = 1024 * 1024
# What is waited at most between two attempts; a server that asks for more is not waited for.
_LONGEST_WAIT = 3_600.0
_ATTEMPTS_WITHOUT_DEADLINE = 10
_CONNECTIONS = 100
# A socket that timed out at the deadline may wake a moment before it.
_DEADLINE_SLACK = 0.005
_SUCCESS = frozenset({200, 201, 202, 204})
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})


class Deadline:
    """When an operation must be over, on the monotonic clock; one for all layers that take part in it.

    Parameters
    ----------
    seconds : float or None
        From now; None for no end.
    clock, wait : callable
        Time in seconds, and a way to let it pass: a seam for tests.
    """

    __slots__ = ("_began", "_clock", "_wait", "seconds")

    def __init__(
        self,
        seconds: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.seconds = seconds
        self._clock = clock
        self._wait = wait
        self._began = clock()

    def now(self) -> float:
        """Return the clock's time in seconds; only differences mean something."""
        return self._clock()

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return self._clock() - self._began

    def remaining(self) -> float:
        """Return the seconds that are left: never below 0, infinite without an end."""
        return math.inf if self.seconds is None else max(0.0, self.seconds - self.elapsed())

    def check(self, phase: str, *, endpoint: str | None = None) -> None:
        """Raise `DeadlineError` if the time is over; `phase` says what was going on."""
        if self.remaining() <= 0:
            raise self.error(phase, endpoint=endpoint)

    def error(self, phase: str, *, endpoint: str | None = None) -> DeadlineError:
        """Make the error that says so."""
        message = f"the {self.seconds:g} s given for the whole operation were over while {phase}"
        return DeadlineError(message, phase=phase, endpoint=endpoint, elapsed=self.elapsed())

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass, but not more than remain."""
        self._wait(max(0.0, min(seconds, self.remaining())))


@dataclass(slots=True)
class Stats:
    """What calls have cost so far; may be added to from several threads.

    Attributes
    ----------
    calls : int
        Requests sent, repeated ones included.
    retries : int
        How many of them were repetitions.
    received, inflated : int
        Bytes of bodies as they came, and after decompression.
    waited : float
        Seconds slept before repetitions.
    """

    calls: int = 0
    retries: int = 0
    received: int = 0
    inflated: int = 0
    waited: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def to_dict(self) -> dict[str, int | float]:
        """Return the figures by name."""
        with self._lock:
            return {
                "calls": self.calls,
                "retries": self.retries,
                "received": self.received,
                "inflated": self.inflated,
                "waited": self.waited,
            }

    def add(
        self, *, calls: int = 0, retries: int = 0, received: int = 0, inflated: int = 0, waited: float = 0.0
    ) -> None:
        """Count."""
        with self._lock:
            self.calls += calls
            self.retries += retries
            self.received += received
            self.inflated += inflated
            self.waited += waited


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that was read whole.

    Attributes
    ----------
    status : int
        200, 201, 202 or 204.
    headers : mapping
        Names in any case.
    body : bytes
        Inflated.
    endpoint : str
        Verb and path, for messages.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)  # of a login, it holds the token
    endpoint: str

    def json(self) -> Any:
        """Decode the body.

        Raises
        ------
        UnexpectedContentError
            The body is empty.
        PayloadError
            It is not JSON; ``.offset`` says where.
        """
        if not self.body:
            message = f"{self.endpoint} answered {self.status} without a body"
            raise UnexpectedContentError(message)
        try:
            return jsonlib.loads(self.body.decode("utf-8-sig"), parse_constant=_refuse_constant)
        except UnicodeDecodeError as exc:
            problem, offset = "not UTF-8", exc.start
        except jsonlib.JSONDecodeError as exc:
            problem, offset = exc.msg, len(exc.doc[: exc.pos].encode())
        except (ValueError, RecursionError) as exc:
            problem, offset = str(exc), 0
        message = f"{self.endpoint} answered {self.status} with a body that is not JSON: {problem}"
        raise PayloadError(message, offset=offset)


class Stream:
    """An answer whose body is handed over as it arrives.

    Attributes
    ----------
    status : int
        200, 201, 202 or 204.
    headers : mapping
        Names in any case.
    endpoint : str
        Verb and path, for messages.
    framed : bool
        Whether length or chunks tell where the body ends. If not, a lost connection looks like its end, and only a
        format that closes itself proves that it is whole.
    """

    __slots__ = ("_body", "endpoint", "framed", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: _Body | bytes, *, endpoint: str) -> None:
        self.status = status
        self.headers = headers
        self.endpoint = endpoint
        self._body = body
        self.framed = isinstance(body, bytes) or body.framed

    def chunks(self) -> Iterator[bytes]:
        """Give the body in pieces, inflated, once.

        Raises
        ------
        IncompleteResultError
            It ended before its framing or its gzip stream did.
        PayloadError, PayloadLimitError
            It is not the gzip stream that it should be, or inflates suspiciously.
        NetworkError, DeadlineError
            No byte came for `Settings.timeout` seconds; the operation's time is over.
        """
        if isinstance(self._body, bytes):
            return iter([self._body] if self._body else [])
        return self._body.pieces()

    def close(self) -> None:
        """Let go of the connection; harmless when called twice."""
        if not isinstance(self._body, bytes):
            self._body.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


class Transport:
    """Calls of one Looker, for any number of threads.

    Parameters
    ----------
    settings : Settings
        Where, and how patient to be.
    token : callable, optional
        Brings the token of calls that need one: ``token(rejected, deadline)``. It is called with None before each call,
        and once with the token that Looker answered 401 to.

    Notes
    -----
    Repeated are: failures to connect, 429 and 503 (any call); 500, 502, 504, broken connections, silence and bodies
    that do not end (calls that are safe to repeat). Waits are drawn at random below a bound that doubles;
    ``Retry-After`` is waited for. Repetition ends with the deadline, or, where it seldom helps (a host that never
    answered, 500, an HTML page in place of JSON), after `Settings.connect_attempts`. After a 429 every thread holds
    back.

    Connections are pooled by urllib3, which is made for threads; a `requests.Session` is not, and brings what has no
    place here: cookies, redirects, ``~/.netrc`` in place of our token. Proxy variables and ``REQUESTS_CA_BUNDLE`` hold.
    """

    def __init__(self, settings: Settings, token: TokenSource | None = None) -> None:
        self.settings = settings
        self.stats = Stats()
        self._token = token
        self._limiter = _Limiter()
        self._random = random.Random()  # noqa: S311 - spreads waits, guards nothing
        self._lock = threading.Lock()
        self._adapter: _Adapter | None = None
        self._process = os.getpid()
        self._answered = False

    def request(
        self,
        method: str,
        path: str,
        *,
        deadline: Deadline,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, str | Secret] | None = None,
        idempotent: bool | None = None,
        authenticated: bool = True,
        stats: Stats | None = None,
        max_bytes: int = MAX_BODY,
    ) -> Reply:
        """Call and read the answer whole.

        Parameters
        ----------
        method, path : str
            Verb; path below ``/api/4.0``, best made by `path`.
        deadline : Deadline
            Of the operation that this call is part of.
        params : mapping, optional
            Query parameters; None is left out, booleans become ``true`` and ``false``, sequences comma lists.
        json, form : optional
            Body, one of them at most.
        idempotent : bool, optional
            Whether the call may be sent twice; by default so for GET, PUT and DELETE.
        authenticated : bool, default True
            Whether to send a token.
        stats : Stats, optional
            Counted in besides `Transport.stats`.
        max_bytes : int
            Limit on the inflated body.

        Raises
        ------
        AuthError, AccessError, NotFoundError, RateLimitError, ServerError, FetchError
            401 (after a fresh token), 403, 404, 429, 5xx, any other failure.
        InvalidQueryError
            422, with every problem that Looker lists.
        NetworkError, DeadlineError
            No usable answer, by ``.reason``; the time is over.
        IncompleteResultError, UnexpectedContentError, PayloadError, PayloadLimitError
            The body was cut off, is an HTML page, is damaged, is too large.
        """
        repeatable = method in _REPEATABLE if idempotent is None else idempotent
        counted = (self.stats, *([stats] if stats else []))
        call = _Call(method, path, deadline, params, json, form, repeatable, authenticated, counted)

        def once() -> Reply:
            answer = self._exchange(call)
            body = self._read_whole(call, answer, max_bytes)
            if _is_html(answer.headers, body):
                raise _unexpected_html(call, answer.status, body)
            return Reply(answer.status, answer.headers, body, call.endpoint)

        return self._repeated(call, once)

    def stream(
        self,
        method: str,
        path: str,
        *,
        deadline: Deadline,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        idempotent: bool | None = None,
        stats: Stats | None = None,
        html: bool = False,
    ) -> Stream:
        """Call and hand the body over as it arrives; the caller closes the stream.

        Parameters and errors are those of `request`; `html` says that an HTML page is what was asked for. What goes
        wrong before the body begins is repeated here. A body that breaks off is for the caller to ask for again, who
        knows what has become of its first part.
        """
        repeatable = method in _REPEATABLE if idempotent is None else idempotent
        counted = (self.stats, *([stats] if stats else []))
        call = _Call(method, path, deadline, params, json, None, repeatable, authenticated=True, stats=counted)

        def once() -> Stream:
            answer = self._exchange(call)
            body: _Body | bytes = answer.body
            page = not html and _is_html(answer.headers)
            if page or answer.status != http.HTTPStatus.OK:
                # "Not yet" and the like: read at once, so that the connection can be used again.
                body = self._read_whole(call, answer, MAX_BODY)
                if page and body:
                    raise _unexpected_html(call, answer.status, body)
            return Stream(answer.status, answer.headers, body, endpoint=call.endpoint)

        return self._repeated(call, once)

    def close(self) -> None:
        """Close the connections that are not in use; a later call opens new ones."""
        with self._lock:
            adapter, self._adapter = self._adapter, None
        if adapter is not None:
            adapter.close()

    def _repeated(self, call: _Call, once: Callable[[], _T]) -> _T:
        """Do `once` until it succeeds, may not be done again, or there is no time left to."""
        began = call.deadline.now()
        attempts = 0
        last: LookerFrameError | None = None
        while True:
            self._limiter.wait(call, last)
            attempts += 1
            try:
                return once()
            except _Failure as failure:
                met = failure.with_traceback(None)  # its frames would hold this one, and this one it
            wait = self._wait_after(met, attempts, call)
            if wait is None:
                break
            last = met.error
            cause = str(met).removeprefix(f"{call.endpoint}: ")
            _log.warning("%s: attempt %d failed (%s); again in %.1f s", call.endpoint, attempts, cause, wait)
            call.count(retries=1, waited=wait)
            call.deadline.sleep(wait)
        # Raised outside the handler: the frames of other libraries' errors hold the request, and so the token.
        if isinstance(met.error, FetchError):
            met.error.attempts = attempts
            met.error.elapsed = call.deadline.now() - began
        raise met.error from (last if isinstance(met.error, DeadlineError) else met.cause)

    def _wait_after(self, failure: _Failure, attempts: int, call: _Call) -> float | None:
        """Return the seconds to wait before the next attempt, or None if there is to be none."""
        drawn = self._random.uniform(0, self._longest_backoff(attempts - 1))
        wait = max(drawn, failure.retry_after or 0.0)
        if isinstance(failure.error, RateLimitError):
            self._limiter.hold(call.deadline.now() + min(wait, _LONGEST_WAIT))
        allowed: float = 1
        if failure.patience is _Patience.FEW:
            allowed = self.settings.connect_attempts
        elif failure.patience is _Patience.LONG:
            allowed = _ATTEMPTS_WITHOUT_DEADLINE if math.isinf(call.deadline.remaining()) else math.inf
        if attempts >= allowed or wait >= min(call.deadline.remaining(), _LONGEST_WAIT):
            return None
        return wait

    def _longest_backoff(self, retry: int) -> float:
        return min(self.settings.backoff_cap, self.settings.backoff_base * 2.0 ** min(retry, 60))

    def _exchange(self, call: _Call) -> _Answer:
        """Send once, and once more with another token if the first is not accepted."""
        token = None
        if call.authenticated and self._token is not None:
            token = self._token(None, call.deadline)
        answer = self._send(call, token)
        if answer.status == http.HTTPStatus.UNAUTHORIZED and token is not None and self._token is not None:
            _error_body(answer)
            token = self._token(token, call.deadline)
            answer = self._send(call, token)
        if answer.status not in _SUCCESS:
            raise _refusal(call, answer)
        return answer

    def _send(self, call: _Call, token: Secret | None) -> _Answer:
        call.deadline.check("connecting", endpoint=call.endpoint)
        left = call.deadline.remaining()
        call.count(calls=1)
        try:
            response = self._pool().send(
                call.prepared(self.settings.base_url, token),
                stream=True,
                timeout=(min(self.settings.connect_timeout, left), min(self.settings.timeout, left)),
                verify=self._verify(),
                proxies=requests.utils.get_environ_proxies(self.settings.base_url),
            )
        # ValueError: host names that cannot be encoded, headers that cannot be written.
        except (OSError, ValueError, urllib3.exceptions.HTTPError, http.client.HTTPException) as exc:
            failure = self._silence(call, exc)
        else:
            self._answered = True
            body = _Body(response.raw, call, timeout=self.settings.timeout)
            return _Answer(response.status_code, response.headers, body)
        raise failure

    def _pool(self) -> _Adapter:
        with self._lock:
            if self._adapter is None or self._process != os.getpid():
                # After a fork, parent and child would read each other's answers from a connection they share.
                self._adapter = _Adapter(pool_connections=1, pool_maxsize=_CONNECTIONS)
                self._process = os.getpid()
            return self._adapter

    def _verify(self) -> bool | str:
        verify = self.settings.verify_ssl
        if verify is True:  # as requests.Session does it
            return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        return verify

    def _silence(self, call: _Call, exc: Exception) -> _Failure:
        """Say why there was no answer, and whether to try again."""
        if call.deadline.remaining() <= _DEADLINE_SLACK:
            sent = isinstance(exc, requests.ReadTimeout)
            error: LookerFrameError = call.deadline.error("waiting" if sent else "connecting", endpoint=call.endpoint)
            return _Failure(error, _Patience.NEVER)
        cause = _root(exc)
        reason, sent = _reason(exc, cause)
        host = urlsplit(self.settings.base_url).netloc
        template = _SILENCE["late" if reason == "timeout" and not sent else reason]
        message = template.format(host=host, settings=self.settings)
        if isinstance(cause, OSError) and reason != "timeout":
            message += f" ({getattr(cause, 'verify_message', '') or cause.strerror or cause})"
        patience = _Patience.LONG if self._answered else _Patience.FEW
        if sent and not call.repeatable:
            patience = _Patience.NEVER
            message += "; the call may have been carried out all the same, so it was not repeated"
        if reason in _HOPELESS:
            patience = _Patience.NEVER
        error = NetworkError(message, reason=reason, endpoint=call.endpoint)
        return _Failure(error, patience, cause=cause if isinstance(cause, OSError) else None)

    def _read_whole(self, call: _Call, answer: _Answer, max_bytes: int) -> bytes:
        body = bytearray()
        try:
            for piece in answer.body.pieces():
                body += piece
                if len(body) > max_bytes:
                    message = f"{call.endpoint}: the body passes {max_bytes:,} bytes"
                    raise PayloadLimitError(message, offset=max_bytes)  # noqa: TRY301 - handled below, like all others
        except (PayloadLimitError, DeadlineError) as error:
            failure = _Failure(error, _Patience.NEVER)
        except (IncompleteResultError, NetworkError) as error:
            failure = _Failure(error, _Patience.LONG if call.repeatable else _Patience.NEVER)
        except PayloadError as error:
            failure = _Failure(error, _Patience.FEW if call.repeatable else _Patience.NEVER)
        else:
            return bytes(body)
        finally:
            answer.body.close()
        raise failure


def path(*parts: str) -> str:
    """Write the path of a call, each part quoted: ``path("query_tasks", task_id, "results")``.

    Raises
    ------
    InvalidQueryError
        A part is empty, or would lead to another call (``..``).
    """
    for part in parts:
        if part in ("", ".", ".."):
            problem = QueryProblem(f"{part!r} cannot be part of the address of a call")
            raise InvalidQueryError([problem])
    return "".join(f"/{quote(part, safe='')}" for part in parts)


@dataclass(frozen=True, slots=True)
class _Call:
    """What is asked, without the token."""

    method: str
    path: str
    deadline: Deadline
    params: Mapping[str, Any] | None
    json: Any
    form: Mapping[str, str | Secret] | None
    repeatable: bool
    authenticated: bool
    stats: tuple[Stats, ...]

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.path}"

    def prepared(self, base_url: str, token: Secret | None) -> requests.PreparedRequest:
        # Nothing secret gets a name here: tracebacks that show local variables show those of this frame, too.
        headers = {"Accept": "*/*", "Accept-Encoding": "gzip", "User-Agent": _user_agent()}
        data: bytes | None = None
        if self.json is not None:
            headers["Content-Type"] = "application/json"
            data = jsonlib.dumps(self.json, allow_nan=False).encode()
        request = requests.Request(
            self.method,
            f"{base_url}{API_PATH}{self.path}",
            headers=headers,
            params=_query_text(self.params or {}),
            data={name: _revealed(value) for name, value in self.form.items()} if self.form else data,
            auth=None if token is None else _TokenAuth(token),
        )
        return request.prepare()

    def count(self, **amounts: Any) -> None:
        for stats in self.stats:
            stats.add(**amounts)


class _TokenAuth(requests.auth.AuthBase):
    """Writes the token into a request that is on its way: no variable of ours holds it in the clear."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"token {self._token.reveal()}"
        return request


class _Patience(Enum):
    """How long a failure is worth trying again."""

    NEVER = "never"
    FEW = "a few times"
    LONG = "until the deadline"


class _Failure(Exception):  # noqa: N818 - one attempt's outcome; never leaves this module
    """One attempt failed: with what, and whether to make another."""

    def __init__(
        self,
        error: LookerFrameError,
        patience: _Patience,
        *,
        retry_after: float | None = None,
        cause: BaseException | None = None,
    ) -> None:
        self.error = error
        self.patience = patience
        self.retry_after = retry_after
        self.cause = cause
        super().__init__(error)

    def __str__(self) -> str:
        status, message = getattr(self.error, "status", None), getattr(self.error, "message", None)
        return shorten(" ".join(f"{status or ''} {message or self.error}".split()), 200)


class _Limiter:
    """Holds all threads of a client back once Looker said "too many"."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._not_before = -math.inf

    def hold(self, until: float) -> None:
        with self._lock:
            self._not_before = max(self._not_before, until)

    def wait(self, call: _Call, last: LookerFrameError | None) -> None:
        with self._lock:
            left = self._not_before - call.deadline.now()
        if left <= 0:
            return
        if left >= call.deadline.remaining():
            message = "other calls were told to slow down, for longer than this one has time"
            raise RateLimitError(message, endpoint=call.endpoint, attempts=0, retry_after=left) from last
        _log.info("%s: held back %.1f s after a 429", call.endpoint, left)
        call.deadline.sleep(left)


@dataclass(frozen=True, slots=True)
class _Answer:
    """Status and headers have come, the body has not been read."""

    status: int
    headers: Mapping[str, str]
    body: _Body


class _Body:
    """A body as it arrives: inflated, its end proven, every read bounded by the deadline."""

    def __init__(self, raw: urllib3.HTTPResponse, call: _Call, *, timeout: float) -> None:
        self.framed = raw.chunked or raw.length_remaining is not None
        self._raw = raw
        self._call = call
        self._timeout = timeout
        self._received = 0
        self._inflated = 0
        self._closed = False

    def pieces(self) -> Iterator[bytes]:
        member = self._inflater()
        try:
            while data := self._read():
                self._received += len(data)
                self._call.count(received=len(data))
                for piece in (data,) if member is None else member.feed(data):
                    self._inflated += len(piece)
                    self._call.count(inflated=len(piece))
                    self._check_ratio()
                    yield piece
            if member is not None and self._received and not member.ended:
                message = f"{self._call.endpoint}: the gzip stream stops before its end"
                raise IncompleteResultError(message, offset=self._inflated)
        finally:
            self.close()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._raw.close()
            self._raw.release_conn()

    def _inflater(self) -> _Inflater | None:
        encoding = self._raw.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding in ("gzip", "x-gzip"):
            return _Inflater(self._call.endpoint)
        if encoding in ("identity", ""):
            return None
        self.close()
        message = f"{self._call.endpoint}: the body is encoded as {encoding!r}; gzip was asked for"
        raise UnexpectedContentError(message)

    def _check_ratio(self) -> None:
        if self._inflated > max(_RATIO_FREE, _MAX_RATIO * self._received):
            message = f"{self._call.endpoint}: the body inflates more than {_MAX_RATIO:,}-fold"
            raise PayloadLimitError(message, offset=self._inflated)

    def _read(self) -> bytes:
        deadline = self._call.deadline
        deadline.check("downloading", endpoint=self._call.endpoint)
        connection: object = self._raw.connection
        if isinstance(connection, _TimedConnection):
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
        endpoint = self._call.endpoint
        if self._closed:
            message = f"{endpoint}: the stream was closed before its end"
            return IncompleteResultError(message, offset=self._inflated), None
        if exc is None or self._call.deadline.remaining() <= _DEADLINE_SLACK:
            return self._call.deadline.error("downloading", endpoint=endpoint), None
        cause = _root(exc)
        if isinstance(exc, urllib3.exceptions.ReadTimeoutError):
            message = f"the body stopped for {self._timeout:g} s (Settings.timeout) after {self._received:,} bytes"
            return NetworkError(message, reason="timeout", endpoint=endpoint), None
        message = f"{endpoint}: the connection broke after {self._received:,} bytes of the body"
        return IncompleteResultError(message, offset=self._inflated), cause


class _Inflater:
    """Takes gzip members apart, one after another as the format allows, in pieces of bounded size."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._member = zlib.decompressobj(wbits=31)

    @property
    def ended(self) -> bool:
        """Whether the last member is whole, its checksum included."""
        return self._member.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            while data:
                if self._member.eof:
                    self._member = zlib.decompressobj(wbits=31)
                piece = self._member.decompress(data, _PIECE)
                data = self._member.unconsumed_tail or self._member.unused_data
                if piece:
                    yield piece
        except zlib.error as exc:
            message = f"{self._endpoint}: the body is not the gzip stream that its header says ({exc})"
            raise PayloadError(message) from exc


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
        return _WholeLines(self, _PIECE)

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


class _TimedConnection:
    """Mixed into urllib3's connections: reads answers through `_TimedReads`."""

    _reads: _TimedReads | None = None

    def allow(self, seconds: float) -> None:
        if self._reads is not None:
            self._reads.allow(seconds)

    def response_class(self, sock: socket.socket, *args: Any, **options: Any) -> http.client.HTTPResponse:
        """Stand where `http.client.HTTPConnection` keeps the class of its answers."""
        self._reads = _TimedReads(sock)
        return http.client.HTTPResponse(self._reads, *args, **options)  # type: ignore[arg-type]  # see `makefile`


class _PlainConnection(_TimedConnection, HTTPConnection):  # type: ignore[misc]  # a method in place of a class
    pass


class _TLSConnection(_TimedConnection, HTTPSConnection):  # type: ignore[misc]  # a method in place of a class
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


_POOLS = {"http": _PlainPool, "https": _TLSPool}


class _Adapter(HTTPAdapter):
    """Connections of our own kind, also through HTTP proxies; SOCKS proxies keep theirs."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager


# Error -> `NetworkError.reason`, and whether the request may have reached the server. The first that fits holds.
_REASONS: tuple[tuple[type[Exception], str, bool], ...] = (
    (requests.exceptions.SSLError, "tls", False),
    (requests.exceptions.ProxyError, "proxy", False),
    (requests.exceptions.ConnectTimeout, "timeout", False),
    (requests.exceptions.ReadTimeout, "timeout", True),
    (requests.exceptions.InvalidHeader, "protocol", True),
    (ValueError, "request", False),  # a host that cannot be encoded, a header that cannot be written
    (requests.exceptions.ConnectionError, "reset", True),
    (requests.exceptions.RequestException, "protocol", True),
    (urllib3.exceptions.HTTPError, "protocol", True),
    (OSError, "tls", False),  # the file of authorities is not there
)
_HOPELESS = frozenset({"tls", "protocol", "request"})
_SILENCE = {
    "connect": "no connection to {host}; check base_url and its port",
    "dns": "there is no host {host}, or its name cannot be resolved here; check base_url",
    "proxy": "no connection to {host} through the proxy that HTTPS_PROXY or HTTP_PROXY names",
    "tls": "no trusted connection to {host}; for a private authority, set verify_ssl to its CA file",
    "late": "no connection to {host} within {settings.connect_timeout:g} s (Settings.connect_timeout)",
    "timeout": "no answer from {host} within {settings.timeout:g} s (Settings.timeout)",
    "reset": "the connection to {host} broke before an answer came",
    "request": "the call of {host} cannot be written; check the host in base_url",
    "protocol": "what {host} answered is not HTTP; check base_url and its port",
}
_ADVICE = {
    401: "Looker does not accept the token",
    403: "this user may not do this; if no call works, check host and port of base_url",
    404: "there is no such thing, or this user may not see it: Looker answers alike",
}
_ERRORS: dict[int, type[FetchError]] = {401: AuthError, 403: AccessError, 404: NotFoundError, 429: RateLimitError}


def _root(exc: BaseException) -> BaseException:
    """Find the first cause, and cut it loose from frames and wrappers, which hold the request."""
    for _ in range(10):
        inner = [getattr(exc, "reason", None), exc.__cause__, *reversed(exc.args)]
        found = next((item for item in inner if isinstance(item, BaseException)), None)
        if found is None:
            break
        exc = found
    exc.__cause__ = exc.__context__ = None
    return exc.with_traceback(None)


def _reason(exc: Exception, cause: BaseException) -> tuple[str, bool]:
    """Tell the kind of a failure, and whether the request may have reached the server."""
    wrapped = exc.args[0] if exc.args else None
    if isinstance(cause, http.client.BadStatusLine) and not isinstance(cause, http.client.RemoteDisconnected):
        return "protocol", True
    found = next(((reason, sent) for kind, reason, sent in _REASONS if isinstance(exc, kind)), ("protocol", True))
    if found[0] == "reset" and isinstance(wrapped, urllib3.exceptions.MaxRetryError):
        unknown = isinstance(wrapped.reason, urllib3.exceptions.NameResolutionError)
        return ("dns" if unknown else "connect"), False
    return found


def _refusal(call: _Call, answer: _Answer) -> _Failure:
    """Turn an answer that is no success into its error."""
    status = answer.status
    retry_after = _retry_after(answer.headers)
    error = _error_of(status, answer.headers, _error_body(answer), call.endpoint)
    patience = _Patience.NEVER
    if status in (429, 503) or (status in (502, 504) and call.repeatable):
        patience = _Patience.LONG
    elif status >= http.HTTPStatus.INTERNAL_SERVER_ERROR and call.repeatable:
        patience = _Patience.FEW
    if isinstance(error, FetchError):
        error.retry_after = retry_after
    return _Failure(error, patience, retry_after=retry_after)


def _error_body(answer: _Answer) -> bytes:
    """Read what stands beside a status; the status counts even if this breaks off."""
    body = bytearray()
    try:
        for piece in answer.body.pieces():
            body += piece
            if len(body) > _MAX_ERROR_BODY:
                break
    except (PayloadError, NetworkError, DeadlineError) as exc:
        _log.info("the body of a %d answer is lost: %s", answer.status, exc)
    finally:
        answer.body.close()
    return bytes(body)


def _error_of(status: int, headers: Mapping[str, str], body: bytes, endpoint: str) -> LookerFrameError:
    message, documentation_url, errors = _said(headers, body)
    if status == http.HTTPStatus.UNPROCESSABLE_ENTITY:
        message = message or "Looker does not accept this"
        problems = problems_of(errors)
        return InvalidQueryError(problems, message=message, documentation_url=documentation_url, endpoint=endpoint)
    facts: dict[str, Any] = {"endpoint": endpoint, "status": status, "documentation_url": documentation_url}
    if http.HTTPStatus.MULTIPLE_CHOICES <= status < http.HTTPStatus.BAD_REQUEST:
        target = urlsplit(headers.get("Location", ""))
        elsewhere = f" to {target.scheme}://{target.hostname}" if target.hostname else ""
        text = f"a redirect{elsewhere}, which calls do not follow; base_url must be the address of the API itself"
        return NetworkError(text, reason="redirect", **facts)
    fallback = ServerError if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR else FetchError
    error = _ERRORS.get(status, fallback)(message or _phrase(status), **facts)
    error.advice = _ADVICE.get(status)
    return error


def _said(headers: Mapping[str, str], body: bytes) -> tuple[str, str | None, list[Any]]:
    """Read an error body: Looker's JSON, else whatever a proxy wrote."""
    text = body.decode("utf-8", "replace")
    if _is_html(headers, body):
        return text_of_html(text), None, []
    try:
        found = jsonlib.loads(text)
    except (ValueError, RecursionError):
        return shorten(" ".join(text.split()), 500), None, []
    if not isinstance(found, dict):
        return shorten(text, 500), None, []
    message, url, errors = found.get("message"), found.get("documentation_url"), found.get("errors")
    return (
        shorten(message, _MAX_ERROR_TEXT) if isinstance(message, str) else "",
        url if isinstance(url, str) else None,
        errors if isinstance(errors, list) else [],
    )


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"


def _is_html(headers: Mapping[str, str], body: bytes = b"") -> bool:
    declared = headers.get("Content-Type", "").strip().lower().startswith("text/html")
    return declared or body[:100].lstrip().startswith(b"<")


def _unexpected_html(call: _Call, status: int, body: bytes) -> _Failure:
    page = text_of_html(body.decode("utf-8", "replace"), 200)
    message = f"{call.endpoint} answered {status} with an HTML page; is base_url the API's own address? It says: {page}"
    return _Failure(UnexpectedContentError(message), _Patience.FEW if call.repeatable else _Patience.NEVER)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read ``Retry-After``, in seconds or as a date; anything else counts as absent.

    A date is compared with the answer's own ``Date``: the clocks of two machines are not. Source: RFC 9110 §10.2.3.
    """
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.ASCII):
        return float(value)
    try:
        then = email.utils.parsedate_to_datetime(value)
        now = email.utils.parsedate_to_datetime(headers.get("Date", ""))
        return max(0.0, (then - now).total_seconds())
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _query_text(params: Mapping[str, Any]) -> dict[str, str]:
    """Spell query parameters as the official SDKs do."""
    spelled = {}
    for name, value in params.items():
        if isinstance(value, bool):
            spelled[name] = "true" if value else "false"
        elif isinstance(value, list | tuple):
            spelled[name] = ",".join(map(str, value))
        elif value is not None:
            spelled[name] = str(value)
    return spelled


def _revealed(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _user_agent() -> str:
    try:
        return f"lookerframe/{metadata.version('lookerframe')}"
    except metadata.PackageNotFoundError:
        return "lookerframe"


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)
