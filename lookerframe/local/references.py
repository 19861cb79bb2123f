"""``${references}`` of LookML: what each stands for, and which views a field needs.

Source: the LookML reference: ``${TABLE}``, ``${field}`` of the same view, ``${view.field}`` of any view of the explore,
``${view.SQL_TABLE_NAME}``; ``${location::latitude}`` is one part of a location.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from lookerframe.exceptions import LookMLError
from lookerframe.local import filters
from lookerframe.local.measures import refers_to_measures

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lookerframe.local.project import Explore, Field, View

REFERENCE = re.compile(r"\$\{([^}]*)\}")
TABLE = "TABLE"
TABLE_NAME = ".SQL_TABLE_NAME"


class Target(NamedTuple):
    """A field, or one part of a location."""

    field: Field
    part: str | None

    @property
    def expression(self) -> str:
        """What is computed, with its references."""
        return self.field.parts[self.part] if self.part else self.field.expression


def resolve(name: str, view: View | None, views: Mapping[str, View]) -> Target | None:
    """Find what ``${name}`` stands for in the SQL of `view`, in an explore of `views`."""
    full, _, part = name.partition("::")
    prefix, _, bare = full.rpartition(".")
    owner = views.get(prefix) if prefix else view
    # A view may be known under another name in the explore; its own SQL still calls it by the name it was given.
    if owner is None and view is not None and prefix == view.defined:
        owner = view
    found = owner.fields.get(bare) if owner else None
    if found is None or (part and part not in found.parts):
        return None
    return Target(found, part or None)


def targets(target: Target, explore: Explore) -> Iterator[tuple[str, Target | None]]:
    """Give what a field's SQL and filters refer to, by the names written there."""
    views = explore.views
    view = views[target.field.view]
    texts = [target.expression, target.field.distinct_key or ""]
    names = [name for text in texts for name in REFERENCE.findall(text)]
    for name in [*names, *(name for name, _ in target.field.filters)]:
        if name != TABLE and not name.endswith(TABLE_NAME):
            yield name, resolve(name, view, views)


def views_of(text: str, explore: Explore) -> set[str]:
    """Name the views that SQL outside of any view needs, such as a condition of a join."""
    found: set[str] = set()
    for name in REFERENCE.findall(text):
        target = None if name.endswith(TABLE_NAME) else resolve(name, None, explore.views)
        if target:
            found |= views_needed(target, explore)
    return found


def views_needed(target: Target, explore: Explore, path: tuple[str, ...] = ()) -> set[str]:
    """Name the views whose tables a field needs."""
    name = target.field.full_name
    found = {target.field.view}
    if name in path:  # leads back to itself, which `check` says
        return found
    for _, inner in targets(target, explore):
        if inner:
            found |= views_needed(inner, explore, (*path, name))
    return found


def unusable(explore: Explore) -> dict[str, str]:
    """Find the fields that refer, by themselves or through others, to views of the model that are not joined here.

    Looker names such a field when somebody uses it; the other fields of the explore can be asked for.
    """
    found = {}
    for item in explore.fields.values():
        missing = _missing(Target(item, None), explore, ())
        if missing:
            found[item.full_name] = f"it refers to ${{{missing}}}, whose view is not joined here"
    return found


def _missing(target: Target, explore: Explore, path: tuple[Field, ...]) -> str | None:
    """Name the first reference that leads to a view of the model which is not joined."""
    if target.field in path:  # leads back to itself, which `check` says
        return None
    for name, inner in targets(target, explore):
        prefix = name.partition("::")[0].rpartition(".")[0]
        if inner is None and prefix in explore.tables and prefix not in explore.views:
            return name
        missing = _missing(inner, explore, (*path, target.field)) if inner else None
        if missing:
            return missing
    return None


