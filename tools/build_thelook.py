"""Build the tables of the demo's model ``thelook`` in ``lookerframe/local/data``: a shop that never was.

    python tools/build_thelook.py

Users, products, orders and the items of the orders, drawn at random from a fixed seed, so that every build gives the
same rows. There are nulls, names in several scripts, prices with decimals, and times on both sides of each change of
the clocks.
"""

# ruff: noqa: RUF001 - names in several scripts

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

FOLDER = Path(__file__).parent.parent / "lookerframe" / "local" / "data"
SEED = 20_130_310
USERS, PRODUCTS, ORDERS = 800, 120, 3_000
FIRST, LAST = dt.datetime(2022, 1, 1), dt.datetime(2024, 6, 30)  # noqa: DTZ001 - in UTC, as the column says

COLUMNS = {
    "users": "id INTEGER, first_name VARCHAR, last_name VARCHAR, email VARCHAR, age INTEGER, gender VARCHAR, "
    "city VARCHAR, country VARCHAR, zip VARCHAR, latitude DOUBLE, longitude DOUBLE, traffic_source VARCHAR, "
    "created_at TIMESTAMPTZ",
    "products": "id INTEGER, name VARCHAR, brand VARCHAR, category VARCHAR, sku VARCHAR, cost DECIMAL(10, 2), "
    "retail_price DECIMAL(10, 2)",
    "orders": "id INTEGER, user_id INTEGER, status VARCHAR, created_at TIMESTAMPTZ, shipped_at TIMESTAMPTZ, "
    "delivered_at TIMESTAMPTZ, note VARCHAR",
    "order_items": "id INTEGER, order_id INTEGER, product_id INTEGER, quantity INTEGER, sale_price DECIMAL(10, 2), "
    "discount DOUBLE, returned_at TIMESTAMPTZ",
}

#: City, country, first digits of its postal codes, latitude and longitude.
CITIES = [
    ("New York", "USA", "100", 40.7128, -74.0060),
    ("Boston", "USA", "021", 42.3601, -71.0589),
    ("São Paulo", "Brasil", "010", -23.5505, -46.6333),
    ("München", "Deutschland", "803", 48.1351, 11.5820),
    ("Zürich", "Schweiz", "800", 47.3769, 8.5417),
    ("Αθήνα", "Ελλάδα", "104", 37.9838, 23.7275),
    ("القاهرة", "مصر", "115", 30.0444, 31.2357),
    ("תל אביב", "ישראל", "610", 32.0853, 34.7818),
    ("東京", "日本", "100", 35.6762, 139.6503),
    ("Київ", "Україна", "010", 50.4501, 30.5234),
]
NAMES = {
    "f": ["Ana", "Zoë", "Дарина", "مريم", "נועה", "さくら", "Ελένη", "Emma", "Mary-Jane", "Siân"],
    "m": ["José", "Jürgen", "Тарас", "محمد", "דוד", "健", "Νίκος", "Liam", "O'Neil", "Þór"],
}
SURNAMES = ["Smith", "Müller", "da Silva", "Шевченко", "حسن", "כהן", "田中", "Παπαδόπουλος", "O'Brien", "Núñez"]
BRANDS = ["Acme", "Café 24", "Straße & Söhne", "Ünique", 'Quote "n" Co', None]
CATEGORIES = {"Jeans": 60, "Tops & Tees": 25, "Socks": 8, "Sweaters": 75, "Outerwear": 160, "Accessories": 30}
NOTES = [None, None, None, "", "gift 🎁", "please, ring twice", "line one\nline two", " 100% _sure_", "שלום", "NULL"]
SOURCES = ["Search", "Organic", "Email", "Facebook", None]
STATUSES = {"complete": 60, "shipped": 15, "processing": 10, "cancelled": 10, "returned": 5}


def cents(value: float) -> Decimal:
    """Round to what can be paid."""
    return Decimal(str(value)).quantize(Decimal("0.01"))


def moment(chance: random.Random, start: dt.datetime, end: dt.datetime) -> dt.datetime:
    """Draw a time between two others, to the second."""
    return start + dt.timedelta(seconds=chance.randrange(int((end - start).total_seconds()) + 1))


