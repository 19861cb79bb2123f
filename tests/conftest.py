"""Fixtures that every test may use, and the rule for continuous integration: nothing is skipped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import settings

from tests.counting import (  # noqa: F401 - pytest finds them here
    counts,
    pytest_configure,
    pytest_terminal_summary,
    remember,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from lookerframe.client import Looker
    from lookerframe.local import Server

NO_SKIPS = "LOOKERFRAME_NO_SKIPS"

# No test asserts a time, those that make up their own cases included.
settings.register_profile("lookerframe", deadline=None)
settings.load_profile("lookerframe")

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.fixture(scope="session")
def payloads() -> Path:
    """Give the folder of payloads recorded from Looker; it is not part of the project."""
    return _from_environment("LOOKERFRAME_PAYLOADS")


@pytest.fixture(scope="session")
def spec() -> Path:
    """Give Looker's OpenAPI document; it is not part of the project."""
    return _from_environment("LOOKERFRAME_SPEC")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Run one local Looker for all tests that change nothing in it."""
    from lookerframe import local

    with local.start() as running:
        yield running


@pytest.fixture(scope="session")
def looker(server: Server) -> Looker:
    """Give a client of `server`."""
    return server.looker


def _from_environment(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        # These files belong to others and are not part of the project; where CI runs, a skip fails (see below).
        pytest.skip(f"{variable} is not set")
    return Path(value)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a skipped test where skipping is forbidden; see `counts` for the rest."""
    report = yield
    remember(item, report)
    return _unskipped(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a module that skips itself where skipping is forbidden."""
    return _unskipped((yield))


def _unskipped(report: Report) -> Report:
    if os.environ.get(NO_SKIPS) and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{NO_SKIPS} is set, but this was skipped: {report.longrepr}"
    return report
