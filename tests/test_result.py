"""`Result`: one stream of rows, many exits."""

from __future__ import annotations

import copy
import datetime as dt
import gc
import inspect
import json
import pickle
import threading
import warnings
import weakref
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

import lookerframe as lf
from lookerframe import result as result_module
from lookerframe.columns import Decoding
from lookerframe.exceptions import (
    ConfigError,
    ConversionError,
    DeadlineError,
    ExportError,
    IncompleteResultError,
    LookerFrameError,
    LookerSQLError,
    NetworkError,
    ResultConsumedError,
    SqlIssue,
    TruncatedError,
    TruncatedWarning,
    UnexpectedContentError,
)
from lookerframe.fields import Field
from lookerframe.layout import Layout
from lookerframe.payload import Payload
from lookerframe.result import BATCH_ROWS, Document, Findings, Result, reading
from lookerframe.typed_rows import Piece
from tests.faults import FaultServer, reply
from tests.scripted import TASK, ScriptedLooker
from tests.writers import Col, decode, json_detail, json_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lookerframe.columns import Column, OnTruncate
    from lookerframe.fields import Numbers
    from tests.faults import Request, Script

COLUMNS = [Col("v.a"), Col("v.n", "count", "measures")]


class Source:
    """Pieces of one int64 and one text column that count how far they were pulled, and may fail at the end."""

    def __init__(self, pieces: int, *, rows: int = 1000, failure: BaseException | None = None) -> None:
        self.pieces, self.rows, self.failure = pieces, rows, failure
        self.pulled = 0
        self.ended = False

    def __iter__(self) -> Iterator[Piece]:
        try:
            for index in range(self.pieces):
                self.pulled += 1
                first = index * self.rows
                numbers = pa.array(range(first, first + self.rows), pa.int64())
                yield Piece((pa.array(["x"] * self.rows), numbers), first, self.rows)
            if self.failure is not None:
                raise self.failure
        finally:
            self.ended = True


class Closing:
    """Counts how often it was asked to let go."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> None:
        """Let go."""
        self.calls += 1


def columns_of(fields: Iterable[Field], decoding: Decoding | None = None) -> tuple[Column, ...]:
    """Lay fields out as columns."""
    return Layout(tuple(fields), decoding=decoding or Decoding()).columns


def made(
    source: Iterable[Piece],
    *,
    close: Callable[[], None] = lambda: None,
    on_truncate: OnTruncate = "warn",
    **metadata: Any,
) -> Result:
    """Make a result of two columns."""
    fields = [Field("v.a", "string", measure=False), Field("v.n", "count", measure=True)]
    layout = Layout(fields, decoding=Decoding(on_truncate=on_truncate))
    return layout.result(source, Findings(metadata), Payload("json_detail", [], close=close))


def number_pieces(*arrays: Any, numbers: Numbers = "auto", kind: str | None = "number") -> Result:
    """Make a result of one number dimension, a piece of a full batch for each array."""
    columns = columns_of([Field("v.n", kind, measure=None if kind is None else False)], Decoding(numbers))
    pieces = []
    for index, values in enumerate(arrays):
        array = pa.concat_arrays([pa.array(values), pa.nulls(BATCH_ROWS - len(values), pa.array(values).type)])
        pieces.append(Piece((array,), index * BATCH_ROWS, BATCH_ROWS))
    return Result(columns, pieces, Findings({}))


# -- exits -------------------------------------------------------------------------------------------------------------


def test_to_arrow_can_be_repeated() -> None:
    """The table is read once and kept; streams of it are free."""
    source = Source(40)
    result = made(source)
    table = result.to_arrow()

    assert result.to_arrow() is table
    assert table.num_rows == 40_000
    assert table.schema == result.schema
    assert table["v.n"].to_pylist() == list(range(40_000))
    for _ in range(2):
        assert pa.Table.from_batches(result.batches()).equals(table)
        assert pa.table(result).equals(table)
        assert result.reader().read_all().equals(table)
    assert len(result.to_pandas()) == 40_000
    assert source.pulled == 40


def test_batches_stream_once_and_say_what_to_do() -> None:
    """A second stream raises when it is asked for; so does a table after a stream."""
    result = made(Source(40))
    batches = list(result.batches())

    assert [batch.num_rows for batch in batches] == [17_000, 17_000, 6_000]
    assert all(batch.schema == result.schema for batch in batches)
    assert sum(batches[0]["v.n"].to_pylist()) == sum(range(17_000))
    for again in (result.batches, result.reader, result.__arrow_c_stream__, result.to_arrow, result.to_pandas):
        with pytest.raises(ResultConsumedError, match=r"streamed already.*call to_arrow\(\) first") as caught:
            again()
        assert isinstance(caught.value, LookerFrameError)


def test_a_stream_that_was_not_read_takes_nothing() -> None:
    """Some consumers ask for the stream several times, to see its schema first."""
    result = made(Source(3))
    first, second = result.reader(), result.reader()
    assert first.schema == second.schema == result.schema
    result.__arrow_c_stream__()

    assert second.read_all().num_rows == 3000
    with pytest.raises(ResultConsumedError):
        first.read_all()


SECOND: dict[str, Callable[[Result], Any]] = {
    "to_arrow": lambda result: result.to_arrow(),
    "to_pandas": lambda result: result.to_pandas(),
    "batches": lambda result: result.batches(),
    "reader": lambda result: result.reader(),
    "stream": pa.table,
}


@pytest.mark.parametrize("second", SECOND.values(), ids=SECOND.keys())
@pytest.mark.parametrize("first", [lambda result: result.batches(), lambda result: result.reader()])
def test_a_refused_second_reading_does_not_end_the_first(
    first: Callable[[Result], Iterator[pa.RecordBatch]], second: Callable[[Result], Any]
) -> None:
    """The rows go to who began: all of them, though others asked between the batches."""
    close = Closing()
    result = made(Source(40), close=close)
    numbers = []
    for batch in first(result):
        numbers += batch["v.n"].to_pylist()
        if len(numbers) < 40_000:
            assert close.calls == 0
            with pytest.raises(ResultConsumedError, match="streamed already"):
                second(result)

    assert numbers == list(range(40_000))
    assert close.calls >= 1


def test_a_stream_that_was_asked_for_before_does_not_end_the_one_that_is_read() -> None:
    """Both were handed out while nobody read; the one that begins later is refused then."""
    result = made(Source(40))
    read, late, reader = result.batches(), result.batches(), result.reader()
    numbers = next(read)["v.n"].to_pylist()
    with pytest.raises(ResultConsumedError, match="streamed already"):
        next(late)
    with pytest.raises(ResultConsumedError, match="streamed already"):
        reader.read_all()

    for batch in read:
        numbers += batch["v.n"].to_pylist()
    assert numbers == list(range(40_000))


def test_a_refused_reading_does_not_hide_what_happens_then() -> None:
    """The block's own error comes out, though a second reading was refused in it."""
    result = made(Source(40))

    def write() -> None:
        with reading(result) as reader:
            reader.read_next_batch()
            with pytest.raises(ResultConsumedError):
                result.to_arrow()
            raise OSError(28, "disk full")

    with pytest.raises(OSError, match="disk full"):
        write()


