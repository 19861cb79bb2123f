"""Exports in processes of their own: killed at any moment, refused by the kernel, all at once.

    python -m tests.reliability.exporter kill parquet /tmp/x/out.parquet < delays
    python -m tests.reliability.exporter crowd /tmp/x 16 3
    python -m tests.reliability.exporter refused write 5 24 /tmp/x

The last two print JSON. What a file holds is one of `tables`, all of it; nothing else is whole.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.reliability import kernel

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

KINDS = ("parquet", "csv", "arrow")
#: Seconds after its start, at the most, at which an exporting process is killed: some ten exports.
LONGEST = 0.15
_ROOT = Path(__file__).parent.parent.parent
_ROWS, _BATCH_ROWS, _GENERATIONS = 10_000, 500, 6
_REFUSED = 3


@cache
def tables() -> list[pa.Table]:
    """Draw the tables that are exported, each with rows and values of its own; what they hold does not compress."""
    import pyarrow as pa

    drawn = []
    for generation in range(_GENERATIONS):
        rows = _ROWS + generation
        noise = random.Random(generation).randbytes(16 * rows).hex()  # noqa: S311 - made-up data
        columns = {
            "generation": [generation] * rows,
            "id": list(range(rows)),
            "check": [noise[32 * row : 32 * row + 32] for row in range(rows)],
        }
        drawn.append(pa.table(columns))
    return drawn


def export(kind: str, path: Path, table: pa.Table, *, overwrite: bool = True) -> None:
    """Write a table, by the sink of its kind or by pyarrow's own writer into a published file."""
    import pyarrow as pa

    from lookerframe.sinks.parquet import write_parquet
    from lookerframe.sinks.publish import export_errors, publishing

    if kind == "parquet":
        write_parquet(table, path, rows_per_group=_BATCH_ROWS, compression="none", overwrite=overwrite)
        return
    with publishing(path, overwrite=overwrite) as temporary, export_errors(path, pa.ArrowException):
        export_unsafely(kind, temporary, table)


def export_unsafely(kind: str, path: Path, table: pa.Table) -> None:
    """Write a table straight under its name."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    writers: dict[str, Callable[..., Any]] = {
        "parquet": pq.ParquetWriter,
        "csv": pa.csv.CSVWriter,
        "arrow": pa.ipc.new_file,
    }
    with pa.OSFile(str(path), "wb") as sink, writers[kind](sink, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
            writer.write_batch(batch)


def is_whole(kind: str, path: Path) -> bool:
    """Whether a file can be read and is one of `tables`, row by row."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    readers: dict[str, Callable[[Path], pa.Table]] = {
        "parquet": pq.read_table,
        "csv": pa.csv.read_csv,
        "arrow": lambda path: pa.ipc.open_file(path).read_all(),
    }
    try:
        found = readers[kind](path)
    except pa.ArrowException:
        return False
    return any(found.equals(table) for table in tables())


@dataclass(frozen=True, slots=True)
class Kills:
    """What `kill_at_random` saw.

    Attributes
    ----------
    kills
        Processes that were killed.
    partial
        How often the file under the name was then neither the old one nor a new one.
    interrupted
        How often a temporary file was left, so that the kill fell into an export.
    unswept
        Temporary files of earlier processes that were still there after a later one had begun, or after the last.
    """

    kills: int
    partial: int
    interrupted: int
    unswept: int