def check(explore: Explore) -> None:
    """Refuse references to nothing, or that lead back to where they started, in whatever `explore` needs.

    A field that an explore leaves out may refer to views that the explore does not have.

    Raises
    ------
    LookMLError
        The first one.
    """
    done: set[str] = set()
    keys = [view.primary_key for view in explore.views.values()]
    for item in (*explore.fields.values(), *(key for key in keys if key)):
        for part in item.parts or (None,):
            _check_field(Target(item, part), explore, (), done)
    for key in keys:
        if key and views_needed(Target(key, None), explore) - {key.view}:
            raise _mistake(key, "the primary_key refers to another view; expected SQL over the view's own table")
    for target in _used_always(explore):
        _check_field(target, explore, (), done)


def _used_always(explore: Explore) -> Iterator[Target]:
    """Find what the explore's own SQL and filters refer to; conditions on rows cannot refer to measures."""
    texts = [("sql_on", join.place, join.sql_on) for join in explore.joins]
    texts += [("sql_always_where", explore.place, explore.sql_always_where)]
    texts += [("sql_always_having", explore.place, explore.sql_always_having)]
    named = [(parameter, place, name) for parameter, place, text in texts for name in REFERENCE.findall(text or "")]
    for parameter, place, name in [*named, *(("always_filter", explore.place, name) for name in explore.always_filter)]:
        target = None if name.endswith(TABLE_NAME) else resolve(name, None, explore.views)
        if target and target.field.measure and parameter in ("sql_on", "sql_always_where"):
            message = f"{parameter} refers to ${{{name}}}, a measure; only dimensions can be referred to"
            raise LookMLError(message, place=place, subject=explore.name)
        if target:
            yield target


def check_tables(views: Mapping[str, View]) -> None:
    """Refuse derived tables that refer to no view, or lead back to where they started.

    Raises
    ------
    LookMLError
        The first one.
    """

    def follow(view: View, path: tuple[str, ...]) -> None:
        if view.name in path:
            message = f"the derived_table needs itself: {' -> '.join((*path, view.name))}"
            raise LookMLError(message, place=view.place, subject=view.name)
        for name in REFERENCE.findall(view.derived or view.table):
            inner = views.get(name.removesuffix(TABLE_NAME)) if name.endswith(TABLE_NAME) else None
            if inner is None or not view.derived:
                served = "a derived_table may have ${view.SQL_TABLE_NAME} of a view of the model"
                raise LookMLError(f"${{{name}}} cannot stand here; {served}", place=view.place, subject=view.name)
            follow(inner, (*path, view.name))

    for view in views.values():
        follow(view, ())


def _check_field(target: Target, explore: Explore, path: tuple[Field, ...], done: set[str]) -> None:
    item = target.field
    path = (*path, item)
    for name, inner in targets(target, explore):
        if inner is None:
            owner = f"explore {explore.name}" if "." in name else f"view {item.view}"
            met = f"filters has {name!r}" if name in dict(item.filters) else f"sql refers to ${{{name}}}"
            raise _mistake(item, f"{met}, which is no field of {owner}")
        if inner.field.measure and not refers_to_measures(item):
            raise _mistake(item, f"sql refers to ${{{name}}}, a measure; only dimensions can be referred to")
        if inner.field in path:
            steps = (*path, inner.field)
            alone = len({step.view for step in steps}) == 1
            names = [step.name if alone else step.full_name for step in steps]
            raise _mistake(item, f"sql refers to itself: {' -> '.join(names)}")
        if inner.field.full_name not in done:
            _check_field(inner, explore, path, done)
    _check_tables(item, target.expression, explore)
    _check_filters(item, explore)
    done.add(item.full_name)


def _check_tables(item: Field, text: str, explore: Explore) -> None:
    for name in REFERENCE.findall(text):
        if name.endswith(TABLE_NAME) and name.removesuffix(TABLE_NAME) not in explore.tables:
            raise _mistake(item, f"sql refers to ${{{name}}}, which is no view of the model")


def _check_filters(item: Field, explore: Explore) -> None:
    views = explore.views
    for name, text in item.filters:
        target = resolve(name, views[item.view], views)
        if target is None:  # found before
            continue
        try:
            filters.parse(target.field, text)
        except filters.FilterError as exc:
            raise _mistake(item, f"filters: {name}: {exc}") from exc


def _mistake(item: Field, message: str) -> LookMLError:
    return LookMLError(message, place=item.place, subject=item.full_name)
