"""Result formats that are served: one module each, one line in the table."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Protocol

from lookerframe.local.cells import json_text
from lookerframe.local.formats.delimited import Delimited, Markdown
from lookerframe.local.formats.html import Html
from lookerframe.local.formats.json_bi import JsonBi
from lookerframe.local.formats.json_detail import JsonDetail
from lookerframe.local.formats.json_rows import JsonRows, error_text
from lookerframe.local.formats.sql import Sql
from lookerframe.local.formats.xlsx import Xlsx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.local.outcome import Outcome
    from lookerframe.local.sheets import Sheet


class Format(Protocol):
    """One shape of a result."""

    @property
    def name(self) -> str:
        """As the API spells it."""
        ...

    @property
    def content_type(self) -> str:
        """Header of the answer."""
        ...

    @property
    def carries_errors(self) -> bool:
        """Whether a failed query is still 200 for a task, with its errors inside."""
        ...

    @property
    def wraps_errors(self) -> bool:
        """Whether ``multi_results`` shows a failed query as the format itself writes it."""
        ...

    def write(self, outcome: Outcome) -> Iterator[bytes]:
        """Write the result, or what a run answers with 200 when the query failed."""
        ...


_ALL: tuple[Format, ...] = (
    JsonRows("inline_json"),
    JsonRows(),
    JsonDetail(),
    JsonBi(),
    Delimited("csv", ",", "text/csv;charset=utf-8"),
    Html(),
    Markdown(),
    Delimited("txt", "\t", "text/plain;charset=utf-8"),
    Xlsx(),
    Sql(),
    JsonRows("json_label", labels=True),
)
_FORMATS = {item.name: item for item in _ALL}

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


def check(item: Format, sheet: Sheet) -> None:
    """Refuse a result that a format has no way to write.

    Raises
    ------
    UnservableError
        Why not.
    """
    if isinstance(item, JsonRows):
        item.check(sheet)


def embedded(item: Format, outcome: Outcome) -> Iterator[bytes]:
    """Write a result as the ``data`` of ``multi_results``: JSON as it is, text as a string (assumed), bytes in base64.

    What an error is to a format that does not write it itself was observed: an object with its text.
    """
    if outcome.error and not item.wraps_errors:
        facts = {"id": outcome.task_id, "error": error_text(outcome), "runtime": f"{outcome.runtime:.3f}"}
        yield json_text({**facts, "sql": outcome.run.plan.sql}).encode()
    elif item.content_type == "application/json":
        yield from item.write(outcome)
    else:
        body = b"".join(item.write(outcome))
        is_text = "charset=" in item.content_type or item.content_type == Sql.content_type
        yield json_text(body.decode() if is_text else base64.b64encode(body).decode()).encode()
