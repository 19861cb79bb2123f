"""`publishing`: a file appears under its name when it is whole."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from lookerframe.exceptions import DeadlineError, ExportError
from lookerframe.sinks.publish import _lock, _prefix, export_errors, publishing

if TYPE_CHECKING:
    from pathlib import Path


def _fail_half_way(temporary: Path, failure: Exception) -> None:
    temporary.write_text("half")
    raise failure


def test_file_appears_at_the_end_of_the_block(tmp_path: Path) -> None:
    """Until then the old file stands under the name, and the new one beside it under another."""
    path = tmp_path / "report.txt"
    path.write_text("old")

    with publishing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(f".report.txt.{os.getpid()}.")

    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_failing_block_changes_nothing(tmp_path: Path) -> None:
    """The error of the block comes out as it is; no file is left, none is changed."""
    path = tmp_path / "report.txt"
    failure = OSError("half-way")

    with pytest.raises(OSError, match="half-way") as caught, publishing(path) as temporary:
        _fail_half_way(temporary, failure)

    assert caught.value is failure
    assert list(tmp_path.iterdir()) == []


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    """Each has a file of its own; the one that ends last is seen."""
    path = tmp_path / "report.txt"

    with publishing(path) as first:
        first.write_text("first")
        with publishing(path) as second:
            second.write_text("second")
        assert path.read_text() == "second"

    assert path.read_text() == "first"


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "x.txt: the disk is full"),
        (errno.EROFS, "x.txt: the file system is read-only"),
        (errno.EACCES, "x.txt: there is no permission to write here"),
        (errno.EDQUOT, "x.txt: the disk quota is used up"),
        (errno.EIO, "x.txt: the disk failed (Input/output error)"),
        (errno.EBUSY, "x.txt: Device or resource busy"),
    ],
)
def test_reason_is_told_in_words(tmp_path: Path, number: int, message: str) -> None:
    """What the operating system says becomes a reason; what it said stays the cause."""
    failure = OSError(number, os.strerror(number))

    with pytest.raises(ExportError) as caught, export_errors(tmp_path / "x.txt"):
        raise failure

    assert str(caught.value) == str(tmp_path / message)
    assert caught.value.__cause__ is failure


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    """The error says what to name instead, before the block runs."""
    with pytest.raises(ExportError) as caught, publishing(tmp_path):
        pytest.fail("the block ran")

    assert str(caught.value) == f"{tmp_path}: it is a folder; name a file in it"


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    """Nor is a device, such as /dev/null."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for target in (pipe, os.devnull):
        with pytest.raises(ExportError, match="it is a device or a pipe"), publishing(target):
            pytest.fail("the block ran")

    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_no_file_stays_open(tmp_path: Path) -> None:
    """However the block ends, and whatever was tidied up before it."""
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - a descriptor more while it is read, both times
    path = tmp_path / "report.txt"

    for number in range(5):
        _left_behind("report.txt", tmp_path, pid=number)
        with publishing(path):
            pass
        with pytest.raises(KeyError), publishing(path):
            raise KeyError
        with pytest.raises(ExportError), publishing(path, overwrite=False):
            pytest.fail("the block ran")

    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208


def test_own_errors_pass(tmp_path: Path) -> None:
    """An error of this library is never taken for one of the file, though some are errors of the system as well."""
    failure = DeadlineError("out of time", phase="running")

    with pytest.raises(DeadlineError) as caught, export_errors(tmp_path / "x.txt"):
        raise failure

    assert caught.value is failure


def test_what_stands_there_is_not_replaced_if_that_was_said(tmp_path: Path) -> None:
    """The error comes before the block, so that nothing is fetched for nothing."""
    path = tmp_path / "report.txt"
    path.write_text("old")

    with pytest.raises(ExportError) as caught, publishing(path, overwrite=False):
        pytest.fail("the block ran")

    assert str(caught.value) == f"{path}: it exists already, and overwrite=False was asked for"
    assert path.read_text() == "old"


def test_a_link_that_points_nowhere_is_not_followed_if_nothing_may_be_replaced(tmp_path: Path) -> None:
    """The name is taken, whatever takes it."""
    path = tmp_path / "report.txt"
    path.symlink_to(tmp_path / "elsewhere.txt")

    with pytest.raises(ExportError, match="exists already"), publishing(path, overwrite=False):
        pytest.fail("the block ran")

    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_comes_meanwhile_is_not_replaced_either(tmp_path: Path) -> None:
    """Another writer was faster: its file stays, ours is gone."""
    path = tmp_path / "report.txt"

    with pytest.raises(ExportError, match="exists already"), publishing(path, overwrite=False):
        path.write_text("theirs")

    assert path.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_a_free_name_is_taken(tmp_path: Path) -> None:
    """With `overwrite=False` the file is published under one name only."""
    path = tmp_path / "report.txt"

    with publishing(path, overwrite=False) as temporary:
        temporary.write_text("new")

    assert path.read_text() == "new"
    assert path.stat().st_nlink == 1
    assert list(tmp_path.iterdir()) == [path]


