"""A million damaged payloads: an error of lookerframe, or the table that the standard library reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.reliability.feeding import feed
from tests.writers.bodies import BODIES

if TYPE_CHECKING:
    from tests.counting import Counts

PAYLOADS = 1_000_000
SEED = 101


def test_a_million_damaged_payloads(counts: Counts) -> None:
    """As in the quick tier, with other seeds."""
    each = -(-PAYLOADS // len(BODIES))
    found = feed(dict.fromkeys(BODIES, each), seed=SEED)

    assert found.sum("payloads") >= PAYLOADS
    counts(
        "R5-million",
        payloads=found.sum("payloads"),
        refused=found.sum("errors"),
        tables=found.sum("tables"),
        compared=found.sum("compared"),
        slowest_seconds=found.slowest,
        resident_megabytes=found.resident,
        seed=SEED,
    )
