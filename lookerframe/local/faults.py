"""Faults that a local Looker can be told to have: the kinds, and the plan by which they come.

Sources of the kinds: answers of Looker and of balancers before it as people have reported them, and what HTTP clients
let pass unnoticed. `Kind.seen` says what a client sees of each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookerframe.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

_RESULTS = ("query_task_results",)
_STATUS = ("query_task",)


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to go wrong.

    Attributes
    ----------
    name : str
        As plans, headers and the log spell it.
    seen : str
        What a client sees.
    on : tuple of str
        Operations that it can befall, by their operation ids; empty for all.
    passing : bool
        Whether a client that does everything right gets the true rows in the end, when it asks again or waits. If not,
        it must raise.
    sent : bool
        Whether the request is passed on before things go wrong.
    """

    name: str
    seen: str
    on: tuple[str, ...] = ()
    passing: bool = True
    sent: bool = False


_UNSENT = (
    Kind("500", "500 with an error of Looker"),
    Kind("502", "502 with an error of Looker"),
    Kind("503", "503 with an error of Looker"),
    Kind("504", "504 with an error of Looker"),
    Kind("502_html", "502 with a page of HTML, as from a balancer"),
    Kind("504_html", "504 with a page of HTML, as from a balancer"),
    Kind("429_seconds", "429 with `Retry-After` in seconds"),
    Kind("429_date", "429 with `Retry-After` as a date"),
    Kind("429_absent", "429 without `Retry-After`"),
    Kind("429_garbage", "429 with `Retry-After: soon`"),
    Kind("429_negative", "429 with `Retry-After: -5`"),
    Kind("401", "401, also at the next calls with that token: it is revoked"),
    Kind("404", "404, as if the result were gone", _RESULTS, passing=False),
    Kind("202", "202, not ready yet, as since release 25.0", _RESULTS),
    Kind("204", "204, not ready yet, as before release 25.0", _RESULTS),
    Kind("302", "302 to another address", passing=False),
    Kind("200_empty", "200 without a body", _RESULTS),
    Kind("200_html", "200 with a page of HTML"),
    Kind("task_object", "200 with the query task in place of its result", _RESULTS, passing=False),
    Kind("gzip_bomb", "200 with gzip that inflates a thousandfold, to 256 MiB", _RESULTS, passing=False),
    Kind("xlsx_bomb", "200 with a workbook of one cell of 256 MiB", _RESULTS, passing=False),
    Kind("reset_before", "the connection is reset; nothing was done"),
    Kind("hang", "no answer for 30 s, then the connection is closed; nothing was done"),
)
_SENT = (
    Kind("reset_after", "the connection is reset before the answer; the call was carried out", sent=True),
    Kind("close_after", "the connection is closed before the answer; the call was carried out", sent=True),
    Kind("reset_in_body", "a part of the body, then the connection is reset", sent=True),
    Kind("close_in_body", "less than `Content-Length` says, then the connection is closed", sent=True),
    Kind("length_too_large", "the whole body, but `Content-Length` says more; then a closed connection", sent=True),
    Kind("length_too_small", "`Content-Length` says less than there is, so the body seems to end early", sent=True),
    Kind("cut_chunked", "some chunks, no last one, then the connection is closed", sent=True),
    Kind("cut_in_chunk", "the connection is closed inside a chunk", sent=True),
    Kind("bad_chunk_size", "a chunk whose size is no number", sent=True),
    Kind("close_delimited", "the whole body, without length or chunks; the closed connection ends it", sent=True),
    Kind(
        "cut_close_delimited", "a part of the body, without length or chunks; the closed connection ends it", sent=True
    ),
    Kind("cut_gzip", "gzip that ends early, in framing that is right", sent=True),
    Kind("no_gzip_trailer", "gzip without its last 8 bytes, in framing that is right", sent=True),
    Kind("wrong_crc", "gzip with a wrong checksum", sent=True),
    Kind("cut_body", "text that ends early, in framing and gzip that are right", _RESULTS, sent=True),
    Kind("drip", "byte by byte, for 30 s at most; then the rest at once", sent=True),
    Kind("appended_text", "an error message after the last byte of the result", _RESULTS, passing=False, sent=True),
    Kind("deep_nesting", "100,000 brackets in an object of the result", _RESULTS, passing=False, sent=True),
    Kind("latin_1", "Latin-1 in place of UTF-8", _RESULTS, passing=False, sent=True),
    Kind("utf_16", "UTF-16 in place of UTF-8", _RESULTS, passing=False, sent=True),
    Kind("bom", "the result after a byte order mark", _RESULTS, sent=True),
    Kind("expired", "status `expired` of a task that has not expired", _STATUS, sent=True),
    Kind("killed", "status `killed`", _STATUS, passing=False, sent=True),
    Kind("missing", "status `missing`", _STATUS, passing=False, sent=True),
    Kind("unknown_status", "a status that no documentation names, `hibernating`", _STATUS, sent=True),
    Kind("upper_case", "the true status in capitals", _STATUS, sent=True),
)

