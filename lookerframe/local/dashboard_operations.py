"""The operations of the API on dashboards, by their operation ids.

Source: the methods of the official SDK and what it says about them. A search has the title, ``limit`` and ``offset``;
the other documented parameters are refused, since leaving one out of account would find too much.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lookerframe.local.errors import not_found
from lookerframe.local.parameters import Parameters
from lookerframe.local.responses import base_url, selected_response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from lookerframe.local.app import Call
    from lookerframe.local.dashboards import Dashboard

_SEARCHED = ("title", "limit", "offset", "fields")
#: SQL's wildcards as those of `fnmatch`, whose own lose their meaning.
_WILDCARDS = str.maketrans({"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"})


@dataclass(frozen=True, slots=True)
class DashboardOperations:
    """What can be asked about dashboards.

    Attributes
    ----------
    dashboards : mapping
        By id.
    user_id : str
        Whose they are.
    """

    dashboards: Mapping[str, Dashboard]
    user_id: str

    def calls(self) -> Iterator[Call]:
        """List the operations with their verbs and paths, the search before what would take it for an id."""
        yield "GET", "/dashboards", self.all_dashboards
        yield "GET", "/dashboards/search", self.search_dashboards
        yield "GET", "/dashboards/{dashboard_id}", self.dashboard
        yield "GET", "/dashboards/{dashboard_id}/dashboard_elements", self.dashboard_dashboard_elements
        yield "GET", "/dashboards/{dashboard_id}/dashboard_filters", self.dashboard_dashboard_filters
        yield "GET", "/dashboard_elements/{dashboard_element_id}", self.dashboard_element
        yield "GET", "/dashboard_filters/{dashboard_filter_id}", self.dashboard_filter

    async def all_dashboards(self, request: Request) -> Response:
        """``GET /dashboards``: abbreviated (documented)."""
        return selected_response(request, [item.abbreviated(user_id=self.user_id) for item in self.dashboards.values()])

    async def search_dashboards(self, request: Request) -> Response:
        """``GET /dashboards/search``: titles that are like ``title``, in the sense of SQL, whatever their case."""
        parameters = Parameters(request.query_params)
        title, limit, offset = parameters.text("title"), parameters.count("limit"), parameters.count("offset")
        for name in sorted(set(request.query_params) - set(_SEARCHED)):
            parameters.refuse(name, f"'{name}' is not served by the local Looker; known: {', '.join(_SEARCHED)}")
        parameters.check()
        start = offset or 0
        found = [item for item in self.dashboards.values() if title is None or _is_like(item.title, title)]
        return selected_response(request, [self._written(request, item) for item in found[start:][:limit]])

    async def dashboard(self, request: Request) -> Response:
        """``GET /dashboards/{dashboard_id}``."""
        return selected_response(request, self._written(request, self._dashboard(request)))

    async def dashboard_dashboard_elements(self, request: Request) -> Response:
        """``GET /dashboards/{dashboard_id}/dashboard_elements``."""
        return selected_response(request, self._written(request, self._dashboard(request))["dashboard_elements"])

    async def dashboard_dashboard_filters(self, request: Request) -> Response:
        """``GET /dashboards/{dashboard_id}/dashboard_filters``."""
        return selected_response(request, [item.as_json() for item in self._dashboard(request).filters])

    async def dashboard_element(self, request: Request) -> Response:
        """``GET /dashboard_elements/{dashboard_element_id}``."""
        wanted = request.path_params["dashboard_element_id"]
        for dashboard in self.dashboards.values():
            for item in dashboard.elements:
                if item.id == wanted:
                    return selected_response(request, item.as_json(base_url(request), user_id=self.user_id))
        raise not_found()

    async def dashboard_filter(self, request: Request) -> Response:
        """``GET /dashboard_filters/{dashboard_filter_id}``."""
        wanted = request.path_params["dashboard_filter_id"]
        for dashboard in self.dashboards.values():
            for item in dashboard.filters:
                if item.id == wanted:
                    return selected_response(request, item.as_json())
        raise not_found()

    def _dashboard(self, request: Request) -> Dashboard:
        dashboard = self.dashboards.get(request.path_params["dashboard_id"])
        if dashboard is None:
            raise not_found()
        return dashboard

    def _written(self, request: Request, dashboard: Dashboard) -> dict[str, Any]:
        return dashboard.as_json(base_url(request), user_id=self.user_id)


def _is_like(text: str, pattern: str) -> bool:
    return re.match(fnmatch.translate(pattern.translate(_WILDCARDS)), text, re.IGNORECASE) is not None
