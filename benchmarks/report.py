"""Figures → the page ``docs/benchmarks.md`` and its plot."""

from __future__ import annotations

import datetime as dt
import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.contenders import CONTENDERS
from benchmarks.generator import DISTINCT_ROWS, KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

_MB = 1_000_000
#: Shape → what it is measured against, and the factor that is aimed at.
TARGETS = {
    "json_detail": ("json.loads + DataFrame", 6.0),
    "json_detail_links": ("json.loads + DataFrame", 8.0),
    "json": ("json.loads + DataFrame", 3.0),
    "csv": ("pandas.read_csv", 1.0),
}
#: Bytes that an export may hold, and seconds that a table may take after the last bytes.
MOST_RESIDENT, LATEST = 400 * _MB, 0.1
_TITLES = {
    "json_detail": "`json_detail`, values only",
    "json_detail_links": "`json_detail`, with `rendered` and `links`",
    "json_detail_pivoted": "`json_detail`, pivoted",
    "json_bi": "`json_bi`",
    "json": "`json`",
    "csv": "`csv`",
}
_PACKAGES = ("lookerframe", "msgspec", "pyarrow", "pandas", "orjson", "polars", "duckdb", "arro3-io", "looker-sdk")
_LIMITS = {contender.name for contender in CONTENDERS if contender.is_limit}
_ABOUT = """# Benchmarks

How fast results become tables, beside what a user could put together without lookerframe. Written by `make bench`;
`make bench ARGS=--quick` measures small bodies and writes `out/benchmarks.md`.

![Throughput by result format](benchmarks.svg)

## What is measured

A generated result of {columns} columns (ids, two texts with some nulls and non-ASCII letters, dates, times with nulls,
yesno, counts, sums), about {body} MB a body; its rows repeat after {distinct:,}. Every measurement has a process of its
own, on one core, after a first call with few rows. Contenders take turns; figures are medians of {repeats}.

- **MB/s**: megabytes (10⁶) of the inflated body for each second of CPU. **CPU s**: of all threads, the kernel's share
  included. **wall s**: as it passed; larger where the machine had other work.
- **memory**: the highest resident memory during the call, less what was resident before, the body itself among it.
- **delivers**: how many columns come with the type that LookML declares; readers that take a schema were given it.
  Values are checked to be the same. No other reader looks for errors in the envelope, for members that stand twice, or
  for integers that a float would round; lookerframe's figures include all of its checks.
- **against lookerframe**: CPU seconds for each that lookerframe takes. Above 1 it is slower.
- Limits make no table: `msgspec.Raw` finds the tokens, `gunzip` inflates the body, `memcpy` copies it.
"""


@dataclass(frozen=True, slots=True)
class Measurements:
    """All figures of one run; see `benchmarks.run` for what they are keyed by."""

    body: int
    repeats: int
    in_memory: dict[str, dict[str, dict[str, Any]]]
    over_http: dict[str, dict[str, dict[str, Any]]]
    parquet: dict[int, dict[str, Any]]
    paced: dict[int, dict[str, Any]]


def page(found: Measurements) -> str:
    """Write the page in Markdown."""
    about = _ABOUT.format(
        columns=len(KINDS), body=round(found.body / _MB), distinct=DISTINCT_ROWS, repeats=found.repeats
    )
    parts = [about, _machine(), _targets(found)]
    for shape, contenders in found.in_memory.items():
        parts.append(f"## {_TITLES[shape]}\n\n" + _contenders(contenders))
    parts += [_http(found), _memory(found), _late(found)]
    return "\n".join(parts)


