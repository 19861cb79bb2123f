"""Blocks of delimited text: what is taken, and what is found in it, wherever pieces end."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookerframe.formats.blocks import Block, Body, count, find

#: Larger than what is looked at in one go, and with room for a second go.
LARGE = 300_000


def block_of(text: bytes, separator: bytes = b",") -> Block:
    """Take all rows of a text."""
    block, rest = Block.cut(bytearray(text), ord(separator), single=False)
    assert not rest
    return block


@given(
    chunks=st.lists(st.binary(max_size=9), max_size=9),
    steps=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 12)), max_size=9),
)
def test_a_body_is_handed_out_in_order(chunks: list[bytes], steps: list[tuple[int, int]]) -> None:
    """However it was cut; what is given back comes again."""
    body, due = Body(chunks), bytearray().join(chunks)
    for size, kept in steps:
        text = body.take(size)

        assert text == due[:size]
        body.give_back(text[kept:])
        due = text[kept:] + due[size:]

    assert body.take(1_000) == due


@given(text=st.text('a1,"\n\r', max_size=40).map(str.encode))
def test_whole_rows_and_what_follows_make_the_text(text: bytes) -> None:
    """No byte is lost; a line feed outside of quotes is the last of the rows, and none is in what follows."""
    block, rest = Block.cut(bytearray(text), ord(","), single=False)
    quotes = [] if block.quotes is None else block.quotes.tolist()
    ends = [end for end in range(1, len(text) + 1) if text[end - 1] == ord("\n") and text.count(b'"', 0, end) % 2 == 0]

    assert block.text + rest == text
    assert len(block.text) == max(ends, default=0)
    assert block.lines == block.text.count(b"\n")
    assert quotes == [place for place, byte in enumerate(block.text) if byte == ord('"')]


@given(places=st.sets(st.integers(0, LARGE - 1) | st.integers(131_070, 131_075), max_size=20))
def test_characters_are_found_in_large_texts(places: set[int]) -> None:
    """Each once, in order, wherever it stands."""
    text = bytearray(b"a" * LARGE)
    for place in places:
        text[place] = ord(";")

    assert find(text, ord(";")).tolist() == sorted(places)
    assert count(text, ord(";")) == len(places)


#: Cells that are oddly spelt, and how far from the first of their characters one of them is found.
ODD = ((b" 7", 0), (b".5", 0), (b"+5", 0), (b"007", 0), (b"-01", 0), (b"-0", 0), (b"7 ", 1), (b"7.", 1), (b"1.e5", 1))


@pytest.mark.parametrize(("cell", "after"), ODD)
@pytest.mark.parametrize("place", [1, 2, *range(65_533, 65_540), *range(131_068, 131_076), 262_140, 262_144])
def test_odd_spellings_are_found_in_large_texts(cell: bytes, after: int, place: int) -> None:
    """Wherever the cell begins, and nothing else."""
    text = (b"7" * (place - 1) + b"," + cell + b",").ljust(LARGE, b"8") + b"\n"

    assert set(block_of(text).odd_spellings().tolist()) == {place + after}


@pytest.mark.parametrize("quoted", [False, True])
@given(cells=st.lists(st.text("01-+. eE7x", max_size=4), min_size=1, max_size=8))
def test_odd_spellings_of_all_cells(cells: list[str], *, quoted: bool) -> None:
    """All cells that Arrow may take for a number and JSON does not; none that are numbers in JSON."""
    mark = '"' if quoted else ""
    block = block_of((",".join(f"{mark}{cell}{mark}" for cell in cells) + "\n").encode())
    ends = find(block.text, ord(","))
    odd = set(np.searchsorted(ends, block.odd_spellings()).tolist())

    for place, cell in enumerate(cells):
        if re.fullmatch(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", cell):
            assert place not in odd or re.match(r"-0(?!\.)", cell)
        elif re.fullmatch(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*", cell):
            assert place in odd
