"""LookML files -> models, explores, views and fields.

The files are parsed by ``lkml``; here they are checked and given meaning. Whatever could change a number and is not
served yet (joins, derived tables, filtered measures, Liquid, ...) is refused with its file, line and field: to leave it
out silently would answer with other numbers than Looker does.

Sources: looker-api.md §3.1 for types; the LookML reference for defaults (a dimension is a string read from the column
of its own name, an explore is over the view of its own name, labels are names with capitals).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import lkml
from lkml.simple import DictVisitor

from lookerframe.exceptions import LookerFrameError
from lookerframe.local.timeframes import DEFAULT_TIMEFRAMES, TIMEFRAMES, Timeframe
from lookerframe.local.value_formats import NAMED_FORMATS, NumberFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

REFERENCE = re.compile(r"\$\{([^}]*)\}")

#: Aggregate types of measures, and whether they need ``sql``.
MEASURE_TYPES = {"count": False, "count_distinct": True, "sum": True, "average": True, "min": True, "max": True}
DIMENSION_TYPES = ("string", "number", "yesno", "zipcode")

_DESCRIPTIVE = {"label", "description", "hidden", "group_label", "group_item_label", "view_label", "tags"}
_NUMERIC = {"value_format", "value_format_name"}
_ALLOWED = {
    "dimension": {"type", "sql", "primary_key", "convert_tz", "datatype", *_DESCRIPTIVE, *_NUMERIC},
    "dimension_group": {"type", "sql", "timeframes", "convert_tz", "datatype", *_DESCRIPTIVE},
    "measure": {"type", "sql", "drill_fields", *_DESCRIPTIVE, *_NUMERIC},
    "view": {"sql_table_name", "label", "dimensions", "dimension_groups", "measures"},
    "explore": {"view_name", "from", "label", "description", "hidden", "group_label"},
    "model": {"connection", "label", "includes", "explores", "views"},
}
_DATATYPES = ("timestamp", "datetime", "date")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the project something is written."""

    file: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class LookMLError(LookerFrameError, ValueError):
    """The LookML cannot be served: `place` says where, `subject` which field or explore."""

    def __init__(self, message: str, *, place: Place, subject: str | None = None) -> None:
        self.message = message
        self.place = place
        self.subject = subject
        super().__init__(message)

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.place), self.subject, self.message) if part)


@dataclass(frozen=True, slots=True)
class Field:
    """A dimension, one timeframe of a dimension group, or a measure.

    Attributes
    ----------
    view, name : str
        View, and name within it.
    type : str
        As the API names it: ``string``, ``date_month``, ``count``, ...
    sql : str
        As written, with its ``${references}``; empty for ``count``.
    timeframe : Timeframe or None
        How a time is cut.
    group : str or None
        Name of the dimension group that the timeframe belongs to.
    number_format : NumberFormat or None
        The parsed `value_format`.
    """

    view: str
    name: str
    type: str
    sql: str
    place: Place
    label: str
    view_label: str
    measure: bool = False
    timeframe: Timeframe | None = None
    group: str | None = None
    group_label: str | None = None
    variant: str | None = None
    description: str | None = None
    hidden: bool = False
    primary_key: bool = False
    convert_tz: bool = True
    datatype: str | None = None
    tags: tuple[str, ...] = ()
    value_format: str | None = None
    value_format_name: str | None = None
    number_format: NumberFormat | None = None
    drill_fields: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """``view.field``, as the API names it."""
        return f"{self.view}.{self.name}"

    @property
    def kind(self) -> str:
        """How values compare: ``string``, ``number``, ``yesno`` or ``datetime``."""
        if self.timeframe:
            return self.timeframe.kind
        if self.measure or self.type == "number":
            return "number"
        return "yesno" if self.type == "yesno" else "string"

    @property
    def is_numeric(self) -> bool:
        """Looker's own flag: false for every part of a date, numbers included (observed-payloads.md)."""
        return self.measure or self.type == "number"


