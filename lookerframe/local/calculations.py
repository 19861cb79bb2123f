"""Table calculations: formulas over the rows of a result.

Source: ``dynamic_fields`` as recorded clients send them: ``table_calculation``, ``label``, ``expression``,
``value_format``, ``value_format_name``. Of Looker's functions those of `FUNCTIONS` are served; another is refused when
the query is created. As in spreadsheets and SQL, null with anything is null, and so is a division by zero.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import accumulate
from typing import Any

#: Values of a column by the name of its field.
Columns = Callable[[str], list[Any]]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*|\.\d+)|(?P<text>\"[^\"]*\"|'[^']*')|\$\{(?P<field>[\w.]+)\}"
    r"|(?P<word>[A-Za-z_]\w*)|(?P<sign><=|>=|!=|[-+*/=<>(),]))"
)
_NUMBER, _TEXT, _YESNO, _ANY = "number", "string", "yesno", "any"


#: How deep brackets, functions, signs and ``not`` may stand in each other, and how many operations may follow.
_MOST_BRACKETS = 40
_MOST_STEPS = 200
#: From here on a whole number is computed with as a float, so that its digits have an end.
_WIDE = 2**63


class ExpressionError(ValueError):
    """The expression is wrong, or has something that is not served."""


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression.

    Attributes
    ----------
    type : str
        ``number``, ``string`` or ``yesno``; ``any`` for a null.
    evaluate : callable
        Given the columns and the number of rows, a value for each row.
    over_rows : bool
        Whether a row's value depends on other rows.
    depth : int
        Most operations that are in each other.
    """

    type: str
    evaluate: Callable[[Columns, int], list[Any]]
    fields: frozenset[str] = frozenset()
    over_rows: bool = False
    depth: int = 0


@dataclass(frozen=True, slots=True)
class _Function:
    """How a function is called and computed; `compute` takes and gives whole columns if `over_rows`, else values."""

    arguments: tuple[str, ...]
    result: str
    compute: Callable[..., Any]
    over_rows: bool = False
    optional: int = 0
    takes_null: bool = False


def parse(text: str, types: Mapping[str, str]) -> Node:
    """Read an expression over fields of the `types` given.

    Raises
    ------
    ExpressionError
        What is wrong, and where.
    """
    parser = _Parser(_tokens(text), types)
    node = parser.expression()
    parser.end()
    return node


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise ExpressionError(f"cannot read {text[place:].strip()[:30]!r}; expected a number, text or ${{field}}")
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


