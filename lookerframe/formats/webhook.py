"""The body that Looker posts to a webhook or an action, with a result inside.

Source: recorded bodies. They have ``type``, ``scheduled_plan``, ``attachment`` (with ``mimetype``, ``extension``,
``data``), ``data`` and ``form_params``. Text stands in ``attachment.data`` as it is; bytes are in base64, with line
breaks, and the media type ends with ``;base64``. JSON that is sent inline stands in ``data``.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import msgspec

from lookerframe.exceptions import PayloadError, UnexpectedContentError, UnknownFormatError
from lookerframe.formats.detection import WEBHOOK, detect
from lookerframe.models import SavedQuery
from lookerframe.payload import Payload
from lookerframe.render import shorten
from lookerframe.rows import parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

_JSON = "json"
#: Extension of an attachment → result format.
_EXTENSIONS = {
    "csv": "csv",
    "htm": "html",
    "html": "html",
    "jpeg": "jpg",
    "jpg": "jpg",
    "json": _JSON,
    "md": "md",
    "png": "png",
    "sql": "sql",
    "txt": "txt",
    "xlsx": "xlsx",
}
#: The same by its media type, for attachments without an extension.
_MEDIA_TYPES = {
    "application/json": _JSON,
    "application/sql": "sql",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "image/jpeg": "jpg",
    "image/png": "png",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "md",
    "text/plain": "txt",
}
_START = 4_096
_BREAKS = {ord(character): None for character in " \t\r\n"}


def unwrap(body: bytes, *, origin: str = WEBHOOK) -> Payload:
    """Take the result out of a webhook's body.

    Parameters
    ----------
    body
        The whole of it.
    origin
        Its name, for messages.

    Returns
    -------
    Payload
        The result and its format; `Payload.whole`, for the end of the JSON around it was met. Its context has the
        title of the schedule and what the schedule says of its query.

    Raises
    ------
    UnexpectedContentError
        It has no result.
    UnknownFormatError
        Its attachment is of a kind that is no result: a PDF, a folder of files.
    PayloadError
        It is not well-formed.

    Notes
    -----
    What the receiver entered in a form, and addresses, stay out of the context and of messages: they may be secret.
    """
    document = parse_object(body, result_format=WEBHOOK)
    if not isinstance(document, dict):
        message = f"expected the object that Looker posts, met {type(document).__name__}"
        raise UnexpectedContentError(message, result_format=WEBHOOK)
    attachment = document.get("attachment")
    if isinstance(attachment, dict) and attachment.get("data") is not None:
        result_format, content = _attached(attachment)
    else:
        content = _inline(body, document.get("data"))
        result_format = detect(content[:_START])
    return Payload(result_format, [content], origin=origin, context=_context(document), whole=True)


def _attached(attachment: Mapping[str, Any]) -> tuple[str, bytes]:
    data = attachment["data"]
    if not isinstance(data, str):
        message = f"the attachment's data is {type(data).__name__}, not text"
        raise PayloadError(message, result_format=WEBHOOK)
    media_type, *options = (part.strip().lower() for part in str(attachment.get("mimetype") or "").split(";"))
    extension = str(attachment.get("extension") or "").lower().lstrip(".")
    result_format = _EXTENSIONS.get(extension) if extension else _MEDIA_TYPES.get(media_type)
    if result_format is None:
        raise UnknownFormatError(shorten(extension or media_type, 40) or None, known=set(_EXTENSIONS.values()))
    content = _unpacked(data) if "base64" in options else data.encode()
    # One extension for all that is JSON.
    return (detect(content[:_START]) if result_format == _JSON else result_format), content


def _unpacked(data: str) -> bytes:
    try:
        return base64.b64decode(data.translate(_BREAKS).encode(), validate=True)
    except (binascii.Error, ValueError) as exc:
        message = f"the attachment is not the base64 that its media type says: {exc}"
        raise PayloadError(message, result_format=WEBHOOK) from exc


def _inline(body: bytes, data: Any) -> bytes:
    # Its own spelling, for numbers change when they are parsed and written again.
    is_result = isinstance(data, list) or (isinstance(data, dict) and bool({"data", "fields", "rows"} & data.keys()))
    if is_result:
        return bytes(msgspec.json.decode(body, type=dict[str, msgspec.Raw])["data"])
    if isinstance(data, str) and data.lstrip().startswith(("[", "{")):
        return data.encode()
    message = "the body has neither an attachment nor rows in 'data'; let the schedule send its results"
    raise UnexpectedContentError(message, result_format=WEBHOOK)


def _context(document: Mapping[str, Any]) -> dict[str, Any]:
    given = document.get("scheduled_plan")
    plan = given if isinstance(given, dict) else {}
    query = SavedQuery.from_api(plan.get("query") or {})
    query_id = plan.get("query_id") or query.id
    # Ids were numbers in older releases.
    facts = {**query.facts(), "title": plan.get("title"), "query_id": None if query_id is None else str(query_id)}
    return {name: value for name, value in facts.items() if value is not None}
