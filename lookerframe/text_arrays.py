"""Columns of text → typed arrays, for the formats whose cells are texts: ``csv``, ``txt``, ``html``, ``md``, ``xlsx``.

What a text stands for is what `arrays` makes of the same text in JSON. Arrow's own conversions, which are many times as
fast, are used where the texts are spelt so plainly that both come to the same: Arrow alone would take ``0x1F``, ``.5``
and ``nan`` for numbers, and ``007`` for 7. Everything else is read by the `Reader`, once for each distinct text.

An empty text is no value, except in columns of text. There the formats decide: ``""`` in `csv` is an empty text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lookerframe import arrays
from lookerframe.arrays import DECIMAL_DIGITS, build_array, read_exactly
from lookerframe.exceptions import ConversionError

if TYPE_CHECKING:
    from lookerframe.arrays import Reader

#: A number as floats are spelt: JSON has these without quotes.
_SCIENTIFIC = re.compile(r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?[eE][+-]?[0-9]+$")
_DIGITS = b"0123456789"
_MINUS, _POINT, _ZERO, _PLUS = b"-.0+"
_MARKS = b"-.+eE"
_NUMBERS = (pa.int64(), pa.float64())
_DAY_LENGTH = len("2017-09-03")
#: From here on float64 does not hold all integers.
_FLOAT_INTEGERS = 2.0**53
_TRUTH = ("true", "false")


def text_array(reader: Reader, texts: pa.StringArray, *, column: str, first_row: int) -> pa.Array:
    """Make one typed array of texts.

    Parameters
    ----------
    reader
        How the column is read; that of columns of which nothing is known (`arrays.INFERRED`) takes texts for numbers if
        all of them are, ``true`` and ``false`` for booleans, and any others as they are.
    texts
        n cells; null, or empty in a column that is not of text, where there is no value.
    column, first_row
        For messages: the column's name, and the row of the first cell in the whole result.

    Returns
    -------
    pyarrow.Array
        n values, of `reader.arrow_type`, or of one of those that `reader.settle` unifies.

    Raises
    ------
    ConversionError
        A text is no value of the column; the error names its row in the whole result.
    """
    if reader is arrays.INFERRED:
        return _inferred(texts, column=column, first_row=first_row)
    if reader.arrow_type == pa.string():
        return texts
    if _has_empty(texts):
        texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    if texts.null_count == len(texts):
        return pa.nulls(len(texts), reader.arrow_type or pa.null())
    try:
        found = _converted(reader, texts)
    except pa.ArrowException:
        found = None
    return _read(reader, texts, column=column, first_row=first_row) if found is None else found


def _inferred(texts: pa.StringArray, *, column: str, first_row: int) -> pa.Array:
    if texts.null_count == len(texts):
        return pa.nulls(len(texts))
    if _has_empty(texts):
        return texts
    if pc.all(pc.is_in(texts.drop_null(), pa.array(_TRUTH))).as_py():
        return pc.equal(texts, "true")
    try:
        return text_array(arrays.NUMBER, texts, column=column, first_row=first_row)
    except ConversionError:
        return texts


def _has_empty(texts: pa.StringArray) -> bool:
    return bool(pc.index(pc.binary_length(texts), 0).as_py() >= 0)


def _converted(reader: Reader, texts: pa.StringArray) -> pa.Array | None:
    """Convert texts with Arrow; None where that might come out otherwise than by the reader."""
    kind = reader.arrow_type
    if kind is not None and pa.types.is_timestamp(kind):
        return reader.build(texts)
    if kind == pa.date32():
        return texts.cast(kind) if _are_days(texts) else None
    if reader in (arrays.NUMBER, arrays.DECIMAL) or kind in _NUMBERS or _is_decimal(kind):
        marks = _marks(texts)
        return None if marks is None else _numbers(reader, texts, marks)
    return None


def _numbers(reader: Reader, texts: pa.StringArray, marks: set[int]) -> pa.Array | None:
    kind = reader.arrow_type
    if kind == pa.int64() or (reader is arrays.NUMBER and marks <= {_MINUS}):
        return texts.cast(pa.int64()) if marks <= {_MINUS} else None
    if kind == pa.float64() or reader is arrays.NUMBER:
        return _floats(texts, marks)
    return _decimals(texts, kind) if marks <= {_MINUS, _POINT} else None


def _is_decimal(kind: pa.DataType | None) -> bool:
    return kind is not None and bool(pa.types.is_decimal128(kind))


def _are_days(texts: pa.StringArray) -> bool:
    # Arrow has a year 0, which no calendar of Python's has.
    is_day = pc.equal(pc.binary_length(texts), _DAY_LENGTH)
    return bool(pc.all(is_day).as_py() and not pc.any(pc.starts_with(texts, "0000")).as_py())


def _floats(texts: pa.StringArray, marks: set[int]) -> pa.Array | None:
    for exponent in "eE":
        if ord(exponent) in marks:
            spelt = texts.filter(pc.match_substring(texts, exponent))
            if not pc.all(pc.match_substring_regex(spelt, _SCIENTIFIC.pattern)).as_py():
                return None
    found = texts.cast(pa.float64())
    is_large = pc.greater_equal(pc.abs(found), _FLOAT_INTEGERS)
    if pc.any(is_large).as_py():
        # Of digits that are written out, none may change.
        is_spelt = pc.match_substring_regex(texts.filter(is_large), _SCIENTIFIC.pattern)
        if not (pc.all(is_spelt).as_py() and pc.all(pc.is_finite(found)).as_py()):
            return None
    return found


def _decimals(texts: pa.StringArray, kind: pa.DataType | None) -> pa.Array | None:
    lengths, points = pc.binary_length(texts), pc.find_substring(texts, ".")
    fractions = pc.if_else(pc.less(points, 0), 0, pc.subtract(pc.subtract(lengths, points), 1))
    scale = pc.max(fractions).as_py()
    if pc.max(pc.subtract(lengths, fractions)).as_py() + scale > DECIMAL_DIGITS:
        return None  # more digits than Arrow holds: it would not say so
    if kind is None:
        return texts.cast(pa.decimal128(DECIMAL_DIGITS, scale))
    return texts.cast(kind) if scale <= kind.scale else None


def _marks(texts: pa.StringArray) -> set[int] | None:
    """Return what numbers have besides digits; None if one is not spelt as plainly as `_converted` wants it.

    Plain are digits, a minus before them, a point between them and an exponent after them, but for what Arrow itself
    refuses, as a minus in the middle, and for the spelling of exponents. Neither ``007`` nor ``-0`` are: the one may be
    a code, and no integer is the other.
    """
    import numpy as np

    _, offsets, values = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32, len(texts) + 1, texts.offset * 4)
    spelt = memoryview(values)[bounds[0] : bounds[-1]].tobytes()
    marks = spelt.translate(None, _DIGITS)
    if marks.translate(None, _MARKS):
        return None
    characters = np.frombuffer(spelt, np.uint8)
    starts, stops = bounds[:-1] - bounds[0], bounds[1:] - bounds[0]
    if texts.null_count:
        filled = starts < stops
        starts, stops = starts[filled], stops[filled]
    signed = characters[starts] == _MINUS
    starts = starts + signed
    if (starts == stops).any():
        return None
    several = stops - starts > 1
    first, second, last = characters[starts], characters[starts + several], characters[stops - 1]
    is_code = (first == _ZERO) & several & (second != _POINT)
    is_minus_zero = (first == _ZERO) & signed & ~several
    if (is_code | is_minus_zero | (first == _POINT) | (first == _PLUS) | (last == _POINT)).any():
        return None
    return {mark for mark in _MARKS if mark in marks}


def _read(reader: Reader, texts: pa.StringArray, *, column: str, first_row: int) -> pa.Array:
    """Read each distinct text as the reader does, and put it in its places."""
    encoded = pc.dictionary_encode(texts)
    try:
        values = [
            read_exactly(reader, _json(reader, text), column=column, row=place)
            for place, text in enumerate(encoded.dictionary.to_pylist())
        ]
        return build_array(reader, values, column=column, first_row=0).take(encoded.indices)
    except ConversionError as exc:
        # The distinct texts are in the order of their first places.
        row = None if exc.row is None else first_row + pc.index(encoded.indices, exc.row).as_py()
        raise ConversionError(
            column, row=row, value=exc.value, arrow_type=exc.arrow_type, advice=exc.advice
        ) from exc.__cause__


def _json(reader: Reader, text: str) -> bytes:
    """Write a text as the JSON that it stands for: a text, but for what JSON itself has another spelling of."""
    if reader is arrays.YESNO:
        is_bare = text in ("true", "false")
    elif reader in (arrays.FLOAT, arrays.NUMBER):
        is_bare = _SCIENTIFIC.fullmatch(text) is not None
    else:
        is_bare = reader is arrays.TEXT_LIST and _is_array(text)
    return text.encode() if is_bare else msgspec.json.encode(text)


def _is_array(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), list)
    except msgspec.DecodeError:
        return False
