"""Delimited text as blocks of whole rows, and where in a block something stands.

Characters are looked for with NumPy, in pieces that stay in the processor's cache, and without memory of their own for
each piece: both are faster than one pass over a block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Places: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
    Characters: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint8]]
    Flags: TypeAlias = np.ndarray[tuple[int], np.dtype[np.bool_]]

QUOTE, LINE_FEED, RETURN = b'"\n\r'
_BLANK, _TAB, _PLUS, _MINUS, _POINT, _ZERO, _NINE = b" \t+-.09"
#: Characters that are looked at in one go.
_PIECE = 128 * 1024


class Body:
    """The bytes of a body, handed out in portions of any size, however they arrive.

    Parameters
    ----------
    chunks
        The body, cut anywhere.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._next: bytes | memoryview = b""
        self._returned = bytearray()

    def take(self, size: int) -> bytearray:
        """Take the next bytes: `size` of them, or all that are left."""
        # Most often all of it is wanted, and then it is not copied.
        pieces: list[bytes | bytearray | memoryview] = [
            self._returned if len(self._returned) <= size else self._returned[:size]
        ]
        self._returned = self._returned[size:]
        missing = size - len(pieces[0])
        while missing:
            if not self._next:
                chunk = next(self._chunks, None)
                if chunk is None:
                    self._chunks = iter(())
                    break
                # Views of large chunks alone: a small one would take less than its view.
                self._next = memoryview(chunk) if len(chunk) > missing else chunk
            pieces.append(self._next[:missing])
            self._next = self._next[missing:]
            missing -= len(pieces[-1])
        return bytearray().join(pieces)

    def give_back(self, text: bytearray) -> None:
        """Put bytes that were taken last before those that are left."""
        self._returned = text + self._returned if self._returned else text


@dataclass(frozen=True, slots=True)
class Block:
    """Some whole rows.

    Attributes
    ----------
    text
        Their bytes; a line feed is the last.
    separator
        What stands between two cells.
    lines
        How many line feeds are in them.
    quotes
        Where in `text` quotes are; None without any.
    """

    text: bytearray
    separator: int
    lines: int
    quotes: Places | None = None

    @classmethod
    def cut(cls, text: bytearray, separator: int, *, single: bool) -> tuple[Block, bytearray]:
        """Take the rows that are whole, or a `single` one, off the front of `text`, which begins with a row.

        Returns
        -------
        Block
            The rows; `text` itself, made shorter, is theirs. None may be whole.
        bytearray
            What follows them.
        """
        quotes = find(text, QUOTE) if QUOTE in text else None
        if quotes is None:
            size = 1 + (text.find(b"\n") if single else text.rfind(b"\n"))
        elif single:
            ends = _outside(text, quotes, LINE_FEED)
            size = int(ends[0]) + 1 if len(ends) else 0
        else:
            size = _end_of_rows(text, quotes)
        if not size:  # all of it is one row, perhaps a large one: it is not copied
            return cls(bytearray(), separator, 0), text
        rest = text[size:]
        del text[size:]
        found = None if quotes is None else quotes[: quotes.searchsorted(size)]
        return cls(text, separator, count(text, LINE_FEED), found), rest

    def outside(self, character: int) -> Places:
        """Find a character outside of quotes."""
        return find(self.text, character) if self.quotes is None else _outside(self.text, self.quotes, character)

    def misplaced_quotes(self) -> list[int]:
        """Find the first quote that neither begins nor ends a cell, and is not doubled within one.

        Without such a one, counting quotes tells what is inside: the first, third, ... of a block open, the others
        close, and of two that stand together the first closes and the second opens again.
        """
        if self.quotes is None:
            return []
        characters = np.frombuffer(self.text, np.uint8)
        opening, closing = self.quotes[::2], self.quotes[1::2]
        edges = np.zeros(256, np.bool_)
        edges[[self.separator, LINE_FEED, QUOTE]] = True
        before = edges[characters[opening - 1]] | (opening == 0)
        edges[RETURN] = True
        after = edges[characters[closing + 1]]
        return [int(places[0]) for places in (opening[~before], closing[~after]) if len(places)]

    def bare_returns(self) -> list[int]:
        """Find the first carriage return outside of quotes that no line feed follows."""
        if RETURN not in self.text:
            return []
        returns = self.outside(RETURN)
        alone = returns[np.frombuffer(self.text, np.uint8)[returns + 1] != LINE_FEED]
        return [int(place) for place in alone[:1]]

    def odd_spellings(self) -> Places:
        """Find cells that begin with blanks, ``+``, ``.``, ``-0`` or a zero before digits, or end with blanks or ``.``.

        So is ``1.e`` found. Separators and line breaks inside of quotes pass for edges, so that too much may be found;
        what stands beside a letter is left out, for it is no number.
        """
        text = np.frombuffer(self.text, np.uint8)
        is_edge = np.zeros(256, np.bool_)
        is_edge[[self.separator, LINE_FEED]] = True
        is_edge[RETURN] = RETURN in self.text
        pairs = _odd_pairs(text, np.flatnonzero(is_edge).tolist())
        first, second = text[pairs], text[pairs + 1]
        starts, stops = pairs[is_edge[first]] + 1, pairs[is_edge[second]]
        points = pairs[(first == _POINT) & (second > _NINE)]
        quotes = np.empty(0, np.int64) if self.quotes is None else self.quotes
        starts = np.concatenate([[0], starts, quotes[::2] + 1])
        stops = np.concatenate([stops, quotes[1::2] - 1])
        starts = starts[_begins_oddly(text, starts, self.separator)]
        stops = stops[_ends_oddly(text, stops, self.separator)]
        return np.concatenate([starts, stops, points[text[points - 1] <= _NINE]])


