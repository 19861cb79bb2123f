"""`publishing`: a file appears under its name when it is whole."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from lookerframe.exceptions import DeadlineError, ExportError
from lookerframe.sinks.publish import export_errors, publishing

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


def test_file_that_vanishes_is_an_export_error(tmp_path: Path) -> None:
    """If the temporary file cannot be published, the error says so."""
    path = tmp_path / "report.txt"

    with pytest.raises(ExportError) as caught, publishing(path) as temporary:
        temporary.unlink()

    assert caught.value.target == str(path)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "x.txt: the disk is full"),
        (errno.EROFS, "x.txt: the file system is read-only"),
        (errno.EACCES, "x.txt: there is no permission to write here"),
        (errno.EDQUOT, "x.txt: the disk quota is used up"),
        (errno.EIO, "x.txt: Input/output error"),
    ],
)
def test_reason_is_told_in_words(tmp_path: Path, number: int, message: str) -> None:
    """What the operating system says becomes a reason; what it said stays the cause."""
    failure = OSError(number, os.strerror(number))

    with pytest.raises(ExportError) as caught, export_errors(tmp_path / "x.txt"):
        raise failure

    assert str(caught.value) == str(tmp_path / message)
    assert caught.value.__cause__ is failure


def test_own_errors_pass(tmp_path: Path) -> None:
    """An error of this library is never taken for one of the file, though some are errors of the system as well."""
    failure = DeadlineError("out of time", phase="running")

    with pytest.raises(DeadlineError) as caught, export_errors(tmp_path / "x.txt"):
        raise failure

    assert caught.value is failure