@dataclass(frozen=True, slots=True)
class View:
    """A table and the fields over it."""

    name: str
    table: str
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Explore:
    """What can be asked: a view under a name of its own."""

    name: str
    view: View
    place: Place
    label: str
    description: str | None = None
    hidden: bool = False
    group_label: str | None = None

    @property
    def fields(self) -> dict[str, Field]:
        """Every field by its full name."""
        return {item.full_name: item for item in self.view.fields.values()}


@dataclass(frozen=True, slots=True)
class Model:
    """One model file."""

    name: str
    connection: str
    label: str
    explores: Mapping[str, Explore]


@dataclass(frozen=True, slots=True)
class Project:
    """A folder of LookML."""

    name: str
    models: Mapping[str, Model]

    def explore(self, model: str, explore: str) -> Explore | None:
        """Find an explore, if there is one."""
        found = self.models.get(model)
        return found.explores.get(explore) if found else None


def read_project(folder: Path) -> Project:
    """Read every ``*.model.lkml`` below `folder`, with the views it includes.

    Raises
    ------
    LookMLError
        The first mistake found: file, line, field, what was met and what was expected.
    """
    files = sorted(folder.rglob("*.model.lkml"))
    if not files:
        message = "no model here; expected at least one file that is named <model>.model.lkml"
        raise LookMLError(message, place=Place(str(folder)))
    models = [_read_model(_Source.read(path, folder), folder) for path in files]
    return Project(folder.name, {model.name: model for model in models})


@dataclass(frozen=True, slots=True)
class _Source:
    """A parsed file: its content as plain values, and the line of each block."""

    file: str
    content: dict[str, Any]
    lines: dict[tuple[str, ...], int]

    @classmethod
    def read(cls, path: Path, folder: Path) -> _Source:
        file = path.relative_to(folder).as_posix()
        try:
            tree = lkml.parse(path.read_text(encoding="utf-8"))
        except SyntaxError as exc:
            line = re.search(r"line (\d+)", str(exc))
            message = f"not valid LookML: {exc}"
            raise LookMLError(message, place=Place(file, int(line[1]) if line else 1)) from exc
        except IndexError as exc:
            # lkml runs off the end of the text when an expression is never closed.
            message = "not valid LookML: the file ends inside an expression; is a ';;' or a '\"' missing?"
            raise LookMLError(message, place=Place(file)) from exc
        except UnicodeDecodeError as exc:
            message = f"not UTF-8 text: {exc}"
            raise LookMLError(message, place=Place(file)) from exc
        # The visitor behind lkml.load; the tree itself is needed for the lines.
        content = DictVisitor().visit(tree)  # type: ignore[no-untyped-call]
        return cls(file, content, dict(_block_lines(tree)))

    def place(self, *path: str) -> Place:
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
class _Block:
    """One block of LookML (a field, view, ...): its parameters, and how to complain about them."""

    kind: str
    subject: str
    place: Place
    parameters: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        served = _ALLOWED[self.kind]
        for name in self.parameters:
            # lkml keeps `filters: [...]` under the key `filters__all`.
            if name != "name" and name not in served:
                raise self.error(
                    f"parameter {name.removesuffix('__all')!r} of a {self.kind} is not served by the local Looker; "
                    f"served: {', '.join(sorted(served))}"
                )

    def error(self, message: str) -> LookMLError:
        return LookMLError(message, place=self.place, subject=self.subject)

    def text(self, name: str, default: str | None = None) -> str | None:
        value = self.parameters.get(name, default)
        if value is not None and not isinstance(value, str):
            raise self.error(f"parameter {name!r} is {value!r}; expected one value")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.text(name)
        if value not in (None, "yes", "no"):
            raise self.error(f"parameter {name!r} is {value!r}; expected yes or no")
        return default if value is None else value == "yes"

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.parameters.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(f"parameter {name!r} is {value!r}; expected a list, as in {name}: [a, b]")
        return tuple(value)

    def choice(self, name: str, allowed: tuple[str, ...], default: str | None) -> str | None:
        value = self.text(name, default)
        if value is not None and value not in allowed:
            raise self.error(f"{name} {value!r} is not served by the local Looker; served: {', '.join(allowed)}")
        return value


