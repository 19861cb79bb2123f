"""One exchange: what is repeated, what is proven, when it ends, and which error says what. Over real sockets."""

from __future__ import annotations

import gzip
import json
import logging
import os
import socket
import ssl
import threading
import time
import traceback
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
import requests
import trustme

from lookerframe.config import Secret, Settings
from lookerframe.connections import connected
from lookerframe.deadline import Deadline, Stats
from lookerframe.exceptions import (
    AccessError,
    AuthError,
    DeadlineError,
    FetchError,
    IncompleteResultError,
    InvalidQueryError,
    LookerFrameError,
    NetworkError,
    NotFoundError,
    PayloadError,
    PayloadLimitError,
    RateLimitError,
    ServerError,
    UnexpectedContentError,
)
from lookerframe.inflation import Inflater
from lookerframe.transport import Reply, Transport, path
from tests.clock import Clock
from tests.faults import Close, Drip, FaultServer, Pause, Request, Reset, Script, Step, chunked, cut, reply, zipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CANARY = "canary-7d1e"
OK = reply(200, {"a": 1})
BUSY = reply(503)
BAD_GATEWAY = reply(
    502, "<html><style>p {}</style><h1>502 Bad Gateway</h1><p>nginx</p></html>", content_type="text/html"
)
ROWS = json.dumps([{"n": number, "text": "x" * (number % 7)} for number in range(3_000)]).encode()


def settings(url: str, **given: Any) -> Settings:
    """Make settings for a server of these tests: real waits would be too long."""
    options = {"backoff_base": 0.001, "backoff_cap": 0.002} | given
    return Settings(base_url=url, client_id="id", client_secret=Secret(CANARY), **options)


@contextmanager
def transport(url: str, token: Any = None, **given: Any) -> Iterator[Transport]:
    """Open a transport, and close it."""
    opened = Transport(settings(url, **given), token)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def playing(*scripts: Script, **given: Any) -> Iterator[tuple[FaultServer, Transport]]:
    """Run a server that plays these scripts, and a transport to it."""
    with FaultServer(*scripts) as server, transport(server.url, **given) as client:
        yield server, client


def get(client: Transport, seconds: float | None = 10, **given: Any) -> Reply:
    """Call ``GET /user``."""
    return client.request("GET", "/user", deadline=Deadline(seconds), **given)


def post(client: Transport, seconds: float | None = 10, **given: Any) -> Reply:
    """Call ``POST /query_tasks``, which must not be carried out twice."""
    return client.request("POST", "/query_tasks", deadline=Deadline(seconds), **{"json": {"a": 1}, **given})


def read(client: Transport, seconds: float | None = 10, **given: Any) -> bytes:
    """Read a stream to its end."""
    with client.stream("GET", "/x", deadline=Deadline(seconds), **given) as stream:
        return b"".join(stream.chunks())


class TestRequest:
    """What is sent, and what comes back."""

    def test_reply_is_whole(self) -> None:
        """Status, headers in any case, body."""
        with playing(reply(200, {"a": "ü"}, x_request_id="7", content_type="application/json")) as (_, client):
            got = get(client)

        assert (got.status, got.headers["x-REQUEST-id"], got.json()) == (200, "7", {"a": "ü"})

    def test_head_of_the_request(self) -> None:
        """Path below /api/4.0, parameters as the SDKs spell them, gzip, our token, no body."""
        params = {"fields": ["id", "status"], "cache": False, "limit": -1, "path_prefix": None, "x": "a b&c"}
        with playing(OK, token=lambda *_: Secret("abc")) as (server, client):
            get(client, params=params)

        request = server.requests[0]
        assert request.target == "/api/4.0/user?fields=id%2Cstatus&cache=false&limit=-1&x=a+b%26c"
        assert request.headers["authorization"] == "token abc"
        assert request.headers["accept-encoding"] == "gzip"
        assert request.headers["user-agent"].startswith("lookerframe")
        assert request.body == b""

    def test_json_and_form_bodies(self) -> None:
        """Secrets are written into a form only when it is sent; calls without a token have no such header."""
        with playing(OK, token=lambda *_: Secret("abc")) as (server, client):
            client.request("POST", "/queries", json={"a": "ü"}, deadline=Deadline(5))
            form: dict[str, str | Secret] = {"client_id": "i d", "client_secret": Secret("s&t")}
            client.request("POST", "/login", form=form, deadline=Deadline(5), authenticated=False)

        with_json, with_form = server.requests
        assert json.loads(with_json.body) == {"a": "ü"}
        assert with_json.headers["content-type"] == "application/json"
        assert with_form.body == b"client_id=i+d&client_secret=s%26t"
        assert with_form.headers["content-type"] == "application/x-www-form-urlencoded"
        assert "authorization" not in with_form.headers

    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    def test_success_is_returned_as_it_is(self, status: int) -> None:
        """Not ready (202, 204) is for the caller to understand."""
        with playing(reply(status, b"{}" if status == 200 else b"")) as (_, client):
            assert get(client).status == status

    def test_connection_is_used_again(self) -> None:
        """Also after answers without a body and after errors."""
        scripts = [OK, reply(204), reply(404, {"message": "no"}), zipped(b"[1]"), reply(200, b"[1]", chunks=2), OK]
        with playing(*scripts) as (server, client):
            for script in scripts:
                if script is scripts[2]:
                    with pytest.raises(NotFoundError):
                        get(client)
                else:
                    get(client)

        assert (len(server.requests), server.connections) == (6, 1)

    def test_a_long_body_is_refused(self) -> None:
        """Only streams are long."""
        with playing(reply(200, b"1" * 2_000)) as (server, client), pytest.raises(PayloadLimitError, match="1,000"):
            get(client, max_bytes=1_000)

        assert len(server.requests) == 1

    def test_threads_share_it(self) -> None:
        """Each gets its own answer."""
        with (
            FaultServer(answer=lambda request: reply(200, {"target": request.target})) as server,
            transport(server.url) as client,
        ):
            wrong = []

            def work(number: int) -> None:
                for step in range(20):
                    got = client.request("GET", f"/{number}/{step}", deadline=Deadline(10)).json()
                    if got != {"target": f"/api/4.0/{number}/{step}"}:
                        wrong.append(got)

            threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        assert wrong == []
        assert len(server.requests) == client.stats.calls == 160

    # Windows has no fork, so there is nothing to go wrong there.
    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
    def test_a_forked_child_opens_its_own_connection(self) -> None:
        """On a shared one, parent and child would read each other's answers."""
        with playing(OK) as (server, client):
            get(client)
            pid = os.fork()
            if pid == 0:  # the child does nothing but this
                try:
                    get(client)
                finally:
                    os._exit(0)
            os.waitpid(pid, 0)

        assert (len(server.requests), server.connections) == (2, 2)


