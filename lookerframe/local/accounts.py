"""Who may call, and how often: users with API keys, their access tokens, and a limit on calls.

Sources: Looker's documentation (login, both spellings of the header, logout, login as another user,
429 without a word on its headers). To a user who is no admin, that login is 403.
"""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lookerframe.local.errors import ApiError, not_found, unauthenticated


@dataclass(frozen=True, slots=True)
class User:
    """A user of a local Looker, and the user's API key.

    Attributes
    ----------
    is_admin : bool
        Whether the user sees and may kill everybody's queries, and may log in as another one.
    """

    id: str
    first_name: str
    last_name: str
    is_admin: bool = False
    client_id: str = field(default_factory=lambda: secrets.token_hex(10))
    client_secret: str = field(default_factory=lambda: secrets.token_hex(12), repr=False)

    @property
    def display_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"

    def public(self, base_url: str) -> dict[str, Any]:
        """Write the user as other answers name it: ``UserPublic``."""
        return {
            "can": {"show": True, "index": True},
            "id": self.id,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "display_name": self.display_name,
            "url": f"{base_url}/api/4.0/users/{self.id}",
        }

    def as_json(self, base_url: str) -> dict[str, Any]:
        """Write the user as ``GET /user`` does."""
        return {
            **self.public(base_url),
            "email": f"{self.last_name.lower()}{self.id}@example.com",
            "locale": "en",
            "is_disabled": False,
            "group_ids": ["1"],
            "role_ids": ["1" if self.is_admin else "2"],
        }


@dataclass(frozen=True, slots=True)
class Session:
    """A user who is logged in."""

    user: User
    token: str
    expires: float


class Accounts:
    """The users, and the tokens that were given to them.

    Parameters
    ----------
    count : int
        How many users; the first is an admin.
    token_ttl : float
        Seconds that a token is good for.
    """

    def __init__(self, count: int = 1, *, token_ttl: float) -> None:
        admin = User("1", "Local", "Looker", is_admin=True)
        self.users = (admin, *(User(str(number), "Local", f"User{number}") for number in range(2, count + 1)))
        self._token_ttl = token_ttl
        self._sessions: dict[str, Session] = {}
        self._calls: Counter[str] = Counter()

    def login(self, client_id: str | None, client_secret: str | None) -> dict[str, Any]:
        """Exchange a key for a token; a wrong key is 404, as documented."""
        given = (client_id or "").encode(), (client_secret or "").encode()
        for user in self.users:
            if all(map(secrets.compare_digest, given, (user.client_id.encode(), user.client_secret.encode()))):
                return self._token(user)
        raise not_found()

    def login_as(self, caller: User, user_id: str) -> dict[str, Any]:
        """Give an admin the token of another user, each time a new one."""
        if not caller.is_admin:
            raise ApiError(403, "Only an admin may log in as another user.")
        for user in self.users:
            if user.id == user_id:
                return self._token(user)
        raise not_found()

    def check(self, authorization: str) -> Session:
        """Read the header ``token X`` or ``Bearer X`` and say whose token it is, if it is good."""
        scheme, _, token = authorization.partition(" ")
        session = self._sessions.get(token)
        if scheme.lower() not in ("token", "bearer") or session is None or session.expires <= time.monotonic():
            raise unauthenticated()
        self._calls[token] += 1
        return session

    def logout(self, session: Session) -> None:
        """Make a token worthless."""
        self._sessions.pop(session.token, None)

    def revoke(self, authorization: str) -> None:
        """Make the token of a header worthless, as if it had ended."""
        self._sessions.pop(authorization.partition(" ")[2], None)

    def calls_with(self, authorization: str) -> int:
        """Count the calls that the token of a header was good for."""
        return self._calls[authorization.partition(" ")[2]]

    def _token(self, user: User) -> dict[str, Any]:
        session = Session(user, secrets.token_urlsafe(30), time.monotonic() + self._token_ttl)
        self._sessions[session.token] = session
        return {
            "access_token": session.token,
            "token_type": "Bearer",
            "expires_in": math.ceil(self._token_ttl),
            "refresh_token": None,
        }


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
