"""Query parameters and bodies of calls: read, checked, every problem reported at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from lookerframe.local.errors import ApiError, Problem, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

_FLAGS = {"true": True, "false": False}


def read_json(body: bytes) -> Any:
    """Read a body, or answer 400."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ApiError(400, f"The body is not JSON: {exc}") from exc


@dataclass(frozen=True, slots=True)
class Parameters:
    """Named values of a call, with what is wrong with them."""

    given: Mapping[str, Any]
    problems: list[Problem] = field(default_factory=list)

    def text(self, name: str) -> str | None:
        """Read a string."""
        value = self.given.get(name)
        if value is None or isinstance(value, str):
            return value
        self.refuse(name, f"'{name}' is {value!r}; expected a string")
        return None

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Read a boolean: JSON's own, or the words true and false as the SDKs send them."""
        value = self.given.get(name)
        if value is None or value == "":
            return default
        found = value if isinstance(value, bool) else _FLAGS.get(str(value).lower())
        if found is None:
            self.refuse(name, f"'{name}' is {value!r}; expected true or false")
        return bool(found)

    def limit(self) -> int | None:
        """Read a number of rows; -1 is all."""
        text = self.given.get("limit")
        if text is None or text == "":
            return None
        value = int(text) if text.isascii() and text.removeprefix("-").isdecimal() else None
        if value is None or value < -1:
            self.refuse("limit", f"'limit' is {text!r}; expected a whole number, or -1 for all rows")
            return None
        return value

    def refuse(self, name: str, message: str, code: str = "invalid") -> None:
        """Note a problem."""
        self.problems.append(Problem(name, message, code))

    def check(self) -> None:
        """Answer 422 if there was any problem."""
        if self.problems:
            raise invalid(*self.problems)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The parameters that ``create_query_task`` and the ``run_*`` calls share."""

    limit: int | None
    cache: bool
    generate_drill_links: bool
    force_production: bool
    path_prefix: str | None
    rebuild_pdts: bool
    server_table_calcs: bool

    @classmethod
    def read(cls, parameters: Parameters) -> RunOptions:
        """Read the options, and refuse those that would change the result in a way that is not served.

        There is no result cache, no development mode and no derived table here, so the options about these are met
        whatever they say; only ``cache_only`` asks for something that does not exist.
        """
        for name in ("apply_formatting", "apply_vis"):
            if parameters.flag(name):
                parameters.refuse(name, f"'{name}=true' is not served by the local Looker yet; leave it out")
        if parameters.flag("cache_only"):
            parameters.refuse("cache_only", "the local Looker keeps no result cache; leave 'cache_only' out")
        return cls(
            limit=parameters.limit(),
            cache=parameters.flag("cache", default=True),
            generate_drill_links=parameters.flag("generate_drill_links"),
            force_production=parameters.flag("force_production"),
            path_prefix=parameters.text("path_prefix"),
            rebuild_pdts=parameters.flag("rebuild_pdts"),
            server_table_calcs=parameters.flag("server_table_calcs"),
        )

    def shown(self) -> dict[str, Any]:
        """Name the options that a ``QueryTask`` shows."""
        return {
            "force_production": self.force_production,
            "path_prefix": self.path_prefix,
            "cache": self.cache,
            "server_table_calcs": self.server_table_calcs,
            "rebuild_pdts": self.rebuild_pdts,
        }