def users(chance: random.Random) -> list[tuple[Any, ...]]:
    """Draw the customers."""
    rows = []
    for number in range(1, USERS + 1):
        gender = chance.choice("fm")
        city, country, digits, latitude, longitude = chance.choice(CITIES)
        known = chance.random() > 0.05  # noqa: PLR2004 - one in twenty lives nowhere we know
        rows.append(
            (
                number,
                chance.choice(NAMES[gender]),
                chance.choice(SURNAMES),
                f"user{number}@example.com" if chance.random() > 0.1 else None,  # noqa: PLR2004
                chance.randint(12, 85) if chance.random() > 0.05 else None,  # noqa: PLR2004
                gender,
                *((city, country, f"{digits}{chance.randrange(100):02}") if known else (None, None, None)),
                *(
                    (round(latitude + chance.uniform(-0.2, 0.2), 4), round(longitude + chance.uniform(-0.2, 0.2), 4))
                    if known
                    else (None, None)
                ),
                chance.choice(SOURCES),
                moment(chance, FIRST, LAST),
            )
        )
    return rows


def products(chance: random.Random) -> list[tuple[Any, ...]]:
    """Draw what is sold."""
    rows = []
    for number in range(1, PRODUCTS + 1):
        category, price = chance.choice(list(CATEGORIES.items()))
        retail = cents(price * chance.uniform(0.5, 2))
        cost = cents(float(retail) * chance.uniform(0.3, 0.7))
        brand = chance.choice(BRANDS)
        rows.append(
            (number, f"{brand or 'No name'} {category} {number}", brand, category, f"{number:06}", cost, retail)
        )
    return rows


def orders(chance: random.Random, customers: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Draw the orders; one customer in eight never ordered, and some orders have none."""
    buyers = [row for row in customers if row[0] % 8]
    rows = []
    for number in range(1, ORDERS + 1):
        buyer = chance.choice(buyers)
        status = chance.choices(list(STATUSES), list(STATUSES.values()))[0]
        created = moment(chance, max(FIRST, buyer[-1]), LAST)
        sent = status in ("complete", "shipped", "returned")
        shipped = moment(chance, created, created + dt.timedelta(days=4)) if sent else None
        delivered = moment(chance, shipped, shipped + dt.timedelta(days=9)) if shipped and status != "shipped" else None
        owner = buyer[0] if chance.random() > 0.02 else None  # noqa: PLR2004 - bought as a guest
        rows.append((number, owner, status, created, shipped, delivered, chance.choice(NOTES)))
    return rows


def items(chance: random.Random, bought: list[tuple[Any, ...]], sold: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Draw the items; some orders have none."""
    rows: list[tuple[Any, ...]] = []
    for order, _, status, *_, delivered, _ in bought:
        for _ in range(chance.choices(range(6), (2, 40, 30, 15, 8, 5))[0]):
            product = chance.choice(sold)
            discount = chance.choice([None, 0.0, 0.1, 0.25])
            price = cents(float(product[-1]) * (1 - (discount or 0)))
            returned = delivered + dt.timedelta(days=chance.randint(1, 30)) if status == "returned" else None
            quantity = chance.choices((1, 2, 3), (8, 2, 1))[0]
            rows.append((len(rows) + 1, order, product[0], quantity, price, discount, returned))
    return rows


def write(table: str, rows: list[tuple[Any, ...]]) -> Path:
    """Write rows as Parquet."""
    target = FOLDER / f"{table}.parquet"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE found ({COLUMNS[table]})")
        holes = ", ".join("?" for _ in rows[0])
        connection.executemany(f"INSERT INTO found VALUES ({holes})", rows)  # noqa: S608 - holes
        connection.table("found").to_parquet(str(target), compression="zstd")
    return target


def main() -> None:
    """Draw and write every table."""
    chance = random.Random(SEED)  # noqa: S311 - not for secrets
    customers, sold = users(chance), products(chance)
    bought = orders(chance, customers)
    tables = {"users": customers, "products": sold, "orders": bought, "order_items": items(chance, bought, sold)}
    for table, rows in tables.items():
        target = write(table, rows)
        print(f"{target}: {len(rows):,} rows, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
