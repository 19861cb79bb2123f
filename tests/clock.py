"""Time that tests let pass."""

from __future__ import annotations

from lookerframe.deadline import Deadline


class Clock:
    """Time that passes only in sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.sleeps: list[float] = []

    def wait(self, seconds: float) -> None:
        """Pass for `time.sleep`."""
        self.sleeps.append(seconds)
        self.time += seconds

    def deadline(self, seconds: float | None) -> Deadline:
        """Make a deadline on this clock."""
        return Deadline(seconds, clock=lambda: self.time, wait=self.wait)
