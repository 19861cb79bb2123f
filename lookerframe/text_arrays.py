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
_SCIENTIFIC = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?[eE][+-]?\d+", re.ASCII)
_DIGITS = b"0123456789"
_MINUS, _POINT, _ZERO = b"-.0"
_DAY_LENGTH = len("2017-09-03")
#: From here on float64 does not hold all integers.
_FLOAT_INTEGERS = 2.0**53
_TRUTH = pa.array(["true", "false"])


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
    if pc.all(pc.is_in(texts.drop_null(), _TRUTH)).as_py():
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
    is_number, is_decimal = reader is arrays.NUMBER, reader is arrays.DECIMAL
    if kind is not None:
        if pa.types.is_timestamp(kind):
            return reader.build(texts)
        if pa.types.is_date(kind):
            return texts.cast(kind) if _are_days(texts) else None
        is_decimal = pa.types.is_decimal128(kind)
    if (is_number or kind == pa.int64()) and _is_plain(texts, b"-"):
        return texts.cast(pa.int64())
    if (is_number or kind == pa.float64()) and _is_plain(texts, b"-."):
        return _floats(texts)
    return _decimals(texts, kind) if is_decimal and _is_plain(texts, b"-.") else None


def _are_days(texts: pa.StringArray) -> bool:
    return bool(pc.all(pc.equal(pc.binary_length(texts), _DAY_LENGTH)).as_py())


def _floats(texts: pa.StringArray) -> pa.Array | None:
    found = texts.cast(pa.float64())
    bounds = pc.min_max(found)
    return found if max(-bounds["min"].as_py(), bounds["max"].as_py()) < _FLOAT_INTEGERS else None


def _decimals(texts: pa.StringArray, kind: pa.DataType | None) -> pa.Array | None:
    lengths, points = pc.binary_length(texts), pc.find_substring(texts, ".")
    fractions = pc.if_else(pc.less(points, 0), 0, pc.subtract(pc.subtract(lengths, points), 1))
    scale = pc.max(fractions).as_py()
    if pc.max(pc.subtract(lengths, fractions)).as_py() + scale > DECIMAL_DIGITS:
        return None  # more digits than Arrow holds: it would not say so
    if kind is None:
        return texts.cast(pa.decimal128(DECIMAL_DIGITS, scale))
    return texts.cast(kind) if scale <= kind.scale else None


def _is_plain(texts: pa.StringArray, marks: bytes) -> bool:
    """Tell whether all texts are numbers of digits and `marks` as JSON spells them, but for what Arrow itself refuses.

    A minus in the middle or a second point are left to Arrow. ``-0`` is not plain, as an integer has no such value.
    """
    import numpy as np

    _, offsets, values = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32, len(texts) + 1, texts.offset * 4)
    spelt = memoryview(values)[bounds[0] : bounds[-1]].tobytes()
    if spelt.translate(None, _DIGITS + marks):
        return False
    characters = np.frombuffer(spelt, np.uint8)
    starts, stops = bounds[:-1] - bounds[0], bounds[1:] - bounds[0]
    filled = starts < stops
    starts, stops = starts[filled], stops[filled]
    signed = characters[starts] == _MINUS
    starts = starts + signed
    if (starts == stops).any():
        return False
    several = stops - starts > 1
    first, second, last = characters[starts], characters[starts + several], characters[stops - 1]
    is_code = (first == _ZERO) & several & (second != _POINT)
    is_minus_zero = (first == _ZERO) & signed & ~several
    return not (is_code | is_minus_zero | (first == _POINT) | (last == _POINT)).any()


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