class Hesitant(Result):
    """Waits for a moment between looking whether the rows are taken and taking them, for another to look as well."""

    #: Threads that looked.
    looking = 0
    both = threading.Event()

    def _refuse_second_reading(self) -> None:
        super()._refuse_second_reading()
        self.looking += 1
        if self.looking == 2:
            self.both.set()
        self.both.wait(0.1)


def test_of_two_threads_one_gets_the_rows_and_the_other_an_error() -> None:
    """All rows, or none: they are not shared out."""
    columns = columns_of([Field("v.a", "string", measure=False), Field("v.n", "count", measure=True)])
    result = Hesitant(columns, Source(40), Findings({}))
    got: list[list[int]] = []
    refused: list[str] = []

    def read() -> None:
        try:
            got.append(result.to_arrow()["v.n"].to_pylist())
        except ResultConsumedError as exc:
            refused.append(str(exc))

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert got == [list(range(40_000))]
    assert len(refused) == 1
    assert "streamed already" in refused[0]


def test_stream_goes_into_any_arrow_consumer() -> None:
    """By the C stream interface: pyarrow, DuckDB."""
    assert pa.table(made(Source(40))).num_rows == 40_000
    assert pa.RecordBatchReader.from_stream(made(Source(40))).read_all().num_rows == 40_000
    result = made(Source(40))  # noqa: F841 - DuckDB finds it by its name
    with duckdb.connect() as connection:
        found = connection.execute('SELECT count(*), sum("v.n"), min("v.a") FROM result').fetchall()
    assert found == [(40_000, sum(range(40_000)), "x")]


def test_requested_schema_is_honoured() -> None:
    """A consumer may ask for other types, as far as Arrow can cast."""
    wanted = pa.schema([("v.a", pa.large_string()), ("v.n", pa.int32())])

    table = pa.RecordBatchReader.from_stream(made(Source(2)), schema=wanted).read_all()

    assert table.schema.types == wanted.types


def test_empty_result_has_its_schema_at_every_exit() -> None:
    """No rows, but columns and types."""
    exits: list[Callable[[Result], pa.Table]] = [
        lambda result: result.to_arrow(),
        lambda result: result.reader().read_all(),
        lambda result: pa.Table.from_batches(result.batches(), result.schema),
        lambda result: pa.Table.from_pandas(result.to_pandas(), preserve_index=False),
    ]
    for read in exits:
        result = decode(json_detail(COLUMNS, []))
        assert read(result).schema.names == ["v.a", "v.n"]
        assert read(decode(json_detail(COLUMNS, []))).schema.types == [pa.string(), pa.int64()]
        assert result.stats == {"rows": 0}


def test_batches_hold_a_bounded_number_of_rows() -> None:
    """While rows are handed out, the source is pulled no further than the next batch."""
    source = Source(1000)
    result = made(source)
    assert source.pulled == 17
    for count, _ in enumerate(result.batches(), start=1):
        assert source.pulled <= 17 * (count + 1)
    assert source.pulled == 1000


