"""Counts that a test of reliability rests on: said at the end of the run, and kept for ``docs/reliability.md``."""

from __future__ import annotations

import datetime as dt
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.tiers import SOAK

if TYPE_CHECKING:
    from collections.abc import Iterator

_COUNTS: pytest.StashKey[dict[str, dict[str, Any]]] = pytest.StashKey()
_OUTCOME: pytest.StashKey[pytest.TestReport] = pytest.StashKey()
#: Results of the full tier; ``tools/soak_results.py`` puts them into the documentation.
_KEPT = Path("out/soak")


class Counts(Protocol):
    """Takes down figures of one target."""

    def __call__(self, target: str, **figures: Any) -> None:
        """Say what a target of ``docs/reliability.md`` rests on: ``counts("R3", cuts=24_576, seed=1)``."""


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing."""
    config.stash[_COUNTS] = {}


@pytest.fixture
def counts(request: pytest.FixtureRequest) -> Iterator[Counts]:
    """Take down what a test rests on; nothing of a test that failed is kept."""
    began = time.monotonic()
    taken: dict[str, dict[str, Any]] = {}

    def take(target: str, **figures: Any) -> None:
        taken.setdefault(target, {}).update(figures)

    yield take
    report = request.node.stash.get(_OUTCOME, None)
    if report is not None and report.passed:
        for target, figures in taken.items():
            known = request.config.stash[_COUNTS].setdefault(target, {})
            seconds = known.pop("seconds", 0.0) + time.monotonic() - began
            known.update(figures, seconds=round(seconds, 1))


def remember(item: pytest.Item, report: pytest.TestReport) -> None:
    """Take down how the test itself ended."""
    if report.when == "call":
        item.stash[_OUTCOME] = report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what the targets rest on."""
    found = config.stash[_COUNTS]
    if not found:
        return
    terminalreporter.section(f"reliability, {'full' if SOAK else 'quick'} tier")
    for target, figures in sorted(found.items()):
        said = ", ".join(f"{name.replace('_', ' ')} {_shown(value)}" for name, value in figures.items())
        terminalreporter.line(f"{target}: {said}")
        if SOAK:
            _KEPT.mkdir(parents=True, exist_ok=True)
            kept = {"date": dt.datetime.now(dt.UTC).date().isoformat(), **figures}
            (_KEPT / f"{target}.json").write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
