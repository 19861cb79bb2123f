"""Models and connections as the API lists them.

Sources: the ``LookmlModel``, ``LookmlModelNavExplore`` and ``DBConnection`` schemas. What this server keeps no record
of is left out or null, as a client that asked for few ``fields`` would find it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lookerframe.local.engine import DATABASE_TIMEZONE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lookerframe.local.project import Model, Project


def describe_models(project: Project, *, exclude_hidden: bool = False) -> list[dict[str, Any]]:
    """List every model with its explores."""
    return [describe_model(model, project, exclude_hidden=exclude_hidden) for model in project.models.values()]


def describe_model(model: Model, project: Project, *, exclude_hidden: bool = False) -> dict[str, Any]:
    """Describe a model, and name its explores."""
    return {
        "can": {"index": True, "show": True, "explore": True},
        "name": model.name,
        "label": model.label,
        "project_name": project.name,
        "has_content": True,
        "allowed_db_connection_names": [model.connection],
        "unlimited_db_connections": False,
        "explores": [
            {
                "name": explore.name,
                "label": explore.label,
                "description": explore.description,
                "hidden": explore.hidden,
                "group_label": explore.group_label,
            }
            for explore in model.explores.values()
            if not (exclude_hidden and explore.hidden)
        ],
    }


def connections(models: Iterable[Model]) -> frozenset[str]:
    """Name the connections that models use; all of them lead to the one database."""
    return frozenset(model.connection for model in models)


def describe_connection(name: str) -> dict[str, Any]:
    """Describe the connection `name`."""
    return {
        "can": {"show": True, "index": True},
        "name": name,
        "dialect": {
            "name": "duckdb",
            "label": "DuckDB",
            "supports_cost_estimate": False,
            "supports_streaming": True,
            "supports_persistent_derived_tables": False,
        },
        "dialect_name": "duckdb",
        "host": "localhost",
        "port": None,
        "username": None,
        "has_password": False,
        "database": None,
        "schema": "main",
        "db_timezone": DATABASE_TIMEZONE,
        "pdts_enabled": False,
        "uses_oauth": False,
        "ssl": False,
        "example": True,
    }
