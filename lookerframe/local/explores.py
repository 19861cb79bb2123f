"""Explores of LookML: a view, the views joined to it, and which of their fields can be asked for.

Source: the LookML reference. A measure that joins could change is refused when its view has no primary key: Looker
leaves such measures out of the explore, which here would look like a name that is misspelt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lookerframe.exceptions import LookMLError
from lookerframe.local import filters
from lookerframe.local.blocks import Block, Source
from lookerframe.local.joins import KEYWORDS, RELATIONSHIPS, may_lack, repeats
from lookerframe.local.measures import needs_key
from lookerframe.local.project import Explore, Field, Join, View
from lookerframe.local.references import REFERENCE, TABLE_NAME, check, resolve, unusable, views_of
from lookerframe.local.views import title

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_ALL = "ALL_FIELDS*"


def read_explore(source: Source, parameters: dict[str, Any], views: Mapping[str, View], *, fiscal: int) -> Explore:
    """Read one explore of a file over the `views` of its model.

    Raises
    ------
    LookMLError
        A parameter that is not served, a view or field that is not there, a measure that needs a key.
    """
    name = parameters["name"]
    block = Block("explore", name, source.place("explore", name), parameters)
    view = _view(block, views, block.text("from") or block.text("view_name") or name)
    if block.text("from"):
        view = _renamed(view, name)
    if block.text("view_label"):
        view = _relabelled(view, block.text("view_label") or "")
    explore = Explore(
        name,
        view,
        block.place,
        label=block.text("label") or title(name),
        fields={},
        tables=views,
        description=block.text("description"),
        hidden=block.flag("hidden"),
        group_label=block.text("group_label"),
        tags=block.texts("tags"),
        always_join=block.texts("always_join"),
        fiscal_month_offset=fiscal,
        sql_always_where=block.sql("sql_always_where"),
        sql_always_having=block.sql("sql_always_having"),
    )
    explore = _joined(explore, block, source)
    _check_sql(explore, block)
    explore = replace(explore, fields=_fields(explore, block), always_filter=_always_filter(explore, block))
    explore = _usable(explore)
    check(explore)
    _check_measures(explore)
    return explore


def _usable(explore: Explore) -> Explore:
    left_out = unusable(explore)
    usable = {name: item for name, item in explore.fields.items() if name not in left_out}
    return replace(explore, fields=usable, unusable=left_out)


def _view(block: Block, views: Mapping[str, View], name: str) -> View:
    view = views.get(name)
    if view is None:
        raise block.error(f"no view {name!r} among the included files; known: {', '.join(sorted(views)) or 'none'}")
    return view


def _renamed(view: View, name: str) -> View:
    def moved(text: str) -> str:
        return f"{name}.{text.removeprefix(f'{view.name}.')}" if text.startswith(f"{view.name}.") else text

    fields = {
        key: replace(
            item,
            view=name,
            group=moved(item.group) if item.group else None,
            drill_fields=tuple(map(moved, item.drill_fields)),
        )
        for key, item in view.fields.items()
    }
    return replace(view, name=name, fields=fields)


def _relabelled(view: View, label: str) -> View:
    fields = {
        key: replace(item, view_label=label) if item.view_label == view.label else item
        for key, item in view.fields.items()
    }
    return replace(view, label=label, fields=fields)


def _joined(explore: Explore, block: Block, source: Source) -> Explore:
    """Add the joins; the conditions are read when all their views are known."""
    joins: list[Join] = []
    blocks = []
    for item in block.parameters.get("joins", []):
        place = source.place("explore", block.name, "join", item["name"])
        inner = Block("join", f"{block.name}.{item['name']}", place, item)
        if item["name"] in explore.views or item["name"] in {join.name for join in joins}:
            raise inner.error(f"{item['name']!r} is joined already; give this join another name and say from: the view")
        joins.append(_read_join(inner, explore.tables))
        blocks.append(inner)
    explore = replace(explore, joins=tuple(joins))
    joins = [_connected(join, inner, explore) for join, inner in zip(joins, blocks, strict=True)]
    for name in explore.always_join:
        if name not in explore.views:
            raise block.error(f"always_join names {name!r}, which is not joined")
    explore = replace(explore, joins=tuple(joins))
    _check_order(explore)
    return explore


def _read_join(block: Block, views: Mapping[str, View]) -> Join:
    view = _view(block, views, block.text("from") or block.name)
    if block.text("from"):
        view = _renamed(view, block.name)
    if block.text("view_label") or block.text("from"):
        view = _relabelled(view, block.text("view_label") or title(block.name))
    kind = block.choice("type", KEYWORDS) or "left_outer"
    # What a cross join repeats is not for its author to say.
    usual = "many_to_many" if kind == "cross" else "many_to_one"
    relationship = block.choice("relationship", RELATIONSHIPS) or usual
    return Join(view, kind, relationship, block.sql("sql_on"), (), (), block.place, block.parameters)


def _connected(join: Join, block: Block, explore: Explore) -> Join:
    sql_on = join.sql_on
    foreign_key = block.text("foreign_key")
    if join.type == "cross":
        if sql_on or foreign_key:
            raise block.error("a cross join has no sql_on and no foreign_key")
    elif (sql_on is None) == (foreign_key is None):
        raise block.error("a join needs sql_on or foreign_key, as in sql_on: ${orders.user_id} = ${users.id} ;;")
    if foreign_key:
        key = join.view.primary_key
        if key is None:
            raise block.error(f"foreign_key needs a primary_key in view {join.view.defined!r}; use sql_on")
        full = foreign_key if "." in foreign_key else f"{explore.view.name}.{foreign_key}"
        sql_on = f"${{{full}}} = ${{{key.full_name}}}"
    _check_names(block, sql_on or "", explore)
    # Fields may refer to further views, which then have to be joined first.
    parents = tuple(name for name in explore.views if name in views_of(sql_on or "", explore) - {join.name})
    required = block.texts("required_joins")
    for name in required:
        if name not in explore.views:
            raise block.error(f"required_joins names {name!r}, which is not joined")
    return replace(join, sql_on=sql_on, parents=parents, required=(*required, *parents))


def _check_order(explore: Explore) -> None:
    known = {join.name: join for join in explore.joins}

    def follow(join: Join, path: tuple[str, ...]) -> None:
        if join.name in path:
            message = f"joins need each other: {' -> '.join((*path, join.name))}"
            raise LookMLError(message, place=join.place, subject=explore.name)
        for name in join.required:
            if name in known:
                follow(known[name], (*path, join.name))

    for join in explore.joins:
        follow(join, ())


def _check_sql(explore: Explore, block: Block) -> None:
    for text in (explore.sql_always_where, explore.sql_always_having):
        _check_names(block, text or "", explore)


def _check_names(block: Block, text: str, explore: Explore) -> None:
    """Refuse references to nothing in SQL that stands in no view."""
    for name in REFERENCE.findall(text):
        if name.endswith(TABLE_NAME):
            found: object = explore.tables.get(name.removesuffix(TABLE_NAME))
        else:
            found = resolve(name, None, explore.views)
        if not found:
            raise block.error(
                f"sql refers to ${{{name}}}, which is no field of explore {explore.name}; expected ${{view.field}}"
            )


def _fields(explore: Explore, block: Block) -> dict[str, Field]:
    """Gather what can be asked for: what the joins bring of their views, and of it what the explore has."""
    found = {item.full_name: item for item in explore.view.fields.values()}
    for join in explore.joins:
        inner = Block("join", f"{explore.name}.{join.name}", join.place, join.written)
        brought = {item.full_name: item for item in join.view.fields.values()}
        if "fields" in join.written:
            names = _expanded(inner, inner.texts("fields"), brought, explore, join.view)
            brought = {name: item for name, item in brought.items() if name in names}
        found |= brought
    if "fields" in block.parameters:
        names = _expanded(block, block.texts("fields"), found, explore, explore.view)
        found = {name: item for name, item in found.items() if name in names}
    return {name: _with_drills(item, found, explore) for name, item in found.items()}


def _with_drills(item: Field, fields: Mapping[str, Field], explore: Explore) -> Field:
    """Put the fields of sets in the place of the sets that a field drills to."""
    if not any(name.endswith("*") for name in item.drill_fields):
        return item
    view = explore.views[item.view]
    block = Block("measure" if item.measure else "dimension", item.full_name, item.place, {})
    # A set may name fields of views that this explore does not have.
    drills = [name for name in _expanded(block, item.drill_fields, None, explore, view) if name in fields]
    return replace(item, drill_fields=tuple(drills))


def _expanded(
    block: Block, names: Iterable[str], known: Mapping[str, Field] | None, explore: Explore, view: View
) -> list[str]:
    """Write a list of fields and sets as full names; a minus takes away."""
    found: dict[str, None] = {}
    for name in names:
        for full in _members(block, name.removeprefix("-"), explore, view, known):
            if known is not None and full not in known:
                raise block.error(f"fields: {full!r} is not one of the fields here")
            if name.startswith("-"):
                found.pop(full, None)
            else:
                found[full] = None
    return list(found)


def _members(block: Block, name: str, explore: Explore, view: View, known: Mapping[str, Field] | None) -> Iterator[str]:
    prefix, _, bare = name.rpartition(".")
    owner = explore.views.get(prefix or view.name) or (view if prefix == view.defined else None)
    if name == _ALL:
        yield from known or ()
    elif not name.endswith("*"):
        yield f"{owner.name if owner else prefix}.{bare}"
    elif owner is None or bare.removesuffix("*") not in owner.sets:
        raise block.error(f"fields: there is no set {name!r}")
    else:
        yield from _expanded(block, owner.sets[bare.removesuffix("*")], None, explore, owner)


def _always_filter(explore: Explore, block: Block) -> dict[str, str]:
    if "always_filter" not in block.parameters:
        return {}
    inner = block.inner("always_filter", "always_filter", block.parameters["always_filter"])
    found = {}
    for name, text in inner.filters():
        target = resolve(name, explore.view, explore.views)
        if target is None:
            raise block.error(f"always_filter is on {name!r}, which is no field of explore {explore.name}")
        try:
            filters.parse(target.field, text)
        except filters.FilterError as exc:
            raise block.error(f"always_filter: {name}: {exc}") from exc
        found[target.field.full_name] = text
    return found


def key_problem(explore: Explore, item: Field) -> str | None:
    """Say why the joins of `explore` could change a measure with nothing to prevent it; none if they cannot."""
    if not needs_key(item) or explore.views[item.view].primary_key:
        return None
    counts_rows = item.type == "count" and may_lack(explore, item.view, explore.joins)
    if not (counts_rows or repeats(explore, item.view, explore.joins)):
        return None
    return (
        f"joins may repeat or lack rows of view {item.view!r}, so {item.full_name!r} needs a primary_key there; "
        "mark one dimension of the view with primary_key: yes"
    )


def _check_measures(explore: Explore) -> None:
    for item in explore.fields.values():
        message = key_problem(explore, item)
        if message:
            raise LookMLError(message, place=explore.place, subject=explore.name)
