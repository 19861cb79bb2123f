"""One HTTP exchange with Looker: repeated where that is safe, bounded by one deadline, its body proven whole.

`Transport.request` reads a body into memory, `Transport.stream` hands it over as it arrives. Neither logs in: the token
comes from a callable. What a body means is for others to say.

Of a body it is proven that HTTP framing ended where it said (a body without framing is marked, `Stream.framed`), and
that a gzip stream reached its end and checksum; see `bodies`. What a failure means is told by `answers`.
"""

from __future__ import annotations

import http
import http.client
import json as jsonlib
import logging
import math
import os
import random
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar
from urllib.parse import quote, quote_plus, urlsplit

import requests
import requests.utils
import urllib3

from lookerframe.answers import HOPELESS, RESET_AGAIN, SILENCE, error_of, is_html, reason_of, retry_after_of, root_cause
from lookerframe.bodies import DEADLINE_SLACK, Body
from lookerframe.config import Secret
from lookerframe.connections import Adapter
from lookerframe.deadline import Stats
from lookerframe.exceptions import (
    ConfigError,
    ConversionError,
    DeadlineError,
    FetchError,
    IncompleteResultError,
    InvalidQueryError,
    LookerFrameError,
    NetworkError,
    PayloadError,
    PayloadLimitError,
    QueryProblem,
    RateLimitError,
    ServerError,
    UnexpectedContentError,
)
from lookerframe.limiter import LONGEST_WAIT, Limiter, Turn
from lookerframe.render import shorten, text_of_html
from lookerframe.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lookerframe.config import Settings
    from lookerframe.deadline import Deadline, Phase

    # Gets the token that Looker rejected, or None, the deadline of the call and the statistics of its operation; brings
    # a token that should do.
    TokenSource = Callable[[Secret | None, Deadline, Stats | None], Secret]

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

API_PATH = "/api/4.0"
#: Bytes that `Transport.request` takes into memory.
MAX_BODY = 64 * 1024 * 1024

