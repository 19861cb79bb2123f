"""Result formats: one module each, one literal table.

A decoder parses, checks, refuses, types, and hands over a `Result`, always in that order. To add one: its module, its
line in ``_FORMATS``, and its JSON Schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lookerframe.exceptions import UnknownFormatError
from lookerframe.fields import Typing
from lookerframe.formats.json_detail import JsonDetail
from lookerframe.formats.json_rows import JsonRows

if TYPE_CHECKING:
    from lookerframe.payload import Payload
    from lookerframe.result import OnTruncate, Result


class Format(Protocol):
    """A decoder of one result format."""

    @property
    def name(self) -> str:
        """As the API spells it: ``"json_detail"``."""
        ...

    def decode(self, payload: Payload, *, typing: Typing, on_truncate: OnTruncate) -> Result:
        """Turn a payload into a result, its first batch read."""
        ...


_FORMATS: dict[str, Format] = {f.name: f for f in (JsonDetail(), JsonRows())}


def available() -> tuple[str, ...]:
    """List the result formats that can be decoded."""
    return tuple(_FORMATS)


def require(result_format: str | None) -> Format:
    """Return the decoder of a result format.

    Raises
    ------
    UnknownFormatError
        There is none.
    """
    found = _FORMATS.get(result_format) if isinstance(result_format, str) else None
    if found is None:
        raise UnknownFormatError(result_format, known=_FORMATS)
    return found


def decode(payload: Payload, *, typing: Typing | None = None, on_truncate: OnTruncate = "warn") -> Result:
    """Decode a payload by its own result format.

    Parameters
    ----------
    payload
        Bytes and what is known about them.
    typing
        What the caller decides about types; by default Looker's metadata decides.
    on_truncate : {"warn", "raise", "ignore"}
        What happens at the end of the rows if Looker cut them at a limit.

    Raises
    ------
    UnknownFormatError
        There is no decoder for the format.
    LookerSQLError
        The query failed, however the format words it.
    PayloadError, ConversionError
        The payload is not what the format says, or a value does not fit its column; also later, as rows are read.
    """
    try:
        return require(payload.result_format).decode(payload, typing=typing or Typing(), on_truncate=on_truncate)
    except BaseException:
        payload.close()
        raise