def test_batches_are_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of much text make batches of fewer rows."""
    monkeypatch.setattr(result_module, "BATCH_BYTES", 50_000)
    source = Source(100, rows=100)
    result = made(source)
    assert source.pulled < 50
    sizes = [(batch.num_rows, batch.nbytes) for batch in result.batches()]
    assert all(rows < 5_000 and size < 55_000 for rows, size in sizes)
    assert sum(rows for rows, _ in sizes) == 10_000


def test_read_batches_are_let_go() -> None:
    """The stream keeps no batch that it has handed out."""
    result = made(Source(100))
    seen = []
    for batch in result.batches():
        seen.append(weakref.ref(batch))
        del batch
        gc.collect()
        assert sum(ref() is not None for ref in seen) <= 1


# -- pandas ------------------------------------------------------------------------------------------------------------

KINDS: dict[str, tuple[str, list[Any]]] = {
    "v.int": ("count", [1, None]),
    "v.float": ("sum", [1.5, None]),
    "v.bool": ("yesno", ["Yes", None]),
    "v.text": ("string", ["x", None]),
    "v.day": ("date_date", ["2026-01-31", None]),
    "v.time": ("date_time", ["2026-01-31 08:00:00.000001", None]),
    "v.list": ("list", [["a", None], None]),
}


def all_kinds() -> Result:
    """Decode one column of each type, with a null in each."""
    columns = [Col(name, kind, "measures") for name, (kind, _) in KINDS.items()]
    rows = [{name: values[row] for name, (_, values) in KINDS.items()} for row in range(2)]
    return decode(json_detail(columns, rows))


@pytest.mark.parametrize(
    ("backend", "dtypes"),
    [
        (
            "pyarrow",
            [
                *["int64[pyarrow]", "double[pyarrow]", "bool[pyarrow]", "string[pyarrow]", "date32[day][pyarrow]"],
                *["timestamp[us][pyarrow]", "list<item: string>[pyarrow]"],
            ],
        ),
        ("numpy_nullable", ["Int64", "Float64", "boolean", "string", "datetime64[ms]", "datetime64[us]", "object"]),
        ("numpy", ["float64", "float64", "object", "str", "datetime64[ms]", "datetime64[us]", "object"]),
    ],
)
def test_pandas_dtypes(backend: Any, dtypes: list[str]) -> None:
    """No integer becomes a float because of a null, no boolean an object, unless "numpy" was asked for."""
    frame = all_kinds().to_pandas(dtype_backend=backend)

    assert [str(dtype) for dtype in frame.dtypes] == dtypes
    assert list(frame.columns) == list(KINDS)
    assert frame.iloc[1].isna().all()
    first = frame.iloc[0].to_dict()
    assert (first["v.int"], first["v.float"], first["v.bool"], first["v.text"]) == (1, 1.5, True, "x")
    assert pd.Timestamp(first["v.day"]) == pd.Timestamp(2026, 1, 31)
    assert pd.Timestamp(first["v.time"]) == pd.Timestamp("2026-01-31 08:00:00.000001")
    assert list(first["v.list"]) == ["a", None]


def test_pandas_is_pyarrow_by_default_and_a_new_frame_each_time() -> None:
    """Whoever writes into a frame changes no other."""
    result = all_kinds()
    frame = result.to_pandas()
    assert str(frame["v.int"].dtype) == "int64[pyarrow]"
    assert frame["v.day"][0] == dt.date(2026, 1, 31)

    frame.loc[0, "v.int"] = 99
    assert result.to_pandas()["v.int"][0] == 1


def test_attributes_of_a_frame_are_shared_by_what_is_made_of_it() -> None:
    """Pandas copies them deeply in each operation: what is nested in them copies to itself."""
    frame = attributed()
    nested = {name: facts for name, facts in frame.attrs.items() if isinstance(facts, dict)}
    assert set(nested) == {"applied_filters", "fields"}

    for attrs in (copy.deepcopy(frame.attrs), frame.copy().attrs, frame.head(1).attrs, frame["v.n"].attrs):
        assert attrs == frame.attrs
        assert all(attrs[name] is facts for name, facts in nested.items())


def test_attributes_of_a_frame_are_equal_to_plain_ones() -> None:
    """In both directions, and as JSON."""
    facts = {
        "applied_filters": {"v.a": {"value": "x", "others": [{"n": 1}]}},
        "fields": {
            "v.a": {"name": "v.a", "type": "string", "category": "dimension"},
            "v.n": {"name": "v.n", "type": "count", "category": "measure"},
        },
    }
    found = {name: attributed().attrs[name] for name in facts}

    assert found == facts
    assert facts == found
    assert json.dumps(found) == json.dumps(facts)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_frame_holds_plain_attributes(protocol: int) -> None:
    """It can be read where lookerframe is not installed, by every protocol of pickle."""
    frame = attributed()
    written = pickle.dumps(frame, protocol)
    attrs = pickle.loads(written).attrs  # noqa: S301 - written above

    assert b"lookerframe" not in written
    assert attrs == frame.attrs
    assert {type(facts) for facts in attrs.values() if isinstance(facts, dict)} == {dict}
    assert type(attrs["fields"]["v.n"]) is type(attrs["applied_filters"]["v.a"]) is dict


def attributed() -> pd.DataFrame:
    """Decode a frame whose attributes are nested."""
    filters = {"v.a": {"value": "x", "others": [{"n": 1}]}}
    return decode(json_detail(COLUMNS, [{"v.a": "x", "v.n": 3}], applied_filters=filters)).to_pandas()


def test_unknown_dtype_backend_takes_no_rows() -> None:
    """The mistake costs nothing."""
    result = all_kinds()
    with pytest.raises(ConfigError, match="dtype_backend='polars' is not known; give one of 'pyarrow', ") as caught:
        result.to_pandas(dtype_backend="polars")  # type: ignore[arg-type]

    assert caught.value.setting == "dtype_backend"
    assert len(result.to_pandas()) == 2


# -- types over pieces -------------------------------------------------------------------------------------------------


def test_number_dimensions_of_a_table_look_at_all_pieces() -> None:
    """A fraction in the last one makes all of it float64; the note says so."""
    result = number_pieces([1, 2], [3], [4.5])
    assert result.schema.types == [pa.int64()]
    table = result.to_arrow()

    assert table.schema.types == result.schema.types == [pa.float64()]
    assert table["v.n"].drop_null().to_pylist() == [1.0, 2.0, 3.0, 4.5]
    assert result.notes == ("float64 was chosen by the values of all rows for v.n",)


def test_number_dimensions_of_a_stream_are_held_to_the_first_batch() -> None:
    """A later fraction raises, by its row over the whole result, with the option that helps."""
    result = number_pieces([1, 2], [3.0], [None, 4.5, 5.5])
    batches = result.batches()
    assert next(batches).schema.types == [pa.int64()]
    assert result.notes == ("int64 was chosen by the values of the first rows for v.n",)
    assert next(batches)["v.n"].to_pylist()[:1] == [3]
    with pytest.raises(ConversionError) as caught:
        next(batches)

    assert str(caught.value) == (
        f"column 'v.n', row {2 * BATCH_ROWS + 1:,}: 4.5 is not a value of type int64; give dtypes={{'v.n': 'float64'}}"
    )
    assert caught.value.row == 2 * BATCH_ROWS + 1


def test_an_integer_too_large_for_the_float_of_the_stream_raises() -> None:
    """It is not rounded."""
    batches = number_pieces([1.5], [1], [2, 2**53 + 1]).batches()
    assert next(batches).schema.types == next(batches).schema.types == [pa.float64()]
    with pytest.raises(ConversionError, match=r"row 32,769: 9007199254740993 .* type float64; .*'decimal128'"):
        next(batches)


def test_a_first_batch_of_nulls_is_float64() -> None:
    """As an empty result is."""
    result = number_pieces([None], [1], [2.5])

    assert [batch.schema.types for batch in result.batches()] == [[pa.float64()]] * 3


def test_inferred_columns_never_mix_types() -> None:
    """Over pieces as within one."""
    with pytest.raises(ConversionError, match="the column has values of several types"):
        number_pieces([1], ["x"], kind=None).to_arrow()
    with pytest.raises(ConversionError, match="row 16,384: 'x' is not a value of type int64"):
        list(number_pieces([1], ["x"], kind=None).batches())
    assert number_pieces([1], [None], [1.5], kind=None).to_arrow().schema.types == [pa.float64()]


# -- errors on the way -------------------------------------------------------------------------------------------------

LATE: list[BaseException] = [
    NetworkError("the connection broke", reason="reset"),
    DeadlineError("the time is over", phase="downloading"),
    LookerSQLError([SqlIssue("late")]),
    ConversionError("v.n", row=5, value="x", arrow_type="int64"),
    ExportError("no", target="x"),
    OSError("foreign"),
    KeyboardInterrupt(),
    MemoryError(),
    TruncatedWarning("as an error"),
]


@pytest.mark.parametrize("failure", LATE, ids=lambda failure: type(failure).__name__)
def test_late_errors_come_out_of_reading_as_they_were_raised(failure: BaseException) -> None:
    """Arrow's C stream turns them into errors of its own, of several classes."""
    close = Closing()
    result = made(Source(40, failure=failure), close=close)
    with pytest.raises(type(failure)) as caught, reading(result) as reader:
        for _ in reader:
            pass

    assert caught.value is failure
    assert close.calls >= 1


