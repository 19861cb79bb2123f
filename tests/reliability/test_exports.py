"""C1, C2: under the name of an export stands the old file or the new one, whole, whatever happens meanwhile."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.reliability import exporter
from tests.tiers import scaled

if TYPE_CHECKING:
    from tests.counting import Counts

#: Of each kind of file.
KILLS, CONTROL_KILLS = scaled(10, 500), 6
WRITERS, ROUNDS = 16, 3
RUNS = 24
SEED = 1

refusing = pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked to refuse, in the way of Linux")

#: What refuses, with which error of the system where that is a choice, and what is said.
REFUSALS = [
    ("full", errno.ENOSPC, "the disk is full"),
    ("read-only", 0, "the file system is read-only"),
    ("no-rights", 0, "there is no permission to write here"),
    ("create", errno.EIO, "the disk failed (Input/output error)"),
    ("write", errno.EIO, "the disk failed (Input/output error)"),
    ("write", errno.EDQUOT, "the disk quota is used up"),
    ("fsync", errno.EIO, "the disk failed (Input/output error)"),
    ("rename", errno.EIO, "the disk failed (Input/output error)"),
    ("link", errno.EIO, "the disk failed (Input/output error)"),
    ("size", 0, "the file would pass the size limit of this process"),
]


def test_a_killed_export_leaves_a_whole_file(tmp_path: Path, counts: Counts) -> None:
    """At whatever moment the process dies; what it leaves beside the file is removed by the next run."""
    seen = {}
    for kind in exporter.KINDS:
        (tmp_path / kind).mkdir()
        seen[kind] = exporter.kill_at_random(kind, tmp_path / kind, kills=KILLS, seed=f"{SEED} {kind}")

    assert [(kind, kills.partial, kills.unswept) for kind, kills in seen.items()] == [(kind, 0, 0) for kind in seen]
    inside = sum(kills.interrupted for kills in seen.values())
    assert inside > 0
    counts("C1", kills=KILLS * len(seen), inside_an_export=inside, formats=", ".join(seen), seed=SEED)


@pytest.mark.parametrize("kind", exporter.KINDS)
def test_a_kill_would_show_a_partial_file(kind: str, tmp_path: Path) -> None:
    """The control: an export straight under its name is found out by the same kills."""
    seen = exporter.kill_at_random(kind, tmp_path, kills=CONTROL_KILLS, seed=f"{SEED} {kind}", how="kill_unsafely")

    assert seen.partial > 0


@refusing
@pytest.mark.parametrize(("what", "error", "reason"), REFUSALS, ids=[f"{what}-{error}" for what, error, _ in REFUSALS])
def test_a_refused_export_is_an_export_error(
    what: str, error: int, reason: str, tmp_path: Path, counts: Counts
) -> None:
    """The error says why, each time; the old files are what they were, and nothing is left beside them."""
    mounts = what in ("full", "read-only")

    seen = exporter.run("refused", what, str(error), str(RUNS), str(tmp_path))

    if what == "read-only" and not seen["mounted"]:
        reason = "there is no permission to write here"
    place = "new" if what == "link" else "old"
    assert seen["ends"] == [f"ExportError: {place}.{kind}: {reason}" for kind in sorted(exporter.KINDS)]
    assert seen["errors"] == RUNS
    assert seen["intact"]
    assert seen["left"] == []
    means = {f"{what}_by": "a small tmpfs" if seen["mounted"] else "system calls that fail"} if mounts else {}
    counts("C2", runs=RUNS * len(REFUSALS), kinds=len(REFUSALS), **means)


@refusing
def test_a_folder_that_cannot_be_flushed_is_told(tmp_path: Path) -> None:
    """The file is in place by then, and the error says so: a power cut may undo it."""
    seen = exporter.run("refused", "open-folder", str(errno.EIO), "3", str(tmp_path))

    assert seen["errors"] == 3
    assert all("the new file is in place, but its folder was not flushed" in end for end in seen["ends"])
    assert not seen["intact"]
    assert all(exporter.is_whole(kind, tmp_path / f"old.{kind}") for kind in exporter.KINDS)


@refusing
@pytest.mark.parametrize("error", [errno.EINVAL, errno.EOPNOTSUPP])
def test_a_folder_that_need_not_be_flushed_is_left_alone(error: int, tmp_path: Path) -> None:
    """Some network file systems flush no folders; there the export is as good as it gets."""
    seen = exporter.run("refused", "open-folder", str(error), "3", str(tmp_path))

    assert seen["ends"] == ["written"]


@refusing
@pytest.mark.parametrize("error", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_links_refuses_to_keep_what_is_there(error: int, tmp_path: Path) -> None:
    """`overwrite=False` promises more than such a file system can do, and nothing is written."""
    seen = exporter.run("refused", "link", str(error), "3", str(tmp_path))

    assert seen["errors"] == 3
    assert all("no hard links, which overwrite=False needs; use overwrite=True" in end for end in seen["ends"])
    assert seen["left"] == []


@pytest.mark.parametrize(
    ("how", "ends"),
    [("crowd", (WRITERS, 0)), ("crowd_for_one_place", (1, WRITERS - 1))],
    ids=["each-replaces", "none-replaces"],
)
def test_writers_at_the_same_time_do_not_mix(how: str, ends: tuple[int, int], tmp_path: Path, counts: Counts) -> None:
    """The file is that of one of sixteen; the others went well, too, or with `overwrite=False` were refused."""
    seen = exporter.run(how, str(tmp_path), str(WRITERS), str(ROUNDS))

    assert len(seen) == ROUNDS * len(exporter.KINDS)
    for crowd in seen:
        target = Path(crowd["target"])
        assert (crowd["written"], crowd["refused"]) == ends
        assert exporter.is_whole(crowd["kind"], target)
        assert list(target.parent.iterdir()) == [target]
    counts("C2", writers=WRITERS, rounds=2 * len(seen))
