"""Secrets stay where they belong, whatever goes wrong and whoever looks: target S1.

Made-up credentials and tokens go through the whole life of a task, under every fault, with all that talks told to talk.
What was said, shown, kept, written and sent is then searched for them, in every spelling that hides a text.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import dataclasses
import faulthandler
import http.client
import json
import logging
import pickle
import subprocess
import sys
import traceback
import urllib.parse
import warnings
from typing import TYPE_CHECKING, Any

import pytest

import lookerframe as lf
from tests.faults import Close, FaultServer, Pause, Reset, cut, reply
from tests.scripted import DETAIL, TASK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tests.counting import Counts
    from tests.faults import Request, Script

CLIENT_ID = "Cq7w2LmX" + "+ /" + "Hd5Rk8Yb"
CLIENT_SECRET = "Zx9Kp4Vw" + "&=%" + "Qr7Tn2Ls"
TOKEN = "Jd3nVb8T" + "~." + "Mg6Wc1Pf"
#: A shortened text may keep one half of them only.
CANARIES = [part for text in (CLIENT_ID, CLIENT_SECRET, TOKEN) for part in (text, text[:8], text[-8:])]
#: Seconds: what a server keeps silent for, and what a call has that ends by itself, or not.
SILENCE = 0.05
SOON, NEVER = 10.0, 0.2
QUERY = lf.Query(model="m", explore="e", fields=["orders.count"])
DONE = {"id": TASK, "query_id": "q1", "status": "complete", "result_format": "json_detail"}
STAGES = {
    "login": ("POST", "/login"),
    "user": ("GET", "/user"),
    "create query": ("POST", "/queries"),
    "create task": ("POST", "/query_tasks"),
    "poll": ("GET", f"/query_tasks/{TASK}"),
    "fetch": ("GET", f"/query_tasks/{TASK}/results"),
    "kill": ("DELETE", f"/running_queries/{TASK}"),
    "logout": ("DELETE", "/logout"),
}


def spellings(text: str) -> set[bytes]:
    """Write a text in every way in which it may be hidden."""
    plain = text.encode()
    found = {plain, plain[::-1], plain.hex().encode(), repr(plain).encode()[2:-1], json.dumps(text).encode()[1:-1]}
    found |= {urllib.parse.quote(text, safe="").encode(), urllib.parse.quote_plus(text).encode()}
    for before in range(3):  # what stands before a text shifts its base64; only whole characters of its own count
        first, last = -(-before * 8 // 6), (before + len(plain)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found.add(encode(b"\0" * before + plain)[first:last])
    return found


NEEDLES = {needle for text in CANARIES for needle in spellings(text)}


class Evidence(logging.Handler):
    """All that was said, shown and kept, by where it was found; also a handler of log records."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[tuple[str, bytes]] = []
        self.where = ""
        self.records = 0
        self.errors: list[str] = []

    def add(self, what: str, text: str | bytes) -> None:
        """Keep a text."""
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        self.found.append((f"{self.where}: {what}", data))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a log record, its arguments included."""
        self.records += 1
        self.add(f"log of {record.name}", f"{logging.Formatter().format(record)} {vars(record)!r}")

    def show(self, thing: object) -> None:
        """Keep everything that a person or a library can make of an object without asking for the secret."""
        kind = type(thing).__name__
        ways: dict[str, Callable[[], object]] = {
            "repr": lambda: repr(thing),
            "str": lambda: f"{thing} {thing!s} {thing!a} {[thing]} {'%s' % (thing,)}",  # noqa: UP031 - one of the ways
            "state": lambda: list(state(thing)),
            "JSON": lambda: json.dumps(thing, default=repr),
            "pickle": lambda: pickle.dumps(thing),
            "copy": lambda: list(state(copy.copy(thing))),
            "deep copy": lambda: list(state(copy.deepcopy(thing))),
            "page": lambda: thing._repr_html_() if hasattr(thing, "_repr_html_") else "",
            "fields": lambda: structure(thing),
        }
        for name, way in ways.items():
            try:
                shown = way()
            except Exception as exc:  # noqa: BLE001 - what refuses to be shown says so, and that is looked at as well
                shown = f"{exc!r} {exc}"
            self.add(f"{name} of {kind}", shown if isinstance(shown, bytes) else str(shown))

    def tell(self, error: BaseException) -> None:
        """Keep everything that tracebacks tell, those that show local variables and hidden causes included."""
        self.errors.append(type(error).__name__)
        told = traceback.TracebackException(type(error), error, error.__traceback__, capture_locals=True)
        self.add("traceback with locals", "".join(told.format()))
        for met in chain(error):
            self.add("traceback", "".join(traceback.format_exception(met)))
            self.show(met)
            for frame, _ in traceback.walk_tb(met.__traceback__):
                for name, value in frame.f_locals.items():
                    self.add(f"{name} in {frame.f_code.co_qualname}", " ".join(state(value)))

    def hits(self) -> list[str]:
        """Search all of it."""
        return sorted({where for where, data in self.found if any(needle in data for needle in NEEDLES)})


def chain(error: BaseException) -> list[BaseException]:
    """List an error and all that led to it, ``from None`` or not."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        met = waiting.pop()
        if met is not None and met not in found:
            found.append(met)
            waiting += [met.__cause__, met.__context__]
    return found


