"""`write_parquet`: one file, whole or not at all, whatever goes wrong meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookerframe.exceptions import ConfigError, ConversionError, DeadlineError, ExportError
from lookerframe.query import Query
from lookerframe.sinks import parquet
from lookerframe.sinks.parquet import write_parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lookerframe.client import Looker

SCHEMA = pa.schema([("flights.id", pa.int64()), ("flights.carrier", pa.string())], metadata={"lookerframe.kept": "yes"})
OLD = pa.table({"old": [1, 2, 3]})


def batch(start: int, rows: int = 10) -> pa.RecordBatch:
    """Make rows `start` to `start + rows - 1`."""
    ids = range(start, start + rows)
    return pa.record_batch([list(ids), [f"c{number % 7}" for number in ids]], schema=SCHEMA)


def reader(batches: Iterator[pa.RecordBatch] | list[pa.RecordBatch]) -> pa.RecordBatchReader:
    """Make a stream of batches."""
    return pa.RecordBatchReader.from_batches(SCHEMA, batches)


class Stream:
    """Rows with metadata, as `Result` has them: complete when the rows have been read."""

    def __init__(self, *batches: pa.RecordBatch) -> None:
        self.metadata: dict[str, Any] = {}
        self._batches = batches

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return reader(self._read()).__arrow_c_stream__(requested_schema)

    def _read(self) -> Iterator[pa.RecordBatch]:
        yield from self._batches
        self.metadata |= {"query_id": "q1", "task_id": "t1", "model": "flights", "explore": "flights", "sql": "SELECT"}
        self.metadata |= {"timezone": "America/New_York", "ran_at": None, "limit": 500}


class FailingStream:
    """A stream that fails half-way, and remembers its error as `Result` does."""

    def __init__(self, failure: BaseException) -> None:
        self._coming = failure
        self._failure: BaseException | None = None

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return reader(self._read()).__arrow_c_stream__(requested_schema)

    def _read(self) -> Iterator[pa.RecordBatch]:
        yield batch(0)
        yield batch(10)
        self._failure = self._coming
        raise self._coming


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Give the path of a file that holds `OLD`."""
    path = tmp_path / "out.parquet"
    pq.write_table(OLD, path)
    return path


def group_sizes(path: Path) -> list[int]:
    """Return the rows of each row group."""
    metadata = pq.read_metadata(path)
    return [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]


@pytest.mark.parametrize(
    "make",
    [
        lambda table: table,
        lambda table: table.to_reader(max_chunksize=3),
        lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
        lambda table: Stream(*table.to_batches()),
    ],
    ids=["table", "reader", "pandas", "stream"],
)
def test_any_arrow_stream_is_written(tmp_path: Path, make: Callable[[pa.Table], Any]) -> None:
    """Tables, readers, frames and whatever else has an Arrow C stream come back as they were."""
    table = pa.Table.from_batches([batch(0), batch(10)])

    rows = write_parquet(make(table), tmp_path / "out.parquet")

    assert rows == 20
    assert pq.read_table(tmp_path / "out.parquet").equals(table)
    assert list(tmp_path.iterdir()) == [tmp_path / "out.parquet"]


def test_no_rows_keep_their_schema(tmp_path: Path) -> None:
    """An empty result is a file with the columns and no rows."""
    assert write_parquet(reader([]), tmp_path / "out.parquet") == 0

    assert pq.read_table(tmp_path / "out.parquet").equals(SCHEMA.empty_table())


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([10, 10, 10], [25, 5]),
        ([25, 25], [25, 25]),
        ([60], [25, 25, 10]),
        ([1] * 26, [25, 1]),
        ([0, 25, 0], [25]),
    ],
)
def test_row_groups_have_the_size_that_was_asked_for(tmp_path: Path, sizes: list[int], expected: list[int]) -> None:
    """Batches are joined and cut, whatever their size; the order of the rows stays."""
    batches = [batch(sum(sizes[:index]), size) for index, size in enumerate(sizes)]

    write_parquet(reader(batches), tmp_path / "out.parquet", rows_per_group=25)

    assert group_sizes(tmp_path / "out.parquet") == expected
    assert pq.read_table(tmp_path / "out.parquet")["flights.id"].to_pylist() == list(range(sum(sizes)))


