"""The way from a front to the server behind it: one connection, asked one call after the other."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from typing import TYPE_CHECKING, Final

from lookerframe.local.wire import Answer, Close, chunk, end_to_end, written_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lookerframe.local.wire import Call, Step

#: Seconds without a call after which the connection is made anew: less than the server keeps it.
_IDLE = 30.0
_PIECE = 65_536
#: Statuses whose answers have no body, and so nothing that frames one.
WITHOUT_BODY: Final = frozenset({204, 304})


class Relay:
    """A connection to the real server, which listens at `address`."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._connection = http.client.HTTPConnection(*address)
        self._used = time.monotonic()

    def whole(self, call: Call) -> Answer:
        """Pass a call on and read the answer whole."""
        with self._ask(call, as_it_is=True) as response:
            body = response.read()
            takes_gzip = call.takes_gzip and bool(body)
            return Answer(response.status, end_to_end(response.getheaders()), body, takes_gzip)

    def pieces(self, call: Call, *, answered: Callable[[int], None]) -> Iterator[Step]:
        """Pass a call on and give the answer piece by piece; `answered` is told the status."""
        with self._ask(call) as response:
            answered(response.status)
            headers = end_to_end(response.getheaders())
            length = response.getheader("Content-Length")
            if call.method == "HEAD" or response.status in WITHOUT_BODY:
                framing = [] if length is None else [f"Content-Length: {length}"]
                yield written_head(response.status, headers, framing)
                return
            framing = ["Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"]
            frame = chunk if length is None else bytes
            piece = response.read1(_PIECE)
            # The head goes with the first piece: two packets would cost more than one.
            yield written_head(response.status, headers, framing) + (frame(piece) if piece else b"")
            left = 0 if length is None else int(length) - len(piece)
            while piece := response.read1(_PIECE) if piece else b"":
                left -= len(piece) if length is not None else 0
                yield frame(piece)
            if length is None:
                yield chunk(b"")
            elif left:
                yield Close()

    def interrupt(self) -> None:
        """End whatever waits for an answer, from another thread."""
        if self._connection.sock is not None:
            with contextlib.suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _ask(self, call: Call, *, as_it_is: bool = False) -> http.client.HTTPResponse:
        """Pass a call on; `as_it_is` asks for a body that is not compressed."""
        now = time.monotonic()
        if now - self._used > _IDLE:
            self._connection.close()
        self._used = now
        self._connection.putrequest(call.method, call.target, skip_host=True, skip_accept_encoding=True)
        for name, value in call.passed_on().items():
            if not (as_it_is and name.lower() == "accept-encoding"):
                self._connection.putheader(name, value)
        if call.body:
            self._connection.putheader("Content-Length", str(len(call.body)))
        self._connection.endheaders(call.body or None)
        return self._connection.getresponse()