def state(thing: object, depth: int = 3) -> Iterator[str]:
    """Show an object and what hangs on it, as debuggers do; those of the tests know the canaries, and are left out."""
    if type(thing).__module__.startswith("tests"):
        return
    yield repr(thing)
    held = getattr(thing, "__dict__", {}) if not isinstance(thing, type | type(sys)) and not callable(thing) else {}
    for value in held.values() if depth else ():
        yield from state(value, depth - 1)


def structure(thing: object) -> object:
    """Take an object apart; the client_id is hidden from people, but a field as any other."""
    if not dataclasses.is_dataclass(thing) or isinstance(thing, type):
        return ""
    return {name: value for name, value in dataclasses.asdict(thing).items() if name != "client_id"}


def echo(request: Request) -> str:
    """Repeat what was asked, as pages of proxies for finding faults do."""
    return f"{request.method} {request.target} {dict(request.headers)} {request.body!r}"


class Faulty:
    """A Looker for one task, of which one kind of call goes wrong."""

    def __init__(self, stage: str, fault: Callable[[Request], Script] | None, times: int = 1_000_000) -> None:
        self.stage = stage
        self.fault = fault
        self.times = times
        self.logins = 0

    def __call__(self, request: Request) -> Script:
        """Answer one request."""
        call = request.method, request.target.split("?")[0].removeprefix("/api/4.0")
        stage = next((name for name, known in STAGES.items() if known == call), "unknown")
        if self.fault is not None and stage == self.stage and self.times > 0:
            self.times -= 1
            return self.fault(request)
        if stage == "login":
            self.logins += 1
        return {
            "login": reply(200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}),
            "user": reply(200, {"id": "7", "display_name": "Somebody"}),
            "create query": reply(200, {"id": "q1", "model": "m", "view": "e", "limit": "-1"}),
            "create task": reply(200, DONE | {"status": "added"}),
            "poll": reply(200, DONE),
            "fetch": reply(200, DETAIL),
        }.get(stage, reply(204))


