"""The files around the package: locks, bill of materials, workflows, the page on security."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import lookerframe as lf

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def _pins(lock: Path) -> set[tuple[str, str]]:
    return set(_PIN.findall(lock.read_text(encoding="utf-8")))


def _recipe(target: str) -> str:
    """Give the commands of a target of the Makefile."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", text, re.MULTILINE)
    assert found is not None
    return found[1]


# -- locks and bill of materials --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_locked_package_has_its_hashes(lock: Path) -> None:
    """`pip install --require-hashes` takes nothing else, and no lock names an index."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]

    assert lines
    assert [line for line in lines if not re.search(r"--hash=sha256:[0-9a-f]{64}", line)] == []
    assert "://" not in text


def test_the_runtime_lock_holds_what_the_package_needs() -> None:
    """The dependencies of `pyproject.toml` and what they need, in the versions that the tests run with."""
    names = {re.split(r"[<>=!~ ;\[]", requirement)[0] for requirement in _project()["dependencies"]}
    pins = _pins(ROOT / "requirements" / "runtime.txt")

    assert names <= {name for name, _ in pins}
    assert len(names) <= 6
    assert pins <= _pins(ROOT / "requirements" / "dev.txt")


@pytest.fixture(scope="module")
def materials(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Make the bill of materials with the command of `make sbom`."""
    target = tmp_path_factory.mktemp("sbom") / "sbom.json"
    [line] = [line for line in _recipe("sbom").splitlines() if "cyclonedx-py" in line]
    program, *arguments = shlex.split(line.strip().lstrip("@"))
    assert Path(program).name == "cyclonedx-py"
    arguments[arguments.index("out/lookerframe.cdx.json")] = str(target)
    subprocess.run([BIN / "cyclonedx-py", *arguments], cwd=ROOT, check=True, capture_output=True)
    return target.read_text(encoding="utf-8")


def test_the_bill_of_materials_is_cyclonedx(materials: str) -> None:
    """It meets the published schema of the version that it says it has."""
    version = SchemaVersion.from_version(json.loads(materials)["specVersion"])

    assert JsonStrictValidator(version).validate_str(materials) is None


def test_the_bill_of_materials_lists_what_is_locked(materials: str) -> None:
    """Each package of the runtime lock with its version and hashes, and none besides; the subject is this release."""
    found = json.loads(materials)
    subject = found["metadata"]["component"]

    assert (subject["name"], subject["type"], subject["version"]) == ("lookerframe", "library", lf.__version__)
    listed = {(part["name"], part["version"]) for part in found["components"]}
    assert listed == _pins(ROOT / "requirements" / "runtime.txt")
    assert all(part["externalReferences"][0]["hashes"] for part in found["components"])


# -- workflows --------------------------------------------------------------------------------------------------------


def _load(workflow: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    return loaded


def _steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in _load(workflow)["jobs"].values() for step in job["steps"]]


def _commands(workflow: Path) -> str:
    return "\n".join(step["run"] for step in _steps(workflow) if "run" in step)


def test_there_are_workflows() -> None:
    """One for changes, one for releases; so the tests below look at something."""
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "release.yml"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_does_what_can_be_done_here(workflow: Path) -> None:
    """The targets of make are in the Makefile, the modules that are run are installed, the files are there."""
    commands = _commands(workflow)
    targets = re.findall(r"\bmake ([a-z]+)", commands)
    modules = {name for name in re.findall(r"-m ([a-z]+)", commands) if name != "venv"}
    files = re.findall(r"requirements/[a-z]+\.txt", commands)

    assert targets
    assert all(_recipe(target) for target in targets)
    for module in modules:
        subprocess.run([sys.executable, "-m", module, "--help"], check=True, capture_output=True)
    assert all((ROOT / file).is_file() for file in files)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_no_more_rights_than_it_needs(workflow: Path) -> None:
    """Reading is the rule, and each job says what it may beyond that; actions are pinned, secrets are not used."""
    loaded, text = _load(workflow), workflow.read_text(encoding="utf-8")

    assert loaded["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in loaded["jobs"].values())
    assert all(re.search(r"@(v[0-9.]+|[0-9a-f]{40})$", step["uses"]) for step in _steps(workflow) if "uses" in step)
    assert "secrets." not in text
    assert "pull_request_target" not in text
    assert "${{" not in _commands(workflow)


def test_the_release_is_published_by_trusted_publishing() -> None:
    """One job may, in an environment of its own, from what another one has built, tested and attested; no token."""
    jobs = _load(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    publish, build = jobs["publish"], jobs["build"]

    assert publish["permissions"] == {"id-token": "write"}
    assert publish["environment"] == "pypi"
    assert publish["needs"] == "build"
    assert publish["steps"][-1]["uses"].startswith("pypa/gh-action-pypi-publish@")
    assert publish["steps"][-1]["with"] == {"attestations": True}
    used = " ".join(step.get("uses", "") + step.get("run", "") for step in build["steps"])
    steps = ["pip-audit", "make lint", "make test", "hatchling build", "--require-hashes", "make sbom", "attest-build"]
    places = [used.index(step) for step in steps]
    assert places == sorted(places)


def test_the_code_in_the_release_runs() -> None:
    """What the workflow hands to Python says the version of this project, and reads a result."""
    codes = re.findall(r"python -c '([^']+)'", _commands(ROOT / ".github" / "workflows" / "release.yml"))

    printed = [
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for code in codes
    ]

    assert printed == [f"{lf.__version__}\n", ""]


# -- the page on security ---------------------------------------------------------------------------------------------


def test_the_page_on_security_names_what_there_is() -> None:
    """Files and commands that it speaks of exist, and it sends nobody to an address."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:\.github|requirements|pyproject|docs)[\w./-]*)`", text)

    assert len(paths) >= 3
    assert all((ROOT / path).is_file() for path in paths)
    assert all(_recipe(target) for target in re.findall(r"`make ([a-z]+)`", text))
    assert not re.search(r"[\w.]+@[\w.]+|https?://", text)
