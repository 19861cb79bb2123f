"""M4: a process that asks for twenty thousand results ends with the memory, files and threads of its beginning."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lookerframe as lf

if TYPE_CHECKING:
    from tests.counting import Counts

ROOT = Path(__file__).parent.parent.parent
TASKS, FIRST = 20_000, 2_000
#: Of twenty tasks one fails in the database.
FAILURES = TASKS // 20
GROWTH = 20_000_000


def test_twenty_thousand_tasks_leave_nothing_behind(counts: Counts) -> None:
    """In four result formats, a twentieth of them failing; the memory of the first two thousand is not counted."""
    with lf.local.start(result_ttl=30, max_running=100) as server:
        found = _run(server, TASKS, FIRST)

    assert (found["tables"], found["failures"]) == (TASKS - FAILURES, FAILURES)
    assert found["grown"] < GROWTH
    assert found["left"] == found["opened"]
    counts("M4", tasks=TASKS, failures=FAILURES, growth_MB=round(found["grown"] / 1e6, 1), **found["left"])


def _run(server: lf.local.Server, tasks: int, first: int) -> dict[str, Any]:
    env = {
        "LOOKERSDK_BASE_URL": server.base_url,
        "LOOKERSDK_CLIENT_ID": server.client_id,
        "LOOKERSDK_CLIENT_SECRET": server.client_secret,
    }
    command = [sys.executable, "-m", "tests.reliability.many_tasks", str(tasks), str(first)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | env, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
