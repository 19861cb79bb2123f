"""Models of LookML: the files of a project, what they include, and their explores.

Source: the LookML reference: an include is below the project's folder if it starts with a slash, else beside the file
that includes; an explore is over the view of its own name, ``view_name`` names another, ``from`` renames it as well.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lookerframe.exceptions import LookMLError
from lookerframe.local.blocks import Block, Source
from lookerframe.local.explores import read_explore
from lookerframe.local.project import Explore, Model, Place, Project, View
from lookerframe.local.references import check_tables
from lookerframe.local.views import read_formats, read_view, title

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODEL = ".model.lkml"


def read_project(folder: Path) -> Project:
    """Read every model file below `folder`, with all that it includes.

    Raises
    ------
    LookMLError
        The first mistake found: file, line, field, what was met and what was expected.
    """
    folder = _absolute(folder)
    models: dict[str, Model] = {}
    for path in _model_files(folder):
        source = Source.read(path, folder)
        model = _read_model(source, folder)
        if model.name in models:
            message = f"there is another model {model.name!r}; give the file another name"
            raise LookMLError(message, place=source.place())
        models[model.name] = model
    if not models:
        message = f"no model here; expected at least one file that is named <model>{_MODEL}"
        raise LookMLError(message, place=Place(str(folder)))
    return Project(folder.name, models)


def _model_files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.rglob(f"*{_MODEL}") if path.is_file())
    except OSError as exc:
        message = f"the folder cannot be read: {exc.strerror or exc}: {exc.filename}"
        raise LookMLError(message, place=Place(str(folder))) from exc


def _read_model(source: Source, folder: Path) -> Model:
    name = source.path.name.removesuffix(_MODEL)
    block = Block("model", name, source.place(), source.content)
    sources = [source, *_included(source, folder, {source.path})]
    views: dict[str, View] = {}
    explores: dict[str, Explore] = {}
    formats = {name: text for part in sources for name, text in read_formats(part).items()}
    for part in sources:
        for item in part.content.get("views", []):
            view = read_view(part, item, formats)
            if view.name in views:
                message = f"view {view.name!r} is defined twice in model {name!r}"
                raise LookMLError(message, place=part.place("view", view.name))
            views[view.name] = view
    check_tables(views)
    for part in sources:
        for item in part.content.get("explores", []):
            explore = read_explore(part, item, views, fiscal=_fiscal_month_offset(block))
            if explore.name in explores:
                message = f"explore {explore.name!r} is defined twice in model {name!r}"
                raise LookMLError(message, place=explore.place)
            explores[explore.name] = explore
    if not explores:
        raise block.error("the model has no explore; add one, as in: explore: orders {}")
    return Model(name, block.text("connection") or name, block.text("label") or title(name), explores)


def _included(source: Source, folder: Path, seen: set[Path]) -> Iterator[Source]:
    """Read the files that `source` includes, and those that these include, each once."""
    kind = "model" if source.path.name.endswith(_MODEL) else "file"
    block = Block(kind, source.path.name, source.place(), source.content)
    for pattern in block.texts("includes"):
        for path in _matching(block, pattern, folder if pattern.startswith("/") else source.path.parent):
            if not path.is_relative_to(folder):
                raise block.error(f"include {pattern!r} leads out of the project, to {path}")
            if path not in seen and not path.name.endswith(_MODEL):
                seen.add(path)
                part = Source.read(path, folder)
                yield part
                yield from _included(part, folder, seen)


def _matching(block: Block, pattern: str, folder: Path) -> list[Path]:
    relative = pattern.lstrip("/")
    if relative:
        paths = map(_absolute, (*folder.glob(relative), *folder.glob(f"{relative}.lkml")))
        found = sorted({path for path in paths if path.suffix == ".lkml" and path.is_file()})
        if found:
            return found
    raise block.error(f"include {pattern!r} matches no .lkml file in {folder}")


def _absolute(path: Path) -> Path:
    # Not `resolve`: a project may be put together from links.
    return Path(os.path.abspath(path))  # noqa: PTH100


def _fiscal_month_offset(block: Block) -> int:
    text = block.text("fiscal_month_offset") or "0"
    try:
        return int(text)
    except ValueError as exc:
        raise block.error(f"fiscal_month_offset is {text!r}; expected a number of months") from exc