#: Every kind by its name.
KINDS: dict[str, Kind] = {kind.name: kind for kind in (*_UNSENT, *_SENT)}
#: What is drawn for a call that must not be sent twice without need: refusals, and answers that are lost on their way.
_FOR_CREATE = frozenset(
    {"502", "503", "504", "502_html", "504_html", "401", "reset_before", "reset_after", "close_after", "hang"}
    | {name for name in KINDS if name.startswith("429")}
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of a plan.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    on : str or None
        Operation id of the calls that it befalls (``create_query_task``, ``query_task_results``, ...); None for any
        that the kind can befall.
    times : int
        How many of them.
    at : float
        Where a body is cut: 0 before its first byte, 1 after its last one.
    seconds : float or None
        How long a hang or a drip lasts at most, by default 30; what ``Retry-After`` says, by default 1.

    Raises
    ------
    ConfigError
        A value cannot be used.
    """

    kind: str
    on: str | None = None
    times: int = 1
    at: float = 0.5
    seconds: float | None = None

    def __post_init__(self) -> None:
        kind = KINDS.get(self.kind)
        if kind is None:
            raise _unusable("kind", self.kind, f"one of {', '.join(KINDS)}")
        if self.on is not None and kind.on and self.on not in kind.on:
            raise _unusable("on", self.on, f"{' or '.join(kind.on)}, which {self.kind} can befall")
        if self.times < 1:
            raise _unusable("times", self.times, "1 or more")
        if not 0 <= self.at <= 1:
            raise _unusable("at", self.at, "a share of the body, from 0 to 1")
        if self.seconds is not None and not 0 <= self.seconds < math.inf:
            raise _unusable("seconds", self.seconds, "seconds, 0 or more")

    def befalls(self, operation: str) -> bool:
        """Tell whether a call of `operation` can meet it."""
        return operation == self.on if self.on is not None else operation in (KINDS[self.kind].on or (operation,))

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read the header ``X-Lookerframe-Fault``: ``cut_gzip; at=0.5; seconds=2``.

        Raises
        ------
        ConfigError
            It is not understood.
        """
        kind, *given = (part.strip() for part in text.split(";"))
        values: dict[str, float] = {}
        for item in given:
            name, _, value = item.partition("=")
            try:
                values[{"at": "at", "seconds": "seconds"}[name]] = float(value)
            except (KeyError, ValueError):
                raise _unusable("X-Lookerframe-Fault", text, "a kind, then ; at=0.5 or ; seconds=2") from None
        return cls(kind, **values)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Faults:
    """What a local Looker shall do wrong: what the plan says, and at other calls what is drawn.

    Attributes
    ----------
    rate : float
        Share of calls that meet a fault, drawn for each call that no entry of the plan befalls.
    seed : int
        The k-th draw depends on it and on k alone. Which call gets the k-th draw is decided by the order in which they
        come in, so it may differ between runs if a client has several threads.
    kinds : sequence of str or None
        What is drawn, each as often as the others that can befall the operation; None is `passing`. A call that
        creates a query task meets those only after which a client may know what to do.
    plan : sequence of Fault
        Each entry befalls the next calls of its operation, the first that has any left before the others.
    in_a_row : int or None
        How often at most a fault is drawn for one and the same request (method, address and body) before it is let
        through; None for no limit.
    seconds : float or None
        Stands in for `Fault.seconds` where that is not given.

    Raises
    ------
    ConfigError
        A value cannot be used.
    """

    rate: float = 0.0
    seed: int = 0
    kinds: Sequence[str] | None = None
    plan: Sequence[Fault] = ()
    in_a_row: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise _unusable("rate", self.rate, "a share of the calls, from 0 to 1")
        for name in self.kinds or ():
            if name not in KINDS:
                raise _unusable("kinds", name, f"some of {', '.join(KINDS)}")
        if self.in_a_row is not None and self.in_a_row < 1:
            raise _unusable("in_a_row", self.in_a_row, "1 or more")
        if self.seconds is not None and not 0 <= self.seconds < math.inf:
            raise _unusable("seconds", self.seconds, "seconds, 0 or more")

    @staticmethod
    def passing() -> tuple[str, ...]:
        """Name the kinds after which a client that does everything right has the true rows in the end."""
        return tuple(kind.name for kind in KINDS.values() if kind.passing)

    def drawn_on(self, operation: str) -> tuple[str, ...]:
        """Name what may be drawn for a call of `operation`."""
        names = self.passing() if self.kinds is None else self.kinds
        if operation == "create_query_task":
            return tuple(name for name in names if name in _FOR_CREATE)
        if operation == "login":
            return tuple(name for name in names if name != "401" and not KINDS[name].on)
        return tuple(name for name in names if operation in (KINDS[name].on or (operation,)))


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that a client has met.

    Attributes
    ----------
    number : int
        Counted from 1.
    kind, operation, method, path : str
        What, and at which call. The path is without parameters, which may hold a key.
    task_id : str or None
        Of the query task that the call was about, or that it made.
    reached : bool
        Whether the call was carried out, whatever the client saw of it; not if Looker refused it.
    """

    number: int
    kind: str
    operation: str
    method: str
    path: str
    task_id: str | None
    reached: bool


def _unusable(name: str, value: object, expected: str) -> ConfigError:
    return ConfigError(f"{name} is {str(value)!r}; expected {expected}", setting=name)
