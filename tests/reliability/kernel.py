"""A process that the kernel refuses things: mounts of its own, rights given up, system calls that fail.

Nothing is patched: errors come from the system call itself, to Python and to the libraries it loads. Linux only, on
x86-64 and arm64; whatever is changed lasts for the process that asked, and for its children.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)

_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x10000000
_MS_RDONLY, _MS_REMOUNT, _MS_REC, _MS_PRIVATE = 0x1, 0x20, 0x4000, 0x40000
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _FILTER_MODE = 22, 38, 2
_CAPABILITY_VERSION = 0x20080522

#: Numbers of system calls. Source: the tables of the kernel, arch/x86/entry/syscalls and asm-generic/unistd.h.
_CALLS = {
    "x86_64": {"write": 1, "fsync": 74, "rename": 82, "link": 86, "openat": 257, "linkat": 265},
    "aarch64": {"write": 64, "fsync": 82, "rename": 38, "link": 37, "openat": 56, "linkat": 37},
}
#: Codes of the filter language: load a word, compare, return. Source: linux/bpf_common.h, linux/seccomp.h.
_LOAD, _JUMP_EQUAL, _JUMP_GREATER, _JUMP_SET, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
#: Where a filter finds the number of the call, and the lower half of its arguments.
_NUMBER, _ARGUMENTS, _OPEN_FLAGS = 0, 16, 32
_LAST_STANDARD_STREAM = 2


def refuse(call: str, error: int) -> None:
    """Let a system call of this thread fail from here on, for good.

    Parameters
    ----------
    call
        ``write`` (standard streams go on), ``create`` (a file, if it is not there), ``open-folder``, ``fsync``,
        ``rename``, ``link``.
    error
        What it fails with, of `errno`.
    """
    numbers = _CALLS[platform.machine()]
    if call == "write":
        _install(numbers["write"], error, condition=(_ARGUMENTS, _JUMP_GREATER, _LAST_STANDARD_STREAM))
    elif call == "create":
        _install(numbers["openat"], error, condition=(_OPEN_FLAGS, _JUMP_SET, os.O_CREAT))
    elif call == "open-folder":
        _install(numbers["openat"], error, condition=(_OPEN_FLAGS, _JUMP_SET, os.O_DIRECTORY))
    elif call == "link":
        _install(numbers["link"], error)
        _install(numbers["linkat"], error)
    else:
        _install(numbers[call], error)


def _install(number: int, error: int, *, condition: tuple[int, int, int] | None = None) -> None:
    steps = [(_LOAD, 0, 0, _NUMBER), (_JUMP_EQUAL, 0, 3 if condition else 1, number)]
    if condition:
        place, comparison, value = condition
        steps += [(_LOAD, 0, 0, place), (comparison, 0, 1, value)]
    steps += [(_RETURN, 0, 0, _ERROR | error), (_RETURN, 0, 0, _ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HP", len(steps), ctypes.addressof(code)))
    _checked(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(_LIBC.prctl(_PR_SET_SECCOMP, _FILTER_MODE, ctypes.c_void_p(ctypes.addressof(program)), 0, 0))


def mount_small(folder: Path, *, size: int) -> bool:
    """Put an empty file system of `size` bytes on `folder`, seen by this process alone; False if that is not allowed.

    To be called while the process has one thread.
    """
    user, group = os.getuid(), os.getgid()
    try:
        if user == 0:
            _checked(_LIBC.unshare(_CLONE_NEWNS))
        else:
            _checked(_LIBC.unshare(_CLONE_NEWNS | _CLONE_NEWUSER))
            Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
            Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="ascii")
            Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="ascii")
        _checked(_LIBC.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None))
        _checked(_LIBC.mount(b"none", os.fsencode(folder), b"tmpfs", 0, f"size={size}".encode()))
    except OSError:
        return False
    return True


def make_read_only(folder: Path) -> None:
    """Turn what `mount_small` put there read-only."""
    _checked(_LIBC.mount(None, os.fsencode(folder), None, _MS_REMOUNT | _MS_RDONLY, None))


def drop_rights() -> None:
    """Give up what lets an administrator write where nobody may."""
    header, none = struct.pack("Ii", _CAPABILITY_VERSION, 0), bytes(24)
    _checked(_LIBC.capset(header, none))


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
