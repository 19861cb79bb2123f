"""The pytest plugin, in a test run of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_CONFTEST = """
import pytest

pytest_plugins = "lookerframe.local.pytest"


@pytest.fixture(scope="session")
def local_looker_options():
    return {"latency": 0.01}
"""

_TESTS = """
import os

import looker_sdk
import requests

seen = []


def test_server(local_looker):
    seen.append(local_looker)
    assert requests.get(local_looker.base_url + "/alive", timeout=30).status_code == 200


def test_same_server(local_looker):
    assert seen == [local_looker]


def test_client(local_looker_client, local_looker):
    assert local_looker_client is local_looker.looker


def test_environment(local_looker_environment):
    sdk = looker_sdk.init40()
    assert sdk.me().display_name == "Local Looker"
    sdk.transport.session.close()


def test_environment_is_gone():
    assert "LOOKERSDK_CLIENT_SECRET" not in os.environ
"""


def test_plugin(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """A project's tests get a server, a client and the variables of the SDK; its own options are met."""
    (tmp_path / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
    (tmp_path / "test_own.py").write_text(_TESTS, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOOKERSDK")}
    environment["PYTHONPATH"] = str(pytestconfig.rootpath)

    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment,
    )

    assert found.returncode == 0, found.stdout + found.stderr
    assert "5 passed" in found.stdout
