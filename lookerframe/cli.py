"""The command ``lookerframe``.

``lookerframe serve`` runs a local Looker until it is interrupted. ``lookerframe schemas derive`` makes JSON Schemas of
Looker's API document, ``lookerframe schemas check`` compares those that are packaged with the user's own Looker.
"""

from __future__ import annotations

import argparse
import codecs
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookerframe import derivation, local, validation
from lookerframe.auth import Login
from lookerframe.config import Settings
from lookerframe.deadline import Deadline
from lookerframe.exceptions import (
    ConfigError,
    ExportError,
    IncompleteResultError,
    LookerFrameError,
    NotFoundError,
    PayloadError,
)
from lookerframe.render import printable
from lookerframe.rows import parse_object
from lookerframe.transport import Transport, path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lookerframe.local import Server

#: Where Looker's own API listens.
_PORT = 19_999
_SCHEMA_FOLDER = "looker-schemas"
_DIFFERS = 1
_FAILED = 2
#: What shells give for a command that a signal ended: 128 and its number.
_INTERRUPTED = 130
_PIPE_CLOSED = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status.

    0, or 2 after an error, which is said on standard error. ``schemas check`` ends with 1 if it finds differences. 130
    after an interrupt, 141 if whoever reads the output has gone; then no error is said.
    """
    options = vars(_parser().parse_args(arguments))
    run = options.pop("run")
    try:
        status: int = run(**options)
    except LookerFrameError as exc:
        sys.stderr.write(printable(f"lookerframe: {exc}\n"))
        return _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # What is left in the buffer would fail once more, as the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lookerframe", description="Results of the Looker API as typed tables.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands)
    schemas = commands.add_parser("schemas", help="derive and check the JSON Schemas of Looker's answers")
    _add_schemas(schemas.add_subparsers(required=True, metavar="COMMAND"))
    return parser


def _add_serve(commands: Any) -> None:
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
    serve.add_argument("--faults", type=float, metavar="RATE", help="share of calls that go wrong on purpose (none)")
    serve.add_argument("--fault-seed", type=int, metavar="N", help="what the draws of --faults depend on (0)")
    serve.add_argument("--fault-kinds", metavar="A,B", help="what is drawn (all that a client can get over)")
    serve.add_argument("--quiet", action="store_true", help="no line for each call")
    serve.set_defaults(run=_serve)


def _add_schemas(commands: Any) -> None:
    derive = commands.add_parser(
        "derive",
        help="make JSON Schemas of an API document",
        description="Make JSON Schemas of Looker's API document, with the corrections that lookerframe knows of.",
    )
    derive.add_argument("spec", metavar="SPEC", help="Looker's API 4.0 as OpenAPI 3.0 or Swagger 2.0, in JSON")
    derive.add_argument("--into", metavar="DIR", default=_SCHEMA_FOLDER, help="folder to write to (%(default)s)")
    derive.set_defaults(run=_derive)
    check = commands.add_parser(
        "check",
        help="compare the packaged JSON Schemas with a Looker",
        description="Say where the API of a Looker differs from what lookerframe relies on. Without --spec, the Looker "
        "is the one that looker.ini or LOOKERSDK_* name. The status is 0 if it is the same, 1 if it differs, 2 "
        "if that could not be found out.",
    )
    check.add_argument("--spec", metavar="FILE", help="its API document, OpenAPI 3.0 or Swagger 2.0, in JSON")
    check.set_defaults(run=_check)


def _derive(*, spec: str, into: str) -> int:
    if not into:
        message = f"--into is empty; give a folder, or leave it out for {_SCHEMA_FOLDER}"
        raise ConfigError(message, setting="into")
    document = _document(spec)
    if absent := derivation.missing(document):
        message = f"{spec} does not have {', '.join(absent)}, which lookerframe reads; no schema was written"
        raise ConfigError(message, setting="SPEC")
    schemas = derivation.derive(document, validation.overlay())
    for name, schema in schemas.items():
        file = Path(into) / f"{name}.schema.json"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(derivation.render(schema), encoding="utf-8", newline="\n")
        except OSError as exc:
            message = f"cannot be written: {exc.strerror}"
            raise ExportError(message, target=str(file)) from exc
        _say(str(file))
    _say(f"{len(schemas)} schemas written to {into}")
    return 0


def _check(*, spec: str | None) -> int:
    document = _own_document() if spec is None else _document(spec)
    differences = derivation.drift(validation.packaged(), derivation.derive(document, validation.overlay()))
    for difference in differences:
        _say(difference)
    count = f"{len(differences)} difference{'s' if len(differences) > 1 else ''} from the packaged schemas"
    _say(count if differences else "no differences")
    return _DIFFERS if differences else 0


def _document(file: str) -> Any:
    try:
        content = Path(file).read_bytes()
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        message = f"{file} cannot be read: {reason}"
        raise ConfigError(message, setting="spec") from exc
    return _parsed(content, file)


def _parsed(content: bytes, origin: str) -> Any:
    text = content.removeprefix(codecs.BOM_UTF8)
    try:
        document = parse_object(text, result_format=None)
        derivation.missing(document)  # refuses what is no API document
    except IncompleteResultError as exc:
        is_cut = text.lstrip().startswith((b"{", b"["))
        message = f"{origin}: {exc}" if is_cut else f"{origin} is not JSON; give the document as JSON, YAML is not read"
        raise PayloadError(message) from exc
    except PayloadError as exc:
        message = f"{origin}: {exc}"
        raise PayloadError(message) from exc
    return document


def _own_document() -> Any:
    """Fetch the API document of the user's Looker. Source: Looker API 4.0, ``api_spec``: it is Swagger 2.0."""
    settings = Settings.load()
    login = Login(settings)
    transport = Transport(settings, login.token)
    try:
        where = path("api_spec", "4.0", "swagger.json")
        reply = transport.request("GET", where, deadline=Deadline(settings.task_timeout))
        return _parsed(reply.body, settings.base_url)
    except NotFoundError as exc:
        exc.advice = f"{exc.advice}; --spec FILE takes a document that was saved"
        raise
    finally:
        login.logout()
        transport.close()


def _serve(*, quiet: bool, faults: float | None, fault_seed: int | None, fault_kinds: str | None, **given: Any) -> int:
    options = {name: value for name, value in given.items() if value is not None}
    options["faults"] = _faults(faults, fault_seed, fault_kinds)
    stopped = threading.Event()

    def log(line: str) -> None:
        try:
            _say(line)
        except BrokenPipeError:
            stopped.set()  # nobody reads on; the last line below fails in its turn

    previous = signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    try:
        with local.start(log=None if quiet else log, **options) as server:
            _say(_introduction(server))
            while not stopped.wait(1):  # in steps, since on Windows a wait without end cannot be interrupted
                pass
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, previous)
    _say("stopped")
    return 0


def _faults(rate: float | None, seed: int | None, kinds: str | None) -> local.Faults | None:
    if rate is None:
        if seed is not None or kinds is not None:
            message = "--fault-seed and --fault-kinds say what --faults draws; give that, too"
            raise ConfigError(message, setting="faults")
        return None
    return local.Faults(rate=rate, seed=seed or 0, kinds=None if kinds is None else kinds.split(","))


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
    sys.stdout.write(printable(f"{text}\n"))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