@pytest.mark.parametrize("failure", LATE, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("read", [lambda result: result.to_arrow(), lambda result: list(result.batches())])
def test_late_errors_come_out_of_every_exit(failure: BaseException, read: Callable[[Result], Any]) -> None:
    """And what is left is no result: asking again says what happened."""
    close = Closing()
    source = Source(40, failure=failure)
    result = made(source, close=close)
    with pytest.raises(type(failure)) as caught:
        read(result)
    assert caught.value is failure
    assert close.calls >= 1
    assert source.ended

    with pytest.raises(
        ResultConsumedError, match=r"^reading the rows of this result failed before; fetch it again"
    ) as e:
        read(result)
    assert type(failure).__name__ in str(e.value)


def test_reading_leaves_errors_of_its_block_alone() -> None:
    """What a sink raises, also one of Arrow's, is not taken for an error of the stream."""
    for own in (pa.ArrowInvalid("own"), OSError("own"), ZeroDivisionError()):
        source = Source(40)
        close = Closing()
        with pytest.raises(type(own)) as caught, reading(made(source, close=close)) as reader:
            fail_after_a_batch(reader, own)
        assert caught.value is own
        assert close.calls >= 1
        assert source.ended


def test_reading_twice_tells_of_the_second_time() -> None:
    """The first error was raised already."""
    result = made(Source(40, failure=NetworkError("the connection broke", reason="reset")))
    with pytest.raises(NetworkError), reading(result) as reader:
        reader.read_all()

    with pytest.raises(ResultConsumedError, match="failed before"), reading(result):
        pass


def fail_after_a_batch(reader: pa.RecordBatchReader, error: Exception) -> None:
    """Do what a sink does whose disk is full."""
    reader.read_next_batch()
    raise error


def test_reading_takes_any_arrow_stream() -> None:
    """A table, a reader, a frame: with nothing of ours about them."""
    table = pa.table({"a": [1]})
    for data in (table, table.to_reader(), table.to_pandas()):
        with reading(data) as reader:
            assert reader.read_all().num_rows == 1
    result = made(Source(1))
    list(result.batches())
    with pytest.raises(ResultConsumedError), reading(result):
        pass


def test_a_stream_consumed_meanwhile_is_told_by_reading() -> None:
    """The rows went elsewhere after the stream was opened."""
    result = made(Source(3))
    with pytest.raises(ResultConsumedError), reading(result) as reader:
        assert list(result.batches()) != reader.read_all().to_batches()


def test_errors_of_the_first_batch_raise_at_once() -> None:
    """Before there is a result, and the source is let go."""
    close = Closing()
    with pytest.raises(NetworkError):
        made(Source(3, failure=NetworkError("x", reason="reset")), close=close)
    assert close.calls >= 1


# -- letting go --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "use",
    [
        lambda result: result.to_arrow(),
        lambda result: list(result.batches()),
        lambda result: result.reader().read_all(),
        lambda result: next(result.batches()),
        lambda result: pa.RecordBatchReader.from_stream(result).read_next_batch(),
        lambda result: result.close(),
        lambda result: result.__exit__(None, None, None),
    ],
    ids=["table", "batches", "reader", "abandoned", "abandoned in Arrow", "close", "with"],
)
def test_source_is_closed_however_reading_ends(use: Callable[[Result], Any]) -> None:
    """Also while the result itself lives on."""
    close = Closing()
    source = Source(40)
    result = made(source, close=close)
    assert close.calls == 0
    use(result)
    gc.collect()

    assert close.calls >= 1
    assert isinstance(result, Result)


