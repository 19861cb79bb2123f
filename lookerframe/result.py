"""`Result`: the rows of one query as a stream of Arrow record batches, and its exits."""

from __future__ import annotations

import contextlib
import itertools
import json
import sys
import threading
import warnings
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Protocol, Self, TypeAlias, get_args

import pyarrow as pa

from lookerframe.arrays import fit, settled, type_name
from lookerframe.exceptions import (
    ConfigError,
    ConversionError,
    LookerFrameError,
    LookerSQLError,
    ResultConsumedError,
    SqlIssue,
    TruncatedError,
    TruncatedWarning,
    UnexpectedContentError,
)
from lookerframe.render import shorten
from lookerframe.typed_rows import Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from typing import Self

    import pandas as pd

    from lookerframe.columns import Column, OnTruncate
    from lookerframe.payload import Again, Figures

#: How pandas shall hold the columns; see `Result.to_pandas`.
DtypeBackend: TypeAlias = Literal["pyarrow", "numpy_nullable", "numpy"]

#: A record batch is closed when it has so many rows, or bytes.
BATCH_ROWS = 16_384
BATCH_BYTES = 64 * 1024 * 1024


#: Pivots at most where a query says nothing. Source: Looker's documentation, for its own pages; assumed for the API.
_COLUMN_LIMIT = 50
#: States of a task whose query failed, or ran with remarks.
FAILED = frozenset({"error", "failure"})


