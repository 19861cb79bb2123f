"""DuckDB as the database behind the local Looker: one connection, a cursor for each running query."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import duckdb
import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

#: The connection's time zone; timestamps without a zone are read in it.
DATABASE_TIMEZONE = "UTC"


class DatabaseError(Exception):
    """DuckDB refused the query.

    Attributes
    ----------
    message : str
        DuckDB's own words.
    line, column : int or None
        Where in the SQL, counted from 1 in characters, if DuckDB says where.
    """

    def __init__(self, message: str, *, line: int | None = None, column: int | None = None) -> None:
        self.message = message
        self.line = line
        self.column = column
        super().__init__(message)


class UnservableError(DatabaseError):
    """DuckDB answered, with values that the format cannot show."""


class QueryInterruptedError(Exception):
    """The query was stopped from outside."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A database that any number of threads may query at once."""

    connection: duckdb.DuckDBPyConnection

    @classmethod
    def open(cls, database: Path | None, tables: Mapping[str, Path]) -> Engine:
        """Open a database file, which is never written to, or one in memory with Parquet files as its `tables`."""
        connection = duckdb.connect(str(database), read_only=True) if database else duckdb.connect()
        # What the payload calls null_sort_treatment "low".
        connection.execute("SET default_null_order = 'nulls_first_on_asc_last_on_desc'")
        for name, path in tables.items():
            connection.read_parquet(str(path)).to_table(name)
        return cls(connection)

    def session(self) -> Session:
        """Take a cursor of one's own."""
        cursor = self.connection.cursor()
        cursor.execute(f"SET TimeZone = '{DATABASE_TIMEZONE}'")
        # Errors as JSON carry the exact offset in the SQL, which the text has only as a drawing cut to 80 columns.
        cursor.execute("SET errors_as_json = true")
        return Session(cursor)

    def timezones(self) -> frozenset[str]:
        """Name every time zone that the database knows."""
        with self.connection.cursor() as cursor:
            return frozenset(name for (name,) in cursor.execute("SELECT name FROM pg_timezone_names()").fetchall())

    def close(self) -> None:
        """Close the database."""
        self.connection.close()


@dataclass(frozen=True, slots=True)
class Session:
    """One running query."""

    cursor: duckdb.DuckDBPyConnection

    def run(self, sql: str) -> pa.Table:
        """Run `sql` and keep its rows.

        Raises
        ------
        DatabaseError, QueryInterruptedError
            DuckDB refused the query; `interrupt` was called.
        """
        try:
            # DuckDB tells the place of a binder error from `execute`, not from `sql`, which alone gives Arrow uncopied.
            self.cursor.execute(explained(sql)).fetchall()
        except duckdb.Error as exc:
            raise _translated(exc, sql, shift=len(explained(""))) from exc
        try:
            return self.cursor.sql(sql).to_arrow_table()
        except duckdb.Error as exc:
            raise _translated(exc, sql, shift=0) from exc

    def interrupt(self) -> None:
        """Stop what is running, from another thread; without effect on a session that runs nothing."""
        with contextlib.suppress(duckdb.ConnectionException):  # closed in the meantime
            self.cursor.interrupt()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cursor.close()


def explained(sql: str) -> str:
    """Ask for the plan of `sql` instead of its rows; the API's ``sql_explain``."""
    return f"EXPLAIN {sql}"


def _translated(exc: duckdb.Error, sql: str, *, shift: int) -> Exception:
    if isinstance(exc, duckdb.InterruptException):
        return QueryInterruptedError()
    kind, _, text = str(exc).partition(": ")
    try:
        facts: dict[str, Any] = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return DatabaseError(str(exc))
    message = f"{kind}: {facts.get('exception_message', text)}"
    if "position" not in facts:
        return DatabaseError(message)
    line, column = locate(sql, int(facts["position"]) - shift)
    return DatabaseError(message, line=line, column=column)


def locate(sql: str, offset: int) -> tuple[int, int]:
    """Turn an offset in UTF-8 bytes into line and column, counted from 1 in characters."""
    before = sql.encode()[:offset].decode(errors="ignore")
    return before.count("\n") + 1, len(before) - before.rfind("\n")
