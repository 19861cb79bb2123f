"""Payloads recorded by others, decoded and compared with what the standard library reads from the same bytes.

The folder is not part of the project; `LOOKERFRAME_PAYLOADS` names it. Every file of it is listed here: as one to decode,
as one to refuse, or with the reason why it is neither.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from lookerframe.exceptions import ConversionError, LookerSQLError, PayloadError, SchemaError, UnexpectedContentError
from lookerframe.result import Result
from tests.writers import chunked, decode, dumped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Whole results without pivots: format, and the type that each column has.
DECODED: dict[str, tuple[str, dict[str, str]]] = {
    "jd_actionhub_filled_months.json": ("json_detail", {"orders.created_month": "date32[day]", "orders.count": "int64"}),
    "jd_thelook_subtotals.excerpt.json": ("json_detail", {}),
    "json_label_emails.json": ("json", {"User Email": "string"}),
    "json_plain_one_row.json": (
        "json",
        {"products.category": "string", "order_items.created_date": "string", "order_items.count": "int64"},
    ),
    "vis_thelook_merged_query.response.json": ("json_detail", {}),
    "jd_handmade_pivot_cells.json": ("json_detail", {}),
}
