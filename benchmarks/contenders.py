"""Ways to turn a result into a table: lookerframe, and what a user could put together without it.

Each gets the body as it came and the fields it holds, and is written as its documentation advises: with a schema or
types where it takes them, for a schema both helps its speed and spares the user the work. Cells of `json_detail` are
unwrapped to their values, for that is the table a user wants. Limits do less than a table needs and say what is left.
"""

from __future__ import annotations

import io
import json
import zlib
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from benchmarks.generator import Shape, leaves, metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.generator import Column, Leaf


@dataclass(frozen=True, slots=True)
class Task:
    """What a contender gets.

    Attributes
    ----------
    shape, fields
        What the body is and which fields it holds.
    path
        The body as a file.
    data
        What the contender takes of it in memory; empty for one that reads the file.
    """

    shape: Shape
    fields: tuple[Column, ...]
    path: Path
    data: bytes

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """The columns that are due, and where their values stand."""
        return leaves(self.shape, self.fields)

    @property
    def rows_key(self) -> str:
        """The member that holds the rows."""
        return ROWS_KEYS[self.shape.result_format]


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to read a result.

    Attributes
    ----------
    name
        For tables and commands.
    run
        Reads the task; what it returns is a table of its own library, or anything for a limit.
    formats
        Result formats that it can read.
    packages
        Must be installed.
    is_limit
        Whether it makes no table: a bound on what any reader could reach.
    takes
        What it reads: the body in memory, its file, or the gzip of it in memory.
    """

    name: str
    run: Callable[[Task], Any]
    formats: tuple[str, ...]
    packages: tuple[str, ...] = ()
    is_limit: bool = False
    takes: Literal["bytes", "file", "gzip"] = "bytes"


#: The member that holds the rows; `json` is wrapped into such an object for readers that take no array.
ROWS_KEYS = {"json_detail": "data", "json_bi": "rows", "json": "data"}

#: Arrow types that are right, by the kind of column.
ARROW_TYPES = {
    "id": pa.int64(),
    "name": pa.string(),
    "status": pa.string(),
    "date": pa.date32(),
    "time": pa.timestamp("us"),
    "yesno": pa.bool_(),
    "count": pa.int64(),
    "sum": pa.float64(),
}
_DUCKDB_TYPES = {
    "id": "BIGINT",
    "name": "VARCHAR",
    "status": "VARCHAR",
    "date": "DATE",
    "time": "TIMESTAMP",
    "yesno": "VARCHAR",
    "count": "BIGINT",
    "sum": "DOUBLE",
}


def known(result_format: str) -> tuple[Contender, ...]:
    """List the contenders for a format whose packages are installed, lookerframe first."""
    return tuple(
        contender
        for contender in CONTENDERS
        if result_format in contender.formats and all(find_spec(package) for package in contender.packages)
    )


def _lookerframe(task: Task) -> pa.Table:
    import lookerframe as lf

    carried = task.shape.result_format in ("json_detail", "json_bi")
    fields = None if carried else metadata(task.shape, task.fields)
    return lf.decode(task.data, task.shape.result_format, fields=fields).to_arrow()


# -- parse, then build a frame ----------------------------------------------------------------------------------------


def _json_dataframe(task: Task) -> Any:
    return dataframe(json.loads(task.data), task.shape)


def _orjson_dataframe(task: Task) -> Any:
    import orjson

    return dataframe(orjson.loads(task.data), task.shape)


def dataframe(body: Any, shape: Shape) -> Any:
    """Make a pandas frame of a body that was parsed, as a user of Looker's SDK does: the cells' values, untyped."""
    import pandas as pd

    rows = body if shape.result_format == "json" else body[ROWS_KEYS[shape.result_format]]
    if shape.pivoted:
        rows = [_flat(row) for row in rows]
    elif shape.result_format != "json":
        rows = [{name: cell["value"] for name, cell in row.items()} for row in rows]
    return pd.DataFrame(rows)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat = {}
    for name, cell in row.items():
        if "value" in cell:
            flat[name] = cell["value"]
        else:
            for key, inner in cell.items():
                flat[f"{name}|{key}"] = inner["value"]
    return flat


# -- readers of JSON that take a schema --------------------------------------------------------------------------------


def _polars_json(task: Task) -> Any:
    import polars as pl

    if task.shape.result_format == "json":
        return pl.read_json(task.data, schema={leaf.name: _polars_type(leaf.column) for leaf in task.leaves})
    row = _nested(task.leaves, _polars_type, pl.Struct)
    rows = pl.read_json(task.data, schema={task.rows_key: pl.List(row)})[task.rows_key].explode()
    return rows.to_frame().select(
        _polars_path(pl.col(task.rows_key), leaf.path).alias(leaf.name) for leaf in task.leaves
    )


def _polars_path(column: Any, path: Sequence[str]) -> Any:
    for name in path:
        column = column.struct.field(name)
    return column


def _polars_type(column: Column) -> Any:
    import polars as pl

    types = {"id": pl.Int64, "date": pl.Date, "time": pl.Datetime, "count": pl.Int64, "sum": pl.Float64}
    return types.get(column.kind, pl.String)


def _duckdb_json(task: Task) -> pa.Table:
    if task.shape.result_format == "json":
        columns = ", ".join(f"'{leaf.name}': '{_duckdb_type(leaf.column)}'" for leaf in task.leaves)
        return _duckdb(f"FROM read_json($path, format='array', columns={{{columns}}})", task)
    row = _nested(task.leaves, _duckdb_type, _duckdb_struct)
    size = max(task.path.stat().st_size + 1, 16 << 20)
    options = f"columns={{{task.rows_key}: '{row}[]'}}, format='unstructured', maximum_object_size={size}"
    # Taken apart in Arrow, for `unnest` takes a time that grows faster than the rows.
    query = f"SELECT {task.rows_key} FROM read_json($path, {options})"  # noqa: S608 - of names written here
    return _unnested(_duckdb(query, task), task)


def _duckdb(query: str, task: Task) -> pa.Table:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        return connection.sql(query, params={"path": str(task.path)}).to_arrow_table()


def _duckdb_struct(members: dict[str, str]) -> str:
    return f"STRUCT({', '.join(f'{_quoted(name)} {kind}' for name, kind in members.items())})"


def _duckdb_type(column: Column) -> str:
    return _DUCKDB_TYPES[column.kind]


def _quoted(name: str) -> str:
    return f'"{name}"'


def _pyarrow_json(task: Task) -> pa.Table:
    from pyarrow import json as paj

    data = _as_object(task)
    parsed = paj.read_json(
        io.BytesIO(data),
        read_options=paj.ReadOptions(use_threads=False, block_size=len(data) + 1),
        parse_options=paj.ParseOptions(
            explicit_schema=pa.schema([(task.rows_key, pa.list_(_arrow_row(task, dates=False)))]),
            unexpected_field_behavior="ignore",
        ),
    )
    return _unnested(parsed, task)


def _arro3_json(task: Task) -> pa.Table:
    import arro3.io

    schema = pa.schema([(task.rows_key, pa.list_(_arrow_row(task)))])
    return _unnested(pa.table(arro3.io.read_json(io.BytesIO(_as_object(task)), schema)), task)


def _as_object(task: Task) -> bytes:
    # Both read objects, one after another, and no array of them.
    return b'{"data":' + task.data + b"}" if task.shape.result_format == "json" else task.data


def _arrow_row(task: Task, *, dates: bool = True) -> pa.DataType:
    """Make the type of a row; pyarrow reads no dates from JSON, arro3 does."""

    def scalar(column: Column) -> pa.DataType:
        return pa.string() if column.kind == "date" and not dates else _arrow_type(column)

    return _nested(task.leaves, scalar, lambda members: pa.struct(list(members.items())))


def _arrow_type(column: Column) -> pa.DataType:
    # `Yes` and `No` are no booleans to arro3, nor in JSON.
    return pa.string() if column.kind == "yesno" else ARROW_TYPES[column.kind]


def _unnested(parsed: pa.Table, task: Task) -> pa.Table:
    rows = pa.concat_arrays(parsed[task.rows_key].chunks).flatten()
    arrays = []
    for leaf in task.leaves:
        array = rows
        for name in leaf.path:
            array = array.field(name)
        arrays.append(array)
    return pa.table(arrays, names=[leaf.name for leaf in task.leaves])


def _nested(places: Sequence[Leaf], scalar: Callable[[Column], Any], struct: Callable[[dict[str, Any]], Any]) -> Any:
    """Make the type of a row, in the terms of one library."""
    tree: dict[str, Any] = {}
    for leaf in places:
        inside = tree
        for name in leaf.path[:-1]:
            inside = inside.setdefault(name, {})
        inside[leaf.path[-1]] = scalar(leaf.column)

    def made(branch: Any) -> Any:
        return struct({name: made(inner) for name, inner in branch.items()}) if isinstance(branch, dict) else branch

    return made(tree)


# -- readers of csv ----------------------------------------------------------------------------------------------------


def _pandas_csv(task: Task) -> Any:
    import pandas as pd

    labels = {column.label: column.kind for column in task.fields}
    dtypes = {"id": "int64", "name": "str", "status": "str", "yesno": "bool", "count": "int64", "sum": "float64"}
    frame = pd.read_csv(
        io.BytesIO(task.data),
        dtype={label: dtypes[kind] for label, kind in labels.items() if kind in dtypes},
        parse_dates=[label for label, kind in labels.items() if kind in ("date", "time")],
        true_values=["Yes"],
        false_values=["No"],
    )
    return frame.rename(columns={column.label: column.name for column in task.fields})


def _pyarrow_csv(task: Task) -> pa.Table:
    from pyarrow import csv as pac

    table = pac.read_csv(
        io.BytesIO(task.data),
        read_options=pac.ReadOptions(use_threads=False),
        convert_options=pac.ConvertOptions(
            column_types={column.label: ARROW_TYPES[column.kind] for column in task.fields},
            true_values=["Yes"],
            false_values=["No"],
            strings_can_be_null=True,
        ),
    )
    return table.rename_columns([column.name for column in task.fields])


def _polars_csv(task: Task) -> Any:
    import polars as pl

    frame = pl.read_csv(io.BytesIO(task.data), schema={column.label: _polars_type(column) for column in task.fields})
    return frame.rename({column.label: column.name for column in task.fields})


def _duckdb_csv(task: Task) -> pa.Table:
    columns = ", ".join(f"'{column.name}': '{_duckdb_type(column)}'" for column in task.fields)
    options = f"header=true, delim=',', quote='\"', escape='\"', columns={{{columns}}}"
    return _duckdb(f"FROM read_csv($path, {options})", task)


def _arro3_csv(task: Task) -> pa.Table:
    import arro3.io

    schema = pa.schema([(column.name, _arrow_type(column)) for column in task.fields])
    return pa.table(arro3.io.read_csv(io.BytesIO(task.data), schema, has_header=True))


# -- limits ------------------------------------------------------------------------------------------------------------


def _tokenise(task: Task) -> Any:
    import msgspec

    return msgspec.json.decode(task.data, type=msgspec.Raw)


def _copy(task: Task) -> bytearray:
    return bytearray(task.data)


def _gunzip(task: Task) -> bytes:
    return zlib.decompress(task.data, wbits=31)


_JSON = ("json_detail", "json_bi", "json")
_ALL = (*_JSON, "csv")

CONTENDERS = (
    Contender("lookerframe", _lookerframe, _ALL),
    Contender("json.loads + DataFrame", _json_dataframe, _JSON),
    Contender("orjson + DataFrame", _orjson_dataframe, _JSON, ("orjson",)),
    Contender("polars.read_json", _polars_json, _JSON, ("polars",)),
    Contender("DuckDB read_json", _duckdb_json, _JSON, ("duckdb",), takes="file"),
    Contender("pyarrow.json", _pyarrow_json, _JSON),
    Contender("arro3.io.read_json", _arro3_json, _JSON, ("arro3",)),
    Contender("pandas.read_csv", _pandas_csv, ("csv",)),
    Contender("pyarrow.csv", _pyarrow_csv, ("csv",)),
    Contender("polars.read_csv", _polars_csv, ("csv",), ("polars",)),
    Contender("DuckDB read_csv", _duckdb_csv, ("csv",), ("duckdb",), takes="file"),
    Contender("arro3.io.read_csv", _arro3_csv, ("csv",), ("arro3",)),
    Contender("msgspec.Raw", _tokenise, _JSON, is_limit=True),
    Contender("gunzip", _gunzip, _ALL, is_limit=True, takes="gzip"),
    Contender("memcpy", _copy, _ALL, is_limit=True),
)