_MAX_ERROR_BODY = 256 * 1024
# A secret that is shorter is no secret, and may be part of any word.
_LEAST_MASKED = 8
_ATTEMPTS_WITHOUT_DEADLINE = 10
# Tokens that one attempt tries after the first; only one that others were let in with is worth the second.
_RENEWALS = 2
_CONNECTIONS = 100
_SUCCESS = frozenset({200, 201, 202, 204})
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})


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
        except RecursionError:
            problem, offset = "it is nested too deeply", 0
        except ValueError as exc:
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

    def __init__(self, status: int, headers: Mapping[str, str], body: Body | bytes, *, endpoint: str) -> None:
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
        Brings the token of calls that need one: ``token(rejected, deadline, stats)``. It is called with None before
        each call, and with the token that Looker answered 401 to, if it did.

    Notes
    -----
    Repeated are: failures to connect, 429 and 503 (any call); 500, 502, 504, broken connections, silence and bodies
    that do not end (calls that are safe to repeat). Waits are drawn at random below a bound that doubles;
    ``Retry-After`` is waited for. Repetition ends with the deadline, or, where it seldom helps (a host that never
    answered, 500, an HTML page in place of JSON), after `Settings.connect_attempts`. A call that is not safe to repeat
    is repeated `Settings.post_repeats` times where the answer is lost, 500 excepted.

    After a 429 or 503 every thread holds back, see `limiter.Limiter`; but for DELETE, which relieves the server.

    Connections are pooled by urllib3, which is made for threads; a `requests.Session` is not, and brings what has no
    place here: cookies, redirects, ``~/.netrc`` in place of our token. Proxy variables and ``REQUESTS_CA_BUNDLE`` hold.
    """

    def __init__(self, settings: Settings, token: TokenSource | None = None) -> None:
        self.settings = settings
        self.stats = Stats()
        self._token = token
        self._limiter = Limiter(settings.backoff_base, settings.backoff_cap)
        self._random = random.Random()  # noqa: S311 - spreads waits, guards nothing
        self._lock = threading.Lock()
        self._adapter: Adapter | None = None
        self._process = os.getpid()
        self._answered = False
        self._accepted: Secret | None = None

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
        call = _Call(method, path, deadline, params, json, form, repeatable, authenticated, self.stats, stats)

        def once() -> Reply:
            answer = self._exchange(call)
            body = self._read_whole(call, answer, max_bytes)
            if is_html(answer.headers, body):
                raise _unexpected_html(call, answer, body)
            reply = Reply(answer.status, answer.headers, body, call.endpoint)
            if answer.status == http.HTTPStatus.OK:
                _refuse_unreadable(call, reply)
            return reply

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
        call = _Call(method, path, deadline, params, json, None, repeatable, True, self.stats, stats)  # noqa: FBT003

        def once() -> Stream:
            answer = self._exchange(call)
            body: Body | bytes = answer.body
            page = not html and is_html(answer.headers)
            if page or answer.status != http.HTTPStatus.OK:
                # "Not yet" and the like: read at once, so that the connection can be used again.
                body = self._read_whole(call, answer, MAX_BODY)
                if page and body:
                    raise _unexpected_html(call, answer, body)
            return Stream(answer.status, answer.headers, body, endpoint=call.endpoint)

        return self._repeated(call, once)

    def wait_again(
        self, attempts: int, *, error: LookerFrameError, endpoint: str, deadline: Deadline, stats: Stats | None = None
    ) -> bool:
        """Wait before an operation of several calls is tried again, as between two attempts at one call.

        Parameters
        ----------
        attempts : int
            How often it was tried so far.
        error : LookerFrameError
            How it failed; its ``.retry_after``, if it has one, is waited for.
        endpoint : str
            For the log.
        deadline, stats
            Of the operation.

        Returns
        -------
        bool
            False, at once, if there is no time left for the wait, or another attempt does not help: the error is a
            `PayloadLimitError` or a `DeadlineError`, or it was the tenth of an operation that has no end.
        """
        method, _, where = endpoint.partition(" ")
        call = _Call(method, where, deadline, None, None, None, True, True, self.stats, stats)  # noqa: FBT003
        failure = _Failure(error, _patience_with(error), retry_after=getattr(error, "retry_after", None))
        return self._waits(call, failure, _Course(attempts))

    def close(self) -> None:
        """Close the connections that are not in use; a later call opens new ones."""
        with self._lock:
            adapter, self._adapter = self._adapter, None
        if adapter is not None:
            adapter.close()

    def _repeated(self, call: _Call, once: Callable[[], _T]) -> _T:
        """Do `once` until it succeeds, may not be done again, or there is no time left to."""
        began = call.deadline.now()
        course = _Course()
        self._part_from_parent()
        while True:
            try:
                return self._attempt(call, once, course)
            except _Failure as failure:
                met = failure.with_traceback(None)  # its frames would hold this one, and this one it
            if not self._waits(call, met, course):
                break
            course.last = met.error.with_traceback(None)  # its frames hold the body, which may have been a token's
        # Raised outside the handler: the frames of other libraries' errors hold the request, and so the token.
        if isinstance(met.error, FetchError):
            met.error.attempts = course.attempts
            met.error.elapsed = call.deadline.now() - began
            if course.doubtful > 1 and isinstance(met.error, NetworkError) and met.error.reason == "reset":
                met.error.advice = RESET_AGAIN
        raise met.error.with_traceback(None) from (course.last if isinstance(met.error, DeadlineError) else met.cause)

    def _attempt(self, call: _Call, once: Callable[[], _T], course: _Course) -> _T:
        turn = self._limiter.turn(
            call.deadline, endpoint=call.endpoint, last=course.last, waited=lambda seconds: call.count(waited=seconds)
        )
        # What gives back need not wait: a query that runs on costs more than one call too many.
        with nullcontext(Turn()) if call.method == "DELETE" else turn as taken:
            if taken.too_late is not None:
                raise _Failure(taken.too_late, _Patience.NEVER)
            course.attempts += 1
            try:
                found = once()
            except _Failure as failure:
                taken.ended(failure.error)
                raise
            taken.ended()
            return found

    def _waits(self, call: _Call, failure: _Failure, course: _Course) -> bool:
        """Wait for the next attempt, or say that there is to be none."""
        drawn = self._random.uniform(0, self._longest_backoff(course.attempts - 1))
        wait = max(drawn, failure.retry_after or 0.0)
        doubtful = failure.patience is _Patience.DOUBTFUL
        course.doubtful += doubtful
        left = call.deadline.remaining()
        is_enough = {
            _Patience.NEVER: True,
            _Patience.FEW: course.attempts >= self.settings.connect_attempts,
            _Patience.DOUBTFUL: course.doubtful > self.settings.post_repeats,
            _Patience.LONG: math.isinf(left) and course.attempts >= _ATTEMPTS_WITHOUT_DEADLINE,
        }
        if is_enough[failure.patience] or wait >= min(left, LONGEST_WAIT):
            return False
        cause = str(failure).removeprefix(call.endpoint).removeprefix(": ").strip()
        _log.warning("%s: attempt %d failed (%s); again in %.1f s", call.endpoint, course.attempts, cause, wait)
        call.count(retries=1, waited=wait, maybe_duplicate_tasks=int(doubtful))
        call.deadline.sleep(wait)
        return True

    def _longest_backoff(self, retry: int) -> float:
        return min(self.settings.backoff_cap, self.settings.backoff_base * 2.0 ** min(retry, 60))

    def _exchange(self, call: _Call) -> _Answer:
        """Send, and send again with another token if the first is not accepted."""
        source = self._token if call.authenticated else None
        token = None if source is None else source(None, call.deadline, call.operation)
        answer = self._send(call, token)
        for renewal in range(_RENEWALS):
            # One that never let anybody in was no better when it was new: the second 401 in a row is final.
            known = renewal == 0 or token == self._accepted
            if answer.status != http.HTTPStatus.UNAUTHORIZED or source is None or not known:
                break
            _error_body(answer)
            token = source(token, call.deadline, call.operation)
            answer = self._send(call, token)
        if token is not None and answer.status != http.HTTPStatus.UNAUTHORIZED:
            self._accepted = token
        if answer.status not in _SUCCESS:
            raise _refusal(call, answer)
        return answer

    def _send(self, call: _Call, token: Secret | None) -> _Answer:
        left = call.deadline.remaining()
        if left <= 0:
            raise _Failure(call.deadline.error("connecting", endpoint=call.endpoint), _Patience.NEVER)
        call.count(calls=1)
        patience = urllib3.Timeout(
            None if math.isinf(left) else left,
            min(self.settings.connect_timeout, left),
            min(self.settings.timeout, left),
        )
        try:
            response = self._pool().send(
                call.prepared(self.settings.base_url, token),
                stream=True,
                timeout=patience,  # type: ignore[arg-type]  # requests takes it, its stubs do not know
                verify=self._verify(),
                proxies=requests.utils.get_environ_proxies(self.settings.base_url),
            )
        except ConfigError:
            raise  # a secret that cannot be had
        # ValueError: host names that cannot be encoded, headers that cannot be written.
        except (OSError, ValueError, urllib3.exceptions.HTTPError, http.client.HTTPException) as exc:
            failure = self._silence(call, exc)
        else:
            self._answered = True
            body = Body(response.raw, call, self.settings)
            sent = [value for value in (token, *(call.form or {}).values()) if isinstance(value, Secret)]
            return _Answer(response.status_code, response.headers, body, sent)
        raise failure

    def _pool(self) -> Adapter:
        with self._lock:
            if self._adapter is None:
                self._adapter = Adapter(pool_connections=1, pool_maxsize=_CONNECTIONS)
            return self._adapter

    def _part_from_parent(self) -> None:
        """After a fork, share no connection, whose answers would mix, and wait for no turn of the parent's threads."""
        if self._process != os.getpid():
            self._lock = threading.Lock()  # a thread that the child does not have may hold the old one
            self._adapter = None
            self._limiter = Limiter(self.settings.backoff_base, self.settings.backoff_cap)
            self._process = os.getpid()

    def _verify(self) -> bool | str:
        verify = self.settings.verify_ssl
        if verify is True:  # as requests.Session does it
            return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        return verify

    def _silence(self, call: _Call, exc: Exception) -> _Failure:
        """Say why there was no answer, and whether to try again."""
        if call.deadline.remaining() <= DEADLINE_SLACK:
            sent = isinstance(exc, requests.ReadTimeout)
            error: LookerFrameError = call.deadline.error("waiting" if sent else "connecting", endpoint=call.endpoint)
            return _Failure(error, _Patience.NEVER)
        cause = root_cause(exc)
        reason, sent = reason_of(exc, cause)
        host = urlsplit(self.settings.base_url).netloc
        template = SILENCE["late" if reason == "timeout" and not sent else reason]
        message = template.format(host=host, settings=self.settings)
        if isinstance(cause, OSError) and reason != "timeout":
            message += f" ({getattr(cause, 'verify_message', '') or cause.strerror or cause})"
        patience = _Patience.LONG if self._answered else _Patience.FEW
        if sent and not call.repeatable:
            patience = _Patience.DOUBTFUL
            message += "; the call may have been carried out all the same"
        if reason in HOPELESS:
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
                    raise PayloadLimitError(message, offset=max_bytes)
        except (PayloadError, NetworkError, DeadlineError) as error:
            failure = _Failure(error, _patience_with(error) if call.repeatable else _doubtful(_patience_with(error)))
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
    all: Stats
    operation: Stats | None

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.path}"

    def prepared(self, base_url: str, token: Secret | None) -> requests.PreparedRequest:
        # Nothing secret gets a name here: tracebacks that show local variables show those of this frame, too.
        headers = {"Accept": "*/*", "Accept-Encoding": "gzip", "User-Agent": f"lookerframe/{__version__}"}
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
        for stats in (self.all, self.operation):
            if stats is not None:
                stats.add(**amounts)

    def spend(self, phase: Phase, seconds: float) -> None:
        for stats in (self.all, self.operation):
            if stats is not None:
                stats.spend(phase, seconds)


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
    DOUBTFUL = "once or twice, as it may have been carried out"
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


