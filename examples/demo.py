"""What lookerframe does, in one run: a query task becomes a typed frame, a chart and a Parquet file.

The Looker is the local one, with the flights that departed New York City in 2013; `make demo` runs this script.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import pyarrow.parquet as pq

import lookerframe as lf

if TYPE_CHECKING:
    import pandas as pd

mpl.use("agg")  # no window: the chart is a file
OUT = Path("out")

MONTHLY = lf.Query(
    model="flights",
    explore="flights",
    fields=[
        "flights.time_month",
        "flights.carrier",
        "flights.count",
        "flights.average_dep_delay",
    ],
    sorts=["flights.time_month", "flights.carrier"],
    query_timezone="America/New_York",
)


def main() -> None:
    """Run all steps, and say what each of them does."""
    began = time.monotonic()
    OUT.mkdir(exist_ok=True)
    with lf.local.start() as server:
        step(1, f"A local Looker answers at {server.base_url}: DuckDB, 336,776 flights, model and explore 'flights'.")
        looker = server.looker

        task = looker.submit(MONTHLY)
        step(2, f"A query was submitted. Looker's id of the task: {task.id}, status: {task.status().status}.")

        frame = lf.read_looker_task(task.id, looker=looker)
        step(
            3, f"read_looker_task() waited for it: {len(frame):,} rows, {len(frame.columns)} columns, typed by LookML."
        )
        print(frame.dtypes.to_string(), end="\n\n")
        print(frame.head().to_string(index=False))

        chart = OUT / "delays.png"
        draw(frame, chart)
        step(4, f"A chart of it: {chart}")

        parquet = OUT / "flights.parquet"
        result = looker.run(lf.Query(model="flights", explore="flights", fields=EVERY_COLUMN))
        rows = lf.write_parquet(result, parquet)
        step(5, f"Every flight, streamed into Parquet: {parquet}, {rows:,} rows, {parquet.stat().st_size:,} bytes.")
        print(f"Stats of the result: {dict(result.stats)}")
        lineage = sorted(key.decode() for key in pq.read_metadata(parquet).metadata if key.startswith(b"lookerframe"))
        print(f"The file says where it comes from: {', '.join(lineage)}")

        step(6, "A query that fails in the database never becomes a table; it raises:")
        try:
            lf.read_looker_query(
                model="flights", explore="flights", fields=["flights.carrier", "flights.broken"], looker=looker
            )
        except lf.LookerSQLError as error:
            print(error)
    print(f"\nDone in {time.monotonic() - began:.1f} s. Next: notebooks/01_quickstart.ipynb and README.md.")


EVERY_COLUMN = [
    f"flights.{name}"
    for name in [
        "year",
        "month",
        "day",
        "dep_time",
        "sched_dep_time",
        "dep_delay",
        "arr_time",
        "sched_arr_time",
        "arr_delay",
        "carrier",
        "flight",
        "tailnum",
        "origin",
        "dest",
        "air_time",
        "distance",
        "hour",
        "minute",
        "time_hour",
    ]
]


def step(number: int, text: str) -> None:
    """Print what happens now."""
    print(f"\n[{number}] {text}")


def draw(frame: pd.DataFrame, path: Path) -> None:
    """Draw the average delay of the largest carriers, month by month."""
    from matplotlib import pyplot as plt

    largest = frame.groupby("flights.carrier")["flights.count"].sum().nlargest(5).index
    wide = frame[frame["flights.carrier"].isin(largest)].pivot_table(
        index="flights.time_month", columns="flights.carrier", values="flights.average_dep_delay"
    )
    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    axes.plot(wide.index.to_numpy(dtype="datetime64[D]"), wide.to_numpy(dtype=float), label=list(wide.columns))
    axes.set(title="Average departure delay, New York City 2013", ylabel="minutes")
    figure.legend(title="carrier", loc="outside right upper")
    figure.savefig(path, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
