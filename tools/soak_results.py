"""Put the results of ``make soak`` into the table of docs/reliability.md.

    python tools/soak_results.py

Each ``out/soak/TARGET.json`` fills the row of its target: date, figures, seeds. Rows of targets that were not run, or
whose row is of a later day, stay as they are; the first two columns are written by hand.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- soak results -->", "<!-- end of soak results -->"
#: The date of a target that has no results yet.
NOT_RUN = "not run"
_SEEDS = ("seed", "seeds")
_COLUMNS = 5
_RULES = 2


def filled(page: str, results: dict[str, dict[str, Any]]) -> str:
    """Fill the rows of a table.

    Parameters
    ----------
    page
        A document with a table of five columns between `BEGIN` and `END`: target, what it shows, date, figures, seeds.
    results
        Figures by target, as the full tier keeps them: ``date`` (ISO 8601), ``seed`` or ``seeds`` if there are any,
        and others. Those of ``R7-csv``, ``R7-json``, ... share the row of R7, and the earliest of their dates.

    Returns
    -------
    str
        The document with the rows of these targets filled, all else untouched.

    Raises
    ------
    ValueError
        There is no such table, or it has no row for a target.
    """
    before, begin, rest = page.partition(BEGIN)
    inside, end, after = rest.partition(END)
    if not begin or not end:
        message = f"the page has no table between {BEGIN!r} and {END!r}"
        raise ValueError(message)
    lines = inside.strip().splitlines()
    rows = [_cells(line) for line in lines[_RULES:]]
    found: dict[str, dict[str, dict[str, Any]]] = {row[0]: {} for row in rows}
    for name, result in sorted(results.items()):
        target, _, part = name.partition("-")
        if target not in found:
            message = f"the table has no row for {target}; add one that says what the target shows"
            raise ValueError(message)
        found[target][part] = result
    written = [_written(_row(row, found[row[0]])) for row in rows]
    return "\n".join([before + BEGIN, "", *lines[:_RULES], *written, "", END + after])


def _cells(line: str) -> list[str]:
    cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
    if len(cells) != _COLUMNS:
        message = f"a row of the table has {len(cells)} cells in place of {_COLUMNS}: {line}"
        raise ValueError(message)
    return cells


def _row(row: list[str], parts: dict[str, dict[str, Any]]) -> list[str]:
    date = min((result["date"] for result in parts.values()), default="")
    if not parts or (row[2] != NOT_RUN and row[2] > date):
        return row
    seeds = {str(result[name]): None for result in parts.values() for name in _SEEDS if name in result}
    figures = [f"{part}: {_said(result)}" if part else _said(result) for part, result in parts.items()]
    return [*row[:2], date, ". ".join(figures) or "-", ", ".join(seeds) or "-"]


def _said(result: dict[str, Any]) -> str:
    figures = {name: value for name, value in result.items() if name not in ("date", *_SEEDS)}
    return "; ".join(f"{name.replace('_', ' ')} {_shown(value)}" for name, value in figures.items())


def _shown(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(inner)}" for name, inner in value.items())
    return ", ".join(map(_shown, value)) if isinstance(value, list) else str(value)


def _written(cells: list[str]) -> str:
    plain = (" ".join(cell.replace(" | ", " / ").split()) for cell in cells)
    return f"| {' | '.join(plain)} |"


def main() -> None:
    """Fill the table of the documentation from what the last runs kept."""
    results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "out/soak").glob("*.json")}
    if not results:
        sys.exit("out/soak holds no results; run `make soak` first")
    page = ROOT / "docs" / "reliability.md"
    try:
        page.write_text(filled(page.read_text(encoding="utf-8"), results), encoding="utf-8")
    except ValueError as exc:
        sys.exit(f"{page.relative_to(ROOT)}: {exc}")
    print(f"{page.relative_to(ROOT)}: {', '.join(sorted(results))}")


if __name__ == "__main__":
    main()
