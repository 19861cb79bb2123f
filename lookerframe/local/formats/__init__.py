"""Result formats that are served: one module each, one line in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lookerframe.local.formats.json_detail import JsonDetail
from lookerframe.local.formats.json_rows import JsonRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.local.outcome import Outcome


class Format(Protocol):
    """One shape of a result.

    Attributes
    ----------
    name : str
        As the API spells it.
    content_type : str
        Header of the answer.
    carries_errors : bool
        Whether a failed query is still 200 for a task, with its errors inside.
    """

    name: str
    content_type: str
    carries_errors: bool

    def write(self, outcome: Outcome) -> Iterator[bytes]:
        """Write the result, or what a run answers with 200 when the query failed."""
        ...


_FORMATS: dict[str, Format] = {item.name: item for item in (JsonDetail(), JsonRows())}

#: ``result_format`` of ``create_query_task``. Source: the API's enum, in its order.
DOCUMENTED = (
    *("inline_json", "json", "json_detail", "json_fe", "json_bi", "csv", "html"),
    *("md", "txt", "xlsx", "gsxml", "sql", "odc"),
)

#: What the ``run_*`` calls take besides.
ONLY_RUN = ("json_label", "png", "jpg")


def served() -> tuple[str, ...]:
    """Name the formats that are served."""
    return tuple(_FORMATS)


def find(name: str) -> Format | None:
    """Find a format by its name."""
    return _FORMATS.get(name)
