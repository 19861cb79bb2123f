"""`Looker` and `Task` against the local Looker: what HTTP statuses and wrong input become."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

import lookerframe as lf
from tests.connecting import settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.local import Server

COUNT = lf.Query(model="flights", explore="flights", fields=["flights.carrier", "flights.count"])


@pytest.fixture
def slow() -> Iterator[Server]:
    """Run a local Looker whose queries take a second."""
    with lf.local.start(latency=1.0) as running:
        yield running


def _settings(server: Server, **changes: Any) -> lf.Settings:
    return settings_for(server, **{"poll_interval": 0.05, **changes})


@pytest.mark.parametrize("not_ready_status", [202, 204])
def test_a_task_that_still_runs_is_waited_for(not_ready_status: int) -> None:
    """Both of Looker's ways to say "not finished" end in the table."""
    with lf.local.start(latency=0.3, not_ready_status=not_ready_status) as server, server.looker as looker:
        task = looker.submit(COUNT)
        answer = requests.get(
            f"{server.base_url}/api/4.0/query_tasks/{task.id}/results",
            headers={"Authorization": f"token {_token(server)}"},
            timeout=10,
        )
        assert answer.status_code == not_ready_status

        assert len(lf.read_looker_task(task.id, looker=looker)) == 16


def test_a_token_that_was_revoked_is_renewed_once(server: Server) -> None:
    """401 in the middle: one new login, and the call goes on."""
    with lf.Looker(_settings(server)) as looker:
        looker.me()
        token = looker._login.token().reveal()
        gone = requests.delete(
            f"{server.base_url}/api/4.0/logout", headers={"Authorization": f"token {token}"}, timeout=10
        )
        assert gone.status_code == 204

        assert len(looker.run(COUNT).to_arrow()) == 16
        assert looker._login.token().reveal() != token


def test_a_token_that_ends_is_renewed() -> None:
    """Tokens of a second do not disturb work that takes longer."""
    with lf.local.start(token_ttl=1, latency=2.5) as hasty, lf.Looker(_settings(hasty)) as looker:
        assert len(looker.run(COUNT).to_arrow()) == 16


def test_wrong_credentials(server: Server) -> None:
    """Looker answers 404 to them; the error says which settings to check, and holds no secret."""
    with (
        lf.Looker(_settings(server, client_secret=lf.Secret("wr0ngsecret"))) as looker,
        pytest.raises(lf.AuthError) as caught,
    ):
        looker.me()

    assert "client_id and client_secret" in str(caught.value)
    assert "wr0ngsecret" not in str(caught.value) + repr(caught.value) + repr(vars(caught.value))


def test_a_host_that_is_not_there() -> None:
    """One clear error, soon, that names the host."""
    settings = lf.Settings(
        base_url="http://127.0.0.1:9",
        client_id="id",
        client_secret=lf.Secret("s3cret"),
        backoff_base=0.01,
        backoff_cap=0.02,
    )
    with lf.Looker(settings) as looker, pytest.raises(lf.NetworkError, match=r"127\.0\.0\.1") as caught:
        looker.me()

    assert caught.value.attempts == settings.connect_attempts


def test_an_unknown_task(looker: lf.Looker) -> None:
    """What 404 may mean, and what to do."""
    with pytest.raises(lf.NotFoundError, match="check the id, or run the query again"):
        lf.read_looker_task("0123456789abcdef0123456789abcdef", looker=looker)


def test_text_that_is_no_task(looker: lf.Looker) -> None:
    """What is understood is listed; nothing is sent."""
    with pytest.raises(lf.InvalidQueryError, match="/query_tasks/<id>"):
        lf.read_looker_task("https://example.com/nothing", looker=looker)
    with pytest.raises(lf.InvalidQueryError, match="address of a look, not of a query task"):
        lf.read_looker_task("https://company.looker.com/looks/3", looker=looker)


def test_an_invalid_query_lists_all_its_problems(looker: lf.Looker) -> None:
    """Looker's 422 becomes an error with every problem."""
    query = lf.Query(model="flights", explore="flights", fields=["flights.carier", "flights.cuont"])

    with pytest.raises(lf.InvalidQueryError) as caught:
        looker.run(query)

    text = str(caught.value)
    assert "flights.carier" in text
    assert "flights.cuont" in text
    assert caught.value.query == query


def test_an_unknown_format_is_refused_before_anything_runs(looker: lf.Looker) -> None:
    """No query is paid for that could not be read."""
    with pytest.raises(lf.UnknownFormatError, match=r"known: .*json, .*json_detail"):
        looker.submit(COUNT, result_format="pdf")


