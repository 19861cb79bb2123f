"""What answers that are no success mean, and what it means that none came: statuses and failures → errors."""

from __future__ import annotations

import email.utils
import http
import http.client
import json as jsonlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3

from lookerframe.exceptions import (
    AccessError,
    AuthError,
    FetchError,
    InvalidQueryError,
    LookerFrameError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ServerError,
    problems_of,
)
from lookerframe.render import shorten, text_of_html

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_ERROR_TEXT = 2_000
# Error -> `NetworkError.reason`, and whether the request may have reached the server. The first that fits holds.
_REASONS: tuple[tuple[type[Exception], str, bool], ...] = (
    (requests.exceptions.SSLError, "tls", False),
    (requests.exceptions.ProxyError, "proxy", False),
    (requests.exceptions.ConnectTimeout, "timeout", False),
    (requests.exceptions.ReadTimeout, "timeout", True),
    (requests.exceptions.InvalidHeader, "protocol", True),
    (ValueError, "request", False),  # a host that cannot be encoded, a header that cannot be written
    (requests.exceptions.ConnectionError, "reset", True),
    (requests.exceptions.RequestException, "protocol", True),
    (urllib3.exceptions.HTTPError, "protocol", True),
    (OSError, "tls", False),  # the file of authorities is not there
)
#: Reasons that another attempt does not mend.
HOPELESS = frozenset({"tls", "protocol", "request", "redirect"})
#: Reason → what to tell; ``late`` is a timeout before the connection stood.
SILENCE = {
    "connect": "no connection to {host}; check base_url and its port",
    "dns": "there is no host {host}, or its name cannot be resolved here; check base_url",
    "proxy": "no connection to {host} through the proxy that HTTPS_PROXY or HTTP_PROXY names",
    "tls": "no trusted connection to {host}; for a private authority, set verify_ssl to its CA file",
    "late": "no connection to {host} within {settings.connect_timeout:g} s (Settings.connect_timeout)",
    "timeout": "no answer from {host} within {settings.timeout:g} s (Settings.timeout)",
    "reset": "the connection to {host} broke before an answer came",
    "request": "the call of {host} cannot be written; check the host in base_url",
    "protocol": "what {host} answered is not HTTP; check base_url and its port",
}
#: What to tell of a call whose connection breaks at every attempt. Source: looker-open-source/sdk-codegen#1419.
RESET_AGAIN = (
    "every attempt ended like this: the likely cause is a parameter that the server cannot digest; compare the options "
    "of the call with its documentation"
)
_ADVICE = {
    401: "Looker does not accept the token",
    403: "this user may not do this; if no call works, check host and port of base_url",
    404: "there is no such thing, or this user may not see it: Looker answers alike",
}
_ERRORS: dict[int, type[FetchError]] = {401: AuthError, 403: AccessError, 404: NotFoundError, 429: RateLimitError}


def root_cause(exc: BaseException) -> BaseException:
    """Find the first cause, and cut it loose from frames and wrappers, which hold the request."""
    for _ in range(10):
        inner = [getattr(exc, "reason", None), exc.__cause__, *reversed(exc.args)]
        found = next((item for item in inner if isinstance(item, BaseException)), None)
        if found is None:
            break
        exc = found
    exc.__cause__ = exc.__context__ = None
    return exc.with_traceback(None)


def reason_of(exc: Exception, cause: BaseException) -> tuple[str, bool]:
    """Tell the kind of a failure, and whether the request may have reached the server."""
    wrapped = exc.args[0] if exc.args else None
    if isinstance(cause, http.client.BadStatusLine) and not isinstance(cause, http.client.RemoteDisconnected):
        return "protocol", True
    found = next(((reason, sent) for kind, reason, sent in _REASONS if isinstance(exc, kind)), ("protocol", True))
    if found[0] == "reset" and isinstance(wrapped, urllib3.exceptions.MaxRetryError):
        unknown = isinstance(wrapped.reason, urllib3.exceptions.NameResolutionError)
        return ("dns" if unknown else "connect"), False
    return found


def error_of(status: int, headers: Mapping[str, str], body: bytes, endpoint: str) -> LookerFrameError:
    """Make the error of an answer that is no success: 422 lists problems, any other is a `FetchError` of some kind."""
    message, documentation_url, errors = _said(headers, body)
    if status == http.HTTPStatus.UNPROCESSABLE_ENTITY:
        message = message or "Looker does not accept this"
        problems = problems_of(errors)
        return InvalidQueryError(problems, message=message, documentation_url=documentation_url, endpoint=endpoint)
    facts: dict[str, Any] = {"endpoint": endpoint, "status": status, "documentation_url": documentation_url}
    if http.HTTPStatus.MULTIPLE_CHOICES <= status < http.HTTPStatus.BAD_REQUEST:
        target = urlsplit(headers.get("Location", ""))
        elsewhere = f" to {target.scheme}://{target.hostname}" if target.hostname else ""
        text = f"a redirect{elsewhere}, which calls do not follow; base_url must be the address of the API itself"
        return NetworkError(text, reason="redirect", **facts)
    fallback = ServerError if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR else FetchError
    error = _ERRORS.get(status, fallback)(message or _phrase(status), **facts)
    error.advice = _ADVICE.get(status)
    error.is_page = is_html(headers, body)
    return error


def _said(headers: Mapping[str, str], body: bytes) -> tuple[str, str | None, list[Any]]:
    """Read an error body: Looker's JSON, else whatever a proxy wrote."""
    text = body.decode("utf-8", "replace")
    if is_html(headers, body):
        return text_of_html(text), None, []
    try:
        found = jsonlib.loads(text)
    except (ValueError, RecursionError):
        return shorten(" ".join(text.split()), 500), None, []
    if isinstance(found, list) and found and isinstance(found[0], dict) and "looker_error" in found[0]:
        found = {"message": found[0]["looker_error"]}
    if not isinstance(found, dict):
        return shorten(text, 500), None, []
    message, url, errors = found.get("message"), found.get("documentation_url"), found.get("errors")
    return (
        shorten(message, _MAX_ERROR_TEXT) if isinstance(message, str) else "",
        url if isinstance(url, str) else None,
        errors if isinstance(errors, list) else [],
    )


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"


def is_html(headers: Mapping[str, str], body: bytes = b"") -> bool:
    """Tell whether an answer is a page for people, by its header or by how it begins."""
    declared = headers.get("Content-Type", "").strip().lower().startswith("text/html")
    return declared or body[:100].lstrip().startswith(b"<")


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Read ``Retry-After``, in seconds or as a date; anything else counts as absent.

    A date is compared with the answer's own ``Date``: the clocks of two machines are not. Source: RFC 9110 §10.2.3.
    """
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.ASCII):
        return float(value)
    try:
        then = email.utils.parsedate_to_datetime(value)
        now = email.utils.parsedate_to_datetime(headers.get("Date", ""))
        return max(0.0, (then - now).total_seconds())
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
