"""The same payload through lookerframe and through the standard library: one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.reliability.feeding import feed

if TYPE_CHECKING:
    from tests.counting import Counts

PAYLOADS = 50_000
#: What `json` and `csv` of the standard library read; `html.parser` and a regular expression for the other two.
FORMATS = (
    *("json", "inline_json", "json_label", "json_bi", "json_detail", "json_detail_lite_stream"),
    *("csv", "txt", "html", "md"),
)
SEED = 301


def test_lookerframe_reads_what_the_standard_library_reads(counts: Counts) -> None:
    """Drawn by chance: fields of every type, spellings, missing values; none of them damaged."""
    found = feed(dict.fromkeys(FORMATS, -(-PAYLOADS // len(FORMATS))), seed=SEED, whole=True)

    assert found.sum("compared") >= PAYLOADS
    assert found.sum("tables") == found.sum("payloads")
    counts("R10", payloads=found.sum("compared"), differences=found.sum("faults"), seed=SEED)
