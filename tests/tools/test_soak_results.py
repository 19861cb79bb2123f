"""`tools/soak_results.py`: what the full tier kept, put into the table of the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.soak_results import BEGIN, END, filled

ROOT = Path(__file__).parent.parent.parent
PAGE = f"""\
# Reliability

Words | that stay.

{BEGIN}

| target | what it shows | date | figures | seeds |
| --- | --- | --- | --- | --- |
| C1 | whole files | not run | - | - |
| M1 | little memory | 2026-05-01 | peak 300 | 7 |

{END}

More words.
"""


def test_the_row_of_a_target_that_was_run_is_filled() -> None:
    """Date, figures and seed take their places; numbers are written with their thousands."""
    kills = {"date": "2026-06-01", "kills": 1500, "seed": 2, "left_by": ["a", "b"], "kinds": {"csv": 5}, "seconds": 9.5}

    page = filled(PAGE, {"C1": kills})

    row = "| C1 | whole files | 2026-06-01 | kills 1,500; left by a, b; kinds csv 5; seconds 9.5 | 2 |"
    assert page == PAGE.replace("| C1 | whole files | not run | - | - |", row)


def test_filling_again_changes_nothing() -> None:
    """And so does filling with nothing."""
    results = {"C1": {"date": "2026-06-01", "kills": 3, "seeds": [1, 2]}}

    once = filled(PAGE, results)

    assert filled(once, results) == once
    assert filled(PAGE, {}) == PAGE


def test_a_later_run_takes_the_place_of_an_earlier_one_and_not_the_other_way_round() -> None:
    """Results that lie around from an earlier day undo nothing."""
    later, earlier = ({"M1": {"date": date, "peak": 1}} for date in ("2026-05-02", "2026-04-30"))

    assert "| M1 | little memory | 2026-05-02 | peak 1 | - |" in filled(PAGE, later)
    assert filled(PAGE, earlier) == PAGE


def test_a_figure_cannot_break_the_table() -> None:
    """Whatever a test took down, it stays in its cell."""
    page = filled(PAGE, {"C1": {"date": "2026-06-01", "by": "one | other\nthing"}})

    assert "| C1 | whole files | 2026-06-01 | by one / other thing | - |" in page
    assert len(page.splitlines()) == len(PAGE.splitlines())


def test_parts_of_a_target_share_its_row() -> None:
    """Each under its name, with all seeds once; the row is as old as its oldest part."""
    parts = {
        "M1-json": {"date": "2026-06-02", "peak": 3, "seed": 7},
        "M1-csv": {"date": "2026-06-01", "peak": 2000, "seed": 7},
    }

    page = filled(PAGE, parts)

    assert "| M1 | little memory | 2026-06-01 | csv: peak 2,000. json: peak 3 | 7 |" in page


def test_a_target_without_a_row_is_an_error() -> None:
    """Somebody has to say what it shows."""
    with pytest.raises(ValueError, match="no row for X9"):
        filled(PAGE, {"X9": {"date": "2026-06-01"}})


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{BEGIN}\n| a | b |\n| - | - |\n| c | d |\n{END}"])
def test_a_page_without_the_table_is_an_error(page: str) -> None:
    """Nothing is written to a place that was not meant."""
    with pytest.raises(ValueError, match="table"):
        filled(page, {})


def test_the_documentation_has_the_table() -> None:
    """With a row for each target that a test of reliability takes figures down for."""
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    tests = sorted((ROOT / "tests" / "reliability").glob("*.py"))
    named = re.findall(r'\bcounts\(\s*f?"([A-Z]+\d+)', "".join(path.read_text(encoding="utf-8") for path in tests))

    assert {"C1", "C2", "M1", "M2", "M4", "R7", "S3"} <= set(named)
    assert filled(page, {}) == page
    filled(page, {target: {"date": "2026-01-01"} for target in named})