def _read_model(source: _Source, folder: Path) -> Model:
    name = source.file.rpartition("/")[2].removesuffix(".model.lkml")
    block = _Block("model", name, source.place(), source.content)
    views = _views(source)
    for pattern in block.texts("includes"):
        for path in _included(block, pattern, folder):
            views |= _views(_Source.read(path, folder))
    explores = [_read_explore(source, item, views) for item in block.parameters.get("explores", [])]
    if not explores:
        raise block.error("the model has no explore; add one, as in: explore: orders {}")
    return Model(
        name,
        connection=block.text("connection") or name,
        label=block.text("label") or _title(name),
        explores={explore.name: explore for explore in explores},
    )


def _included(block: _Block, pattern: str, folder: Path) -> list[Path]:
    relative = pattern.removeprefix("/")
    paths = sorted({*folder.glob(relative), *folder.glob(relative + ".lkml")})
    if not paths:
        raise block.error(f"include {pattern!r} matches no file in {folder}")
    return [path for path in paths if path.name.endswith(".lkml") and not path.name.endswith(".model.lkml")]


def _read_explore(source: _Source, parameters: dict[str, Any], views: dict[str, View]) -> Explore:
    name = parameters["name"]
    block = _Block("explore", name, source.place("explore", name), parameters)
    wanted = block.text("from") or block.text("view_name") or name
    view = views.get(wanted)
    if view is None:
        raise block.error(f"no view {wanted!r} among the included files; known: {', '.join(sorted(views)) or 'none'}")
    if block.text("from"):
        # `from` gives the view another name inside the explore, and its fields with it.
        view = replace(view, name=name, fields={key: replace(item, view=name) for key, item in view.fields.items()})
    return Explore(
        name,
        view,
        block.place,
        label=block.text("label") or _title(name),
        description=block.text("description"),
        hidden=block.flag("hidden"),
        group_label=block.text("group_label"),
    )


def _views(source: _Source) -> dict[str, View]:
    return {item["name"]: _read_view(source, item) for item in source.content.get("views", [])}


def _read_view(source: _Source, parameters: dict[str, Any]) -> View:
    name = parameters["name"]
    place = source.place("view", name)
    block = _Block("view", name, place, parameters)
    readers: dict[str, Callable[[_Block, str, str], list[Field]]] = {
        "dimension": _read_dimension,
        "dimension_group": _read_group,
        "measure": _read_measure,
    }
    fields: dict[str, Field] = {}
    for kind, reader in readers.items():
        for item in parameters.get(f"{kind}s", []):
            line = source.place("view", name, kind, item["name"])
            inner = _Block(kind, f"{name}.{item['name']}", line, item)
            for found in reader(inner, name, block.text("label") or _title(name)):
                if found.name in fields:
                    raise inner.error(f"field {found.full_name!r} is already defined at {fields[found.name].place}")
                fields[found.name] = found
    view = View(name, (block.text("sql_table_name") or name).strip(), fields)
    for checked in fields.values():
        _check_references(checked, view)
    return view


def _read_dimension(block: _Block, view: str, view_label: str) -> list[Field]:
    name = block.parameters["name"]
    times = {"date": TIMEFRAMES["date"], **{f"date_{name}": timeframe for name, timeframe in TIMEFRAMES.items()}}
    kind = block.choice("type", (*DIMENSION_TYPES, *times), "string") or "string"
    base = _base(block, view, view_label, sql=f"${{TABLE}}.{name}")
    timeframe = times.get(kind)
    return [
        replace(
            base,
            type=kind,
            timeframe=timeframe,
            primary_key=block.flag("primary_key"),
            **(_time_options(block) if timeframe else {}),
        )
    ]


