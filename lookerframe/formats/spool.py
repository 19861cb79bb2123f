"""Rows that wait in a temporary file until it is known what they are."""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING, Any, TypeVar

import msgspec

from lookerframe.exceptions import PayloadLimitError
from lookerframe.rows import check_unicode, first_row, refuse_deep, well_formed
from lookerframe.typed_rows import ERROR_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lookerframe.rows import RowArray

T = TypeVar("T")

_SPOOL_BYTES = 8 * 1024 * 1024


class Spool:
    """Rows that arrived before what describes them: checked, and kept in a temporary file.

    Attributes
    ----------
    names : dict
        The names of their members, in the order in which they were met.
    first : dict
        The first of them; its numbers are left as text.
    errors : list
        What their members ``looker_error`` hold, should that be no column.
    """

    def __init__(self, result_format: str) -> None:
        self._format = result_format
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115 - `close`
        self._sizes: list[int] = []
        self.names: dict[str, None] = {}
        self.first: dict[str, Any] = {}
        self.errors: list[Any] = []

    def take(self, rows: RowArray) -> None:
        """Take all rows.

        Raises
        ------
        PayloadError
            They are not whole, well-formed rows.
        PayloadLimitError
            There is no place for them in the folder of temporary files.
        """
        for _ in rows.pieces(self._keep):
            pass

    def _keep(self, piece: memoryview) -> None:
        check_unicode(piece)
        row = first_row(piece, result_format=self._format)
        if not self.first:
            refuse_deep(row, result_format=self._format)
            self.first = row
        found = msgspec.json.decode(bytes(piece), type=list[dict[str, msgspec.Raw]])
        self.names.update(dict.fromkeys(name for row in found for name in row))
        errors = [msgspec.json.decode(row[ERROR_KEY]) for row in found if ERROR_KEY in row]
        refuse_deep(errors, result_format=self._format)
        self.errors += errors
        try:
            self._sizes.append(self._file.write(piece))
        except OSError as exc:
            what = "the rows must wait until it is known what they are, and a temporary file cannot keep them"
            message = f"{what}: {exc.strerror}"
            raise PayloadLimitError(message, result_format=self._format) from exc

    def pieces(self, decoder: Callable[[memoryview], T]) -> Iterator[T]:
        """Decode the rows, in pieces as they came; again from the first at each call."""
        self._file.seek(0)
        for size in self._sizes:
            with well_formed(self._format, offset=0):
                piece = decoder(memoryview(self._file.read(size)))
            yield piece

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
