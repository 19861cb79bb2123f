"""``lookerframe schemas``, against files and against an instance that gives its API document."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from lookerframe.cli import main
from lookerframe.derivation import SOURCES, merge
from lookerframe.validation import folder
from tests.faults import FaultServer, Script, reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults import Request

TOKEN = {"access_token": "t0ken", "token_type": "Bearer", "expires_in": 3600}
#: Characters that terminals act on.
_ACTED_ON = {"\x1b", "\x9b", "\u202e"}
_COMMAND = [sys.executable, "-m", "lookerframe.cli", "schemas", "check"]
SPEC = "/api/4.0/api_spec/4.0/swagger.json"


def _instance(answer: Script) -> Callable[[Request], Script]:
    """Play a Looker that logs in whoever comes, and answers the call for its document."""

    def play(request: Request) -> Script:
        if request.target.endswith("/login"):
            return reply(200, TOKEN)
        if request.target.endswith("/logout"):
            return reply(204)
        return answer if request.target == SPEC else reply(404, {"message": "Not found"})

    return play


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[FaultServer], None]:
    """Give a way to name a server as the environment of a user does."""

    def name(server: FaultServer) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("LOOKERSDK_BASE_URL", server.url)
        monkeypatch.setenv("LOOKERSDK_CLIENT_ID", "someone")
        monkeypatch.setenv("LOOKERSDK_CLIENT_SECRET", "s3cr3t")

    return name


def _swagger(spec: Path, **changes: Any) -> dict[str, Any]:
    """Spell the document as an instance does, with changes to its components."""
    text = spec.read_text().replace("#/components/schemas/", "#/definitions/")
    document = json.loads(text.replace('"nullable":', '"x-looker-nullable":'))
    definitions = merge(document["components"]["schemas"], changes)
    return {"swagger": "2.0", "info": document["info"], "definitions": definitions}


def test_check_of_ones_own_looker(
    spec: Path, environment: Callable[[FaultServer], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """It logs in, fetches the document, logs out, and finds nothing where there is nothing."""
    with FaultServer(answer=_instance(reply(200, _swagger(spec)))) as server:
        environment(server)

        assert main(["schemas", "check"]) == 0

        assert server.paths == ["POST /login", "GET /api_spec/4.0/swagger.json", "DELETE /logout"]
        assert server.requests[1].headers["authorization"] == "token t0ken"
    assert capsys.readouterr().out == "no differences\n"


def test_check_tells_drift(
    spec: Path, environment: Callable[[FaultServer], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Each difference is a line, and the status is 1."""
    changed = {
        "cache_key": None,
        "colour": {"type": "string", "x-looker-nullable": True},
        "runtime": {"type": "string"},
        "cache": {"x-looker-nullable": True},
    }
    document = _swagger(spec, QueryTask={"required": ["status"], "properties": changed})
    with FaultServer(answer=_instance(reply(200, document))) as server:
        environment(server)

        assert main(["schemas", "check"]) == 1

    assert capsys.readouterr().out.splitlines() == [
        "query_task.status: is required now",
        "query_task.cache_key: is gone",
        "query_task.colour: is new (string or null)",
        "query_task.cache: may be null now",
        "query_task.runtime: was number or null, is string or null now",
        "5 differences from the packaged schemas",
    ]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (reply(404, {"message": "Not found"}), "--spec FILE takes a document that was saved"),
        (reply(200, "<html>", content_type="text/html"), "HTML page"),
        (reply(200, '{"swagger": "2.0", '), "that is not JSON"),
        (reply(403, {"message": "no\x1b[2J\x9b\u202eaccess"}), "no\ufffd[2J\ufffd\ufffdaccess"),
        (reply(200, {"message": "hello"}), "not a document of Looker's API"),
        (reply(200, "[" * 100_000 + "]" * 100_000), "nested too deeply"),
    ],
)
def test_check_of_a_looker_that_has_no_document(
    answer: Script, message: str, environment: Callable[[FaultServer], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """The error says what came; status 2, and the token is given back all the same."""
    with FaultServer(answer=_instance(answer)) as server:
        environment(server)

        assert main(["schemas", "check"]) == 2

        assert server.paths[-1] == "DELETE /logout"
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert "s3cr3t" not in captured.err
    assert not _ACTED_ON.intersection(captured.err)


def test_check_of_a_file(spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A document that was saved is compared without a call."""
    changed = tmp_path / "spec.json"
    changed.write_text(json.dumps(_swagger(spec, JsonBi=None)))

    assert main(["schemas", "check", "--spec", str(spec)]) == 0
    assert main(["schemas", "check", "--spec", str(changed)]) == 1

    assert capsys.readouterr().out.splitlines() == [
        "no differences",
        "json_bi: the document no longer has JsonBi",
        "1 difference from the packaged schemas",
    ]


def test_derive_writes_what_is_committed(spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each file is named as it is written, and equals the packaged one."""
    into = tmp_path / "new" / "schemas"

    assert main(["schemas", "derive", str(spec), "--into", str(into)]) == 0

    names = [f"{name}.schema.json" for name in SOURCES]
    assert {path.name for path in into.iterdir()} == set(names)
    assert all((into / name).read_text() == (folder() / name).read_text() for name in names)
    assert capsys.readouterr().out.splitlines() == [
        *(str(into / name) for name in names),
        f"{len(names)} schemas written to {into}",
    ]


def test_derive_does_not_touch_the_packaged_schemas(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --into a folder of its own is made where the command runs, also beside a folder of schemas."""
    (tmp_path / "schemas").mkdir()
    monkeypatch.chdir(tmp_path)

    assert main(["schemas", "derive", str(spec)]) == 0

    assert not list((tmp_path / "schemas").iterdir())
    assert len(list((tmp_path / "looker-schemas").iterdir())) == len(SOURCES)


def test_derive_refuses_a_document_that_lacks_what_is_read(
    spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A schema that says less than the library reads is not written, nor any other."""
    changed = tmp_path / "spec.json"
    changed.write_text(json.dumps(_swagger(spec, JsonBi=None, LookWithQuery={"properties": {"title": None}})))

    assert main(["schemas", "derive", str(changed), "--into", str(tmp_path / "out")]) == 2

    assert "does not have JsonBi, LookWithQuery.title, which lookerframe reads" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_derive_into_what_is_no_folder(spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error names the file that could not be written."""
    (tmp_path / "out").write_text("")

    assert main(["schemas", "derive", str(spec), "--into", str(tmp_path / "out")]) == 2

    assert "out/access_token.schema.json: cannot be written: " in capsys.readouterr().err


@pytest.mark.parametrize("command", [("check", "--spec"), ("derive",)])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"\xff", "not UTF-8"),
        (b"swagger: 2.0", "is not JSON; give the document as JSON, YAML is not read"),
        (b'{"a": [1', "the JSON is not closed"),
        (b"{,}", "not well-formed JSON"),
        (b"[]", "not a document of Looker's API"),
        (b'{"a": 1, "a": 2}', "stands twice"),
    ],
)
def test_file_that_is_no_document(
    command: tuple[str, ...],
    content: bytes | None,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The error names the file and says what is wrong with it."""
    file = tmp_path / "spec.json"
    if content is not None:
        file.write_bytes(content)

    assert main(["schemas", *command, str(file)]) == 2

    error = capsys.readouterr().err
    assert message in error
    assert "spec.json" in error
    assert "Traceback" not in error


def test_document_with_a_byte_order_mark(spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is read like one without."""
    file = tmp_path / "spec.json"
    file.write_bytes(b"\xef\xbb\xbf" + spec.read_bytes())

    assert main(["schemas", "check", "--spec", str(file)]) == 0

    assert capsys.readouterr().out == "no differences\n"


@pytest.mark.parametrize("component", [{"type": 5}, {"required": 5}])
def test_check_of_a_component_that_is_no_schema(
    component: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error is one line and says where."""
    file = tmp_path / "spec.json"
    file.write_text(json.dumps({"components": {"schemas": {"Query": component}}}))

    assert main(["schemas", "check", "--spec", str(file)]) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lookerframe: not a document of Looker's API: expected a string or an array of strings as Q")


def test_what_a_terminal_acts_on_is_not_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Be it the name of a property, in what differs, or of a file, in an error."""
    hostile = "a\x1b[2J\x9b\u202eb"
    file = tmp_path / "spec.json"
    file.write_text(json.dumps({"definitions": {"Query": {"properties": {hostile: {"type": hostile}}}}}))

    assert main(["schemas", "check", "--spec", str(file)]) == 1
    assert main(["schemas", "check", "--spec", str(tmp_path / hostile)]) == 2

    captured = capsys.readouterr()
    assert r"query.a\x1b[2J\x9b\u202eb: is new" in captured.out
    assert "a\ufffd[2J\ufffd\ufffdb cannot be read" in captured.err
    assert not _ACTED_ON.intersection(captured.out + captured.err)


def test_derive_into_nothing(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty name is not the working directory: a variable of a script may be unset."""
    monkeypatch.chdir(tmp_path)

    assert main(["schemas", "derive", str(spec), "--into", ""]) == 2

    assert "--into is empty; give a folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_reader_that_goes_away(tmp_path: Path) -> None:
    """It ends as a command does that SIGPIPE ended, and says nothing."""
    file = tmp_path / "spec.json"
    file.write_text('{"definitions": {}}')
    reading, writing = os.pipe()
    os.close(reading)

    with os.fdopen(writing, "wb") as gone:
        done = subprocess.run([*_COMMAND, "--spec", str(file)], stdout=gone, stderr=subprocess.PIPE, check=False)

    assert (done.returncode, done.stderr) == (141, b"")


def test_interrupt() -> None:
    """It ends as a command does that SIGINT ended, gives its token back, and has no traceback."""
    asked = threading.Event()

    def play(request: Request) -> Script:
        if request.target != SPEC:
            return _instance(reply(404))(request)
        asked.set()
        return reply(503, {"message": "Busy"}, retry_after="60")

    with FaultServer(answer=play) as server:
        names = {"BASE_URL": server.url, "CLIENT_ID": "someone", "CLIENT_SECRET": "s3cr3t"}
        environment = {**os.environ, **{f"LOOKERSDK_{name}": value for name, value in names.items()}}
        with subprocess.Popen(_COMMAND, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert asked.wait(30)
            process.send_signal(signal.SIGINT)
            out, error = process.communicate(timeout=30)

        assert (process.returncode, out) == (130, b"")
        assert b"Traceback" not in error
        assert server.paths[-1] == "DELETE /logout"
