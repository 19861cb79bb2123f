"""What running a query brought: rows or an error, and what a payload says about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lookerframe.local.arranging import arrange
from lookerframe.local.layouts import PART

if TYPE_CHECKING:
    import datetime as dt

    from lookerframe.local.compiler import Plan
    from lookerframe.local.engine import DatabaseError
    from lookerframe.local.queries import Query
    from lookerframe.local.sheets import Sheet


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
    apply_formatting : bool
        Whether numbers come as text, in the format that LookML gives them.
    """

    query: Query
    plan: Plan
    drill_links: bool = False
    path_prefix: str = ""
    apply_formatting: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished query: `table`, or the `error` that came instead.

    Attributes
    ----------
    arranged : Sheet or None
        The rows laid out, where that was done before.
    """

    task_id: str
    run: Run
    ran_at: dt.datetime
    runtime: float
    table: pa.Table | None = None
    error: DatabaseError | None = None
    arranged: Sheet | None = None

    def sheet(self) -> Sheet:
        """Lay the rows out; a query that failed has none."""
        if self.arranged is not None:
            return self.arranged
        plan = self.run.plan
        table = self.table if self.table is not None else _no_rows(plan)
        return arrange(self.run.query.layout, plan, table)

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


def _no_rows(plan: Plan) -> pa.Table:
    names = {PART: pa.int32(), **{field.full_name: pa.string() for field in plan.fields}}
    return pa.table({name: pa.nulls(0, kind) for name, kind in names.items()})