def draw(found: Measurements, target: Path) -> None:
    """Draw the throughput of all contenders, a panel for each shape."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "benchmarks"
    figure = Figure(figsize=(10, 9), layout="constrained")
    axes = figure.subplots(3, 2).flat
    for axis, (shape, contenders) in zip(axes, found.in_memory.items(), strict=True):
        shown = {name: _speed(f) for name, f in contenders.items() if name not in _LIMITS and "error" not in f}
        names = sorted(shown, key=lambda name: shown[name])
        colours = ["#1a73e8" if name == "lookerframe" else "#9aa0a6" for name in names]
        bars = axis.barh(names, [shown[name] for name in names], color=colours)
        axis.bar_label(bars, fmt="%.0f", padding=3)
        axis.set_title(_TITLES[shape].replace("`", ""), fontsize=10)
        axis.set_xlabel("MB/s on one core")
        axis.margins(x=0.12)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, metadata={"Date": None})


def factors(found: Measurements) -> dict[str, float]:
    """Say how many times as fast lookerframe is as what `TARGETS` names, by CPU seconds."""
    factor = {}
    for shape, (other, _) in TARGETS.items():
        ours, theirs = found.in_memory[shape].get("lookerframe", {}), found.in_memory[shape].get(other, {})
        if "cpu" in ours and "cpu" in theirs:
            factor[shape] = theirs["cpu"] / ours["cpu"]
    return factor


def _machine() -> str:
    versions = []
    for package in _PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    cores = f"{os.cpu_count()} cores, {_processor()}, {_gibibytes()} GiB of memory, {platform.system()}"
    today = dt.datetime.now(dt.UTC).date().isoformat()
    return f"Measured on {today}: {cores}; Python {platform.python_version()}, {', '.join(versions)}.\n"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _gibibytes() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _targets(found: Measurements) -> str:
    rows = []
    for shape, factor in factors(found).items():
        other, aim = TARGETS[shape]
        rows.append((f"{_TITLES[shape]}: times as fast as `{other}`", f"{aim:g}", f"{factor:.1f}", factor >= aim))
    for shape in ("json_detail", "json_detail_links", "json_detail_pivoted"):
        speeds = {
            name: _speed(f) for name, f in found.in_memory[shape].items() if name not in _LIMITS and "error" not in f
        }
        if ours := speeds.pop("lookerframe", None):
            best = max(speeds, key=lambda name: speeds[name])
            what = f"{_TITLES[shape]}: times as fast as the fastest other, `{best}`"
            rows.append((what, "1", f"{ours / speeds[best]:.2f}", ours >= speeds[best]))
    most = max((f["resident"] for f in found.parquet.values() if "error" not in f), default=0)
    rows.append(
        ("HTTP into Parquet, resident MB", f"{MOST_RESIDENT / _MB:g}", f"{most / _MB:.0f}", most < MOST_RESIDENT)
    )
    late = max((f["late"] for f in found.paced.values() if "error" not in f), default=0.0)
    rows.append(("table ready after the last bytes, ms", f"{LATEST * 1000:g}", f"{late * 1000:.0f}", late <= LATEST))
    cells = [(what, aim, value, "yes" if reached else "**no**") for what, aim, value, reached in rows]
    return "## Aims\n\n" + _table(("", "aim", "measured", "reached"), cells)


def _contenders(contenders: dict[str, dict[str, Any]]) -> str:
    ours = contenders.get("lookerframe", {}).get("cpu")
    rows = []
    for name, figures in sorted(contenders.items(), key=lambda item: item[1].get("cpu", float("inf"))):
        if "error" in figures:
            rows.append((name, "", "", "", "", "failed", ""))
            continue
        rows.append(
            (
                f"_{name}_" if name in _LIMITS else f"**{name}**" if name == "lookerframe" else name,
                f"{_speed(figures):,.0f}",
                f"{figures['cpu']:.2f}",
                f"{figures['seconds']:.2f}",
                f"{figures['memory'] / _MB:,.0f}",
                figures["delivers"] or "a limit",
                f"{figures['cpu'] / ours:.2f}" if ours else "",
            )
        )
    return _table(("", "MB/s", "CPU s", "wall s", "memory MB", "delivers", "against lookerframe"), rows)


def _http(found: Measurements) -> str:
    rows = [
        (
            body,
            client,
            f"{figures['bytes'] / figures['seconds'] / _MB:,.0f}",
            f"{figures['cpu']:.2f}",
            f"{figures['seconds']:.2f}",
            f"{figures['memory'] / _MB:,.0f}",
        )
        for body, clients in found.over_http.items()
        for client, figures in clients.items()
        if "error" not in figures
    ]
    head = (
        "## Over HTTP\n\nFrom a server on loopback, on another core where there is one, to a table: log in, ask for "
        "the task, fetch, decode. MB/s are of the inflated body for each second that passed.\n\n"
    )
    return head + _table(("body", "client", "MB/s", "CPU s", "wall s", "memory MB"), rows)


def _memory(found: Measurements) -> str:
    rows = [
        (
            f"{size / _MB:,.0f}",
            f"{f['rows']:,}",
            f"{f['resident'] / _MB:,.0f}",
            f"{f['memory'] / _MB:,.0f}",
            f"{f['seconds']:.0f}",
        )
        for size, f in found.parquet.items()
        if "error" not in f
    ]
    head = (
        "## Memory: HTTP into Parquet\n\n`lf.write_parquet(task.result(), path)`. Resident is the peak of the whole "
        "process, interpreter and libraries included.\n\n"
    )
    return head + _table(("`json_detail` MB", "rows", "resident MB", "of it for the export MB", "wall s"), rows)


def _late(found: Measurements) -> str:
    rows = [
        (f"{size / _MB:,.0f}", f"{f['late'] * 1000:.0f}", f"{f['seconds']:.1f}", f"{f['cpu']:.1f}")
        for size, f in found.paced.items()
        if "error" not in f
    ]
    head = (
        "## Latency: a server that sends 20 MB/s\n\nFrom the server's last send, before which no reader can have "
        "received it, to the Arrow table.\n\n"
    )
    return head + _table(("`json_detail` MB", "table ready after ms", "wall s", "CPU s"), rows)


def _speed(figures: dict[str, Any]) -> float:
    return float(figures["bytes"] / figures["cpu"] / _MB)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
