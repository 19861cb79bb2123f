"""Small bodies that would become large, deep or curious: refused before they do, in a process that is measured."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lookerframe import exceptions
from tests.reliability.bombs import all_bombs

if TYPE_CHECKING:
    from tests.counting import Counts

ROOT = Path(__file__).resolve().parents[2]
#: What is in the bombs' names. Each group has a process of its own, for what one held at most does not shrink.
GROUPS = ("xlsx|deep", "B json", "B csv", "B (txt|html|md)")
RESIDENT_MEGABYTES = 300
#: So that a bomb that goes off ends; no promise on time.
GUARD_SECONDS = 300
SECRET = "what-no-workbook-may-read"

TOLD: dict[str, int] = {}


@pytest.mark.parametrize("group", GROUPS)
def test_a_bomb_is_refused_by_the_limit_that_it_passes(group: str, tmp_path: Path, counts: Counts) -> None:
    """Gzip to 2 GB, a cell and strings of 1 GB, entities of entities and of files, a hundred thousand brackets."""
    (tmp_path / "canary").write_text(SECRET)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        command = [sys.executable, "-m", "tests.reliability.bombs", str(tmp_path), str(port), group]
        done = subprocess.run(command, capture_output=True, check=False, cwd=ROOT, timeout=GUARD_SECONDS)
        listening.settimeout(0.1)
        with pytest.raises(TimeoutError):  # nobody knocked
            listening.accept()

    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert SECRET.encode() not in done.stdout
    found = {said["name"]: said for said in map(json.loads, done.stdout.splitlines())}
    assert list(found) == [name for name in all_bombs(tmp_path, port) if re.search(group, name)]
    for name, said in found.items():
        error = getattr(exceptions, said["error"] or "", None)
        assert error is not None, f"{name}: {said}"
        assert issubclass(error, exceptions.PayloadError), f"{name}: {said}"
        is_large = "GB" in name or "MB" in name
        if is_large:
            assert error is exceptions.PayloadLimitError, f"{name}: {said}"
        if name == "xlsx 1 GB cell":  # before anything is inflated
            assert "bytes inflate to 6 parts of 1,073," in said["message"]
    held = max(said["megabytes"] for said in found.values())
    assert held < RESIDENT_MEGABYTES
    TOLD["bombs"] = TOLD.get("bombs", 0) + len(found)
    TOLD["resident_megabytes"] = max(TOLD.get("resident_megabytes", 0), held)
    counts("M3", **TOLD)


def test_every_bomb_is_in_a_group(tmp_path: Path) -> None:
    """Else it would not be tried."""
    assert [name for name in all_bombs(tmp_path, 1) if not re.search("|".join(GROUPS), name)] == []
