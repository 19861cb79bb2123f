"""C1 in full: exports that are killed at five hundred random moments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reliability import exporter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reliability.conftest import Counts

KILLS = 500
SEED = 2


@pytest.mark.parametrize("kind", exporter.KINDS)
def test_five_hundred_kills_leave_whole_files(kind: str, tmp_path: Path, counts: Counts) -> None:
    """The old file or a new one, and nothing beside it after the next run; half of the kills fall into an export."""
    seen = exporter.kill_at_random(kind, tmp_path, kills=KILLS, seed=f"{SEED} {kind}")

    assert seen.partial == 0
    assert seen.unswept == 0
    assert seen.interrupted >= KILLS // 2
    counts("C1", seed=SEED, **{f"kills_{kind}": seen.kills, f"inside_an_export_{kind}": seen.interrupted})
