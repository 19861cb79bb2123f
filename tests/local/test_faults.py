"""Faults on purpose, as a client sees them on the wire: sockets of the standard library, no client of ours."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import io
import json
import re
import socket
import threading
import time
import zipfile
import zlib
from dataclasses import FrozenInstanceError, dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from lookerframe import Looker, Query, Settings, local
from lookerframe.cli import main
from lookerframe.config import Secret
from lookerframe.exceptions import ConfigError
from tests.local.calling import Api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOKML = """
view: towns {
  derived_table: { sql: SELECT range AS id, 'Zürich ' || range AS name FROM range(400) ;; }
  dimension: id { type: number primary_key: yes }
  dimension: name {}
}
"""
FIELDS = ("towns.id", "towns.name")


@dataclass(frozen=True)
class Wire:
    """What came over a connection until it ended."""

    raw: bytes
    is_reset: bool

    @property
    def status(self) -> int:
        """Of the first line."""
        return int(self.raw.split(b" ", 2)[1])

    @property
    def headers(self) -> dict[str, str]:
        """Names in small letters."""
        lines = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def sent(self) -> bytes:
        """All bytes after the headers, as they came."""
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def length(self) -> int:
        """What Content-Length says."""
        return int(self.headers["content-length"])

    @property
    def framed(self) -> bytes:
        """The body by its framing; fails if the framing is not right."""
        if self.headers.get("transfer-encoding") != "chunked":
            assert len(self.sent) == self.length
            return self.sent
        found, left = b"", self.sent
        while True:
            size, _, left = left.partition(b"\r\n")
            found += left[: int(size, 16)]
            assert left[int(size, 16) :][:2] == b"\r\n"
            left = left[int(size, 16) + 2 :]
            if size == b"0":
                assert left == b""
                return found

    @property
    def body(self) -> bytes:
        """The body, framing and gzip removed; fails if either is not right."""
        return gzip.decompress(self.framed) if self.headers.get("content-encoding") == "gzip" else self.framed


@dataclass(frozen=True)
class Case:
    """What was met, and what a call of the same kind gives without faults."""

    wire: Wire
    truth: bytes


def exchange(user: Api, target: str, *lines: str, method: str = "GET", body: bytes = b"") -> Wire:
    """Send a call and read until the connection ends."""
    host, port = user.server.base_url.removeprefix("http://").split(":")
    token = f"Authorization: {user.session.headers['Authorization']!s}"
    head = (f"{method} /api/4.0{target} HTTP/1.1", f"Host: {host}:{port}", token, "Connection: close", *lines)
    length = (f"Content-Length: {len(body)}",) if body else ()
    received = bytearray()
    with socket.create_connection((host, int(port)), timeout=30) as sock:
        sock.sendall("\r\n".join([*head, *length, "", ""]).encode() + body)
        try:
            while data := sock.recv(65_536):
                received += data
        except ConnectionResetError:
            return Wire(bytes(received), is_reset=True)
    return Wire(bytes(received), is_reset=False)


def refused(status: int) -> Callable[[Case], None]:
    """Looker's own error."""

    def check(case: Case) -> None:
        assert case.wire.status == status
        assert set(json.loads(case.wire.body)) == {"message", "documentation_url"}

    return check


def page(status: int) -> Callable[[Case], None]:
    """HTML."""

    def check(case: Case) -> None:
        assert case.wire.status == status
        assert case.wire.headers["content-type"].startswith("text/html")
        assert case.wire.body.startswith(b"<!DOCTYPE html>")

    return check


def too_many(retry_after: str | None) -> Callable[[Case], None]:
    """429 with this header."""

    def check(case: Case) -> None:
        refused(429)(case)
        assert case.wire.headers.get("retry-after") == retry_after

    return check


def too_many_until(case: Case) -> None:
    """429 with a date that is a second ahead."""
    refused(429)(case)
    now, then = (parsedate_to_datetime(case.wire.headers[name]) for name in ("date", "retry-after"))
    assert 0 <= (then - now).total_seconds() <= 2


