"""A file appears under its name when it is whole: written beside it, flushed to the disk, then renamed.

Whatever goes wrong before the rename, a full disk or a killed process included, what stood under the name stays as it
was. A process that is killed outright leaves its temporary file, ``.NAME.PID.RANDOM.tmp``; the next run that writes the
same target removes it.

A temporary file is stale when nobody holds the lock that its writer takes when it makes the file and keeps until the
rename. The kernel drops the lock with the process, however that ends. The process id in the name would not tell: ids
are used again, and another container or another machine that shares the folder counts its own. Over NFS the lock is
kept by the server and holds between machines; where a mount keeps locks to itself (``nolock``, ``local_lock=all``), a
run on one machine may remove what another still writes: that export then fails with an `ExportError`, and nothing is
lost. Where there are no locks, as on Windows, nothing is removed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lookerframe.exceptions import ExportError, LookerFrameError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator

_REASONS = {
    errno.EACCES: "there is no permission to write here",
    errno.EDQUOT: "the disk quota is used up",
    errno.EEXIST: "it exists already, and overwrite=False was asked for",
    errno.EFBIG: "the file would pass the size limit of this process",
    errno.EIO: "the disk failed (Input/output error)",
    errno.ENAMETOOLONG: "its name is too long for the file system",
    errno.ENOENT: "its folder does not exist",
    errno.ENOSPC: "the disk is full",
    errno.ENOTDIR: "its folder is a file",
    errno.EPERM: "there is no permission to write here",
    errno.EROFS: "the file system is read-only",
}
#: What file systems without hard links answer, FAT with the first.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)
#: What file systems answer whose folders cannot be flushed, and need not be.
_NO_FLUSH = (errno.EINVAL, errno.EOPNOTSUPP)
if sys.platform == "linux":
    # A write lock on one byte far behind the data, of the open file and not of the process: shares of Windows let
    # nobody write what is locked, not even its owner by another descriptor. Source: fcntl(2), `struct flock`.
    _FAR_BYTE = struct.pack("@hhqqi0q", fcntl.F_WRLCK, os.SEEK_SET, 2**62, 1, 0)
#: Bytes of a name that every common file system takes.
_NAME_BYTES = 255
_RANDOM_BYTES = 4


@contextlib.contextmanager
def publishing(path: str | os.PathLike[str], *, overwrite: bool = True) -> Iterator[Path]:
    """Give a temporary file to fill; rename it to `path` if the block ends well, else remove it.

    Temporary files of `path` that killed processes left behind are removed first.

    Parameters
    ----------
    path
        The file to be. A link is followed: the file that it points to is replaced.
    overwrite : bool, default True
        Whether an older file may be replaced. If not, nothing may stand under the name, a link included, now or when
        the block has ended; of several writers one gets the name. Needs a file system with hard links.

    Yields
    ------
    pathlib.Path
        An empty file in the same folder, to be opened and filled in place.

    Raises
    ------
    ExportError
        `path` cannot be written. An error of the block comes out as itself.
    """
    target = Path(path)
    with contextlib.ExitStack() as held:
        with export_errors(target):
            final = Path(os.path.realpath(target))
            _refuse_special(final, target)
            if not overwrite and os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            _sweep(final)
            temporary, descriptor = _create_beside(final)
            held.callback(os.close, descriptor)
        try:
            yield temporary
            with export_errors(target):
                _flush(temporary, descriptor, target)
                if os.name == "nt":
                    held.close()  # Windows renames no open file
                _rename(temporary, final, overwrite=overwrite)
        except BaseException:
            held.close()
            with contextlib.suppress(OSError):  # what went wrong is told, not what followed from it
                temporary.unlink(missing_ok=True)
            raise
    _flush_folder(final.parent, target)


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


def _create_beside(final: Path) -> tuple[Path, int]:
    while True:
        name = f"{_prefix(final.name)}{os.getpid()}.{secrets.token_hex(_RANDOM_BYTES)}.tmp"
        temporary = final.with_name(name)
        # With the permissions that a new file gets, unlike those of `tempfile`.
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        if _lock(descriptor) is not False and os.path.lexists(temporary):
            return temporary, descriptor
        os.close(descriptor)  # a run that sweeps was faster than the lock, and has removed the file


def _prefix(name: str) -> str:
    # What follows takes at most 32 bytes: a process id has up to 10 digits. A long name is cut at a character.
    encoded = os.fsencode(name)
    room = _NAME_BYTES - 32
    return f".{name}." if len(encoded) <= room else f".{encoded[:room].decode('utf-8', 'ignore')}."


def _lock(descriptor: int) -> bool | None:
    """Lock an open file: True if that went well, False if another holds the lock, None where there are no locks."""
    if sys.platform == "win32":
        return None
    try:
        if sys.platform == "linux":
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _FAR_BYTE)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _sweep(final: Path) -> None:
    ours = re.compile(rf"{re.escape(_prefix(final.name))}\d+\.[0-9a-f]{{{2 * _RANDOM_BYTES}}}\.tmp", re.ASCII)
    # Tidying up is no reason to fail: a folder may be written that may not be listed.
    with contextlib.suppress(OSError), os.scandir(final.parent) as entries:
        for entry in entries:
            if ours.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                _remove_if_stale(Path(entry.path))


def _remove_if_stale(temporary: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(temporary, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode) and _lock(descriptor):
                temporary.unlink()  # under the lock: a writer that has just made the file sees that it is gone
        finally:
            os.close(descriptor)


def _flush(temporary: Path, descriptor: int, target: Path) -> None:
    # By the descriptor that was open all the time: one that is opened now is not told of earlier failures to write.
    os.fsync(descriptor)
    if not os.path.lexists(temporary):
        message = f"its temporary file {temporary.name} was removed while it was written; write it again"
        raise ExportError(message, target=str(target))


def _rename(temporary: Path, final: Path, *, overwrite: bool) -> None:
    if overwrite:
        temporary.replace(final)
    elif os.name == "nt":
        temporary.rename(final)  # replaces nothing there
    else:
        try:
            final.hardlink_to(temporary)
        except OSError as exc:
            if exc.errno in _NO_LINKS:
                message = "this file system has no hard links, which overwrite=False needs; use overwrite=True"
                raise ExportError(message, target=str(final)) from exc
            raise
        with contextlib.suppress(OSError):  # the next run removes it
            temporary.unlink()


def _flush_folder(folder: Path, target: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder, and has no need to: it journals the rename
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as exc:
        if exc.errno in _NO_FLUSH:
            return
        message = f"the new file is in place, but its folder was not flushed ({exc.strerror}); a power cut may undo it"
        raise ExportError(message, target=str(target)) from exc