class TestStatuses:
    """Each refusal is its own error, with what Looker said."""

    @pytest.mark.parametrize(
        ("status", "kind", "attempts"),
        [
            (400, FetchError, 1),
            (401, AuthError, 1),
            (403, AccessError, 1),
            (404, NotFoundError, 1),
            (405, FetchError, 1),
            (409, FetchError, 1),
            (206, FetchError, 1),
            (418, FetchError, 1),
            (500, ServerError, 3),
            (501, ServerError, 3),
        ],
    )
    def test_error(self, status: int, kind: type[FetchError], attempts: int) -> None:
        """Its facts are attributes, its text is made from them."""
        body = {"message": "No such thing", "documentation_url": "https://docs.example.com/r/err"}
        with playing(reply(status, body)) as (server, client), pytest.raises(FetchError) as caught:
            get(client)

        error = caught.value
        assert type(error) is kind
        assert (error.status, error.endpoint, error.message) == (status, "GET /user", "No such thing")
        assert error.documentation_url == "https://docs.example.com/r/err"
        assert error.attempts == len(server.requests) == attempts
        assert error.elapsed is not None
        assert error.elapsed >= 0
        assert f"GET /user answered {status}: No such thing" in str(error)

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"", "Bad Request"),
            (b"plain  words\n", "plain words"),
            (b"<html><body><p>Not &amp; here</p></body></html>", "Not & here"),
            (b'{"message": null, "documentation_url": 3}', "Bad Request"),
            (b'{"message": ["a"]}', "Bad Request"),
            (b'["a"]', '["a"]'),
            (b"\xff\xfe", "\ufffd\ufffd"),
            (b"[" * 100_000, "[[["),
        ],
    )
    def test_odd_error_bodies(self, body: bytes, message: str) -> None:
        """Whatever stands there, the status decides, and the message is short."""
        with playing(reply(400, body)) as (_, client), pytest.raises(FetchError) as caught:
            get(client)

        assert caught.value.message.startswith(message)
        assert len(caught.value.message) < 3_000
        assert caught.value.documentation_url is None

    def test_an_error_whose_body_breaks_off_keeps_its_status(self) -> None:
        """What was said is lost, not what happened."""
        with playing(cut(reply(404, {"message": "x" * 100}), 50)) as (_, client), pytest.raises(NotFoundError):
            get(client)

    def test_a_message_may_come_in_two_pieces(self) -> None:
        """It is told whole."""
        whole = reply(400, {"message": "no such field"})[0]
        assert isinstance(whole, bytes)
        with (
            playing([whole[:-9], Pause(0.1), whole[-9:]]) as (_, client),
            pytest.raises(FetchError, match="no such field"),
        ):
            get(client)

    def test_an_error_whose_body_hangs_keeps_its_status(self) -> None:
        """Also where the time of the whole operation is over then."""
        with playing([*reply(404, b"", length=50), Pause(5)]) as (_, client), pytest.raises(NotFoundError):
            get(client, seconds=0.2)

    def test_an_error_is_not_read_without_end(self) -> None:
        """A quarter of a MiB tells what there is to tell."""
        with playing(reply(404, b"x" * 4_000_000)) as (_, client), pytest.raises(NotFoundError):
            get(client)

        assert 0 < client.stats.received < 1_000_000

    def test_a_login_that_fails_is_not_quoted(self) -> None:
        """But for where to read more, and that without what was sent."""
        refused = reply(400, {"message": CANARY, "documentation_url": f"https://docs.looker.com/{CANARY}"})
        form: dict[str, str | Secret] = {"client_secret": Secret(CANARY)}
        with playing(refused) as (_, client), pytest.raises(FetchError) as caught:
            client.request("POST", "/login", form=form, deadline=Deadline(5), authenticated=False)

        assert caught.value.documentation_url == "https://docs.looker.com/***"
        assert CANARY not in str(caught.value)

    def test_422_lists_all_problems(self) -> None:
        """Looker names the field of each."""
        body = {
            "message": "Validation Failed",
            "errors": [{"field": "model", "code": "missing_field", "message": "can't be blank"}, "odd"],
            "documentation_url": "https://docs.example.com",
        }
        with playing(reply(422, body)) as (server, client), pytest.raises(InvalidQueryError) as caught:
            post(client)

        assert [(item.field, item.message) for item in caught.value.problems] == [
            ("model", "can't be blank"),
            (None, "odd"),
        ]
        assert str(caught.value).startswith("POST /query_tasks: Validation Failed\n")
        assert len(server.requests) == 1

    @pytest.mark.parametrize("body", [b"", b"<p>no</p>", b'{"errors": 3}', b'{"message": null, "errors": [null]}'])
    def test_422_of_another_shape(self, body: bytes) -> None:
        """The error is the same."""
        with playing(reply(422, body)) as (_, client), pytest.raises(InvalidQueryError):
            get(client)

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirects_are_not_followed(self, status: int) -> None:
        """The token would go elsewhere."""
        with FaultServer(OK) as elsewhere:
            script = reply(status, location=f"http://localhost:{elsewhere.port}/api/4.0/user")
            with playing(script) as (server, client), pytest.raises(NetworkError, match="http://localhost") as caught:
                get(client)

        assert (caught.value.reason, caught.value.status) == ("redirect", status)
        assert (len(server.requests), len(elsewhere.requests)) == (1, 0)


class TestToken:
    """401 means: once more, with another token."""

    def test_a_rejected_token_is_renewed_once(self) -> None:
        """The source hears which one was rejected."""
        asked = []

        def source(rejected: Secret | None, _deadline: Deadline, _stats: Stats | None) -> Secret:
            asked.append(rejected)
            return Secret("new" if rejected else "old")

        with playing(reply(401, {"message": "expired"}), OK, token=source) as (server, client):
            post(client)

        assert server.connections == 1
        assert asked == [None, Secret("old")]
        assert [request.headers["authorization"] for request in server.requests] == ["token old", "token new"]

    def test_a_second_401_is_final(self) -> None:
        """Directly after a fresh login."""
        with (
            playing(reply(401, {"message": "go"}), token=lambda *_: Secret("x")) as (server, client),
            pytest.raises(AuthError),
        ):
            get(client)

        assert len(server.requests) == 2

    def test_one_that_was_refused_is_not_taken_for_one_that_was_accepted(self) -> None:
        """Each call tries it and its successor, and no third."""
        with playing(reply(401), token=lambda *_: Secret("same")) as (server, client):
            for _ in range(3):
                with pytest.raises(AuthError):
                    get(client)

        assert len(server.requests) == 6

    def test_it_expires_more_than_once_in_a_long_call(self) -> None:
        """Each attempt may renew."""
        with playing(reply(401), BUSY, reply(401), OK, token=lambda *_: Secret("x")) as (server, client):
            get(client)

        assert len(server.requests) == 4

    def test_one_that_ends_soon_is_renewed_again(self) -> None:
        """If it was good for another call: then it has ended since. One that never was is bad."""
        given = iter(map(Secret, "abcdef"))
        current = [next(given)]

        def source(rejected: Secret | None, _deadline: Deadline, _stats: Stats | None) -> Secret:
            if rejected is not None:
                current[0] = next(given)
                if rejected == Secret("a"):
                    client.request("GET", "/other", deadline=Deadline(5))  # another thread is let in with it
                    client.request("POST", "/login", deadline=Deadline(5), authenticated=False)  # which changes nothing
            return current[0]

        def answer(request: Request) -> Script:
            valid = {"/other": "token b", "/user": "token c", "/login": "-"}[request.target.removeprefix("/api/4.0")]
            return OK if request.headers.get("authorization", "-") == valid else reply(401)

        with FaultServer(answer=answer) as server, transport(server.url, source) as client:
            assert get(client).json() == {"a": 1}

        sent = [request.headers.get("authorization", "-")[-1] for request in server.requests]
        assert sent == ["a", "b", "-", "b", "c"]

    def test_one_that_cannot_be_written_is_not_told(self) -> None:
        """A header cannot hold a line end; the error does not hold the token."""
        with (
            playing(OK, token=lambda *_: Secret(f"{CANARY}\n{CANARY}")) as (server, client),
            pytest.raises(NetworkError) as caught,
        ):
            get(client)

        assert (caught.value.reason, server.requests) == ("request", [])
        assert CANARY not in "".join(traceback.format_exception(caught.value))

    def test_a_call_that_is_always_refused_ends(self) -> None:
        """Though its token lets others in."""
        given = iter(map(Secret, "abcdefgh"))

        def source(rejected: Secret | None, _deadline: Deadline, _stats: Stats | None) -> Secret:
            token = next(given)
            if rejected is not None:
                client._accepted = token  # as a call of another thread does it
            return token

        with FaultServer(reply(401)) as server, transport(server.url, source) as client, pytest.raises(AuthError):
            get(client)

        assert len(server.requests) == 3

    def test_errors_of_the_source_come_through(self) -> None:
        """Unchanged, and nothing is sent."""

        def source(_rejected: Secret | None, _deadline: Deadline, _stats: Stats | None) -> Secret:
            message = "no"
            raise AuthError(message, attempts=7)

        with playing(OK, token=source) as (server, client), pytest.raises(AuthError) as caught:
            get(client)

        assert (caught.value.attempts, server.requests) == (7, [])


