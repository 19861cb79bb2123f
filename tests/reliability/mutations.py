"""Bodies of every format that somebody damaged: the same ones for the same seed."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tests.writers.bodies import BODIES
from tests.writers.drawing import FLAT_KINDS, KINDS, chance, query, query_for
from tests.writers.losses import FLAT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from random import Random

    from tests.writers import Col

    Mutator = Callable[[bytes, Random], bytes]

#: What a parser may stumble over.
TOKENS: Sequence[bytes] = (
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"'", b"<", b">", b"|", b"\t", b"\n", b"\r\n", b"\r", b" "),
    *(b"\x00", b"\x1f", b"\x7f", b"\xff", b"\xfe", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", "\u202e∅".encode()),
    *(b"null", b"true", b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-0", b"9223372036854775808", b"0x10", b"1_000"),
    *(
        b'"\\ud800"',
        b"\\u0000",
        b'"value":',
        b'"looker_error":"x",',
        b'{"looker_error":"x"}',
        b"&amp;",
        b"&#0;",
        b"_x0000_",
    ),
    *(
        b"<table>",
        b"</td>",
        b"<tr>",
        b"<!--",
        b"<![CDATA[",
        b"<!DOCTYPE a [",
        b"| - |\n",
        b"\nERROR: connection lost\n",
    ),
)
_DEPTHS = (1, 3, 70, 400, 2000)


@dataclass(frozen=True, slots=True)
class Sample:
    """A body that is whole, and what its reader is told besides.

    Attributes
    ----------
    columns, pivots
        The fields; None if they are not told.
    is_plain
        Whether `reference` can read it: there are no pivots and no totals.
    """

    result_format: str
    body: bytes
    columns: tuple[Col, ...] | None = None
    pivots: tuple[Col, ...] = ()
    context: Any = None
    is_plain: bool = False


def _flipped(body: bytes, random: Random) -> bytes:
    place = random.randrange(len(body))
    return body[:place] + bytes([body[place] ^ (1 << random.randrange(8))]) + body[place + 1 :]


def _overwritten(body: bytes, random: Random) -> bytes:
    place = random.randrange(len(body))
    return body[:place] + random.choice(TOKENS) + body[place + 1 :]


def _inserted(body: bytes, random: Random) -> bytes:
    place = random.randrange(len(body) + 1)
    return body[:place] + random.choice(TOKENS) + body[place:]


def _deleted(body: bytes, random: Random) -> bytes:
    start, end = _slice(body, random)
    return body[:start] + body[end:]


def _doubled(body: bytes, random: Random) -> bytes:
    start, end = _slice(body, random)
    return body[:end] + body[start:end] + body[end:]


def _moved(body: bytes, random: Random) -> bytes:
    start, end = _slice(body, random)
    rest = body[:start] + body[end:]
    place = random.randrange(len(rest) + 1)
    return rest[:place] + body[start:end] + rest[place:]


def _swapped(body: bytes, random: Random) -> bytes:
    """Swap what stands between separators: members, cells, rows."""
    separator = random.choice((b",", b":", b"\n", b"\t", b"|", b"><"))
    parts = body.split(separator)
    one, other = random.randrange(len(parts)), random.randrange(len(parts))
    parts[one], parts[other] = parts[other], parts[one]
    return separator.join(parts)


def _cut(body: bytes, random: Random) -> bytes:
    return body[: random.randrange(len(body))]


def _noise(body: bytes, random: Random) -> bytes:
    start, end = _slice(body, random)
    return body[:start] + random.randbytes(end - start) + body[end:]


def _nested(body: bytes, random: Random) -> bytes:
    place, depth = random.randrange(len(body) + 1), random.choice(_DEPTHS)
    opened, closed = random.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"<b>", b"</b>"), (b'{"v.a":[', b"]}")))
    return (
        body[:place] + opened * depth + random.choice((b"0", b"")) + closed * random.choice((depth, 0)) + body[place:]
    )


def _appended(body: bytes, random: Random) -> bytes:
    return body + random.choice((b"", b"\n")) + random.choice(TOKENS) + random.choice((b"", b"\n"))


def _slice(body: bytes, random: Random) -> tuple[int, int]:
    start = random.randrange(len(body))
    return start, min(len(body), start + random.choice((1, 2, random.randint(1, 12), random.randint(1, 200))))


MUTATORS: Sequence[Mutator] = (
    *(_flipped, _overwritten, _overwritten, _inserted, _inserted, _deleted, _deleted, _doubled, _moved, _swapped),
    *(_swapped, _cut, _noise, _nested, _appended),
)


def damaged(body: bytes, random: Random) -> bytes:
    """Damage a body in one to three places; now and then nothing is left of it."""
    if random.random() < 0.002:
        return random.randbytes(random.randint(0, 300))
    for _ in range(random.choice((1, 1, 2, 3))):
        body = random.choice(MUTATORS)(body, random) if body else b""
    return body


def repacked(body: bytes, random: Random) -> bytes:
    """Damage one part of a workbook, and pack them anew: a changed byte of an archive would not pass its checksum."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as archive, zipfile.ZipFile(packed, "w") as changed:
        names = archive.namelist()
        chosen = random.choice([name for name in names if "sheet" in name or "shared" in name] * 3 + names)
        for name in names:
            part = archive.read(name)
            changed.writestr(name, damaged(part, random) if name == chosen else part)
    return packed.getvalue()


def payload(sample: Sample, random: Random) -> bytes:
    """Damage a sample in a way of its format."""
    if sample.result_format == "xlsx" and random.random() < 0.5:
        return repacked(sample.body, random)
    return damaged(sample.body, random)


def plain(result_format: str, random: Random) -> Sample:
    """Draw a body without pivots and totals."""
    drawn = query_for(result_format, random)
    while drawn.pivots:
        drawn = query(random, kinds=FLAT_KINDS if result_format in FLAT else KINDS)
    columns = tuple(
        replace(column, label=f"{column.label or column.name} {place}") for place, column in enumerate(drawn.fields)
    )
    drawn = replace(drawn, fields=columns, totals=None, subtotals={})
    body = BODIES[result_format](drawn, random)
    return Sample(result_format, body, columns, context=drawn.context, is_plain=True)


def pivoted(result_format: str, random: Random) -> Sample:
    """Draw any body."""
    drawn = query_for(result_format, random)
    body = BODIES[result_format](drawn, random)
    return Sample(result_format, body, drawn.fields, drawn.pivots, context=drawn.context)


def samples(result_format: str, count: int, *, limit: int) -> list[Sample]:
    """Draw bodies of at most so many bytes; half of them without pivots and totals."""
    found: list[Sample] = []
    seed = 0
    while len(found) < count:
        make = plain if len(found) % 2 == 0 else pivoted
        sample = make(result_format, chance(seed))
        seed += 1
        if len(sample.body) <= limit:
            found.append(sample)
    return found


#: Recorded payloads, by the start of their names.
_RECORDED = (
    ("json_bi", "json_bi"),
    ("jd_lite", "json_detail_lite_stream"),
    ("jd_", "json_detail"),
    ("json_", "json"),
    ("csv_", "csv"),
    ("webhook_doc_csv", "csv"),
    ("html_", "html"),
)


def recorded(folder: Path, *, limit: int) -> Iterator[Sample]:
    """Read recorded payloads of at most so many bytes."""
    for path in sorted(folder.iterdir()):
        name = next((name for start, name in _RECORDED if path.name.startswith(start)), None)
        if name is not None and path.name.count(".") == 1 and path.stat().st_size <= limit:
            yield Sample(name, path.read_bytes())
