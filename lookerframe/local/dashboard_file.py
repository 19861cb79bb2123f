"""``dashboards.json`` beside the LookML of a project: read, and checked down to the filters of each tile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from lookerframe.exceptions import ConfigError
from lookerframe.local.content import by_id, read_items, save_query
from lookerframe.local.dashboards import Dashboard, DashboardFilter, Element, Text
from lookerframe.local.errors import ApiError
from lookerframe.local.metadata import describe_field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lookerframe.local.content import Look
    from lookerframe.local.project import Project
    from lookerframe.local.queries import Queries, Query

FILE_NAME = "dashboards.json"


class _FilterItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    name: str
    type: Literal["date_filter", "number_filter", "string_filter", "field_filter"]
    title: str | None = None
    default_value: str | None = None
    model: str | None = None
    explore: str | None = None
    dimension: str | None = None


class _ElementItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    title: str | None = None
    query: dict[str, Any] | None = None
    look_id: str | None = None
    title_text: str | None = None
    subtitle_text: str | None = None
    body_text: str | None = None
    listen: dict[str, str] = {}


class _DashboardItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    title: str
    elements: list[_ElementItem]
    filters: list[_FilterItem] = []
    description: str | None = None


def read_dashboards(
    folder: Path, project: Project, queries: Queries, looks: Mapping[str, Look]
) -> dict[str, Dashboard]:
    """Read the dashboards of a project; a project without the file has none.

    Raises
    ------
    ConfigError
        The file is not what it should be, or a tile's query cannot be run, alone or with the defaults of the filters
        that the tile listens to.
    """
    path = folder / FILE_NAME
    items = read_items(path, _DashboardItem, expected="a list of dashboards with id, title and elements")
    reader = _Reader(path, project, queries, looks)
    dashboards = by_id(map(reader.dashboard, items), path, "dashboards")
    # Tiles and filters are found by their ids alone.
    by_id((item for dashboard in dashboards.values() for item in dashboard.elements), path, "elements")
    by_id((item for dashboard in dashboards.values() for item in dashboard.filters), path, "filters")
    return dashboards


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the items of one file."""

    path: Path
    project: Project
    queries: Queries
    looks: Mapping[str, Look]

    def dashboard(self, item: _DashboardItem) -> Dashboard:
        filters = tuple(self._filter(one, item.id, row) for row, one in enumerate(item.filters))
        named = {one.name: one for one in filters}
        if len(named) < len(filters):
            raise self._refused(f"two filters of dashboard {item.id!r} have the same name; give each its own")
        elements = tuple(self._element(one, item.id, named) for one in item.elements)
        return Dashboard(item.id, item.title, item.description, elements, filters)

    def _filter(self, item: _FilterItem, dashboard_id: str, row: int) -> DashboardFilter:
        return DashboardFilter(
            item.id,
            dashboard_id,
            item.name,
            title=item.name if item.title is None else item.title,
            type=item.type,
            default_value=item.default_value,
            model=item.model,
            explore=item.explore,
            dimension=item.dimension,
            field=self._field(item),
            row=row,
        )

    def _field(self, item: _FilterItem) -> dict[str, Any] | None:
        if item.type != "field_filter":
            if item.model or item.explore or item.dimension:
                raise self._refused(
                    f"filter {item.name!r} is a {item.type}; only a field_filter has model, explore and dimension"
                )
            return None
        model = self.project.models.get(item.model or "")
        explore = model.explores.get(item.explore or "") if model else None
        field = explore.fields.get(item.dimension or "") if explore else None
        if explore is None or field is None:
            named = f"model {item.model!r}, explore {item.explore!r}, dimension {item.dimension!r}"
            raise self._refused(f"filter {item.name!r} is on {named}, which the LookML does not have")
        return describe_field(field, explore, self.project)

    def _element(self, item: _ElementItem, dashboard_id: str, filters: Mapping[str, DashboardFilter]) -> Element:
        element = Element(item.id, dashboard_id, item.title, self._shown(item), item.listen)
        if element.query is None and item.listen:
            raise self._refused(f"element {item.id!r} is text, which cannot listen to filters; leave 'listen' out")
        if element.query is not None:
            self._check_listen(element, element.query, filters)
        return element

    def _shown(self, item: _ElementItem) -> Query | Look | Text:
        given = [name for name in ("query", "look_id", "body_text") if getattr(item, name) is not None]
        if len(given) != 1:
            met = " and ".join(given) or "none of them"
            raise self._refused(f"element {item.id!r} has {met}; expected one of query, look_id and body_text")
        if item.query is not None:
            return save_query(self.queries, item.query, self.path, f"element {item.id!r}")
        if item.look_id is None:
            return Text(item.title_text, item.subtitle_text, item.body_text or "")
        if item.look_id not in self.looks:
            raise self._refused(f"element {item.id!r} shows Look {item.look_id!r}, which looks.json does not have")
        return self.looks[item.look_id]

    def _check_listen(self, element: Element, query: Query, filters: Mapping[str, DashboardFilter]) -> None:
        defaults = {}
        for name, field in element.listen.items():
            if name not in filters:
                raise self._refused(f"element {element.id!r} listens to {name!r}, which is no filter of the dashboard")
            if field not in query.explore.fields:
                raise self._refused(f"element {element.id!r} listens with {field!r}, which its explore does not have")
            if filters[name].default_value:
                defaults[field] = filters[name].default_value
        try:
            self.queries.check({**query.body, "filters": {**(query.body.get("filters") or {}), **defaults}})
        except ApiError as exc:
            reasons = "; ".join(problem.message for problem in exc.problems)
            message = f"element {element.id!r} cannot be run with the defaults of its filters: {reasons}"
            raise self._refused(message) from exc

    def _refused(self, message: str) -> ConfigError:
        return ConfigError(f"{self.path}: {message}", setting="lookml")