def faults(elsewhere: str, text: str) -> dict[str, tuple[Callable[[Request], Script], float]]:
    """Give the faults by name, each with the seconds that a call may take under it.

    `text` stands where a login has its token.
    """
    token = {"access_token": text, "token_type": "Bearer", "expires_in": 3600}
    page = "<html><head><title>502 Bad Gateway</title></head><body>no luck</body></html>"
    return {
        "401": (lambda _: reply(401, {"message": "Requires authentication."}), SOON),
        "403": (lambda _: reply(403, {"message": "Forbidden"}), SOON),
        "404": (lambda _: reply(404, {"message": "Not found", "documentation_url": "http://d.example.com"}), SOON),
        "422": (lambda _: reply(422, {"message": "Bad", "errors": [{"field": "f", "message": "m"}]}), SOON),
        "429": (lambda _: reply(429, {"message": "Slow"}, retry_after="4000"), SOON),
        "500": (lambda _: reply(500, {"message": "Oops"}), SOON),
        "502 page": (lambda _: reply(502, page, content_type="text/html"), NEVER),
        "200 page": (lambda _: reply(200, page, content_type="text/html"), SOON),
        "redirect": (lambda _: reply(307, b"", location=f"{elsewhere}/api/4.0/login"), SOON),
        "reset": (lambda _: [Reset()], NEVER),
        "closed": (lambda _: [Close()], NEVER),
        "cut": (lambda _: cut(reply(200, token), 9), NEVER),
        "silence": (lambda _: [Pause(20 * SILENCE)], NEVER),
        "no HTTP": (lambda _: [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Close()], SOON),
        "empty": (lambda _: reply(200, b""), SOON),
        "bad gzip": (lambda _: reply(200, json.dumps(token), content_encoding="gzip"), SOON),
        "unfinished JSON": (lambda _: reply(200, json.dumps(token)[:-1]), SOON),
        "broken JSON": (lambda _: reply(200, json.dumps(token).replace(":", "=", 1)), SOON),
        "list": (lambda _: reply(200, [token]), SOON),
        "text": (lambda _: reply(200, json.dumps(text)), SOON),
        "other shape": (lambda _: reply(200, token | {"expires_in": "soon", "refresh_token": text}), SOON),
        "token in a list": (lambda _: reply(200, token | {"access_token": [text]}), SOON),
        "token with a line end": (lambda _: reply(200, token | {"access_token": f"{text}\n"}), SOON),
    }


def connected(server: FaultServer, seconds: float = SOON, **given: Any) -> lf.Looker:
    """Make a client with the canaries as credentials."""
    patience: dict[str, Any] = {"backoff_base": 0.001, "backoff_cap": 0.01, "poll_interval": 0.001}
    patience |= {"timeout": SOON, "connect_attempts": 2, "task_timeout": seconds, **given}
    place: dict[str, Any] = {"base_url": server.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return lf.Looker(lf.Settings(**place | patience))


def live(looker: lf.Looker, seconds: float, folder: Path) -> Iterable[object]:
    """Do everything that a client does with a task, and give what comes out."""
    yield looker.me()
    task = looker.submit(QUERY, timeout=seconds)
    yield task
    result = task.result(timeout=seconds)
    yield result
    yield lf.write_parquet(result, folder / "rows.parquet")
    yield result.metadata
    yield result.stats
    yield task.status()
    yield task.cancel()


def look_on(evidence: Evidence, looker: lf.Looker, seconds: float, folder: Path) -> None:
    """Live until something goes wrong, and look at everything that can be seen then."""
    seen: list[object] = [looker, looker.settings, looker._login, looker._transport, looker._transport.stats]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            seen.extend(live(looker, seconds, folder))
        except lf.LookerFrameError as exc:
            evidence.tell(exc)
            with (folder / "faulthandler.txt").open("a") as file:
                faulthandler.dump_traceback(file)
        looker.close()
        for thing in seen:
            evidence.show(thing)
    for warning in warned:
        evidence.add("warning", f"{warning.category} {warning.message}")


@contextlib.contextmanager
def told_to_talk(evidence: Evidence) -> Iterator[None]:
    """Have every logger write everything."""
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in ("urllib3", "requests", "lookerframe"))]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    loggers[0].addHandler(evidence)
    try:
        yield
    finally:
        loggers[0].removeHandler(evidence)
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def misplaced(requests: Iterable[Request]) -> list[str]:
    """List what requests carry where it does not belong."""
    found = []
    for request in requests:
        login = request.target == "/api/4.0/login"
        headers = dict(request.headers)
        allowed = headers.pop("authorization", f"token {TOKEN}") == f"token {TOKEN}" and not (
            login and "authorization" in request.headers
        )
        rest = f"{request.target} {headers}".encode() + (b"" if login else request.body)
        if not allowed or TOKEN.encode() in request.body or any(needle in rest for needle in NEEDLES):
            found.append(f"{request.method} {request.target}")
    return found