def test_result_that_is_thrown_away_closes_its_source() -> None:
    """Nobody read it."""
    close = Closing()
    made(Source(40), close=close)
    gc.collect()

    assert close.calls >= 1


def test_closed_result_says_so() -> None:
    """Unless a table was kept."""
    with made(Source(40)) as result:
        pass
    with pytest.raises(ResultConsumedError, match="closed before its rows were read; fetch it again"):
        result.to_arrow()

    with made(Source(40)) as result:
        table = result.to_arrow()
    result.close()
    assert result.to_arrow() is table
    assert sum(batch.num_rows for batch in result.batches()) == 40_000


#: A body of many batches, by result format.
LONG: dict[str, bytes] = {
    "json_detail": json_detail([Col("v.n", "count", "measures")], ({"v.n": number} for number in range(100_000))),
    "json": json_rows({"v.n": number} for number in range(200_000)),
}


@pytest.mark.parametrize("result_format", LONG)
@pytest.mark.parametrize("read", [lambda result: result.batches(), lambda result: result.reader()])
def test_a_result_that_is_closed_while_it_is_read_is_not_fetched_again(
    result_format: str, read: Callable[[Result], Iterator[pa.RecordBatch]]
) -> None:
    """Though one whose body breaks off would be; and the reader is told, rather than given the end of the rows."""
    script = ScriptedLooker("complete", results=[reply(200, LONG[result_format])], result_format=result_format)
    fields = {"measures": [{"name": "v.n", "type": "count"}], "dimensions": []}
    known: dict[str, dict[str, Any]] = {
        "/queries/q1": {"id": "q1", "model": "m", "view": "v", "fields": ["v.n"]},
        "/lookml_models/m/explores/v": {"name": "v", "fields": fields},
    }

    def answer(request: Request) -> Script:
        where = request.target.split("?")[0].removeprefix("/api/4.0")
        return reply(200, known[where]) if where in known else script(request)

    with (
        FaultServer(answer=answer) as server,
        lf.Looker(
            lf.Settings(base_url=server.url, client_id="id", client_secret=lf.Secret("secret"), backoff_base=0.01)
        ) as looker,
    ):
        result = looker.task(TASK).result()
        batches = iter(read(result))
        assert next(batches).num_rows >= BATCH_ROWS
        before = list(server.paths)

        result.close()
        with pytest.raises(IncompleteResultError, match="closed before its end"):
            list(batches)

        assert server.paths == before
        assert sum(path.startswith(f"GET /query_tasks/{TASK}/results") for path in before) == 1


def test_payload_is_closed_when_decoding_fails() -> None:
    """Whatever the reason, for every format."""
    for result_format, body in (("json_detail", b"{"), ("json", b"["), ("json_detail", b"[]"), ("pdf", b"")):
        close = Closing()
        with pytest.raises(LookerFrameError):
            decode(body, result_format, close=close)
        assert close.calls >= 1
    close = Closing()
    with pytest.raises(ConfigError, match=r"dtypes names 'v\.z', which is no column of this result"):
        decode(json_detail(COLUMNS, []), close=close, decoding=Decoding(dtypes={"v.z": "string"}))
    assert close.calls >= 1


