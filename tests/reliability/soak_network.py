"""N1: real trouble of TCP, in a network of its own: lost packets, resets, a link that goes down."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.counting import Counts

ROOT = Path(__file__).parent.parent.parent
TASKS = 500
SEED = 20_261_123


def test_tasks_survive_a_troubled_network(counts: Counts) -> None:
    """One packet in ten is lost, some connections are reset, the link is down for five seconds: no table is wrong."""
    command = ["unshare", "-n", sys.executable, "-m", "tests.reliability.troubled", str(TASKS), str(SEED)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1_800, check=False)

    assert done.returncode == 0, done.stderr[-3_000:]
    found = json.loads(done.stdout.splitlines()[-1])
    outcomes = found.pop("outcomes")
    assert sum(outcomes.values()) == TASKS
    assert outcomes.get("wrong", 0) == 0
    assert outcomes["right"] >= 0.99 * TASKS
    assert found["retries"] > 0  # the trouble was felt
    counts("N1", **found, **outcomes)
