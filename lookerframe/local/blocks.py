"""Files of LookML as blocks of parameters: parsed by ``lkml``, each block with its line, every mistake with its place.

Whatever could change a number and is not served (Liquid in SQL, access filters, refinements, ...) is refused: to leave
it out silently would answer with other numbers than Looker does. What changes none (suggestions, caches, maps, ...) is
passed over, with a line in the log.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lkml.keys import PLURAL_KEYS, pluralize

from lookerframe.exceptions import LookMLError
from lookerframe.local.project import Place
from lookerframe.local.syntax import MisreadError, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_DESCRIPTIVE = {
    *("label", "description", "hidden", "group_label", "group_item_label", "view_label", "tags", "html", "link"),
    *("drill_fields", "suggestions", "suggestable"),
}
_NUMERIC = {"value_format", "value_format_name"}
_TIMED = {"convert_tz", "datatype"}

#: Parameters that each kind of block may have.
_SERVED = {
    "dimension": {
        *("type", "sql", "primary_key", "case", "tiers", "bins", "style", "sql_latitude", "sql_longitude"),
        *("start_location_field", "end_location_field", "units", *_TIMED, *_DESCRIPTIVE, *_NUMERIC),
    },
    "dimension_group": {"type", "sql", "timeframes", "intervals", "sql_start", "sql_end", *_TIMED, *_DESCRIPTIVE},
    "measure": {
        *("type", "sql", "filters", "list_field", "percentile", "sql_distinct_key", *_TIMED),
        *(*_DESCRIPTIVE, *_NUMERIC),
    },
    "case": {"when", "else"},
    "when": {"sql", "label"},
    "link": {"label", "url", "icon_url"},
    "set": {"fields"},
    "derived_table": {"sql"},
    "named_value_format": {"value_format"},
    "view": {
        "sql_table_name",
        "derived_table",
        "label",
        "view_label",
        "set",
        "dimension",
        "dimension_group",
        "measure",
    },
    "explore": {
        *("view_name", "from", "label", "view_label", "description", "hidden", "group_label", "tags", "fields", "join"),
        *("always_filter", "always_join", "sql_always_where", "sql_always_having"),
    },
    "join": {
        *("from", "view_label", "type", "relationship", "sql_on", "foreign_key", "fields", "required_joins"),
    },
    "always_filter": {"filters"},
    "model": {"connection", "label", "include", "explore", "view", "fiscal_month_offset", "named_value_format"},
    "file": {"include", "explore", "view", "named_value_format"},
}

_INERT_IN_FIELDS = {
    *("suggest_dimension", "suggest_explore", "suggest_persist_for", "full_suggestions", "can_filter", "alias"),
    *("map_layer_name", "skip_drill_filter", "allow_fill", "action"),
}
_INERT_IN_MODELS = {"datagroup", "persist_with", "persist_for", "map_layer", "test"}
#: Parameters that change no number: of what they do, this server has nothing.
_INERT = {
    "dimension": _INERT_IN_FIELDS,
    "dimension_group": _INERT_IN_FIELDS,
    "measure": _INERT_IN_FIELDS,
    "view": {"drill_fields", "suggestions"},
    "explore": {"persist_with", "persist_for", "query", "aggregate_table"},
    "derived_table": {
        *("persist_for", "datagroup_trigger", "sql_trigger_value", "publish_as_db_view", "materialized_view"),
        *("indexes", "distribution", "distribution_style", "sortkeys", "partition_keys", "cluster_keys"),
    },
    "named_value_format": {"strict_value_format"},
    "model": _INERT_IN_MODELS,
    "file": _INERT_IN_MODELS,
}
_log = logging.getLogger(__name__)

#: lkml gathers repeated parameters under other names (``joins``, ``filters__all``): here they are as written.
_AS_WRITTEN = {pluralize(name): name for name in PLURAL_KEYS}


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed file.

    Attributes
    ----------
    path : Path
        The file.
    file : str
        Its path below the project's folder.
    content : mapping
        Plain values, as lkml gives them.
    lines : mapping
        The line of each named block, by the kinds and names that lead to it.
    """

    path: Path
    file: str
    content: Mapping[str, Any]
    lines: Mapping[tuple[str, ...], int]

    @classmethod
    def read(cls, path: Path, folder: Path) -> Source:
        """Parse one file of the project in `folder`."""
        file = path.relative_to(folder).as_posix()
        try:
            tree, content = parse(path.read_text(encoding="utf-8-sig"))
        except MisreadError as exc:
            message = f"not valid LookML: {exc.message}"
            raise LookMLError(message, place=Place(file, exc.line)) from exc
        except UnicodeDecodeError as exc:
            message = f"not UTF-8 text: {exc}"
            raise LookMLError(message, place=Place(file)) from exc
        except OSError as exc:
            message = f"cannot be read: {exc.strerror or exc}"
            raise LookMLError(message, place=Place(file)) from exc
        return cls(path, file, content, dict(_block_lines(tree)))

    def place(self, *path: str) -> Place:
        """Find the block that `path` leads to, as in ``view, flights, dimension, carrier``."""
        return Place(self.file, self.lines.get(path, 1))


