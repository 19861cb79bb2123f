"""Run tasks where packets are lost, connections are reset and the link goes down: a process in a network of its own.

``unshare -n python -m tests.reliability.troubled TASKS SEED`` prints one JSON object of what came of it.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import lookerframe as lf
from tests.connecting import settings_for

FORMATS = ("json_detail", "json_bi", "json", "csv")
FIELDS = ["flights.carrier", "flights.origin", "flights.time_month", "flights.count", "flights.average_dep_delay"]
RULES = """
table inet trouble {
  chain received {
    type filter hook input priority 0;
    numgen random mod 100 < 10 drop
    tcp flags & (syn | rst) == 0 numgen random mod 1000 < 3 reject with tcp reset
  }
}
"""


def main(tasks: int, seed: int) -> None:
    """Serve and ask, and print what came of it."""
    _run("ip", "link", "set", "lo", "up")
    draw = random.Random(seed)  # noqa: S311 - moments and formats
    with lf.local.start(users=1) as server:
        expected = server.looker.run(_query("UA"), result_format="json_detail").to_arrow()
        server.looker.close()
        _run("nft", "-f", "-", text=RULES)
        settings = settings_for(
            server,
            timeout=10,
            connect_timeout=10,
            backoff_base=0.05,
            backoff_cap=1,
            connect_attempts=10,
            poll_interval=0.05,
        )
        stop = threading.Event()
        cutting = threading.Thread(target=_cut_link, args=(stop,))
        cutting.start()
        with lf.Looker(settings) as looker, ThreadPoolExecutor(16) as pool:
            formats = [draw.choice(FORMATS) for _ in range(tasks)]
            outcomes = list(pool.map(lambda result_format: _outcome(looker, result_format, expected), formats))
            retries = looker._transport.stats.retries
            stop.set()
        cutting.join()
        _run("nft", "flush", "ruleset")
    found = {kind: outcomes.count(kind) for kind in sorted(set(outcomes))}
    dropped = {"retries": retries, "link_down_seconds": 5}
    print(json.dumps({"tasks": tasks, "seed": seed, "outcomes": found, **dropped}))  # noqa: T201 - read by the test


def _query(carrier: str) -> lf.Query:
    return lf.Query(
        model="flights",
        explore="flights",
        fields=FIELDS,
        filters={"flights.carrier": carrier},
        sorts=["flights.origin", "flights.time_month"],
    )


def _outcome(looker: lf.Looker, result_format: str, expected: Any) -> str:
    try:
        table = looker.run(_query("UA"), result_format=result_format, timeout=120).to_arrow()
    except lf.LookerFrameError as exc:
        return type(exc).__name__
    return "right" if table.to_pylist() == expected.to_pylist() else "wrong"


def _cut_link(stop: threading.Event) -> None:
    """Take the link away once, for five seconds."""
    if not stop.wait(3):
        _run("ip", "link", "set", "lo", "down")
        time.sleep(5)
        _run("ip", "link", "set", "lo", "up")


def _run(*command: str, text: str | None = None) -> None:
    subprocess.run(command, input=text, text=True, check=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