@dataclass(slots=True)
class _Course:
    """How a call has gone so far: attempts, those of them that may have been carried out, and the last failure."""

    attempts: int = 0
    doubtful: int = 0
    last: LookerFrameError | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    """Status and headers have come, the body has not been read."""

    status: int
    headers: Mapping[str, str]
    body: Body
    sent: Sequence[Secret]

    def masked(self, body: bytes) -> bytes:
        """Take what was sent in secret out of an answer that repeats it, as pages of proxies may."""
        for secret in self.sent:
            if len(secret.reveal()) >= _LEAST_MASKED:
                for spelling in (secret.reveal(), quote_plus(secret.reveal())):
                    body = body.replace(spelling.encode(), b"***")
        return body


def _refusal(call: _Call, answer: _Answer) -> _Failure:
    """Turn an answer that is no success into its error."""
    status = answer.status
    retry_after = retry_after_of(answer.headers)
    said = answer.masked(_error_body(answer))
    error = error_of(status, answer.headers, said, call.endpoint)
    if call.form is not None:  # the answer to a login is not quoted, whatever it is
        url = getattr(error, "documentation_url", None)
        error = error_of(status, answer.headers, b"", call.endpoint)
        if isinstance(error, FetchError):
            error.documentation_url = url
    patience = _Patience.NEVER
    if status in (429, 503):
        patience = _Patience.LONG
    elif status in (502, 504):
        patience = _Patience.LONG if call.repeatable else _Patience.DOUBTFUL
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


