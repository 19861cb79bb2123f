"""A nightly extract: the flights of one month → one Parquet file, whole or not at all.

    export LOOKERSDK_BASE_URL=... LOOKERSDK_CLIENT_ID=... LOOKERSDK_CLIENT_SECRET=...
    python examples/etl_flights.py --month 1 --out extracts/

Where is a Looker to try it with? ``--local`` starts one with this very data. The exit code is 0 when the file is there,
and 1 when it is not; then the reason stands on stderr and an older file is untouched.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import lookerframe as lf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FIELDS = [
    "flights.time_hour",
    "flights.carrier",
    "flights.flight",
    "flights.tailnum",
    "flights.origin",
    "flights.dest",
    "flights.dep_delay",
    "flights.arr_delay",
    "flights.count",
]


def extract(looker: lf.Looker, month: int, folder: Path) -> tuple[Path, int]:
    """Write the flights of `month` into `folder`; return the file and its rows."""
    query = lf.Query(model="flights", explore="flights", fields=FIELDS, filters={"flights.month": month})
    # The types of every night are the same: decided by metadata, not by what values happen to come.
    result = looker.run(query, numbers="float64", on_truncate="raise")
    path = folder / f"flights-2013-{month:02}.parquet"
    return path, lf.write_parquet(result, path)


@contextlib.contextmanager
def connected(*, local: bool) -> Iterator[lf.Looker]:
    """Connect to the Looker of the environment, or to one that is started for the purpose."""
    if local:
        with lf.local.start() as server, server.looker as looker:
            yield looker
    else:
        with lf.Looker.from_env() as looker:
            yield looker


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the extract; return the exit code."""
    parser = argparse.ArgumentParser(description="Extract the flights of one month into Parquet.")
    parser.add_argument("--month", type=int, choices=range(1, 13), required=True, metavar="1..12")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the file (default: out)")
    parser.add_argument("--local", action="store_true", help="start a local Looker with the data and use that")
    options = parser.parse_args(arguments)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        with connected(local=options.local) as looker:
            path, rows = extract(looker, options.month, options.out)
    except (lf.LookerFrameError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(f"{path}: {rows:,} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
