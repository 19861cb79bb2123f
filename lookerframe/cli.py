"""The command ``lookerframe``: ``lookerframe serve`` runs a local Looker until it is interrupted."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from lookerframe import local
from lookerframe.exceptions import LookerFrameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lookerframe.local import Server

#: Where Looker's own API listens.
_PORT = 19_999


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, or 1 after an error, which is said on standard error."""
    options = vars(_parser().parse_args(arguments))
    try:
        return _serve(
            quiet=options.pop("quiet"), options={name: value for name, value in options.items() if value is not None}
        )
    except LookerFrameError as exc:
        sys.stderr.write(f"lookerframe: {exc}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lookerframe", description="Results of the Looker API as typed tables.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="run a local Looker",
        description="Run a local Looker: API 4.0 over LookML and a DuckDB file, or over the data that come along.",
    )
    serve.add_argument("--lookml", metavar="DIR", help="folder with *.model.lkml files")
    serve.add_argument("--database", metavar="FILE", help="DuckDB file that the LookML is about; opened read-only")
    serve.add_argument("--host", default="127.0.0.1", help="where to listen (%(default)s)")
    serve.add_argument("--port", type=int, default=_PORT, help="0 takes a free one (%(default)s)")
    serve.add_argument("--timezone", metavar="ZONE", help="zone of queries that name none (UTC)")
    serve.add_argument("--users", type=int, metavar="N", help="how many users there are (2)")
    serve.add_argument("--latency", type=float, metavar="S", help="seconds added to each query (0)")
    serve.add_argument("--max-running", type=int, metavar="N", help="queries of one user that run at once (15)")
    serve.add_argument("--queue-ttl", type=float, metavar="S", help="seconds that a query waits at most (600)")
    serve.add_argument("--result-ttl", type=float, metavar="S", help="seconds that results are kept (21600)")
    serve.add_argument("--token-ttl", type=float, metavar="S", help="seconds that a token is good for (3600)")
    serve.add_argument("--calls-per-second", type=float, metavar="N", help="calls above that are answered 429")
    serve.add_argument(
        "--not-ready-status",
        type=int,
        choices=(202, 204),
        help="answer while results are not there yet (202; 204 before release 25.0)",
    )
    serve.add_argument("--quiet", action="store_true", help="no line for each call")
    return parser


def _serve(*, quiet: bool, options: dict[str, Any]) -> int:
    stopped = threading.Event()
    previous = signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    try:
        with local.start(log=None if quiet else _say, **options) as server:
            _say(_introduction(server))
            while not stopped.wait(1):  # in steps, since on Windows a wait without end cannot be interrupted
                pass
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, previous)
    _say("stopped")
    return 0


def _introduction(server: Server) -> str:
    others = [f"also user {user.id}: {user.client_id} {user.client_secret}" for user in server.users[1:]]
    return "\n".join(
        [
            f"A local Looker listens at {server.base_url}; that page says what is served. Stop it with Ctrl-C.",
            "",
            "Lines for looker.ini:",
            "",
            "[Looker]",
            f"base_url={server.base_url}",
            f"client_id={server.client_id}",
            f"client_secret={server.client_secret}",
            "",
            *others,
        ]
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
