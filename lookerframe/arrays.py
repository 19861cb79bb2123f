"""JSON values → Arrow arrays: for each kind of column, which JSON it takes and how it becomes a typed array.

A `Reader` works at two speeds. `annotation` tells msgspec what to accept, and `build` makes the array from what it
decoded. Where a cell is of another JSON type, `exact` reads it from its own characters (``"2017"`` for a year, ``7.0``
for a count), or refuses. Nothing is rounded, cut or guessed on either way.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import math
import re
import zoneinfo
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lookerframe.exceptions import ConfigError, ConversionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

#: Digits that decimal128 holds.
DECIMAL_DIGITS = 38

#: What pyarrow and the builders here raise for a value that does not fit; translated by `build_array`.
_MISFITS = (pa.ArrowException, OverflowError, KeyError, TypeError, UnicodeEncodeError, ValueError)

_YESNO: dict[str | bool | None, bool | None] = {"Yes": True, "No": False, True: True, False: False, None: None}
_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)", re.ASCII)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_CODE = re.compile(r"-?0\d", re.ASCII)  # how a text begins whose leading zeros a number would lose
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_PERIOD = re.compile(r"(\d{4})-(?:(\d{2})|Q([1-4]))", re.ASCII)
_SCALE = re.compile(r", (\d+)\)")
_FORMATTED = re.compile(r"\s*(?:<.*>|[^\w\s]{0,3}-?[\d.,' ]*\d[\d.,' ]*(?:\s?[^\d\s]{1,4})?)\s*", re.DOTALL)
_FISCAL_YEAR = re.compile(r"FY(\d{4})", re.ASCII)
_NUMBERS = ("int64", "float64", "decimal128", "bool, int64")
#: Arrow knows when clocks change up to here; for later times it takes the last offset that it has.
_END_OF_RULES = dt.datetime(2037, 1, 1)  # noqa: DTZ001 - a wall clock
_INSTANT = dt.timedelta(microseconds=1)
_YEAR_ONE = (dt.datetime(1, 1, 1) - dt.datetime(1970, 1, 1)) // _INSTANT  # noqa: DTZ001 - microseconds of wall clocks
_INT64_DIGITS = 19
_NULL = msgspec.Raw(b"null")
_MAX_DIGITS = 1000  # of an integer that is read as one: Python takes a time that grows with their square


@dataclass(frozen=True, slots=True)
class Reader:
    """How one kind of column is read.

    Attributes
    ----------
    arrow_type : pyarrow.DataType or None
        None: it depends on the values, and `settle` decides.
    kind
        What the column holds, for messages: the name of the type, or of those that it may turn out to be.
    annotation
        The JSON values that are taken at full speed, as msgspec understands it; `msgspec.Raw` for decimals, of which
        `build_array` takes the characters.
    build
        Decoded values → array. It raises, of whatever class, when a value does not fit.
    exact
        A decoded JSON value of another kind, and its characters → a value for `build`; ValueError where there is none.
    settle
        The types that the pieces of a column came out with → the one they all get.
    """

    arrow_type: pa.DataType | None
    kind: str
    annotation: Any
    build: Callable[[Sequence[Any]], pa.Array]
    exact: Callable[[Any, str], Any]
    settle: Callable[[Iterable[pa.DataType]], pa.DataType]


def build_array(reader: Reader, values: Sequence[Any], *, column: str, first_row: int) -> pa.Array:
    """Make one typed array.

    Raises
    ------
    ConversionError
        A value does not fit; the error names its column, its row in the whole result, and the value.
    """
    if reader.annotation is msgspec.Raw:
        values = _decimals_of(reader, values, column=column, first_row=first_row)
    try:
        return reader.build(values)
    except _MISFITS as exc:
        raise _misfit(reader, values, column=column, first_row=first_row) from exc


def read_exactly(reader: Reader, cell: bytes | msgspec.Raw, *, column: str, row: int) -> Any:
    """Read one JSON value from its characters, for a piece in which some cell was of an unexpected JSON type.

    Raises
    ------
    ConversionError
        The value cannot be one of this column, in any spelling that is known.
    """
    text = bytes(cell).decode()
    value = _lossless(text)
    if value is None:
        return None
    try:
        return reader.exact(value, text)
    except (ValueError, InvalidOperation) as exc:
        raise _refusal(column, row, value, reader.kind) from exc


def settled(reader: Reader, types: Iterable[pa.DataType]) -> pa.DataType:
    """Decide the type of some pieces of a column, of which more may follow: Arrow's null while all of them are null.

    `Reader.settle` decides for all of a column: there nulls alone have a type too, which these must not bring in.
    """
    met = list(types)
    return pa.null() if all(map(pa.types.is_null, met)) else reader.settle(met)


def fit(array: pa.Array, arrow_type: pa.DataType, *, column: str, first_row: int) -> pa.Array:
    """Bring the array of one piece to the type that its whole column has.

    Raises
    ------
    ConversionError
        A value would change by it: an integer that float64 cannot hold, a fraction in a column of integers, a number in
        a column of texts.
    """
    if array.type == arrow_type:
        return array
    if array.null_count == len(array):
        return pa.nulls(len(array), arrow_type)
    if not (_is_number(array.type) and _is_number(arrow_type)):
        row = next(row for row, scalar in enumerate(array) if scalar.is_valid)
        raise _mixture(column, first_row + row, array[row].as_py(), type_name(arrow_type))
    try:
        return array.cast(arrow_type)
    except pa.ArrowException as exc:
        row, value = _first_misfit(array, arrow_type)
        raise _refusal(column, first_row + row, value, type_name(arrow_type)) from exc


def type_name(arrow_type: pa.DataType) -> str:
    """Name an Arrow type as ``dtypes=`` takes it."""
    return {"double": "float64", "date32[day]": "date32"}.get(str(arrow_type), str(arrow_type).replace("<item: ", "<"))


def _decimals_of(reader: Reader, values: Sequence[Any], *, column: str, first_row: int) -> Sequence[Any]:
    """Read the JSON of decimals at once, if all are numbers; else one by one: of texts msgspec takes what JSON has not.

    What was read already, on the way of `read_exactly`, stays as it is.
    """
    cells = [_NULL if value is None else value for value in values]
    if not all(isinstance(cell, msgspec.Raw) for cell in cells):
        return values
    spelt = b"[" + b",".join(cells) + b"]"
    if b'"' not in spelt:
        with contextlib.suppress(msgspec.ValidationError):
            return msgspec.json.decode(spelt, type=list[Decimal | None])
    return [read_exactly(reader, cell, column=column, row=row) for row, cell in enumerate(cells, first_row)]


def _misfit(reader: Reader, values: Sequence[Any], *, column: str, first_row: int) -> ConversionError:
    known = [(row, value) for row, value in enumerate(values) if value is not None]
    for row, value in known:
        try:
            reader.build([value])
        except _MISFITS:
            return _refusal(column, first_row + row, value, reader.kind)
    # Each value is fine alone: they have no type in common.
    kind = _kind(known[0][1])
    for row, value in known:
        if _kind(value) is not kind:
            return _mixture(column, first_row + row, value, reader.kind)
    if kind is Decimal:
        row, value = max(known, key=lambda pair: cast("Decimal", pair[1]).adjusted())
        why = f"together the values need more than {DECIMAL_DIGITS} digits"
        return _mixture(column, first_row + row, value, reader.kind, why)
    row, value = max(known, key=lambda pair: abs(pair[1]) if isinstance(pair[1], int) else 0)
    return _refusal(column, first_row + row, value, "float64")


def _refusal(column: str, row: int, value: Any, kind: str) -> ConversionError:
    return ConversionError(column, row=row, value=value, arrow_type=kind, advice=_advice(column, value, kind))


def _mixture(
    column: str, row: int, value: Any, kind: str, why: str = "the column has values of several types"
) -> ConversionError:
    advice = f"{why}: give dtypes={{{column!r}: 'string'}} to have their text"
    return ConversionError(column, row=row, value=value, arrow_type=kind, advice=advice)


def _kind(value: Any) -> type:
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)


def _is_number(arrow_type: pa.DataType) -> bool:
    return bool(pa.types.is_integer(arrow_type) or pa.types.is_floating(arrow_type) or pa.types.is_decimal(arrow_type))


def _first_misfit(array: pa.Array, arrow_type: pa.DataType) -> tuple[int, Any]:
    known = [(row, scalar) for row, scalar in enumerate(array) if scalar.is_valid]
    row, scalar = next((pair for pair in known if not _casts(pair[1], arrow_type)), known[0])
    return row, scalar.as_py()


def _casts(scalar: pa.Scalar, arrow_type: pa.DataType) -> bool:
    try:
        scalar.cast(arrow_type)
    except pa.ArrowException:
        return False
    return True


def _advice(column: str, value: Any, kind: str) -> str:
    if isinstance(value, dict):
        return "there is an object where a plain value is due, as in a pivoted result whose metadata lists no pivots"
    if isinstance(value, str) and _NUMBER.fullmatch(value) and not _CODE.match(value):
        value = _digits_of(value)
    if isinstance(value, str) and kind.startswith(_NUMBERS) and _FORMATTED.fullmatch(value):
        return (
            "it looks formatted: the task was made with apply_formatting; make it without, or "
            f"give dtypes={{{column!r}: 'string'}} to have the text as it is"
        )
    if fitting := _fitting(value, kind):
        return f"give dtypes={{{column!r}: {fitting!r}}}"
    return f"give dtypes={{{column!r}: 'string'}} to have the text as it is"


def _fitting(value: Any, kind: str) -> str | None:
    """Name a type of numbers that holds `value`, which `kind` does not."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not kind.startswith(_NUMBERS):
        return None
    number = Decimal(value)
    if not number.is_finite() or number.adjusted() >= DECIMAL_DIGITS:
        return None
    scale = max(0, -cast("int", number.as_tuple().exponent))
    is_held = max(0, number.adjusted() + 1) + scale <= DECIMAL_DIGITS
    if not kind.startswith("decimal128"):
        if not (isinstance(value, int) or _is_too_precise(number)):
            return "float64"
        return "decimal128" if is_held else None
    met = _SCALE.search(kind)
    return f"decimal128({DECIMAL_DIGITS}, {scale})" if met and scale > int(met[1]) and is_held else None


