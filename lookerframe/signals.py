"""SIGTERM while Looker works for us: it becomes an exit, so that queries are stopped and temporary files removed."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What shells give for a process that SIGTERM ended.
_STATUS = 128 + signal.SIGTERM


@contextlib.contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Raise `SystemExit` on SIGTERM within the block, where it would end the process without another word.

    Nothing is changed for programs that handle the signal themselves, nor outside of the main thread, which is the only
    one that Python lets handle signals.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGTERM) is _exit:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _exit(_number: int, _frame: Any) -> NoReturn:
    raise SystemExit(_STATUS)
