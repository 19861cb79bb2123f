"""Names from a server as names of files: the title of a Look says what is in a file, never where it goes."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from pathlib import Path

from lookerframe.exceptions import ConfigError, ExportError

#: Bytes of a whole name in UTF-8. Common file systems take 255; the rest is for what other tools add to a name.
_MAX_BYTES = 200
_MAX_SUFFIX_BYTES = 32
_SUFFIX = re.compile(r"(\.[A-Za-z0-9_-]+)*", re.ASCII)
_HASH_DIGITS = 8

#: What separates folders, drives and streams, or stands for something else in names on Windows.
_SPECIAL = frozenset('/\\:*?"<>|')
#: Unicode categories of what cannot be seen or turns the direction of the text: controls, format characters, private
#: use, separators of lines and paragraphs. Not what is unassigned: each version of Python would say otherwise.
_UNSEEN = frozenset(("Cc", "Cf", "Co", "Zl", "Zp"))
#: Names of devices on Windows, with any extension. Source: "Naming Files, Paths, and Namespaces", Win32 documentation.
_RESERVED = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE | re.DOTALL
)


def safe_name(text: str, *, suffix: str = "") -> str:
    """Make the name of one file of any text, such as the title of a Look.

    Parameters
    ----------
    text
        Whatever the server sent.
    suffix
        The extension to add, ``.parquet``: dots, ASCII letters and digits, ``-`` and ``_``.

    Returns
    -------
    str
        A name of 1 to 200 bytes in UTF-8 that means one file in its folder on Linux, macOS and Windows: no separators
        or drives, no control and direction characters, no name of a device, no dot in front, no dot or space behind.
        A text that is such a name already stays as it is. Of any other the offending characters become ``_``, and
        ``~`` with eight digits of a hash of the text is added, so that different texts keep different names; the same
        text always gets the same one.

    Raises
    ------
    ConfigError
        `suffix` is none.

    Notes
    -----
    Case is kept. File systems that do not tell case apart take ``Sales`` and ``sales`` for one file; `write_parquet`
    with ``overwrite=False`` refuses the second.
    """
    if not _SUFFIX.fullmatch(suffix) or len(suffix) > _MAX_SUFFIX_BYTES:
        message = f"suffix={suffix!r} is no extension of a file; give one such as '.parquet'"
        raise ConfigError(message, setting="suffix")
    room = _MAX_BYTES - len(suffix)
    name = _cleaned(text)
    if name == text and not _is_marked(name) and len(name.encode()) <= room:
        return name + suffix
    mark = "~" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    return _cut(name, room - len(mark)).rstrip(". ") + mark + suffix


def safe_path(folder: str | os.PathLike[str], text: str, *, suffix: str = "") -> Path:
    """Give the path of the file that `safe_name` makes of a text, in a folder.

    Parameters
    ----------
    folder
        Where the file is to be.
    text, suffix
        As for `safe_name`.

    Returns
    -------
    pathlib.Path
        `folder` joined with the name; it resolves to a place directly inside the folder.

    Raises
    ------
    ExportError
        A link stands under that name: it may lead anywhere.
    ConfigError
        `suffix` is none.
    """
    path = Path(folder) / safe_name(text, suffix=suffix)
    if path.is_symlink() or Path(os.path.realpath(path)).parent != Path(os.path.realpath(folder)):
        message = "it is a link; a name from the server is written to the folder itself only. Remove the link"
        raise ExportError(message, target=str(path))
    return path


def _cleaned(text: str) -> str:
    composed = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    shown = "".join("_" if _is_offending(character) else character for character in composed)
    tidy = re.sub(r"^\.+|[. ]+$", "_", shown.strip())
    return f"_{tidy}" if not tidy or _RESERVED.fullmatch(tidy) else tidy


def _is_offending(character: str) -> bool:
    return character in _SPECIAL or unicodedata.category(character) in _UNSEEN


def _is_marked(name: str) -> bool:
    # A text that looks as if it had been changed gets a mark of its own, else it could be taken for another one.
    return re.search(rf"~[0-9a-f]{{{_HASH_DIGITS}}}$", name) is not None


def _cut(name: str, room: int) -> str:
    return name.encode()[:room].decode("utf-8", "ignore")
