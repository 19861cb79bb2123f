"""Fixtures for tests of one's own, against a local Looker.

In ``conftest.py``: ``pytest_plugins = "lookerframe.local.pytest"``. A project's own LookML and database are served if
``local_looker_options`` is overridden there:

>>> @pytest.fixture(scope="session")
... def local_looker_options():
...     return {"lookml": "lookml", "database": "test.duckdb"}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lookerframe import local

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.client import Looker


@pytest.fixture(scope="session")
def local_looker_options() -> dict[str, Any]:
    """Give the options of `lookerframe.local.start`; override it to change them."""
    return {}


@pytest.fixture(scope="session")
def local_looker(local_looker_options: dict[str, Any]) -> Iterator[local.Server]:
    """Run one local Looker for the whole test run; it listens on a free port."""
    with local.start(**local_looker_options) as server:
        yield server


@pytest.fixture
def local_looker_client(local_looker: local.Server) -> Looker:
    """Give a client of lookerframe that is logged in."""
    return local_looker.looker


@pytest.fixture
def local_looker_environment(local_looker: local.Server, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set the variables that the official SDK and lookerframe read, for the time of one test."""
    variables = {
        "LOOKERSDK_BASE_URL": local_looker.base_url,
        "LOOKERSDK_CLIENT_ID": local_looker.client_id,
        "LOOKERSDK_CLIENT_SECRET": local_looker.client_secret,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables
