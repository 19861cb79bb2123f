"""TLS: who cannot prove to be the host is refused at once, and learns nothing: target S4."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import warnings
from typing import TYPE_CHECKING

import pytest
import trustme

import lookerframe as lf
from tests.faults import reply
from tests.reliability.tls_server import PlainServer, TLSServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.counting import Counts
    from tests.faults import Request, Script

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
HOST = "127.0.0.1"
#: What the message must say of each refusal, in the words of OpenSSL and X.509.
REFUSED = {
    "expired": "expired",
    "not yet valid": "not yet valid",
    "wrong host": "mismatch",
    "self-signed": "self-signed certificate",
    "unknown authority": "unable to get local issuer certificate",
    "TLS 1.1": "protocol version",
    "no TLS": "verify_ssl",
}


def answer(request: Request) -> Script:
    """Be a Looker that lets everybody in."""
    if request.method == "DELETE":
        return reply(204)
    if request.target.endswith("/login"):
        return reply(200, {"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600})
    return reply(200, {"id": "7", "display_name": "Somebody"})


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Make an authority of the tests' own."""
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> str:
    """Write the certificate of the authority to a file."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return str(file)


def context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Make the context of a server that shows a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def server_of(kind: str, authority: trustme.CA, folder: Path) -> TLSServer:
    """Make a server that must be refused, for one reason."""
    good = authority.issue_cert(HOST)
    if kind == "no TLS":
        return PlainServer(context_of(good), answer)
    if kind == "TLS 1.1":
        context = context_of(good)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1_1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        return TLSServer(context, answer)
    if kind == "self-signed":
        alone = trustme.CA()  # an authority's own certificate is signed by itself
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        file = folder / "alone.pem"
        alone.cert_pem.write_to_path(str(file))
        alone.private_key_pem.write_to_path(str(file), append=True)
        context.load_cert_chain(file)
        return TLSServer(context, answer)
    shown = {
        "expired": lambda: authority.issue_cert(HOST, not_before=NOW - 9 * DAY, not_after=NOW - DAY),
        "not yet valid": lambda: authority.issue_cert(HOST, not_before=NOW + DAY, not_after=NOW + 9 * DAY),
        "wrong host": lambda: authority.issue_cert("looker.example.com", "127.0.0.2"),
        "unknown authority": lambda: trustme.CA().issue_cert(HOST),
    }
    return TLSServer(context_of(shown[kind]()), answer)


@contextlib.contextmanager
def connected(server: TLSServer, verify_ssl: bool | str) -> Iterator[lf.Looker]:
    """Make a client that would try again soon and often."""
    secret = lf.Secret("not to be seen")
    settings = lf.Settings(
        base_url=server.url,
        client_id="id",
        client_secret=secret,
        verify_ssl=verify_ssl,
        backoff_base=0.001,
        backoff_cap=0.002,
        connect_attempts=5,
    )
    with lf.Looker(settings) as looker:
        yield looker


@pytest.mark.parametrize("kind", REFUSED)
def test_an_impostor_is_refused_at_once(
    kind: str, authority: trustme.CA, trusted: str, tmp_path: Path, counts: Counts
) -> None:
    """One greeting, no second try, and not a byte of a request; the error says what was wrong and what to do."""
    with server_of(kind, authority, tmp_path) as server, connected(server, trusted) as looker:
        with pytest.raises(lf.NetworkError) as caught:
            looker.me()

        assert (caught.value.reason, caught.value.attempts) == ("tls", 1)
        assert server.greeted == 1
        assert server.requests == []
    assert REFUSED[kind] in str(caught.value).lower()
    assert "verify_ssl" in str(caught.value)
    counts("S4", kinds_refused=len(REFUSED))


def test_the_server_of_tls_1_1_can_be_talked_to(authority: trustme.CA, tmp_path: Path) -> None:
    """By a client that lowers itself: it was the version that was refused above."""
    low = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(low)
    low.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        low.minimum_version = ssl.TLSVersion.TLSv1_1
    with (
        server_of("TLS 1.1", authority, tmp_path) as server,
        socket.create_connection((HOST, server.port), timeout=5) as plain,
        low.wrap_socket(plain, server_hostname=HOST) as secure,
    ):
        assert secure.version() == "TLSv1.1"


def test_a_private_authority_can_be_named(authority: trustme.CA, trusted: str) -> None:
    """Its file is all that is needed, and no other authority is trusted then."""
    with TLSServer(context_of(authority.issue_cert(HOST)), answer) as server:
        with connected(server, trusted) as looker:
            assert looker.me().display_name == "Somebody"
        assert server.paths == ["POST /login", "GET /user", "DELETE /logout"]


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_private_authority_of_the_machine(
    name: str, authority: trustme.CA, trusted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables that `requests` knows hold here, too."""
    for known in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(known, raising=False)
    with TLSServer(context_of(authority.issue_cert(HOST)), answer) as server:
        with connected(server, verify_ssl=True) as looker, pytest.raises(lf.NetworkError, match="issuer"):
            looker.me()
        monkeypatch.setenv(name, trusted)
        with connected(server, verify_ssl=True) as looker:
            assert looker.me().display_name == "Somebody"


def test_a_named_authority_wins_over_that_of_the_machine(
    authority: trustme.CA, trusted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the settings say is not widened by a variable."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusted)
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    with (
        TLSServer(context_of(authority.issue_cert(HOST)), answer) as server,
        connected(server, str(other)) as looker,
        pytest.raises(lf.NetworkError, match="verify_ssl") as caught,
    ):
        looker.me()

    assert caught.value.reason == "tls"


def test_no_check_at_all_is_said_aloud(authority: trustme.CA, tmp_path: Path) -> None:
    """A warning names the setting, once for a host; the call is made."""
    with server_of("unknown authority", authority, tmp_path) as server, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("default")
        for _ in range(3):
            with connected(server, verify_ssl=False) as looker:
                assert looker.me().display_name == "Somebody"

    ours = [warning for warning in warned if "verify_ssl" in str(warning.message)]
    assert [str(warning.message).count(server.url) for warning in ours] == [1]
