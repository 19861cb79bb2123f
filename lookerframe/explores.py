"""What Looker knows of the fields of its explores: asked for once, and picked for the formats that carry none."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from lookerframe.fields import picked
from lookerframe.transport import path
from lookerframe.validation import check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lookerframe.deadline import Deadline, Stats
    from lookerframe.models import SavedQuery
    from lookerframe.transport import Transport


class Explores:
    """The field metadata of one Looker's explores, for any number of threads.

    Notes
    -----
    Source: Looker API 4.0, ``GET /lookml_models/{lookml_model_name}/explores/{explore_name}``.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._known: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._lock = threading.Lock()

    def fields(
        self, model: str, explore: str, deadline: Deadline, stats: Stats, *, fresh: bool = False
    ) -> Mapping[str, Any]:
        """Return all of an explore's; see `Looker.explore_fields`."""
        with self._lock:
            known = None if fresh else self._known.get((model, explore))
        if known is None:
            body = self._transport.request(
                "GET",
                path("lookml_models", model, "explores", explore),
                params={"fields": "fields"},
                deadline=deadline,
                stats=stats,
            ).json()
            check(body, schema="lookml_model_explore")
            known = body.get("fields") or {}
            with self._lock:
                self._known[model, explore] = known
        return known

    def fields_of(self, query: SavedQuery, deadline: Deadline, stats: Stats) -> Mapping[str, Any]:
        """Pick those of a query, as `json_detail` would carry them."""
        model, view = query.model or "", query.view or ""
        explore = self.fields(model, view, deadline, stats)
        described = {item["name"] for group in ("dimensions", "measures") for item in explore.get(group) or ()}
        # Calculations have no dot. What is kept may be older than a field.
        if any("." in name and name not in described for name in query.fields):
            explore = self.fields(model, view, deadline, stats, fresh=True)
        return picked(explore, query)
