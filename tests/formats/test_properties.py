"""Random queries in every format: an independent writer spells them, the decoder reads them, and they are compared.

What a format cannot carry is a row of `tests.writers.losses.LOSSES`; no other difference passes.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tiers import scaled
from tests.writers import chunked, piece_size
from tests.writers.bodies import BODIES
from tests.writers.comparing import read, same
from tests.writers.drawing import chance, query_for
from tests.writers.expected import Choices

if TYPE_CHECKING:
    from random import Random

    from tests.counting import Counts
    from tests.writers.queries import Query

#: Queries for each format.
CASES = scaled(2_000, 20_000)
#: So many of them are drawn by hypothesis, which makes what fails as small as it can; the others by seeds, for speed.
DRAWN = CASES // 10


def choices_for(name: str, query: Query, random: Random) -> Choices:
    """Choose what a caller may ask for."""
    rows = (*query.rows, *query.pivot_values, query.totals or (), *chain.from_iterable(query.subtotals.values()))
    is_exact = all(abs(value) <= 2**53 for row in rows for value in row if isinstance(value, int))
    return Choices(
        names=random.choice(("field", "label", "label_short")),
        pivots=random.choice(("wide", "long")),
        cells=random.choice(CELLS) if name == "json_detail" else ("value",),
        timestamps=random.choice(("naive", "aware", "utc")),
        numbers=random.choice(("auto", "float64")) if is_exact else "auto",
    )


CELLS = (("value",), ("value",), ("value", "rendered", "html", "links"), ("rendered",), ("links", "value"))


def comes_back(name: str, random: Random) -> int:
    """Draw a query, write it, read it and compare it; return its number of rows."""
    query = query_for(name, random)
    if not (query.rows or query.dimensions or query.pivots):
        query = replace(query, totals=None)  # measures alone always have a row
    body = BODIES[name](query, random)
    choices = choices_for(name, query, random)
    chunk, piece = (random.choice((len(body), random.randint(1, 64))) for _ in range(2))
    streamed = choices.numbers == "float64" and random.random() < 0.5  # a stream does not look at all values first
    try:
        with piece_size(piece):
            same(read(query, name, chunked(body, chunk), choices), query, name, choices, streamed=streamed)
    except Exception as exc:
        exc.add_note(f"{query}\n{choices}, chunks of {chunk:,} bytes, pieces of {piece:,}\n{body!r}")
        raise
    return len(query.rows)


@pytest.mark.parametrize("name", BODIES)
def test_any_query_comes_back(name: str, counts: Counts) -> None:
    """Schema, rows, pivots and totals, whatever the caller asks for and wherever chunks end."""
    rows = 0
    for seed in range(CASES - DRAWN):
        try:
            rows += comes_back(name, chance(seed))
        except Exception as exc:
            exc.add_note(f"comes_back({name!r}, chance({seed}))")
            raise
    seeds = f"0 to {CASES - DRAWN - 1:,}"
    counts(f"R6-{name}", queries=CASES - DRAWN, drawn_by_hypothesis=DRAWN, rows=rows, seeds=seeds)


@pytest.mark.parametrize("name", BODIES)
@settings(max_examples=DRAWN, deadline=None, suppress_health_check=list(HealthCheck), report_multiple_bugs=False)
@given(random=st.randoms(use_true_random=False))
def test_any_small_query_comes_back(name: str, random: Random) -> None:
    """The same, drawn by hypothesis."""
    comes_back(name, random)
