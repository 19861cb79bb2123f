"""Independent writers of Looker's results, the tables that they stand for, and what tests need to read them back.

They know the shapes from recorded payloads and Looker's documentation, and share no code with the decoders. `Query` is
a result before any format spells it; `bodies` spell it; `expected` says which tables it has; `losses` lists what a
format cannot carry; `drawing` makes queries up.
"""

from __future__ import annotations

from tests.writers.json_shapes import COMPACT, PRETTY, SPACED, cell, dumped, json_detail, json_rows
from tests.writers.queries import Col, Query, metadata, wire
from tests.writers.reading import chunked, decode, outcome, piece_size

__all__ = [
    "COMPACT",
    "PRETTY",
    "SPACED",
    "Col",
    "Query",
    "cell",
    "chunked",
    "decode",
    "dumped",
    "json_detail",
    "json_rows",
    "metadata",
    "outcome",
    "piece_size",
    "wire",
]
