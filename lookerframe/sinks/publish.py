"""A file appears under its name when it is whole: written beside it, flushed to the disk, then renamed.

Whatever goes wrong before the rename, a full disk or a killed process included, what stood under the name stays as it
was. A process that is killed outright leaves its temporary file, ``.NAME.PID.RANDOM.tmp``, which may be deleted.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from lookerframe.exceptions import ExportError, LookerFrameError

if TYPE_CHECKING:
    from collections.abc import Iterator

_REASONS = {
    errno.EACCES: "there is no permission to write here",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would pass the size limit of this process",
    errno.ENOENT: "its folder does not exist",
    errno.ENOSPC: "the disk is full",
    errno.ENOTDIR: "its folder is a file",
    errno.EPERM: "there is no permission to write here",
    errno.EROFS: "the file system is read-only",
}


@contextlib.contextmanager
def publishing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary file to fill; rename it to `path` if the block ends well, else remove it.

    Parameters
    ----------
    path
        The file to be. A link is followed: the file that it points to is replaced.

    Yields
    ------
    pathlib.Path
        An empty file in the same folder, closed.

    Raises
    ------
    ExportError
        `path` cannot be written. An error of the block comes out as itself.
    """
    target = Path(path)
    with export_errors(target):
        final = Path(os.path.realpath(target))
        _refuse_special(final, target)
        temporary = _create_beside(final)
    try:
        yield temporary
        with export_errors(target):
            _sync(temporary)
            temporary.replace(final)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    with export_errors(target):
        _sync(final.parent)


@contextlib.contextmanager
def export_errors(target: Path, *foreign: type[Exception]) -> Iterator[None]:
    """Turn errors of the operating system, and those of `foreign` classes, into `ExportError`."""
    kinds: tuple[type[Exception], ...] = (OSError, *foreign)
    try:
        yield
    except LookerFrameError:
        raise
    except kinds as exc:
        reason = _REASONS.get(getattr(exc, "errno", None) or 0) or getattr(exc, "strerror", None) or str(exc)
        raise ExportError(reason, target=str(target)) from exc


def _refuse_special(final: Path, target: Path) -> None:
    # Renaming over a device such as /dev/null would replace the device.
    if final.is_dir():
        message = "it is a folder; name a file in it"
        raise ExportError(message, target=str(target))
    if final.exists() and not final.is_file():
        message = "it is a device or a pipe; only files are written whole"
        raise ExportError(message, target=str(target))


def _create_beside(final: Path) -> Path:
    temporary = final.with_name(f".{final.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    temporary.touch(exist_ok=False)  # with the permissions that a new file gets, unlike those of `tempfile`
    return temporary


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open a folder, and has no need to: it journals the rename
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
