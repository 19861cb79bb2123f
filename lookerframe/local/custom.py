"""``dynamic_fields``: custom measures and table calculations that a query brings with it.

Source: the JSON text that clients were recorded to send, a list of objects that have one of the keys ``measure``,
``dimension``, ``table_calculation`` for their name.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from lookerframe.local import filters
from lookerframe.local.calculations import ExpressionError, parse
from lookerframe.local.explores import key_problem
from lookerframe.local.layouts import Calculation
from lookerframe.local.project import Field
from lookerframe.local.value_formats import NAMED_FORMATS, NumberFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lookerframe.local.project import Explore

_KINDS = ("table_calculation", "measure", "dimension")
_NAME = re.compile(r"[A-Za-z_]\w*")
_KEY = "dynamic_fields"

#: Types that a custom measure over a dimension can have.
_OVER_ANY = ("count_distinct",)
_OVER_NUMBERS = ("sum", "average", "min", "max", "median")

#: Calculations that Looker's pages offer ready-made, as the formulas that they stand for.
_READY_MADE = {
    "running_total": "running_total({0})",
    "percent_of_column_sum": "{0} / sum({0})",
}


class DynamicFields:
    """The dynamic fields of one query.

    Attributes
    ----------
    explore : Explore
        The query's, with the custom measures.
    calculations : dict
        The table calculations as they were sent, by name.
    """

    def __init__(self, text: str | None, explore: Explore, problem: Callable[[str, str], None]) -> None:
        self.explore = explore
        self.calculations: dict[str, dict[str, Any]] = {}
        self._problem = problem
        for item in self._items(text or "[]"):
            self._add(item)

    def read(self, selected: Sequence[str], pivots: Sequence[str]) -> tuple[Calculation, ...]:
        """Read the table calculations over the fields `selected`, in the order they were sent."""
        types = {name: self._type(name) for name in selected if name in self.explore.fields}
        spread = {name for name in types if self.explore.fields[name].measure or name in pivots}
        found = []
        for name, item in self.calculations.items():
            try:
                calculation = _calculation(name, item, types, spread)
            except ValueError as exc:
                self._problem(_KEY, f"table calculation {name!r}: {exc}")
                types[name] = "any"  # its users are not to blame
                continue
            types[name] = calculation.type
            spread.update({name} if calculation.measure else ())
            found.append(calculation)
        return tuple(found)

    def _items(self, text: str) -> list[dict[str, Any]]:
        try:
            return msgspec.json.decode(text, type=list[dict[str, Any]])
        except msgspec.DecodeError as exc:
            self._problem(_KEY, f"'{_KEY}' is not the JSON text of a list of objects: {exc}")
            return []

    def _add(self, item: dict[str, Any]) -> None:
        kinds = [kind for kind in _KINDS if item.get(kind)]
        if len(kinds) != 1:
            self._problem(_KEY, f"a dynamic field needs one of the keys {', '.join(_KINDS)}; met {', '.join(item)}")
            return
        name = str(item[kinds[0]])
        if not _NAME.fullmatch(name) or name in self.calculations or name in self.explore.fields:
            self._problem(_KEY, f"{name!r} cannot be the name of a dynamic field; expected a new one, as in 'my_field'")
        elif kinds[0] == "table_calculation":
            self.calculations[name] = item
        elif kinds[0] == "measure":
            self._add_measure(name, item)
        else:
            self._problem(_KEY, f"{name!r}: custom dimensions are not served by the local Looker")

    def _add_measure(self, name: str, item: dict[str, Any]) -> None:
        try:
            field = self._measure(name, item)
        except ValueError as exc:
            self._problem(_KEY, f"custom measure {name!r}: {exc}")
        else:
            self.explore = replace(self.explore, fields={**self.explore.fields, name: field})

    def _measure(self, name: str, item: dict[str, Any]) -> Field:
        """Read a custom measure; whatever is wrong is a ValueError."""
        based, kind = self.explore.fields.get(str(item.get("based_on"))), item.get("type")
        if based is None or based.measure:
            raise ValueError("it needs a dimension in 'based_on'")
        served = _OVER_ANY + (_OVER_NUMBERS if based.is_numeric else ())
        if kind not in served:
            raise ValueError(f"type {kind!r} over {based.full_name} is not served; served: {', '.join(served)}")
        if item.get("expression") or item.get("filter_expression"):
            raise ValueError("expressions are not served; use 'filters'")
        value_format, number_format = _number_format(item)
        field = Field(
            view=based.view,
            name=name,
            type=str(kind),
            sql=f"${{{based.full_name}}}",
            place=based.place,
            label=str(item.get("label") or name),
            view_label="",
            variant=str(item.get("label") or name),
            measure=True,
            dynamic=True,
            value_format=value_format,
            number_format=number_format,
            filters=tuple(self._filters(item.get("filters") or {})),
        )
        problem = key_problem(self.explore, field)
        if problem:
            raise ValueError(problem)
        return field

    def _filters(self, given: Any) -> Iterator[tuple[str, str]]:
        if not isinstance(given, dict):
            raise ValueError("'filters' is no object of fields and filter expressions")
        for name, text in given.items():
            if name not in self.explore.fields or self.explore.fields[name].measure:
                raise ValueError(f"filter on {name!r}, which is no dimension of the explore")
            filters.parse(self.explore.fields[name], str(text))
            yield name, str(text)

    def _type(self, name: str) -> str:
        field = self.explore.fields[name]
        # Parts of a date that are numbers are numbers here too, though not to `is_numeric`.
        if field.kind == "yesno":
            return "yesno"
        return "number" if field.is_numeric or field.kind == "number" or field.type == "date_year" else "string"


def _calculation(name: str, item: dict[str, Any], types: dict[str, str], spread: set[str]) -> Calculation:
    expression = str(item.get("expression") or "")
    kind = item.get("calculation_type")
    if kind and not expression:
        arguments = item.get("args")
        if not isinstance(kind, str) or kind not in _READY_MADE:
            raise ExpressionError(f"calculation_type {kind!r} is not served; served: {', '.join(_READY_MADE)}")
        if not isinstance(arguments, list) or len(arguments) != 1:
            raise ExpressionError(f"'args' is {arguments!r}; expected a list of one field")
        expression = _READY_MADE[kind].format(f"${{{arguments[0]}}}")
    node = parse(expression, types)
    value_format, number_format = _number_format(item)
    return Calculation(
        name,
        str(item.get("label") or name),
        expression,
        node,
        measure=bool(node.fields & spread),
        value_format=value_format,
        number_format=number_format,
    )


def _number_format(item: dict[str, Any]) -> tuple[str | None, NumberFormat | None]:
    name = item.get("value_format_name")
    if name and (not isinstance(name, str) or name not in NAMED_FORMATS):
        raise ValueError(f"unknown value_format_name {name!r}; known: {', '.join(NAMED_FORMATS)}")
    text = item.get("value_format") or (NAMED_FORMATS[name] if name else None)
    return text, NumberFormat.parse(str(text)) if text else None
