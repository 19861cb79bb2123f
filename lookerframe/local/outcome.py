"""What running a query brought: rows or an error, and what a payload says about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt

    import pyarrow as pa

    from lookerframe.local.compiler import Plan
    from lookerframe.local.engine import DatabaseError
    from lookerframe.local.queries import Query


@dataclass(frozen=True, slots=True)
class Run:
    """A query with the options of one run.

    Attributes
    ----------
    query : Query
        What was saved.
    plan : Plan
        The query compiled with the run's row limit.
    drill_links : bool
        Whether cells carry links.
    path_prefix : str
        Put before the address of each link.
    """

    query: Query
    plan: Plan
    drill_links: bool = False
    path_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished query: `table`, or the `error` that came instead."""

    task_id: str
    run: Run
    ran_at: dt.datetime
    runtime: float
    table: pa.Table | None = None
    error: DatabaseError | None = None

    @property
    def truncated(self) -> bool:
        """Whether the rows reach the limit, so that there may be more."""
        return self.table is not None and self.run.plan.limit == self.table.num_rows

    @property
    def summary(self) -> str:
        """Looker's sentence about a query that its database refused (recorded)."""
        return "The DuckDB database encountered an error while running this query."

    def issues(self) -> list[dict[str, Any]]:
        """List the errors of the query as ``json_detail`` does, keys as recorded."""
        if self.error is None:
            return []
        place = {"line": self.error.line, "column": self.error.column}
        return [
            {
                "message": self.summary,
                "message_details": self.error.message,
                "params": self.run.plan.sql,
                "edit_url": None,
                "error_pos": None,
                "level": "error",
                "sql_error_loc": {key: value for key, value in place.items() if value is not None},
            }
        ]