def test_nothing_tells_a_secret(tmp_path: Path, capfd: pytest.CaptureFixture[str], counts: Counts) -> None:
    """Every fault at every stage of a task's life: none of the spellings is found in what came out of it.

    Faults that are waited out, to the deadline, are met in the login, by a POST, and in a result.
    """
    evidence, lives, sent = Evidence(), 0, 0
    with FaultServer(reply(404)) as elsewhere, told_to_talk(evidence):
        for stage in STAGES:
            kinds = faults(elsewhere.url, TOKEN if stage == "login" else "nothing secret")
            for name, (fault, seconds) in kinds.items():
                if seconds == NEVER and stage not in ("login", "create task", "fetch"):
                    continue
                evidence.where = f"{name} at {stage}"
                timeout = SILENCE if name == "silence" else SOON
                with FaultServer(answer=Faulty(stage, fault)) as server:
                    look_on(evidence, connected(server, seconds, timeout=timeout), seconds, tmp_path)
                assert server.requests, evidence.where
                assert misplaced(server.requests) == [], evidence.where
                lives, sent = lives + 1, sent + len(server.requests)
        assert elsewhere.requests == []
    for file in tmp_path.rglob("*"):
        evidence.add("file", file.read_bytes())
    out, err = capfd.readouterr()
    evidence.add("output", out + err)

    hits = evidence.hits()
    assert not hits, "\n".join(hits)
    assert {"AuthError", "RateLimitError", "ServerError", "NetworkError", "SchemaError"} <= set(evidence.errors)
    counts(
        "S1",
        lives=lives,
        requests=sent,
        errors=len(evidence.errors),
        log_records=evidence.records,
        pieces_searched=len(evidence.found),
        spellings=len(NEEDLES),
        hits=len(hits),
    )


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 500, "page"])
def test_an_error_that_repeats_the_request(stage: str, status: int | str, tmp_path: Path) -> None:
    """Some proxies answer with what they were sent; an error quotes what a server said, but not that."""
    evidence = Evidence()
    evidence.where = f"{status} at {stage}"

    def repeat(request: Request) -> Script:
        if isinstance(status, int):
            return reply(status, {"message": echo(request), "errors": [{"message": echo(request)}]})
        return reply(200, f"<html><body>{echo(request)}</body></html>", content_type="text/html")

    with told_to_talk(evidence), FaultServer(answer=Faulty(stage, repeat)) as server:
        look_on(evidence, connected(server), SOON, tmp_path)

    hits = evidence.hits()
    assert not hits, "\n".join(hits)
    assert evidence.errors or stage in ("kill", "logout")


@pytest.mark.parametrize("text", [json.dumps, repr, "{} it is".format])
def test_a_login_that_repeats_the_request(text: Callable[[str], str], tmp_path: Path) -> None:
    """What comes in place of a token is not quoted, in whatever shape."""
    evidence = Evidence()
    with (
        told_to_talk(evidence),
        FaultServer(answer=Faulty("login", lambda request: reply(200, text(echo(request))))) as server,
    ):
        look_on(evidence, connected(server), SOON, tmp_path)

    assert len(evidence.errors) == 1
    assert evidence.hits() == []