def empty(status: int) -> Callable[[Case], None]:
    """No body."""

    def check(case: Case) -> None:
        assert case.wire.status == status
        assert case.wire.sent == b""
        assert case.wire.headers.get("content-length", "0") == "0"

    return check


def redirect(case: Case) -> None:
    """Elsewhere."""
    assert case.wire.status == 302
    assert case.wire.headers["location"].endswith("/elsewhere")


def task_object(case: Case) -> None:
    """Find a QueryTask."""
    assert case.wire.status == 200
    assert json.loads(case.wire.body)["status"] == "complete"


def gzip_bomb(case: Case) -> None:
    """Inflate a thousandfold."""
    inflater = zlib.decompressobj(31)
    packed = case.wire.framed
    size, left = 0, packed
    while left and not inflater.eof:
        size += len(inflater.decompress(left, 1 << 24))
        left = inflater.unconsumed_tail
    assert inflater.eof
    assert size == 1 << 28
    assert size / len(packed) > 950


def xlsx_bomb(case: Case) -> None:
    """One cell."""
    with zipfile.ZipFile(io.BytesIO(case.wire.body)) as archive:
        sheet = archive.getinfo("xl/worksheets/sheet1.xml")
    assert sheet.file_size > 1 << 28
    assert sheet.file_size / sheet.compress_size > 950


def deep_nesting(case: Case) -> None:
    """Find brackets and then the truth."""
    brackets = b"[" * 100_000 + b"]" * 100_000
    assert case.wire.body == b'[{"deep":' + brackets + b"," + case.truth.removeprefix(b"[{")


def reset_without_a_word(case: Case) -> None:
    """RST and nothing before it."""
    assert case.wire == Wire(b"", is_reset=True)


def closed_without_a_word(case: Case) -> None:
    """FIN and nothing before it."""
    assert case.wire == Wire(b"", is_reset=False)


def short_of_its_length(*, is_reset: bool) -> Callable[[Case], None]:
    """Half of what Content-Length says, and of the truth."""

    def check(case: Case) -> None:
        assert case.wire.is_reset == is_reset
        assert len(case.wire.sent) == case.wire.length // 2
        begun = zlib.decompressobj(31).decompress(case.wire.sent)
        assert case.truth.startswith(begun)
        assert len(begun) < len(case.truth)

    return check


def length_too_large(case: Case) -> None:
    """Everything, but a longer length."""
    assert gzip.decompress(case.wire.sent) == case.truth
    assert case.wire.length > len(case.wire.sent)


def length_too_small(case: Case) -> None:
    """Everything, but a shorter length."""
    assert gzip.decompress(case.wire.sent) == case.truth
    assert case.wire.length == len(case.wire.sent) // 2


def cut_chunked(case: Case) -> None:
    """Whole chunks, but no last one."""
    framed = Wire(case.wire.raw + b"0\r\n\r\n", is_reset=False).framed
    assert not case.wire.is_reset
    assert case.truth.startswith(zlib.decompressobj(31).decompress(framed))


def cut_in_chunk(case: Case) -> None:
    """Less than the size of the chunk."""
    size, _, begun = case.wire.sent.partition(b"\r\n")
    assert not case.wire.is_reset
    assert len(begun) == int(size, 16) // 2
    assert case.truth.startswith(zlib.decompressobj(31).decompress(begun))


def bad_chunk_size(case: Case) -> None:
    """Find a word after the first chunk."""
    size, _, rest = case.wire.sent.partition(b"\r\n")
    assert rest[int(size, 16) :].startswith(b"\r\nsize\r\n")


def unframed(*, is_whole: bool) -> Callable[[Case], None]:
    """Nothing tells where it ends."""

    def check(case: Case) -> None:
        assert not {"content-length", "transfer-encoding"} & case.wire.headers.keys()
        assert not case.wire.is_reset
        inflater = zlib.decompressobj(31)
        found = inflater.decompress(case.wire.sent)
        assert case.truth.startswith(found)
        assert inflater.eof == (found == case.truth) == is_whole

    return check


