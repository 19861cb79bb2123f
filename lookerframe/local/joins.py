"""Which joins a query needs, and what they do to the rows of each view.

Source: the LookML reference: a view is joined only if a query needs it; ``relationship`` says how rows of the views
before it relate to its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lookerframe.local.project import Explore, Join

#: What SQL calls the types.
KEYWORDS = {
    "left_outer": "LEFT JOIN",
    "inner": "INNER JOIN",
    "full_outer": "FULL OUTER JOIN",
    "cross": "CROSS JOIN",
}
RELATIONSHIPS = ("many_to_one", "one_to_one", "one_to_many", "many_to_many")


def needed(explore: Explore, views: Iterable[str]) -> list[Join]:
    """List the joins that bring `views` and what these need, in an order in which they can be written."""
    known = {join.name: join for join in explore.joins}
    found: dict[str, Join] = {}

    def add(name: str) -> None:
        join = known.get(name)
        if join and name not in found:
            for before in join.required:
                add(before)
            found[name] = join

    wanted = {*views, *explore.always_join}
    for join in explore.joins:
        if join.name in wanted:
            add(join.name)
    return list(found.values())


def repeats(explore: Explore, view: str, joins: Sequence[Join]) -> bool:
    """Whether a row of `view` may be there several times: on a way to another view there is a step to many."""
    to_many: dict[str, list[tuple[str, bool]]] = {}
    for join in joins:
        for parent in join.parents or (explore.view.name,):
            to_many.setdefault(parent, []).append((join.name, join.relationship.endswith("_many")))
            to_many.setdefault(join.name, []).append((parent, join.relationship.startswith("many_")))
    seen, waiting = {view}, [view]
    while waiting:
        for other, many in to_many.get(waiting.pop(), []):
            if many and other not in seen:
                return True
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return False


def may_lack(explore: Explore, view: str, joins: Sequence[Join]) -> bool:
    """Whether there may be rows without one of `view`."""
    return view != explore.view.name or any(join.type == "full_outer" for join in joins)
