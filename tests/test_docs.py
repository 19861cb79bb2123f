"""The documentation says what the code does."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import lookerframe as lf
from lookerframe import fields
from lookerframe.columns import Decoding
from lookerframe.fields import Field

ROOT = Path(__file__).parent.parent
_NAMES = {"float64": "double", "date32": "date32[day]", "list<string>": "list<item: string>"}


def _rows() -> list[tuple[str, str]]:
    """Give each LookML type that the page lists, with the Arrow type that it names first."""
    listed = []
    for line in (ROOT / "docs" / "types.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if line.startswith("| `") and len(cells) == 6 and cells[1].startswith("`"):
            arrow = re.findall(r"`([^`]+)`", cells[3])[0]
            listed += [(kind, _NAMES.get(arrow, arrow)) for kind in re.findall(r"`([a-z_0-9]+)`", cells[1])]
    return listed


@pytest.mark.parametrize(("kind", "arrow_type"), _rows())
def test_the_page_on_types_is_the_table(kind: str, arrow_type: str) -> None:
    """A LookML type becomes the Arrow type that docs/types.md names."""
    measure = kind in {"count", "count_distinct", "int", "list"}

    reader = Decoding().reader(Field("a.b", kind, measure=measure), "a.b", timezone=None)

    # A number dimension is settled by its values: whole ones make it int64, the first type that the page names.
    found = reader.arrow_type or reader.build([1]).type
    assert str(found) == arrow_type


def test_the_page_on_types_leaves_none_out() -> None:
    """Every type of the table has its place on the page."""
    assert set(fields._LOOKML) <= {kind for kind, _ in _rows()}


def test_the_examples_of_the_page_on_types_say_what_happens(looker: lf.Looker) -> None:
    """They run against the local Looker, and print what the page shows."""
    done = doctest.testfile(
        str(ROOT / "docs" / "types.md"), module_relative=False, globs={"lf": lf, "looker": looker}, encoding="utf-8"
    )

    assert done.attempted > 5
    assert done.failed == 0


def test_every_public_name_is_documented() -> None:
    """README, docs and changelog together name all that is public."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)

    missing = [name for name in lf.__all__ if name != "__version__" and not re.search(rf"\b{name}\b", text)]

    assert missing == []


def test_every_public_object_has_a_docstring() -> None:
    """And so says what it is, in place."""
    assert [name for name in lf.__all__ if name != "__version__" and not getattr(lf, name).__doc__] == []
