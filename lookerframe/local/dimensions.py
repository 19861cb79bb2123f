"""Dimensions of LookML that compute their values from others: tiers, bins, cases, locations, distances, durations.

Sources: Looker's docs; the LookML reference for the four styles of tiers; the recorded labels of an ``integer``
tier (``Below 0``, ``10 to 19``, ``80 or Above``, ``Undefined``). The form of a location in a result is not settled:
here it is ``latitude,longitude``, as Looker's filters on locations are written. A duration counts whole units.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import TYPE_CHECKING

from lookerframe.local.project import Enumeration

if TYPE_CHECKING:
    from collections.abc import Callable

    from lookerframe.local.blocks import Block
    from lookerframe.local.project import Field

INTERVALS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")

_UNDEFINED = "Undefined"
#: The radius of the earth in the units that LookML knows: the mean radius of 6 371.0088 km.
_RADIUS = {
    "kilometers": 6_371.0088,
    "meters": 6_371_008.8,
    "feet": 6_371_008.8 / 0.3048,
    "yards": 6_371_008.8 / 0.9144,
    "miles": 6_371.0088 / 1.609344,
    "nautical_miles": 6_371.0088 / 1.852,
}

#: How each style names the values below a bound, from it up to the next, and from it on.
_Style = tuple["Callable[[str], str]", "Callable[[str, str], str]", "Callable[[str], str]"]
_STYLES: dict[str, _Style] = {
    "interval": (lambda low: f"(-inf,{low})", lambda low, high: f"[{low},{high})", lambda high: f"[{high},inf)"),
    "integer": (
        lambda low: f"Below {low}",
        lambda low, high: f"{low} to {Decimal(high) - 1}" if Decimal(high) - 1 > Decimal(low) else low,
        lambda high: f"{high} or Above",
    ),
    "relational": (lambda low: f"< {low}", lambda low, high: f">= {low} and < {high}", lambda high: f">= {high}"),
}


def tier(block: Block, field: Field, bounds: str) -> Field:
    """Cut a number into ranges: a ``tier``, or a ``bin``, whose `bounds` have another name."""
    texts = block.texts(bounds)
    try:
        numbers = [Decimal(text) for text in texts]
    except InvalidOperation as exc:
        raise block.error(
            f"{bounds} {list(texts)} are not numbers; expected some, as in {bounds}: [0, 10, 20]"
        ) from exc
    if not numbers or any(low >= high for low, high in pairwise(numbers)):
        raise block.error(f"{bounds} {list(texts)} do not rise; expected numbers, as in {bounds}: [0, 10, 20]")
    style = block.choice("style", ("classic", *_STYLES)) or "classic"
    if style == "integer" and any(number != number.to_integral_value() for number in numbers):
        raise block.error(f"style integer needs whole numbers as {bounds}, not {list(texts)}")
    labels = _labels(texts, style)
    value = f"({field.sql})"
    cases = [f"WHEN {value} < {high} THEN {quoted(label)}" for high, label in zip(texts, labels, strict=False)]
    formula = (
        f"CASE WHEN {value} IS NULL THEN {quoted(labels[-1])} {' '.join(cases)} ELSE {quoted(labels[len(texts)])} END"
    )
    return replace(field, formula=formula, enumerations=tuple(map(Enumeration, labels)))


def _labels(bounds: tuple[str, ...], style: str) -> list[str]:
    below, between, above = _STYLES.get(style, _STYLES["interval"])
    labels = [below(bounds[0]), *(between(low, high) for low, high in pairwise(bounds)), above(bounds[-1])]
    if style == "classic":
        return [*(f"T{number:02} {label}" for number, label in enumerate(labels)), f"TXX {_UNDEFINED}"]
    return [*labels, _UNDEFINED]


def case(block: Block, field: Field) -> Field:
    """Give a value for each condition; the first that holds counts."""
    inner = block.inner("case", "case", block.parameters["case"])
    found = []
    for item in inner.parameters.get("whens") or []:
        when = block.inner("when", "when", item)
        label, sql = when.text("label"), when.sql("sql")
        if label is None or sql is None:
            raise block.error('a when of the case lacks sql or label; expected when: { sql: ... ;; label: "..." }')
        found.append(Enumeration(label, sql))
    if not found:
        raise block.error('the case has no when; expected when: { sql: ... ;; label: "..." }')
    otherwise = inner.text("else")
    cases = " ".join(f"WHEN {item.condition} THEN {quoted(item.label)}" for item in found)
    if otherwise is not None:
        found.append(Enumeration(otherwise))
    formula = f"CASE {cases}{f' ELSE {quoted(otherwise)}' if otherwise is not None else ''} END"
    unique = tuple({item.label: item for item in reversed(found)}.values())[::-1]
    return replace(field, sql="", formula=formula, enumerations=unique)


def location(block: Block, field: Field) -> Field:
    """Put latitude and longitude into one text."""
    latitude, longitude = block.sql("sql_latitude"), block.sql("sql_longitude")
    if latitude is None or longitude is None:
        raise block.error("a location needs sql_latitude and sql_longitude")
    formula = f"CAST({latitude} AS VARCHAR) || ',' || CAST({longitude} AS VARCHAR)"
    return replace(field, sql="", formula=formula, parts={"latitude": latitude, "longitude": longitude})


def distance(block: Block, field: Field) -> Field:
    """Measure along the great circle between two locations."""
    start, end = block.text("start_location_field"), block.text("end_location_field")
    if start is None or end is None:
        raise block.error("a distance needs start_location_field and end_location_field")
    radius = _RADIUS[block.choice("units", _RADIUS) or "miles"]
    (south, west), (north, east) = (
        [f"RADIANS(CAST(${{{name}::{part}}} AS DOUBLE))" for part in ("latitude", "longitude")] for name in (start, end)
    )
    haversine = (
        f"POWER(SIN(({north} - {south}) / 2), 2) + COS({south}) * COS({north}) * POWER(SIN(({east} - {west}) / 2), 2)"
    )
    # Rounding may lift the square above 1 for two ends of the earth, of which the arcsine knows nothing.
    angle = f"2 * ATAN2(SQRT({haversine}), SQRT(ABS(1 - ({haversine}))))"
    return replace(field, sql="", formula=f"{radius!r} * {angle}")


def durations(block: Block, field: Field) -> list[tuple[str, Field]]:
    """Count the time between two points in each interval; with the word that the label of each begins with."""
    start, end = block.sql("sql_start"), block.sql("sql_end")
    if start is None or end is None:
        raise block.error("a dimension_group of type duration needs sql_start and sql_end")
    found = []
    for interval in block.texts("intervals") or INTERVALS:
        if interval not in INTERVALS:
            raise block.error(
                f"interval {interval!r} is not served by the local Looker; served: {', '.join(INTERVALS)}"
            )
        formula = f"DATE_SUB('{interval}', ({start} )::TIMESTAMP, ({end} )::TIMESTAMP)"
        name = f"{interval}s_{field.name}"
        found.append((f"{interval}s", replace(field, name=name, type=f"duration_{interval}", sql="", formula=formula)))
    return found


def quoted(text: str) -> str:
    """Write a text as SQL."""
    return "'" + text.replace("'", "''") + "'"