def test_wide_rows_make_smaller_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group ends sooner when it holds many bytes, so that memory is bounded for any width."""
    monkeypatch.setattr(parquet, "_GROUP_BYTES", batch(0).nbytes * 2)

    write_parquet(reader([batch(start) for start in range(0, 50, 10)]), tmp_path / "out.parquet")

    assert group_sizes(tmp_path / "out.parquet") == [20, 20, 10]


def test_memory_holds_one_group_not_the_stream(tmp_path: Path) -> None:
    """However long the stream is, about one row group of it is held."""
    per_batch = batch(0, 1_000).nbytes
    before = pa.total_allocated_bytes()
    peaks = []

    def produce() -> Iterator[pa.RecordBatch]:
        for number in range(400):
            yield batch(number * 1_000, 1_000)
            peaks.append(pa.total_allocated_bytes() - before)

    write_parquet(reader(produce()), tmp_path / "out.parquet", rows_per_group=10_000)

    assert group_sizes(tmp_path / "out.parquet") == [10_000] * 40
    assert max(peaks) < 40 * per_batch


def test_file_says_that_it_is_complete_and_where_it_comes_from(tmp_path: Path) -> None:
    """The metadata of the schema is kept; counts, version and lineage are added when all rows were read."""
    write_parquet(Stream(batch(0), batch(10)), tmp_path / "out.parquet")

    metadata = pq.read_metadata(tmp_path / "out.parquet").metadata
    assert metadata[b"lookerframe.kept"] == b"yes"
    assert metadata[b"lookerframe.complete"] == b"true"
    assert metadata[b"lookerframe.rows"] == b"20"
    assert metadata[b"lookerframe.version"].decode() == version("lookerframe")
    assert json.loads(metadata[b"lookerframe.lineage"]) == {
        "query_id": "q1",
        "task_id": "t1",
        "model": "flights",
        "explore": "flights",
        "sql": "SELECT",
        "timezone": "America/New_York",
    }


def test_result_of_a_query_is_traceable(looker: Looker, tmp_path: Path) -> None:
    """A file that was written from a result names the query, its SQL and the task that ran it."""
    result = looker.run(Query(model="flights", explore="flights", fields=["flights.origin", "flights.count"]))

    rows = write_parquet(result, tmp_path / "out.parquet")

    lineage = json.loads(pq.read_metadata(tmp_path / "out.parquet").metadata[b"lookerframe.lineage"])
    assert rows == 3
    assert pq.read_table(tmp_path / "out.parquet").schema.names == ["flights.origin", "flights.count"]
    assert lineage["task_id"] == result.metadata["task_id"]
    assert (lineage["model"], lineage["explore"], lineage["timezone"]) == ("flights", "flights", "UTC")
    assert "flights.origin" in lineage["sql"]
    assert {"query_id", "slug", "ran_at"} <= lineage.keys()


def test_data_without_a_query_has_no_lineage(tmp_path: Path) -> None:
    """A plain table is written with what is true of it."""
    write_parquet(OLD, tmp_path / "out.parquet")

    metadata = pq.read_metadata(tmp_path / "out.parquet").metadata
    assert metadata[b"lookerframe.rows"] == b"3"
    assert b"lookerframe.lineage" not in metadata


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "brotli", "lz4", "none"])
def test_compression(tmp_path: Path, compression: str) -> None:
    """The columns are written with the codec that was asked for."""
    write_parquet(OLD, tmp_path / "out.parquet", compression=compression)

    found = pq.read_metadata(tmp_path / "out.parquet").row_group(0).column(0).compression
    assert found.lower() == {"none": "uncompressed"}.get(compression, compression)


@pytest.mark.parametrize(
    "failure",
    [
        ConversionError("flights.id", row=12, value="x", arrow_type="int64"),
        DeadlineError("out of time", phase="downloading"),  # an OSError too, but none of the file's
        KeyboardInterrupt(),
    ],
    ids=["conversion", "deadline", "interrupt"],
)
def test_failure_of_the_stream_comes_out_as_it_is(old: Path, failure: BaseException) -> None:
    """Half of the rows are no result: the error is the stream's own, the old file stays, nothing else is left."""
    with pytest.raises(type(failure)) as caught:
        write_parquet(FailingStream(failure), old, rows_per_group=5)

    assert caught.value is failure
    assert pq.read_table(old).equals(OLD)
    assert list(old.parent.iterdir()) == [old]


def test_foreign_failure_of_the_stream_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    """An error of the operating system that the producer met is no `ExportError`."""

    def produce() -> Iterator[pa.RecordBatch]:
        yield batch(0)
        message = "the producer's file is gone"
        raise FileNotFoundError(message)

    with pytest.raises(OSError, match="producer's file") as caught:
        write_parquet(reader(produce()), tmp_path / "out.parquet", rows_per_group=5)

    assert not isinstance(caught.value, ExportError)
    assert list(tmp_path.iterdir()) == []


def test_column_that_parquet_cannot_hold(old: Path) -> None:
    """A type without a place in Parquet is told as such."""
    table = pa.table({"a": pa.array([None], pa.month_day_nano_interval())})

    with pytest.raises(ExportError, match=r"out\.parquet: .*month_day_nano_interval"):
        write_parquet(table, old)

    assert pq.read_table(old).equals(OLD)


def _in_no_folder(folder: Path) -> Path:
    return folder / "absent" / "out.parquet"


