"""Dashboards: tiles, and filters that tiles listen to.

Sources: ``Dashboard``, ``DashboardElement`` and ``DashboardFilter`` of the API as the official SDK declares them, and
one dashboard among the SDK's own test data, whence ``result_maker``, ``string_filter`` and that a filterable's ``name``
is null. Of a tile that shows a Look, ``query`` is null, and what ``result_maker`` says is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lookerframe.local.content import Look

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lookerframe.local.queries import Query


@dataclass(frozen=True, slots=True)
class DashboardFilter:
    """A filter of a dashboard.

    Attributes
    ----------
    name : str
        What tiles listen to.
    type : {"date_filter", "number_filter", "string_filter", "field_filter"}
        The last one is about a field of an explore.
    default_value : str or None
        A filter expression; None and the empty string let everything through.
    model, explore, dimension : str or None
        The field of a ``field_filter``.
    field : mapping or None
        That field as an explore describes it (assumed; the API says "field information").
    row : int
        Place among the filters, from 0.
    """

    id: str
    dashboard_id: str
    name: str
    title: str
    type: str
    default_value: str | None
    model: str | None
    explore: str | None
    dimension: str | None
    field: Mapping[str, Any] | None
    row: int

    def as_json(self) -> dict[str, Any]:
        """Write the filter as the API does."""
        return {
            "can": {"index": True, "show": True},
            "id": self.id,
            "dashboard_id": self.dashboard_id,
            "name": self.name,
            "title": self.title,
            "type": self.type,
            "default_value": self.default_value,
            "model": self.model,
            "explore": self.explore,
            "dimension": self.dimension,
            "field": self.field,
            "row": self.row,
            "listens_to_filters": [],
            "allow_multiple_values": True,
            "required": False,
            "ui_config": None,
        }


@dataclass(frozen=True, slots=True)
class Text:
    """What a text tile says; Markdown, as it was written."""

    title: str | None
    subtitle: str | None
    body: str


@dataclass(frozen=True, slots=True)
class Element:
    """A tile.

    Attributes
    ----------
    shown : Query, Look or Text
        What is in it.
    listen : mapping of str to str
        Fields that the dashboard's filters are put on, by name of the filter.
    """

    id: str
    dashboard_id: str
    title: str | None
    shown: Query | Look | Text
    listen: Mapping[str, str]

    @property
    def query(self) -> Query | None:
        """The query behind it: none behind text."""
        if isinstance(self.shown, Text):
            return None
        return self.shown.query if isinstance(self.shown, Look) else self.shown

    def as_json(self, base_url: str, *, user_id: str) -> dict[str, Any]:
        """Write the tile as the API does; Markdown is not rendered, so the texts as HTML are null."""
        look = self.shown if isinstance(self.shown, Look) else None
        text = self.shown if isinstance(self.shown, Text) else None
        query = self.query if look is None else None
        return {
            "can": {"index": True, "show": True, "explore": True},
            "id": self.id,
            "dashboard_id": self.dashboard_id,
            "type": "vis" if text is None else "text",
            "title": self.title,
            "title_hidden": False,
            "title_text": text and text.title,
            "subtitle_text": text and text.subtitle,
            "body_text": text and text.body,
            "body_text_as_html": None,
            "look": look and look.as_json(base_url, user_id=user_id),
            "look_id": look and look.id,
            "query": query and query.as_json(base_url),
            "query_id": query and query.id,
            "merge_result_id": None,
            "refresh_interval": None,
            "refresh_interval_to_i": None,
            "result_maker": self._result_maker(base_url),
            "result_maker_id": None if text else self.id,
        }

    def _result_maker(self, base_url: str) -> dict[str, Any] | None:
        query = self.query
        if query is None:
            return None
        listen = [{"dashboard_filter_name": name, "field": field} for name, field in self.listen.items()]
        return {
            "id": self.id,
            "dynamic_fields": query.body.get("dynamic_fields"),
            "filterables": [{"model": query.model, "view": query.explore.name, "name": None, "listen": listen}],
            "sorts": query.body.get("sorts"),
            "merge_result_id": None,
            "total": query.body.get("total"),
            "query_id": query.id,
            "sql_query_id": None,
            "query": query.as_json(base_url),
            "vis_config": query.body.get("vis_config"),
        }


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Tiles and filters under one title."""

    id: str
    title: str
    description: str | None
    elements: tuple[Element, ...]
    filters: tuple[DashboardFilter, ...]

    def abbreviated(self, *, user_id: str) -> dict[str, Any]:
        """Write what ``DashboardBase`` of the API has, without tiles and filters."""
        return {
            "can": {"index": True, "show": True, "run": True, "download": True},
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "user_id": user_id,
            "hidden": False,
            "readonly": False,
            "model": None,
            "query_timezone": None,
            "refresh_interval": None,
            "refresh_interval_to_i": None,
            "folder": None,
        }

    def as_json(self, base_url: str, *, user_id: str) -> dict[str, Any]:
        """Write the dashboard as the API does; what this server keeps no record of is left out."""
        return {
            **self.abbreviated(user_id=user_id),
            "dashboard_elements": [item.as_json(base_url, user_id=user_id) for item in self.elements],
            "dashboard_filters": [item.as_json() for item in self.filters],
            "deleted": False,
            "folder_id": None,
            "lookml_link_id": None,
            "show_filters_bar": True,
            "show_title": True,
            "url": f"/dashboards/{self.id}",
        }
