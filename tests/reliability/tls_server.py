"""A `FaultServer` behind TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.faults import FaultServer

if TYPE_CHECKING:
    import socket
    import ssl

_GREETING_SECONDS = 5


class TLSServer(FaultServer):
    """Answers whoever gets through the handshake of TLS, and counts all who come."""

    def __init__(self, context: ssl.SSLContext, answer: Any) -> None:
        super().__init__(answer=answer)
        self.context = context
        self.greeted = 0

    @property
    def url(self) -> str:
        """A base_url."""
        return f"https://127.0.0.1:{self.port}"

    def _serve(self, sock: socket.socket) -> None:
        self.greeted += 1
        sock.settimeout(_GREETING_SECONDS)
        try:
            secure = self.context.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
        else:
            super()._serve(secure)


class PlainServer(TLSServer):
    """Has the port and the manners of the other, but no TLS."""

    def _serve(self, sock: socket.socket) -> None:
        self.greeted += 1
        FaultServer._serve(self, sock)