def _left_behind(name: str, folder: Path, *, pid: int = 4_000_000) -> Path:
    path = folder / f".{name}.{pid}.0123abcd.tmp"
    path.write_text("half")
    return path


def test_a_name_that_is_no_text_stays_whole() -> None:
    """File systems take any bytes; what cannot be decoded tells one target from another as well."""
    name = os.fsdecode(b"r\xff.txt")

    assert _prefix(name) == f".{name}."


@pytest.mark.parametrize("name", ["report.txt", "a[b].csv", "n" * 255, "健" * 85])
def test_what_a_dead_process_left_is_removed_by_the_next_run(tmp_path: Path, name: str) -> None:
    """Of the same target, whatever its name and length; a process id that is in use again does not keep it."""
    path = tmp_path / name
    with publishing(path) as temporary:
        (prefix, _, _, _) = temporary.name.rsplit(".", 3)
    left = [_left_behind(prefix[1:], tmp_path), _left_behind(prefix[1:], tmp_path, pid=os.getpid())]

    with publishing(path):
        assert not [stale for stale in left if stale.exists()]

    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "name",
    [
        ".other.txt.1.0123abcd.tmp",
        ".report.txt.1.0123abcd.tmp.old",
        ".report.txt.1.0123ABCD.tmp",
        ".report.txt.x.0123abcd.tmp",
        ".report.txt.0123abcd.tmp",
        ".report-txt.1.0123abcd.tmp",
        "report.txt.1.0123abcd.tmp",
    ],
)
def test_other_files_are_left_alone(tmp_path: Path, name: str) -> None:
    """Only names that this module gives, and only for this target, are looked at."""
    (tmp_path / name).write_text("theirs")

    with publishing(tmp_path / "report.txt"):
        pass

    assert (tmp_path / name).read_text() == "theirs"


def test_a_link_or_a_folder_of_such_a_name_is_left_alone(tmp_path: Path) -> None:
    """It was not made here; what the link points to stays as well."""
    (tmp_path / "theirs").write_text("theirs")
    link, folder, pipe = (tmp_path / f".report.txt.{number}.0123abcd.tmp" for number in range(3))
    link.symlink_to(tmp_path / "theirs")
    folder.mkdir()
    os.mkfifo(pipe)

    with publishing(tmp_path / "report.txt"):
        pass

    assert link.read_text() == "theirs"
    assert folder.is_dir()
    assert pipe.is_fifo()


def test_a_lock_of_another_is_told_from_one_that_cannot_be_had(tmp_path: Path) -> None:
    """The first shows a living writer, the second nothing."""
    path = tmp_path / "report.txt"
    with path.open("wb") as first, path.open("r+b") as second, path.open("rb") as readable:
        assert _lock(first.fileno()) is True
        assert _lock(second.fileno()) is False
        assert _lock(readable.fileno()) is not True


def test_what_a_living_process_writes_is_left_alone(tmp_path: Path) -> None:
    """However long it takes and whatever its name says: the lock tells."""
    path = tmp_path / "report.txt"
    with publishing(path) as first:
        first.write_text("first")
        os.utime(first, (0, 0))
        with publishing(path) as second:
            second.write_text("second")
        assert first.exists()

    assert path.read_text() == "first"


def test_a_file_that_was_swept_away_is_told_as_such(tmp_path: Path) -> None:
    """Where locks are not shared between machines another one may remove the file; nothing is lost but time."""
    path = tmp_path / "report.txt"
    path.write_text("old")

    with pytest.raises(ExportError, match="was removed while it was written; write it again"), publishing(path) as ours:
        ours.unlink()

    assert path.read_text() == "old"


def test_a_run_that_sweeps_takes_nothing_from_one_that_begins(tmp_path: Path) -> None:
    """Between the making of a file and its lock another run may take it for stale; the writer then makes a new one."""
    path = tmp_path / "report.txt"

    def publish(number: int) -> None:
        with publishing(path) as temporary:
            temporary.write_text(str(number))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(publish, range(400))) == [None] * 400
    assert list(tmp_path.iterdir()) == [path]
