"""Saved content of a project: the Looks in ``looks.json`` beside its LookML.

Source: the ``LookWithQuery`` schema of the API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from lookerframe.exceptions import ConfigError
from lookerframe.local.errors import ApiError

if TYPE_CHECKING:
    from pathlib import Path

    from lookerframe.local.queries import Queries, Query

FILE_NAME = "looks.json"


class _LookFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    title: str
    query: dict[str, Any]
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """A saved query with a title."""

    id: str
    title: str
    description: str | None
    query: Query

    def as_json(self, base_url: str, *, user_id: str) -> dict[str, Any]:
        """Write the Look as the API does; what this server keeps no record of is null."""
        return {
            "can": {"index": True, "show": True, "run": True, "download": True, "explore": True},
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "user_id": user_id,
            "deleted": False,
            "is_run_on_load": True,
            "model": {"id": self.query.model, "label": self.query.project.models[self.query.model].label},
            "public": False,
            "query_id": self.query.id,
            "short_url": f"/looks/{self.id}",
            "url": f"{base_url}/looks/{self.id}",
            "folder": None,
            "folder_id": None,
            "query": self.query.as_json(base_url),
        }


def read_looks(folder: Path, queries: Queries) -> dict[str, Look]:
    """Read the Looks of a project; a project without the file has none.

    Raises
    ------
    ConfigError
        The file is not what it should be, or a Look's query cannot be run.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return {}
    try:
        items = msgspec.json.decode(path.read_bytes(), type=list[_LookFile])
    except msgspec.MsgspecError as exc:
        message = f"{path}: {exc}; expected a list of Looks with id, title and query"
        raise ConfigError(message, setting="lookml") from exc
    looks = {}
    for item in items:
        try:
            query = queries.create(item.query)
        except ApiError as exc:
            reasons = "; ".join(f"{problem.field}: {problem.message}" for problem in exc.problems)
            message = f"{path}: the query of Look {item.id!r} cannot be run: {reasons}"
            raise ConfigError(message, setting="lookml") from exc
        looks[item.id] = Look(item.id, item.title, item.description, query)
    return looks
