"""Measure lookerframe beside what else reads Looker's results, and write the report.

    python -m benchmarks.run           # `make bench`: about a quarter of an hour; writes docs/benchmarks.md and .svg
    python -m benchmarks.run --quick   # a minute, small bodies; writes out/benchmarks.md and .svg

Needs Linux and the extra ``bench``. Each measurement has a process of its own, on one core; contenders take turns, so
that whatever else the machine does hits them alike.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import generator, measure, report
from benchmarks.contenders import known
from benchmarks.server import serving

_ROOT = Path(__file__).parent.parent
_MB = 1_000_000
_PACE = 20 * _MB
_CLIENTS = ("lookerframe", "looker_sdk + json.loads + DataFrame")


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a run is: bodies in bytes, and how often each measurement is repeated."""

    body: int
    repeats: int
    parquet: tuple[int, ...]
    paced: tuple[int, ...]
    folder: Path


FULL = Scale(24 * _MB, 7, (500 * _MB, 1000 * _MB, 2000 * _MB), (10 * _MB, 500 * _MB), _ROOT / "docs")
QUICK = Scale(2 * _MB, 1, (5 * _MB, 10 * _MB), (2 * _MB,), _ROOT / "out")


def in_memory(scale: Scale) -> dict[str, dict[str, dict[str, Any]]]:
    """Measure all contenders on bodies in memory: shape → contender → medians."""
    found = {}
    for shape in generator.SHAPES.values():
        with tempfile.TemporaryDirectory() as folder:
            rows = _rows(shape, scale.body)
            measure.write(shape, Path(folder), rows=rows)
            names = [contender.name for contender in known(shape.result_format)]
            tasks = {name: {"what": "read", "contender": name, "shape": shape.name, "folder": folder} for name in names}
            found[shape.name] = _turns(tasks, scale.repeats)
    return found


def over_http(scale: Scale) -> dict[str, dict[str, dict[str, Any]]]:
    """Measure clients on a loopback server, plain and with gzip: body → client → medians."""
    found = {}
    for name in ("json_detail", "json_detail_links"):
        shape = generator.SHAPES[name]
        rows = _rows(shape, scale.body)
        size = sum(map(len, generator.body(shape, generator.columns(), rows=rows)))
        for packed in (False, True):
            with serving(shape=name, rows=rows, gzip=packed, rate=0) as address:
                tasks = {
                    client: {"what": "http", "client": client, "shape": name, "address": address} for client in _CLIENTS
                }
                medians = _turns(tasks, scale.repeats)
            found[f"{name}, gzip" if packed else name] = {
                client: figures | {"bytes": size} for client, figures in medians.items()
            }
    return found


def into_parquet(scale: Scale) -> dict[int, dict[str, Any]]:
    """Measure the memory of an export: bytes of the body → figures."""
    return {size: _once(size, "parquet", rate=0) for size in scale.parquet}


def paced(scale: Scale) -> dict[int, dict[str, Any]]:
    """Measure how long after the last bytes the table is ready: bytes of the body → figures."""
    return {size: _once(size, "paced", rate=_PACE) for size in scale.paced}


def main() -> None:
    """Measure everything and write the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Measure, and write the report.")
    parser.add_argument("--quick", action="store_true", help="small bodies, once; the report goes to out/")
    scale = QUICK if parser.parse_args().quick else FULL
    found = report.Measurements(
        body=scale.body,
        repeats=scale.repeats,
        in_memory=in_memory(scale),
        over_http=over_http(scale),
        parquet=into_parquet(scale),
        paced=paced(scale),
    )
    scale.folder.mkdir(exist_ok=True)
    report.draw(found, scale.folder / "benchmarks.svg")
    page = scale.folder / "benchmarks.md"
    page.write_text(report.page(found), encoding="utf-8")
    print(page.read_text(encoding="utf-8"))


def _once(size: int, what: str, *, rate: int) -> dict[str, Any]:
    rows = _rows(generator.SHAPES["json_detail"], size)
    with serving(shape="json_detail", rows=rows, gzip=False, rate=rate) as address:
        return _measured({"what": what, "address": address})


def _rows(shape: generator.Shape, size: int) -> int:
    return generator.rows_of(shape, generator.columns(), size=size)


def _turns(tasks: dict[str, dict[str, Any]], repeats: int) -> dict[str, dict[str, Any]]:
    """Do all tasks in turns, and take the median of each figure; what a task cannot do stands in ``error``."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            runs[name].append(_measured(task))
    return {name: _medians(found) for name, found in runs.items()}


def _medians(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        key: statistics.median(run[key] for run in runs) if isinstance(value, int | float) else value
        for key, value in runs[0].items()
    }


def _measured(task: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.measure", json.dumps(task)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print(task, done.stderr, file=sys.stderr)
        return {"error": (done.stderr.strip().splitlines() or ["no output"])[-1]}
    print(task, done.stdout.strip(), file=sys.stderr)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


if __name__ == "__main__":
    main()