class ArrowStream(Protocol):
    """Anything that hands out Arrow data by the C stream interface: a `Result`, a table, a polars frame."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class Findings:
    """What a decoder comes to know besides the rows; complete when the rows have ended.

    Attributes
    ----------
    metadata : dict
        See `Result.metadata`.
    notes : list of str
        See `Result.notes`.
    truncated, columns_truncated : bool or None
        Whether Looker cut the rows, or the columns of pivots; see `Result.truncated`.
    excused : bool
        Whether remarks explain why a task is called failed that has a result.
    rows : int
        Rows as Looker counts them: without totals, and wide.
    read : int
        Rows of the table that were decoded so far.
    pivots : int or None
        Pivots as Looker counts them: without the totals of rows; None if the result is not pivoted.
    totals, row_totals : pyarrow.Table or None
        See `Result.totals` and `Result.row_totals`.
    subtotals : dict
        See `Result.subtotals`.
    """

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        self.metadata: dict[str, Any] = dict(metadata)
        self.notes: list[str] = []
        self.truncated: bool | None = None
        self.columns_truncated: bool | None = None
        self.excused = False
        self.rows = self.read = 0
        self.pivots: int | None = None
        self.totals: pa.Table | None = None
        self.row_totals: pa.Table | None = None
        self.subtotals: dict[tuple[str, ...], pa.Table] = {}

    def note(self, text: str) -> None:
        """Add a remark, once."""
        if text not in self.notes:
            self.notes.append(text)


class Result:
    """The rows of one query, typed; read from Looker as they are asked for.

    Made by `Task.result`, `decode` and the ``read_...`` functions. The query did not fail: that was looked at before
    this object was handed out, as far as the first batch reaches; a failure that Looker reports later is raised by
    whatever reads the rows then.

    Attributes
    ----------
    schema : pyarrow.Schema
        One column for each field, named ``view.field``, in Looker's order. The types are those of the stream; for
        number dimensions `to_arrow` looks at all rows and may find another (see ``numbers``).

    Notes
    -----
    ``to_arrow`` and ``to_pandas`` keep the table and can be repeated. ``batches`` and ``__arrow_c_stream__`` stream the
    rows once, in bounded memory, unless the table is kept already.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        pieces: Iterable[Piece],
        findings: Findings,
        *,
        close: Callable[[], None] = lambda: None,
        on_failure: Callable[[BaseException], None] = lambda _error: None,
        stats: Figures | None = None,
        again: Again | None = None,
        on_truncate: OnTruncate = "warn",
        pivot_names: Sequence[str] = (),
    ) -> None:
        self._columns = tuple(columns)
        self._findings = findings
        self._close = close
        self._on_failure = on_failure
        self._stats = stats
        self._again = again
        self._on_truncate = on_truncate
        self._pivot_names = tuple(pivot_names)
        self._table: pa.Table | None = None
        self._failure: BaseException | None = None
        self._taken = self._closed = False
        self._lock = threading.Lock()
        self.schema = self._schema_of([])  # also what a debugger sees of a result that cannot be made
        self._groups = self._grouped(pieces)
        first = next(self._groups, None)
        self._first = [first] if first is not None else []
        self.schema = self._schema_of(self._first)

    # -- what is known -------------------------------------------------------------------------------------------------

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What is known of the query: ``sql``, ``timezone``, ``ran_at``, ``model``, ``explore``, ``task_id``, ...

        Which keys there are depends on the result format and on where the payload came from. Complete at the end of the
        rows.
        """
        return MappingProxyType(self._findings.metadata)

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks that are no failures: drift of the API, types that were chosen by the values, Development Mode."""
        return tuple(self._findings.notes)

    @property
    def stats(self) -> dict[str, Any]:
        """Figures on the work done so far: ``rows``, and for fetched results calls, retries, bytes and seconds."""
        facts = {} if self._stats is None else self._stats.to_dict()
        return {"rows": self._findings.read, **facts}

    @property
    def truncated(self) -> bool | None:
        """Whether Looker cut rows, or columns of pivots, at a limit; None if that cannot be known. Final at the end."""
        found = self._findings
        if found.columns_truncated or (found.truncated is False and self._may_lack_columns()):
            return True if found.columns_truncated else None
        return found.truncated

    @property
    def totals(self) -> pa.Table | None:
        """The totals over all rows: one row with the columns of the rows; None if there are none.

        The totals of a pivoted result's row totals stand in columns of their own, named by the measures. Complete at
        the end of the rows, as are `row_totals` and `subtotals`; all are laid out wide, whatever the rows are.
        """
        return self._like_rows(self._findings.totals)

    @property
    def row_totals(self) -> pa.Table | None:
        """The totals of each row of a pivoted result: its dimensions and measures, n rows; None if there are none."""
        return self._like_rows(self._findings.row_totals)

    @property
    def subtotals(self) -> Mapping[tuple[str, ...], pa.Table]:
        """The subtotals: the names of the dimensions that are grouped by → a table with the columns of `totals`."""
        return {names: self._like_rows(table) for names, table in self._findings.subtotals.items()}

    @property
    def content(self) -> bytes:
        """The bytes of a result that is no table, such as an image.

        Raises
        ------
        UnexpectedContentError
            It is a table.
        """
        raise self._is_table("content")

    @property
    def text(self) -> str:
        """The text of a result that is no table, such as SQL.

        Raises
        ------
        UnexpectedContentError
            It is a table, or an image.
        """
        raise self._is_table("text")

    def __repr__(self) -> str:
        state = f"{self._findings.read:,} rows read" if self._table is None else f"{self._table.num_rows:,} rows"
        return f"<Result: {len(self.schema)} columns, {state}>"

    # -- exits ---------------------------------------------------------------------------------------------------------

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Stream the rows as record batches of one schema, once.

        Yields
        ------
        pyarrow.RecordBatch
            Of `schema`; some ten thousand rows each.

        Raises
        ------
        ResultConsumedError
            The rows were streamed before and are not kept.
        ConversionError, PayloadError, LookerSQLError, FetchError
            As the rows are read: the data cannot be trusted, nothing of it should be published.
        TruncatedError
            At the end, with ``on_truncate="raise"``.
        """
        if self._table is not None:
            return iter(self._table.to_batches())
        self._refuse_second_reading()
        return self._stream()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Hand the rows to any Arrow consumer: ``pl.DataFrame(result)``, ``duckdb.sql("from result")``; once."""
        return self.reader().__arrow_c_stream__(requested_schema)

    def reader(self) -> pa.RecordBatchReader:
        """Return the rows as a ``pyarrow.RecordBatchReader``, once; see `batches` for what is raised."""
        # Some consumers ask for the stream several times, for its schema, and read one: that one takes the rows.
        return pa.RecordBatchReader.from_batches(self.schema, self.batches())

    def to_arrow(self) -> pa.Table:
        """Read all rows into an Arrow table, and keep it.

        Returns
        -------
        pyarrow.Table
            n rows, one column for each field; `schema`, but for number dimensions under ``numbers="auto"``, which are
            int64 if all their values are written as integers.

        Raises
        ------
        ResultConsumedError, ConversionError, PayloadError, LookerSQLError, FetchError, TruncatedError
            See `batches`.
        """
        if self._table is None:
            with self._taking() as groups:
                kept = self._all(groups)
                schema = self._schema_of(kept)
                self._note_choices(schema, "all rows")
                self._table = pa.Table.from_batches([_batch(piece, schema) for piece in kept], schema)
                self.schema = schema
        return self._table

    def to_pandas(self, *, dtype_backend: DtypeBackend = "pyarrow", multiindex: bool = False) -> pd.DataFrame:
        """Read all rows into a pandas frame, in Looker's order.

        Parameters
        ----------
        dtype_backend : {"pyarrow", "numpy_nullable", "numpy"}, default "pyarrow"
            ``"pyarrow"``: `pandas.ArrowDtype` for all columns, exact and fast. ``"numpy_nullable"``: pandas' own
            nullable types (Int64, Float64, boolean, string); dates and timestamps as datetime64. ``"numpy"``: what
            pyarrow converts to by itself; integers with nulls become float64 and booleans with nulls object.
        multiindex : bool, default False
            Whether the columns of a pivoted, wide result have a `pandas.MultiIndex`: the field, then a level for each
            pivoted dimension.

        Returns
        -------
        pandas.DataFrame
            n rows, one column for each field; a new frame at each call. ``attrs`` has what is known of the query, as
            `metadata`, and in ``attrs["fields"]`` what Looker says of each column.

        Raises
        ------
        ResultConsumedError, ConversionError, PayloadError, LookerSQLError, FetchError, TruncatedError
            See `batches`.
        """
        import pandas as pd

        require_backend(dtype_backend)
        options: dict[str, Any] = {"date_as_object": False}
        if dtype_backend == "pyarrow":
            options = {"types_mapper": pd.ArrowDtype}
        elif dtype_backend == "numpy_nullable":
            nullable = {
                pa.int64(): pd.Int64Dtype(),
                pa.float64(): pd.Float64Dtype(),
                pa.bool_(): pd.BooleanDtype(),
                pa.string(): pd.StringDtype(),
            }
            options["types_mapper"] = nullable.get
        table = self.to_arrow()
        frame: pd.DataFrame = table.to_pandas(**options)
        frame.attrs |= attrs_of(self.schema, self._findings.metadata)
        if multiindex and any(len(column.heading) > 1 for column in self._columns):
            frame.columns = self._multiindex()
        return frame

    def _multiindex(self) -> pd.MultiIndex:
        import pandas as pd

        names: list[str | None] = ["field", *self._pivot_names]
        depth = max([len(names), *(len(column.heading) for column in self._columns)])
        names += [None] * (depth - len(names))  # pivots are listed, but not the dimensions that they are of
        tuples: list[tuple[str, ...]] = []
        for column in self._columns:
            field = column.heading[0] if column.part == "value" else f"{column.heading[0]}.{column.part}"
            values = (*column.heading[1:], *[""] * (depth - len(column.heading)))
            numbered = (field, *(f"{field}_{number}" for number in range(2, len(self._columns) + 2)))
            tuples.append(next((name, *values) for name in numbered if (name, *values) not in tuples))
        return pd.MultiIndex.from_tuples(tuples, names=names)

    def close(self) -> None:
        """Let go of the connection without reading on; what `to_arrow` has read stays. Harmless at any time."""
        self._closed = True
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- how rows flow -------------------------------------------------------------------------------------------------

    def _refuse_second_reading(self) -> None:
        if self._failure is not None and not isinstance(self._failure, ResultConsumedError):
            what = f"{type(self._failure).__name__}: {self._failure}"
            message = f"reading the rows of this result failed before; fetch it again\n{shorten(what, 500)}"
        elif self._taken:
            message = (
                "the rows of this result were streamed already and are not kept; call to_arrow() first and stream its "
                "table, or fetch the result again"
            )
        elif self._closed:
            message = "this result was closed before its rows were read; fetch it again"
        else:
            return
        raise ResultConsumedError(message)

    def _take(self) -> None:
        """Take the rows for one reader; another is refused, and must not end the one that reads."""
        with self._lock:
            self._refuse_second_reading()
            self._taken = True

    @contextlib.contextmanager
    def _taking(self) -> Iterator[Iterator[Piece]]:
        """Take the rows, this once; let go of the connection at the end, also if they are not read to theirs."""
        self._take()
        # An exception that passes through Arrow's C stream comes out as another: it is kept for `reading`.
        try:
            first, self._first = self._first, []
            yield itertools.chain(first, self._groups)
        except GeneratorExit:
            raise
        except BaseException as exc:
            self._failure = exc
            self._on_failure(exc)
            raise
        finally:
            self._groups.close()
            self.close()

    def _stream(self) -> Iterator[pa.RecordBatch]:
        try:
            with self._taking() as groups:
                self._note_choices(self.schema, "the first rows")
                for piece in self._followed(groups):
                    yield _batch(piece, self.schema)
        except ResultConsumedError as exc:
            self._failure = self._failure or exc  # for `reading`, too
            raise

    def _all(self, groups: Iterator[Piece]) -> list[Piece]:
        """Take all pieces; from the first one on again, where the body breaks off."""
        while True:
            try:
                return list(groups)
            except LookerFrameError as exc:
                groups = self._from_start(exc)

    def _followed(self, groups: Iterator[Piece]) -> Iterator[Piece]:
        """Hand out pieces one by one; where the body breaks off, go on with what follows the rows handed out."""
        handed = 0
        while True:
            seen = 0
            try:
                for piece in groups:
                    known, seen = handed - seen, seen + piece.rows
                    if known < piece.rows or not piece.rows:
                        if self._again is not None:
                            self._again.handed_out()
                        handed = max(handed, seen)
                        yield piece if known <= 0 else _without_first(piece, known)
            except LookerFrameError as exc:
                groups = self._from_start(exc)
            else:
                return

    def _from_start(self, error: LookerFrameError) -> Iterator[Piece]:
        """Take over the same result as it is fetched anew; raise `error` where that is not to be."""
        if self._again is None or self._closed:
            raise error
        fresh = self._again.again(error)
        for note in self.notes:
            fresh._findings.note(note)  # noqa: SLF001 - of the same class, and nobody else's
        for name in ("_columns", "_pivot_names", "_findings", "_close", "_groups"):
            setattr(self, name, getattr(fresh, name))
        return itertools.chain(fresh._first, self._groups)  # noqa: SLF001

    def _grouped(self, pieces: Iterable[Piece]) -> Generator[Piece, None, None]:
        """Join pieces until they make a batch; when they have ended, say whether all rows came."""
        try:
            group: list[Piece] = []
            rows = size = 0
            for piece in pieces:
                self._findings.read += piece.rows
                group.append(piece)
                rows, size = rows + piece.rows, size + sum(array.get_total_buffer_size() for array in piece.arrays)
                if rows >= BATCH_ROWS or size >= BATCH_BYTES:
                    yield self._joined(group)
                    group, rows, size = [], 0, 0
            self._close()  # all of it has arrived
            self._refuse_failed_task()
            if group:
                yield self._joined(group)
            self._judge_truncation()
        finally:
            self._close()

    def _refuse_failed_task(self) -> None:
        """Refuse rows of a task that Looker calls failed, where nothing in the answer says why or that it did not."""
        known = self._findings.metadata
        if known.get("state") in FAILED and not self._findings.excused:
            issue = SqlIssue(
                "Looker says that the query failed, and sent what looks like a result; it is not to be trusted"
            )
            names = ("result_format", "task_id", "query_id", "slug", "model", "explore")
            where: dict[str, Any] = {name: known.get(name) for name in names}
            raise LookerSQLError([issue], sql=known.get("sql"), url=known.get("share_url"), **where)

    def _judge_truncation(self) -> None:
        found = self._findings
        limit = found.metadata.get("limit")
        rows = found.rows
        if found.truncated is None and isinstance(limit, int):
            # Without a word from Looker: fewer rows than the limit are all; as many may be all of them or not. More
            # show that the task had another limit than its query, and nobody knows which.
            found.truncated = False if limit < 0 or rows < limit else None
            maybe = rows == limit
        else:
            maybe = False
        if found.truncated or maybe:
            cut = "may have cut" if maybe else "cut"
            at = f" at the limit of {limit:,}" if isinstance(limit, int) and limit >= 0 else " at a row limit"
            self._tell(f"Looker {cut} this result{at}: {rows:,} rows came; ask with limit=-1 for all rows", limit)
        if found.columns_truncated or self._may_lack_columns():
            cut = "cut" if found.columns_truncated else "may have cut"
            self._tell(f"Looker {cut} columns of this pivoted result at its column limit; ask with a larger one", limit)

    def _may_lack_columns(self) -> bool:
        """Tell whether there are as many pivots as the query allows, and no word of Looker on whether that is all."""
        found = self._findings
        if found.columns_truncated is not None or found.pivots is None:
            return False
        return bool(found.pivots >= found.metadata.get("column_limit", _COLUMN_LIMIT))

    def _tell(self, message: str, limit: Any) -> None:
        if self._on_truncate == "raise":
            raise TruncatedError(message, limit=limit, rows=self._findings.rows)
        if self._on_truncate == "warn":
            warnings.warn(message, TruncatedWarning, stacklevel=_outside())

    def _joined(self, group: Sequence[Piece]) -> Piece:
        if len(group) == 1:
            return group[0]
        arrays = []
        for place, column in enumerate(self._columns):
            arrow_type = settled(column.reader, [piece.arrays[place].type for piece in group])
            parts = [
                fit(piece.arrays[place], arrow_type, column=column.name, first_row=piece.first_row) for piece in group
            ]
            arrays.append(pa.concat_arrays(parts))
        return Piece(tuple(arrays), group[0].first_row, sum(piece.rows for piece in group))

    def _schema_of(self, pieces: Sequence[Piece]) -> pa.Schema:
        types = [[piece.arrays[place].type for piece in pieces] for place in range(len(self._columns))]
        return pa.schema(
            [column.arrow_field(column.reader.settle(met)) for column, met in zip(self._columns, types, strict=True)],
            metadata={f"looker.{key}": value for key, value in spelt(self._findings.metadata).items()},
        )

    def _like_rows(self, table: pa.Table | None) -> Any:
        """Give the columns of a table of totals the types that the rows' columns have."""
        types = {_identity(field): field.type for field in self.schema}
        for place, field in enumerate(table.schema if table is not None else ()):
            name, part, pivot = _identity(field)
            due = types.get((name, part, pivot)) or types.get((name, part, None)) or field.type
            if table is not None and field.type != due:
                with contextlib.suppress(ConversionError):  # a fraction, where all values of the rows are whole
                    parts = [fit(part, due, column=field.name, first_row=0) for part in table.column(place).chunks]
                    table = table.set_column(place, field.with_type(due), pa.chunked_array(parts, due))
        return table

    def _is_table(self, asked: str) -> UnexpectedContentError:
        result_format = self._findings.metadata.get("result_format")
        message = f"the result is a table, read with to_arrow() or to_pandas(); .{asked} is for results that are none"
        return UnexpectedContentError(message, result_format=result_format)

    def _note_choices(self, schema: pa.Schema, seen: str) -> None:
        chosen: dict[str, dict[str, None]] = {}
        for column, field in zip(self._columns, schema, strict=True):
            if column.reader.arrow_type is None:
                chosen.setdefault(type_name(field.type), {})[column.field.name] = None
        for arrow_type, names in chosen.items():
            what = shorten(", ".join(names), 500)
            self._findings.note(f"{arrow_type} was chosen by the values of {seen} for {what}")


