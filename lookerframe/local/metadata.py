"""Fields and explores as the API describes them.

Sources: ``LookmlModelExploreField`` and ``LookmlModelExplore`` of the API; the order of the keys is that of the
recorded task results of 2022 (``multi_results_*.json``), keys that came later follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lookerframe.local.fills import can_fill
from lookerframe.local.references import REFERENCE

if TYPE_CHECKING:
    from lookerframe.local.project import Explore, Field, Join, Model, Project

#: The database behind this server; pivots and totals are put together outside of it.
_DIALECT = "duckdb"


def describe_field(field: Field, explore: Explore, project: Project) -> dict[str, Any]:
    """Describe a field as ``fields`` of a result and of an explore do."""
    return {
        **_describe_shown(field, explore),
        **_describe_use(field, explore, project),
        **_describe_lookml(field, project),
    }


def _describe_shown(field: Field, explore: Explore) -> dict[str, Any]:
    """Describe how a field is shown and filtered."""
    return {
        "align": "right" if field.is_numeric else "left",
        "can_filter": True,
        "category": "measure" if field.measure else "dimension",
        "default_filter_value": None,
        "description": field.description,
        "enumerations": _enumerations(field),
        "field_group_label": field.group_label,
        "fill_style": _fill_style(field),
        "fiscal_month_offset": explore.fiscal_month_offset,
        "has_allowed_values": False,
        "hidden": field.hidden,
        "is_filter": False,
        "is_numeric": field.is_numeric,
        "label": f"{field.view_label} {field.label}".strip(),
        "label_from_parameter": None,
        "label_short": field.label,
        "map_layer": None,
        "name": field.full_name,
        "strict_value_format": False,
        "requires_refresh_on_sort": False,
        "sortable": True,
        "suggestions": list(field.suggestions) or None,
        "tags": list(field.tags),
        "type": field.type,
        "user_attribute_filter_types": ["yesno"]
        if field.kind == "yesno"
        else [field.kind, f"advanced_filter_{field.kind}"],
        "value_format": field.value_format,
        "view": field.view,
        "view_label": field.view_label,
    }


def _describe_use(field: Field, explore: Explore, project: Project) -> dict[str, Any]:
    """Describe what a field is in its explore."""
    timeframe = field.timeframe
    interval = timeframe.interval if timeframe else None
    return {
        "dynamic": field.dynamic,
        "week_start_day": "monday",
        "dimension_group": field.group,
        "error": None,
        "field_group_variant": field.variant,
        "measure": field.measure,
        "parameter": False,
        "primary_key": field.primary_key,
        "project_name": project.name,
        "scope": field.view,
        "suggest_dimension": field.full_name,
        "suggest_explore": explore.name,
        "suggestable": field.kind == "string" and not field.measure and timeframe is None,
        "is_fiscal": timeframe is not None and timeframe.fiscal,
        "is_timeframe": timeframe is not None and not field.measure,
        "can_time_filter": field.kind == "datetime",
        "time_interval": {"name": interval[0], "count": interval[1]} if interval else None,
    }


def _describe_lookml(field: Field, project: Project) -> dict[str, Any]:
    """Describe what the LookML of a field says, and where."""
    return {
        "lookml_link": lookml_link(project, field.place.file, field.place.line),
        "permanent": None,
        "source_file": field.place.file,
        "source_file_path": f"{project.name}/{field.place.file}",
        "sql": f"{field.sql} " if field.sql else None,
        "sql_case": _sql_case(field),
        "filters": [{"field": name, "condition": text} for name, text in field.filters] or None,
        "times_used": 0,
        "original_view": field.view,
        "synonyms": [],
        "links": [{"label": link.label, "url": link.url, "icon_url": link.icon_url} for link in field.links] or None,
        "value_format_name": field.value_format_name,
        "drill_fields": list(field.drill_fields),
        "datatype": field.datatype,
        "convert_tz": field.convert_tz if field.timeframe else None,
    }


def describe_explore(explore: Explore, model: Model, project: Project) -> dict[str, Any]:
    """Describe an explore as ``GET /lookml_models/{model}/explores/{explore}`` does."""
    return {
        **_describe_abilities(explore, model, project),
        **_describe_place(explore, model, project),
        **_describe_content(explore, project),
    }


def _describe_abilities(explore: Explore, model: Model, project: Project) -> dict[str, Any]:
    """Describe what an explore is called, and what can be done with it."""
    return {
        "id": f"{model.name}::{explore.name}",
        "name": explore.name,
        "description": explore.description,
        "label": explore.label,
        "title": explore.label,
        "scopes": list(explore.views),
        "can_total": True,
        "can_develop": False,
        "can_see_lookml": True,
        "lookml_link": lookml_link(project, explore.place.file, explore.place.line),
        "can_save": False,
        "can_explain": True,
        "can_pivot_in_db": False,
        "can_subtotal": True,
        "has_timezone_support": True,
        "supports_cost_estimate": False,
        "connection_name": model.connection,
        "dialect_name": _DIALECT,
        "null_sort_treatment": "low",
    }


def _describe_place(explore: Explore, model: Model, project: Project) -> dict[str, Any]:
    """Describe where an explore comes from, and what holds for all its queries."""
    return {
        "files": sorted({explore.place.file, *(field.place.file for field in explore.fields.values())}),
        "source_file": explore.place.file,
        "project_name": project.name,
        "model_name": model.name,
        "view_name": explore.view.name,
        "hidden": explore.hidden,
        "sql_table_name": None if explore.view.derived else explore.view.table,
        "access_filter_fields": [],
        "access_filters": [],
        "aliases": [],
        "always_filter": [{"name": name, "value": text} for name, text in explore.always_filter.items()],
        "conditionally_filter": [],
        "index_fields": [],
    }


def _describe_content(explore: Explore, project: Project) -> dict[str, Any]:
    """Describe the fields and joins of an explore."""
    fields = [describe_field(field, explore, project) for field in explore.fields.values()]
    return {
        "sets": [
            {"name": f"{view.name}.{name}", "value": list(names)}
            for view in explore.views.values()
            for name, names in view.sets.items()
        ],
        "tags": list(explore.tags),
        "errors": [],
        "fields": {
            "dimensions": [item for item in fields if not item["measure"]],
            "measures": [item for item in fields if item["measure"]],
            "filters": [],
            "parameters": [],
        },
        "joins": [_describe_join(join) for join in explore.joins],
        "group_label": explore.group_label,
        "supported_measure_types": [],
        "always_join": list(explore.always_join),
    }


def lookml_link(project: Project, file: str, line: int) -> str:
    """Point to a line of LookML, as ``/projects/eye_exam/files/views%2Fusers.view.lkml?line=23``."""
    return f"/projects/{quote(project.name, safe='')}/files/{quote(file, safe='')}?line={line}"


def _fill_style(field: Field) -> str | None:
    """Say how the values that no row has can be known."""
    if field.measure or not can_fill(field):
        return None
    return "enumeration" if field.order else "range"


def _describe_join(join: Join) -> dict[str, Any]:
    """Describe a join with what its LookML says."""
    written = join.written
    return {
        "name": join.name,
        "dependent_fields": sorted(set(REFERENCE.findall(join.sql_on or ""))),
        "fields": written.get("fields"),
        "foreign_key": written.get("foreign_key"),
        "from": written.get("from"),
        "outer_only": None,
        "relationship": join.relationship,
        "required_joins": written.get("required_joins") or [],
        "sql_foreign_key": None,
        "sql_on": join.sql_on,
        "sql_table_name": None if join.view.derived else join.view.table,
        "type": join.type,
        "view_label": written.get("view_label"),
    }


def _sql_case(field: Field) -> list[dict[str, str]] | None:
    return [
        {"value": item.label, "condition": item.condition} for item in field.enumerations if item.condition is not None
    ] or None


def _enumerations(field: Field) -> list[dict[str, str]] | None:
    if field.enumerations:
        return [{"label": item.label, "value": item.label} for item in field.enumerations]
    if field.timeframe and field.timeframe.name.endswith("quarter_of_year"):
        return [{"label": value, "value": value} for value in ("Q1", "Q2", "Q3", "Q4")]
    if field.type == "yesno":
        return [{"label": value, "value": value} for value in ("Yes", "No")]
    return None
