"""Who may call, and how often: one API key, its access tokens, and a limit on calls.

Sources: looker-api.md §8.1 (login, both spellings of the header, logout) and §7.2 (429; its headers are not
documented).
"""

from __future__ import annotations

import math
import secrets
import threading
import time
from typing import Any

from lookerframe.local.errors import ApiError, not_found, unauthenticated

USER_ID = "1"


class Accounts:
    """The API key of the one user, and the tokens that were given for it.

    Parameters
    ----------
    token_ttl : float
        Seconds that a token is good for.
    """

    def __init__(self, *, token_ttl: float) -> None:
        self.client_id = secrets.token_hex(10)
        self.client_secret = secrets.token_hex(12)
        self._token_ttl = token_ttl
        self._tokens: dict[str, float] = {}

    def login(self, client_id: str | None, client_secret: str | None) -> dict[str, Any]:
        """Exchange the key for a token; a wrong key is 404, as documented."""
        given = (client_id or "").encode(), (client_secret or "").encode()
        expected = self.client_id.encode(), self.client_secret.encode()
        if not all(map(secrets.compare_digest, given, expected)):
            raise not_found()
        token = secrets.token_urlsafe(30)
        self._tokens[token] = time.monotonic() + self._token_ttl
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": math.ceil(self._token_ttl),
            "refresh_token": None,
        }

    def check(self, authorization: str) -> str:
        """Read the header ``token X`` or ``Bearer X`` and return the token, if it is good."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() not in ("token", "bearer") or self._tokens.get(token, 0) <= time.monotonic():
            raise unauthenticated()
        return token

    def logout(self, token: str) -> None:
        """Make a token worthless."""
        self._tokens.pop(token, None)


class RateLimit:
    """At most so many calls a second, over all callers; a call above that is 429.

    Parameters
    ----------
    calls_per_second : float or None
        None is no limit. After a pause one second's worth of calls may come at once.
    retry_after : bool
        Whether the refusal says how long to wait.
    """

    def __init__(self, calls_per_second: float | None, *, retry_after: bool) -> None:
        self._rate = calls_per_second
        self._retry_after = retry_after
        self._most = max(1.0, calls_per_second or 0)
        self._left = self._most
        self._seen = time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Count one call.

        Raises
        ------
        ApiError
            429: there were too many.
        """
        if self._rate is None:
            return
        with self._lock:
            now = time.monotonic()
            self._left = min(self._most, self._left + (now - self._seen) * self._rate)
            self._seen = now
            if self._left >= 1:
                self._left -= 1
                return
            wait = math.ceil((1 - self._left) / self._rate)
        headers = {"Retry-After": str(wait)} if self._retry_after else {}
        raise ApiError(429, f"Too many requests: more than {self._rate:g} calls a second.", headers=headers)
