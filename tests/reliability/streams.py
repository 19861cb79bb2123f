"""One large result over HTTP, from a process of its own into another: what tests of memory measure.

    python -m tests.reliability.streams serve csv 1000000
    python -m tests.reliability.streams export http://127.0.0.1:1234 /tmp/x/out.parquet /sys/fs/cgroup/memory/x
    python -m tests.reliability.streams hold http://127.0.0.1:1234

The server prints its port, the others what they measured, as JSON. Linux only: peaks are read from ``/proc``.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import generator
from benchmarks.server import Handler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.client import Looker

_ROOT = Path(__file__).parent.parent.parent
#: Where groups are kept that limit memory, of both kinds, and the file of a group that holds the limit.
_GROUPS = ((Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"), (Path("/sys/fs/cgroup"), "memory.max"))


@contextlib.contextmanager
def serving(shape: str, rows: int) -> Iterator[str]:
    """Run a server that has one result, and give its address."""
    with _started("serve", shape, str(rows)) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


@contextlib.contextmanager
def memory_limit(size: int) -> Iterator[Path | None]:
    """Give a group of processes that may hold `size` bytes together; None where no such group can be made."""
    for parent, limit in _GROUPS:
        group = parent / f"lookerframe-{os.getpid()}"
        with contextlib.suppress(OSError):
            group.mkdir()
            if (group / limit).exists():
                (group / limit).write_text(str(size), encoding="ascii")
                break
            group.rmdir()
    else:
        yield None
        return
    try:
        yield group
    finally:
        group.rmdir()


def run(command: str, *arguments: str) -> dict[str, Any]:
    """Do something in a process of its own, and return what it measured."""
    with _started(command, *arguments) as process:
        out, _ = process.communicate()
    assert process.returncode == 0
    measured: dict[str, Any] = json.loads(out)
    return measured


def status(name: str) -> int:
    """Read bytes that this process has in memory: ``VmRSS`` now, ``VmHWM`` at the most so far."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) * 1024


def _started(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.reliability.streams", *arguments]
    return subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)


# -- what runs in the other processes ---------------------------------------------------------------------------------


class _Handler(Handler):
    shape: generator.Shape
    rows: int

    def do_GET(self) -> None:  # noqa: N802 - what http.server looks for
        fields = generator.columns()
        end = self.path.partition("?")[0].rpartition("/")[2]
        if end == "results":
            self._result()
        elif "/queries/" in self.path:
            names = [field.name for field in fields]
            self.answer({"id": "1", "model": "shop", "view": "orders", "fields": names})
        elif "/explores/" in self.path:
            self.answer({"name": "orders", "fields": generator.metadata(self.shape, fields)})
        else:
            self.answer({"id": "1", "query_id": "1", "status": "complete", "result_format": self.shape.result_format})

    def _result(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/csv" if self.shape.result_format == "csv" else "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in generator.body(self.shape, generator.columns(), rows=self.rows):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")


def _serve(shape: str, rows: str) -> None:
    _Handler.shape, _Handler.rows = generator.SHAPES[shape], int(rows)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        _say(str(server.server_port))
        server.serve_forever()


def _looker(address: str) -> Looker:
    import lookerframe as lf

    return lf.Looker(lf.Settings(base_url=address, client_id="id", client_secret=lf.Secret("secret")))


def _export(address: str, target: str, group: str) -> dict[str, int]:
    """Write the result into a Parquet file, as a member of a group of processes."""
    if group:
        Path(group, "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
    import lookerframe as lf

    with _looker(address) as looker:
        rows = lf.write_parquet(looker.task("1").result(timeout=None), target)
    return {"rows": rows, "peak": status("VmHWM")}


def _hold(address: str) -> dict[str, int]:
    """Keep the result in memory."""
    with _looker(address) as looker:
        table = looker.task("1").result(timeout=None).to_arrow()
    return {"rows": table.num_rows, "bytes": table.nbytes, "peak": status("VmHWM")}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(command: str, *arguments: str) -> None:
    """Do what the command line says."""
    if command == "serve":
        _serve(*arguments)
    else:
        address, *places = arguments
        _say(json.dumps(_export(address, *places) if command == "export" else _hold(address)))


if __name__ == "__main__":
    main(*sys.argv[1:])
