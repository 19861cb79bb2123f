"""The pace of a client whose server is too busy."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from lookerframe.config import Secret, Settings
from lookerframe.deadline import Deadline
from lookerframe.exceptions import (
    AuthError,
    IncompleteResultError,
    InvalidQueryError,
    LookerFrameError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ServerError,
)
from lookerframe.limiter import Limiter
from lookerframe.transport import Transport
from tests.clock import Clock
from tests.faults import FaultServer, reply

if TYPE_CHECKING:
    from collections.abc import Callable


class TestLimiter:
    """One pace for all threads of a client."""

    REFUSED = ServerError("down", status=503)

    def refuse(self, limiter: Limiter, clock: Clock, error: LookerFrameError = REFUSED) -> None:
        """Have a call refused."""
        with limiter.turn(clock.deadline(600), endpoint="GET /x", last=None, waited=clock.sleeps.append) as turn:
            turn.ended(error)

    def waited(self, limiter: Limiter, clock: Clock, error: LookerFrameError | None = None) -> float:
        """Tell how long a call is held back, and end it like this."""
        began = clock.time
        with limiter.turn(clock.deadline(600), endpoint="GET /x", last=None, waited=lambda _: None) as turn:
            turn.ended(error)
        return clock.time - began

    def test_tries_are_ever_further_apart(self) -> None:
        """At least the base, at most a bound that doubles up to the cap."""
        clock, limiter = Clock(), Limiter(1, 8)
        assert self.waited(limiter, clock) == 0
        self.refuse(limiter, clock)

        apart = [self.waited(limiter, clock, self.REFUSED) for _ in range(200)]

        assert apart[0] == pytest.approx(1)
        assert 1 <= apart[1] <= 2.001
        assert 1 <= apart[2] <= 4.001
        assert all(1 <= wait <= 8.001 for wait in apart)
        assert max(apart) > 7
        assert min(apart[3:]) < 2

    @pytest.mark.parametrize(
        "answer", [None, NotFoundError("no", status=404), InvalidQueryError([]), AuthError("no", status=401)]
    )
    def test_an_answer_lets_all_go_on(self, answer: LookerFrameError | None) -> None:
        """Also one that says no."""
        clock, limiter = Clock(), Limiter(1, 8)
        self.refuse(limiter, clock)

        assert self.waited(limiter, clock, answer) == pytest.approx(1)
        assert [self.waited(limiter, clock) for _ in range(3)] == [0, 0, 0]

    @pytest.mark.parametrize(
        "failure",
        [REFUSED, RateLimitError("no", status=429), ServerError("no", status=502), NetworkError("no", reason="reset")],
    )
    def test_anything_else_does_not(self, failure: LookerFrameError) -> None:
        """A gateway that is down is no sign of better times."""
        clock, limiter = Clock(), Limiter(1, 8)
        self.refuse(limiter, clock)

        assert self.waited(limiter, clock, failure) == pytest.approx(1)
        assert self.waited(limiter, clock) >= 1

    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_only_a_server_that_is_too_busy_slows(self, status: int) -> None:
        """One that fails is tried again by the call itself."""
        clock, limiter = Clock(), Limiter(1, 8)
        self.refuse(limiter, clock, ServerError("no", status=status))

        assert self.waited(limiter, clock) == 0

    def test_an_answer_to_an_older_call_does_not(self) -> None:
        """It was sent before the server got busy."""
        clock, limiter = Clock(), Limiter(1, 8)
        with limiter.turn(clock.deadline(600), endpoint="GET /x", last=None, waited=lambda _: None) as older:
            self.refuse(limiter, clock)
            older.ended()

        assert self.waited(limiter, clock) == pytest.approx(1)

    def test_many_refusals_at_once_are_one(self) -> None:
        """Calls that were on their way together say the same thing."""
        clock, limiter = Clock(), Limiter(1, 8)
        turns = [
            limiter.turn(clock.deadline(600), endpoint="GET /x", last=None, waited=lambda _: None) for _ in range(9)
        ]
        entered = [turn.__enter__() for turn in turns]
        for manager, turn in zip(turns, entered, strict=True):
            turn.ended(self.REFUSED)
            manager.__exit__(None, None, None)

        assert self.waited(limiter, clock) == pytest.approx(1)

    def test_a_time_that_was_asked_for_outlives_an_answer(self) -> None:
        """The server may have meant one of two calls that crossed, but it did say so."""
        clock, limiter = Clock(), Limiter(1, 8)
        with limiter.turn(clock.deadline(600), endpoint="GET /x", last=None, waited=lambda _: None) as older:
            self.refuse(limiter, clock)
            assert self.waited(limiter, clock) == pytest.approx(1)
            older.ended(RateLimitError("no", status=429, retry_after=30))
        asked = clock.time

        self.waited(limiter, clock)
        assert clock.time - asked == pytest.approx(30)
        assert self.waited(limiter, clock) == 0

    def test_a_time_that_was_asked_for_is_not_shortened(self) -> None:
        """By a refusal of another call that names less, or nothing."""
        clock, limiter = Clock(), Limiter(1, 8)
        with limiter.turn(clock.deadline(600), endpoint="GET /x", last=None, waited=lambda _: None) as older:
            self.refuse(limiter, clock, RateLimitError("no", status=429, retry_after=30))
            older.ended(RateLimitError("no", status=429, retry_after=2))

        assert self.waited(limiter, clock) == pytest.approx(30)

    def test_nobody_is_asked_to_wait_for_a_day(self) -> None:
        """A server that asks for more than an hour is tried after an hour."""
        clock, limiter = Clock(), Limiter(1, 8)
        self.refuse(limiter, clock, RateLimitError("no", status=429, retry_after=86_400))

        with limiter.turn(clock.deadline(7_200), endpoint="GET /x", last=None, waited=lambda _: None) as turn:
            turn.ended()
        assert clock.time == pytest.approx(1000 + 3600)

    def test_each_slowdown_begins_at_the_base(self) -> None:
        """What the one before it came to is forgotten."""
        clock, limiter = Clock(), Limiter(1, 64)
        for _ in range(20):
            self.refuse(limiter, clock)
            for _ in range(5):
                self.waited(limiter, clock, self.REFUSED)
            self.waited(limiter, clock)
            self.refuse(limiter, clock)
            assert self.waited(limiter, clock, self.REFUSED) == pytest.approx(1)
            assert self.waited(limiter, clock) <= 2.001

    def test_nothing_is_said_of_a_call_that_does_not_wait(self, caplog: pytest.LogCaptureFixture) -> None:
        """Only those that are held back are logged, with what was said to another."""
        caplog.set_level(logging.INFO, logger="lookerframe")
        clock, limiter = Clock(), Limiter(1, 8)
        self.waited(limiter, clock)
        self.refuse(limiter, clock)
        assert not caplog.records

        self.waited(limiter, clock)
        self.waited(limiter, clock)
        assert [record.getMessage() for record in caplog.records] == [
            "GET /x: held back, as another call was answered 503 down"
        ]

    def test_the_bound_doubles_with_each_try(self) -> None:
        """After eight of them it is 256 times the base."""
        drawn = []
        for _ in range(40):
            clock, limiter = Clock(), Limiter(1, 10_000)
            self.refuse(limiter, clock)
            drawn.append([self.waited(limiter, clock, self.REFUSED) for _ in range(9)][-1])

        assert 64 < max(drawn) <= 256.001

    def test_an_outage_has_no_end_of_numbers(self) -> None:
        """Two to the power of the tries passes what a float holds."""
        clock, limiter = Clock(), Limiter(1, 8)
        self.refuse(limiter, clock)

        assert max(self.waited(limiter, clock, self.REFUSED) for _ in range(1_200)) <= 8.001

    def test_a_try_that_hangs_makes_room(self) -> None:
        """After the cap, another one may try; an answer to the first lets all go on all the same."""
        clock, limiter = Clock(), Limiter(1, 8)
        self.refuse(limiter, clock)
        with limiter.turn(clock.deadline(600), endpoint="GET /x", last=None, waited=lambda _: None) as hanging:
            assert self.waited(limiter, clock, self.REFUSED) == pytest.approx(8, abs=0.11)
            hanging.ended()

        assert self.waited(limiter, clock) == 0

    def test_a_call_without_the_time_ends_as_it_failed_last(self) -> None:
        """Not with a bare "time is over"."""
        clock, limiter = Clock(), Limiter(10, 80)
        self.refuse(limiter, clock)
        before = clock.time
        last = RateLimitError("no", status=429)

        with limiter.turn(clock.deadline(5), endpoint="GET /x", last=last, waited=lambda _: None) as turn:
            assert turn.too_late is last
        with limiter.turn(clock.deadline(5), endpoint="GET /x", last=None, waited=lambda _: None) as other:
            assert isinstance(other.too_late, ServerError)

            assert other.too_late.attempts == 0
            assert other.too_late.retry_after == pytest.approx(10)
        longer = RateLimitError("no", status=429, retry_after=30)
        with limiter.turn(clock.deadline(5), endpoint="GET /x", last=longer, waited=lambda _: None):
            pass

        assert last.retry_after == pytest.approx(10)
        assert longer.retry_after == 30
        assert clock.time == before

    def test_a_call_that_failed_in_its_body_ends_so(self) -> None:
        """Such an error says nothing of when to come again; a refusal learns it, however soon that is."""
        clock, limiter = Clock(), Limiter(0.5, 8)
        self.refuse(limiter, clock)
        for last in (IncompleteResultError("cut"), RateLimitError("no", status=429)):
            with limiter.turn(clock.deadline(0.1), endpoint="GET /x", last=last, waited=lambda _: None) as turn:
                assert turn.too_late is last

        assert isinstance(last, RateLimitError)
        assert last.retry_after == pytest.approx(0.5)

    def test_a_cap_below_the_base_is_the_base(self) -> None:
        """Tries come no closer than that."""
        clock, limiter = Clock(), Limiter(5, 1)
        self.refuse(limiter, clock)

        assert all(self.waited(limiter, clock, self.REFUSED) == pytest.approx(5) for _ in range(9))

    def test_is_fair(self) -> None:
        """Who came first tries first."""
        limiter, order = Limiter(0.01, 0.02), []
        with limiter.turn(Deadline(20), endpoint="GET /x", last=None, waited=lambda _: None) as turn:
            turn.ended(RateLimitError("no", status=429, retry_after=0.4))

        def work(number: int) -> None:
            with limiter.turn(Deadline(20), endpoint="GET /x", last=None, waited=lambda _: None) as turn:
                order.append(number)
                turn.ended(self.REFUSED if number < 5 else None)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
            time.sleep(0.02)
        for thread in threads:
            thread.join()

        assert order == [0, 1, 2, 3, 4, 5]

    def test_an_interrupt_leaves_nothing_in_the_queue(self) -> None:
        """Calls that come later are not held up by one that is not made any more."""
        clock, limiter = Clock(), Limiter(1, 8)
        self.refuse(limiter, clock)

        def interrupted(_seconds: float) -> None:
            raise KeyboardInterrupt

        with (
            pytest.raises(KeyboardInterrupt),
            limiter.turn(clock.deadline(60), endpoint="x", last=None, waited=interrupted),
        ):
            pass

        assert not limiter._queue
        assert self.waited(limiter, clock) >= 1


# Windows has no fork, so there is nothing to go wrong there.
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_does_not_wait_for_a_turn_of_its_parent() -> None:
    """The thread that has it does not exist in the child, and would never give it up."""
    with FaultServer(reply(200, {})) as server:
        known: dict[str, Any] = {"base_url": server.url, "client_id": "id", "client_secret": Secret("secret")}
        client = Transport(Settings(**known, backoff_base=0.001, backoff_cap=60))
        with client._limiter.turn(Deadline(5), endpoint="GET /x", last=None, waited=lambda _: None) as refused:
            refused.ended(ServerError("down", status=503))
        with client._limiter.turn(Deadline(5), endpoint="GET /x", last=None, waited=lambda _: None):
            status = _status_of_child(lambda: client.request("GET", "/user", deadline=Deadline(1)))
        client.close()

    assert status == 0
    assert server.paths == ["GET /user"]


def _status_of_child(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:  # it does nothing but this
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