def test_http_client_prints_no_request(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its switch for finding faults, turned on for the whole process, is off for our connections."""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    evidence = Evidence()
    with FaultServer(answer=Faulty("", None)) as server:
        look_on(evidence, connected(server), SOON, tmp_path)
        mine = capfd.readouterr().out
        other = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        other.request("GET", "/api/4.0/user")
        other.close()

    evidence.add("output", mine)
    assert evidence.hits() == []
    assert "send:" in capfd.readouterr().out  # others' are not touched


def test_a_failure_of_tls_comes_before_every_secret(tmp_path: Path) -> None:
    """A server that does not speak TLS gets a greeting, no request."""
    evidence = Evidence()
    with told_to_talk(evidence), FaultServer(reply(200)) as server:
        looker = connected(server, base_url=server.url.replace("http:", "https:"))
        look_on(evidence, looker, SOON, tmp_path)

    assert evidence.errors == ["NetworkError"]
    assert server.requests == []
    assert evidence.hits() == []


def test_children_get_nothing() -> None:
    """A process that is started while a client is logged in finds nothing in its environment."""
    with FaultServer(answer=Faulty("", None)) as server, connected(server) as looker:
        looker.me()
        code = "import os; print(dict(os.environ))"
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60).stdout

    assert b"PATH" in said
    assert not any(needle in said for needle in NEEDLES)


def test_a_client_is_not_pickled() -> None:
    """Nor anything that holds one: what to do is said."""
    with FaultServer(answer=Faulty("", None)) as server, connected(server) as looker:
        task = looker.submit(QUERY)
        for thing in (looker, task, looker.settings, looker.settings.client_secret, looker._login, looker._transport):
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                with pytest.raises(TypeError, match=r"Looker\.from_env"):
                    pickle.dumps(thing, protocol)


def test_a_function_is_asked_at_each_login_only(tmp_path: Path) -> None:
    """A vault that hands out new secrets is asked anew after a 401, and never to show or log."""
    brought: list[str] = []

    def bring() -> str:
        brought.append(f"{CLIENT_SECRET}{len(brought)}")
        return brought[-1]

    evidence = Evidence()
    refused = Faulty("user", lambda _: reply(401, {"message": "Requires authentication."}), times=1)
    with told_to_talk(evidence), FaultServer(answer=refused) as server:
        look_on(evidence, connected(server, client_secret=bring), SOON, tmp_path)

    logins = [urllib.parse.parse_qs(item.body.decode()) for item in server.requests if item.target.endswith("/login")]
    assert [login["client_secret"] for login in logins] == [[text] for text in brought]
    assert len(brought) == 2
    assert evidence.hits() == []


def test_settings_that_are_refused_show_no_secret() -> None:
    """Neither those given to `Looker.from_env` nor those of the environment."""
    evidence = Evidence()
    with pytest.raises(lf.ConfigError) as caught:
        lf.Looker.from_env(base_url="a.example.com", client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    evidence.tell(caught.value)
    with pytest.raises(lf.ConfigError) as caught:
        lf.Looker.from_env(env={"LOOKERSDK_CLIENT_ID": CLIENT_ID, "LOOKERSDK_CLIENT_SECRET": CLIENT_SECRET})
    evidence.tell(caught.value)

    assert evidence.errors == ["ConfigError"] * 2
    assert evidence.hits() == []


def test_a_function_that_fails_ends_the_login() -> None:
    """It is a matter of configuration: nothing is sent, nothing tried again, and its words are not repeated."""
    asked: list[int] = []

    def bring() -> str:
        asked.append(1)
        raise KeyError(CLIENT_SECRET)

    evidence = Evidence()
    with told_to_talk(evidence), FaultServer(answer=Faulty("", None)) as server:
        looker = connected(server, client_secret=bring)
        with pytest.raises(lf.ConfigError, match="KeyError") as caught:
            looker.me()
        evidence.tell(caught.value)
        looker.close()

    assert (len(asked), server.requests) == (1, [])
    assert evidence.hits() == []


def test_a_function_is_asked_once_for_all_attempts_of_a_login() -> None:
    """A vault that counts is not asked for each try of a host that is not there."""
    asked: list[int] = []

    def bring() -> str:
        asked.append(1)
        return CLIENT_SECRET

    busy = Faulty("login", lambda _: reply(503, {"message": "Busy"}), times=3)
    with FaultServer(answer=busy) as server, connected(server, client_secret=bring) as looker:
        looker.me()

    assert server.paths[:5] == ["POST /login"] * 4 + ["GET /user"]
    assert len(asked) == 1


@pytest.mark.parametrize("text", CANARIES)
def test_the_search_finds_every_spelling(text: str) -> None:
    """What is searched for is what others write: the search would see a leak."""
    hidden = [
        f"client_secret={text}!".encode(),
        urllib.parse.urlencode({"a": f" {text} "}).encode(),
        urllib.parse.quote(f"/{text}/").encode(),
        repr(f"{text}".encode()).encode(),
        json.dumps({"a": [text]}).encode(),
        text[::-1].encode(),
        text.encode().hex().encode(),
        *(base64.b64encode(b"x" * before + text.encode() + b"y" * after) for before in range(4) for after in range(4)),
    ]

    for place in hidden:
        assert any(needle in place for needle in NEEDLES), place
