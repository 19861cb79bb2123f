"""Query parameters and bodies of calls: read, checked, every problem reported at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from lookerframe.local.errors import ApiError, Problem, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Keys of a query that an address may have besides its filters: those that are text, and those with commas between.
_URL_TEXTS = ("limit", "column_limit", "query_timezone", "row_total", "dynamic_fields", "filter_expression")
_URL_LISTS = ("fields", "pivots", "fill_fields", "sorts", "subtotals")
_FLAGS = {"true": True, "false": False}
_MOST_NESTED = 100


def read_json(body: bytes) -> Any:
    """Read a body, or answer 400."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ApiError(400, f"The body is not JSON: {exc}") from exc
    # What is deeper could not be written again inside of an answer.
    if _is_deeper(value, _MOST_NESTED):
        raise ApiError(400, f"The body is nested more than {_MOST_NESTED} deep.")
    return value


def _is_deeper(value: Any, most: int) -> bool:
    """Whether objects and arrays stand in each other more than `most` deep, found without going deep itself."""
    level = [value]
    for _ in range(most + 1):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return bool(level)


def read_url_query(given: Mapping[str, str]) -> dict[str, Any]:
    """Read a query that is spelled out in an address, as ``fields=a,b&f[a]=x&sorts=b+desc``.

    Source: ``run_url_encoded_query`` of the API, whose parameters are those of the address of an explore.
    """
    body: dict[str, Any] = {name: given[name] for name in _URL_TEXTS if given.get(name)}
    body |= {name: given[name].split(",") for name in _URL_LISTS if given.get(name)}
    flags = Parameters(given)
    if flags.flag("total"):
        body["total"] = True
    flags.check()
    filters = {name[2:-1]: text for name, text in given.items() if name.startswith("f[") and name.endswith("]")}
    return {**body, "filters": filters} if filters else body


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
        return self._number("limit", least=-1, expected="a whole number, or -1 for all rows")

    def count(self, name: str) -> int | None:
        """Read a number of items."""
        return self._number(name, least=0, expected="a whole number")

    def _number(self, name: str, *, least: int, expected: str) -> int | None:
        text = self.given.get(name)
        if text is None or text == "":
            return None
        # What has more digits than 64 bits is no number of rows.
        value = int(text) if re.fullmatch("-?[0-9]{1,18}", text) else None
        if value is None or value < least:
            self.refuse(name, f"{name!r} is {text!r}; expected {expected}")
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
    apply_formatting: bool
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
        if parameters.flag("apply_vis"):
            parameters.refuse("apply_vis", "'apply_vis=true' is not served by the local Looker; leave it out")
        if parameters.flag("cache_only"):
            parameters.refuse("cache_only", "the local Looker keeps no result cache; leave 'cache_only' out")
        return cls(
            limit=parameters.limit(),
            apply_formatting=parameters.flag("apply_formatting"),
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