def _block_lines(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int]]:
    for child in node.children or ():
        name = getattr(child, "name", None)
        inner = path
        if name is not None:
            inner = (*path, child.type.value, name.value)
            yield inner, child.line_number or 1
        yield from _block_lines(child, inner)


@dataclass(frozen=True, slots=True)
class Block:
    """One block (a field, a view, ...): its parameters, read as what they have to be.

    Attributes
    ----------
    kind : str
        ``dimension``, ``view``, ...
    subject : str
        The name that errors give it.
    """

    kind: str
    subject: str
    place: Place
    parameters: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.parameters.get("name", "").startswith("+"):
            raise self.error("refinements (names with +) are not served by the local Looker yet")
        served, inert = _SERVED[self.kind], _INERT.get(self.kind, set())
        for key in self.parameters:
            name = _AS_WRITTEN.get(key, key)
            if name in inert:
                _log.info("%s: %s: parameter %r changes no number and is passed over", self.place, self.subject, name)
            elif name not in served and name != "name":
                raise self.error(
                    f"parameter {name!r} is not served by the local Looker; "
                    f"served in a LookML {self.kind}: {', '.join(sorted(served))}"
                )

    @property
    def name(self) -> str:
        """What stands after the kind: ``dimension: carrier`` has ``carrier``."""
        return str(self.parameters["name"])

    def error(self, message: str) -> LookMLError:
        """Make an error about this block."""
        return LookMLError(message, place=self.place, subject=self.subject)

    def text(self, name: str) -> str | None:
        """Read a parameter of one value."""
        value = self.parameters.get(name)
        if value is not None and not isinstance(value, str):
            raise self.error(f"parameter {name!r} is {value!r}; expected one value")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Read yes or no."""
        value = self.text(name)
        if value not in (None, "yes", "no"):
            raise self.error(f"parameter {name!r} is {value!r}; expected yes or no")
        return default if value is None else value == "yes"

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list, or a parameter that may be repeated."""
        value = self.parameters.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(f"parameter {name!r} is {value!r}; expected a list, as in {name}: [a, b]")
        return tuple(value)

    def inner(self, kind: str, name: str, parameters: Mapping[str, Any]) -> Block:
        """Read a block inside of this one, such as a ``link``, which has no line of its own."""
        if not isinstance(parameters, dict):
            raise self.error(f"parameter {name!r} is {parameters!r}; expected a block, as in {name}: {{ ... }}")
        return Block(kind, self.subject, self.place, parameters)

    def sql(self, name: str) -> str | None:
        """Read SQL, in which Liquid is refused."""
        text = self.text(name)
        if text is not None and ("{%" in text or "{{" in text):
            raise self.error(f"Liquid in {name} is not served by the local Looker; write plain SQL")
        return None if text is None else text.strip()

    def filters(self) -> tuple[tuple[str, str], ...]:
        """Read ``filters: [field: "expression", ...]``, in its older form of one block for each field as well."""
        found: list[tuple[str, str]] = []
        for item in self.parameters.get("filters__all") or []:
            for pair in item if isinstance(item, list) else [{item.get("field"): item.get("value")}]:
                found += pair.items()
        if not all(isinstance(text, str) for pair in found for text in pair):
            raise self.error('filters have another form; expected filters: [field: "expression"]')
        return tuple(found)

    def choice(self, name: str, allowed: Iterable[str]) -> str | None:
        """Read one of several words."""
        value = self.text(name)
        if value is not None and value not in allowed:
            raise self.error(f"{name} {value!r} is not served by the local Looker; served: {', '.join(allowed)}")
        return value
