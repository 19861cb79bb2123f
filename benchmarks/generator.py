"""Results as Looker writes them, of any size, from a seed: what the benchmarks read.

Stands on the standard library alone and shares no code with the decoders. Rows are drawn column by column; after
`DISTINCT_ROWS` they come again, so a body of any size costs the memory of a few megabytes.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import json
import random
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

#: After so many rows they come again.
DISTINCT_ROWS = 32_768
SEED = 20_130_310

Kind = Literal["id", "name", "status", "date", "time", "yesno", "count", "sum"]
#: A typical result, eight columns.
KINDS: tuple[Kind, ...] = ("id", "name", "status", "date", "time", "yesno", "count", "sum")

_STATUSES = ("complete", "shipped", "processing", "cancelled")
_NAMES = (
    "Ana Müller",
    "José da Silva",
    "Liam O'Brien",
    "Emma Smith",
    "Zoë Núñez",
    "健 田中",
    'Jo "Jo" Jones',
    "Wei, Li",
)
_FIRST_DAY = dt.date(2022, 1, 1)
_FIRST_SECOND = dt.datetime(2022, 1, 1)  # noqa: DTZ001 - the query's wall clock
_ROWS_AT_A_TIME = 256


@dataclass(frozen=True, slots=True)
class Column:
    """A field of the result.

    Attributes
    ----------
    name, label, lookml_type : str
        As Looker describes it.
    measure : bool
        Whether it is a measure.
    kind : str
        What its values are like.
    """

    name: str
    label: str
    lookml_type: str
    measure: bool
    kind: Kind


@dataclass(frozen=True, slots=True)
class Leaf:
    """One column of the table that a body holds, and where its values stand in a row of the body.

    Attributes
    ----------
    name
        ``orders.id``; of a pivoted measure ``order_items.count|complete``.
    path
        Member names from the row to the value.
    column
        The field.
    """

    name: str
    path: tuple[str, ...]
    column: Column


@dataclass(frozen=True, slots=True)
class Shape:
    """What a body looks like.

    Attributes
    ----------
    name
        For tables and commands.
    result_format
        As the API spells it.
    links
        Whether cells have ``rendered`` and ``links`` beside the value.
    pivoted
        Whether measures are pivoted by `order status`.
    """

    name: str
    result_format: str
    links: bool = False
    pivoted: bool = False


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("json_detail", "json_detail"),
        Shape("json_detail_links", "json_detail", links=True),
        Shape("json_detail_pivoted", "json_detail", pivoted=True),
        Shape("json_bi", "json_bi"),
        Shape("json", "json"),
        Shape("csv", "csv"),
    )
}

_FIELDS: dict[Kind, tuple[str, str, str, bool]] = {
    "id": ("orders.id", "Orders ID", "number", False),
    "name": ("users.name", "Users Name", "string", False),
    "status": ("orders.status", "Orders Status", "string", False),
    "date": ("orders.created_date", "Orders Created Date", "date_date", False),
    "time": ("orders.shipped_time", "Orders Shipped Time", "date_time", False),
    "yesno": ("orders.is_gift", "Orders Is Gift (Yes / No)", "yesno", False),
    "count": ("order_items.count", "Order Items Count", "count", True),
    "sum": ("order_items.total_price", "Order Items Total Price", "sum", True),
}


def _rarely(chance: random.Random) -> bool:
    return not chance.randrange(20)


#: How values of a kind are drawn.
_DRAWN: dict[Kind, Callable[[random.Random], Any]] = {
    "id": lambda chance: chance.randrange(1, 10**9),
    "name": lambda chance: None if _rarely(chance) else f"{chance.choice(_NAMES)} {chance.randrange(10**4)}",
    "status": lambda chance: chance.choice(_STATUSES),
    "date": lambda chance: _FIRST_DAY + dt.timedelta(days=chance.randrange(1000)),
    "time": lambda chance: (
        None if _rarely(chance) else _FIRST_SECOND + dt.timedelta(seconds=chance.randrange(86_400_000))
    ),
    "yesno": lambda chance: chance.choice((True, False)),
    "count": lambda chance: chance.randrange(1, 5000),
    # The others carry the noise of binary fractions.
    "sum": lambda chance: float(chance.randrange(9000)) if _rarely(chance) else chance.randrange(9, 900_000) * 0.01,
}


def columns(kinds: Sequence[Kind] = KINDS) -> tuple[Column, ...]:
    """Describe the fields of a result, dimensions first; a kind may be asked for several times."""
    found = []
    for index, kind in enumerate(kinds):
        name, label, lookml_type, measure = _FIELDS[kind]
        earlier = kinds[:index].count(kind)
        number = f"_{earlier + 1}" if earlier else ""
        found.append(Column(name + number, label + number.replace("_", " "), lookml_type, measure, kind))
    return tuple(sorted(found, key=lambda column: column.measure))


def leaves(shape: Shape, fields: Sequence[Column]) -> tuple[Leaf, ...]:
    """List the columns of the table that a body of this shape holds, in Looker's order."""
    if shape.result_format == "csv":
        return tuple(Leaf(column.name, (column.label,), column) for column in fields)
    end = () if shape.result_format == "json" else ("value",)
    if not shape.pivoted:
        return tuple(Leaf(column.name, (column.name, *end), column) for column in fields)
    flat = tuple(Leaf(c.name, (c.name, *end), c) for c in fields if not c.measure)
    pivoted = (Leaf(f"{c.name}|{key}", (c.name, key, *end), c) for key in _STATUSES for c in fields if c.measure)
    return flat + tuple(pivoted)


