"""Which call meets which fault, and the log of those that did."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lookerframe.exceptions import ConfigError
from lookerframe.local.faults import Fault, Faults, Injected

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable

    from lookerframe.local.wire import Call

#: Where bodies are cut when the fault was drawn: anywhere but for the very ends.
_CUTS = (0.02, 0.98)


@dataclass(slots=True)
class _Entry:
    fault: Fault
    left: int


@dataclass(frozen=True, slots=True)
class Meeting:
    """What a call is to meet.

    Attributes
    ----------
    fault : Fault
        With its seconds, if any are given.
    is_drawn : bool
        Whether it was drawn, not asked for by a plan or a header.
    """

    fault: Fault
    is_drawn: bool = False
    entry: _Entry | None = None


class Injector:
    """Plays `Faults` on the calls of one server, from any thread; `known` names its operations."""

    def __init__(self, faults: Faults, *, known: Collection[str]) -> None:
        self._faults = faults
        self._known = known
        self._plan: list[_Entry] = []
        self._drawn = 0
        #: Faults in a row that one request has met; kept only while there is a limit on them.
        self._rows: dict[Hashable, int] = {}
        self._log: list[Injected] = []
        self._lock = threading.Lock()
        self.plan(faults.plan)

    def plan(self, faults: Iterable[Fault]) -> None:
        """Put another plan in the place of what is left of the last one.

        Raises
        ------
        ConfigError
            An operation is not known.
        """
        faults = tuple(faults)
        for fault in faults:
            if fault.on is not None and fault.on not in self._known:
                message = f"on is {fault.on!r}; expected an operation: {', '.join(sorted(self._known))}"
                raise ConfigError(message, setting="on")
        with self._lock:
            self._plan = [_Entry(fault, fault.times) for fault in faults]

    @property
    def log(self) -> tuple[Injected, ...]:
        """What was done so far."""
        with self._lock:
            return tuple(self._log)

    def take(self, call: Call, asked: str | None) -> Meeting | None:
        """Say what a call meets; `asked` is what its own header wants.

        Raises
        ------
        ConfigError
            The header is not understood.
        """
        if asked is not None:
            return self._timed(Meeting(Fault.parse(asked)))
        with self._lock:
            found = self._planned(call) or self._draw(call)
        return None if found is None else self._timed(found)

    def put_back(self, meeting: Meeting) -> None:
        """Keep a fault for a later call, since this one cannot meet it."""
        if meeting.entry is not None:
            with self._lock:
                meeting.entry.left += 1

    def let_through(self, call: Call) -> None:
        """Take down that a call was answered, and not refused: its faults in a row are over."""
        with self._lock:
            self._rows.pop(call.key, None)

    def note(self, call: Call, fault: Fault, *, reached: bool, task_id: str | None) -> None:
        """Take down what is about to be done."""
        with self._lock:
            number = len(self._log) + 1
            self._log.append(Injected(number, fault.kind, call.operation, call.method, call.path, task_id, reached))

    def _timed(self, meeting: Meeting) -> Meeting:
        if meeting.fault.seconds is not None:
            return meeting
        return replace(meeting, fault=replace(meeting.fault, seconds=self._faults.seconds))

    def _planned(self, call: Call) -> Meeting | None:
        for entry in self._plan:
            if entry.left and entry.fault.befalls(call.operation):
                entry.left -= 1
                return Meeting(entry.fault, entry=entry)
        return None

    def _draw(self, call: Call) -> Meeting | None:
        if not self._faults.rate:
            return None
        kinds = self._faults.drawn_on(call.operation)
        row, most = self._rows.get(call.key, 0), self._faults.in_a_row
        if not kinds or (most is not None and row >= most):
            return None
        self._drawn += 1
        drawn = random.Random(f"{self._faults.seed} {self._drawn}")  # noqa: S311 - chooses faults, guards nothing
        if drawn.random() >= self._faults.rate:
            return None
        if most is not None:
            self._rows[call.key] = row + 1
        return Meeting(Fault(drawn.choice(kinds), at=drawn.uniform(*_CUTS)), is_drawn=True)
