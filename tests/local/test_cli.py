"""``lookerframe serve``, as a person runs it."""

from __future__ import annotations

import configparser
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from lookerframe.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def served() -> Iterator[subprocess.Popen[str]]:
    """Run the command on a free port."""
    command = [sys.executable, "-u", "-m", "lookerframe.cli", "serve", "--port", "0", "--latency", "0.01"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path.cwd()
    ) as process:
        yield process
        process.kill()


def introduction(process: subprocess.Popen[str]) -> list[str]:
    """Read what is printed before the first call."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith("also user"):
            break
    return lines


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_serve(served: subprocess.Popen[str], end: signal.Signals) -> None:
    """It prints what ``looker.ini`` needs, logs each call, and ends cleanly when it is interrupted."""
    lines = introduction(served)
    ini = configparser.ConfigParser()
    ini.read_string("\n".join(lines[lines.index("[Looker]") : -1]))
    looker = ini["Looker"]
    key = {"client_id": looker["client_id"], "client_secret": looker["client_secret"]}

    answer = requests.post(f"{looker['base_url']}/api/4.0/login", data=key, timeout=30)
    assert answer.status_code == 200
    served.send_signal(end)
    out, error = served.communicate(timeout=30)

    assert "POST /api/4.0/login 200" in out
    assert looker["client_secret"] not in out
    assert out.endswith("stopped\n")
    assert error == ""
    assert served.returncode == 0


def test_reader_of_the_log_that_goes_away(served: subprocess.Popen[str]) -> None:
    """The call is answered, and the command ends as one that SIGPIPE ended, without a traceback."""
    lines = introduction(served)
    (base,) = (line.removeprefix("base_url=") for line in lines if line.startswith("base_url="))
    assert served.stdout is not None
    assert served.stderr is not None
    served.stdout.close()

    assert requests.get(f"{base}/api/4.0/user", timeout=30).status_code == 401

    assert served.wait(30) == 141
    assert served.stderr.read() == ""


def test_serve_with_faults() -> None:
    """They come as the arguments say, and are in the log."""
    command = [sys.executable, "-u", "-m", "lookerframe.cli", "serve", "--port", "0", "--faults", "1"]
    command += ["--fault-seed", "3", "--fault-kinds", "503,504"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()) as process:
        (base,) = (line.removeprefix("base_url=") for line in introduction(process) if line.startswith("base_url="))
        codes = {requests.get(f"{base}/api/4.0/user", timeout=30).status_code for _ in range(20)}
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)

    assert codes == {503, 504}
    assert out.count("GET /api/4.0/user fault 50") == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--lookml", "no/such"), "lookml is 'no/such'; expected a folder with *.model.lkml files"),
        (("--timezone", "Mars/Base"), "timezone is 'Mars/Base', which is unknown"),
        (("--users", "0"), "users is '0'; expected 1 or more"),
        (("--latency", "nan"), "latency is 'nan'; expected seconds, 0 or more"),
    ],
)
def test_what_cannot_be_served(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str) -> None:
    """The error is one line that says what is wrong, and the status is 2."""
    assert main(["serve", "--port", "0", *arguments]) == 2

    assert capsys.readouterr().err.startswith(f"lookerframe: {message}")


def test_port_out_of_range(capsys: pytest.CaptureFixture[str]) -> None:
    """The error says which ports there are."""
    assert main(["serve", "--port", "99999"]) == 2

    assert capsys.readouterr().err.startswith("lookerframe: port is '99999'; expected a port from 0")


def test_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    """The error says which port, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert main(["serve", "--port", str(port)]) == 2

    assert f"cannot listen on 127.0.0.1:{port}: " in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [(), ("dance",), ("serve", "--not-ready-status", "200")])
def test_wrong_arguments(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    """The usage is shown, with status 2."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert "usage: lookerframe" in capsys.readouterr().err
