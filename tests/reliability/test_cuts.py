"""Bodies that stop early although HTTP says that they are whole: no table is made of a part.

A cut in correct framing gives the decoder the same bytes over HTTP as from a file, so bodies are cut here without a
server; what HTTP itself notices is tested with the transport. Compressed bodies go through `lookerframe.decode`, which
inflates them as the transport does.
"""

from __future__ import annotations

import gzip
from itertools import accumulate
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

import lookerframe as lf
from lookerframe.exceptions import IncompleteResultError, PayloadError
from tests.tiers import scaled
from tests.writers import Col, Query, decode, metadata
from tests.writers.bodies import BODIES
from tests.writers.drawing import chance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.counting import Counts

JSON, TEXT = ("json", "json_bi", "json_detail"), ("csv", "txt")
SMALL, LARGE = 4_000, 5_000_000
#: For each format plain, and again compressed.
CUTS = scaled(20, 200)
SEED = 1
FIELDS = (
    Col("orders.id", "number", label="Orders ID"),
    Col("orders.name", "string", label="Orders Name"),
    Col("orders.day", "date_date", label="Orders Day"),
    Col("orders.count", "count", "measures", label="Orders Count"),
)
TOLD: dict[str, int] = {}


def written(name: str, size: int) -> tuple[bytes, pa.Table]:
    """Write about so many bytes, and the table that they are."""
    import datetime as dt

    first = dt.date(2024, 1, 1)
    names = ("x", 'say "é", b\n', "", "1,5\t7")

    def rows(count: int) -> tuple[tuple[object, ...], ...]:
        days = (first + dt.timedelta(days=number % 800) for number in range(count))
        return tuple((number, names[number % 4] + str(number), day, 7 * number) for number, day in enumerate(days))

    def body(count: int) -> bytes:
        return BODIES[name](Query(fields=FIELDS, rows=rows(count)), chance(4))

    count = max(3, 100 * size // len(body(100)))
    kinds = (pa.int64(), pa.string(), pa.date32(), pa.int64())
    columns = [pa.array(values, kind) for values, kind in zip(zip(*rows(count), strict=True), kinds, strict=True)]
    return body(count), pa.table(columns, [field.name for field in FIELDS])


def row_ends(body: bytes) -> set[int]:
    """Find where rows end: after a line feed that an even number of quotes stands before."""
    lines = body.splitlines(keepends=True)
    sizes, quotes = accumulate(map(len, lines)), accumulate(line.count(b'"') for line in lines)
    return {end for end, met in zip(sizes, quotes, strict=True) if met % 2 == 0} - {len(body)}


def accepted(name: str, bodies: Iterable[tuple[int, bytes]], whole: pa.Table, *, saved: bool) -> tuple[int, set[int]]:
    """Decode each part; return how many there were, and the places of cuts that gave a table."""
    count, found = 0, set()
    for end, part in bodies:
        count += 1
        try:
            if saved:
                table = lf.decode(part, name, fields=metadata(FIELDS)).to_arrow()
            else:
                table = decode(part, name, columns=FIELDS, context={"total": False}).to_arrow()
        except PayloadError:
            continue
        found.add(end)
        bare = table.replace_schema_metadata().cast(whole.schema)
        assert bare.equals(whole.slice(0, table.num_rows)), f"{name}, cut at byte {end:,}: another table"
    return count, found


def cut_everywhere(body: bytes) -> Iterable[tuple[int, bytes]]:
    """Cut after every byte, white space at the very end left in."""
    return ((end, body[:end]) for end in range(len(body.rstrip(b" \n"))))


@pytest.mark.parametrize("name", [*JSON, *TEXT])
def test_a_cut_at_every_byte(name: str, counts: Counts) -> None:
    """Nothing is accepted of JSON; of lines of cells what ends with a row, for nothing says how many rows are due."""
    body, whole = written(name, SMALL)
    cuts, found = accepted(name, cut_everywhere(body), whole, saved=False)

    assert cuts >= SMALL * 3 // 4
    assert found == (row_ends(body) if name in TEXT else set())
    note(counts, cuts=cuts, accepted_at_row_ends=len(found))


@pytest.mark.parametrize("name", [*JSON, *TEXT])
def test_a_cut_at_every_byte_of_gzip(name: str, counts: Counts) -> None:
    """Nothing is accepted in any format: the stream says where it ends."""
    body, whole = written(name, SMALL)
    packed = gzip.compress(body)
    cuts, found = accepted(name, ((end, packed[:end]) for end in range(len(packed))), whole, saved=True)

    assert lf.decode(packed, name, fields=metadata(FIELDS)).to_arrow().num_rows == whole.num_rows
    assert (cuts, found) == (len(packed), set())
    note(counts, gzip_cuts=cuts, accepted_of_gzip=len(found))


@pytest.mark.parametrize("name", [*JSON, *TEXT])
def test_cuts_of_a_large_body(name: str, counts: Counts) -> None:
    """Far behind the first batch, plain and compressed."""
    body, whole = written(name, LARGE)
    random = chance(SEED)
    ends = {random.randrange(len(body.rstrip())) for _ in range(CUTS)}
    cuts, found = accepted(name, ((end, body[:end]) for end in sorted(ends)), whole, saved=False)
    packed = gzip.compress(body, 1)
    places = {random.randrange(len(packed)) for _ in range(CUTS)}
    gzip_cuts, kept = accepted(name, ((end, packed[:end]) for end in sorted(places)), whole, saved=True)

    assert len(body) > LARGE * 3 // 4
    assert found == (row_ends(body) & ends if name in TEXT else set())
    assert kept == set()
    note(
        counts,
        cuts=cuts,
        gzip_cuts=gzip_cuts,
        large_cuts=cuts + gzip_cuts,
        accepted_at_row_ends=len(found),
        accepted_of_gzip=len(kept),
    )


def test_an_empty_body_is_not_whole() -> None:
    """In every format with a table, with metadata and without."""
    for name in BODIES:
        for columns in (FIELDS, None):
            with pytest.raises(IncompleteResultError, match="the body is empty"):
                decode(b"", name, columns=columns)


def note(counts: Counts, **figures: int) -> None:
    """Add figures of one format to those of the others."""
    for figure, value in figures.items():
        TOLD[figure] = TOLD.get(figure, 0) + value
    counts("R3", **TOLD, seed=SEED)