class Document(Result):
    """A result that is no table: SQL, a page, an image.

    Parameters
    ----------
    content
        Its bytes.
    findings, stats
        See `Result`.

    Notes
    -----
    `content` has its bytes, `text` what they spell. Whatever asks for rows raises `UnexpectedContentError`.
    """

    def __init__(self, content: bytes, findings: Findings, *, stats: Figures | None = None) -> None:
        super().__init__((), (), findings, stats=stats)
        self._content = content

    @property
    def content(self) -> bytes:
        """The bytes as Looker sent them."""
        return self._content

    @property
    def text(self) -> str:
        """The bytes as text.

        Raises
        ------
        UnexpectedContentError
            They are none, as those of an image.
        """
        try:
            return self._content.decode("utf-8-sig")
        except UnicodeDecodeError as exc:
            message = f"the result is no text (byte 0x{self._content[exc.start]:02x}); its bytes are in .content"
            found = self._findings.metadata.get("result_format")
            raise UnexpectedContentError(message, result_format=found, offset=exc.start) from None

    def __repr__(self) -> str:
        return f"<Document: {self._findings.metadata.get('result_format')}, {len(self._content):,} bytes>"

    def _refuse_second_reading(self) -> NoReturn:
        message = "the result is no table; its text is in .text, its bytes in .content"
        raise UnexpectedContentError(message, result_format=self._findings.metadata.get("result_format"))