class TestRepetition:
    """What is safe to repeat is repeated, and nothing else."""

    @pytest.mark.parametrize(
        ("fault", "gets", "posts"),
        [
            # How often a call is sent when only the first attempt fails; 1 means that it is not repeated.
            pytest.param(reply(429), 2, 2, id="429"),
            pytest.param(BUSY, 2, 2, id="503"),
            pytest.param(reply(500), 2, 1, id="500"),
            pytest.param(BAD_GATEWAY, 2, 2, id="502"),
            pytest.param(reply(504), 2, 2, id="504"),
            pytest.param([Close()], 2, 2, id="closed"),
            pytest.param([Reset()], 2, 2, id="reset"),
            pytest.param([b"HTTP/1.1 200 OK\r\nContent-", Reset()], 2, 2, id="reset in the head"),
            pytest.param([b"HTTP/1.1 200 OK\r\nContent-", Close()], 2, 2, id="cut in the head"),
            pytest.param([b"HTTP/1.1 200 OK\r\nX: y\r\n", Close()], 2, 2, id="cut between fields"),
            pytest.param(cut(reply(200, ROWS), 10), 2, 2, id="cut"),
            pytest.param(cut(reply(200, ROWS), 10, Reset()), 2, 2, id="reset in the body"),
            pytest.param(cut(reply(200, ROWS, chunks=900), 10), 2, 2, id="cut chunks"),
            pytest.param(cut(zipped(ROWS), 10), 2, 2, id="cut gzip"),
            pytest.param(reply(200, gzip.compress(ROWS)[:-9], content_encoding="gzip"), 2, 2, id="gzip without end"),
            pytest.param(reply(200, b"x" + gzip.compress(ROWS), content_encoding="gzip"), 2, 2, id="no gzip"),
            pytest.param(reply(200, "<html>log in</html>"), 2, 2, id="page"),
            pytest.param([Pause(3)], 2, 2, id="silence"),
            pytest.param([b"garbage\r\n\r\n", Close()], 1, 1, id="no HTTP"),
            pytest.param(reply(400), 1, 1, id="400"),
            pytest.param(reply(404), 1, 1, id="404"),
            pytest.param(reply(422), 1, 1, id="422"),
        ],
    )
    @pytest.mark.parametrize("call", [get, post])
    def test_each_fault(self, fault: Script, gets: int, posts: int, call: Callable[..., Reply]) -> None:
        """Once repeated, it succeeds; not repeated, it raises and was sent once."""
        expected = gets if call is get else posts
        with playing(fault, OK, timeout=0.5) as (server, client):
            if expected == 1:
                with pytest.raises(LookerFrameError):
                    call(client)
            else:
                assert call(client).json() == {"a": 1}

        assert len(server.requests) == client.stats.calls == expected
        assert client.stats.retries == expected - 1

    def test_a_post_that_is_safe_is_repeated(self) -> None:
        """``POST /queries`` brings back the query that is there; a login harms nobody."""
        with playing(BAD_GATEWAY, [Reset()], OK) as (server, client):
            post(client, idempotent=True)

        assert len(server.requests) == 3
        assert client.stats.maybe_duplicate_tasks == 0

    def test_an_unsafe_post_says_that_it_may_have_worked(self) -> None:
        """The caller has to look."""
        with (
            playing([Reset()], post_repeats=0) as (server, client),
            pytest.raises(NetworkError, match="may have been carried out") as caught,
        ):
            post(client)

        assert (caught.value.reason, caught.value.advice, len(server.requests)) == ("reset", None, 1)

    @pytest.mark.parametrize(
        "fault",
        [
            [Reset()],
            [Pause(3)],
            BAD_GATEWAY,
            cut(reply(200, ROWS), 10),
            reply(200, b""),
            reply(200, b"{"),
            reply(200, "<html>busy</html>"),
        ],
    )
    def test_an_unsafe_post_is_repeated_twice_at_most(self, fault: Script) -> None:
        """Each repetition may make one task too many, and is counted as such."""
        mine = Stats()
        with playing(fault, timeout=0.1) as (server, client), pytest.raises(LookerFrameError):
            post(client, stats=mine)

        assert (len(server.requests), mine.retries, mine.maybe_duplicate_tasks) == (3, 2, 2)
        assert client.stats.maybe_duplicate_tasks == 2

    def test_refusals_do_not_count_as_doubtful(self) -> None:
        """429 and 503 say that nothing was done; what they come between is counted on its own."""
        mine = Stats()
        scripts: list[Script] = [reply(429), [Reset()], BUSY, reply(504), reply(429), OK]
        with playing(*scripts) as (server, client):
            post(client, stats=mine)

        assert (len(server.requests), mine.retries, mine.maybe_duplicate_tasks) == (6, 5, 2)

    def test_an_answer_that_is_too_long_is_not_asked_for_again(self) -> None:
        """It would be as long."""
        with playing(reply(200, ROWS)) as (server, client), pytest.raises(PayloadLimitError):
            post(client, max_bytes=100)

        assert len(server.requests) == 1

    def test_safe_calls_make_no_duplicates(self) -> None:
        """Whatever happens to them."""
        mine = Stats()
        page, empty = reply(200, "<html>busy</html>"), reply(200, b"")
        with playing([Reset()], BAD_GATEWAY, page, empty, cut(OK, 2), OK, connect_attempts=9) as (_, client):
            get(client, stats=mine)

        assert (mine.retries, mine.maybe_duplicate_tasks) == (5, 0)

    def test_a_post_that_breaks_every_time_names_the_likely_cause(self) -> None:
        """A parameter that the server cannot digest ends the connection; it is not the network."""
        with playing([Reset()]) as (_, client), pytest.raises(NetworkError, match="parameter") as caught:
            post(client)

        assert (caught.value.reason, caught.value.attempts) == ("reset", 3)
        assert "may have been carried out" in str(caught.value)

    def test_silence_at_the_end_does_not(self) -> None:
        """A server that is slow has digested the call."""
        with playing([Pause(3)], timeout=0.1) as (_, client), pytest.raises(NetworkError) as caught:
            post(client)

        assert (caught.value.reason, caught.value.attempts) == ("timeout", 3)
        assert "parameter" not in str(caught.value)

    def test_another_failure_at_the_end_does_not(self) -> None:
        """The guess is for resets alone."""
        with playing([Reset()], [Reset()], BAD_GATEWAY) as (_, client), pytest.raises(ServerError) as caught:
            post(client)

        assert "parameter" not in str(caught.value)

    def test_it_ends_with_the_deadline_in_the_last_failure(self) -> None:
        """Not in a bare "time is over": the reader learns what was wrong."""
        clock = Clock()
        with (
            playing(BAD_GATEWAY, backoff_base=1, backoff_cap=8) as (server, client),
            pytest.raises(ServerError, match="502 Bad Gateway nginx") as caught,
        ):
            client.request("GET", "/user", deadline=clock.deadline(60))

        assert sum(clock.sleeps) <= 60
        assert caught.value.elapsed == pytest.approx(sum(clock.sleeps))
        assert caught.value.attempts == len(server.requests) == len(clock.sleeps) + 1
        assert len(server.requests) > 7
        assert "p {}" not in str(caught.value)

    def test_without_a_deadline_it_ends_as_well(self) -> None:
        """Some attempts are enough."""
        with playing(BUSY) as (server, client), pytest.raises(ServerError):
            get(client, seconds=None)

        assert len(server.requests) == 10

    def test_500_is_tried_three_times(self) -> None:
        """It is seldom mended by more; the number is a setting."""
        with playing(reply(500), connect_attempts=4) as (server, client), pytest.raises(ServerError):
            get(client)

        assert len(server.requests) == 4

    def test_waits_are_drawn_below_a_bound_that_doubles(self) -> None:
        """Full jitter: uniform between 0 and the bound, which ends at the cap."""
        clock = Clock()
        with playing(BAD_GATEWAY, backoff_base=1, backoff_cap=8) as (_, client):
            for _ in range(40):
                clock.sleeps.append(-1)
                with pytest.raises(ServerError):
                    client.request("GET", "/user", deadline=clock.deadline(40))

        runs = [[float(wait) for wait in run.split()] for run in " ".join(map(str, clock.sleeps)).split("-1") if run]
        for number, bound in enumerate([1, 2, 4, 8, 8]):
            drawn = [run[number] for run in runs if len(run) > number]
            assert all(0 <= wait <= bound for wait in drawn)
            assert max(drawn) > bound / 2
            assert min(drawn) < bound / 2

    def test_each_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        """Attempt, cause and wait; no address with its parameters, no secret."""
        caplog.set_level(logging.DEBUG, logger="lookerframe")
        with playing(BAD_GATEWAY, reply(429), OK, token=lambda *_: Secret(CANARY)) as (_, client):
            get(client, params={"x": "private"})

        first, second = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert first.startswith("GET /user: attempt 1 failed (502 502 Bad Gateway nginx); again in 0.")
        assert second.startswith("GET /user: attempt 2 failed (429 Too Many Requests); again in 0.")
        assert CANARY not in caplog.text
        assert "private" not in caplog.text

    def test_is_counted(self) -> None:
        """In the transport, and for whoever asks."""
        mine = Stats()
        with playing(BUSY, zipped(ROWS)) as (_, client):
            get(client, stats=mine)
            get(client)

        compressed = len(gzip.compress(ROWS))
        assert (mine.calls, mine.retries, mine.inflated) == (2, 1, len(ROWS))
        assert mine.received == pytest.approx(compressed, abs=8)
        assert 0 <= mine.waited <= 0.002
        assert (client.stats.calls, client.stats.retries, client.stats.inflated) == (3, 1, 2 * len(ROWS))


