"""One end for a whole operation, and what it has cost so far; both go with every call that is part of it."""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from lookerframe.exceptions import ConfigError, DeadlineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
