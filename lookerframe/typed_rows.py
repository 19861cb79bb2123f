"""A piece of JSON rows → typed arrays, with structs compiled from the columns.

Each row becomes a msgspec struct, nested as the columns' paths are: a cell in a row, a cell of a pivot value in a
measure. Each value is decoded straight into the JSON type that its column's reader takes, and everything else in the
piece (`rendered`, `links`, unlisted members) is skipped unbuilt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

import msgspec

from lookerframe.arrays import build_array, read_exactly
from lookerframe.exceptions import PayloadError, PayloadLimitError
from lookerframe.rows import check_unicode, first_row, refuse_deep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from lookerframe.columns import Column

#: The member of a row that holds the text of a failed query. Source: recorded answers of `json` and `json_bi`.
ERROR_KEY = "looker_error"

_NULL = msgspec.Raw(b"null")
#: What no JSON value is.
_NEVER = Annotated[int, msgspec.Meta(gt=0, lt=0)]
_ROW_OF = re.compile(r" - at `\$\[(\d+)\](.*)`$", re.DOTALL)
_MAX_ERRORS = 1000
_ABSENT = 1 << 30  # the place of what a first row does not have: after all that it has
_UNNAMEABLE = re.compile(r'["\\\x00-\x1f]')


#: Paths as a tree: member name → the index of a column, or what is nested in it.
Tree: TypeAlias = "dict[str, int | Tree]"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some consecutive rows as arrays, one for each column, in the columns' order.

    Attributes
    ----------
    arrays
        Of equal length; the type of a column may still differ from piece to piece (see `Reader.settle`).
    first_row
        The number of its first row in the whole result, from 0.
    rows
        How many rows it has.
    """

    arrays: tuple[pa.Array, ...]
    first_row: int
    rows: int