def _unexpected_html(call: _Call, answer: _Answer, body: bytes) -> _Failure:
    message = f"{call.endpoint} answered {answer.status} with an HTML page; is base_url the API's own address?"
    if call.form is None:  # the answer to a login is not quoted, whatever it is
        message += f" It says: {text_of_html(answer.masked(body).decode('utf-8', 'replace'), 200)}"
    return _Failure(UnexpectedContentError(message), _Patience.FEW if call.repeatable else _Patience.DOUBTFUL)


def _patience_with(error: LookerFrameError) -> _Patience:
    """Say how long a body that failed is worth another attempt."""
    passing = isinstance(error, NetworkError) and error.reason not in HOPELESS
    if passing or isinstance(error, IncompleteResultError | ServerError | RateLimitError):
        return _Patience.LONG
    # Words that Looker appends to lines of text look like values that do not fit.
    mendable = isinstance(error, PayloadError | ConversionError) and not isinstance(error, PayloadLimitError)
    return _Patience.FEW if mendable else _Patience.NEVER


def _doubtful(patience: _Patience) -> _Patience:
    return patience if patience is _Patience.NEVER else _Patience.DOUBTFUL


def _refuse_unreadable(call: _Call, reply: Reply) -> None:
    """Raise what another attempt may mend: a body that is empty, or no JSON."""
    try:
        reply.json()
    except PayloadError as error:
        failure = _Failure(error.with_traceback(None), _Patience.FEW if call.repeatable else _Patience.DOUBTFUL)
    else:
        return
    raise failure


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


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)
