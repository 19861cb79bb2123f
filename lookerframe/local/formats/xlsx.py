"""``xlsx``: a workbook of one sheet.

Source: Looker's documentation (binary; heading rows as in ``csv``). Names and looks of the sheet are assumed.
"""

from __future__ import annotations

import io
from decimal import Decimal
from typing import TYPE_CHECKING

import xlsxwriter  # type: ignore[import-untyped]

from lookerframe.local.formats.json_rows import error_text
from lookerframe.local.formats.tables import FlatTable
from lookerframe.local.rendering import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.local.outcome import Outcome


class Xlsx:
    """A table for a spreadsheet; numbers are numbers."""

    name = "xlsx"
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    carries_errors = False
    wraps_errors = False

    def write(self, outcome: Outcome) -> Iterator[bytes]:
        """Write the file, whole."""
        file = io.BytesIO()
        # Text that looks like a formula or an address stays text.
        options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with xlsxwriter.Workbook(file, options) as workbook:
            sheet = workbook.add_worksheet()
            if outcome.table is None:
                sheet.write_string(0, 0, error_text(outcome))
            else:
                flat = FlatTable.of(outcome)
                for number, row in enumerate((*flat.headings, *flat.rows())):
                    for place, value in enumerate(row):
                        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
                            sheet.write_number(number, place, value)
                        elif value is not None and value != "":
                            sheet.write_string(number, place, text(value))
        yield file.getvalue()
