"""The options of `lookerframe.local.start`, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookerframe.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lookerframe.local.faults import Faults

_NOT_READY = (202, 204)
_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Options:
    """What `lookerframe.local.start` was told; its docstring says what each is."""

    lookml: Path | None
    database: Path | None
    timezone: str
    not_ready_status: int
    latency: float
    users: int
    max_running: int
    queue_ttl: float
    result_ttl: float
    token_ttl: float
    calls_per_second: float | None
    retry_after: bool
    host: str
    port: int
    log: Callable[[str], None] | None
    faults: Faults | None

    def __post_init__(self) -> None:
        if self.not_ready_status not in _NOT_READY:
            raise _unusable("not_ready_status", self.not_ready_status, "202 or 204")
        self._check_numbers()
        if self.lookml is not None and not self.lookml.is_dir():
            raise _unusable("lookml", self.lookml, "a folder with *.model.lkml files")
        if self.database is not None and not self.database.is_file():
            raise _unusable("database", self.database, "a DuckDB file")
        if self.database is not None and self.lookml is None:
            raise _unusable(
                "database", self.database, "a folder of LookML about it as well: start(lookml=..., database=...)"
            )

    def _check_numbers(self) -> None:
        if not 0 <= self.latency < math.inf:
            raise _unusable("latency", self.latency, "seconds, 0 or more")
        if not 0 <= self.port <= _LAST_PORT:
            raise _unusable("port", self.port, f"a port from 0, which takes a free one, to {_LAST_PORT}")
        for name in ("users", "max_running"):
            if getattr(self, name) < 1:
                raise _unusable(name, getattr(self, name), "1 or more")
        for name in ("queue_ttl", "result_ttl", "token_ttl", "calls_per_second"):
            value = getattr(self, name)
            if value is not None and not value > 0:  # nor what is no number
                raise _unusable(name, value, "more than 0")


def _unusable(name: str, value: object, expected: str) -> ConfigError:
    return ConfigError(f"{name} is {str(value)!r}; expected {expected}", setting=name)
