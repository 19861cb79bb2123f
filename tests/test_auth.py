"""One login for all threads, renewed in time, and no word about the secret."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from lookerframe.auth import Login
from lookerframe.config import Secret, Settings
from lookerframe.deadline import Deadline, Stats
from lookerframe.exceptions import (
    AuthError,
    ConfigError,
    DeadlineError,
    LookerFrameError,
    NetworkError,
    PayloadError,
    SchemaError,
    ServerError,
    UnexpectedContentError,
)
from lookerframe.transport import Transport
from tests.faults import FaultServer, Pause, Request, Reset, Script, cut, reply

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "canary-9b3c"


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.time = 5_000.0

    def __call__(self) -> float:
        """Tell it."""
        return self.time


class Logins:
    """Answers each login with a token of its own: token-1, token-2, ..."""

    def __init__(self, lasts: float = 3600, delay: float = 0) -> None:
        self.lasts = lasts
        self.delay = delay
        self.given = 0

    def __call__(self, request: Request) -> Script:
        """Answer."""
        if request.method == "DELETE":
            return reply(204)
        self.given += 1
        body = {"access_token": f"token-{self.given}", "token_type": "Bearer", "expires_in": self.lasts}
        return [Pause(self.delay), *reply(200, body)]


def settings(server: FaultServer, **given: Any) -> Settings:
    """Make settings for a server of these tests."""
    options: dict[str, Any] = {"backoff_base": 0.001, "backoff_cap": 0.002, "client_secret": Secret(CANARY)} | given
    return Settings(base_url=server.url, client_id="the id", **options)


def in_threads(count: int, work: Callable[[], Any]) -> list[Any]:
    """Do `work` in several threads at once and return what came out, errors too."""
    outcomes: list[Any] = []
    barrier = threading.Barrier(count)

    def run() -> None:
        barrier.wait()
        try:
            outcomes.append(work())
        except LookerFrameError as exc:
            outcomes.append(exc)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


class TestToken:
    """Asked for before each call, so mostly without a call of its own."""

    def test_credentials_go_into_the_body(self) -> None:
        """Not into the address, where proxies log them."""
        with FaultServer(answer=Logins()) as server:
            login = Login(settings(server))
            assert login.token() == login.token() == Secret("token-1")
            login.logout()

        first = server.requests[0]
        assert (first.method, first.target) == ("POST", "/api/4.0/login")
        assert first.headers["content-type"] == "application/x-www-form-urlencoded"
        assert first.body == f"client_id=the+id&client_secret={CANARY}".encode()
        assert "authorization" not in first.headers
        assert server.paths == ["POST /login", "DELETE /logout"]

    @pytest.mark.parametrize(
        ("lasts", "margin"),
        [
            pytest.param(3600, 180, id="5 % of an hour"),
            pytest.param(600, 60, id="a minute at least"),
            pytest.param(60, 30, id="half of a short life at most"),
            pytest.param(2, 1, id="half of a very short one"),
        ],
    )
    def test_is_renewed_before_its_end(self, lasts: float, margin: float) -> None:
        """On the monotonic clock; a call never sets out with a token that ends on the way."""
        clock = Clock()
        with FaultServer(answer=Logins(lasts)) as server:
            login = Login(settings(server), clock=clock)
            login.token()
            clock.time += lasts - margin - 0.01
            assert login.token() == Secret("token-1")
            clock.time += 0.01
            assert login.token() == Secret("token-2")
            login.logout()

    @pytest.mark.parametrize("lasts", [0, -5])
    def test_one_that_does_not_last_is_used_once(self, lasts: float) -> None:
        """Nothing hangs or loops."""
        with FaultServer(answer=Logins(lasts)) as server:
            login = Login(settings(server))
            assert [login.token().reveal() for _ in range(2)] == ["token-1", "token-2"]
            login.logout()

    def test_a_rejected_one_is_replaced(self) -> None:
        """But only if it is the one in use."""
        with FaultServer(answer=Logins()) as server:
            login = Login(settings(server))
            first = login.token()
            second = login.token(first)
            assert login.token(first) is second
            login.logout()

        assert (first, second) == (Secret("token-1"), Secret("token-2"))

    def test_many_threads_log_in_once(self) -> None:
        """At the start, and when all of them meet the same 401."""
        logins = Logins(delay=0.1)
        with FaultServer(answer=logins) as server:
            login = Login(settings(server))
            assert in_threads(32, login.token) == [Secret("token-1")] * 32
            assert in_threads(32, lambda: login.token(Secret("token-1"))) == [Secret("token-2")] * 32
            login.logout()

        assert logins.given == 2

    def test_a_thread_waits_no_longer_than_it_has(self) -> None:
        """Another one's slow login is no excuse."""
        with FaultServer(answer=Logins(delay=2)) as server:
            login = Login(settings(server))
            other = threading.Thread(target=login.token)
            other.start()
            while not server.requests:
                time.sleep(0.001)
            started = time.monotonic()
            with pytest.raises(DeadlineError, match="logging in"):
                login.token(None, Deadline(0.2))
            assert time.monotonic() - started < 1.5
            other.join()
            login.logout()

    def test_the_deadline_holds_for_the_login(self) -> None:
        """It is part of the operation."""
        with FaultServer([Pause(5)]) as server:
            login = Login(settings(server))
            with pytest.raises(DeadlineError):
                login.token(None, Deadline(0.2))
            login.logout()

    def test_a_busy_server_is_asked_again(self) -> None:
        """A login harms nobody if it is repeated."""
        with FaultServer(reply(502), reply(429), Logins()(Request("POST", "", {}, b""))) as server:
            login = Login(settings(server))
            assert login.token() == Secret("token-1")
            login.logout()

    def test_is_counted_where_it_was_needed(self) -> None:
        """Its calls, and the time that it took; a call that finds a token is not charged."""
        first, second = Stats(), Stats()
        ok = reply(200, {"id": "1"})
        logins = Logins(delay=0.2)
        answers = iter([reply(503)])

        def answer(request: Request) -> Script:
            return next(answers, logins(request)) if request.target.endswith("/login") else ok

        with FaultServer(answer=answer) as server:
            login = Login(settings(server))
            transport = Transport(settings(server), login.token)
            transport.request("GET", "/user", deadline=Deadline(10), stats=first)
            transport.request("GET", "/user", deadline=Deadline(10), stats=second)
            transport.close()
            login.logout()

        assert (first.calls, first.retries) == (3, 1)
        assert (second.calls, second.retries) == (1, 0)
        assert first.seconds["logging_in"] > second.seconds["logging_in"] == 0

    def test_a_401_whose_login_fails_for_a_moment(self) -> None:
        """The call goes on when the login does."""
        logins = Logins()
        troubles: list[Script] = [reply(502), [Reset()], reply(503)]

        def answer(request: Request) -> Script:
            if request.target.endswith("/user"):
                return reply(200, {"id": "1"}) if request.headers["authorization"] == "token token-2" else reply(401)
            return troubles.pop() if logins.given and troubles else logins(request)

        with FaultServer(answer=answer) as server:
            login = Login(settings(server))
            transport = Transport(settings(server), login.token)
            assert transport.request("GET", "/user", deadline=Deadline(10)).json() == {"id": "1"}
            transport.close()
            login.logout()

        user, log_in, leave = "GET /user", "POST /login", "DELETE /logout"
        assert server.paths == [log_in, user, *[log_in] * 4, user, leave]

    def test_a_fresh_token_that_is_rejected_is_an_auth_error(self) -> None:
        """There is no third try: it would be rejected as well."""
        logins = Logins()
        with FaultServer(
            answer=lambda request: (
                reply(401, {"message": "no"}) if request.target.endswith("/user") else logins(request)
            )
        ) as server:
            login = Login(settings(server))
            transport = Transport(settings(server), login.token)
            with pytest.raises(AuthError, match="GET /user answered 401: no") as caught:
                transport.request("GET", "/user", deadline=Deadline(10))
            transport.close()
            login.logout()

        assert (logins.given, caught.value.status) == (2, 401)
        assert server.paths.count("GET /user") == 2

    def test_serves_a_transport_through_an_expiry(self) -> None:
        """The server forgets the token; the call succeeds all the same."""
        valid = {"token-2"}

        def answer(request: Request) -> Script:
            if request.target.endswith("/user"):
                given = request.headers["authorization"].removeprefix("token ")
                return reply(200, {"id": "1"}) if given in valid else reply(401)
            return logins(request)

        logins = Logins()
        with FaultServer(answer=answer) as server:
            login = Login(settings(server))
            transport = Transport(settings(server), login.token)
            outcomes = in_threads(8, lambda: transport.request("GET", "/user", deadline=Deadline(10)).json())
            transport.close()
            login.logout()

        assert outcomes == [{"id": "1"}] * 8
        assert logins.given == 2


