"""uvicorn in a thread of its own, on a socket that is bound before it starts."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
from typing import TYPE_CHECKING

import uvicorn

from lookerframe.exceptions import ConfigError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_POLL = 0.005
#: Seconds that an idle connection is kept: longer than any client waits between two looks at a task.
_KEEP_ALIVE = 75
#: Seconds that answers under way are given when the server is closed.
_GRACE = 1


class Listener:
    """A running server.

    Attributes
    ----------
    base_url : str
        Where it listens.
    address : tuple of str and int
        The same as host and port.
    """

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        self._socket = bound(host, port)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self.base_url = url_of(self._socket)
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=_GRACE,
            timeout_keep_alive=_KEEP_ALIVE,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run,
            kwargs={"sockets": [self._socket]},
            name="lookerframe-local",
            daemon=True,
        )

    def start(self) -> None:
        """Serve; return when connections are accepted."""
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                message = "the local Looker did not start; the log of uvicorn says why"
                raise RuntimeError(message)
            time.sleep(_POLL)

    def close(self) -> None:
        """Stop serving and wait until the thread has ended; answers that are cut off by that are no news."""
        log = logging.getLogger("uvicorn.error")
        log.addFilter(self._is_news)
        try:
            self._server.should_exit = True
            self._thread.join()
        finally:
            log.removeFilter(self._is_news)
        self._socket.close()

    def _is_news(self, record: logging.LogRecord) -> bool:
        exception = record.exc_info[1] if record.exc_info else None
        is_cut_off = isinstance(exception, asyncio.CancelledError) or record.getMessage().startswith("Cancel ")
        return not (is_cut_off and record.thread == self._thread.ident)


def url_of(listening: socket.socket) -> str:
    """Write the address of a socket for clients."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def bound(host: str, port: int) -> socket.socket:
    """Listen.

    Raises
    ------
    ConfigError
        The port is taken, or there is no such address here.
    """
    try:
        # asyncio switches Nagle's algorithm off only for sockets that say TCP, which those of create_server do not;
        # with it every answer waits 40 ms for the client's acknowledgement.
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen()
        except OSError:
            listening.close()
            raise
    except OSError as exc:
        message = f"cannot listen on {host}:{port}: {exc.strerror or exc}; choose another port, or 0 for a free one"
        raise ConfigError(message, setting="port") from exc
    return listening