# -- truncation --------------------------------------------------------------------------------------------------------


def cut(rows: int, limit: int | None, *, truncated: bool | None = None, on_truncate: OnTruncate = "warn") -> Result:
    """Make a result of so many rows, of a query with a limit, as Looker says nothing, yes or no to a cut."""
    known: dict[str, Any] = {} if limit is None else {"limit": limit}
    result = made(Source(rows, rows=1), on_truncate=on_truncate, **known)
    result._findings.truncated = truncated
    return result


@pytest.mark.parametrize(
    ("rows", "limit", "said", "known", "text"),
    [
        (3, None, None, None, None),
        (3, 5, None, False, None),
        (3, -1, None, False, None),
        (3, None, False, False, None),
        (3, 3, False, False, None),
        (3, 3, None, None, "Looker may have cut this result at the limit of 3: 3 rows came"),
        (3, 3, True, True, "Looker cut this result at the limit of 3: 3 rows came"),
        (3, None, True, True, "Looker cut this result at a row limit: 3 rows came"),
        (3, -1, True, True, "Looker cut this result at a row limit: 3 rows came"),
    ],
)
def test_truncation_is_known_at_the_end_and_told_as_asked(
    rows: int,
    limit: int | None,
    said: bool | None,
    known: bool | None,
    text: str | None,
) -> None:
    """It warns, raises or keeps still; what is not certain says so."""
    ignored = cut(rows, limit, truncated=said, on_truncate="ignore")
    ignored.to_arrow()
    assert ignored.truncated is known

    warned = cut(rows, limit, truncated=said)
    if text is None:
        warned.to_arrow()
        assert cut(rows, limit, truncated=said, on_truncate="raise").to_arrow().num_rows == rows
    else:
        with pytest.warns(TruncatedWarning, match=text):
            warned.to_arrow()
        with pytest.raises(TruncatedError, match=text) as caught:
            cut(rows, limit, truncated=said, on_truncate="raise").to_arrow()
        assert (caught.value.limit, caught.value.rows) == (limit, rows)
    assert warned.truncated is known


@pytest.mark.parametrize(
    ("truncated", "known"),
    [(True, True), (False, False), (None, False), (..., False)],
    ids=["yes", "no", "null", "no word"],
)
def test_json_detail_says_whether_it_was_cut(truncated: Any, known: bool) -> None:
    """Looker writes it where it is true; the result knows at its end."""
    result = decode(json_detail(COLUMNS, [{"v.a": "x"}], truncated=truncated), on_truncate="ignore")
    result.to_arrow()
    assert result.truncated is known


def test_json_cannot_know_but_by_its_limit() -> None:
    """Without one nothing is claimed."""
    body = json_rows([{"v.a": "x"}])
    result = decode(body, "json")
    result.to_arrow()
    assert result.truncated is None

    limited = decode(body, "json", context={"limit": 1})
    with pytest.warns(TruncatedWarning, match="may have cut"):
        limited.to_arrow()
    assert limited.truncated is None


@pytest.mark.parametrize(
    "use",
    [
        lambda result: result.to_arrow(),
        lambda result: result.to_pandas(),
        lambda result: [batch.num_rows for batch in result.batches()],
        lambda result: result.reader().read_all(),
        pa.table,
    ],
    ids=["to_arrow", "to_pandas", "batches", "reader", "stream"],
)
def test_warning_points_at_the_line_of_the_caller(use: Callable[[Result], Any]) -> None:
    """Whichever exit was taken, and however deep the stream."""
    result = cut(3, 3, truncated=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        use(result)  # here, or in the line of the function above
        line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]

    (warning,) = caught
    assert warning.filename == __file__
    assert warning.lineno == (line if use is pa.table else inspect.getsourcelines(use)[1])


def test_warning_inside_reading_points_at_the_line_of_the_caller() -> None:
    """A sink reads inside this block."""
    with pytest.warns(TruncatedWarning) as caught, reading(cut(3, 3, truncated=True)) as reader:
        reader.read_all()

    assert caught[0].filename == __file__


def test_result_without_rows_is_judged_too() -> None:
    """A limit of nothing lets nothing through."""
    with pytest.warns(TruncatedWarning, match="Looker may have cut this result at the limit of 0: 0 rows came"):
        cut(0, 0)
    with pytest.raises(TruncatedError):
        cut(0, 0, on_truncate="raise")


# -- what is known -----------------------------------------------------------------------------------------------------


def test_metadata_notes_and_stats_are_complete_at_the_end() -> None:
    """The rows count as they are read; figures of the fetch stand beside them. Nobody's change reaches the result."""

    class Fetched:
        def to_dict(self) -> dict[str, Any]:
            return {"bytes_received": 5}

    source = Source(40)
    columns = columns_of([Field("v.a", "string"), Field("v.n", "count", measure=True)])
    result = Result(columns, source, Findings({"sql": "SELECT 1"}), stats=Fetched())
    assert result.stats == {"rows": 17_000, "bytes_received": 5}
    assert repr(result) == "<Result: 2 columns, 17,000 rows read>"
    result.to_arrow()
    assert result.stats == {"rows": 40_000, "bytes_received": 5}
    assert repr(result) == "<Result: 2 columns, 40,000 rows>"

    assert result.metadata == {"sql": "SELECT 1"}
    assert isinstance(result.notes, tuple)
    with pytest.raises(TypeError):
        result.metadata["x"] = 1  # type: ignore[index]
    result.stats["x"] = 1
    assert json.loads(json.dumps(result.stats)) == {"rows": 40_000, "bytes_received": 5}


