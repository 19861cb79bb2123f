"""Answers to wrong calls, as Looker words them.

Sources: the ``Error`` and ``ValidationError`` schemas of the API; recorded bodies of 401, 404 and 422.
The host in ``documentation_url`` is the one that the newest recorded payload has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_DOCUMENTATION = "https://docs.cloud.google.com/looker/docs/r/err/4.0"


@dataclass(frozen=True, slots=True)
class Problem:
    """One item of a ``ValidationError``.

    Attributes
    ----------
    field : str
        The key or parameter that is wrong.
    message : str
        What was met, what was expected.
    code : str
        ``missing_field`` or ``invalid``, as the documentation names them.
    """

    field: str
    message: str
    code: str = "invalid"


class ApiError(Exception):
    """A call that is answered with an error status."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        problems: tuple[Problem, ...] = (),
        headers: dict[str, str] | None = None,
        documentation_url: str | None = None,
    ) -> None:
        self.status = status
        self.message = message
        self.problems = problems
        self.headers = headers or {}
        self.documentation_url = documentation_url
        super().__init__(status, message)

    def body(self, verb: str, path: str) -> dict[str, Any]:
        """Write the answer to ``verb path``; `path` names its parameters, as in ``/looks/:look_id``."""
        url = self.documentation_url or f"{_DOCUMENTATION}/{self.status}/{verb.lower()}{path}"
        if not self.problems:
            return {"message": self.message, "documentation_url": url}
        errors = [
            {"field": item.field, "code": item.code, "message": item.message, "documentation_url": url}
            for item in self.problems
        ]
        return {"message": self.message, "errors": errors, "documentation_url": url}


def not_found() -> ApiError:
    """Answer to an unknown id, an unknown path and wrong credentials alike: it says little by design."""
    return ApiError(404, "Not found", documentation_url="http://docs.looker.com/")


def unauthenticated() -> ApiError:
    """Answer to a call without a valid token."""
    return ApiError(401, "Requires authentication.", documentation_url="http://docs.looker.com/")


def invalid(*problems: Problem) -> ApiError:
    """Answer that lists everything that is wrong with a request."""
    return ApiError(422, "Validation Failed", problems=problems)