def _lossless(text: str) -> Any:
    # A fraction keeps its digits as a Decimal, so that a later reader can decide what it becomes.
    if text[0] in '"[{':
        return json.loads(text, parse_int=_digits_of, parse_float=_digits_of)
    if text in {"null", "true", "false"}:
        return {"null": None, "true": True, "false": False}[text]
    return _digits_of(text)


def _digits_of(text: str) -> int | Decimal | str:
    if len(text) <= _MAX_DIGITS and _INTEGER.fullmatch(text):
        return int(text)
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent of twenty digits
        return text


def _as_number(value: Any) -> int | Decimal:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = _digits_of(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError
    return value


def _exact_integer(value: Any, _text: str) -> int:
    if isinstance(value, str) and (match := _FISCAL_YEAR.fullmatch(value)):
        return int(match[1])
    number = _as_number(value)
    if isinstance(number, Decimal) and (number.adjusted() >= _INT64_DIGITS or number != number.to_integral_value()):
        raise ValueError
    return int(number)


def _exact_number(value: Any, _text: str) -> int | float:
    number = _as_number(value)
    if isinstance(value, str) and (_CODE.match(value) or _is_too_precise(number)):
        raise ValueError
    if isinstance(number, int):
        return number
    converted = float(number)
    if not math.isfinite(converted):
        raise ValueError
    return converted


def _is_too_precise(number: int | Decimal) -> bool:
    # Of a decimal that was written out as text: what is before the point would change.
    return isinstance(number, Decimal) and math.isfinite(float(number)) and int(number) != int(float(number))


def _exact_decimal(value: Any, _text: str) -> Decimal:
    return _refuse() if isinstance(value, str) and _CODE.match(value) else Decimal(_as_number(value))


def _exact_yesno(value: Any, _text: str) -> bool:
    if isinstance(value, str | bool) and value in _YESNO:
        return bool(_YESNO[value])
    raise ValueError


def _exact_text(value: Any, text: str) -> str:
    # A number, an object or an array in a text column keeps its own spelling: 1.10 stays "1.10".
    return value if isinstance(value, str) else text


def _exact_words(value: Any, text: str) -> str:
    return _refuse() if isinstance(value, dict) else _exact_text(value, text)


def _exact_date(value: Any, _text: str) -> dt.date:
    if not isinstance(value, str):
        raise ValueError
    if match := _PERIOD.fullmatch(value):
        month = int(match[2]) if match[2] else 3 * int(match[3]) - 2
        return dt.date(int(match[1]), month, 1)
    return dt.date.fromisoformat(value) if _DAY.fullmatch(value) else _refuse()


def _exact_string(value: Any, _text: str) -> str:
    return value if isinstance(value, str) else _refuse()


def _exact_list(value: Any, text: str) -> list[str | None]:
    if not isinstance(value, list) or any(isinstance(item, list | dict) for item in value):
        raise ValueError
    spelt = msgspec.json.decode(text, type=list[msgspec.Raw])
    return [
        item if item is None or isinstance(item, str) else bytes(raw).decode()
        for item, raw in zip(value, spelt, strict=True)
    ]


def _exact_json(value: Any, _text: str) -> Any:
    return value if isinstance(value, list | dict) else _refuse()


def _exact_any(value: Any, text: str) -> Any:
    if isinstance(value, list | dict):
        raise ValueError
    return _exact_number(value, text) if isinstance(value, Decimal) else value


def _refuse() -> Any:
    raise ValueError


def _build_yesno(values: Sequence[Any]) -> pa.Array:
    return pa.array([_YESNO[value] for value in values], pa.bool_())


def _build_periods(values: Sequence[Any]) -> pa.Array:
    dates = [value if value is None or isinstance(value, dt.date) else _exact_date(value, "") for value in values]
    return pa.array(dates, pa.date32())


def _build_timestamps(values: Sequence[Any]) -> pa.Array:
    return _from_year_one(pc.cast(pa.array(values, pa.string()), pa.timestamp("us")))


def _from_year_one(array: pa.Array) -> pa.Array:
    if array.null_count < len(array) and pc.min(array).value < _YEAR_ONE:
        raise pa.ArrowInvalid("year 0")  # Arrow has one, no calendar of Python's has
    return array


def _build_json(values: Sequence[Any]) -> pa.Array:
    return pa.array([None if v is None else msgspec.json.encode(v).decode() for v in values], pa.string())


def _build_decimals(values: Sequence[Any]) -> pa.Array:
    array = pa.array(values)
    if pa.types.is_null(array.type):
        return array
    if not pa.types.is_decimal128(array.type):  # more than 38 digits
        raise OverflowError
    return array.cast(pa.decimal128(DECIMAL_DIGITS, max(array.type.scale, 0)))


def decimals(arrow_type: pa.DataType) -> Reader:
    """Make a reader of decimals of one precision and scale."""
    return _simple(arrow_type, DECIMAL.annotation, _exact_decimal, lambda values: pa.array(values, arrow_type))


def zoned(timezone: str, *, utc: bool) -> Reader:
    """Make a reader of wall-clock times of one zone, as points in time.

    Parameters
    ----------
    timezone
        IANA name of the zone that the texts are in.
    utc
        Whether the column is in UTC; else it is in `timezone`.

    Notes
    -----
    A time that the clocks show twice is the earlier one; one that they skip is the first after the gap.

    Raises
    ------
    ConfigError
        There is no such zone here.
    """
    arrow_type = pa.timestamp("us", "UTC" if utc else timezone)

    def build(values: Sequence[Any]) -> pa.Array:
        return _from_year_one(placed(_build_timestamps(values), timezone)).cast(arrow_type)

    reader = _simple(arrow_type, TIMESTAMP.annotation, _exact_string, build)
    try:
        reader.build([None, "2000-01-01 00:00:00", "2100-07-01 00:00:00"])
    except (pa.ArrowException, zoneinfo.ZoneInfoNotFoundError, ValueError) as exc:
        message = f"the time zone {timezone!r} of this result is not known on this machine; use timestamps='naive'"
        raise ConfigError(message, setting="timestamps") from exc
    return reader


def placed(array: pa.Array, timezone: str) -> pa.Array:
    """Take wall-clock times as times of a zone; see `zoned`."""
    found = pc.assume_timezone(array, timezone, ambiguous="earliest", nonexistent="latest")
    late = pc.fill_null(pc.greater_equal(array, _END_OF_RULES), fill_value=False)
    if not pc.any(late).as_py():
        return found
    zone = zoneinfo.ZoneInfo(timezone)
    times = [_placed_late(time, zone) for time in array.filter(late).to_pylist()]
    return pc.replace_with_mask(found, late, pa.array(times, pa.timestamp("us", "UTC")).cast(found.type))


def _placed_late(time: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    first, second = (time.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    if first <= second:
        return first
    # The clocks skip it. They do so between the two instants that it could be: the first one after is looked for.
    before = second.astimezone(zone).utcoffset()
    while first - second > _INSTANT:
        middle = second + (first - second) / 2
        if middle.astimezone(zone).utcoffset() == before:
            second = middle
        else:
            first = middle
    return first


def _fixed(arrow_type: pa.DataType) -> Callable[[Iterable[pa.DataType]], pa.DataType]:
    return lambda _types: arrow_type


def _settle_number(types: Iterable[pa.DataType]) -> pa.DataType:
    met = {t for t in types if not pa.types.is_null(t)}
    return pa.int64() if met == {pa.int64()} else pa.float64()


def _settle_decimal(types: Iterable[pa.DataType]) -> pa.DataType:
    return pa.decimal128(DECIMAL_DIGITS, max((t.scale for t in types if pa.types.is_decimal(t)), default=0))


def _settle_any(types: Iterable[pa.DataType]) -> pa.DataType:
    met = {t for t in types if not pa.types.is_null(t)}
    if met == {pa.int64(), pa.float64()}:
        return pa.float64()
    return met.pop() if len(met) == 1 else pa.string()


def _simple(arrow_type: pa.DataType, annotation: Any, exact: Callable[[Any, str], Any], build: Any = None) -> Reader:
    return Reader(
        arrow_type=arrow_type,
        kind=type_name(arrow_type),
        annotation=annotation,
        build=build or (lambda values: pa.array(values, arrow_type)),
        exact=exact,
        settle=_fixed(arrow_type),
    )


INTEGER = _simple(pa.int64(), int | None, _exact_integer)
#: Whole numbers are taken as they are, and pyarrow refuses those that float64 cannot hold; `float` would round them.
FLOAT = _simple(pa.float64(), int | float | None, _exact_number)
YESNO = _simple(pa.bool_(), Literal["Yes", "No"] | bool | None, _exact_yesno, _build_yesno)
TEXT = _simple(pa.string(), str | None, _exact_text)
#: The same, without objects: in a measure or a table calculation they are the cells of a pivot.
WORDS = _simple(pa.string(), str | None, _exact_words)
DATE = _simple(pa.date32(), dt.date | None, _exact_date)
#: Months and quarters, ``2017-09`` and ``2017-Q3``: the first day of the period.
PERIOD = _simple(pa.date32(), str | None, _exact_date, _build_periods)
TIMESTAMP = _simple(pa.timestamp("us"), str | None, _exact_string, _build_timestamps)
#: Arrays and objects, as the text of their JSON.
JSON_TEXT = _simple(pa.string(), list[Any] | dict[str, Any] | None, _exact_json, _build_json)
TEXT_LIST = _simple(pa.list_(pa.string()), list[str | None] | None, _exact_list)
#: int64 if all values are written as integers, else float64.
NUMBER = Reader(
    arrow_type=None,
    kind="int64 or float64",
    annotation=int | float | None,
    build=pa.array,
    exact=_exact_number,
    settle=_settle_number,
)
DECIMAL = Reader(
    arrow_type=None,
    kind="decimal128",
    annotation=msgspec.Raw,
    build=_build_decimals,
    exact=_exact_decimal,
    settle=_settle_decimal,
)
#: For a column that nothing is known of.
INFERRED = Reader(
    arrow_type=None,
    kind="bool, int64, float64 or string",
    annotation=bool | int | float | str | None,
    build=pa.array,
    exact=_exact_any,
    settle=_settle_any,
)
