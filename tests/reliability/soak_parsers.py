"""Each parser by itself, a million times: nothing but errors of lookerframe comes out of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.reliability.feeding import feed

if TYPE_CHECKING:
    from tests.counting import Counts

#: Executions of each parser; a workbook takes longer to pack than to read.
TEXTS, WORKBOOKS = 1_000_000, 200_000
PARSERS = {**dict.fromkeys(("json", "json_detail", "json_bi", "csv", "txt", "html", "md"), TEXTS), "xlsx": WORKBOOKS}
#: Minutes for each parser; what was done in them is what counts.
MINUTES = float(os.environ.get("LOOKERFRAME_SOAK_MINUTES", "30"))
#: Small bodies: the time goes into many.
LIMIT = 800
SEED = 201


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_raises_errors_of_lookerframe_alone(name: str, counts: Counts) -> None:
    """Or gives the table that the standard library reads."""
    found = feed({name: PARSERS[name]}, seed=SEED, limit=LIMIT, seconds=60 * MINUTES)

    done = found.sum("payloads")
    counts(
        f"R7-{name}",
        executions=done,
        due=PARSERS[name],
        refused=found.sum("errors"),
        compared=found.sum("compared"),
        slowest_seconds=found.slowest,
        resident_megabytes=found.resident,
        seed=SEED,
    )
