"""Result formats: one module each, one literal table.

A decoder parses, checks, refuses, types, and hands over a `Result`, always in that order. To add one: its module, its
line in ``_FORMATS``, and its JSON Schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lookerframe.columns import Decoding
from lookerframe.exceptions import UnknownFormatError
from lookerframe.formats.delimited import Csv, Txt
from lookerframe.formats.documents import GSXML, JPG, ODC, PNG, SQL
from lookerframe.formats.json_bi import JSON_BI
from lookerframe.formats.json_detail import JSON_DETAIL, JSON_DETAIL_LITE_STREAM
from lookerframe.formats.json_rows import JsonRows
from lookerframe.formats.markup import Html, Md
from lookerframe.formats.unlisted import Unlisted
from lookerframe.formats.xlsx import Xlsx

if TYPE_CHECKING:
    from lookerframe.payload import Payload
    from lookerframe.result import Result


class Format(Protocol):
    """A decoder of one result format."""

    @property
    def name(self) -> str:
        """As the API spells it: ``"json_detail"``."""
        ...

    def decode(self, payload: Payload, decoding: Decoding) -> Result:
        """Turn a payload into a result, its first batch read."""
        ...


_ALL: tuple[Format, ...] = (
    JSON_DETAIL,
    JSON_DETAIL_LITE_STREAM,
    JSON_BI,
    JsonRows("json"),
    JsonRows("inline_json"),
    JsonRows("json_label", by_label=True),
    Csv(),
    Txt(),
    Html(),
    Md(),
    Xlsx(),
    Unlisted("json_fe"),
    SQL,
    GSXML,
    ODC,
    PNG,
    JPG,
)
_FORMATS: dict[str, Format] = {f.name: f for f in _ALL}


def available() -> tuple[str, ...]:
    """List the result formats that can be decoded."""
    return tuple(_FORMATS)


def require(result_format: str | None) -> Format:
    """Return the decoder of a result format that a caller names.

    Raises
    ------
    UnknownFormatError
        There is none: most likely misspelt.
    """
    found = _FORMATS.get(result_format) if isinstance(result_format, str) else None
    if found is None:
        raise UnknownFormatError(result_format, known=_FORMATS)
    return found


def decode(payload: Payload, decoding: Decoding | None = None) -> Result:
    """Decode a payload by its own result format; one that is not known only if it looks like rows, else as a document.

    Parameters
    ----------
    payload
        Bytes and what is known about them.
    decoding
        What the caller decides; by default Looker's metadata decides all.

    Raises
    ------
    LookerSQLError
        The query failed, however the format words it.
    PayloadError, ConversionError
        The payload is not what the format says, or a value does not fit its column; also later, as rows are read.
    """
    try:
        known = _FORMATS.get(payload.result_format) or Unlisted(payload.result_format)
        return known.decode(payload, decoding or Decoding())
    except BaseException:
        payload.close()
        raise
