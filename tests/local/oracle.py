"""What the oracle of the local Looker's SQL knows of the demo's database, and how it compares numbers.

It shares nothing with the compiler: tables, joins, the SQL of each field and what each filter means stand below.
A measure is an aggregate over the distinct pairs of a row's key and its value, which is what a person would write who
does not want joined rows to count twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LOCAL = Path(__file__).parent.parent.parent / "lookerframe" / "local"
_TABLES = ("flights", "airlines", "airports", "planes", "weather", "users", "products", "orders", "order_items")
ZONES = ("UTC", "America/New_York", "America/New_York", "Europe/Berlin", "Asia/Kolkata")


@dataclass(frozen=True)
class Measure:
    """An aggregate over ``v``, once for each ``k``; both are SQL over the joined tables."""

    aggregate: str
    key: str
    value: str = "1"

    @property
    def nothing(self) -> int | None:
        """What it is of a group without rows of its view: counts and sums are 0."""
        counts = self.aggregate.startswith(("COUNT(", "COALESCE")) and "/" not in self.aggregate
        return 0 if counts else None


@dataclass(frozen=True)
class Model:
    """What the oracle knows of one explore.

    Attributes
    ----------
    tables
        For each view how it is joined, and which views have to be there before.
    filters
        Field, Looker's expression, and what it means; ``{tz}`` is the query's zone.
    """

    model: str
    explore: str
    tables: dict[str, tuple[str, tuple[str, ...]]]
    dimensions: dict[str, str]
    measures: dict[str, Measure]
    filters: tuple[tuple[str, str, str], ...]

    def source(self, names: Iterable[str], filters: Iterable[tuple[str, str, str]]) -> str:
        """Write the joins that the fields `names` need, and the rows that `filters` leave."""
        views = {name.partition(".")[0] for name in (*names, *(field for field, _, _ in filters))}
        needed = views.union(*(self.tables[view][1] for view in views))
        base = next(iter(self.tables))
        joins = " ".join(sql for view, (sql, _) in self.tables.items() if view in needed or view == base)
        where = " AND ".join(f"({sql})" for _, _, sql in filters)
        return f"{joins} {f'WHERE {where}' if where else ''}"


def _cut(column: str, pattern: str) -> str:
    return f"STRFTIME({column} AT TIME ZONE '{{tz}}', '{pattern}')"


def _tier(column: str, bounds: Sequence[int], labels: Sequence[str]) -> str:
    tests = " ".join(
        f"WHEN {column} >= {low} THEN '{label}'" for low, label in list(zip(bounds, labels[1:], strict=True))[::-1]
    )
    return f"CASE {tests} WHEN {column} < {bounds[0]} THEN '{labels[0]}' ELSE 'Undefined' END"


_F = "f.rid"
FLIGHTS = Model(
    "flights",
    "flights",
    {
        "flights": ("FROM (SELECT *, ROW_NUMBER() OVER () AS rid FROM flights) f", ()),
        "airlines": ("LEFT JOIN airlines a ON a.carrier = f.carrier", ()),
        "planes": ("LEFT JOIN planes p ON p.tailnum = f.tailnum", ()),
        "origin_airports": ("LEFT JOIN airports ao ON ao.faa = f.origin", ()),
        "dest_airports": ("LEFT JOIN airports ad ON ad.faa = f.dest", ()),
        "weather": ("LEFT JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour", ()),
    },
    {
        "flights.carrier": "f.carrier",
        "flights.origin": "f.origin",
        "flights.is_cancelled": "CASE WHEN f.dep_time IS NULL THEN 'Yes' ELSE 'No' END",
        "flights.time_date": _cut("f.time_hour", "%Y-%m-%d"),
        "flights.time_hour": _cut("f.time_hour", "%Y-%m-%d %H"),
        "flights.time_month": _cut("f.time_hour", "%Y-%m"),
        "flights.time_hour_of_day": "EXTRACT(hour FROM f.time_hour AT TIME ZONE '{tz}')",
        "flights.time_week": "STRFTIME(DATE_TRUNC('week', f.time_hour AT TIME ZONE '{tz}'), '%Y-%m-%d')",
        "flights.time_year": "EXTRACT(year FROM f.time_hour AT TIME ZONE '{tz}')",
        "airlines.name": "a.name",
        "planes.manufacturer": "p.manufacturer",
        "planes.seats_tier": _tier(
            "p.seats", (50, 100, 200, 300), ("Below 50", "50 to 99", "100 to 199", "200 to 299", "300 or Above")
        ),
        "origin_airports.name": "ao.name",
        "dest_airports.tzone": "ad.tzone",
        "dest_airports.dst": "CASE ad.dst WHEN 'A' THEN 'United States' WHEN 'N' THEN 'None' ELSE 'Unknown' END",
        "weather.temperature_tier": _tier(
            "w.temp", (32, 50, 68, 86), ("< 32", ">= 32 and < 50", ">= 50 and < 68", ">= 68 and < 86", ">= 86")
        ),
    },
    {
        "flights.count": Measure("COUNT(*)", _F),
        "flights.count_of_planes": Measure("COUNT(DISTINCT v)", _F, "f.tailnum"),
        "flights.total_distance": Measure("COALESCE(SUM(v), 0)", _F, "f.distance"),
        "flights.average_dep_delay": Measure("AVG(v)", _F, "f.dep_delay"),
        "flights.max_arr_delay": Measure("MAX(v)", _F, "f.arr_delay"),
        "planes.count": Measure("COUNT(*)", "p.tailnum"),
        "planes.total_seats": Measure("COALESCE(SUM(v), 0)", "p.tailnum", "p.seats"),
        "planes.average_seats": Measure("AVG(v)", "p.tailnum", "p.seats"),
        "planes.median_seats": Measure("MEDIAN(v)", "p.tailnum", "p.seats"),
        "airlines.count": Measure("COUNT(*)", "a.carrier"),
        "dest_airports.count": Measure("COUNT(*)", "ad.faa"),
        "dest_airports.average_altitude": Measure("AVG(v)", "ad.faa", "ad.alt"),
        "weather.count": Measure("COUNT(*)", "(w.origin, w.time_hour)[1] || w.time_hour", "1"),
        "weather.average_temperature": Measure("AVG(v)", "w.origin || w.time_hour", "w.temp"),
    },
    (
        ("flights.carrier", "AA,UA, OO", "f.carrier IN ('AA', 'UA', 'OO')"),
        ("flights.carrier", "-UA", "f.carrier <> 'UA'"),
        ("flights.dest", "S%", "f.dest LIKE 'S%'"),
        ("flights.month", "3", "f.month = 3"),
        ("flights.month", "[3,5)", "f.month >= 3 AND f.month < 5"),
        ("flights.dep_delay", ">60", "f.dep_delay > 60"),
        ("flights.is_cancelled", "Yes", "f.dep_time IS NULL"),
        ("flights.time_date", "2013-03-10", "CAST(f.time_hour AT TIME ZONE '{tz}' AS DATE) = DATE '2013-03-10'"),
        ("flights.time_date", "2013-11-03", "CAST(f.time_hour AT TIME ZONE '{tz}' AS DATE) = DATE '2013-11-03'"),
        (
            "flights.time_date",
            "2013-03-09 to 2013-03-12",
            "f.time_hour AT TIME ZONE '{tz}' >= '2013-03-09' AND f.time_hour AT TIME ZONE '{tz}' < '2013-03-12'",
        ),
        ("flights.time_date", "2013-11", "DATE_TRUNC('month', f.time_hour AT TIME ZONE '{tz}') = DATE '2013-11-01'"),
        ("flights.time_date", "before 2013-03-11", "f.time_hour AT TIME ZONE '{tz}' < TIMESTAMP '2013-03-11'"),
        ("planes.manufacturer", "BOEING, AIRBUS", "p.manufacturer IN ('BOEING', 'AIRBUS')"),
        ("planes.manufacturer", "NULL", "p.manufacturer IS NULL"),
        ("airlines.name", "Delta%", "a.name LIKE 'Delta%'"),
        ("weather.temp", "NOT NULL", "w.temp IS NOT NULL"),
    ),
)

PLANES = Model(
    "flights",
    "planes",
    {
        "planes": ("FROM planes p", ()),
        "flights": ("LEFT JOIN (SELECT *, ROW_NUMBER() OVER () AS rid FROM flights) f ON p.tailnum = f.tailnum", ()),
        "airlines": ("LEFT JOIN airlines a ON a.carrier = f.carrier", ("flights",)),
    },
    {
        "planes.manufacturer": "p.manufacturer",
        "planes.engine": "p.engine",
        "planes.year": "p.year",
        "flights.carrier": "f.carrier",
        "flights.origin": "f.origin",
        "flights.time_month": _cut("f.time_hour", "%Y-%m"),
        "airlines.name": "a.name",
    },
    {
        "planes.count": Measure("COUNT(*)", "p.tailnum"),
        "planes.total_seats": Measure("COALESCE(SUM(v), 0)", "p.tailnum", "p.seats"),
        "planes.average_seats": Measure("AVG(v)", "p.tailnum", "p.seats"),
        "flights.count": Measure("COUNT(*)", _F),
        "flights.total_distance": Measure("COALESCE(SUM(v), 0)", _F, "f.distance"),
        "airlines.count": Measure("COUNT(*)", "a.carrier"),
    },
    (
        ("planes.engines", "1,3", "p.engines IN (1, 3)"),
        ("planes.year", "1990 to 1999", "p.year BETWEEN 1990 AND 1999"),
        ("flights.carrier", "B6", "f.carrier = 'B6'"),
        ("airlines.name", "%Airlines%", "a.name LIKE '%Airlines%'"),
    ),
)

_SHOP_DIMENSIONS = {
    "orders.status": "o.status",
    "orders.created_month": _cut("o.created_at", "%Y-%m"),
    "orders.created_date": _cut("o.created_at", "%Y-%m-%d"),
    "orders.created_hour": _cut("o.created_at", "%Y-%m-%d %H"),
    "orders.created_day_of_week": "DAYNAME(o.created_at AT TIME ZONE '{tz}')",
    "orders.created_fiscal_year": "EXTRACT(year FROM o.created_at AT TIME ZONE '{tz}' - INTERVAL '3 months')",
    "orders.days_to_delivery": "(EPOCH(o.delivered_at) - EPOCH(o.created_at))::BIGINT // 86400",
    "orders.hours_to_delivery": "(EPOCH(o.delivered_at) - EPOCH(o.created_at))::BIGINT // 3600",
    "orders.is_delivered": "CASE WHEN o.delivered_at IS NULL THEN 'No' ELSE 'Yes' END",
    "orders.note": "o.note",
    "users.country": "u.country",
    "users.gender": "CASE u.gender WHEN 'f' THEN 'Female' WHEN 'm' THEN 'Male' END",
    "users.zip": "u.zip",
    "users.location": "u.latitude::VARCHAR || ',' || u.longitude::VARCHAR",
    "users.age_tier": _tier(
        "u.age",
        range(0, 90, 10),
        ("Below 0", *(f"{low} to {low + 9}" for low in range(0, 80, 10)), "80 or Above"),
    ),
    "users.age_bin": _tier("u.age", (18, 65), ("(-inf,18)", "[18,65)", "[65,inf)")),
    "users.created_quarter": "STRFTIME(DATE_TRUNC('quarter', u.created_at AT TIME ZONE '{tz}'), '%Y-%m')",
    "order_items.quantity": "i.quantity",
    "order_items.is_discounted": "CASE WHEN i.discount > 0 THEN 'Yes' ELSE 'No' END",
    "order_items.revenue_tier": _tier(
        "(i.sale_price * i.quantity)",
        (20, 50, 100, 200),
        ("T00 (-inf,20)", "T01 [20,50)", "T02 [50,100)", "T03 [100,200)", "T04 [200,inf)"),
    ).replace("'Undefined'", "'TXX Undefined'"),
    "products.category": "p.category",
    "products.brand": "p.brand",
}
_REVENUE = "i.sale_price * i.quantity"
_DISCOUNTED = f"CASE WHEN i.discount > 0 AND i.quantity IN (1, 2) THEN {_REVENUE} END"
_SHOP_MEASURES = {
    "orders.count": Measure("COUNT(*)", "o.id"),
    "orders.count_of_users": Measure("COUNT(DISTINCT v)", "o.id", "o.user_id"),
    "orders.delivered_count": Measure("COUNT(v)", "o.id", "o.delivered_at"),
    "orders.complete_or_shipped_count": Measure("COUNT(*) FILTER (v IN ('complete', 'shipped'))", "o.id", "o.status"),
    "orders.share_delivered": Measure("COUNT(v) / NULLIF(COUNT(*), 0)", "o.id", "o.delivered_at"),
    "orders.average_days_to_delivery": Measure(
        "AVG(v)", "o.id", "(EPOCH(o.delivered_at) - EPOCH(o.created_at))::BIGINT // 86400"
    ),
    "users.count": Measure("COUNT(*)", "u.id"),
    "users.average_age": Measure("AVG(v)", "u.id", "u.age"),
    "users.median_age": Measure("MEDIAN(v)", "u.id", "u.age"),
    "users.age_90th_percentile": Measure("QUANTILE_CONT(v::DOUBLE, 0.9)", "u.id", "u.age"),
    "users.countries": Measure("LIST_SORT(LIST(DISTINCT v) FILTER (v IS NOT NULL))", "u.id", "u.country"),
    "users.first_joined": Measure("STRFTIME(MIN(v) AT TIME ZONE '{tz}', '%Y-%m-%d')", "u.id", "u.created_at"),
    "order_items.count": Measure("COUNT(*)", "i.id"),
    "order_items.total_revenue": Measure("COALESCE(SUM(v), 0)", "i.id", _REVENUE),
    "order_items.average_sale_price": Measure("AVG(v)", "i.id", "i.sale_price"),
    "order_items.median_sale_price": Measure("MEDIAN(v::DOUBLE)", "i.id", "i.sale_price"),
    "order_items.sale_price_75th_percentile": Measure("QUANTILE_CONT(v::DOUBLE, 0.75)", "i.id", "i.sale_price"),
    "order_items.total_discounted": Measure("COALESCE(SUM(v), 0)", "i.id", _DISCOUNTED),
    "products.count": Measure("COUNT(*)", "p.id"),
    "products.total_cost": Measure("COALESCE(SUM(v), 0)", "p.id", "p.cost"),
    "products.average_retail_price": Measure("AVG(v)", "p.id", "p.retail_price"),
    "user_facts.average_orders": Measure("AVG(v)", "x.user_id", "x.n"),
}
_SHOP_FILTERS = (
    ("orders.status", "complete, returned", "o.status IN ('complete', 'returned')"),
    ("orders.note", "EMPTY", "(o.note IS NULL OR o.note = '')"),
    ("orders.note", "%🎁%", "o.note LIKE '%🎁%'"),
    ("orders.created_date", "2023-03-12", "CAST(o.created_at AT TIME ZONE '{tz}' AS DATE) = DATE '2023-03-12'"),
    ("orders.created_date", "2023", "EXTRACT(year FROM o.created_at AT TIME ZONE '{tz}') = 2023"),
    ("orders.created_date", "after 2023-11-05", "o.created_at AT TIME ZONE '{tz}' >= TIMESTAMP '2023-11-05'"),
    ("users.country", "USA,日本", "u.country IN ('USA', '日本')"),
    ("users.country", "-USA", "(u.country <> 'USA' OR u.country IS NULL)"),
    ("users.age", "[20,40)", "u.age >= 20 AND u.age < 40"),
    ("users.age", "NULL", "u.age IS NULL"),
    ("users.gender", "Female", "u.gender = 'f'"),
    ("order_items.quantity", "1", "i.quantity = 1"),
    ("order_items.is_discounted", "No", "(i.discount <= 0 OR i.discount IS NULL)"),
    ("products.category", "Jeans,Socks", "p.category IN ('Jeans', 'Socks')"),
)
_FACTS = (
    "LEFT JOIN (SELECT user_id, COUNT(*) AS n FROM orders WHERE user_id IS NOT NULL GROUP BY 1) x ON x.user_id = u.id"
)


def _shop(explore: str, tables: dict[str, tuple[str, tuple[str, ...]]]) -> Model:
    def there(name: str) -> bool:
        return name.partition(".")[0] in tables

    return Model(
        "thelook",
        explore,
        tables,
        {name: sql for name, sql in _SHOP_DIMENSIONS.items() if there(name)},
        {name: measure for name, measure in _SHOP_MEASURES.items() if there(name)},
        tuple(item for item in _SHOP_FILTERS if there(item[0])),
    )


MODELS = (
    FLIGHTS,
    PLANES,
    _shop(
        "order_items",
        {
            "order_items": ("FROM order_items i", ()),
            "orders": ("LEFT JOIN orders o ON o.id = i.order_id", ()),
            "users": ("LEFT JOIN users u ON u.id = o.user_id", ("orders",)),
            "user_facts": (_FACTS, ("users", "orders")),
            "products": ("LEFT JOIN products p ON p.id = i.product_id", ()),
        },
    ),
    _shop(
        "orders",
        {
            "orders": ("FROM orders o", ()),
            "users": ("FULL JOIN users u ON u.id = o.user_id", ()),
            "order_items": ("LEFT JOIN order_items i ON i.order_id = o.id", ()),
            "products": ("LEFT JOIN products p ON p.id = i.product_id", ("order_items",)),
        },
    ),
    _shop(
        "users",
        {
            "users": ("FROM users u", ()),
            "orders": ("LEFT JOIN orders o ON o.user_id = u.id", ()),
            "order_items": ("JOIN order_items i ON i.order_id = o.id", ("orders",)),
            "user_facts": (_FACTS, ()),
        },
    ),
)

#: Values that LookML or the calendar puts in another order than their letters do.
ORDERS = {
    "orders.created_day_of_week": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "planes.seats_tier": ("Below 50", "50 to 99", "100 to 199", "200 to 299", "300 or Above", "Undefined"),
    "dest_airports.dst": ("United States", "None", "Unknown"),
    "weather.temperature_tier": (
        *("< 32", ">= 32 and < 50", ">= 50 and < 68", ">= 68 and < 86", ">= 86", "Undefined"),
    ),
    "users.age_bin": ("(-inf,18)", "[18,65)", "[65,inf)", "Undefined"),
}


def connect() -> duckdb.DuckDBPyConnection:
    """Give the oracle the files of the demo."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    # DuckDB 2.0.0 has an internal error when it moves a condition over some full joins below a DISTINCT.
    connection.execute("SET disabled_optimizers = 'filter_pushdown,filter_pullup'")
    for name in _TABLES:
        connection.read_parquet(str(LOCAL / "data" / f"{name}.parquet")).to_table(name)
    return connection


def same(found: Any, wanted: Any) -> bool:
    """Compare exactly, but for the last digits of floats."""
    if isinstance(found, float) or isinstance(wanted, float):
        return (found is None and wanted is None) or float(found) == pytest.approx(float(wanted), rel=1e-9)
    return bool(found == wanted)