class TestWaitAgain:
    """The same patience for operations of several calls."""

    CUT = IncompleteResultError("cut")

    def wait_again(self, client: Transport, attempts: int, deadline: Deadline, **given: Any) -> bool:
        """Ask."""
        options: dict[str, Any] = {"error": self.CUT, "endpoint": "GET /query_tasks/7/results"}
        return client.wait_again(attempts, deadline=deadline, **options | given)

    def test_waits_counts_and_logs(self, caplog: pytest.LogCaptureFixture) -> None:
        """Attempt, wait and cause."""
        clock, mine = Clock(), Stats()
        with transport("http://127.0.0.1:9", backoff_base=1, backoff_cap=8) as client:
            assert self.wait_again(client, 2, clock.deadline(60), stats=mine)

        assert 0 <= clock.sleeps[0] <= 2
        assert (mine.retries, mine.calls, mine.waited) == (1, 0, clock.sleeps[0])
        assert client.stats.retries == 1
        assert "GET /query_tasks/7/results: attempt 2 failed (cut); again in" in caplog.text

    def test_waits_as_long_as_was_asked_for(self) -> None:
        """The error knows."""
        clock = Clock()
        with transport("http://127.0.0.1:9") as client:
            assert self.wait_again(client, 1, clock.deadline(60), error=RateLimitError("no", retry_after=9))

        assert clock.sleeps == [9]

    def test_the_bound_of_the_wait_has_no_end_of_numbers(self) -> None:
        """Two to the power of the attempts passes what a float holds."""
        clock = Clock()
        with transport("http://127.0.0.1:9", backoff_base=1, backoff_cap=8) as client:
            assert self.wait_again(client, 2_000, clock.deadline(60))

        assert 0 <= clock.sleeps[0] <= 8

    def test_does_not_begin_what_it_has_no_time_for(self) -> None:
        """At once."""
        clock = Clock()
        with transport("http://127.0.0.1:9") as client:
            assert not self.wait_again(client, 1, clock.deadline(8), error=RateLimitError("no", retry_after=9))
            assert not self.wait_again(client, 10, clock.deadline(None))

        assert clock.sleeps == []

    @pytest.mark.parametrize(
        ("error", "tries"),
        [
            (IncompleteResultError("cut"), 5),
            (NetworkError("no", reason="stalled"), 5),
            (NetworkError("no", reason="tls"), 1),
            (PayloadError("damaged"), 3),
            (PayloadLimitError("long"), 1),
            (DeadlineError("late", phase="downloading"), 1),
            (NotFoundError("no"), 1),
        ],
    )
    def test_as_often_as_it_helps(self, error: LookerFrameError, tries: int) -> None:
        """Cut bodies until the end of the time, damaged ones a few times, limits never."""
        clock = Clock()
        with transport("http://127.0.0.1:9") as client:
            waits = [self.wait_again(client, attempts, clock.deadline(60), error=error) for attempts in range(1, 6)]

        assert waits == [attempts < tries or tries == 5 for attempts in range(1, 6)]