class _Parser:
    """Reads tokens by precedence: or, and, not, comparison, sum, product, sign."""

    def __init__(self, tokens: list[tuple[str, str]], types: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._types = types
        self._place = 0
        self._depth = 0

    def expression(self) -> Node:
        """Read the loosest binding: ``or``."""
        return self._deeper(lambda: self._words("or", lambda: self._words("and", self._negation)))

    def end(self) -> None:
        """Refuse anything that is left."""
        if self._place < len(self._tokens):
            raise ExpressionError(f"unexpected {self._tokens[self._place][1]!r}")

    def _deeper(self, inner: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > _MOST_BRACKETS:
            raise ExpressionError(f"brackets, functions or signs stand in each other more than {_MOST_BRACKETS} deep")
        node = inner()
        self._depth -= 1
        return node

    def _words(self, word: str, inner: Callable[[], Node]) -> Node:
        left = inner()
        while self._took_word(word):
            left = _call(word, _LOGIC[word], [left, inner()])
        return left

    def _negation(self) -> Node:
        if self._took_word("not"):
            return _call("not", _LOGIC["not"], [self._deeper(self._negation)])
        left = self._chain(("+", "-"), lambda: self._chain(("*", "/"), self._signed))
        for sign, function in _COMPARISONS.items():
            if self._took(sign):
                right = self._chain(("+", "-"), lambda: self._chain(("*", "/"), self._signed))
                if _ANY not in (left.type, right.type) and left.type != right.type:
                    raise ExpressionError(f"cannot compare a {left.type} with a {right.type}")
                return _call(sign, function, [left, right])
        return left

    def _chain(self, signs: tuple[str, ...], inner: Callable[[], Node]) -> Node:
        left = inner()
        while sign := next((sign for sign in signs if self._took(sign)), None):
            left = _call(sign, _ARITHMETIC[sign], [left, inner()])
        return left

    def _signed(self) -> Node:
        if self._took("-"):
            return _call("-", _Function((_NUMBER,), _NUMBER, operator.neg), [self._deeper(self._signed)])
        return self._operand()

    def _operand(self) -> Node:
        if self._place == len(self._tokens):
            raise ExpressionError("the expression ends too early")
        kind, text = self._tokens[self._place]
        self._place += 1
        if kind == "number":
            return _constant(_number(text), _NUMBER)
        if kind == "text":
            return _constant(text[1:-1], _TEXT)
        if kind == "field":
            return self._reference(text)
        if kind == "word":
            return self._named(text)
        if text != "(":
            raise ExpressionError(f"unexpected {text!r}")
        node = self.expression()
        self._expect(")")
        return node

    def _reference(self, name: str) -> Node:
        if name not in self._types:
            raise ExpressionError(f"unknown field ${{{name}}}; expected a field or calculation of the query")
        return Node(self._types[name], lambda columns, _: columns(name), frozenset((name,)))

    def _named(self, name: str) -> Node:
        word = name.lower()
        if word in _CONSTANTS:
            return _constant(*_CONSTANTS[word])
        function = FUNCTIONS.get(word)
        if function is None:
            raise ExpressionError(f"function {name!r} is not served; served: {', '.join(FUNCTIONS)}")
        self._expect("(")
        arguments: list[Node] = []
        while not self._took(")"):
            if arguments:
                self._expect(",")
            arguments.append(self.expression())
        return _call(word, function, arguments)

    def _took(self, sign: str) -> bool:
        found = self._place < len(self._tokens) and self._tokens[self._place] == ("sign", sign)
        self._place += found
        return found

    def _took_word(self, word: str) -> bool:
        found = self._place < len(self._tokens) and (
            self._tokens[self._place][0] == "word" and self._tokens[self._place][1].lower() == word
        )
        self._place += found
        return found

    def _expect(self, sign: str) -> None:
        if not self._took(sign):
            met = repr(self._tokens[self._place][1]) if self._place < len(self._tokens) else "the end"
            raise ExpressionError(f"expected {sign!r}, met {met}")


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ExpressionError(f"the number {text[:20]}... is larger than can be computed with")
    return int(text) if abs(value) < _WIDE and "." not in text else value


def _constant(value: Any, kind: str) -> Node:
    return Node(kind, lambda _, count: [value] * count)


def _call(name: str, function: _Function, arguments: list[Node]) -> Node:
    """Apply a function, after its arguments were checked."""
    most = len(function.arguments)
    if not most - function.optional <= len(arguments) <= most:
        raise ExpressionError(f"{name} takes {most} arguments, met {len(arguments)}")
    for expected, argument in zip(function.arguments, arguments, strict=False):
        if _ANY not in (expected, argument.type) and expected != argument.type:
            raise ExpressionError(f"{name} takes a {expected}, met a {argument.type}")
    free = [item for expected, item in zip(function.arguments, arguments, strict=False) if expected == _ANY]
    kinds = {item.type for item in free} - {_ANY}
    if function.result == _ANY and len(kinds) > 1:
        raise ExpressionError(f"{name} takes values of one type, met {' and '.join(sorted(kinds))}")
    result = function.result if function.result != _ANY else next(iter(kinds), _ANY)
    depth = 1 + max((item.depth for item in arguments), default=0)
    if depth > _MOST_STEPS:
        raise ExpressionError(f"more than {_MOST_STEPS} operations build on each other")
    return Node(
        result,
        _over_rows(function, arguments) if function.over_rows else _by_value(function, arguments),
        frozenset().union(*(item.fields for item in arguments)),
        over_rows=function.over_rows or any(item.over_rows for item in arguments),
        depth=depth,
    )


def _over_rows(function: _Function, arguments: list[Node]) -> Callable[[Columns, int], list[Any]]:
    def evaluate(columns: Columns, count: int) -> list[Any]:
        values = [item.evaluate(columns, count) for item in arguments]
        return list(function.compute(*values)) if values else list(function.compute(count))

    return evaluate


def _by_value(function: _Function, arguments: list[Node]) -> Callable[[Columns, int], list[Any]]:
    def value(*given: Any) -> Any:
        if not function.takes_null and None in given:
            return None
        try:
            found = _bounded(function.compute(*given))
        except (ArithmeticError, ValueError):
            return None
        finite = not isinstance(found, float) or math.isfinite(found)
        return found if finite and not isinstance(found, complex) else None

    def evaluate(columns: Columns, count: int) -> list[Any]:
        return list(map(value, *(item.evaluate(columns, count) for item in arguments)))

    return evaluate


def _bounded(value: Any) -> Any:
    return float(value) if type(value) is int and abs(value) >= _WIDE else value


def _power(base: float, exponent: float) -> float | complex:
    found = float(base) ** float(exponent)
    whole = isinstance(base, int) and isinstance(exponent, int) and isinstance(found, float)
    return int(found) if whole and found.is_integer() and abs(found) <= 2**53 else found


def _whole(compute: Callable[[list[Any]], Any]) -> Callable[[list[Any]], list[Any]]:
    """Give every row what the values of the column that are not null come to; null if there are none."""

    def spread(values: list[Any]) -> list[Any]:
        present = [value for value in values if value is not None]
        return [compute(present) if present else None] * len(values)

    return spread


def _running_total(values: list[Any]) -> list[Any]:
    return list(accumulate(0 if value is None else value for value in values))


def _offset(values: list[Any], distances: list[Any]) -> list[Any]:
    places = [None if by is None else row + int(by) for row, by in enumerate(distances)]
    return [values[at] if at is not None and 0 <= at < len(values) else None for at in places]


def _round(value: float, places: float = 0) -> float:
    number = Decimal(repr(value)).quantize(Decimal(1).scaleb(-int(places)), rounding=ROUND_HALF_UP)
    return int(number) if number == number.to_integral_value() else float(number)


def _either(left: Any, right: Any) -> Any:
    return True if left or right else None if None in (left, right) else False


def _both(left: Any, right: Any) -> Any:
    return False if False in (left, right) else None if None in (left, right) else True


_TWO_NUMBERS = (_NUMBER, _NUMBER)
_ARITHMETIC = {
    "+": _Function(_TWO_NUMBERS, _NUMBER, operator.add),
    "-": _Function(_TWO_NUMBERS, _NUMBER, operator.sub),
    "*": _Function(_TWO_NUMBERS, _NUMBER, operator.mul),
    "/": _Function(_TWO_NUMBERS, _NUMBER, operator.truediv),
}
_COMPARISONS = {
    sign: _Function((_ANY, _ANY), _YESNO, compare)
    for sign, compare in {
        "<=": operator.le,
        ">=": operator.ge,
        "!=": operator.ne,
        "=": operator.eq,
        "<": operator.lt,
        ">": operator.gt,
    }.items()
}
_LOGIC = {
    "or": _Function((_YESNO, _YESNO), _YESNO, _either, takes_null=True),
    "and": _Function((_YESNO, _YESNO), _YESNO, _both, takes_null=True),
    "not": _Function((_YESNO,), _YESNO, operator.not_),
}
_CONSTANTS: dict[str, tuple[Any, str]] = {"null": (None, _ANY), "yes": (True, _YESNO), "no": (False, _YESNO)}

#: What an expression may call.
FUNCTIONS = {
    "abs": _Function((_NUMBER,), _NUMBER, abs),
    "ceiling": _Function((_NUMBER,), _NUMBER, math.ceil),
    "floor": _Function((_NUMBER,), _NUMBER, math.floor),
    "round": _Function(_TWO_NUMBERS, _NUMBER, _round, optional=1),
    "power": _Function(_TWO_NUMBERS, _NUMBER, _power),
    "sqrt": _Function((_NUMBER,), _NUMBER, math.sqrt),
    "mod": _Function(_TWO_NUMBERS, _NUMBER, math.fmod),
    "concat": _Function((_TEXT, _TEXT, _TEXT, _TEXT), _TEXT, lambda *texts: "".join(texts), optional=3),
    "upper": _Function((_TEXT,), _TEXT, str.upper),
    "lower": _Function((_TEXT,), _TEXT, str.lower),
    "if": _Function((_YESNO, _ANY, _ANY), _ANY, lambda test, yes, no: yes if test else no, takes_null=True),
    "coalesce": _Function((_ANY, _ANY), _ANY, lambda value, other: other if value is None else value, takes_null=True),
    "is_null": _Function((_ANY,), _YESNO, lambda value: value is None, takes_null=True),
    "row": _Function((), _NUMBER, lambda count: range(1, count + 1), over_rows=True),
    "sum": _Function((_NUMBER,), _NUMBER, _whole(sum), over_rows=True),
    "mean": _Function((_NUMBER,), _NUMBER, _whole(lambda values: sum(values) / len(values)), over_rows=True),
    "min": _Function((_NUMBER,), _NUMBER, _whole(min), over_rows=True),
    "max": _Function((_NUMBER,), _NUMBER, _whole(max), over_rows=True),
    "running_total": _Function((_NUMBER,), _NUMBER, _running_total, over_rows=True),
    "offset": _Function((_ANY, _NUMBER), _ANY, _offset, over_rows=True),
}
