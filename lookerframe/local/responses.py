"""HTTP answers: JSON values, errors, and streams of bytes that are compressed on their way."""

from __future__ import annotations

import zlib
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from lookerframe.local.selection import select

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from lookerframe.local.errors import ApiError

_JSON = "application/json"
#: gzip framing; see zlib.compressobj.
_GZIP = 16 + zlib.MAX_WBITS
#: Bytes that are made before an answer begins.
_FIRST = 65_536


def json_response(value: Any) -> Response:
    """Answer 200 with a JSON value."""
    return Response(msgspec.json.encode(value), media_type=_JSON)


def error_response(error: ApiError, verb: str, path: str) -> Response:
    """Answer with an error; `path` names its parameters, as in ``/looks/:look_id``."""
    body = msgspec.json.encode(error.body(verb, path))
    return Response(body, error.status, headers=error.headers, media_type=_JSON)


def selected_response(request: Request, answer: Any) -> Response:
    """Answer 200 with those keys of `answer` that the parameter ``fields`` names."""
    return json_response(select(answer, request.query_params.get("fields")))


def base_url(request: Request) -> str:
    """Say how the caller names this server."""
    return str(request.base_url).rstrip("/")


async def stream_response(request: Request, chunks: Iterator[bytes], content_type: str) -> Response:
    """Answer 200 with bytes as they are made, in worker threads; gzip if the client takes it."""
    chunks = await run_in_threadpool(begun, chunks)
    headers = {"Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        chunks = _gzipped(chunks)
    return StreamingResponse(chunks, headers=headers, media_type=content_type)


def begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Make the first chunks now: what cannot be written is then an error, and no answer that breaks off."""
    first, size = [], 0
    for chunk in chunks:
        first.append(chunk)
        size += len(chunk)
        if size >= _FIRST:
            break
    return chain(first, chunks)


def _gzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    # The fastest level: both ends are usually on one computer, so bytes are cheaper than time.
    compressor = zlib.compressobj(1, wbits=_GZIP)
    for chunk in chunks:
        if packed := compressor.compress(chunk):
            yield packed
    yield compressor.flush()