class TestSlowDown:
    """429, and how long Looker asks to wait."""

    @pytest.mark.parametrize(
        ("value", "date", "expected"),
        [
            ("7", None, 7),
            ("0", None, 0),
            (" 7 ", None, 7),
            ("1.5", None, 1.5),
            ("Wed, 21 Oct 2015 07:28:09 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 9),
            ("Wed, 21 Oct 2015 07:27:00 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 0),
            ("Wed, 21 Oct 2015 07:28:09 GMT", None, None),
            ("Wed, 21 Oct 2015 07:28:09 GMT", "now", None),
            ("-5", None, None),
            ("abc", None, None),
            ("", None, None),
            ("1e9", None, None),
            ("٣", None, None),
            ("99999999999999999999", None, None),
            ("Wed, 99 Oct 2015 07:28:09 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", None),
        ],
    )
    def test_retry_after(self, value: str, date: str | None, expected: float | None) -> None:
        """Seconds, or a date against the server's own clock; anything else is as if it were not there."""
        head = f"HTTP/1.1 429 Too Many\r\nRetry-After: {value}\r\nContent-Length: 0\r\n"
        head += f"Date: {date}\r\n\r\n" if date else "\r\n"
        clock = Clock()
        with playing([head.encode()], OK, [head.replace("429", "404").encode()]) as (_, client):
            client.request("GET", "/user", deadline=clock.deadline(60))
            with pytest.raises(NotFoundError) as caught:
                get(client)

        wait = sum(clock.sleeps)
        assert wait <= 0.0011 if not expected else wait == pytest.approx(expected)
        assert caught.value.retry_after == expected

    def test_a_wait_beyond_the_deadline_is_not_begun(self) -> None:
        """The caller learns at once how long it would have been."""
        clock = Clock()
        with (
            playing(reply(429, {"message": "too many"}, retry_after="61")) as (server, client),
            pytest.raises(RateLimitError, match="too many") as caught,
        ):
            client.request("POST", "/query_tasks", deadline=clock.deadline(60))

        assert (caught.value.retry_after, caught.value.attempts, caught.value.status) == (61, 1, 429)
        assert (clock.sleeps, len(server.requests)) == ([], 1)

    def test_an_absurd_wait_is_not_begun_without_a_deadline(self) -> None:
        """Nobody meant to wait for years."""
        with playing(reply(429, retry_after="999999999")) as (_, client), pytest.raises(RateLimitError):
            get(client, seconds=None)

    def test_holds_back_all_calls_of_the_client(self) -> None:
        """One was told, all obey; those without the time for it say so."""
        clock = Clock()
        with playing(reply(429, retry_after="20"), OK) as (server, client):
            with pytest.raises(RateLimitError):
                client.request("GET", "/user", deadline=clock.deadline(10))
            with pytest.raises(RateLimitError, match="slow down") as caught:
                client.request("GET", "/user", deadline=clock.deadline(10))
            assert len(server.requests) == 1

            client.request("GET", "/user", deadline=clock.deadline(30))

        assert caught.value.retry_after == pytest.approx(20)
        assert sum(clock.sleeps) == pytest.approx(20)

    def test_503_names_its_time_as_well(self) -> None:
        """And holds back all others, too."""
        clock = Clock()
        with playing(reply(503, {"message": "down"}, retry_after="5"), OK) as (server, client):
            with pytest.raises(ServerError):
                client.request("GET", "/user", deadline=clock.deadline(4))
            with pytest.raises(ServerError, match=r"slow down \(503 down\)") as caught:
                client.request("GET", "/user", deadline=clock.deadline(4))
            assert len(server.requests) == 1

            client.request("GET", "/user", deadline=clock.deadline(30))

        assert caught.value.retry_after == pytest.approx(5)
        assert caught.value.attempts == 0
        assert sum(clock.sleeps) == pytest.approx(5)
        assert client.stats.waited == pytest.approx(5)

    def test_an_answer_lets_the_client_go_on(self) -> None:
        """Nobody waits any more."""
        clock = Clock()
        with playing(BUSY, OK, backoff_base=1, backoff_cap=8) as (_, client):
            client.request("GET", "/user", deadline=clock.deadline(600))
            waited = len(clock.sleeps)
            for _ in range(3):
                client.request("GET", "/user", deadline=clock.deadline(600))

        assert 0 < waited == len(clock.sleeps)

    def test_what_relieves_the_server_is_not_held_back(self) -> None:
        """A query that nobody waits for any more is stopped at once."""
        clock = Clock()
        with playing(reply(429, retry_after="20"), reply(204)) as (server, client):
            with pytest.raises(RateLimitError):
                client.request("GET", "/user", deadline=clock.deadline(10))
            client.request("DELETE", "/running_queries/7", deadline=clock.deadline(4))

        assert (len(server.requests), clock.sleeps) == (2, [])

    def test_the_last_failure_is_told_where_no_time_is_left(self) -> None:
        """Another call learns of a longer wait while this one waits to be sent again."""
        clock = Clock()
        with playing(reply(503, {"message": "down"}), reply(429, retry_after="50"), OK) as (server, client):

            def wait(seconds: float) -> None:
                clock.wait(seconds)
                if len(server.requests) == 1:
                    with pytest.raises(RateLimitError):
                        client.request("DELETE", "/x", deadline=clock.deadline(5))
                    client._limiter._asked_until = clock.time + 50

            deadline = Deadline(40, clock=lambda: clock.time, wait=wait)
            with pytest.raises(ServerError, match="down") as caught:
                client.request("GET", "/user", deadline=deadline)

        assert (caught.value.attempts, caught.value.status) == (1, 503)
        assert caught.value.retry_after == pytest.approx(50, abs=0.1)
        assert client.stats.waited == pytest.approx(sum(clock.sleeps))


class TestNoAnswer:
    """A host that is not there, not trusted, or silent."""

    def test_a_refused_connection_fails_soon(self) -> None:
        """After three attempts, though the deadline is far."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        started = time.monotonic()
        with transport(f"http://127.0.0.1:{port}") as client, pytest.raises(NetworkError) as caught:
            post(client, seconds=600)

        assert time.monotonic() - started < 30
        assert (caught.value.reason, caught.value.attempts, caught.value.status) == ("connect", 3, None)
        assert f"no connection to 127.0.0.1:{port}; check base_url" in str(caught.value)
        assert "Connection refused" in str(caught.value)
        assert isinstance(caught.value.__cause__, ConnectionRefusedError)

    def test_an_unknown_host_fails_soon(self) -> None:
        """Its name is in the message."""
        with transport("https://no-such-host.invalid") as client, pytest.raises(NetworkError) as caught:
            get(client, seconds=600)

        assert (caught.value.reason, caught.value.attempts) == ("dns", 3)
        assert "no-such-host.invalid" in str(caught.value)

    def test_a_host_that_has_answered_is_waited_for(self) -> None:
        """A restart in the middle of a long task is no reason to give up."""
        clock = Clock()
        with FaultServer(OK) as server, transport(server.url, backoff_cap=1, backoff_base=1) as client:
            get(client)
            server.__exit__(None, None, None)
            # The last wait may end with the time itself.
            with pytest.raises((NetworkError, DeadlineError)) as caught:
                client.request("GET", "/user", deadline=clock.deadline(20))

        assert caught.value.attempts > 10

    def test_a_host_that_does_not_greet_was_sent_nothing(self) -> None:
        """TLS that does not come about is a connection that does not: any call may be repeated."""
        with (
            socket.create_server(("127.0.0.1", 0)) as silent,
            transport(f"https://127.0.0.1:{silent.getsockname()[1]}", connect_timeout=0.1, post_repeats=0) as client,
            pytest.raises(NetworkError, match=r"0\.1 s \(Settings\.connect_timeout\)") as caught,
        ):
            post(client)

        assert (caught.value.reason, caught.value.attempts) == ("timeout", 3)
        assert client.stats.maybe_duplicate_tasks == 0

    def test_time_that_is_over_before_the_call_was_sent_went_into_connecting(self) -> None:
        """After that, into waiting."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            for scheme, phase in (("https", "connecting"), ("http", "waiting")):
                address = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
                with transport(address) as client, pytest.raises(DeadlineError) as caught:
                    get(client, seconds=0.15)
                assert caught.value.phase == phase

    def test_a_connection_that_is_tampered_with(self) -> None:
        """What comes after is not believed, and not asked for again."""
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        served: list[bytes] = []

        def serve(listener: socket.socket) -> None:
            sock, _ = listener.accept()
            with context.wrap_socket(sock, server_side=True) as wrapped:
                served.append(wrapped.recv(10_000))
                wrapped.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[")
                with socket.socket(fileno=os.dup(wrapped.fileno())) as bare:
                    bare.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)  # a record of TLS that nobody signed
                    wrapped.settimeout(5)
                    with suppress(OSError):
                        wrapped.recv(10)

        with socket.create_server(("127.0.0.1", 0)) as listener, authority.cert_pem.tempfile() as trusted:
            server = threading.Thread(target=serve, args=(listener,))
            server.start()
            with (
                transport(f"https://127.0.0.1:{listener.getsockname()[1]}", verify_ssl=trusted) as client,
                pytest.raises(NetworkError, match="trusted") as caught,
            ):
                get(client)
            server.join()

        assert (caught.value.reason, caught.value.attempts, len(served)) == ("tls", 1, 1)

    @pytest.mark.parametrize("goodbye", [True, False])
    def test_a_secure_connection_that_ends_early_was_cut(self, goodbye: bool) -> None:
        """With or without the word of TLS that it ends; it is no sign of tampering."""
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)

        def serve(listener: socket.socket) -> None:
            sock, _ = listener.accept()
            wrapped = context.wrap_socket(sock, server_side=True)
            wrapped.recv(10_000)
            wrapped.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[")
            if goodbye:
                with suppress(OSError):
                    wrapped.unwrap()
            wrapped.close()

        with socket.create_server(("127.0.0.1", 0)) as listener, authority.cert_pem.tempfile() as trusted:
            server = threading.Thread(target=serve, args=(listener,))
            server.start()
            with (
                transport(f"https://127.0.0.1:{listener.getsockname()[1]}", verify_ssl=trusted) as client,
                pytest.raises(IncompleteResultError),
            ):
                read(client)
            server.join()

    def test_a_host_without_tls_is_not_asked_twice(self) -> None:
        """Nor is any other TLS failure repeated."""
        with (
            FaultServer(OK) as server,
            transport(f"https://127.0.0.1:{server.port}") as client,
            pytest.raises(NetworkError) as caught,
        ):
            get(client)

        assert (caught.value.reason, caught.value.attempts) == ("tls", 1)
        assert "verify_ssl" in str(caught.value)

    def test_an_absent_ca_file_of_the_environment(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """``REQUESTS_CA_BUNDLE`` holds, as everywhere with requests; if it is wrong, it is named."""
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "absent.pem"))
        with (
            FaultServer(OK) as server,
            transport(f"https://127.0.0.1:{server.port}") as client,
            pytest.raises(NetworkError, match=r"absent\.pem") as caught,
        ):
            get(client)

        assert (caught.value.reason, server.requests) == ("tls", [])

    def test_silence_ends_with_the_time_of_one_request(self) -> None:
        """And says which setting that is."""
        with (
            playing([Pause(5)], timeout=0.1) as (server, client),
            pytest.raises(NetworkError, match=r"0\.1 s \(Settings\.timeout\)") as caught,
        ):
            post(client)

        assert (caught.value.reason, len(server.requests)) == ("timeout", 3)

    @pytest.mark.parametrize(
        "script",
        [
            pytest.param([Pause(5)], id="silence"),
            pytest.param([Drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 500, 0.02)], id="head drips"),
            pytest.param([b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", Drip(b"[" * 500, 0.02)], id="body drips"),
            pytest.param(
                [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Drip(chunked(b"[" * 200, 1), 0.01)],
                id="chunks drip",
            ),
            pytest.param([b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[", Pause(5)], id="body hangs"),
            pytest.param([b"HTTP/1.1 404 Not Found\r\nContent-Length: 50\r\n\r\n[", Pause(5)], id="error hangs"),
        ],
    )
    @pytest.mark.parametrize("call", [get, read])
    def test_the_deadline_holds_over_everything(self, script: Script, call: Callable[..., Any]) -> None:
        """Also where bytes keep coming, so that no socket ever times out."""
        started = time.monotonic()
        with playing(script) as (_, client), pytest.raises((DeadlineError, NotFoundError)) as caught:
            call(client, seconds=0.4)

        assert time.monotonic() - started < 3
        if isinstance(caught.value, DeadlineError):
            assert caught.value.phase in ("waiting", "downloading")
            assert caught.value.endpoint is not None

    def test_a_name_that_is_not_found_in_time_is_left(self) -> None:
        """Names are looked up without a timeout; a connection that comes late is closed."""
        late, ended = threading.Event(), threading.Event()
        ours, theirs = socket.socketpair()

        def connect() -> socket.socket:
            late.wait(10)
            threading.Timer(0.05, ended.set).start()
            return ours

        with theirs:
            with pytest.raises(TimeoutError):
                connected(connect, 0.05)
            late.set()
            assert ended.wait(10)
            assert ours.fileno() == -1

    def test_errors_of_connecting_come_through(self) -> None:
        """As they are raised in the thread that connects."""

        def connect() -> socket.socket:
            raise ConnectionRefusedError(111, "refused")

        with pytest.raises(ConnectionRefusedError, match="refused"):
            connected(connect, 5)

    def test_a_deadline_that_is_over_sends_nothing(self) -> None:
        """The phase says that it did not get that far."""
        with playing(OK) as (server, client), pytest.raises(DeadlineError) as caught:
            get(client, seconds=0)

        assert (caught.value.phase, server.requests) == ("connecting", [])

    def test_a_deadline_names_the_failure_before_it(self) -> None:
        """What kept the call from success stands in the cause."""
        with playing(BAD_GATEWAY, [Pause(5)]) as (_, client), pytest.raises(DeadlineError) as caught:
            get(client, seconds=0.4)

        assert isinstance(caught.value.__cause__, ServerError)
        assert caught.value.attempts == 2

    @pytest.mark.parametrize(
        ("script", "reason"),
        [
            ([b"garbage\r\n\r\n", Close()], "protocol"),
            ([b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", Close()], "protocol"),
            ([b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200, Close()], "reset"),
        ],
    )
    def test_broken_http(self, script: Script, reason: str) -> None:
        """Nothing but our own errors comes out."""
        with playing(script) as (_, client), pytest.raises(NetworkError) as caught:
            post(client)

        assert caught.value.reason == reason


class TestWholeness:
    """A body that is not all there is never taken for one that is."""

    @pytest.mark.parametrize("ending", [Close(), Reset()])
    @pytest.mark.parametrize(
        "whole",
        [
            pytest.param(reply(200, ROWS[:600]), id="length"),
            pytest.param(reply(200, ROWS[:600], chunks=100), id="chunks"),
            pytest.param(zipped(ROWS), id="gzip"),
            pytest.param(zipped(ROWS, chunks=100), id="gzip in chunks"),
        ],
    )
    def test_cut_anywhere(self, whole: Script, ending: Close | Reset) -> None:
        """At any byte of the body: IncompleteResultError, after exactly the bytes that came."""
        sent = whole[0]
        assert isinstance(sent, bytes)
        length = len(sent) - sent.index(b"\r\n\r\n") - 4
        with FaultServer(answer=lambda request: cut(whole, int(request.target[9:]), ending)) as server:
            for drop in [*range(1, 40), *range(40, length, 97), length]:
                with transport(server.url) as client:
                    stream = client.stream("GET", f"/{drop}", deadline=Deadline(10))
                    with stream, pytest.raises(IncompleteResultError):
                        list(stream.chunks())

    @pytest.mark.parametrize(
        ("script", "framed"),
        [
            (reply(200, ROWS), True),
            (reply(200, ROWS, chunks=1000), True),
            (zipped(ROWS), True),
            (reply(200, gzip.compress(ROWS), length=None, content_encoding="gzip"), True),
            (reply(200, ROWS, length=None), False),
            (reply(200, ROWS, length=None, content_length="many"), False),
        ],
    )
    def test_framing_is_known(self, script: Script, framed: bool) -> None:
        """Without it, only the format itself can prove that the body is whole."""
        with playing(script) as (_, client), client.stream("GET", "/x", deadline=Deadline(5)) as stream:
            assert stream.framed is framed
            assert b"".join(stream.chunks()) == ROWS

    def test_gzip_proves_an_unframed_body(self) -> None:
        """Its end is its own."""
        packed = gzip.compress(ROWS)
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
        with playing([head + packed, Close()], [head + packed[:-1], Close()]) as (_, client):
            assert read(client) == ROWS
            with pytest.raises(IncompleteResultError, match="gzip") as caught:
                read(client)

        assert caught.value.offset == len(ROWS)

    @pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", " gzip "])
    def test_inflates(self, encoding: str) -> None:
        """In pieces of bounded size, whatever the ratio."""
        body = ROWS + b" " * 900_000
        with (
            playing(reply(200, gzip.compress(body), content_encoding=encoding)) as (_, client),
            client.stream("GET", "/x", deadline=Deadline(5)) as stream,
        ):
            pieces = list(stream.chunks())

        assert b"".join(pieces) == body
        assert max(map(len, pieces)) <= 64 * 1024

    def test_members_one_after_another(self) -> None:
        """As RFC 1952 allows, cut at any place over the wire."""
        packed = gzip.compress(ROWS) + gzip.compress(b"") + gzip.compress(b"end")
        for size in (1, 7, 10_000):
            with (
                playing(reply(200, packed, content_encoding="gzip", chunks=size)) as (_, client),
                client.stream("GET", "/x", deadline=Deadline(10)) as stream,
            ):
                pieces = list(stream.chunks())
            assert b"".join(pieces) == ROWS + b"end"
            assert all(pieces)

    @pytest.mark.parametrize(
        "packed",
        [
            pytest.param(gzip.compress(ROWS) + b"junk", id="junk behind"),
            pytest.param(gzip.compress(ROWS)[:-8] + b"\0" * 4 + gzip.compress(ROWS)[-4:], id="wrong checksum"),
            pytest.param(gzip.compress(ROWS)[:-4] + b"\0" * 4, id="wrong length"),
            pytest.param(ROWS, id="not packed"),
            pytest.param(zlib.compress(ROWS), id="another packing"),
        ],
    )
    def test_damaged_gzip(self, packed: bytes) -> None:
        """Correct framing does not make it a correct body."""
        with (
            playing(reply(200, packed, content_encoding="gzip")) as (_, client),
            pytest.raises(PayloadError, match="gzip"),
        ):
            read(client)

    def test_an_encoding_that_was_not_asked_for(self) -> None:
        """It is named."""
        with (
            playing(reply(200, b"x", content_encoding="br")) as (_, client),
            pytest.raises(UnexpectedContentError, match="'br'"),
        ):
            read(client)

    def test_a_bomb_is_stopped(self) -> None:
        """At 1,000-fold, after the first MiB, with little in memory."""
        packed = gzip.compress(b"0" * 50_000_000)
        got: list[int] = []
        with (
            playing(reply(200, packed, content_encoding="gzip")) as (_, client),
            client.stream("GET", "/x", deadline=Deadline(20)) as stream,
            pytest.raises(PayloadLimitError, match="1,000-fold"),
        ):
            got.extend(map(len, stream.chunks()))

        assert 1024 * 1024 < sum(got) < 49_000_000
        assert max(got) <= 64 * 1024

    def test_a_small_body_may_be_all_alike(self) -> None:
        """Up to a MiB, no ratio is suspicious: it comes near a thousandfold at any byte of it."""
        body = b"0" * 1_000_000
        inflater = Inflater("it")

        given = [piece for value in gzip.compress(body) for piece in inflater.feed(bytes([value]))]
        inflater.end()

        assert b"".join(given) == body

    def test_the_ratio_is_that_of_the_whole_body(self) -> None:
        """Not of its last piece, however small."""
        packed, inflater = gzip.compress(ROWS * 40), Inflater("it")

        given = [piece for start in range(0, len(packed), 100) for piece in inflater.feed(packed[start : start + 100])]

        assert b"".join(given) == ROWS * 40

    def test_a_length_below_the_body_harms_no_other_answer(self) -> None:
        """The bytes left over are not read as the next answer."""
        with playing([*reply(200, b"[1]" + OK[0], length=3), Pause(0.05)], reply(200, b"[2]")) as (_, client):  # type: ignore[operator]
            assert get(client).json() == [1]
            assert get(client).json() == [2]

    def test_empty_is_given_as_empty(self) -> None:
        """What it means is for the decoder; a gzip header changes nothing."""
        with playing(reply(200, b"", content_encoding="gzip")) as (_, client):
            assert read(client) == b""

    def test_a_stream_closed_by_another_hand_is_not_complete(self) -> None:
        """Chunks would simply stop coming."""
        with playing(reply(200, ROWS * 50, chunks=1000)) as (_, client):
            stream = client.stream("GET", "/x", deadline=Deadline(5))
            chunks = stream.chunks()
            next(chunks)
            stream.close()
            stream.close()
            with pytest.raises(IncompleteResultError, match="closed"):
                list(chunks)

    def test_a_stream_closed_while_it_is_waited_for(self) -> None:
        """By another thread: the error says so, and is none of the libraries below."""
        head = cut(reply(200, ROWS), 10)[0]
        with playing([head, Pause(0.4), Close()]) as (_, client):
            stream = client.stream("GET", "/x", deadline=Deadline(5))
            closing = threading.Timer(0.2, stream.close)
            closing.start()
            with pytest.raises(IncompleteResultError, match="closed"):
                list(stream.chunks())
            closing.join()


class TestStream:
    """Results, as they arrive."""

    @pytest.mark.parametrize("status", [202, 204])
    def test_not_ready_keeps_the_connection(self, status: int) -> None:
        """Polling must not open a new one each time."""
        with playing(reply(status, b"" if status == 204 else b"{}")) as (server, client):
            for _ in range(3):
                with client.stream("GET", "/x", deadline=Deadline(5)) as stream:
                    assert stream.status == status
                    assert list(stream.chunks()) == ([] if status == 204 else [b"{}"])

        assert (len(server.requests), server.connections) == (3, 1)

    def test_what_fails_before_the_body_is_repeated(self) -> None:
        """Statuses and broken connections; 401 too."""
        scripts: list[Script] = [BUSY, [Reset()], BAD_GATEWAY, reply(401), reply(200, ROWS)]
        with playing(*scripts, token=lambda *_: Secret("x")) as (server, client):
            assert read(client) == ROWS

        assert len(server.requests) == 5
        assert client.stats.maybe_duplicate_tasks == 0

    def test_one_that_may_not_be_asked_for_twice_is_repeated_twice_at_most(self) -> None:
        """As any other call that is not safe to repeat, and counted as such."""
        with playing([Reset()]) as (server, client), pytest.raises(NetworkError):
            client.stream("POST", "/queries/run/json", deadline=Deadline(5))

        assert (len(server.requests), client.stats.maybe_duplicate_tasks) == (3, 2)

        with playing([Reset()], OK) as (_, client):
            client.stream("POST", "/queries/run/json", deadline=Deadline(5), idempotent=True).close()
            assert client.stats.maybe_duplicate_tasks == 0

    def test_nothing_is_no_page(self) -> None:
        """Proxies name a type also where there is no body."""
        with (
            playing(reply(204, b"", content_type="text/html")) as (server, client),
            client.stream("GET", "/x", deadline=Deadline(5)) as stream,
        ):
            assert (stream.status, len(server.requests)) == (204, 1)

    def test_what_fails_within_is_not(self) -> None:
        """Rows may have gone on their way."""
        with playing(cut(reply(200, ROWS), 10), OK) as (server, client), pytest.raises(IncompleteResultError):
            read(client)

        assert len(server.requests) == 1

    def test_a_page_is_refused_unless_asked_for(self) -> None:
        """A login page is no result; the result format html is."""
        page = reply(200, "<p>1</p>", content_type="text/html; charset=utf-8")
        with playing(page) as (server, client):
            with pytest.raises(UnexpectedContentError, match="It says: 1"):
                read(client)
            assert len(server.requests) == 3
            assert read(client, html=True) == b"<p>1</p>"

    def test_errors_are_those_of_request(self) -> None:
        """With Looker's message."""
        with playing(reply(400, {"message": "bad field"})) as (_, client), pytest.raises(FetchError, match="bad field"):
            read(client)

    def test_a_pause_in_the_body(self) -> None:
        """It is not the end; the error says after how much."""
        with (
            playing([*cut(reply(200, ROWS), 10)[:1], Pause(5)], timeout=0.2) as (_, client),
            pytest.raises(NetworkError, match=f"after {len(ROWS) - 10:,} bytes") as caught,
        ):
            read(client)

        assert caught.value.reason == "timeout"

    def test_a_long_body_may_take_its_time(self) -> None:
        """`Settings.timeout` is how long it may pause, not how long it may take."""
        script: Script = [b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n", Drip(b"[" * 30, 0.02)]
        with playing(script, timeout=0.25) as (_, client):
            assert read(client) == b"[" * 30

    @pytest.mark.parametrize(
        "slow", [pytest.param(Drip(b"[" * 500, 0.02), id="drip"), pytest.param(Pause(5), id="silence")]
    )
    def test_one_that_hardly_moves_has_stalled(self, slow: Step) -> None:
        """However patient `Settings.timeout` is; the settings are named."""
        script: Script = [b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", slow]
        with (
            playing(script, min_rate=1_000, min_rate_seconds=0.2) as (_, client),
            pytest.raises(NetworkError, match=r"less than 1000 bytes/s for 0\.2 s \(Settings\.min_rate") as caught,
        ):
            read(client)

        assert caught.value.reason == "stalled"

    def test_a_stalled_body_is_asked_for_again(self) -> None:
        """Where nothing of it was handed out."""
        script: Script = [b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", Drip(b"[" * 500, 0.02)]
        with playing(script, OK, min_rate_seconds=0.2) as (server, client):
            assert get(client).json() == {"a": 1}

        assert len(server.requests) == 2

    def test_no_rate_is_no_limit(self) -> None:
        """0 bytes a second are always reached."""
        script: Script = [b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n", Drip(b"[" * 30, 0.02)]
        with playing(script, min_rate=0, min_rate_seconds=0.05) as (_, client):
            assert read(client) == b"[" * 30

    def test_a_body_that_moves_may_pause(self) -> None:
        """What counts is the rate of the whole time that is looked at."""
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 8000\r\n\r\n"
        script: Script = [head + b"[" * 4_000, Pause(0.4), b"[" * 4_000]
        with playing(script, min_rate=1_000, min_rate_seconds=0.2) as (_, client):
            assert read(client) == b"[" * 8_000

    def test_a_good_beginning_does_not_count_for_ever(self) -> None:
        """After the time that is looked at, the next one begins."""
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100200\r\n\r\n"
        script: Script = [head + b"[" * 100_000, Pause(0.3), Drip(b"[" * 200, 0.02)]
        with (
            playing(script, min_rate=1_000, min_rate_seconds=0.2) as (_, client),
            pytest.raises(NetworkError) as caught,
        ):
            read(client)

        assert caught.value.reason == "stalled"

    def test_the_end_may_be_late(self) -> None:
        """All that there is had come in time."""
        late: Script = [b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 300, Pause(0.4), Close()]
        with playing(late, min_rate=1_000, min_rate_seconds=0.2) as (_, client):
            assert read(client) == b"[" * 300

    def test_a_reader_that_pauses_is_not_punished(self) -> None:
        """Only waiting for bytes counts."""
        with (
            playing(reply(200, ROWS * 10), min_rate=1e6, min_rate_seconds=0.2) as (_, client),
            client.stream("GET", "/x", deadline=Deadline(20)) as stream,
        ):
            got = b""
            for chunk in stream.chunks():
                time.sleep(0.05)
                got += chunk

        assert got == ROWS * 10

    @pytest.mark.parametrize("script", [zipped(b"0" * 200_000), reply(200, b"0" * 200_000)])
    def test_a_limit_on_its_size(self, script: Script) -> None:
        """Counted after decompression; more is never handed out, nor asked for again."""
        got: list[int] = []
        with playing(script, max_bytes=100_000) as (server, client):
            with (
                client.stream("GET", "/x", deadline=Deadline(5)) as stream,
                pytest.raises(PayloadLimitError, match=r"100,000 bytes \(Settings\.max_bytes\)"),
            ):
                got.extend(map(len, stream.chunks()))
            with pytest.raises(PayloadLimitError, match=r"Settings\.max_bytes"):
                get(client)

        assert 0 < sum(got) <= 100_000
        assert len(server.requests) == 2

    def test_a_body_of_the_size_of_the_limit(self) -> None:
        """It is not above it."""
        with playing(zipped(ROWS), max_bytes=len(ROWS)) as (_, client):
            assert read(client) == ROWS

    def test_the_limit_hides_no_error(self) -> None:
        """The status counts, whatever stands beside it."""
        with playing(reply(404, {"message": "x" * 500}), max_bytes=100) as (_, client), pytest.raises(NotFoundError):
            read(client)

    def test_seconds_are_those_of_waiting_for_bytes(self) -> None:
        """Not those of the reader."""
        mine, clock = Stats(), Clock()

        def tick() -> float:
            clock.time += 0.001
            return clock.time

        deadline = Deadline(10_000, clock=tick)
        script = reply(200, ROWS)
        with (
            playing(script) as (_, client),
            client.stream("GET", "/x", deadline=deadline, stats=mine) as stream,
        ):
            for _chunk in stream.chunks():
                clock.time += 100

        assert 0 < mine.seconds["downloading"] < 1
        assert client.stats.seconds["downloading"] == mine.seconds["downloading"]


class TestJson:
    """Bodies that should be JSON."""

    @pytest.mark.parametrize(
        ("body", "offset"),
        [
            (b'{"a": 1', 7),
            ('{"ä": x}'.encode(), 7),
            (b"not found", 0),
            (b'{"a": NaN}', 0),
            (b"\xff", 0),
            (b"[" * 100_000, 0),
        ],
    )
    def test_it_is_not(self, body: bytes, offset: int) -> None:
        """PayloadError with the place; no foreign error."""
        with pytest.raises(PayloadError, match="GET /x answered 200") as caught:
            Reply(200, {}, body, "GET /x").json()

        assert caught.value.offset == offset

    def test_nothing(self) -> None:
        """Said as such."""
        with pytest.raises(UnexpectedContentError, match="without a body"):
            Reply(200, {}, b"", "GET /x").json()

    @pytest.mark.parametrize("script", [reply(200, " \n<!DOCTYPE html>"), reply(200, "x", content_type="text/HTML")])
    def test_a_page(self, script: Script) -> None:
        """A login page behind a 200, from the wrong address."""
        with playing(script) as (server, client), pytest.raises(UnexpectedContentError, match="base_url"):
            get(client)

        assert len(server.requests) == 3

    def test_byte_order_mark(self) -> None:
        """Is no reason to fail."""
        assert Reply(200, {}, b"\xef\xbb\xbf[1]", "GET /x").json() == [1]


class TestPath:
    """Ids become part of an address, and never more than that."""

    def test_quotes(self) -> None:
        """Slashes, question marks and letters of any script."""
        assert (
            path("lookml_models", "a b/c", "explores", "x?y#ü%")
            == "/lookml_models/a%20b%2Fc/explores/x%3Fy%23%C3%BC%25"
        )

    @pytest.mark.parametrize("part", ["", ".", ".."])
    def test_refuses_what_would_lead_elsewhere(self, part: str) -> None:
        """No id is like that."""
        with pytest.raises(InvalidQueryError):
            path("query_tasks", part)

    def test_arrives_as_it_was(self) -> None:
        """No layer below reads the quoted parts again."""
        with playing(OK) as (server, client):
            client.request("GET", path("a/../b", "..%2f..", "%2e%2e"), deadline=Deadline(5))

        assert server.requests[0].target == "/api/4.0/a%2F..%2Fb/..%252f../%252e%252e"


class TestSurroundings:
    """Proxies of the environment hold, other people's credentials do not."""

    def test_netrc_is_not_read(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """It would replace our token."""
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login someone password else\ndefault login a password b\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        with playing(OK, token=lambda *_: Secret("abc")) as (server, client):
            assert requests.get(server.url, timeout=5).request.headers["Authorization"].startswith("Basic ")
            get(client)
            get(client, authenticated=False)

        assert server.requests[1].headers["authorization"] == "token abc"
        assert "authorization" not in server.requests[2].headers

    def test_cookies_are_not_kept(self) -> None:
        """A session of its own would cross the token's."""
        with playing(reply(200, b"1", set_cookie="a=b"), OK) as (server, client):
            get(client)
            get(client)

        assert "cookie" not in server.requests[1].headers

    def test_proxy_variables_hold(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And so does the deadline behind a proxy."""
        drip: Script = [b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", Drip(b"[" * 500, 0.02)]
        with FaultServer(OK, drip) as proxy, FaultServer(OK) as server, transport(server.url) as client:
            monkeypatch.setenv("http_proxy", proxy.url)
            get(client)
            with pytest.raises(DeadlineError):
                get(client, seconds=0.4)
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            get(client)

        assert proxy.requests[0].target == f"{server.url}/api/4.0/user"
        assert (len(proxy.requests), len(server.requests)) == (2, 1)

    def test_a_proxy_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The message says that it is the proxy."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        monkeypatch.setenv("http_proxy", f"http://user:{CANARY}@127.0.0.1:{port}")
        with FaultServer(OK) as server, transport(server.url) as client, pytest.raises(NetworkError) as caught:
            get(client)

        assert (caught.value.reason, caught.value.attempts) == ("proxy", 3)
        assert CANARY not in str(caught.value)


FAULTS: list[Script] = [
    reply(400, {"message": "no"}),
    reply(401),
    reply(422, {"errors": []}),
    BAD_GATEWAY,
    reply(302, location="http://localhost/"),
    [Reset()],
    [Pause(2)],
    [b"garbage\r\n\r\n", Close()],
    cut(reply(200, ROWS), 10),
    cut(zipped(ROWS), 10),
    reply(200, b"x", content_encoding="gzip"),
    reply(200, "<p>page</p>"),
    reply(200, b"not JSON"),
]


@pytest.mark.parametrize("script", FAULTS)
def test_no_error_holds_a_secret(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    """Not in its text, its causes, the local variables of their frames, nor in any library's log."""
    caplog.set_level(logging.DEBUG)
    form: dict[str, str | Secret] = {"client_id": "x", "client_secret": Secret(CANARY)}
    with (
        playing(script, token=lambda *_: Secret(CANARY), timeout=0.2) as (server, client),
        pytest.raises(LookerFrameError) as caught,
    ):
        client.request("POST", "/login", form=form, deadline=Deadline(0.5), idempotent=True).json()

    assert CANARY.encode() in server.requests[0].body
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    text = "".join(shown.format())
    error: BaseException | None = caught.value
    while error is not None:
        text += repr(vars(error))
        # Also what `raise ... from` hides from view is looked at by error reporters.
        for frame, _ in traceback.walk_tb(error.__traceback__):
            text += repr(frame.f_locals)
        error = error.__cause__ or error.__context__
    assert CANARY not in text
    assert CANARY not in caplog.text
