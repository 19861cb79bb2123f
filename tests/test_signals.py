"""Ctrl-C and SIGTERM while a query runs: it is stopped on the server, and the process ends as it should."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import lookerframe as lf
from lookerframe.deadline import Deadline
from lookerframe.signals import exit_on_sigterm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.local import Server

ROOT = Path(__file__).parent.parent
CHILD = """
import logging
import lookerframe as lf

logging.basicConfig()
logging.getLogger("urllib3").setLevel("DEBUG")  # each answer, on stderr
query = lf.Query(model="flights", explore="flights", fields=["flights.carrier", "flights.count"])
with lf.Looker.from_env(poll_interval=0.05) as looker:
    print("ready", flush=True)
    try:
        looker.run(query)
    finally:
        print("tidied up", flush=True)
"""


@pytest.fixture(scope="module")
def slow() -> Iterator[Server]:
    """Run a local Looker whose queries take a minute."""
    with lf.local.start(latency=60.0) as running:
        yield running


def _started(server: Server) -> subprocess.Popen[str]:
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LOOKERSDK_BASE_URL": server.base_url,
        "LOOKERSDK_CLIENT_ID": server.client_id,
        "LOOKERSDK_CLIENT_SECRET": server.client_secret,
    }
    return subprocess.Popen([sys.executable, "-c", CHILD], env=env, text=True, stdout=-1, stderr=-1)


def _running(server: Server) -> list[str]:
    return [task["query_task_id"] for task in _get(server, "/running_queries")]


def _get(server: Server, path: str) -> list[dict[str, str]]:
    reply = server.looker._transport.request("GET", path, deadline=Deadline(10))
    found: list[dict[str, str]] = reply.json()
    return found


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_a_signal_stops_the_query(slow: Server, number: int, status: int) -> None:
    """The process tidies up, and its status says what ended it."""
    with _started(slow) as child:
        # Once it was asked how its task is, it knows the id: before that, nobody could stop it.
        assert child.stderr is not None
        assert any('"GET /api/4.0/query_tasks' in line for line in child.stderr)
        running = _running(slow)
        child.send_signal(number)
        output, _ = child.communicate(timeout=20)

    assert len(running) == 1
    assert _running(slow) == []
    assert output.split("\n")[-2] == "tidied up"
    assert child.returncode == status


def test_sigterm_is_left_alone_where_it_is_handled() -> None:
    """The handler of a program stays in its place, within the block and after it."""
    met: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: met.append(number))
    try:
        with exit_on_sigterm():
            signal.raise_signal(signal.SIGTERM)
        assert met == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_sigterm_is_given_back() -> None:
    """After the block it ends the process again, as it did before; a handler that was set meanwhile stays."""
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    with pytest.raises(SystemExit) as caught, exit_on_sigterm():
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL

    try:
        with exit_on_sigterm():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_a_block_may_end_in_another_thread() -> None:
    """It cannot give the signal back there, and does not try."""
    manager = exit_on_sigterm()
    manager.__enter__()
    raised: list[BaseException] = []

    def leave() -> None:
        try:
            manager.__exit__(None, None, None)
        except ValueError as exc:
            raised.append(exc)

    try:
        thread = threading.Thread(target=leave)
        thread.start()
        thread.join()
        assert raised == []
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_other_threads_do_not_touch_signals() -> None:
    """Python lets only the main thread."""
    seen: list[object] = []

    def work() -> None:
        with exit_on_sigterm():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert seen == [signal.SIG_DFL]


@pytest.fixture
def idle() -> Iterator[lf.Looker]:
    """Give a client that asks nothing, and leave SIGTERM as it was."""
    yield lf.Looker(lf.Settings(base_url="http://127.0.0.1:9", client_id="id", client_secret=lf.Secret("secret")))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _exits_on_sigterm() -> bool:
    """Send it, if that does not end these tests."""
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        return False
    with pytest.raises(SystemExit) as caught:
        signal.raise_signal(signal.SIGTERM)
    return caught.value.code == 128 + signal.SIGTERM


def test_a_block_within_a_block_does_not_end_the_outer(idle: lf.Looker) -> None:
    """SIGTERM is an exit until the outer one ends, also for the same client."""
    with idle:
        with idle:
            assert _exits_on_sigterm()
        assert _exits_on_sigterm()

    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize("outlives", [False, True])
def test_a_block_in_another_thread_does_not_end_that_of_the_main_one(idle: lf.Looker, outlives: bool) -> None:
    """Its handler stays while it lasts, and goes with it, whichever block ends first."""
    entered, leave = threading.Event(), threading.Event()

    def work() -> None:
        with idle:
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=work)
    try:
        with idle:
            thread.start()
            assert entered.wait(10)
            if not outlives:
                leave.set()
                thread.join()
            assert _exits_on_sigterm()
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        leave.set()
        thread.join()
