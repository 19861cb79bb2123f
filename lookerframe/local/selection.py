"""The ``fields`` parameter: which keys of an answer are wanted.

Source: the ``fields`` parameter of the API ("Requested fields"); nested as clients write it, ``id,query(id,model)``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from lookerframe.local.errors import Problem, invalid

_PART = re.compile(r"[^\s,()]+|[(),]")


@dataclass(slots=True)
class _Wanted:
    """Keys, and what is wanted of the objects under them; no keys is everything."""

    keys: dict[str, _Wanted] = field(default_factory=dict)


def select(answer: Any, fields: str | None) -> Any:
    """Keep of `answer` what `fields` names; names that it does not have are passed over."""
    return _kept(answer, _parse(fields)) if fields else answer


def _kept(value: Any, wanted: _Wanted) -> Any:
    if not wanted.keys:
        return value
    if isinstance(value, list):
        return [_kept(item, wanted) for item in value]
    if isinstance(value, dict):
        return {key: _kept(item, wanted.keys[key]) for key, item in value.items() if key in wanted.keys}
    return value


def _parse(text: str) -> _Wanted:
    stack = [_Wanted()]
    last: _Wanted | None = None
    for part in _PART.findall(text):
        if part == "(" and last is not None:
            stack.append(last)
        elif part == ")" and len(stack) > 1:
            stack.pop()
        elif part == ",":
            last = None
        elif part in "()":
            break
        else:
            last = stack[-1].keys.setdefault(part, _Wanted())
    else:
        if len(stack) == 1:
            return stack[0]
    raise invalid(Problem("fields", f"cannot read fields={text!r}; expected names as in id,query(id,model)"))
