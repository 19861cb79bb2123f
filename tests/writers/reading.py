"""What tests need to read a body back."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lookerframe import formats
from lookerframe.columns import Decoding
from lookerframe.exceptions import LookerFrameError
from lookerframe.payload import Payload
from lookerframe.rows import RowArray
from tests.writers.queries import metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lookerframe.columns import OnTruncate
    from lookerframe.result import Result
    from tests.writers.queries import Col


def decode(
    body: bytes | Iterable[bytes],
    result_format: str = "json_detail",
    *,
    columns: Iterable[Col] | None = None,
    pivots: Iterable[Col] = (),
    decoding: Decoding | None = None,
    on_truncate: OnTruncate = "warn",
    **facts: Any,
) -> Result:
    """Decode a body, in one chunk or as the chunks given; with metadata from elsewhere, if there are `columns`."""
    chunks = [body] if isinstance(body, bytes) else body
    known = None if columns is None else metadata(columns, pivots)
    fields = None if known is None else lambda: known
    decoding = replace(decoding or Decoding(), on_truncate=on_truncate)
    return formats.decode(Payload(result_format, chunks, fields=fields, **facts), decoding)


def outcome(
    body: bytes | Iterable[bytes],
    result_format: str = "json_detail",
    *,
    columns: Iterable[Col] | None = None,
    decoding: Decoding | None = None,
    **facts: Any,
) -> tuple[Any, ...]:
    """Say all that reading a body leads to, the table or the error; anything foreign is raised."""
    try:
        result = decode(body, result_format, columns=columns, decoding=decoding, on_truncate="ignore", **facts)
        table = result.to_arrow()
    except LookerFrameError as exc:
        return type(exc), str(exc), vars(exc)
    # Compared as text, for Arrow finds no NaN equal to itself.
    rows = repr(table.to_pylist())
    return table.schema.to_string(), rows, dict(result.metadata), result.notes, result.truncated


def chunked(body: bytes, size: int) -> Iterator[bytes]:
    """Cut a body into chunks of one size."""
    return (body[start : start + size] for start in range(0, len(body), size))


@contextlib.contextmanager
def piece_size(size: int) -> Iterator[None]:
    """Let rows be decoded in pieces of so many bytes inside the block."""
    constructor: Any = RowArray.__init__
    defaults = constructor.__kwdefaults__
    kept, defaults["piece_bytes"] = defaults["piece_bytes"], size
    try:
        yield
    finally:
        defaults["piece_bytes"] = kept
