"""Feed a decoder with bodies, in a process of its own: what came out, how long the slowest took, and how much it held.

`feed` starts the processes; ``python -m tests.reliability.feeding '{"formats": {"json": 1000}, ...}'`` is one of them
and prints figures as JSON; see `main`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import sys
import time
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookerframe.exceptions import LookerFrameError
from tests.reliability.mutations import Sample, payload, plain, recorded, samples
from tests.reliability.reference import differences, rows_of
from tests.reliability.streams import status
from tests.writers import decode
from tests.writers.drawing import chance

if TYPE_CHECKING:
    import pyarrow as pa

#: Bytes of the largest body that is damaged: the time goes into many rather than into large ones.
LIMIT = 2_000
#: Parts of a workbook that have nothing to do with its size.
_XLSX_FRAME = 6_000
_SAMPLES = 40
_SHOWN = 5
#: A hang is told from a busy machine by more than this; the slowest payload is said.
SLOWEST_SECONDS = 10.0
RESIDENT_MEGABYTES = 500
PROCESSES = 2
_SECONDS = 6 * 3_600.0


class Feeding:
    """Payloads of one format, decoded one after another."""

    def __init__(self, result_format: str, *, seed: int, limit: int, folder: Path | None) -> None:
        self.figures: dict[str, Any] = dict.fromkeys(("payloads", "tables", "errors", "compared", "faults"), 0)
        self.figures["slowest"] = 0.0
        self.faults: list[dict[str, Any]] = []
        self._format = result_format
        self._random = chance(seed)
        limit += _XLSX_FRAME if result_format == "xlsx" else 0
        self._samples = samples(result_format, _SAMPLES, limit=limit)
        if folder is not None:
            self._samples += [item for item in recorded(folder, limit=2 * limit) if item.result_format == result_format]
        self.figures["samples"] = len(self._samples)
        for sample in self._samples:  # what is imported and compiled once is not the first payload's time
            with contextlib.suppress(LookerFrameError):
                _table(sample, sample.body)

    def damaged(self) -> None:
        """Decode one damaged payload."""
        sample = self._random.choice(self._samples)
        self._feed(sample, payload(sample, self._random))

    def whole(self) -> None:
        """Decode a payload that nobody damaged."""
        sample = plain(self._format, self._random)
        self._feed(sample, sample.body)

    def _feed(self, sample: Sample, body: bytes) -> None:
        self.figures["payloads"] += 1
        began = time.perf_counter()
        table = None
        try:
            table = _table(sample, body)
        except LookerFrameError:
            self.figures["errors"] += 1
        except BaseException:  # noqa: BLE001 - whatever else comes out is the fault that is looked for
            self._fault(body, traceback.format_exc()[-1500:])
        self.figures["slowest"] = max(self.figures["slowest"], time.perf_counter() - began)
        if table is not None:
            self.figures["tables"] += 1
            self._judge(sample, body, table)

    def _judge(self, sample: Sample, body: bytes, table: pa.Table) -> None:
        if not sample.is_plain or sample.columns is None or sample.result_format == "xlsx":
            return
        self.figures["compared"] += 1
        try:
            found = differences(table, rows_of(body, sample.result_format, sample.columns))
        except Exception:  # noqa: BLE001 - what the judge cannot read, the decoder must not
            found = [traceback.format_exc()[-600:]]
        if found:
            self._fault(body, "\n".join(found))

    def _fault(self, body: bytes, what: str) -> None:
        self.figures["faults"] += 1
        if len(self.faults) < _SHOWN:
            self.faults.append({"format": self._format, "what": what, "body": base64.b64encode(body).decode()})


def _table(sample: Sample, body: bytes) -> pa.Table:
    result = decode(
        body,
        sample.result_format,
        columns=sample.columns,
        pivots=sample.pivots,
        context=sample.context or {},
        on_truncate="ignore",
    )
    return result.to_arrow()


def main(asked: dict[str, Any]) -> dict[str, Any]:
    """Feed the decoders of some formats; return what came of it.

    Parameters
    ----------
    asked
        ``formats`` with the number of payloads of each, ``seed``, ``seconds`` for each format at most, ``limit`` of a
        body in bytes, and ``whole`` if bodies are not to be damaged but drawn anew.
    """
    warnings.simplefilter("error")
    folder = os.environ.get("LOOKERFRAME_PAYLOADS")
    found: dict[str, Any] = {"formats": {}, "faults": []}
    for place, (name, count) in enumerate(asked["formats"].items()):
        seed = 1_000 * asked["seed"] + place
        feeding = Feeding(name, seed=seed, limit=asked["limit"], folder=Path(folder) if folder else None)
        feed = feeding.whole if asked["whole"] else feeding.damaged
        ends = time.monotonic() + asked["seconds"]
        while feeding.figures["payloads"] < count and time.monotonic() < ends:
            feed()
        found["formats"][name] = feeding.figures
        found["faults"] += feeding.faults
    found["resident"] = status("VmHWM") // 1_000_000
    return found


def feed(
    payloads: dict[str, int],
    *,
    seed: int,
    whole: bool = False,
    limit: int = LIMIT,
    seconds: float = _SECONDS,
) -> Outcome:
    """Feed decoders in processes of their own, and hold what is promised of every one of them.

    Parameters
    ----------
    payloads
        Result format → how many payloads in all.
    seed
        Of the first process; the others have the next ones.
    whole
        Whether payloads are not damaged.
    limit
        Bytes of the largest body.
    seconds
        For each format at most.
    """
    share = {name: -(-count // PROCESSES) for name, count in payloads.items()}
    asked = {"formats": share, "whole": whole, "limit": limit, "seconds": seconds}
    with ThreadPoolExecutor(PROCESSES) as pool:
        found = list(pool.map(_run, [{**asked, "seed": seed + place} for place in range(PROCESSES)]))
    faults = [fault for one in found for fault in one["faults"]]
    assert not faults, "\n\n".join(f"{fault['format']}: {fault['what']}\n{fault['body']}" for fault in faults)
    outcome = Outcome(_added(found), max(one["resident"] for one in found))
    assert outcome.resident < RESIDENT_MEGABYTES
    for name, figures in outcome.formats.items():
        assert figures["tables"], f"{name}: not one payload became a table"
        assert figures["compared"] or name == "xlsx", f"{name}: nothing was compared"
        assert figures["slowest"] < SLOWEST_SECONDS, f"{name}: one payload took {figures['slowest']:.1f} s"
        assert bool(figures["errors"]) != whole, f"{name}: {figures['errors']} of {figures['payloads']} were refused"
    return outcome


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of all payloads: figures by format, and the megabytes that the largest process held."""

    formats: dict[str, dict[str, Any]]
    resident: int

    def sum(self, figure: str) -> int:
        """Add up a figure of all formats."""
        return sum(figures[figure] for figures in self.formats.values())

    @property
    def slowest(self) -> float:
        """Seconds that the slowest payload took."""
        return round(max(float(figures["slowest"]) for figures in self.formats.values()), 3)


def _run(asked: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.reliability.feeding", json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, check=False, cwd=_ROOT)
    assert done.returncode == 0, f"the process ended with {done.returncode}: {done.stderr.decode()[-2000:]}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _added(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    total: dict[str, dict[str, Any]] = {}
    for one in found:
        for name, figures in one["formats"].items():
            known = total.setdefault(name, dict.fromkeys(figures, 0))
            for key, value in figures.items():
                known[key] = max(known[key], value) if key == "slowest" else known[key] + value
    return total


_ROOT = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))))
