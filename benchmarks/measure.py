"""One measurement, in a process of its own, on one core.

    python -m benchmarks.measure '{"what": "read", "contender": "lookerframe", "shape": "json", ...}'

It prints the figures as JSON. Everything is done once before, with few rows, so that imports and first calls do not
count. Needs Linux: the core is chosen by ``sched_setaffinity``, the peak of resident memory read from ``/proc``.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import generator
from benchmarks.contenders import CONTENDERS, Task
from benchmarks.delivery import delivered
from benchmarks.server import serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.contenders import Contender

_WARM_ROWS = 2000


def read(contender: str, shape: str, folder: str) -> dict[str, Any]:
    """Have a contender read a body that lies in `folder`; see `_figures` for what is measured."""
    [chosen] = [known for known in CONTENDERS if known.name == contender]
    fields = generator.columns()
    with tempfile.TemporaryDirectory() as warm:
        small = write(generator.SHAPES[shape], Path(warm), rows=_WARM_ROWS)
        task = _task(chosen, generator.SHAPES[shape], fields, small)
        native = chosen.run(task)
        verdict = "" if chosen.is_limit else str(delivered(native, task, rows=_WARM_ROWS))
        del native
        task = _task(chosen, generator.SHAPES[shape], fields, Path(folder) / shape)
        return _figures(lambda: chosen.run(task)) | {"delivers": verdict, "bytes": task.path.stat().st_size}


def http(client: str, shape: str, address: str) -> dict[str, Any]:
    """Have a client fetch the result of a task and make a table of it."""
    fetch = {"lookerframe": _fetch_lookerframe, "looker_sdk + json.loads + DataFrame": _fetch_sdk}[client]
    with serving(shape=shape, rows=_WARM_ROWS, gzip=False, rate=0) as small:
        fetch(small, shape)
    return _figures(lambda: fetch(address, shape))


def parquet(address: str) -> dict[str, Any]:
    """Fetch a result into a Parquet file; `resident` is the peak of the whole process."""
    import lookerframe as lf

    with tempfile.TemporaryDirectory() as folder, lf.Looker(settings(address)) as looker:
        target = Path(folder) / "rows.parquet"
        rows = 0

        def export() -> None:
            nonlocal rows
            rows = lf.write_parquet(looker.task("1").result(timeout=None), target)

        return _figures(export) | {"rows": rows}


def paced(address: str) -> dict[str, Any]:
    """Fetch a result that comes slowly; `late` is the time from the server's last send to the table."""
    with serving(shape="json_detail", rows=_WARM_ROWS, gzip=False, rate=0) as small:
        _fetch_lookerframe(small, "json_detail")
    ready = 0.0

    def fetch() -> Any:
        nonlocal ready
        table = _fetch_lookerframe(address, "json_detail")
        ready = time.monotonic()
        return table

    figures = _figures(fetch)
    with urllib.request.urlopen(f"{address}/sent") as answer:  # noqa: S310
        return figures | {"late": ready - json.load(answer)["at"]}


def write(shape: generator.Shape, folder: Path, *, rows: int) -> Path:
    """Write a body into a folder, and beside it its gzip; return the path of the former."""
    path = folder / shape.name
    fields = generator.columns()
    for target, chunks in (
        (path, generator.body(shape, fields, rows=rows)),
        (path.with_suffix(".gz"), generator.compressed(generator.body(shape, fields, rows=rows))),
    ):
        with target.open("wb") as file:
            file.writelines(chunks)
    return path


def settings(address: str) -> Any:
    """Make lookerframe's settings for a server of ours."""
    import lookerframe as lf

    return lf.Settings(base_url=address, client_id="id", client_secret=lf.Secret("secret"))


def _task(contender: Contender, shape: generator.Shape, fields: Any, path: Path) -> Task:
    files = {"bytes": path, "gzip": path.with_suffix(".gz")}
    data = files[contender.takes].read_bytes() if contender.takes in files else b""
    return Task(shape, fields, path, data)


def _fetch_lookerframe(address: str, _shape: str) -> Any:
    import lookerframe as lf

    with lf.Looker(settings(address)) as looker:
        return looker.task("1").result(timeout=None).to_arrow()


def _fetch_sdk(address: str, shape: str) -> Any:
    import looker_sdk

    from benchmarks.contenders import dataframe

    facts = {"LOOKERSDK_BASE_URL": address, "LOOKERSDK_CLIENT_ID": "id", "LOOKERSDK_CLIENT_SECRET": "secret"}
    os.environ.update(facts)
    text = looker_sdk.init40().query_task_results("1")
    return dataframe(json.loads(text), generator.SHAPES[shape])


def _figures(work: Callable[[], Any]) -> dict[str, Any]:
    """Do the work once: seconds that passed, seconds of CPU, bytes of memory that it took at its peak.

    What the work returns is alive until memory is read, as it would be for a user.
    """
    gc.collect()
    # Linux: from here on the peak is counted anew.
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    clock, cpu = time.perf_counter(), time.process_time()
    kept = work()
    clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
    peak = _status("VmHWM")
    del kept
    return {"seconds": clock, "cpu": cpu, "memory": peak - before, "resident": peak}


def _status(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def main() -> None:
    """Measure what the argument says."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    spec = json.loads(sys.argv[1])
    known: dict[str, Callable[..., dict[str, Any]]] = {"read": read, "http": http, "parquet": parquet, "paced": paced}
    print(json.dumps(known[spec.pop("what")](**spec)))


if __name__ == "__main__":
    main()