def values(shape: Shape, fields: Sequence[Column], *, rows: int, seed: int = SEED) -> list[list[Any]]:
    """Draw the values: for each of `leaves` a list of `rows`, as Python has them; None is null."""
    drawn = []
    for index, leaf in enumerate(leaves(shape, fields)):
        chance = random.Random(f"{seed} {index}")  # noqa: S311 - made-up data
        draw = _DRAWN[leaf.column.kind]
        distinct = [draw(chance) for _ in range(min(rows, DISTINCT_ROWS))]
        drawn.append(list(itertools.islice(itertools.cycle(distinct), rows)))
    return drawn


def metadata(shape: Shape, fields: Sequence[Column]) -> dict[str, Any]:
    """Write the ``fields`` object."""
    described: dict[str, list[dict[str, Any]]] = {
        "measures": [],
        "dimensions": [],
        "table_calculations": [],
        "pivots": [],
    }
    for column in fields:
        described["measures" if column.measure else "dimensions"].append(_described(column))
    if shape.pivoted:
        described["pivots"].append(_described(_pivot_field()))
    return described


def body(shape: Shape, fields: Sequence[Column], *, rows: int, seed: int = SEED) -> Iterator[bytes]:
    """Write a body in chunks of some ten thousand bytes.

    Parameters
    ----------
    shape
        One of `SHAPES`.
    fields
        Made by `columns`.
    rows
        How many.
    seed
        The same seed and arguments give the same bytes.
    """
    drawn = values(shape, fields, rows=min(rows, DISTINCT_ROWS), seed=seed)
    head, separator, tail = _around(shape, fields)
    write = _csv_row if shape.result_format == "csv" else _json_row
    texts = [write(shape, leaves(shape, fields), row) for row in zip(*drawn, strict=True)]
    yield head
    for start in range(0, rows, _ROWS_AT_A_TIME):
        some = [texts[row % len(texts)] for row in range(start, min(rows, start + _ROWS_AT_A_TIME))]
        yield (separator if start else b"") + separator.join(some)
    yield tail


def rows_of(shape: Shape, fields: Sequence[Column], *, size: int, seed: int = SEED) -> int:
    """Say how many rows make a body of about `size` bytes."""
    probe = 1000
    filled = sum(map(len, body(shape, fields, rows=probe, seed=seed)))
    empty = sum(map(len, body(shape, fields, rows=0, seed=seed)))
    return max(1, round((size - empty) * probe / (filled - empty)))


def compressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Compress a body as servers do for ``Accept-Encoding: gzip``."""
    packer = zlib.compressobj(level=6, wbits=31)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


def _pivot_field() -> Column:
    return Column("orders.pivot", "Orders Pivot", "string", measure=False, kind="status")


def _described(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "label": column.label,
        "label_short": column.label.partition(" ")[2],
        "type": column.lookml_type,
        "measure": column.measure,
        "category": "measure" if column.measure else "dimension",
        "is_numeric": column.lookml_type in ("number", "count", "sum"),
        "value_format": None,
        "description": "",
    }


def _around(shape: Shape, fields: Sequence[Column]) -> tuple[bytes, bytes, bytes]:
    """Write what stands before, between and after the rows."""
    if shape.result_format == "csv":
        return _csv_line([column.label for column in fields]), b"", b""
    if shape.result_format == "json":
        return b"[", b",", b"]"
    described: dict[str, Any] = {"fields": metadata(shape, fields)}
    if shape.pivoted:
        described["pivots"] = [
            {"key": key, "data": {_pivot_field().name: key}, "sort_values": {_pivot_field().name: key}}
            for key in _STATUSES
        ]
    if shape.result_format == "json_bi":
        described |= {"has_totals": False, "has_subtotals": False, "sql": "SELECT 1"}
        return _dumped({"metadata": described})[:-1] + b',"rows":[', b",", b"]}"
    before = {"from_cache": False, "id": "5f8a4ca7", "ran_at": "2026-01-31T08:00:00+00:00", "runtime": "0.624"}
    members = before | {"sql": "SELECT 1"} | described | {"has_totals": False, "timezone": "UTC"}
    return _dumped(members)[:-1] + b',"data":[', b",", b'],"drill_menu_build_time":0.01,"has_subtotals":false}'


def _json_row(shape: Shape, places: Sequence[Leaf], row: Sequence[Any]) -> bytes:
    written: dict[str, Any] = {}
    for leaf, value in zip(places, row, strict=True):
        if len(leaf.path) == 1:
            written[leaf.path[0]] = _wire(value)
            continue
        inside = written
        for name in leaf.path[:-2]:
            inside = inside.setdefault(name, {})
        inside[leaf.path[-2]] = _cell(leaf.column, value, links=shape.links)
    return _dumped(written)


def _cell(column: Column, value: Any, *, links: bool) -> dict[str, Any]:
    cell = {"value": _wire(value)}
    if not links or value is None:
        return cell
    if column.measure:
        cell["rendered"] = f"{value:,}" if column.kind == "count" else f"${value:,.2f}"
        url = f"/explore/shop/orders?fields=orders.id,users.name,order_items.total_price&f[orders.id]={value}&limit=500"
        cell["links"] = [
            {"label": f"Show All {value}", "label_value": f"{value}", "url": url, "type": "measure_default"}
        ]
    elif column.kind == "id":
        cell["rendered"] = f"{value:,}"
        cell["links"] = [{"label": "Order", "url": f"https://shop.example.com/orders/{value}", "type": "url"}]
    return cell


def _csv_row(_shape: Shape, _places: Sequence[Leaf], row: Sequence[Any]) -> bytes:
    return _csv_line(["" if value is None else _wire(value) for value in row])


def _csv_line(cells: Sequence[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode()


def _wire(value: Any) -> Any:
    """Turn a value into what Looker sends for it."""
    match value:
        case bool():
            return "Yes" if value else "No"
        case dt.datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case dt.date():
            return value.isoformat()
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _dumped(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
