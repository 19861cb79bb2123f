"""P6: Ctrl-C, SIGTERM and `Task.cancel` at random moments: what runs is stopped, and no file is half there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

import lookerframe as lf
from lookerframe.deadline import Deadline
from tests.connecting import settings_for
from tests.reliability.interrupted import QUERY

if TYPE_CHECKING:
    from lookerframe.local import Server
    from tests.counting import Counts

ROOT = Path(__file__).parent.parent.parent
MOMENTS = 200
SEED = 20_261_123
#: Seconds that a process may take to end.
PATIENCE = 5.0


def _start(server: Server, target: Path) -> subprocess.Popen[str]:
    env = {
        **os.environ,
        "LOOKERSDK_BASE_URL": server.base_url,
        "LOOKERSDK_CLIENT_ID": server.client_id,
        "LOOKERSDK_CLIENT_SECRET": server.client_secret,
    }
    command = [sys.executable, "-m", "tests.reliability.interrupted", str(target)]
    return subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdout=-1, stderr=subprocess.DEVNULL)


def _left_running(server: Server) -> set[str]:
    reply = server.looker._transport.request("GET", "/running_queries", deadline=Deadline(10))
    return {task["query_task_id"] for task in reply.json()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_leave_nothing_behind(number: signal.Signals, tmp_path: Path, counts: Counts) -> None:
    """Whatever it was about: ended in five seconds, known queries stopped, the file whole or not there."""
    draw = random.Random(SEED + number)  # noqa: S311 - moments and formats
    moments = MOMENTS * 2 // 5
    slowest, unknown, stopped, written = 0.0, 0, 0, 0
    with lf.local.start(latency=0.3) as server:
        rows = server.looker.run(QUERY).to_arrow().num_rows
        for moment in range(moments):
            target = tmp_path / f"{moment}.parquet"
            with _start(server, target) as child:
                assert child.stdout is not None
                assert child.stdout.readline() == "ready\n"
                time.sleep(draw.uniform(0, 1.8))
                child.send_signal(number)
                began = time.monotonic()
                output, _ = child.communicate(timeout=60)
                slowest = max(slowest, time.monotonic() - began)
            known = set(output.split())
            left = _left_running(server)
            assert not left & known, f"moment {moment}: {left & known} still run"
            unknown += len(left)
            stopped += bool(known)
            for task in left:  # its id was still on its way when the signal came
                server.looker.task(task).cancel()
            if target.exists():
                written += 1
                assert pq.read_table(target).num_rows == rows
    assert slowest < PATIENCE
    assert stopped
    figures = {"slowest_end_seconds": round(slowest, 2), "ids_never_learned": unknown, "files_written": written}
    counts("P6", **{f"{number.name}_{name}": value for name, value in {"moments": moments, **figures}.items()})


def test_cancelling_ends_the_wait(counts: Counts) -> None:
    """From another thread, at any moment: the query is stopped, and whoever waits for it learns of it soon."""
    draw = random.Random(SEED)  # noqa: S311 - moments and formats
    moments = MOMENTS - 2 * (MOMENTS * 2 // 5)
    slowest, killed = 0.0, 0
    with lf.local.start(latency=0.5) as server:
        settings = settings_for(
            server,
            poll_interval=0.05,
        )
        with lf.Looker(settings) as looker:
            for _ in range(moments):
                task = looker.submit(QUERY)
                outcomes: list[float | str] = []
                waiting = threading.Thread(target=_wait, args=(task, outcomes))
                waiting.start()
                time.sleep(draw.uniform(0, 0.7))
                cancelled = task.cancel()
                began = time.monotonic()
                waiting.join(60)
                (outcome,) = outcomes
                slowest = max(slowest, time.monotonic() - began)
                assert outcome == "TaskKilledError" or not cancelled
                killed += cancelled
                assert task.id not in _left_running(server)
    assert slowest < PATIENCE
    assert killed > 0
    counts("P6", cancel_moments=moments, cancelled=killed, seed=SEED)


def _wait(task: lf.Task, outcomes: list[float | str]) -> None:
    try:
        outcomes.append(task.result().to_arrow().num_rows)
    except lf.LookerFrameError as exc:
        outcomes.append(type(exc).__name__)
