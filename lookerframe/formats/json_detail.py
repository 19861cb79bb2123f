"""``json_detail``: one JSON object with the rows, what Looker knows of their fields, the SQL, and what went wrong.

Source: Looker API 4.0, ``query_task_results``, which documents the errors (HTTP 200, ``errors`` set, ``data`` empty)
but not the object; its members and their order are those of recorded answers. ``json_detail_lite_stream``, which
schedules send, is the same with less in it.
"""

from __future__ import annotations

from lookerframe.formats.cell_rows import CellRows

#: Members of the envelope that become `Result.metadata` as they are.
_METADATA = (
    "id",
    "sql",
    "timezone",
    "ran_at",
    "runtime",
    "from_cache",
    "result_source",
    "added_params",
    "applied_filters",
    "applied_filter_expression",
    "explore",
    "has_totals",
    "has_row_totals",
    "has_subtotals",
    "fill_fields",
    "number_format",
)

JSON_DETAIL, JSON_DETAIL_LITE_STREAM = (
    CellRows(
        name,
        schema="json_detail",
        rows="data",
        describe=lambda envelope: envelope,
        metadata=_METADATA,
        has_parts=name == "json_detail",
    )
    for name in ("json_detail", "json_detail_lite_stream")
)
