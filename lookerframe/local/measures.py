"""Measures of LookML: what each type needs, and the aggregate that DuckDB computes for it.

Source: Looker's documentation. Where joins repeat the rows of a measure's view, each row is to count once (Looker's
symmetric aggregates): Looker adds hashes of the primary key to the values and takes them off again; here the pairs of
key and value are gathered, each once, and aggregated as they are, which is exact for every type of number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lookerframe.local.project import Field


class Kind(NamedTuple):
    """What a type of measure needs, and how it is computed.

    Attributes
    ----------
    source : {"sql", "list_field", None}
        The parameter that says what is aggregated.
    plain : str
        DuckDB's aggregate of the values ``{0}``; ``{1}`` is the percentile. Empty: no aggregate of its own.
    listed : str
        The same over a list in which each row counts once; empty if rows that repeat change nothing.
    """

    source: str | None
    plain: str = ""
    listed: str = ""


_SUM = Kind("sql", "COALESCE(SUM({0} ), 0)", "COALESCE(LIST_SUM({0}), 0)")
_AVERAGE = Kind("sql", "AVG({0} )", "LIST_AVG({0})")
_MEDIAN = Kind("sql", "MEDIAN(CAST({0} AS DOUBLE))", "LIST_AGGREGATE({0}, 'median')")
_PERCENTILE = Kind("sql", "QUANTILE_CONT(CAST({0} AS DOUBLE), {1})", "LIST_AGGREGATE({0}, 'quantile_cont', {1})")

KINDS = {
    "count": Kind(None),
    "count_distinct": Kind("sql", "COUNT(DISTINCT {0} )"),
    "sum": _SUM,
    "average": _AVERAGE,
    "min": Kind("sql", "MIN({0} )"),
    "max": Kind("sql", "MAX({0} )"),
    "median": _MEDIAN,
    "percentile": _PERCENTILE,
    "list": Kind(
        "list_field",
        "LIST(DISTINCT CAST({0} AS VARCHAR) ORDER BY CAST({0} AS VARCHAR)) FILTER (WHERE ({0} ) IS NOT NULL)",
    ),
    "sum_distinct": _SUM,
    "average_distinct": _AVERAGE,
    "median_distinct": _MEDIAN,
    "percentile_distinct": _PERCENTILE,
    "number": Kind("sql"),
    "string": Kind("sql"),
    "yesno": Kind("sql"),
    "date": Kind("sql"),
}
PERCENTILES = ("percentile", "percentile_distinct")
#: Statistics that interpolate, which DuckDB would round to the decimals of the values.
_INTERPOLATED = ("median", "median_distinct", *PERCENTILES)


def refers_to_measures(item: Field) -> bool:
    """Whether the SQL of a measure is over other measures."""
    return item.measure and not KINDS[item.type].plain and item.type != "count"


def needs_key(item: Field) -> bool:
    """Whether rows that joins repeat or leave out would change the measure, unless a key tells them apart."""
    return item.measure and item.distinct_key is None and (item.type == "count" or bool(KINDS[item.type].listed))


def aggregate(item: Field, value: str, *, key: str | None, condition: str | None, repeated: bool) -> str:
    """Write a measure.

    Parameters
    ----------
    value
        SQL of what is aggregated; empty for ``count``.
    key
        SQL of what tells the rows of the measure's view apart; none if each is there once, and is there.
    condition
        SQL of the measure's filters.
    repeated
        Whether rows of the view may be there several times.
    """
    if item.type == "count":
        return _count(key, condition, repeated=repeated)
    kind = KINDS[item.type]
    if not kind.plain:
        return value
    if condition:
        value = f"CASE WHEN {condition} THEN {value} END"
    if not (repeated and kind.listed):
        return kind.plain.format(value, item.percentile)
    value = f"CAST({value} AS DOUBLE)" if item.type in _INTERPOLATED else value
    pairs = f"LIST(DISTINCT {{'k': {key}, 'v': {value}}}) FILTER (WHERE ({key}) IS NOT NULL)"
    return kind.listed.format(f"[pair.v FOR pair IN {pairs}]", item.percentile)


def _count(key: str | None, condition: str | None, *, repeated: bool) -> str:
    if key is None and condition is None:
        return "COUNT(*)"
    counted = key or "1"
    if condition:
        counted = f"CASE WHEN {condition} THEN {counted} END"
    return f"COUNT(DISTINCT {counted} )" if repeated else f"COUNT({counted} )"