def test_too_many_calls_are_waited_out() -> None:
    """429 with Retry-After ends in the table, and the retries are counted."""
    with lf.local.start(calls_per_second=2) as server, lf.Looker(_settings(server)) as looker:
        result = looker.run(COUNT)

        assert result.to_arrow().num_rows == 16
        assert result.stats["retries"] > 0


def test_too_many_calls_end_with_the_deadline() -> None:
    """A server that asks for more patience than there is gets no more calls."""
    with (
        lf.local.start(calls_per_second=0.05) as server,
        lf.Looker(_settings(server)) as looker,
        pytest.raises((lf.RateLimitError, lf.DeadlineError)),
    ):
        looker.run(COUNT, timeout=1).to_arrow()


def test_the_deadline_ends_the_query_on_the_server(slow: Server) -> None:
    """A query that was submitted here is stopped when its time is over."""
    with lf.Looker(_settings(slow)) as looker:
        task = looker.submit(COUNT)
        with pytest.raises(lf.DeadlineError) as caught:
            task.result(timeout=0.3)

        assert caught.value.killed is True
        assert task.status().state == "killed"
        with pytest.raises(lf.TaskKilledError):
            task.result()


def test_a_task_is_cancelled(slow: Server) -> None:
    """cancel() stops it on the server; a second call has nothing to stop."""
    with lf.Looker(_settings(slow)) as looker:
        task = looker.submit(COUNT)

        assert task.cancel() is True
        assert task.cancel() is False


def test_results_expire() -> None:
    """What Looker no longer keeps is an error, not an empty table."""
    with lf.local.start(result_ttl=0.2) as server, lf.Looker(_settings(server, expired_grace=0.1)) as looker:
        task = looker.submit(COUNT)
        while task.status().state in {"added", "running", "complete"}:
            time.sleep(0.05)

        with pytest.raises(lf.ResultExpiredError, match="run the query again"):
            lf.read_looker_task(task.id, looker=looker)


def test_threads_share_a_client(server: Server) -> None:
    """Many tasks at once through one client: every table is its own."""
    origins = ["EWR", "JFK", "LGA"] * 4
    found: dict[int, Any] = {}

    with lf.Looker(_settings(server)) as looker:

        def ask(index: int) -> None:
            query = lf.Query(
                model="flights",
                explore="flights",
                fields=["flights.origin", "flights.count"],
                filters={"flights.origin": origins[index]},
            )
            found[index] = looker.run(query).to_arrow().to_pydict()["flights.origin"]

        threads = [threading.Thread(target=ask, args=(index,)) for index in range(len(origins))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert found == {index: [origin] for index, origin in enumerate(origins)}


def test_no_secret_is_shown(server: Server) -> None:
    """Neither the settings, nor the client, nor what it logs give the secret away."""
    settings = _settings(server)

    for text in (repr(settings), str(settings), repr(lf.Looker(settings)), f"{settings.client_secret}"):
        assert server.client_secret not in text


def test_explore_metadata_is_asked_for_once(server: Server) -> None:
    """`json` has no metadata; two results of one explore cost one look-up, and one login."""
    with lf.Looker(_settings(server)) as looker:
        first = looker.run(COUNT, result_format="json")
        first.to_arrow()
        second = looker.run(COUNT, result_format="json")
        second.to_arrow()

        fields = looker.explore_fields("flights", "flights")

    assert second.stats["calls"] == first.stats["calls"] - 2
    assert "flights.carrier" in {item["name"] for item in fields["dimensions"]}


def _token(server: Server) -> str:
    answer = requests.post(
        f"{server.base_url}/api/4.0/login",
        data={"client_id": server.client_id, "client_secret": server.client_secret},
        timeout=10,
    )
    return str(answer.json()["access_token"])


def test_stats_tell_where_the_time_went(slow: Server) -> None:
    """Seconds of each phase, which together are no more than the whole."""
    began = time.monotonic()
    with lf.Looker(_settings(slow)) as looker:
        result = looker.run(COUNT)
        result.to_arrow()
    elapsed = time.monotonic() - began

    spent = {name: seconds for name, seconds in result.stats.items() if name.endswith("_seconds")}
    spent.pop("waited_seconds")
    assert list(spent) == ["logging_in_seconds", "submitting_seconds", "waiting_seconds", "downloading_seconds"]
    assert all(seconds > 0 for seconds in spent.values())
    assert max(spent, key=lambda name: spent[name]) == "waiting_seconds"
    assert sum(spent.values()) <= elapsed
