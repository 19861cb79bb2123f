"""HTTP answers: JSON values, errors, and streams of bytes that are compressed on their way."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response, StreamingResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from lookerframe.local.errors import ApiError

_JSON = "application/json"
#: gzip framing; see zlib.compressobj.
_GZIP = 16 + zlib.MAX_WBITS


def json_response(value: Any) -> Response:
    """Answer 200 with a JSON value."""
    return Response(msgspec.json.encode(value), media_type=_JSON)


def error_response(error: ApiError, verb: str, path: str) -> Response:
    """Answer with an error; `path` names its parameters, as in ``/looks/:look_id``."""
    body = msgspec.json.encode(error.body(verb, path))
    return Response(body, error.status, headers=error.headers, media_type=_JSON)


def stream_response(request: Request, chunks: Iterator[bytes], content_type: str) -> Response:
    """Answer 200 with bytes as they are made, in worker threads; gzip if the client takes it."""
    headers = {"Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        chunks = _gzipped(chunks)
    return StreamingResponse(chunks, headers=headers, media_type=content_type)


def _gzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    # The fastest level: both ends are usually on one computer, so bytes are cheaper than time.
    compressor = zlib.compressobj(1, wbits=_GZIP)
    for chunk in chunks:
        if packed := compressor.compress(chunk):
            yield packed
    yield compressor.flush()