def cut_gzip(case: Case) -> None:
    """Find framing that ends, and gzip that does not."""
    inflater = zlib.decompressobj(31)
    found = inflater.decompress(case.wire.framed)
    assert not inflater.eof
    assert case.truth.startswith(found)
    assert len(found) < len(case.truth)


def no_gzip_trailer(case: Case) -> None:
    """All data, no end."""
    inflater = zlib.decompressobj(31)
    assert inflater.decompress(case.wire.framed) == case.truth
    assert not inflater.eof


def wrong_crc(case: Case) -> None:
    """All data, another checksum."""
    with pytest.raises(zlib.error, match="incorrect data check"):
        zlib.decompress(case.wire.framed, 31)
    assert zlib.decompressobj(31).decompress(case.wire.framed[:-8]) == case.truth


def cut_body(case: Case) -> None:
    """Right framing, right gzip, half of the text."""
    assert case.wire.body == case.truth[: len(case.truth) // 2]


def whole(case: Case) -> None:
    """Find the truth."""
    assert case.wire.body == case.truth


def appended_text(case: Case) -> None:
    """Find the truth and an English sentence."""
    assert case.wire.body.startswith(case.truth)
    assert re.fullmatch(rb"\n[A-Z][a-z ]+\.", case.wire.body.removeprefix(case.truth))


def coded(charset: str) -> Callable[[Case], None]:
    """Expect the same text in another charset, and nothing that says so."""

    def check(case: Case) -> None:
        assert case.wire.body != case.truth
        assert case.wire.body.decode(charset) == case.truth.decode()
        assert case.wire.headers["content-type"] == "application/json"

    return check


def bom(case: Case) -> None:
    """Find the truth after three bytes."""
    assert case.wire.body == b"\xef\xbb\xbf" + case.truth


def status(value: str) -> Callable[[Case], None]:
    """Expect the task, with another status."""

    def check(case: Case) -> None:
        assert json.loads(case.truth)["status"] == "complete"
        assert json.loads(case.wire.body) == json.loads(case.truth) | {"status": value}

    return check


#: What each kind is on the wire, half-way through a body, for a client that takes gzip.
SEEN: dict[str, Callable[[Case], None]] = {
    **{name: refused(int(name)) for name in ("500", "502", "503", "504", "401", "404")},
    **{name: page(int(name[:3])) for name in ("502_html", "504_html", "200_html")},
    "429_seconds": too_many("1"),
    "429_date": too_many_until,
    "429_absent": too_many(None),
    "429_garbage": too_many("soon"),
    "429_negative": too_many("-5"),
    "202": empty(202),
    "204": empty(204),
    "200_empty": empty(200),
    "302": redirect,
    "task_object": task_object,
    "gzip_bomb": gzip_bomb,
    "xlsx_bomb": xlsx_bomb,
    "deep_nesting": deep_nesting,
    "reset_before": reset_without_a_word,
    "reset_after": reset_without_a_word,
    "hang": closed_without_a_word,
    "close_after": closed_without_a_word,
    "reset_in_body": short_of_its_length(is_reset=True),
    "close_in_body": short_of_its_length(is_reset=False),
    "length_too_large": length_too_large,
    "length_too_small": length_too_small,
    "cut_chunked": cut_chunked,
    "cut_in_chunk": cut_in_chunk,
    "bad_chunk_size": bad_chunk_size,
    "close_delimited": unframed(is_whole=True),
    "cut_close_delimited": unframed(is_whole=False),
    "cut_gzip": cut_gzip,
    "no_gzip_trailer": no_gzip_trailer,
    "wrong_crc": wrong_crc,
    "cut_body": cut_body,
    "drip": whole,
    "appended_text": appended_text,
    "latin_1": coded("latin-1"),
    "utf_16": coded("utf-16"),
    "bom": bom,
    "expired": status("expired"),
    "killed": status("killed"),
    "missing": status("missing"),
    "unknown_status": status("hibernating"),
    "upper_case": status("COMPLETE"),
}


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a project whose texts are not ASCII."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "v.view.lkml").write_text(LOOKML, encoding="utf-8")
    (folder / "m.model.lkml").write_text('include: "v.view"\nexplore: towns {}\n', encoding="utf-8")
    return folder


@pytest.fixture
def faulty(towns: Path, started: Callable[..., Api]) -> Callable[..., Api]:
    """Start a server over the towns with these faults."""

    def start(faults: local.Faults | None = None, **options: Any) -> Api:
        return started(lookml=towns, faults=faults or local.Faults(), **options)

    return start


@pytest.fixture(scope="module")
def calm(towns: Path) -> Iterator[Api]:
    """Run one server that does nothing but what headers ask for."""
    with local.start(lookml=towns, faults=local.Faults()) as server:
        user = Api.login(server)
        yield user
        user.session.close()


def finished(user: Api, result_format: str = "json") -> str:
    """Run a query and give the id of the task."""
    query_id = user.create(*FIELDS, model="m", view="towns", sorts=["towns.id"])
    task_id = user.submit(query_id, result_format)
    user.until(task_id, "complete")
    return task_id


def operations(user: Api) -> list[tuple[str, str]]:
    """Say what was done to which operations."""
    return [(fault.kind, fault.operation) for fault in user.server.faults]


def test_every_kind_is_looked_at() -> None:
    """The cases of this module are all there are."""
    assert set(SEEN) == set(local.KINDS)


@pytest.mark.parametrize("kind", SEEN)
def test_what_a_client_sees(kind: str, calm: Api) -> None:
    """Each kind is on the wire what its description says, and stands in the log."""
    of_task = f"/query_tasks/{finished(calm)}"
    target = of_task if "query_task" in local.KINDS[kind].on else f"{of_task}/results"
    truth = calm("GET", target, headers={"Accept-Encoding": "identity"}).content
    before = len(calm.server.faults)
    user = Api.login(calm.server)  # whose token may be lost
    asked = f"X-Lookerframe-Fault: {kind}; seconds={0.1 if kind in ('hang', 'drip') else 1}"

    wire = exchange(user, target, asked, "Accept-Encoding: gzip")

    user.session.close()
    SEEN[kind](Case(wire, truth))
    (fault,) = calm.server.faults[before:]
    assert (fault.number, fault.kind, fault.method) == (before + 1, kind, "GET")
    assert fault.path == f"/api/4.0{target}"
    assert fault.task_id == of_task.rpartition("/")[2]


@pytest.mark.parametrize("kind", ["cut_body", "close_in_body", "length_too_small", "cut_chunked", "drip", "bom"])
def test_client_that_takes_no_gzip(kind: str, calm: Api) -> None:
    """It gets the text itself, damaged in the same way."""
    target = f"/query_tasks/{finished(calm, 'csv')}/results"
    truth = calm("GET", target, headers={"Accept-Encoding": "identity"}).content

    wire = exchange(calm, target, f"X-Lookerframe-Fault: {kind}; at=0.25; seconds=0.1")

    expected = {"drip": truth, "bom": b"\xef\xbb\xbf" + truth, "length_too_small": truth}
    sent = wire.sent.partition(b"\r\n")[2].removesuffix(b"\r\n") if kind == "cut_chunked" else wire.sent
    assert "content-encoding" not in wire.headers
    assert sent == expected.get(kind, truth[: len(truth) // 4])


def test_gzip_faults_need_a_client_that_takes_gzip(calm: Api) -> None:
    """Others get the true answer, and nothing is logged."""
    target = f"/query_tasks/{finished(calm)}/results"
    before = calm.server.faults

    wire = exchange(calm, target, "X-Lookerframe-Fault: cut_gzip")

    assert wire.body == calm("GET", target).content
    assert calm.server.faults == before


def test_without_faults_the_answer_is_the_same(faulty: Callable[..., Api]) -> None:
    """What passes through the front is byte for byte what the server says, whatever the method and the framing."""
    user = faulty()
    task_id = finished(user)
    host, port = user.server.base_url.removeprefix("http://").split(":")
    token = str(user.session.headers["Authorization"])
    direct = json.loads(exchange(user, f"/query_tasks/{task_id}").body)

    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    body = json.dumps({"model": "m", "view": "towns", "fields": FIELDS}).encode()
    connection.request("POST", "/api/4.0/queries", iter([body[:9], body[9:]]), {"Authorization": token})
    chunked = json.loads(connection.getresponse().read())
    connection.request("GET", f"/api/4.0/query_tasks/{task_id}/results", headers={"Authorization": token})
    results = connection.getresponse()
    rows = json.loads(results.read())
    connection.request("DELETE", "/api/4.0/logout", headers={"Authorization": token})
    gone = connection.getresponse()
    gone.read()
    connection.close()

    assert direct["id"] == task_id
    assert chunked["model"] == "m"
    assert [row["towns.name"] for row in rows] == [f"Zürich {number}" for number in range(400)]
    assert (results.headers["Transfer-Encoding"], gone.status) == ("chunked", 204)
    assert user.server.faults == ()


def test_answers_name_the_public_address(faulty: Callable[..., Api]) -> None:
    """Not the one of the server behind."""
    user = faulty()

    query = user("GET", f"/queries/{user.create(*FIELDS, model='m', view='towns')}").json()

    assert query["share_url"].startswith(f"{user.server.base_url}/")


def test_plan(faulty: Callable[..., Api]) -> None:
    """Each entry befalls the next calls of its operation, one entry after the other, and no more than it says."""
    plan = [
        local.Fault("503", on="query_task_results", times=2),
        local.Fault("cut_body", on="query_task_results"),
        local.Fault("502", on="query_task"),
    ]
    user = faulty(local.Faults(plan=plan))
    task_id = user.submit(user.create(*FIELDS, model="m", view="towns"))

    assert user("GET", f"/query_tasks/{task_id}").status_code == 502
    user.until(task_id, "complete")
    answers = [user("GET", f"/query_tasks/{task_id}/results") for _ in range(5)]

    assert [answer.status_code for answer in answers] == [503, 503, 200, 200, 200]
    assert len(answers[2].content) < len(answers[3].content) == len(answers[4].content)
    assert operations(user) == [
        ("502", "query_task"),
        ("503", "query_task_results"),
        ("503", "query_task_results"),
        ("cut_body", "query_task_results"),
    ]


def test_inject(calm: Api, api: Api) -> None:
    """A plan for a server that runs takes the place of what was left; one without faults refuses it."""
    calm.server.inject(local.Fault("503", on="versions", times=5), local.Fault("502", on="me"))
    before = [calm("GET", path).status_code for path in ("/versions", "/versions")]
    calm.server.inject(local.Fault("504", on="versions"))
    after = [calm("GET", path).status_code for path in ("/versions", "/versions", "/user")]

    assert (before, after) == ([503, 503], [504, 200, 200])
    with pytest.raises(ConfigError, match=r"^on is 'users'; expected an operation: all_dashboards, "):
        calm.server.inject(local.Fault("503", on="users"))
    with pytest.raises(ConfigError, match=r"started with faults=lookerframe\.local\.Faults"):
        api.server.inject(local.Fault("503"))


def test_fault_waits_for_a_call_that_it_can_befall(faulty: Callable[..., Api]) -> None:
    """A result that is not ready has no body to cut: the fault comes with the one that has."""
    user = faulty(local.Faults(plan=[local.Fault("cut_body", on="query_task_results")]), latency=0.3)
    task_id = user.submit(user.create(*FIELDS, model="m", view="towns"))

    early = user("GET", f"/query_tasks/{task_id}/results")
    user.until(task_id, "complete")
    late, again = (user("GET", f"/query_tasks/{task_id}/results") for _ in range(2))

    assert early.status_code == 202
    assert len(late.content) < len(again.content)
    assert len(user.server.faults) == 1


def test_fault_for_any_operation(faulty: Callable[..., Api], towns: Path) -> None:
    """Without an operation, it is the next call that counts, if the kind can befall it."""
    user = faulty(local.Faults(plan=[local.Fault("expired")]))
    task_id = finished(user)
    with local.start(lookml=towns, faults=local.Faults(plan=[local.Fault("504")])) as server:
        codes = [requests.get(f"{server.base_url}/api/4.0/{name}", timeout=30).status_code for name in ("x", "user")]
        again = requests.get(f"{server.base_url}/api/4.0/user", timeout=30).status_code

    assert operations(user) == [("expired", "query_task")]
    assert user.status(task_id) == "complete"
    assert (codes, again) == ([404, 504], 401)


def test_401_revokes_the_token(faulty: Callable[..., Api]) -> None:
    """It is not good for any later call; a new login is."""
    user = faulty(local.Faults(plan=[local.Fault("401", on="versions")]))

    codes = [user("GET", path).status_code for path in ("/user", "/versions", "/user", "/versions")]
    again = Api.login(user.server)

    assert codes == [200, 401, 401, 401]
    assert again("GET", "/versions").status_code == 200
    again.session.close()


def test_reached_says_what_was_carried_out(faulty: Callable[..., Api]) -> None:
    """Of faulty calls that create a task, it counts those that made one, and names the tasks."""
    plan = [local.Fault(kind, on="create_query_task") for kind in ("reset_before", "reset_after", "close_after", "504")]
    lines: list[str] = []
    user = faulty(local.Faults(plan=plan), log=lines.append)
    body = json.dumps({"query_id": user.create(*FIELDS, model="m", view="towns"), "result_format": "json"}).encode()

    ends = [exchange(user, "/query_tasks", method="POST", body=body) for _ in range(5)]

    assert [end.is_reset for end in ends] == [True, True, False, False, False]
    assert [end.status for end in ends[3:]] == [504, 200]
    assert [fault.reached for fault in user.server.faults] == [False, True, True, False]
    made = [fault.task_id for fault in user.server.faults if fault.reached]
    assert [user.until(str(task_id), "complete") for task_id in made] == ["complete", "complete"]
    carried_out = [line for line in lines if "POST /api/4.0/query_tasks 200" in line]
    assert len(carried_out) == 3
    assert sum("POST /api/4.0/query_tasks fault reset_after" in line for line in lines) == 1


def test_call_that_was_refused_was_not_carried_out(calm: Api) -> None:
    """It reached the server, which did nothing."""
    exchange(calm, "/query_tasks", "X-Lookerframe-Fault: reset_after", method="POST", body=b"{}")

    fault = calm.server.faults[-1]
    assert (fault.kind, fault.operation, fault.task_id, fault.reached) == (
        "reset_after",
        "create_query_task",
        None,
        False,
    )


def drawn(user: Api) -> list[str]:
    """Make a hundred calls, one after the other, and say which of them met what."""
    for _ in range(100):
        exchange(user, "/user")
    return [fault.kind for fault in user.server.faults]


def test_draws_depend_on_the_seed(faulty: Callable[..., Api]) -> None:
    """One seed gives the same faults to the same calls, another one others, about as many as the rate says."""
    kinds = ["500", "503", "reset_before", "close_after", "close_in_body"]
    first, second, other = (drawn(faulty(local.Faults(rate=0.3, seed=seed, kinds=kinds))) for seed in (11, 11, 12))

    assert first == second != other
    assert set(first) == set(kinds)
    assert all(15 <= len(faults) <= 45 for faults in (first, other))


def test_in_a_row(faulty: Callable[..., Api]) -> None:
    """The same request is let through after so many faults; another one has a count of its own."""
    user = faulty(local.Faults(rate=1, kinds=["204"], in_a_row=2))
    one, two = finished(user), finished(user)

    codes = [exchange(user, f"/query_tasks/{name}/results").status for name in (one, one, two, one, one, two, two)]

    assert codes == [204, 204, 204, 200, 204, 204, 200]


def test_what_is_drawn_by_default() -> None:
    """Kinds that a client can get over; those that leave no doubt, or lose an answer, for a call not to be repeated."""
    faults = local.Faults(rate=1)

    for operation in ("login", "query_task", "query_task_results", "create_query_task", "kill_query"):
        assert {local.KINDS[name].passing for name in faults.drawn_on(operation)} == {True}
    assert {"cut_body", "drip", "bom", "401"} <= set(faults.drawn_on("query_task_results"))
    assert not {"cut_body", "drip", "500", "200_html"} & set(faults.drawn_on("create_query_task"))
    assert {"503", "reset_after", "429_absent"} <= set(faults.drawn_on("create_query_task"))
    assert "401" not in faults.drawn_on("login")
    assert set(local.Faults.passing()) == {name for name, kind in local.KINDS.items() if kind.passing}


def test_end_of_a_token_is_drawn_late(faulty: Callable[..., Api]) -> None:
    """A token is good for 32 calls at least: a client may give up over one that is new and not accepted."""
    user = faulty(local.Faults(rate=1, kinds=["401"]))

    codes = [user("GET", "/versions").status_code for _ in range(34)]

    assert codes == [200] * 32 + [401] * 2


@pytest.mark.parametrize(
    ("kind", "coding", "cut"),
    [
        ("cut_body", "gzip", ["json"]),
        ("bom", "identity", ["json", "csv"]),
    ],
)
def test_what_is_drawn_shows(kind: str, coding: str, cut: list[str], faulty: Callable[..., Api]) -> None:
    """A cut that nothing would tell is not drawn; others are."""
    user = faulty(local.Faults(rate=1, kinds=[kind]))
    tasks = {finished(user, name): name for name in ("json", "csv")}

    for task_id in tasks:
        exchange(user, f"/query_tasks/{task_id}/results", f"Accept-Encoding: {coding}")

    assert [tasks[str(fault.task_id)] for fault in user.server.faults] == cut


def test_header_that_is_not_understood(calm: Api) -> None:
    """The answer is 400 and says what is expected."""
    for value in ("cut_everything", "drip; at", "drip; at=half", "drip; speed=1", "drip; at=2"):
        answer = calm("GET", "/user", headers={"X-Lookerframe-Fault": value})

        assert answer.status_code == 400
        assert "; expected " in answer.text


def test_header_without_faults(api: Api) -> None:
    """A server that was not told to be faulty is not."""
    assert api("GET", "/user", headers={"X-Lookerframe-Fault": "503"}).status_code == 200
    assert api.server.faults == ()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: local.Fault("nonsense"), "kind is 'nonsense'; expected one of 500, 502"),
        (lambda: local.Fault("503", times=0), "times is '0'; expected 1 or more"),
        (lambda: local.Fault("cut_body", at=1.5), "at is '1.5'; expected a share of the body"),
        (lambda: local.Fault("hang", seconds=float("inf")), "seconds is 'inf'; expected seconds"),
        (lambda: local.Fault("killed", on="login"), "on is 'login'; expected query_task, which killed can befall"),
        (lambda: local.Faults(rate=1.1), "rate is '1.1'; expected a share of the calls"),
        (lambda: local.Faults(kinds=["503", "x"]), "kinds is 'x'; expected some of 500, 502"),
        (lambda: local.Faults(in_a_row=0), "in_a_row is '0'; expected 1 or more"),
        (lambda: local.Faults(seconds=-1), "seconds is '-1'; expected seconds, 0 or more"),
        (lambda: local.start(faults=local.Faults(plan=[local.Fault("503", on="results")])), "on is 'results'; exp"),
    ],
)
def test_what_cannot_be_done(make: Callable[[], object], message: str) -> None:
    """It is refused at once, with what is expected."""
    with pytest.raises(ConfigError) as caught:
        make()

    assert str(caught.value).startswith(message)


