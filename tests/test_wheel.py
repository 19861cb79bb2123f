"""What is shipped: the wheel holds all that the library reads at run time, and works where it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from lookerframe.validation import schema_names

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build both distributions; return their folder."""
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "hatchling", "build", "-d", str(folder), cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """Give the wheel."""
    (path,) = built.glob("lookerframe-*-py3-none-any.whl")
    return path


def _run(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wheel_holds_the_package_and_its_data(wheel: Path) -> None:
    """Every file of the package is in it, and so are the schemas, which lie outside of the package in a checkout."""
    expected = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "lookerframe").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    expected |= {f"lookerframe/schemas/{name}.schema.json" for name in schema_names()}

    with zipfile.ZipFile(wheel) as archive:
        found = set(archive.namelist())

    assert expected <= found
    assert {"lookerframe/py.typed", "lookerframe/local/data/flights.parquet"} <= found
    metadata = f"lookerframe-{version('lookerframe')}.dist-info"
    assert {name.partition("/")[0] for name in found} == {"lookerframe", metadata}
    assert f"{metadata}/licenses/LICENSE" in found


def test_sdist_holds_what_builds_the_wheel(built: Path) -> None:
    """The source distribution has the schemas, the tests and the locks."""
    (path,) = built.glob("lookerframe-*.tar.gz")

    with tarfile.open(path) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}

    assert {
        "pyproject.toml",
        "schemas/query_task.schema.json",
        "lookerframe/validation.py",
        "tests/test_wheel.py",
        "requirements/dev.txt",
        "Makefile",
        "LICENSE",
    } <= found
    assert not [name for name in found if name.startswith((".venv", "dist", ".git/"))]


def test_installed_wheel_finds_its_schemas(wheel: Path, tmp_path: Path) -> None:
    """Installed somewhere else, the library reads the schemas that came with it."""
    site = tmp_path / "site"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-index")
    _run(*pip, "--target", str(site), str(wheel), cwd=tmp_path)
    code = (
        "import lookerframe.validation as v; print(v.__file__); print(*v.schema_names()); "
        "print(v.check({'id': '1', 'new': 2}, schema='query_task'))"
    )

    out = _run(sys.executable, "-c", code, cwd=tmp_path, PYTHONPATH=str(site)).splitlines()

    assert Path(out[0]).is_relative_to(site)
    assert tuple(out[1].split()) == schema_names()
    assert out[2] == "(\"query_task: unknown member 'new'\",)"
