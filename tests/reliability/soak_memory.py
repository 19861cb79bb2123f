"""M1, M2: memory that a result takes on its way into a file does not depend on its size; in memory it is a multiple."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import generator
from benchmarks.contenders import Task
from benchmarks.delivery import expected
from tests.reliability import streams

if TYPE_CHECKING:
    from tests.counting import Counts

MB = 1_000_000
#: Bytes of the bodies that go into files, small and large.
SIZES = 1_000 * MB, 5_000 * MB
LIMIT, PEAK = 512 * MB, 400 * MB
#: From the small body to the large one: 5 MB for each of four gigabytes.
GROWTH = 20 * MB
#: Bytes of Arrow data that are kept in memory.
KEPT = 500 * MB, 1_500 * MB
FACTOR, BESIDES = 2.5, 250 * MB


@pytest.mark.parametrize("shape", ["csv", "json_detail"])
def test_a_large_result_goes_into_a_file_in_little_memory(shape: str, tmp_path: Path, counts: Counts) -> None:
    """A process that may hold 512 MB writes it, and its peak is the same for five times the rows."""
    peaks = [_exported(shape, size, tmp_path / "out.parquet") for size in SIZES]

    assert max(peaks) <= PEAK
    assert peaks[1] - peaks[0] <= GROWTH
    figures = {f"{shape}_peak_MB_at_{size // MB}_MB": round(peak / MB) for size, peak in zip(SIZES, peaks, strict=True)}
    with streams.memory_limit(LIMIT) as group:
        limited = "512 MB by a control group" if group else "none: no control group can be made here"
    counts("M1", limit=limited, seed=generator.SEED, **figures)


def _exported(shape: str, size: int, target: Path) -> int:
    """Export a body of `size` bytes, compare the file with what was drawn, remove it; return the peak of memory."""
    rows = generator.rows_of(generator.SHAPES[shape], generator.columns(), size=size)
    with streams.memory_limit(LIMIT) as group, streams.serving(shape, rows) as address:
        measured = streams.run("export", address, str(target), str(group or ""))
    assert measured["rows"] == rows
    _assert_is_what_was_drawn(target, shape, rows)
    target.unlink()
    return int(measured["peak"])


def _assert_is_what_was_drawn(target: Path, shape: str, rows: int) -> None:
    distinct = generator.DISTINCT_ROWS
    task = Task(generator.SHAPES[shape], generator.columns(), target, b"")
    drawn = expected(task, rows=2 * distinct)
    start = 0
    for batch in pq.ParquetFile(target).iter_batches(batch_size=distinct):
        due = drawn.slice(start % distinct, batch.num_rows)
        assert pa.table(batch).select(drawn.column_names).equals(due)
        start += batch.num_rows
    assert start == rows


def test_a_result_in_memory_takes_a_multiple_of_its_size(counts: Counts) -> None:
    """At its peak two and a half times what the table holds, and what Python and its libraries take."""
    shape = generator.SHAPES["json_detail"]
    per_row = expected(Task(shape, generator.columns(), Path(), b""), rows=10_000).nbytes / 10_000
    figures = {}
    for size in KEPT:
        with streams.serving("json_detail", round(size / per_row)) as address:
            measured = streams.run("hold", address)
        assert measured["bytes"] >= 0.9 * size
        assert measured["peak"] <= FACTOR * measured["bytes"] + BESIDES
        figures[f"peak_MB_of_{measured['bytes'] // MB}_MB"] = measured["peak"] // MB
    counts("M2", seed=generator.SEED, **figures)
