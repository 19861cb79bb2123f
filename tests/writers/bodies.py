"""One line for each format: how a query becomes a body of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.writers import flat_shapes, json_shapes
from tests.writers.json_shapes import COMPACT, PRETTY, SPACED, dumped, shuffled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from tests.writers.queries import Query

    Body = Callable[[Query, Random], bytes]

#: Other white space than any `json.dumps` makes by itself.
_LOOSE: Mapping[str, object] = {"separators": (" ,\n", "\t: ")}


def _document(make: Callable[[Query], object]) -> Body:
    """Spell a document at random: its white space, and the order of its members."""

    def write(query: Query, random: Random) -> bytes:
        document = make(query)
        if random.random() < 0.3:
            document = shuffled(document, random)
        return dumped(document, random.choice((COMPACT, COMPACT, SPACED, PRETTY, _LOOSE)))

    return write


def _delimited(separator: str) -> Body:
    def write(query: Query, random: Random) -> bytes:
        quote_all, newline = random.random() < 0.3, random.choice(("\n", "\n", "\r\n"))
        return flat_shapes.delimited(query, separator, quote_all=quote_all, newline=newline, behind=_behind(random))

    return write


def _behind(random: Random) -> bool:
    return random.random() < 0.3


def _detail(query: Query, random: Random) -> bytes:
    return _document(lambda query: json_shapes.detail(query, rich=True))(query, random)


#: Result format → a body of it; what the format leaves open is chosen by chance.
BODIES: dict[str, Body] = {
    "json_detail": _detail,
    "json_detail_lite_stream": _document(json_shapes.detail_lite),
    "json_bi": _document(json_shapes.bi),
    "json": _document(json_shapes.plain),
    "inline_json": _document(json_shapes.plain),
    "json_label": _document(lambda query: json_shapes.plain(query, labels=True)),
    "csv": _delimited(","),
    "txt": _delimited("\t"),
    "html": lambda query, random: flat_shapes.page(query, behind=_behind(random)),
    "md": lambda query, random: flat_shapes.markdown(query, behind=_behind(random)),
    "xlsx": lambda query, random: flat_shapes.workbook(query, behind=_behind(random)),
}
