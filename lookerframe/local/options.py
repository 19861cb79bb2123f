"""The options of `lookerframe.local.start`, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookerframe.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_NOT_READY = (202, 204)


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

    def __post_init__(self) -> None:
        if self.not_ready_status not in _NOT_READY:
            raise _unusable("not_ready_status", self.not_ready_status, "202 or 204")
        if self.latency < 0:
            raise _unusable("latency", self.latency, "seconds, 0 or more")
        for name in ("users", "max_running"):
            if getattr(self, name) < 1:
                raise _unusable(name, getattr(self, name), "1 or more")
        for name in ("queue_ttl", "result_ttl", "token_ttl", "calls_per_second"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise _unusable(name, value, "more than 0")
        if self.lookml is not None and not self.lookml.is_dir():
            raise _unusable("lookml", self.lookml, "a folder with *.model.lkml files")
        if self.database is not None and not self.database.is_file():
            raise _unusable("database", self.database, "a DuckDB file")
        if self.database is not None and self.lookml is None:
            raise _unusable(
                "database", self.database, "a folder of LookML about it as well: start(lookml=..., database=...)"
            )


def _unusable(name: str, value: object, expected: str) -> ConfigError:
    return ConfigError(f"{name} is {str(value)!r}; expected {expected}", setting=name)
