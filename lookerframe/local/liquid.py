"""The little Liquid that cells need: ``{{ value }}`` and its kin in ``html`` and ``link``.

Source: Looker's reference of Liquid variables. Served are the cell's own ``value``, ``rendered_value``,
``linked_value`` and ``filterable_value``, with the filters ``url_encode``, ``encode_uri``, ``upcase``, ``downcase``
and ``escape``; tags and other fields' values are refused when the LookML is read.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable

VARIABLES = ("value", "rendered_value", "linked_value", "filterable_value")

_OUTPUT = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_FILTERS: dict[str, Callable[[str], str]] = {
    "url_encode": quote_plus,
    "encode_uri": quote,
    "upcase": str.upper,
    "downcase": str.lower,
    "escape": html.escape,
}


def checked(text: str) -> str:
    """Return `text` if all its Liquid is served.

    Raises
    ------
    ValueError
        Says which part is not.
    """
    if "{%" in text:
        message = "tags of Liquid ({% ... %}) are not served by the local Looker"
        raise ValueError(message)
    for output in _OUTPUT.findall(text):
        variable, *filters = (part.strip() for part in output.split("|"))
        unknown = [*({variable} - set(VARIABLES)), *(name for name in filters if name not in _FILTERS)]
        if unknown:
            message = (
                f"Liquid {unknown[0]!r} is not served by the local Looker; served: {', '.join(VARIABLES)}, "
                f"with the filters {', '.join(_FILTERS)}"
            )
            raise ValueError(message)
    return text


def render(text: str, **values: str) -> str:
    """Write `text` with the values of one cell, by the names of `VARIABLES`; what is not given is empty."""

    def written(match: re.Match[str]) -> str:
        variable, *filters = (part.strip() for part in match[1].split("|"))
        value = values.get(variable, "")
        for name in filters:
            value = _FILTERS[name](value)
        return value

    return _OUTPUT.sub(written, text)
