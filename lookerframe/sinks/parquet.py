"""Parquet: any Arrow stream to one file, in bounded memory, with its lineage inside."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from lookerframe.exceptions import ConfigError
from lookerframe.result import reading
from lookerframe.sinks.publish import export_errors, publishing
from lookerframe.version import __version__

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from lookerframe.result import ArrowStream

#: What of `Result.metadata` goes into the file.
_LINEAGE = ("query_id", "slug", "model", "explore", "task_id", "sql", "timezone", "ran_at")

_COMPRESSIONS = ("zstd", "snappy", "gzip", "brotli", "lz4", "none")

#: Bytes of Arrow data that are held for a row group; very wide rows make smaller groups.
_GROUP_BYTES = 256 * 1024 * 1024


def write_parquet(
    data: ArrowStream,
    path: str | os.PathLike[str],
    *,
    rows_per_group: int = 1_000_000,
    compression: str = "zstd",
    overwrite: bool = True,
) -> int:
    """Write rows to one Parquet file, whole or not at all.

    Parameters
    ----------
    data
        A `Result`, or anything else with an Arrow C stream: a table or reader of pyarrow, a frame of pandas or polars.
        A `Result` that keeps no table is streamed, and cannot be read again.
    path
        The file to write. It appears, or takes the place of an older one, when all rows are on the disk.
    rows_per_group : int, default 1_000_000
        Rows of a row group at the most; that many are held in memory, 256 MiB of them at the most.
    compression : {"zstd", "snappy", "gzip", "brotli", "lz4", "none"}, default "zstd"
        Codec of the columns.
    overwrite : bool, default True
        Whether an older file may be replaced. If not, nothing may stand under `path`, now or when all rows are
        written; of several writers one gets the name. Needs a file system with hard links.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    ExportError
        The file cannot be written: no such folder, no permission, a full disk, a file that may not be replaced.
        What stood there is untouched.
    ConfigError
        `rows_per_group` or `compression` is none.
    LookerFrameError, Exception
        Whatever `data` raises while it is read comes out as it is, and nothing is written.

    Notes
    -----
    The metadata of the Arrow schema is kept. The file's own says ``lookerframe.complete``, ``lookerframe.rows`` and
    ``lookerframe.version``, and for a `Result` ``lookerframe.lineage``: a JSON object of the query (id, slug, model,
    explore, SQL, time zone) and of its run (task id, time).
    """
    if rows_per_group < 1:
        message = f"rows_per_group={rows_per_group!r} makes no groups; give 1 or more"
        raise ConfigError(message, setting="rows_per_group")
    if compression not in _COMPRESSIONS:
        message = f"compression={compression!r} is not known; give one of {', '.join(map(repr, _COMPRESSIONS))}"
        raise ConfigError(message, setting="compression")
    target = Path(path)
    rows = 0
    with (
        publishing(target, overwrite=overwrite) as temporary,
        reading(data) as reader,
        _parquet_writer(temporary, reader.schema, compression, target) as writer,
    ):
        for group in _groups(reader, rows_per_group):
            with export_errors(target, pa.ArrowException):
                writer.write_table(group, row_group_size=group.num_rows)
            rows += group.num_rows
        writer.add_key_value_metadata(_file_metadata(data, rows))
    return rows


@contextlib.contextmanager
def _parquet_writer(temporary: Path, schema: pa.Schema, compression: str, target: Path) -> Iterator[pq.ParquetWriter]:
    # A file object, not a path: pyarrow takes some names for the addresses of file systems.
    with contextlib.ExitStack() as stack:
        with export_errors(target, pa.ArrowException):
            sink = stack.enter_context(pa.OSFile(str(temporary), "wb"))
            writer = pq.ParquetWriter(sink, schema, compression=compression)
        try:
            yield writer
        except BaseException:
            # The footer would make a readable file of what there is; it goes into a file that is about to be removed.
            with contextlib.suppress(OSError, pa.ArrowException):
                writer.close()
            raise
        with export_errors(target, pa.ArrowException):
            writer.close()
            sink.close()


def _groups(reader: pa.RecordBatchReader, rows_per_group: int) -> Iterator[pa.Table]:
    """Gather batches into tables of `rows_per_group` rows, the last one shorter; sooner if they grow large."""
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in reader:
        start = 0
        while start < batch.num_rows:
            part = batch.slice(start, rows_per_group - rows)
            held.append(part)
            start, rows, size = start + part.num_rows, rows + part.num_rows, size + part.nbytes
            if rows == rows_per_group or size >= _GROUP_BYTES:
                yield pa.Table.from_batches(held)
                held, rows, size = [], 0, 0
    if held:
        yield pa.Table.from_batches(held)


def _file_metadata(data: ArrowStream, rows: int) -> dict[str, str]:
    facts = {"complete": "true", "rows": str(rows), "version": __version__}
    known: Any = getattr(data, "metadata", None)
    if isinstance(known, Mapping):
        lineage = {key: _plain(known[key]) for key in _LINEAGE if known.get(key) is not None}
        facts["lineage"] = json.dumps(lineage, default=str)
    return {f"lookerframe.{key}": value for key, value in facts.items()}


def _plain(value: Any) -> Any:
    # Some formats describe the explore by an object; its name is what a reader of the file looks for.
    return value.get("name") if isinstance(value, Mapping) else value
