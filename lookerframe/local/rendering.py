"""Values as readers see them: ``rendered`` of ``json_detail``, and the text of formats that are tables.

Source: the rule that fits every recorded number (recorded): one with a format is always rendered, another
when its text differs from the plain value, that is from 1,000 up; a table calculation always is, even where it is null.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lookerframe.local.cells import json_value
from lookerframe.local.value_formats import plain

if TYPE_CHECKING:
    from lookerframe.local.sheets import Shown

#: From here on a number without a format is rendered with separators, so differently from its value.
_GROUPED_FROM = 1_000


def rendered(field: Shown, value: Any) -> str | None:
    """Write a value for a reader, where Looker does; `value` is what JSON holds."""
    if field.is_calculation and value is None:
        return "null"
    if not field.is_numeric or not _is_number(value):
        return None
    if field.number_format:
        return field.number_format.render(value)
    return plain(value) if field.is_calculation or abs(value) >= _GROUPED_FROM else None


def content(field: Shown, raw: Any) -> dict[str, Any]:
    """Make the cell of ``json_detail`` for a value of the database."""
    value = json_value(raw)
    text = rendered(field, value)
    return {"value": value} if text is None else {"value": value, "rendered": text}


def formatted(field: Shown, raw: Any) -> Any:
    """Turn a value into what JSON holds when formatting is applied: numbers become text (assumed), nulls stay."""
    value = json_value(raw)
    if value is None or not field.is_numeric or not _is_number(value):
        return value
    return rendered(field, value) or plain(value)


def text(value: Any) -> str:
    """Write a value as a cell of a table of text; a null is empty (assumed)."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(text, value))
    return str(value)


def _is_number(value: Any) -> bool:
    """Whether a value is a number, which true and false are not, nor the text that a number's SQL may give."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