def _a_folder(folder: Path) -> Path:
    (folder / "out.parquet").mkdir()
    return folder / "out.parquet"


def _in_a_file(folder: Path) -> Path:
    (folder / "file").touch()
    return folder / "file" / "out.parquet"


def _a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_in_no_folder, "its folder does not exist"),
        (_a_folder, "it is a folder; name a file in it"),
        (_in_a_file, "its folder is a file"),
        (_a_pipe, "it is a device or a pipe; only files are written whole"),
    ],
)
def test_place_that_cannot_hold_a_file(tmp_path: Path, make: Callable[[Path], Path], message: str) -> None:
    """The error names the path and the reason, and the rows are still unread."""
    path = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    rows = reader([batch(0)])

    with pytest.raises(ExportError) as caught:
        write_parquet(rows, path)

    assert str(caught.value) == f"{path}: {message}"
    assert caught.value.target == str(path)
    assert sorted(tmp_path.rglob("*")) == before
    assert rows.read_all().num_rows == 10


@pytest.mark.parametrize(
    ("options", "setting"),
    [({"rows_per_group": 0}, "rows_per_group"), ({"compression": "rar"}, "compression")],
)
def test_bad_option_is_named(tmp_path: Path, options: dict[str, Any], setting: str) -> None:
    """An option that makes no sense is refused before anything is read or written."""
    rows = reader([batch(0)])

    with pytest.raises(ConfigError) as caught:
        write_parquet(rows, tmp_path / "out.parquet", **options)

    assert caught.value.setting == setting
    assert list(tmp_path.iterdir()) == []
    assert rows.read_all().num_rows == 10


def test_name_may_look_like_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is a file here, whatever its name."""
    monkeypatch.chdir(tmp_path)

    write_parquet(OLD, "s3:out.parquet")

    assert pq.read_table(tmp_path / "s3:out.parquet").equals(OLD)


def test_rows_are_not_read_for_a_file_that_may_not_be_replaced(old: Path) -> None:
    """`overwrite=False` is looked at before anything is fetched."""
    rows = reader([batch(0)])

    with pytest.raises(ExportError, match="it exists already, and overwrite=False was asked for"):
        write_parquet(rows, old, overwrite=False)

    assert pq.read_table(old).equals(OLD)
    assert rows.read_all().num_rows == 10


def test_link_is_followed(old: Path) -> None:
    """A link goes on pointing to the file, which is replaced."""
    link = old.with_name("latest.parquet")
    link.symlink_to(old)

    write_parquet(reader([batch(0)]), link)

    assert link.is_symlink()
    assert pq.read_metadata(old).num_rows == 10


def test_new_file_has_ordinary_permissions(tmp_path: Path) -> None:
    """Others may read it as they may any file that this user makes."""
    (tmp_path / "plain").touch()

    write_parquet(OLD, tmp_path / "out.parquet")

    assert (tmp_path / "out.parquet").stat().st_mode == (tmp_path / "plain").stat().st_mode


_WRITE_FOR_EVER = """
    import sys
    import pyarrow as pa
    from lookerframe.sinks.parquet import write_parquet

    def produce():
        for number in range(1_000_000):
            if number == 50:
                print("writing", flush=True)
            yield pa.record_batch({"a": list(range(1_000))})

    reader = pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), produce())
    write_parquet(reader, sys.argv[1], rows_per_group=1_000)
"""


def test_killed_process_leaves_the_old_file_whole(old: Path) -> None:
    """A process that dies while it writes has changed nothing under the file's name."""
    command = [sys.executable, "-c", textwrap.dedent(_WRITE_FOR_EVER), str(old)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        process.kill()
    assert process.returncode == -signal.SIGKILL

    assert pq.read_table(old).equals(OLD)
    (left,) = set(old.parent.iterdir()) - {old}
    assert left.name.startswith(f".out.parquet.{process.pid}.")
    assert left.name.endswith(".tmp")
    assert left.stat().st_size > 0


_WRITE_TOO_MUCH = """
    import resource, sys
    import pyarrow as pa
    from lookerframe.exceptions import ExportError
    from lookerframe.sinks.parquet import write_parquet

    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
    numbers = pa.table({"a": [number * 7919 % 1_000_003 for number in range(100_000)]})
    try:
        write_parquet(numbers, sys.argv[1], rows_per_group=1_000)
    except ExportError as exc:
        print(exc)
"""


def test_file_that_cannot_grow(old: Path) -> None:
    """When the operating system takes no more bytes, the error says so and the old file stays."""
    command = [sys.executable, "-c", textwrap.dedent(_WRITE_TOO_MUCH), str(old)]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == f"{old}: the file would pass the size limit of this process"
    assert not done.stderr
    assert pq.read_table(old).equals(OLD)
    assert list(old.parent.iterdir()) == [old]
