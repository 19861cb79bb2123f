"""Ask a Looker for results until interrupted: a process that is sent signals at random moments.

``python -m tests.reliability.interrupted FILE`` finds its Looker in the environment. It says ``ready``, the id of each
task that it comes to know, and writes each result to FILE.
"""

from __future__ import annotations

import sys

import lookerframe as lf

QUERY = lf.Query(model="flights", explore="flights", fields=["flights.carrier", "flights.flight", "flights.count"])


def main(target: str) -> None:
    """Submit, wait, write; again."""
    with lf.Looker.from_env(poll_interval=0.05, poll_interval_max=0.1) as looker:
        looker.me()
        _say("ready")
        while True:
            beside = looker.submit(QUERY)
            _say(beside.id)
            task = looker.submit(QUERY)
            _say(task.id)
            lf.write_parquet(task.result(), target)


def _say(what: str) -> None:
    print(what, flush=True)  # noqa: T201 - read by the test


if __name__ == "__main__":
    main(sys.argv[1])
