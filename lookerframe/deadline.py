"""What calls share: the end of their operation, the pace of their client, and the account of what they have cost."""

from __future__ import annotations

import http
import logging
import math
import random
import threading
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from lookerframe.exceptions import (
    ConfigError,
    DeadlineError,
    FetchError,
    InvalidQueryError,
    LookerFrameError,
    RateLimitError,
    ServerError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_log = logging.getLogger(__name__)

#: What is waited at most for a server that asks for it, in seconds.
LONGEST_WAIT = 3_600.0
# Seconds between two looks at whether another call has been answered.
_LOOK = 0.1

#: What an operation spends its time on.
Phase: TypeAlias = Literal["logging_in", "submitting", "waiting", "downloading"]
_PHASES: tuple[Phase, ...] = ("logging_in", "submitting", "waiting", "downloading")


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
        given: Any = seconds
        if given is not None and (isinstance(given, bool) or not isinstance(given, int | float) or not given >= 0):
            message = f"timeout is a number of seconds, or None for no limit, not {seconds!r}"
            raise ConfigError(message, setting="timeout")
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


class Limiter:
    """Slows all threads of a client while Looker is too busy to answer, and lets go once it answers again.

    Parameters
    ----------
    base, cap : float
        Seconds between two tries while slowed: `base` at least, drawn below a bound that starts there and doubles with
        each try that fails, up to `cap`.

    Notes
    -----
    A 429 or 503 to one call holds back all others. One at a time then tries, in the order in which they came; the first
    one that is answered lets all go on. A try that gets no answer for `cap` seconds makes room for the next. Seconds
    that the server asks for are waited by every call, also by one that comes when another was answered.
    """

    def __init__(self, base: float, cap: float) -> None:
        self._base = base
        self._cap = max(base, cap)
        self._random = random.Random()  # noqa: S311 - spreads waits, guards nothing
        self._lock = threading.Lock()
        self._queue: deque[object] = deque()
        self._slowed = False
        self._said: tuple[type[FetchError], str] = (RateLimitError, "")
        self._failed_tries = 0
        self._next_try = -math.inf
        self._asked_until = -math.inf
        self._trying: object = None
        self._trying_until = -math.inf

    @contextmanager
    def turn(
        self, deadline: Deadline, *, endpoint: str, last: LookerFrameError | None, waited: Callable[[float], None]
    ) -> Iterator[Turn]:
        """Wait until a call may be sent; what the block tells its `Turn` decides about the others.

        Parameters
        ----------
        deadline, endpoint
            Of the call.
        last
            How its attempt before this one failed.
        waited
            Told of seconds that are about to be slept.

        Yields
        ------
        Turn
            One that is ``too_late`` is not to be sent.
        """
        turn = Turn()
        with self._lock:
            free = not self._slowed and deadline.now() >= self._asked_until
            said = self._said[1]
            if not free:
                self._queue.append(turn)
        if not free:
            _log.info("%s: held back, as another call was answered %s", endpoint, said)
            turn.too_late = self._wait(turn, deadline, endpoint, last, waited)
        try:
            yield turn
        finally:
            self._learn(turn, deadline.now())

    def _wait(
        self,
        turn: Turn,
        deadline: Deadline,
        endpoint: str,
        last: LookerFrameError | None,
        waited: Callable[[float], None],
    ) -> LookerFrameError | None:
        try:
            while (pause := self._pause(turn, deadline.now())) > 0:
                if pause >= deadline.remaining():
                    return self._no_time(pause, endpoint, last)
                waited(pause)
                deadline.sleep(pause)
        finally:
            with self._lock:
                self._queue.remove(turn)
        return None

    def _pause(self, turn: Turn, now: float) -> float:
        with self._lock:
            left = max(self._asked_until, self._next_try if self._slowed else -math.inf) - now
            if left > 0 or not self._slowed:
                return left
            if now < self._trying_until or self._queue[0] is not turn:
                return min(_LOOK, self._base)
            self._trying, self._trying_until = turn, now + self._cap
            return 0.0

    def _learn(self, turn: Turn, now: float) -> None:
        with self._lock:
            if isinstance(turn.refusal, FetchError):
                self._said = (type(turn.refusal), f"{turn.refusal.status} {turn.refusal.message}")
                asked = min(turn.refusal.retry_after or 0.0, LONGEST_WAIT)
                self._asked_until = max(self._asked_until, now + asked)
                if not self._slowed:
                    self._slowed, self._failed_tries = True, 0
                    self._next_try = now + self._base
            if turn is self._trying:
                self._trying, self._trying_until = None, -math.inf
                self._slowed = not turn.answered
                self._failed_tries += 1
                bound = min(self._cap, self._base * 2.0 ** min(self._failed_tries, 60))
                self._next_try = now + self._random.uniform(self._base, bound)

    def _no_time(self, pause: float, endpoint: str, last: LookerFrameError | None) -> LookerFrameError:
        if last is not None:
            if isinstance(last, FetchError):
                last.retry_after = max(last.retry_after or 0.0, pause)
            return last
        kind, said = self._said
        message = f"other calls were told to slow down ({said}), for longer than this one has time"
        return kind(message, endpoint=endpoint, attempts=0, retry_after=pause)


class Turn:
    """One attempt at a call, as far as it tells how busy the server is.

    Attributes
    ----------
    answered : bool
        Whether the server did what was asked, or said why it will not.
    refusal : FetchError or None
        A 429 or 503.
    too_late : LookerFrameError or None
        How the call ends where there is no time to wait for as long as is needed: as it failed last, or with what was
        said to another call.
    """

    __slots__ = ("answered", "refusal", "too_late")

    def __init__(self) -> None:
        self.answered = False
        self.refusal: FetchError | None = None
        self.too_late: LookerFrameError | None = None

    def ended(self, error: LookerFrameError | None = None) -> None:
        """Say how the attempt ended; None for well."""
        status = getattr(error, "status", None)
        if isinstance(error, RateLimitError) or (
            isinstance(error, ServerError) and status == http.HTTPStatus.SERVICE_UNAVAILABLE
        ):
            self.refusal = error
        else:
            meant = status is not None and status < http.HTTPStatus.INTERNAL_SERVER_ERROR
            self.answered = error is None or meant or isinstance(error, InvalidQueryError)


@dataclass(slots=True)
class Stats:
    """What calls have cost so far; may be added to from several threads.

    Attributes
    ----------
    calls : int
        Requests sent, repeated ones included, and those of logins that they needed.
    retries : int
        How many of them were repetitions.
    received, inflated : int
        Bytes of bodies as they came, and after decompression.
    waited : float
        Seconds slept before repetitions, and while the client was told to slow down.
    maybe_duplicate_tasks : int
        How often a query task was asked for again though the call before may have made one. Only the task whose id
        came back is ever read.
    seconds : dict of str to float
        Seconds by `Phase`: logging in, submitting, waiting for the query, waiting for bytes of the result.
    """

    calls: int = 0
    retries: int = 0
    received: int = 0
    inflated: int = 0
    waited: float = 0.0
    maybe_duplicate_tasks: int = 0
    seconds: dict[Phase, float] = field(default_factory=lambda: dict.fromkeys(_PHASES, 0.0))
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def to_dict(self) -> dict[str, int | float]:
        """Return the figures by name."""
        with self._lock:
            return {
                "calls": self.calls,
                "retries": self.retries,
                "received_bytes": self.received,
                "inflated_bytes": self.inflated,
                "waited_seconds": self.waited,
                "maybe_duplicate_tasks": self.maybe_duplicate_tasks,
                **{f"{name}_seconds": spent for name, spent in self.seconds.items()},
            }

    def add(
        self,
        *,
        calls: int = 0,
        retries: int = 0,
        received: int = 0,
        inflated: int = 0,
        waited: float = 0.0,
        maybe_duplicate_tasks: int = 0,
    ) -> None:
        """Count."""
        with self._lock:
            self.calls += calls
            self.retries += retries
            self.received += received
            self.inflated += inflated
            self.waited += waited
            self.maybe_duplicate_tasks += maybe_duplicate_tasks

    def spend(self, phase: Phase, seconds: float) -> None:
        """Add to the time of a phase."""
        with self._lock:
            self.seconds[phase] += seconds

    @contextmanager
    def phase(self, phase: Phase, *, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
        """Time a block; what phases within it take is theirs alone: a login while waiting is no waiting.

        Parameters
        ----------
        phase
            What the block does.
        clock : callable
            Time in seconds: a seam for tests.
        """
        began, before = clock(), sum(self.seconds.values())
        try:
            yield
        finally:
            within = sum(self.seconds.values()) - before
            self.spend(phase, max(0.0, clock() - began - within))
