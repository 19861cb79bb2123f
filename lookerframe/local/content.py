"""Saved content of a project: the Looks in ``looks.json`` beside its LookML, and what is common to such files.

Source: the ``LookWithQuery`` schema of the API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from lookerframe.exceptions import ConfigError
from lookerframe.local.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lookerframe.local.queries import Queries, Query

FILE_NAME = "looks.json"

_Item = TypeVar("_Item")


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


_Found = TypeVar("_Found", bound=_Identified)


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
    items = read_items(path, _LookFile, expected="a list of Looks with id, title and query")
    looks = (
        Look(item.id, item.title, item.description, save_query(queries, item.query, path, f"Look {item.id!r}"))
        for item in items
    )
    return by_id(looks, path, "Looks")


def read_items(path: Path, kind: type[_Item], *, expected: str) -> list[_Item]:
    """Read a file with a list of content; without the file there is none.

    Raises
    ------
    ConfigError
        The file is not `expected`.
    """
    if not path.exists():
        return []
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[kind])  # type: ignore[valid-type]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        message = f"{path}: {exc}; expected {expected}"
        raise ConfigError(message, setting="lookml") from exc


def save_query(queries: Queries, body: Any, path: Path, owner: str) -> Query:
    """Save a query of a file.

    Raises
    ------
    ConfigError
        It cannot be run: which `owner` in the file at `path` has it, and why.
    """
    try:
        return queries.create(body)
    except ApiError as exc:
        reasons = "; ".join(f"{problem.field}: {problem.message}" for problem in exc.problems)
        message = f"{path}: the query of {owner} cannot be run: {reasons}"
        raise ConfigError(message, setting="lookml") from exc


def by_id(items: Iterable[_Found], path: Path, noun: str) -> dict[str, _Found]:
    """Key content by its ids.

    Raises
    ------
    ConfigError
        Two have the same.
    """
    found: dict[str, _Found] = {}
    for item in items:
        if item.id in found:
            message = f"{path}: two {noun} have the id {item.id!r}; give each its own"
            raise ConfigError(message, setting="lookml")
        found[item.id] = item
    return found
