"""A line for each call, as it ends: when, what, how it went, how long it took."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class CallLog:
    """An application around another one.

    Parameters
    ----------
    write : callable
        Is given lines such as ``14:03:07 GET /api/4.0/user 200 1.2 ms``. Query parameters are left out: they may hold
        a key.
    """

    def __init__(self, app: ASGIApp, write: Callable[[str], None]) -> None:
        self._app = app
        self._write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and write the line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 0, time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            milliseconds = 1_000 * (time.perf_counter() - began)
            # The path as it came, so that what is escaped in it cannot break the line.
            path = scope.get("raw_path", b"").decode("ascii", "backslashreplace")
            self._write(f"{time.strftime('%H:%M:%S')} {scope['method']} {path} {status} {milliseconds:.1f} ms")