def test_log_cannot_be_changed(faulty: Callable[..., Api]) -> None:
    """It is a tuple of frozen values, and grows by itself."""
    user = faulty(local.Faults(plan=[local.Fault("503", on="versions", times=2)]))
    before = user.server.faults
    user("GET", "/versions")
    (fault,) = user.server.faults

    assert before == ()
    with pytest.raises(FrozenInstanceError):
        fault.kind = "504"  # type: ignore[misc]


@pytest.mark.parametrize("kind", ["hang", "drip", None])
def test_closing(kind: str | None, faulty: Callable[..., Api]) -> None:
    """It ends what hangs, drips or waits for the next call, and every thread."""
    before = set(threading.enumerate())
    user = faulty()
    host, port = user.server.base_url.removeprefix("http://").split(":")
    begun, ended = threading.Event(), threading.Event()

    def wait() -> None:
        lines = [f"Authorization: {user.session.headers['Authorization']!s}"]
        lines += [] if kind is None else [f"X-Lookerframe-Fault: {kind}"]
        text = "\r\n".join(["GET /api/4.0/versions HTTP/1.1", f"Host: {host}", *lines, "", ""])
        with socket.create_connection((host, int(port)), timeout=120) as sock:
            sock.sendall(text.encode())
            with contextlib.suppress(ConnectionResetError):
                if kind is None:
                    sock.recv(65_536)
                begun.set()
                while sock.recv(65_536):
                    pass
            ended.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert begun.wait(30)
    for _ in range(3_000):
        if kind is None or user.server.faults:
            break
        time.sleep(0.01)
    user.server.close()
    waiting.join(60)

    assert ended.is_set()
    assert [item for item in set(threading.enumerate()) - before if "lookerframe" in item.name] == []
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{user.server.base_url}/alive", timeout=5)


