"""The token goes to one address and to no other, whoever asks for it: target S2."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trustme

import lookerframe as lf
from tests.faults import FaultServer, reply
from tests.reliability.tls_server import TLSServer
from tests.scripted import DETAIL, TASK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.counting import Counts
    from tests.faults import Request, Script

TOKEN = "Jd3nVb8TMg6Wc1Pf"
SECRET = "Zx9Kp4VwQr7Tn2Ls"
QUERY = lf.Query(model="m", explore="e", fields=["orders.count"])
REDIRECTS = (301, 302, 303, 307, 308)
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


class Answering:
    """A Looker whose answers hold addresses, and that sends one kind of call elsewhere."""

    def __init__(self, elsewhere: str = "", moved: str = "", status: int = 200, secret_place: str = "") -> None:
        self.elsewhere = elsewhere
        self.moved = moved
        self.status = status
        self.place = {name: f"{secret_place}/{name}" for name in ("share_url", "url", "expanded_share_url")}

    def __call__(self, request: Request) -> Script:
        """Answer one request."""
        where = request.target.split("?")[0].partition("/api/4.0")[2]
        if where == self.moved:
            return reply(self.status, b"", location=self.elsewhere + request.target)
        task = {"id": TASK, "query_id": "q1", "status": "complete", "result_format": "json_detail"}
        maker = {"result_maker": {"id": "1", "query": self.place, "vis_config": self.place}}
        query = {"id": "q1", "model": "m", "view": "e", "limit": "-1", "slug": "abcdefghijklmnopqrstuv", **self.place}
        known: dict[str, dict[str, Any]] = {
            "/login": {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600},
            "/user": {"id": "7", "display_name": "Somebody", **self.place, "avatar_url": self.place["url"]},
            "/queries": query,
            "/query_tasks": {**task, "result_source": self.place["url"], "query": query},
            f"/query_tasks/{TASK}": {**task, "query": query, **self.place},
            f"/query_tasks/{TASK}/results": {**DETAIL, **maker, **self.place, "drill_menu_build_time": 0},
            "/looks/3": {"id": "3", "title": "A", "query": query, "query_id": "q1", **self.place, **maker},
        }
        return reply(200, known[where]) if where in known else reply(204)


@contextmanager
def connected(base_url: str, **given: Any) -> Iterator[lf.Looker]:
    """Make a client that does not wait for long."""
    quick: dict[str, Any] = {"backoff_base": 0.001, "backoff_cap": 0.002, "poll_interval": 0.001, **given}
    secret = lf.Secret(SECRET)
    with lf.Looker(lf.Settings(base_url=base_url, client_id="an id", client_secret=secret, **quick)) as looker:
        yield looker


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the proxies of this machine out."""
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("moved", ["/login", "/user", "/query_tasks", f"/query_tasks/{TASK}/results"])
@pytest.mark.parametrize("target", ["another port", "another host", "another scheme", "the same place"])
def test_no_redirect_is_followed(status: int, moved: str, target: str, counts: Counts) -> None:
    """Wherever it leads, nobody is called there; the error says where it led, and what base_url must be."""
    with FaultServer(answer=Answering()) as elsewhere:
        place = {
            "another port": elsewhere.url,
            "another host": elsewhere.url.replace("127.0.0.1", "localhost"),
            "another scheme": elsewhere.url.replace("http:", "https:"),
            "the same place": "",
        }[target]
        with FaultServer(answer=Answering(place, moved, status)) as server, connected(server.url) as looker:
            with pytest.raises(lf.NetworkError) as caught:
                (looker.me(), looker.run(QUERY).to_arrow())
            asked = [path.split("?")[0].partition(" ")[2] for path in server.paths]

        assert elsewhere.requests == []
        assert elsewhere.connections == 0
    assert (caught.value.reason, caught.value.status, caught.value.attempts) == ("redirect", status, 1)
    assert asked.count(moved) == 1
    assert "base_url" in str(caught.value)
    counts("S2", redirects=5 * 4 * 4, followed=0)


def test_netrc_is_never_read(tmp_path: Path) -> None:
    """An entry for the host and a default one, in the home folder: what is sent is our token all the same."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\ndefault login a password b\n")
    netrc.chmod(0o600)
    code = (
        "import os, requests.utils, lookerframe as lf\n"
        "url = os.environ['LOOKERSDK_BASE_URL']\n"
        "print(requests.utils.get_netrc_auth(url))\n"
        "with lf.Looker.from_env() as looker: print(looker.me().display_name)\n"
    )
    with FaultServer(answer=Answering()) as server:
        environment = {
            "HOME": str(tmp_path),
            "PATH": os.environ["PATH"],
            "LOOKERSDK_BASE_URL": server.url,
            "LOOKERSDK_CLIENT_ID": "an id",
            "LOOKERSDK_CLIENT_SECRET": SECRET,
        }
        said = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

    assert said.stdout.splitlines() == ["('someone', 'else')", "Somebody"]  # `requests` itself would take it
    assert [item.headers.get("authorization") for item in server.requests] == [None, f"token {TOKEN}", f"token {TOKEN}"]


class Proxy(FaultServer):
    """A proxy that passes on what it may not read, and answers what it may."""

    def __init__(self) -> None:
        super().__init__(answer=Answering())
        self.heard = b""

    def _serve(self, sock: socket.socket) -> None:
        if sock.recv(7, socket.MSG_PEEK) != b"CONNECT":
            super()._serve(sock)
            return
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += sock.recv(1)
        self.heard += head
        port = int(head.split()[1].rpartition(b":")[2])
        with sock, socket.create_connection(("127.0.0.1", port), timeout=5) as beyond:
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=self._pass, args=(beyond, sock), daemon=True)
            back.start()
            self._pass(sock, beyond)
            back.join(timeout=5)

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self.heard += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_of_https_sees_no_token(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It learns host and port; what goes through it is sealed."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    with TLSServer(context, Answering()) as server, Proxy() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        with connected(server.url, verify_ssl=str(tmp_path / "ca.pem")) as looker:
            assert looker.me().display_name == "Somebody"

    assert server.paths == ["POST /login", "GET /user", "DELETE /logout"]
    assert proxy.heard.startswith(f"CONNECT 127.0.0.1:{server.port} HTTP/1.".encode())
    assert len(proxy.heard) > 1_000
    assert proxy.requests == []
    for text in (TOKEN, SECRET, "Authorization", "client_secret", "/api/4.0"):
        assert text.encode() not in proxy.heard


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_of_http_is_used(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain HTTP is for this machine only, so that it sees no more than others here may."""
    with FaultServer(answer=Answering()) as server, Proxy() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        with connected(server.url) as looker:
            assert looker.me().display_name == "Somebody"

    assert server.requests == []
    assert [item.target for item in proxy.requests][:2] == [
        f"{server.url}/api/4.0/{name}" for name in ("login", "user")
    ]


