"""Damaged payloads of every format: an error of lookerframe, or the table that the standard library reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.reliability.feeding import feed
from tests.tiers import scaled
from tests.writers.bodies import BODIES

if TYPE_CHECKING:
    from tests.counting import Counts

PAYLOADS = scaled(100_000, 1_000_000)
SEED = scaled(1, 101)


def test_a_damaged_payload_is_an_error_or_what_it_says(counts: Counts) -> None:
    """Nothing foreign comes out, nothing hangs, and little is held.

    What `reference` reads is compared where a payload without pivots and totals became a table all the same.
    """
    each = -(-PAYLOADS // len(BODIES))
    found = feed(dict.fromkeys(BODIES, each), seed=SEED)

    assert found.sum("payloads") >= PAYLOADS
    counts(
        "R5",
        payloads=found.sum("payloads"),
        refused=found.sum("errors"),
        tables=found.sum("tables"),
        compared=found.sum("compared"),
        slowest_seconds=found.slowest,
        resident_megabytes=found.resident,
        seed=SEED,
    )
