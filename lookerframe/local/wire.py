"""HTTP/1.1 as bytes: calls that are read from a connection, answers that are written to one, by steps."""

from __future__ import annotations

import gzip
import http
import http.client
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable
    from email.message import Message

#: Longest line of a call.
_LINE = 65_536
_WORDS = 3
#: Of one connection, not of the call or the answer.
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "expect", "content-length", "te", "upgrade"})


@dataclass(frozen=True, slots=True)
class Drip:
    """Send byte by byte for some seconds at most, then what is left at once."""

    data: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Send nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection in order."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Break the connection with a TCP reset."""


Step = bytes | Drip | Pause | Close | Reset


@dataclass(frozen=True, slots=True)
class Call:
    """What a client sent.

    Attributes
    ----------
    operation : str
        Operation id; empty if it is none of the API.
    task_id : str or None
        Of the query task in its path.
    """

    method: str
    target: str
    headers: Message
    body: bytes
    is_kept_alive: bool
    operation: str = ""
    task_id: str | None = None

    @property
    def path(self) -> str:
        """The target without its parameters."""
        return urlsplit(self.target).path

    @property
    def key(self) -> Hashable:
        """The same for calls that are repeated."""
        return self.method, self.target, self.body

    @property
    def takes_gzip(self) -> bool:
        """Whether the answer may be compressed."""
        return "gzip" in self.headers.get("Accept-Encoding", "")

    def passed_on(self) -> dict[str, str]:
        """Give the headers that the real server shall see."""
        named = {name.strip().lower() for name in self.headers.get("Connection", "").split(",")}
        return {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP | named}


def read_call(incoming: BinaryIO, outgoing: BinaryIO) -> Call | None:
    """Read a call, body and all; None at the end of the connection or of what is HTTP/1.

    Raises
    ------
    OSError, ValueError, http.client.HTTPException
        The connection broke; what came is no HTTP.
    """
    words = incoming.readline(_LINE).decode("latin-1").split()
    if len(words) != _WORDS or not words[2].startswith("HTTP/1."):
        return None
    headers = http.client.parse_headers(incoming)
    if headers.get("Expect", "").lower() == "100-continue":
        outgoing.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        outgoing.flush()
    if "chunked" in headers.get("Transfer-Encoding", "").lower():
        body = _unchunked(incoming)
    else:
        body = incoming.read(int(headers.get("Content-Length", "0")))
    connection = headers.get("Connection", "").lower()
    is_kept_alive = words[2] != "HTTP/1.0" and "close" not in connection
    return Call(words[0], words[1], headers, body, is_kept_alive)


def _unchunked(incoming: BinaryIO) -> bytes:
    body = bytearray()
    while size := int(incoming.readline(_LINE).partition(b";")[0], 16):
        body += incoming.read(size)
        incoming.readline(_LINE)
    while incoming.readline(_LINE).strip():
        pass
    return bytes(body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be said, before it is framed.

    Attributes
    ----------
    headers : tuple of pairs
        Without those that tell of framing and compression.
    body : bytes
        Not compressed.
    takes_gzip : bool
        Whether the client may be sent gzip.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    takes_gzip: bool = False

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON."""
        return dict(self.headers).get("content-type", "").startswith("application/json")

    def with_body(self, body: bytes) -> Answer:
        """Say something else."""
        return replace(self, body=body)

    def packed(self) -> bytes:
        """Give the body as it is sent: compressed if the client takes that."""
        return gzip.compress(self.body, 1, mtime=0) if self.takes_gzip else self.body

    def head(self, *framing: str) -> bytes:
        """Write status and headers, `framing` among them."""
        coding = ["Content-Encoding: gzip"] if self.takes_gzip else []
        return written_head(self.status, self.headers, (*coding, *framing))

    def whole(self, sent: bytes | None = None) -> bytes:
        """Write the answer with a true Content-Length; `sent` stands in for the body as it is sent."""
        body = self.packed() if sent is None else sent
        return self.head(f"Content-Length: {len(body)}") + body


def written_head(status: int, headers: Iterable[tuple[str, str]], lines: Iterable[str] = ()) -> bytes:
    """Write a status line and headers."""
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    shown = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers), *lines]
    return "\r\n".join([*shown, "", ""]).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """Frame a chunk; an empty one is the last."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def end_to_end(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Leave out the headers that tell of one connection only."""
    return tuple((name.lower(), value) for name, value in headers if name.lower() not in _HOP_BY_HOP)