def _read_group(block: _Block, view: str, view_label: str) -> list[Field]:
    group = block.parameters["name"]
    block.choice("type", ("time",), "time")
    base = _base(block, view, view_label, sql=f"${{TABLE}}.{group}")
    found = []
    for wanted in block.texts("timeframes") or DEFAULT_TIMEFRAMES:
        timeframe = TIMEFRAMES.get(wanted)
        if timeframe is None:
            raise block.error(
                f"timeframe {wanted!r} is not served by the local Looker; served: {', '.join(TIMEFRAMES)}"
            )
        found.append(
            replace(
                base,
                name=f"{group}_{wanted}",
                type=f"date_{wanted}",
                timeframe=timeframe,
                group=f"{view}.{group}",
                label=f"{base.label} {_title(wanted)}",
                group_label=base.group_label or f"{base.label} Date",
                variant=_title(wanted),
                **_time_options(block),
            )
        )
    return found


def _read_measure(block: _Block, view: str, view_label: str) -> list[Field]:
    kind = block.choice("type", tuple(MEASURE_TYPES), None)
    if kind is None:
        raise block.error(f"a measure needs a type; served: {', '.join(MEASURE_TYPES)}")
    needs_sql = MEASURE_TYPES[kind]
    if needs_sql != ("sql" in block.parameters):
        raise block.error(f"a measure of type {kind} {'needs' if needs_sql else 'has no'} sql")
    base = _base(block, view, view_label, sql="")
    drills = tuple(name if "." in name else f"{view}.{name}" for name in block.texts("drill_fields"))
    return [replace(base, type=kind, measure=True, drill_fields=drills)]


def _base(block: _Block, view: str, view_label: str, *, sql: str) -> Field:
    """Read what all kinds of fields share."""
    name = block.parameters["name"]
    text = (block.text("sql") or sql).strip()
    if "{%" in text or "{{" in text:
        raise block.error("Liquid in sql is not served by the local Looker; write plain SQL")
    label = block.text("label") or _title(name)
    format_name = block.choice("value_format_name", tuple(NAMED_FORMATS), None)
    value_format = block.text("value_format") or (NAMED_FORMATS[format_name] if format_name else None)
    try:
        number_format = NumberFormat.parse(value_format) if value_format else None
    except ValueError as exc:
        raise block.error(str(exc)) from exc
    return Field(
        view=view,
        name=name,
        type="string",
        sql=text,
        place=block.place,
        label=label,
        view_label=block.text("view_label") or view_label,
        group_label=block.text("group_label"),
        variant=block.text("group_item_label") or label,
        description=block.text("description"),
        hidden=block.flag("hidden"),
        tags=block.texts("tags"),
        value_format=value_format,
        value_format_name=format_name,
        number_format=number_format,
    )


def _time_options(block: _Block) -> dict[str, Any]:
    datatype = block.choice("datatype", _DATATYPES, None)
    # A day without a time of day has no other name in another time zone.
    return {"datatype": datatype, "convert_tz": block.flag("convert_tz", default=True) and datatype != "date"}


def _check_references(item: Field, view: View, path: tuple[str, ...] = ()) -> None:
    """Refuse a reference to nothing, or one that leads back to where it started."""
    for name in REFERENCE.findall(item.sql):
        if name == "TABLE":
            continue
        bare = name.removeprefix(f"{view.name}.")
        target = view.fields.get(bare)
        if target is None:
            message = f"sql refers to ${{{name}}}, which is no field of view {view.name}"
            raise LookMLError(message, place=item.place, subject=item.full_name)
        if target.measure:
            message = f"sql refers to ${{{name}}}, a measure; only dimensions can be referred to"
            raise LookMLError(message, place=item.place, subject=item.full_name)
        if bare in path:
            message = f"sql refers to itself: {' -> '.join((*path, bare))}"
            raise LookMLError(message, place=item.place, subject=item.full_name)
        _check_references(target, view, (*path, bare))


def _title(name: str) -> str:
    return " ".join(word.capitalize() for word in name.split("_") if word)