def test_a_note_is_kept_once() -> None:
    """In the order in which notes came."""
    findings = Findings({})
    for text in ("b", "a", "b"):
        findings.note(text)
    assert findings.notes == ["b", "a"]


def test_payload_facts_become_metadata() -> None:
    """What is known of the query besides the body, and of the body itself."""
    facts = {"task_id": "t1", "query_id": "q1", "model": "m", "limit": 500}
    result = decode(json_detail(COLUMNS, [], truncated=False), context=facts)

    assert facts.items() <= result.metadata.items()
    assert result.metadata["result_format"] == "json_detail"
    assert result.metadata["timezone"] == "UTC"
    assert isinstance(Payload("json", []).context, dict)


# -- what is no table --------------------------------------------------------------------------------------------------

ROWS: list[Callable[[Result], Any]] = [
    lambda result: result.to_arrow(),
    lambda result: result.to_pandas(),
    lambda result: result.to_pandas(multiindex=True),
    lambda result: result.batches(),
    lambda result: result.reader(),
    lambda result: result.__arrow_c_stream__(),
]


@pytest.mark.parametrize("ask", ROWS, ids=["to_arrow", "to_pandas", "multiindex", "batches", "reader", "stream"])
def test_a_document_has_no_rows(ask: Callable[[Result], Any]) -> None:
    """Whatever asks for some is told where its text is; as often as it asks, also when it is closed."""
    document = Document(b"SELECT 1", Findings({"result_format": "sql"}))
    for _ in range(2):
        with pytest.raises(
            UnexpectedContentError, match=r"no table; its text is in \.text, its bytes in \.content"
        ) as e:
            ask(document)
        assert e.value.result_format == "sql"
        document.close()
    assert document.text == "SELECT 1"


def test_reading_a_document_is_refused() -> None:
    """A sink writes no file of it."""
    with (
        pytest.raises(UnexpectedContentError, match="no table"),
        reading(Document(b"SELECT 1", Findings({"result_format": "sql"}))),
    ):
        pass


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"SELECT 'x'\r\n", "SELECT 'x'\r\n"),
        ("é😀".encode(), "é😀"),
        (b"\xef\xbb\xbfSELECT", "SELECT"),
        (b"", ""),
    ],
)
def test_a_document_is_its_bytes_and_their_text(content: bytes, text: str) -> None:
    """Nothing is changed, but for a byte order mark."""
    stats = {"rows": 0}
    with Document(content, Findings({"result_format": "sql", "sql": "x"})) as document:
        assert (document.content, document.text) == (content, text)
        assert dict(document.metadata) == {"result_format": "sql", "sql": "x"}
        assert document.stats == stats
        assert document.totals is document.row_totals is None
        assert document.subtotals == {}
        assert repr(document) == f"<Document: sql, {len(content)} bytes>"


def test_an_image_is_no_text() -> None:
    """Its bytes are where the error says."""
    document = Document(b"\x89PNG\r\n\x1a\n", Findings({"result_format": "png"}))

    with pytest.raises(UnexpectedContentError, match=r"no text \(byte 0x89\); its bytes are in \.content") as caught:
        _ = document.text
    assert (caught.value.result_format, caught.value.offset) == ("png", 0)
    assert document.content.startswith(b"\x89PNG")


@pytest.mark.parametrize("asked", ["content", "text"])
def test_a_table_is_no_document(asked: str) -> None:
    """It says how tables are read."""
    with pytest.raises(UnexpectedContentError, match=rf"read with to_arrow\(\) or to_pandas\(\); \.{asked} is for"):
        getattr(all_kinds(), asked)


# -- totals ------------------------------------------------------------------------------------------------------------


def test_totals_have_the_types_that_the_rows_were_given() -> None:
    """Also where the rows' values decide them, and the totals' own would not."""
    fields = {"dimensions": [{"name": "v.k", "type": "number"}], "measures": [{"name": "v.n", "type": "count"}]}
    rows = [{"v.k": {"value": value}, "v.n": {"value": 1}} for value in (1, 2)]
    for numbers, due in (("auto", pa.int64()), ("float64", pa.float64())):
        body = json_detail([], [], fields=fields, data=rows, totals_data={"v.n": {"value": 2}})
        result = decode(body, decoding=Decoding(numbers))  # type: ignore[arg-type]
        assert result.to_arrow().schema.types == [due, pa.int64()]
        assert result.totals is not None
        assert result.totals.schema.types == [due, pa.int64()]
        assert result.totals.to_pylist() == [{"v.k": None, "v.n": 2}]


