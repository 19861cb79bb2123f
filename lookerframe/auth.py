"""Logging in: one token for all threads, renewed before it ends, given back at the end."""

from __future__ import annotations

import logging
import math
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lookerframe.config import Secret
from lookerframe.deadline import Deadline, Stats
from lookerframe.exceptions import (
    AccessError,
    AuthError,
    LookerFrameError,
    NotFoundError,
    SchemaError,
    SchemaProblem,
)
from lookerframe.transport import Transport
from lookerframe.validation import check

if TYPE_CHECKING:
    from collections.abc import Callable

    from lookerframe.config import Settings

_log = logging.getLogger(__name__)

_LOGIN = "POST /login"
# A token is renewed this long before its end, so that no call sets out with one that ends on the way.
_MARGIN_SECONDS = 60.0
_MARGIN_SHARE = 0.05
_LOGOUT_SECONDS = 1.5
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class _Granted:
    secret: Secret
    renew_at: float


class Login:
    """The login of one user, shared by all threads of a client.

    Parameters
    ----------
    settings : Settings
        Where and as whom.
    clock : callable
        Time in seconds, only ever compared with itself: a seam for tests.

    Notes
    -----
    `token` is what `Transport` takes as its source of tokens. How long a token lasts is counted on this machine's
    monotonic clock, from before it was asked for; what time it is matters nowhere. Source: Looker API 4.0,
    ``POST /login`` (``expires_in`` in seconds), ``DELETE /logout``.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._granted: _Granted | None = None
        self._transport = Transport(settings, self._leaving)

    def token(
        self, rejected: Secret | None = None, deadline: Deadline | None = None, stats: Stats | None = None
    ) -> Secret:
        """Return a token that should be accepted, logging in if there is none.

        Parameters
        ----------
        rejected : Secret, optional
            A token that Looker answered 401 to. Of many threads that come with the same one, the first logs in, and the
            others get what it brings.
        deadline : Deadline, optional
            Of the operation that needs the token; by default `Settings.task_timeout` from now.
        stats : Stats, optional
            Of that operation: a login that it needs is counted there, and so is waiting for another thread's.

        Raises
        ------
        AuthError
            The credentials are not accepted; the message says which settings to check.
        SchemaError, UnexpectedContentError
            The answer holds no token; base_url is perhaps not the API's address.
        FetchError
            The call failed otherwise, or took too long.
        """
        usable = self._usable(rejected)
        if usable is not None:
            return usable
        deadline = deadline or Deadline(self.settings.task_timeout)
        left = deadline.remaining()
        stats = stats or Stats()
        with stats.phase("logging_in", clock=deadline.now):
            if not self._lock.acquire(timeout=-1 if math.isinf(left) else min(left, threading.TIMEOUT_MAX)):
                raise deadline.error("logging in", endpoint=_LOGIN)
            try:
                return self._usable(rejected) or self._log_in(deadline, stats)
            finally:
                self._lock.release()

    def logout(self) -> None:
        """Give the token back and close the connections. Harmless when called twice; a failure is only logged."""
        deadline = Deadline(_LOGOUT_SECONDS)
        if self._lock.acquire(timeout=_LOGOUT_SECONDS):  # another thread may be logging in
            try:
                if self._granted is not None:
                    self._transport.request("DELETE", "/logout", deadline=deadline)
            except LookerFrameError as exc:
                _log.info("the token could not be given back, and ends by itself: %s", exc)
            finally:
                self._granted = None
                self._lock.release()
        self._transport.close()

    def _usable(self, rejected: Secret | None) -> Secret | None:
        granted = self._granted
        if granted is None or granted.secret == rejected or self._clock() >= granted.renew_at:
            return None
        return granted.secret

    def _log_in(self, deadline: Deadline, stats: Stats) -> Secret:
        asked_at = self._clock()  # the token cannot be older than the question
        try:
            reply = self._transport.request(
                "POST",
                "/login",
                # Revealed here, once for all attempts: a function that cannot bring it is no failure of the network.
                form={
                    "client_id": Secret(self.settings.client_id),
                    "client_secret": Secret(self.settings.client_secret.reveal()),
                },
                deadline=deadline,
                idempotent=True,
                authenticated=False,
                stats=stats,
            )
        except (NotFoundError, AuthError, AccessError) as exc:
            # A wrong client_id or client_secret is 404, by design. Source: Looker documentation.
            message = (
                f"{self.settings.base_url} does not accept the credentials; check client_id and client_secret, and "
                "that base_url is the API's address (some instances have it on port 19999)"
            )
            raise AuthError(
                message,
                endpoint=_LOGIN,
                status=exc.status,
                documentation_url=exc.documentation_url,
                attempts=exc.attempts,
                elapsed=exc.elapsed,
            ) from exc
        secret, lasts = _read(reply.json())
        margin = min(max(_MARGIN_SECONDS, _MARGIN_SHARE * lasts), lasts / 2)
        self._granted = _Granted(secret, asked_at + lasts - margin)
        _log.debug("logged in for %g s", lasts)
        return secret

    def _leaving(self, rejected: Secret | None, _deadline: Deadline, _stats: Stats | None) -> Secret:
        # The token of `logout`, which must not log in to log out.
        if rejected is not None or self._granted is None:
            message = "the token has ended already"
            raise AuthError(message)
        return self._granted.secret


def _read(body: Any) -> tuple[Secret, float]:
    secret = Secret("")
    shown: Any = []
    if isinstance(body, dict):
        shown = {name: body[name] for name in ("token_type", "expires_in") if name in body}
        if isinstance(body.get("access_token"), str):
            secret = Secret(body["access_token"])
            shown["access_token"] = "***"  # noqa: S105 - no password
        elif "access_token" in body:
            shown["access_token"] = type(body["access_token"])()  # of the same type, and empty
    # Nothing secret keeps a name: tracebacks that show local variables show those of this frame, too.
    body = shown
    check(body, schema="access_token")
    if not _PRINTABLE.fullmatch(secret.reveal()):
        problem = SchemaProblem("$.access_token", "pattern", "printable characters without spaces", "something else")
        raise SchemaError([problem], schema="access_token")
    return secret, max(0.0, float(body["expires_in"]))
