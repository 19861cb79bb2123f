"""``json_bi``: a JSON object of ``metadata`` and ``rows``.

Source: Looker API 4.0, schema ``JsonBi``, which the document has for ``run_sql_interface_query``; that rows are objects
of cells, and totals the last of them, is told by recorded answers and by other readers of the format. A failed query
has a row ``{"looker_error": "..."}``. There is no word of the row limit, nor of the time zone; nor, of a field, of
``convert_tz``, and of a calculation of its type. These are asked of the explore and the query where a column's type
depends on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lookerframe.exceptions import PayloadError
from lookerframe.formats.cell_rows import CellRows
from lookerframe.render import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Members of ``metadata`` that become `Result.metadata` as they are.
_METADATA = ("sql", "filters", "filter_expression", "has_totals", "has_subtotals", "big_query_metadata")


def _describe(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = envelope.get("metadata")
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        message = f"`metadata` is an object; met {shorten(repr(metadata), 120)}"
        raise PayloadError(message, result_format="json_bi")
    return metadata


JSON_BI = CellRows(
    "json_bi",
    schema="json_bi",
    rows="rows",
    describe=_describe,
    metadata=_METADATA,
    totals_last=True,
    is_terse=True,
)