class TestFailure:
    """What can go wrong, in words that help."""

    @pytest.mark.parametrize("status", [404, 401, 403])
    def test_wrong_credentials(self, status: int) -> None:
        """Looker answers 404 to them; the message says which settings to check, and shows none but the address."""
        with FaultServer(reply(status, {"message": "Not found", "documentation_url": "https://x"})) as server:
            login = Login(settings(server))
            with pytest.raises(AuthError) as caught:
                login.token()
            login.logout()

        error = caught.value
        assert (error.status, error.endpoint, error.attempts, error.documentation_url) == (
            status,
            "POST /login",
            1,
            "https://x",
        )
        for word in ("client_id", "client_secret", "base_url", server.url):
            assert word in str(error)
        assert "the id" not in str(error)
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            ({"token_type": "Bearer", "expires_in": 3600}, SchemaError),
            ({"access_token": None, "expires_in": 3600}, SchemaError),
            ({"access_token": 3, "expires_in": 3600}, SchemaError),
            ({"access_token": "", "expires_in": 3600}, SchemaError),
            ({"access_token": "two\nlines", "expires_in": 3600}, SchemaError),
            ({"access_token": "tökén", "expires_in": 3600}, SchemaError),
            ({"access_token": CANARY}, SchemaError),
            ({"access_token": CANARY, "expires_in": "soon"}, SchemaError),
            ({"access_token": CANARY, "expires_in": None}, SchemaError),
            ({"access_token": CANARY, "expires_in": 3600, "refresh_token": 3}, None),
            ([CANARY], SchemaError),
            ("<html>Log in</html>", UnexpectedContentError),
            ("", UnexpectedContentError),
            (f'{{"access_token": "{CANARY}"', PayloadError),
        ],
    )
    def test_an_answer_that_is_none(
        self, body: Any, kind: type[Exception] | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nor does the message show what may be a token after all."""
        caplog.set_level(logging.DEBUG)
        with FaultServer(reply(200, body)) as server:
            login = Login(settings(server))
            if kind is None:
                assert login.token() == Secret(CANARY)
            else:
                with pytest.raises(kind) as caught:
                    login.token()
                assert CANARY not in str(caught.value)
                if isinstance(body, dict):  # else it is not known to be a token
                    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
                    assert CANARY not in "".join(repr(frame.f_locals) for frame in frames[1:])
            login.logout()

        assert CANARY not in caplog.text

    @pytest.mark.parametrize(
        ("script", "kind"), [(reply(500), ServerError), (reply(302, location="https://x.example.com"), NetworkError)]
    )
    def test_other_failures_keep_their_kind(self, script: Script, kind: type[Exception]) -> None:
        """Only refused credentials are an AuthError."""
        with FaultServer(script) as server:
            login = Login(settings(server))
            with pytest.raises(kind):
                login.token()
            login.logout()

    def test_a_secret_that_cannot_be_had(self) -> None:
        """It is told as such, not as trouble with the host."""

        def absent() -> str:
            raise KeyError(CANARY)

        with FaultServer(answer=Logins()) as server:
            login = Login(settings(server, client_secret=Secret(absent)))
            with pytest.raises(ConfigError, match="KeyError") as caught:
                login.token()
            login.logout()

        assert server.requests == []
        assert CANARY not in str(caught.value)

    def test_the_next_call_tries_again(self) -> None:
        """A failure is not kept."""
        with FaultServer(reply(404), Logins()(Request("POST", "", {}, b""))) as server:
            login = Login(settings(server))
            with pytest.raises(AuthError):
                login.token()
            assert login.token() == Secret("token-1")
            login.logout()


class TestLogout:
    """The token is given back, if that is possible."""

    def test_sends_the_token(self) -> None:
        """Once, and a later call logs in anew."""
        with FaultServer(answer=Logins()) as server:
            login = Login(settings(server))
            login.token()
            login.logout()
            login.logout()
            assert server.requests[1].headers["authorization"] == "token token-1"
            assert login.token() == Secret("token-2")
            login.logout()

        assert server.paths == ["POST /login", "DELETE /logout"] * 2

    def test_without_a_login_nothing_is_sent(self) -> None:
        """There is nothing to give back."""
        with FaultServer(answer=Logins()) as server:
            Login(settings(server)).logout()

        assert server.requests == []

    @pytest.mark.parametrize("status", [401, 404, 400, 500])
    def test_a_failure_is_only_logged(self, status: int, caplog: pytest.LogCaptureFixture) -> None:
        """And never leads to a login."""
        caplog.set_level(logging.INFO, logger="lookerframe.auth")
        logins = Logins()
        with FaultServer(
            answer=lambda request: reply(status) if request.method == "DELETE" else logins(request)
        ) as server:
            login = Login(settings(server))
            login.token()
            login.logout()

        assert logins.given == 1
        assert len(server.requests) == (4 if status == 500 else 2)
        assert "could not be given back" in caplog.text

    def test_a_server_that_is_gone(self) -> None:
        """Leaving takes seconds at most."""
        with FaultServer(answer=Logins()) as server:
            login = Login(settings(server, backoff_base=2, backoff_cap=2))
            login.token()
        started = time.monotonic()

        login.logout()

        assert time.monotonic() - started < 6


@pytest.mark.parametrize(
    "answer",
    [
        cut(reply(200, {"access_token": CANARY, "token_type": "Bearer", "expires_in": 3600}), 3),
        reply(200, [CANARY]),
        reply(200, f"<html>{CANARY}</html>", content_type="text/html"),
    ],
    ids=["cut", "array", "page"],
)
def test_a_login_that_is_answered_wrongly_shows_no_token(answer: Script) -> None:
    """Neither the text nor the local variables of any frame, and `client_id` is as hidden as the secret."""
    with FaultServer(answer) as server:
        settings = Settings(
            base_url=server.url,
            client_id="id-" + CANARY[::-1],
            client_secret=Secret(CANARY),
            backoff_base=0.01,
            backoff_cap=0.01,
        )
        with pytest.raises(LookerFrameError) as caught:
            Login(settings).token(deadline=Deadline(1))

    seen, error = [str(caught.value)], caught.value.__cause__
    frames = list(traceback.walk_tb(caught.value.__traceback__))[1:]  # without this test's own
    while error is not None:
        seen.append(str(error))
        frames += traceback.walk_tb(error.__traceback__)
        error = error.__cause__
    seen += [repr(frame.f_locals) for frame, _ in frames]
    assert len(frames) > 1
    assert CANARY not in "".join(seen)
    assert CANARY[::-1] not in "".join(seen)