def kill_at_random(kind: str, folder: Path, *, kills: int, seed: str, how: str = "kill") -> Kills:
    """Kill that many processes while they export to one path, and look at what is there after each.

    Parameters
    ----------
    kind
        One of `KINDS`.
    folder
        Empty; it holds the file alone in the end.
    kills, seed
        How many, and what the moments are drawn from.
    how
        ``kill``, or ``kill_unsafely`` for exports that write straight under the name.
    """
    target = folder / f"out.{kind}"
    export_unsafely(kind, target, tables()[0])
    chance = random.Random(seed)  # noqa: S311 - moments
    partial = interrupted = unswept = 0
    with _started(how, kind, str(target), stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(kills):
            process.stdin.write(f"{chance.uniform(0, LONGEST)}\n")
            process.stdin.flush()
            assert process.stdout.readline() == "killed\n"
            partial += not is_whole(kind, target)
            left = len(list(folder.iterdir())) - 1
            interrupted += left > 0
            unswept += max(0, left - 1)
        process.stdin.close()
    export(kind, target, tables()[0])
    unswept += len(list(folder.iterdir())) - 1
    return Kills(kills, partial, interrupted, unswept)


def run(*arguments: str) -> Any:
    """Run this module with arguments, and return what it prints."""
    with _started(*arguments) as process:
        out, _ = process.communicate()
    assert process.returncode == 0
    return json.loads(out)


def _started(*arguments: str, stdin: int | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.reliability.exporter", *arguments]
    return subprocess.Popen(command, cwd=_ROOT, stdin=stdin, stdout=subprocess.PIPE, text=True)


# -- what runs in the other process -----------------------------------------------------------------------------------


def _prepare() -> None:
    """Load and draw what a fork of this process needs, or one that may open no folder."""
    import pyarrow.csv  # noqa: F401

    import lookerframe.sinks.parquet  # noqa: F401

    tables()
    version("lookerframe")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _kill(write: Callable[[str, Path, pa.Table], None], kind: str, target: str) -> None:
    """Kill a process that exports, after the seconds that each line of the input says."""
    _prepare()
    _say("ready")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            for table in itertools.cycle(tables()):
                write(kind, Path(target), table)
        time.sleep(float(line))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        _say("killed")


def _crowds(folder: Path, count: int, rounds: int, *, overwrite: bool) -> list[dict[str, Any]]:
    """Let `count` processes export to one path at the same time, for each kind so many times; say how they ended."""
    _prepare()
    seen = []
    for kind, number in itertools.product(KINDS, range(rounds)):
        target = folder / f"{kind}-{number}" / f"out.{kind}"
        target.parent.mkdir()
        seen.append({"kind": kind, "target": str(target), **_crowd(kind, target, count, overwrite=overwrite)})
    return seen


def _crowd(kind: str, target: Path, count: int, *, overwrite: bool) -> dict[str, int]:
    wait, go = os.pipe()
    children = []
    for number in range(count):
        child = os.fork()
        if child == 0:
            os.close(go)
            os.read(wait, 1)  # until the other end is closed
            os._exit(_attempt(kind, target, tables()[number % _GENERATIONS], overwrite=overwrite))
        children.append(child)
    os.close(go)
    os.close(wait)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    return {"written": codes.count(0), "refused": codes.count(_REFUSED)}


def _attempt(kind: str, target: Path, table: pa.Table, *, overwrite: bool) -> int:
    from lookerframe.exceptions import ExportError

    try:
        export(kind, target, table, overwrite=overwrite)
    except ExportError:
        return _REFUSED
    except BaseException:  # noqa: BLE001 - a forked process must not go on as the other one
        return 1
    return 0


def _refused(what: str, error: int, runs: int, folder: Path) -> dict[str, Any]:
    """Export over old files where that cannot go well; say what was raised and what is left."""
    mounted = kernel.mount_small(folder, size=200_000) if what in ("full", "read-only") else False
    olds = {folder / f"old.{kind}": kind for kind in KINDS}
    for path in olds:
        path.write_bytes(b"old")
    _prepare()
    listing = os.open(folder, os.O_RDONLY)
    _bring_about(what, error, folder, mounted=mounted)
    ends: list[str] = []
    for number, (path, kind) in zip(range(runs), itertools.cycle(olds.items()), strict=False):
        linked = what == "link"
        target = path.with_name(f"new.{kind}") if linked else path
        ends.append(_end_of(kind, target, tables()[number % _GENERATIONS], overwrite=not linked))
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in olds}
    return {
        "mounted": mounted,
        "ends": sorted({end.replace(f"{folder}/", "") for end in ends}),
        "errors": sum(end.startswith("ExportError") for end in ends),
        "intact": digests == {hashlib.sha256(b"old").hexdigest()},
        "left": sorted(
            set(os.listdir(listing))  # noqa: PTH208 - by a descriptor
            - {path.name for path in olds}
        ),
    }


def _bring_about(what: str, error: int, folder: Path, *, mounted: bool) -> None:
    if what == "size":
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
    elif what == "no-rights" or (what == "read-only" and not mounted):
        folder.chmod(0o555)
        kernel.drop_rights()
    elif what == "read-only":
        kernel.make_read_only(folder)
    elif not mounted:
        kernel.refuse("write" if what == "full" else what, error)


def _end_of(kind: str, target: Path, table: pa.Table, *, overwrite: bool) -> str:
    try:
        export(kind, target, table, overwrite=overwrite)
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is what the test looks at
        return f"{type(exc).__name__}: {exc}"
    return "written"


def main(command: str, *arguments: str) -> None:
    """Do what the command line says."""
    if command in ("kill", "kill_unsafely"):
        _kill(export if command == "kill" else export_unsafely, *arguments)
    elif command in ("crowd", "crowd_for_one_place"):
        folder, count, rounds = arguments
        _say(json.dumps(_crowds(Path(folder), int(count), int(rounds), overwrite=command == "crowd")))
    else:
        what, error, runs, folder = arguments
        _say(json.dumps(_refused(what, int(error), int(runs), Path(folder))))


if __name__ == "__main__":
    main(*sys.argv[1:])