def count(text: bytearray, character: int) -> int:
    """Count a character."""
    characters = np.frombuffer(text, np.uint8)
    found = np.empty(min(_PIECE, len(characters)), np.bool_)
    total = 0
    for start in range(0, len(characters), _PIECE):
        piece = characters[start : start + _PIECE]
        total += int(np.count_nonzero(np.equal(piece, character, out=found[: len(piece)])))
    return total


def find(text: bytearray, character: int) -> Places:
    """Find the places of a character."""
    characters = np.frombuffer(text, np.uint8)
    found = np.empty(min(_PIECE, len(characters)), np.bool_)
    places = [np.empty(0, np.int64)]
    for start in range(0, len(characters), _PIECE):
        piece = characters[start : start + _PIECE]
        places.append(np.flatnonzero(np.equal(piece, character, out=found[: len(piece)])) + start)
    return np.concatenate(places)


def _end_of_rows(text: bytearray, quotes: Places) -> int:
    """Find the end of the last row: after a line feed that an even number of quotes stands before."""
    size = len(text)
    while (size := text.rfind(b"\n", 0, size) + 1) and (before := int(quotes.searchsorted(size))) % 2:
        size = int(quotes[before - 1])
    return size


def _outside(text: bytearray, quotes: Places, character: int) -> Places:
    """Find a character outside of quotes: after an even number of them."""
    places = find(text, character)
    found: Places = places[np.searchsorted(quotes, places) % 2 == 0]
    return found


def _odd_pairs(text: Characters, edges: Sequence[int]) -> Places:
    """Find pairs of characters: an edge of a cell and what is no digit or letter, or a point and what is no digit.

    A zero that begins a cell is among them. Pairs are where their first characters are.
    """
    scratch = np.empty((3, min(_PIECE, len(text)) + 1), np.bool_)
    pairs = [np.empty(0, np.int64)]
    for start in range(0, len(text), _PIECE):
        piece = text[start : start + _PIECE + 1]
        is_edge, found, odd = scratch[:, : len(piece)]
        np.equal(piece, edges[0], out=is_edge)
        for edge in edges[1:]:
            is_edge |= np.equal(piece, edge, out=found)
        first, second, found, odd = piece[:-1], piece[1:], found[:-1], odd[:-1]
        np.less_equal(second, _ZERO, out=odd)
        odd &= is_edge[:-1]
        odd |= np.logical_and(np.less(first, _ZERO, out=found), is_edge[1:], out=found)
        np.equal(first, _POINT, out=found)
        odd |= np.logical_and(found, np.greater(second, _NINE, out=is_edge[:-1]), out=found)
        pairs.append(np.flatnonzero(odd) + start)
    return np.concatenate(pairs)


def _begins_oddly(text: Characters, starts: Places, separator: int) -> Flags:
    first, second, third = (text.take(starts + place, mode="clip") for place in range(3))
    signed = first == _MINUS
    digit, after = np.where(signed, second, first), np.where(signed, third, second)
    # A separator after another is the end of an empty cell, but not one after a quote.
    is_blank = (first == _BLANK) | (first == _TAB) & ((separator != _TAB) | (text[starts - 1] == QUOTE))
    is_code = (digit == _ZERO) & ((after >= _ZERO) & (after <= _NINE) | signed & (after != _POINT))
    found: Flags = (is_blank | (first == _PLUS) | (digit == _POINT)) & (after <= _NINE) | is_code
    return found


def _ends_oddly(text: Characters, stops: Places, separator: int) -> Flags:
    last = text[stops]
    is_blank = (last == _BLANK) | (last == _TAB) & ((separator != _TAB) | (text[stops + 1] == QUOTE))
    found: Flags = (is_blank | (last == _POINT)) & (text[stops - 1] <= _NINE)
    return found
