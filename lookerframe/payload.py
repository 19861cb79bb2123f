"""What a decoder is given: the bytes of one result, and what is known about it besides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from lookerframe.exceptions import PayloadLimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lookerframe.exceptions import LookerFrameError

#: Bytes that one row may take where nothing else is said.
MAX_ROW_BYTES = 64 * 1024 * 1024
#: Bytes that `Payload.read` takes into memory; rows are streamed and do not count.
MAX_WHOLE = 256 * 1024 * 1024


class Figures(Protocol):
    """Figures on how a payload was fetched, growing while it is read."""

    def to_dict(self) -> dict[str, Any]:
        """Return them by name, units in the names."""
        ...


class Again(Protocol):
    """Fetches a result once more, where its body breaks off."""

    def handed_out(self) -> None:
        """Take down that the rows decoded so far were handed out, so that they cannot be others any more."""
        ...

    def again(self, error: LookerFrameError) -> Any:
        """Bring the result anew, decoded from its first row on; raise `error` if that would not mend it."""
        ...


@dataclass(frozen=True, slots=True)
class Payload:
    """One result on its way from Looker, or from a file.

    Attributes
    ----------
    result_format : str
        As the API spells it: ``"json_detail"``.
    chunks : iterable of bytes
        The body, inflated, in pieces of any size. The iterable raises if the body turns out to be cut off.
    origin : str
        Where it came from, for messages: ``"GET /query_tasks/abc/results"``, ``"saved.json"``.
    fields : callable or None
        Brings the field metadata, ``{"dimensions": [...], "measures": [...], ...}``, for formats that carry none.
        It is called at most once, and only by decoders that need it.
    context : mapping
        What is known about the query besides the body (``task_id``, ``query_id``, ``model``, ``explore``, ``limit``,
        ``pivots``, ``total``, ``row_total``, ``timezone``, ...); it becomes part of `Result.metadata`.
    on_failure : callable
        Told of whatever is raised while the rows are read, before it reaches the reader.
    max_row_bytes : int
        Bytes that one row may take, and what stands before and after the rows.
    whole : bool
        Whether the end of the body is proven by what carried it, as it is for text in a JSON document.
    framed : bool
        Whether HTTP told where the body ends. If not, a lost connection looks like its end.
    stats : Figures or None
        Calls, retries, bytes and seconds of the fetch, if it was fetched.
    again : Again or None
        Brings the same result anew after an error in the middle of its rows, if it was fetched.
    close : callable
        Lets go of the connection or file; harmless when called twice.
    """

    result_format: str
    chunks: Iterable[bytes]
    origin: str = "payload"
    fields: Callable[[], Mapping[str, Any]] | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    on_failure: Callable[[BaseException], None] = lambda _error: None
    max_row_bytes: int = MAX_ROW_BYTES
    whole: bool = False
    framed: bool = True
    stats: Figures | None = None
    again: Again | None = None
    close: Callable[[], None] = lambda: None

    def read(self, limit: int = MAX_WHOLE) -> bytes:
        """Take the whole body into memory.

        Raises
        ------
        PayloadLimitError
            It holds more than `limit` bytes.
        """
        body = bytearray()
        try:
            for chunk in self.chunks:
                body += chunk
                if len(body) > limit:
                    message = f"the body passes {limit:,} bytes"
                    raise PayloadLimitError(message, result_format=self.result_format, offset=limit)
        finally:
            self.close()
        return bytes(body)
