"""Ask a Looker for result after result: a process whose memory, files and threads are counted.

``python -m tests.reliability.many_tasks 20000 2000`` finds its Looker in the environment, runs 20,000 tasks, and prints
as JSON by how much its memory grew after the first 2,000, and what was open before and after. Linux only.
"""

from __future__ import annotations

import gc
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pyarrow as pa

import lookerframe as lf
from tests.reliability.streams import status

_FIELDS = ["weather.origin", "weather.count", "weather.average_temperature"]
_QUERY = lf.Query(model="flights", explore="weather", fields=_FIELDS)
_FAILING = lf.Query(model="flights", explore="flights", fields=["flights.carrier", "flights.broken"])
#: Of so many tasks one fails.
_FAILURES = 20
_FORMATS = ("json_detail", "json_bi", "json", "csv")
_WARM_UP = 20
_THREADS = 4
_AT_ONCE = 100


def main(tasks: int, first: int) -> None:
    """Run them, and say what was held."""
    with _looker() as looker, ThreadPoolExecutor(_THREADS) as pool:
        _tables(looker, pool, range(_WARM_UP))
    opened = _open()
    with _looker() as looker, ThreadPoolExecutor(_THREADS) as pool:
        tables = _tables(looker, pool, range(first))
        settled = _resident()
        tables += _tables(looker, pool, range(first, tasks))
        grown = _resident() - settled
    figures = {"tables": tables, "failures": tasks - tables, "grown": grown, "opened": opened, "left": _open()}
    sys.stdout.write(json.dumps(figures) + "\n")


def _tables(looker: lf.Looker, pool: ThreadPoolExecutor, numbers: range) -> int:
    # Some at a time: a pool makes the futures of all that it is given at once, and their memory is not the library's.
    parts = (numbers[start : start + _AT_ONCE] for start in range(0, len(numbers), _AT_ONCE))
    return sum(sum(pool.map(partial(_run, looker), part)) for part in parts)


def _looker() -> lf.Looker:
    return lf.Looker.from_env(poll_interval=0.005, poll_interval_max=0.05)


def _run(looker: lf.Looker, number: int) -> bool:
    """Run a task; say whether it brought a table, which it must unless it is one of those that fail."""
    fails = number % _FAILURES == _FAILURES - 1
    try:
        table = looker.run(_FAILING if fails else _QUERY, result_format=_FORMATS[number % len(_FORMATS)]).to_arrow()
    except lf.LookerSQLError:
        if not fails:
            raise
        return False
    return table.num_rows > 0 or fails


def _resident() -> int:
    gc.collect()
    pa.default_memory_pool().release_unused()
    return status("VmRSS")


def _open() -> dict[str, int]:
    gc.collect()
    return {kind: len(list(Path("/proc/self", kind).iterdir())) for kind in ("fd", "task")}


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
