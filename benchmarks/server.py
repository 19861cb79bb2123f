"""As much of a Looker as it takes to hand out one result over HTTP, in a process of its own.

    python -m benchmarks.server '{"shape": "json_detail", "rows": 1000, "gzip": false, "rate": 0}'

It prints its port. `rate` is in bytes a second, 0 for as fast as it goes. Bodies are sent in chunks, as Looker does.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import generator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

API = "/api/4.0"
#: Rows that are kept written: of more, each answer writes its own.
_KEPT_ROWS = 400_000


@contextlib.contextmanager
def serving(**body: Any) -> Iterator[str]:
    """Run a server for one body, and give its address."""
    command = [sys.executable, "-m", "benchmarks.server", json.dumps(body)]
    with subprocess.Popen(command, cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


class Handler(BaseHTTPRequestHandler):
    """Logs whoever asks in and out, says nothing, and answers JSON: what servers of one result have in common."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Give a token."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer({"access_token": "token", "token_type": "Bearer", "expires_in": 3600})

    def do_DELETE(self) -> None:
        """Take it back."""
        self.answer({})

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def answer(self, body: dict[str, Any]) -> None:
        """Send JSON."""
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _OneBody(Handler):
    chunks: Iterable[bytes]
    spec: dict[str, Any]
    sent_at = 0.0

    def do_GET(self) -> None:
        if self.path.endswith("/results"):
            self._result()
        elif self.path == "/sent":
            self.answer({"at": _OneBody.sent_at})
        else:
            result_format = generator.SHAPES[self.spec["shape"]].result_format
            self.answer({"id": "1", "query_id": "1", "status": "complete", "result_format": result_format})

    def _result(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        if self.spec["gzip"]:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        for chunk in _paced(self.chunks, self.spec["rate"]):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")
        _OneBody.sent_at = time.monotonic()


class _Body:
    """Can be iterated over again and again."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec

    def __iter__(self) -> Iterator[bytes]:
        shape = generator.SHAPES[self._spec["shape"]]
        chunks = generator.body(shape, generator.columns(), rows=self._spec["rows"])
        yield from generator.compressed(chunks) if self._spec["gzip"] else chunks


def _paced(chunks: Iterable[bytes], rate: float) -> Iterator[bytes]:
    sent, begun = 0, None
    for chunk in chunks:
        begun = time.monotonic() if begun is None else begun
        yield chunk
        sent += len(chunk)
        if rate and (early := begun + sent / rate - time.monotonic()) > 0:
            time.sleep(early)


def main() -> None:
    """Serve until the process is ended."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    spec = json.loads(sys.argv[1])
    body = _Body(spec)
    _OneBody.spec = spec
    _OneBody.chunks = list(body) if spec["rows"] <= _KEPT_ROWS else body
    with ThreadingHTTPServer(("127.0.0.1", 0), _OneBody) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
