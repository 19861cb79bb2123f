"""``json``: an array of flat objects, field name to value.

Sources: looker-api.md §1.3; a failed run is 200 with one ``looker_error`` row (observed), a failed task 400.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lookerframe.local.cells import json_text, json_value, keyed, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.local.outcome import Outcome


class JsonRows:
    """Plain rows."""

    name = "json"
    content_type = "application/json"
    carries_errors = False

    def write(self, outcome: Outcome) -> Iterator[bytes]:
        """Write the rows as they come; nothing but the rows of one batch is held."""
        if outcome.table is None:
            yield json_text([{"looker_error": error_text(outcome)}]).encode()
            return
        yield b"["
        yield from write_rows(
            outcome.table,
            [
                keyed(field.full_name, position, lambda value: json_text(json_value(value)))
                for position, field in enumerate(outcome.run.plan.fields)
            ],
        )
        yield b"]"


def error_text(outcome: Outcome) -> str:
    """Say in one text what the database said; formats of plain rows have no other place for it."""
    return f"{outcome.summary} {outcome.error.message if outcome.error else ''}".rstrip()