def test_a_client_gets_over_them(faulty: Callable[..., Api]) -> None:
    """The rows are all there, and each fault was met once."""
    kinds = ["503", "reset_before", "cut_chunked", "cut_gzip", "no_gzip_trailer", "429_seconds"]
    plan = [local.Fault(kind, on="query_task_results", seconds=0) for kind in kinds]
    user = faulty(local.Faults(plan=plan))
    settings = Settings(
        base_url=user.server.base_url,
        client_id=user.server.client_id,
        client_secret=Secret(user.server.client_secret),
        backoff_base=0.001,
        poll_interval=0.01,
    )

    with Looker(settings) as looker:
        rows = looker.run(Query(model="m", explore="towns", fields=FIELDS, sorts=["towns.id"])).to_arrow()

    assert rows["towns.name"].to_pylist() == [f"Zürich {number}" for number in range(400)]
    assert [fault.kind for fault in user.server.faults] == kinds


def test_the_page_lists_every_kind() -> None:
    """docs/local.md has the table of kinds as the code has it."""
    text = Path("docs/local.md").read_text(encoding="utf-8")
    lines = text.partition("| kind | at |")[2].partition("\n\n")[0].splitlines()[2:]
    listed = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]

    assert listed == [
        [
            f"`{kind.name}`",
            ", ".join(f"`{name}`" for name in kind.on) or "any",
            kind.seen,
            "yes" if kind.passing else "no",
        ]
        for kind in local.KINDS.values()
    ]


def test_command(towns: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the command line cannot use is said in a line."""
    assert main(["serve", "--port", "0", "--lookml", str(towns), "--faults", "2"]) == 2
    assert main(["serve", "--port", "0", "--faults", "0.1", "--fault-kinds", "503,rain"]) == 2
    assert main(["serve", "--port", "0", "--fault-seed", "3"]) == 2

    said = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[2][:22] for line in said] == [
        " rate is '2.0'; expect",
        " kinds is 'rain'; expe",
        " --fault-seed and --fa",
    ]


def test_numbers_of_the_log(faulty: Callable[..., Api]) -> None:
    """They count from 1, also when several threads call."""
    user = faulty(local.Faults(rate=1, kinds=["202"]))
    target = f"/query_tasks/{finished(user)}/results"
    callers = [threading.Thread(target=exchange, args=(user, target)) for _ in range(16)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    numbers = [fault.number for fault in user.server.faults]
    assert numbers == list(range(1, 17))
