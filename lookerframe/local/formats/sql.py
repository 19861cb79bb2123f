"""``sql``: the statement itself.

Sources: ``sql_users_snowflake.sql`` and the content type recorded with ``sql_products_count.sql``. Looker does not run
the query for it; here it is run and what came is left out, so that a statement that fails is shown as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.local.outcome import Outcome


class Sql:
    """The SQL of a query."""

    name = "sql"
    content_type = "application/sql"
    carries_errors = True
    wraps_errors = True

    def write(self, outcome: Outcome) -> Iterator[bytes]:
        """Write the statement."""
        yield outcome.run.plan.sql.encode()
