"""The pace of a client: while Looker is too busy to answer, all its threads hold back together."""

from __future__ import annotations

import http
import logging
import math
import random
import threading
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from lookerframe.exceptions import (
    FetchError,
    InvalidQueryError,
    LookerFrameError,
    RateLimitError,
    ServerError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lookerframe.deadline import Deadline

_log = logging.getLogger(__name__)

#: What is waited at most for a server that asks for it, in seconds.
LONGEST_WAIT = 3_600.0
# Seconds between two looks at whether another call has been answered.
_LOOK = 0.1


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
        try:  # an interrupt anywhere in it must leave nothing in the queue
            turn.too_late = self._wait(turn, deadline, endpoint, last, waited)
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
            with self._lock:
                if not self._slowed and deadline.now() >= self._asked_until:
                    return None
                said = self._said[1]
                self._queue.append(turn)
            _log.info("%s: held back, as another call was answered %s", endpoint, said)
            while (pause := self._pause(turn, deadline.now())) > 0:
                if pause >= deadline.remaining():
                    return self._no_time(pause, endpoint, last)
                waited(pause)
                deadline.sleep(pause)
        finally:
            with self._lock, suppress(ValueError):  # it may not have come into it
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
            turn.tried = True
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
            if turn.tried and turn.answered:  # though late, after it made room for the next
                self._slowed, self._trying, self._trying_until = False, None, -math.inf
            elif turn is self._trying:
                self._trying, self._trying_until = None, -math.inf
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
    tried : bool
        Whether it was sent while all others were held back.
    """

    __slots__ = ("answered", "refusal", "too_late", "tried")

    def __init__(self) -> None:
        self.answered = self.tried = False
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