def test_subtotals_are_tables_by_what_they_group() -> None:
    """One for each set of names, in the order in which they came; the mark of the grouping is no column."""
    mark = "$$$__grouping__$$$"
    empty = {"value": None, "filterable_value": "EMPTY"}
    columns = [Col("v.a"), Col("v.b"), Col("v.n", "count", "measures")]
    subtotals = {
        "1": [{"v.a": {"value": a}, "v.b": empty, "v.n": {"value": n}, mark: ["v.a"]} for a, n in (("x", 3), ("y", 4))],
        "0": [{"v.a": empty, "v.b": empty, "v.n": {"value": 7}, mark: []}],
    }
    result = decode(json_detail(columns, [{"v.a": "x", "v.b": "p", "v.n": 3}], subtotals_data=subtotals))

    assert result.to_arrow().num_rows == 1
    assert {names: table.to_pylist() for names, table in result.subtotals.items()} == {
        ("v.a",): [{"v.a": "x", "v.b": None, "v.n": 3}, {"v.a": "y", "v.b": None, "v.n": 4}],
        (): [{"v.a": None, "v.b": None, "v.n": 7}],
    }
    assert all(table.schema.types == [pa.string(), pa.string(), pa.int64()] for table in result.subtotals.values())


def pivoted(pivots: int, **members: Any) -> bytes:
    """Write a result of so many pivots."""
    names = [f"p{number}" for number in range(pivots)]
    fields = {"dimensions": [], "measures": [{"name": "v.n", "type": "count", "measure": True, "label": "N"}]}
    fields["pivots"] = [{"name": "v.p", "type": "string", "label": "P"}]
    listed = [{"key": name, "data": {"v.p": name}} for name in names]
    row = {"v.n": {name: {"value": 1} for name in names}}
    return json.dumps({"fields": fields, "pivots": listed, "data": [row], **members}).encode()


@pytest.mark.parametrize(
    ("pivots", "asked", "said", "known"),
    [
        (2, 2, None, None),
        (1, 2, None, False),
        (49, None, None, False),
        (50, None, None, None),
        (2, 2, False, False),
        (1, 50, True, True),
    ],
)
def test_columns_that_may_be_cut_are_told(
    pivots: int, asked: int | None, said: bool | None, known: bool | None
) -> None:
    """As many pivots as the query allows may be all or not, where the answer does not say."""
    query = {"model": "m", "view": "v", "pivots": ["v.p"], "column_limit": asked and str(asked)}
    members = {} if said is None else {"columns_truncated": said}

    result = lf.decode(pivoted(pivots, **members), query=query, on_truncate="ignore")
    assert result.to_arrow().num_columns == pivots
    assert result.truncated is known

    strict = lf.decode(pivoted(pivots, **members), query=query, on_truncate="raise")
    if known is False:
        assert strict.to_arrow().num_rows == 1
    else:
        with pytest.raises(TruncatedError, match=r"cut columns of this pivoted result at its column limit"):
            strict.to_arrow()


def test_a_multiindex_has_no_column_twice() -> None:
    """Labels and pivot values may be alike; where nothing is pivoted there is nothing to nest."""
    cells = {"null": {"value": 1}, "v.p___null": {"value": 2}}
    listed = [{"key": "null", "data": {"v.p": "null"}}, {"key": "v.p___null", "data": {"v.p": None}}]
    body = json.loads(pivoted(0)) | {"pivots": listed, "data": [{"v.n": cells}]}
    result = lf.decode(json.dumps(body).encode())

    frame = result.to_pandas(multiindex=True)
    assert frame.columns.equals(pd.MultiIndex.from_tuples([("v.n", "null"), ("v.n_2", "null")]))
    assert frame.iloc[0].to_list() == [1, 2]

    flat = decode(json_rows([{"v.a": "x", "v.n": 1}]), "json", columns=COLUMNS).to_pandas(multiindex=True)
    assert not isinstance(flat.columns, pd.MultiIndex)
    assert flat["v.n"].to_list() == [1]


@pytest.mark.parametrize("rows", [900, 1_000, 7_000])
def test_what_is_read_anew_goes_on_within_a_batch(rows: int) -> None:
    """Batches of the next answer may end at other rows than those handed out: each row comes once, in its place."""
    columns = columns_of([Field("v.a", "string", measure=False), Field("v.n", "count", measure=True)])
    total = 63_000
    broken = Source(30, rows=1_000, failure=LookerFrameError("broke off"))
    fresh = Source(total // rows, rows=rows)

    told: list[str] = []

    class Anew:
        def handed_out(self) -> None:
            told.append("handed out")

        def again(self, error: LookerFrameError) -> Result:
            told.append(str(error))
            return Result(columns, fresh, Findings({}))

    result = Result(columns, broken, Findings({}), again=Anew())

    with result._taking() as groups:
        pieces = list(result._followed(groups))
    assert [piece.first_row for piece in pieces] == [piece.arrays[1][0].as_py() for piece in pieces]
    assert [value for piece in pieces for value in piece.arrays[1].to_pylist()] == list(range(total))
    assert sum(piece.rows for piece in pieces) == total
    assert told.count("broke off") == 1
    assert told.count("handed out") == len(pieces)


def test_what_was_streamed_is_told_as_often_as_it_is_asked_for() -> None:
    """That it was refused before is no reason of its own."""
    columns = columns_of([Field("v.a", "string", measure=False), Field("v.n", "count", measure=True)])
    result = Result(columns, Source(2, rows=10), Findings({}))
    assert sum(batch.num_rows for batch in result.batches()) == 20

    for _ in range(3):
        with pytest.raises(ResultConsumedError, match=r"^the rows of this result were streamed already"):
            result.to_arrow()
