"""The end of an operation, and the account of what it has cost."""

from __future__ import annotations

import math

import pytest

from lookerframe.deadline import Deadline, Stats
from lookerframe.exceptions import DeadlineError, LookerFrameError
from tests.clock import Clock


class TestDeadline:
    """One end for a whole operation."""

    def test_counts_down(self) -> None:
        """Never below 0."""
        clock = Clock()
        deadline = clock.deadline(10)

        clock.time += 4

        assert (deadline.elapsed(), deadline.remaining()) == (4, 6)
        clock.time += 40
        assert deadline.remaining() == 0

    def test_check_names_the_phase(self) -> None:
        """And the time that was given."""
        clock = Clock()
        deadline = clock.deadline(10)
        deadline.check("running")
        clock.time += 10

        with pytest.raises(DeadlineError, match=r"10 s.*running") as caught:
            deadline.check("running", endpoint="GET /x")

        assert (caught.value.phase, caught.value.elapsed, caught.value.endpoint) == ("running", 10, "GET /x")
        assert isinstance(caught.value, TimeoutError)

    def test_sleeps_no_longer_than_it_has(self) -> None:
        """A poll at the end is cut short."""
        clock = Clock()

        clock.deadline(10).sleep(60)

        assert clock.sleeps == [10]

    def test_none_has_no_end(self) -> None:
        """Nor does it raise."""
        deadline = Deadline(None)

        deadline.check("running")
        assert deadline.remaining() == math.inf


class TestStats:
    """What calls have cost."""

    def test_phases_are_told_apart(self) -> None:
        """A login while waiting for the query is no waiting."""
        clock = Clock()
        stats = Stats()

        with stats.phase("waiting", clock=lambda: clock.time):
            clock.time += 3
            with stats.phase("logging_in", clock=lambda: clock.time):
                clock.time += 2
            clock.time += 4
        with stats.phase("waiting", clock=lambda: clock.time):
            clock.time += 1

        assert stats.to_dict() == {
            "calls": 0,
            "retries": 0,
            "received_bytes": 0,
            "inflated_bytes": 0,
            "waited_seconds": 0.0,
            "maybe_duplicate_tasks": 0,
            "logging_in_seconds": 2.0,
            "submitting_seconds": 0.0,
            "waiting_seconds": 8.0,
            "downloading_seconds": 0.0,
        }

    def test_a_phase_that_fails_has_taken_its_time(self) -> None:
        """An error is told with what it cost."""
        clock = Clock()
        stats = Stats()

        def fail() -> None:
            with stats.phase("submitting", clock=lambda: clock.time):
                clock.time += 3
                raise LookerFrameError

        with pytest.raises(LookerFrameError):
            fail()

        assert stats.seconds["submitting"] == 3