class RowDecoder:
    """Decode the pieces of one result, in their order.

    Parameters
    ----------
    columns
        What to read from each row, each with its own path.
    in_cells
        Whether a path ends in a member of a cell, ``{"value": 1, "rendered": "1"}`` (`json_detail`, `json_bi`), or in
        the bare value (`json`).
    result_format
        For messages.
    closed
        Whether a row with a member that is no column is refused. In the objects of pivots such a member always is.

    Attributes
    ----------
    rows : int
        Rows decoded so far.
    unlisted : dict
        Members of rows that are no columns, in the order in which they were met (in the first row of each piece).
    errors : list
        What rows said that carry the text of a failed query. From the first of them on there is no data: pieces are
        only searched for more.
    """

    def __init__(self, columns: Sequence[Column], *, in_cells: bool, result_format: str, closed: bool = False) -> None:
        self._columns = tuple(columns)
        self._in_cells = in_cells
        self._format = result_format
        self._closed = closed
        self._names = dict.fromkeys(column.path[0] for column in columns)
        self._order = tuple(range(len(self._columns)))
        self._order_is_met = False
        # msgspec has no structs for member names that JSON spells with escapes.
        self._spelt_with_escapes = any(_UNNAMEABLE.search(name) for column in columns for name in column.path)
        self.rows = 0
        self.unlisted: dict[str, None] = {}
        self.errors: list[Any] = []

    def __call__(self, piece: memoryview) -> Piece:
        """Decode one JSON array of rows.

        Raises
        ------
        msgspec.DecodeError
            It is not well-formed.
        UnicodeDecodeError
            It is not UTF-8, be it in a part that is skipped.
        ConversionError
            A value does not fit its column.
        PayloadError
            A row or cell is of another shape, or has a member twice.
        """
        check_unicode(piece)
        row = first_row(piece, result_format=self._format)
        if row and not self._order_is_met:
            self._order, self._order_is_met = self._in_order_of(row), True
        self._compare_names(row)
        count, values = self._read(piece)
        if self.errors:
            del self.errors[_MAX_ERRORS:]
            self._refuse_deep_errors()
            return Piece((), self.rows, 0)
        if count and not self._columns:
            message = "there are rows, but no field is known that they could have"
            raise PayloadError(message, result_format=self._format)
        arrays: list[pa.Array] = [None] * len(self._columns)
        for index, cells in zip(self._order, values, strict=True):
            column = self._columns[index]
            arrays[index] = build_array(column.reader, cells, column=column.name, first_row=self.rows)
        first, self.rows = self.rows, self.rows + count
        return Piece(tuple(arrays), first, count)

    def data(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Pass on the pieces made so far, up to the first that has error text in the place of data."""
        return (piece for piece in pieces if not self.errors)

    def _refuse_deep_errors(self) -> None:
        try:
            refuse_deep(self.errors, result_format=self._format)
        except PayloadLimitError:
            self.errors.clear()  # they are no text, and nothing is made of them
            raise

    def _compare_names(self, row: Mapping[str, Any]) -> None:
        """Note members that are no columns; refuse labels in the place of names, whose values would pass for nulls."""
        unlisted = [name for name in row if name not in self._names]
        self.unlisted.update(dict.fromkeys(unlisted))
        # The first row speaks for all: which others stand first in a piece depends on the lengths of those before.
        if self.rows or not unlisted or not self._names or ERROR_KEY in row:
            return
        absent = [column.field for column in self._columns if column.path[0] not in row]
        labels = {label for field in absent for label in (field.label, field.label_short)}
        if len(unlisted) < len(row) and labels.isdisjoint(unlisted):
            return
        found, due = (", ".join(map(repr, list(names)[:3])) for names in (row, self._names))
        some = "not all" if len(unlisted) < len(row) else "none"
        message = (
            f"row 0 has {found}, but {some} of the fields that the metadata lists: {due}; "
            "labels stand for names in json_label, and if the task was made with apply_vis"
        )
        raise PayloadError(message, result_format=self._format)

    def _in_order_of(self, row: Mapping[str, Any]) -> tuple[int, ...]:
        # msgspec looks for a member first where it stood in the struct: in another order each look-up is a search.
        paths = [column.path for column in self._columns]
        return tuple(sorted(range(len(paths)), key=lambda index: _place(paths[index], row)))

    def _read(self, piece: memoryview) -> tuple[int, Iterable[list[Any]]]:
        """Return the number of rows, and a list of values for each column, in the order of `_order`."""
        try:
            # Undecoded cells point into the bytes, and the buffer behind the view is about to change: of those, a copy.
            if self._spelt_with_escapes:
                return self._read_by_name(piece)
            try:
                annotations = tuple(self._columns[index].reader.annotation for index in self._order)
                kept = bytes(piece) if msgspec.Raw in annotations else piece
                return self._read_structs(kept, annotations, error=_NEVER)
            except msgspec.ValidationError:
                # Some cell is of a JSON type that its column does not have, or a row has the text of an error: read
                # this piece from the cells' characters.
                count, cells = self._read_structs(bytes(piece), (msgspec.Raw,) * len(self._order), error=Any)
                return count, self._exactly(cells)
        except msgspec.ValidationError as exc:
            raise self._misshapen(str(exc)) from exc

    def _read_structs(
        self, piece: memoryview | bytes, annotations: tuple[Any, ...], *, error: Any
    ) -> tuple[int, Iterable[list[Any]]]:
        paths = tuple(self._columns[index].path for index in self._order)
        decoder, getters = _decoder(paths, annotations, error, self._in_cells, self._closed)
        rows = decoder.decode(piece)
        if error is Any and ERROR_KEY not in self._names:
            self.errors += _errors(rows)
        return len(rows), (getter(rows) for getter in getters)

    def _read_by_name(self, piece: memoryview) -> tuple[int, Iterable[list[Any]]]:
        rows = msgspec.json.decode(bytes(piece), type=list[dict[str, msgspec.Raw]])
        if ERROR_KEY not in self._names:
            self.errors += [msgspec.json.decode(row[ERROR_KEY]) for row in rows if ERROR_KEY in row]
        if self._closed and not self.errors:
            self._refuse_unknown(rows, self._names)
        found: dict[int, list[msgspec.Raw]] = {}
        self._dig(tree_of([self._columns[index].path for index in self._order]), rows, found)
        return len(rows), self._exactly(found[place] for place in range(len(self._order)))

    def _dig(self, tree: Tree, rows: Sequence[Mapping[str, Any]], found: dict[int, list[Any]]) -> None:
        """Take the values at the leaves of `tree`, opening each object once."""
        for name, child in tree.items():
            cells = [row.get(name, _NULL) for row in rows]
            if isinstance(child, int):
                found[child] = cells
                continue
            opened = []
            is_cell = self._in_cells and all(isinstance(leaf, int) for leaf in child.values())
            for index, raw in enumerate(cells):
                try:
                    members = {} if raw is _NULL else msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
                except msgspec.ValidationError as exc:
                    raise self._misshapen(f"{exc} - at `$[{index}].{name}`") from exc
                if is_cell and raw is not _NULL and "value" in child and "value" not in members:
                    raise self._misshapen(f"Object missing required field `value` - at `$[{index}].{name}`")
                opened.append(members)
            if not is_cell:
                self._refuse_unknown(opened, child)
            self._dig(child, opened, found)

    def _refuse_unknown(self, rows: Iterable[Mapping[str, Any]], known: Mapping[str, Any]) -> None:
        for index, row in enumerate(rows):
            for name in row:
                if name not in known:
                    raise self._misshapen(f"Object contains unknown field `{name}` - at `$[{index}]`")

    def _exactly(self, columns: Iterable[list[Any]]) -> Iterator[list[Any]]:
        for index, cells in zip(self._order, columns, strict=True):
            column = self._columns[index]
            yield [
                read_exactly(column.reader, cell, column=column.name, row=self.rows + row)
                for row, cell in enumerate(cells)
            ]

    def _misshapen(self, text: str) -> PayloadError:
        place = _ROW_OF.search(text)
        where = f"row {self.rows + int(place[1]):,}{place[2].replace('.', ' ', 1)}: " if place else ""
        what = _ROW_OF.sub("", text)
        message = f"{where}{what[:1].lower()}{what[1:]}"
        return PayloadError(message + self._hint(what), result_format=self._format)

    def _hint(self, what: str) -> str:
        pivoted = any(column.pivot for column in self._columns)
        if "required field `value`" in what:
            return "" if pivoted else "; so it is in a pivoted result whose metadata lists no pivots"
        if "unknown field" in what and pivoted:
            return "; the pivots of this result do not list it"
        if "unknown field" in what:
            return "; without field metadata the first row says which columns there are: give fields="
        return ""


def _errors(rows: list[Any], unset: Any = msgspec.UNSET) -> list[Any]:
    return [row.looker_error for row in rows if row.looker_error is not unset]


def tree_of(paths: Sequence[tuple[str, ...]]) -> Tree:
    """Arrange paths as a tree whose leaves are their places in the sequence."""
    tree: Tree = {}
    for place, path in enumerate(paths):
        node = tree
        for name in path[:-1]:
            node = cast("Tree", node.setdefault(name, {}))
        node[path[-1]] = place
    return tree


def _place(path: tuple[str, ...], row: Mapping[str, Any]) -> tuple[int, ...]:
    found = []
    node: Any = row
    for name in path:
        names = list(node) if isinstance(node, dict) else []
        found.append(names.index(name) if name in names else _ABSENT)
        node = node.get(name) if isinstance(node, dict) else None
    return tuple(found)


@lru_cache(maxsize=64)
def _decoder(
    paths: tuple[tuple[str, ...], ...],
    annotations: tuple[Any, ...],
    error: Any,
    in_cells: bool,  # noqa: FBT001
    closed: bool,  # noqa: FBT001
) -> tuple[Any, tuple[Callable[[list[Any]], list[Any]], ...]]:
    """Compile a decoder of pieces, and for each path what takes its values out of the rows."""
    tree = tree_of(paths)
    sources: dict[int, str] = {}
    errors = [] if ERROR_KEY in tree else [(ERROR_KEY, error, msgspec.UNSET)]
    row = _struct(tree, annotations, sources, "row", in_cells=in_cells, closed=closed, members=errors)
    # A comprehension with the attribute spelt out is 1.25 times as fast as operator.attrgetter, over all of decoding.
    getters = tuple(
        cast("Callable[[list[Any]], list[Any]]", eval(f"lambda rows: [{sources[place]} for row in rows]", {}))  # noqa: S307 - made of integers alone
        for place in range(len(paths))
    )
    return msgspec.json.Decoder(list[row]), getters  # type: ignore[valid-type]


def _struct(
    tree: Tree,
    annotations: Sequence[Any],
    sources: dict[int, str],
    source: str,
    *,
    in_cells: bool,
    closed: bool,
    members: Sequence[tuple[str, Any, Any]] = (),
) -> type[msgspec.Struct]:
    found: list[Any] = [*members]
    rename = {}
    for index, (name, child) in enumerate(tree.items()):
        attribute = f"c{index}"
        rename[attribute] = name
        if isinstance(child, int):
            sources[child] = f"{source}.{attribute}"
            found.append((attribute, annotations[child], _null(annotations[child])))
            continue
        place = f"{source}.{attribute}"
        if in_cells and all(isinstance(leaf, int) for leaf in child.values()):
            nested, absent = _cell(cast("dict[str, int]", child), annotations, sources, place)
        else:
            nested = _struct(child, annotations, sources, place, in_cells=in_cells, closed=True)
            absent = nested()
        found.append((attribute, nested, absent))
    return msgspec.defstruct("Row", found, rename=rename, gc=False, frozen=True, forbid_unknown_fields=closed)


def _cell(
    tree: Mapping[str, int], annotations: Sequence[Any], sources: dict[int, str], source: str
) -> tuple[type[msgspec.Struct], msgspec.Struct]:
    """Compile a cell, of which the value is due and the rest is not; and make one for a cell that is absent."""
    members: list[Any] = []
    rename = {}
    for index, name in enumerate(sorted(tree, key=lambda name: name != "value")):
        place = tree[name]
        rename[f"c{index}"] = name
        sources[place] = f"{source}.c{index}"
        optional = () if name == "value" else (_null(annotations[place]),)
        members.append((f"c{index}", annotations[place], *optional))
    cell = msgspec.defstruct("Cell", members, rename=rename, gc=False, frozen=True)
    return cell, cell(*(_null(annotations[tree[name]]) for name in rename.values()))


def _null(annotation: Any) -> msgspec.Raw | None:
    return _NULL if annotation is msgspec.Raw else None