def _batch(piece: Piece, schema: pa.Schema) -> pa.RecordBatch:
    arrays = [
        fit(array, field.type, column=field.name, first_row=piece.first_row)
        for array, field in zip(piece.arrays, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _without_first(piece: Piece, rows: int) -> Piece:
    return Piece(tuple(array.slice(rows) for array in piece.arrays), piece.first_row + rows, piece.rows - rows)


def _identity(field: pa.Field) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Tell which field of Looker, which member of its cells and which pivot a column has; see `Column.arrow_field`."""
    facts = field.metadata or {}
    return facts.get(b"lookml.name"), facts.get(b"lookml.part"), facts.get(b"lookml.pivot")


def spelt(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Spell what is known of a query for the metadata of an Arrow schema: text as it is, the rest as JSON."""
    return {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        for key, value in metadata.items()
    }


def require_backend(dtype_backend: Any) -> None:
    """Refuse what is no `DtypeBackend`.

    Raises
    ------
    ConfigError
        It is none.
    """
    if dtype_backend not in get_args(DtypeBackend):
        known = ", ".join(map(repr, get_args(DtypeBackend)))
        message = f"dtype_backend={dtype_backend!r} is not known; give one of {known}"
        raise ConfigError(message, setting="dtype_backend")


def attrs_of(schema: pa.Schema, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Make the ``attrs`` of a frame: what is known of the query, and of each column in ``fields``."""
    fields = {
        field.name: {key.decode().removeprefix("lookml."): value.decode() for key, value in field.metadata.items()}
        for field in schema
        if field.metadata
    }
    known = {**json.loads(json.dumps(dict(metadata), default=str)), "fields": fields}
    return {key: _Facts(value) if isinstance(value, dict) else value for key, value in known.items()}


class _Facts(dict[str, Any]):
    """Facts that copy to themselves: pandas copies `attrs` deeply in each operation, many times what that takes."""

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (dict(self),)  # a pickle is to be read without lookerframe


@contextlib.contextmanager
def reading(data: ArrowStream) -> Iterator[pa.RecordBatchReader]:
    """Open any Arrow stream, and let an error that arises in it come out as it was raised.

    Parameters
    ----------
    data
        A `Result`, an Arrow table or reader, a frame of pandas, polars, ...

    Yields
    ------
    pyarrow.RecordBatchReader
        Read once; closed at the end of the block.
    """
    before = getattr(data, "_failure", None)
    try:
        with pa.RecordBatchReader.from_stream(data) as reader:
            yield reader
    except Exception as exc:
        failure = getattr(data, "_failure", None)
        if isinstance(failure, BaseException) and failure is not before and failure is not exc:
            raise failure from exc
        raise


def _outside() -> int:
    """Find the stack level of the caller's own line, for a warning that arises deep in a stream."""
    frame, level = sys._getframe(1), 1  # noqa: SLF001 - the documented way to walk the stack without building it
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("lookerframe."):
        frame, level = frame.f_back, level + 1
    return level
