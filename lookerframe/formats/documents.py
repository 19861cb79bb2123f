"""``sql``, ``gsxml``, ``odc``, ``png`` and ``jpg``: results that are no tables, handed over as they came.

Sources: recorded answers (``sql``); the API's list of formats. The shape of ``gsxml`` and ``odc`` is in no source, so
they are looked at only as far as to tell them from an error: a failed call may answer in JSON or with a page of HTML
whatever was asked for, and neither may pass for the document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookerframe.exceptions import IncompleteResultError, PayloadError, UnexpectedContentError
from lookerframe.render import text_of_html
from lookerframe.result import Document, Findings

if TYPE_CHECKING:
    from lookerframe.columns import Decoding
    from lookerframe.payload import Payload
    from lookerframe.result import Result

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"
_JPEG = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"
#: What office programs name their own kinds of markup by.
_OFFICE = "urn:schemas-microsoft-com"
_START = 4_096


@dataclass(frozen=True, slots=True)
class TextDocument:
    """A decoder of text.

    Attributes
    ----------
    name
        The result format.
    is_markup
        Whether it may be HTML or XML.
    """

    name: str
    is_markup: bool = False

    def decode(self, payload: Payload, decoding: Decoding) -> Result:  # noqa: ARG002 - there are no columns
        """Turn a payload into a result without rows; see `formats.decode`.

        Raises
        ------
        UnexpectedContentError
            It is no text, or an error of Looker or of a proxy.
        IncompleteResultError
            It is empty, or markup that stops in a tag.
        """
        content = payload.read()
        try:
            text = content.decode("utf-8-sig").strip()
        except UnicodeDecodeError as exc:
            message = f"expected text, met byte 0x{content[exc.start]:02x}"
            raise UnexpectedContentError(message, result_format=self.name, offset=exc.start) from None
        if not text or "\0" in text or text[0] in "{[" or (text[0] == "<" and self._is_page(text)):
            raise _unexpected(f"the text of {self.name}", content, self.name)
        if text[0] == "<" and text[-1] != ">":
            message = f"the body ends with {text[-100:]!r}, in the middle of its markup"
            raise IncompleteResultError(message, result_format=self.name, offset=len(content))
        return _document(content, payload, self.name)

    def _is_page(self, text: str) -> bool:
        start = text[:_START].lower()
        return not self.is_markup or (start.startswith(("<html", "<!doctype html")) and _OFFICE not in start)


@dataclass(frozen=True, slots=True)
class Image:
    """A decoder of images.

    Attributes
    ----------
    name
        The result format.
    start, end
        The bytes with which such a file begins and ends.
    """

    name: str
    start: bytes
    end: bytes

    def decode(self, payload: Payload, decoding: Decoding) -> Result:  # noqa: ARG002 - there are no columns
        """Turn a payload into a result without rows; see `formats.decode`.

        Raises
        ------
        UnexpectedContentError
            It is no such image.
        IncompleteResultError
            It is empty, or its end is missing.
        """
        content = payload.read()
        if not content.startswith(self.start):
            raise _unexpected(f"an image ({self.name})", content, self.name)
        if not content.rstrip(b"\0\r\n").endswith(self.end):
            message = f"the image stops after {len(content):,} bytes, before its end"
            raise IncompleteResultError(message, result_format=self.name, offset=len(content))
        return _document(content, payload, self.name)


PNG = Image("png", _PNG, _PNG_END)
JPG = Image("jpg", _JPEG, _JPEG_END)
SQL = TextDocument("sql")
GSXML = TextDocument("gsxml", is_markup=True)
ODC = TextDocument("odc", is_markup=True)


def _document(content: bytes, payload: Payload, result_format: str) -> Document:
    findings = Findings({"result_format": result_format, **payload.context})
    return Document(content, findings, stats=payload.stats)


def _unexpected(expected: str, content: bytes, result_format: str) -> PayloadError:
    if not content.strip():
        return IncompleteResultError(f"the body is empty: expected {expected}", result_format=result_format)
    text = text_of_html(content[:_START].decode("utf-8", "replace"))
    met = repr(text) if text else "a page without text"
    return UnexpectedContentError(f"expected {expected}, met {met}", result_format=result_format)