@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("value", ["127.0.0.1", "example.com,127.0.0.0/8", "*"])
def test_exceptions_of_proxies_hold(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host itself is called then."""
    with FaultServer(answer=Answering()) as server, Proxy() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv(variable, value)
        with connected(server.url) as looker:
            assert looker.me().display_name == "Somebody"

    assert (len(server.requests), proxy.connections) == (3, 0)


def test_credentials_of_a_proxy_are_for_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """They come from its address, and do not take the place of the token."""
    with FaultServer(answer=Answering()) as server, Proxy() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//someone:else@"))
        with connected(server.url) as looker:
            looker.me()

    user = proxy.requests[1].headers
    assert (user["authorization"], user["proxy-authorization"]) == (f"token {TOKEN}", "Basic c29tZW9uZTplbHNl")


def test_addresses_in_answers_are_never_called(counts: Counts) -> None:
    """Whatever a server calls a share or result address stays text."""
    with (
        FaultServer(reply(200, b"{}")) as trap,
        FaultServer(answer=Answering(secret_place=trap.url)) as server,
        connected(server.url) as looker,
    ):
        looker.me()
        looker.look(3)
        task = looker.submit(QUERY)
        result = task.result()
        frame = result.to_pandas()
        shown = f"{task.status()!r} {result!r} {dict(result.metadata)!r} {frame.to_html()}"
        looker.run_look(3).to_arrow()

        assert len(frame) == 1
        assert trap.url in shown
        assert (trap.connections, trap.requests) == (0, [])
        assert len(server.requests) > 8
    counts("S2", addresses_called=0)


HOSTS = ["https://a.example.com", "http://127.0.0.1:9999", "https://[::1]:19999", "https://a.example.com/looker"]
BAD_ENDS = [
    "?",
    "?x=1",
    "#",
    "#x",
    "?redirect=https://b.example.com",
    "/api/4.0?access_token=1",
    "/\\b.example.com",
    " ",
    "\t",
    "\r\n",
    "\x00",
    "\x7f",
]
BAD_USERS = ["u@", "u:p@", ":@", "@", "u%40v:p@", "b.example.com@", "https://@"]
BAD_SCHEMES = ["ftp", "file", "ws", "javascript", "HTTPS ", "httpss", "data", "gopher", "h\ttps", "", "-"]


def bad_addresses() -> Iterator[str]:
    """Give addresses at which a secret may end in the wrong hands, or that two readers read differently."""
    for host in HOSTS:
        scheme, _, rest = host.partition("://")
        yield from (host + end for end in BAD_ENDS)
        yield from (f"{scheme}://{user}{rest}" for user in BAD_USERS)
        yield from (f"{other}://{rest}" for other in BAD_SCHEMES)
    for name in (
        "a.example.com",
        "10.0.0.1",
        "0.0.0.0",  # noqa: S104 - must be refused
        "localhost.example.com",
        "127.0.0.1.nip.io",
        "[::2]",
        "2130706433",
    ):
        yield f"http://{name}"
        yield f"http://{name}:80/api/4.0"
    yield from ("", " ", "https", "https:", "https:/", "https://", "https:///x", "https://:443", "https:a.example.com")
    yield from (
        "https://a.example.com:x",
        "https://a.example.com:99999",
        "https://[::1",
        "https://::1]",
        "//a.example.com",
        "https://a.example.com:0",
        "https://[::1]a",
        "https://https://a.example.com",
    )
    yield from (f"https://a{mark}b.example.com" for mark in ("<", '"', "%00", "%0d%0a", "\u202e", "\u200b", "..", "|"))
    yield from (f"https://{name}" for name in ("..", "-a.example.com", "a-.example.com", 64 * "a", "256.256.256.256"))
    yield from (f"https://a.example.com/{path}" for path in ("..", "x/../y", "./x", "x//y", "\u202ex"))


def test_addresses_that_are_refused(counts: Counts) -> None:
    """At least a hundred, before anything is sent; none is shown that may hold a password."""
    tried = list(bad_addresses())
    for url in tried:
        with pytest.raises(lf.ConfigError) as caught:
            lf.Settings(base_url=url, client_id="an id", client_secret=lf.Secret(SECRET))
        assert caught.value.setting == "base_url", url
        assert "u:p" not in str(caught.value)

    assert len(set(tried)) >= 100
    counts("S3", bad_base_urls=len(set(tried)), accepted=0)
