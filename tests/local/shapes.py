"""Shapes of payloads: what is compared when the values cannot be the same."""

from __future__ import annotations

from typing import Any


def shape(value: Any) -> Any:
    """Reduce JSON to its keys, in order, and the types of its values; an array to the shapes that its items have."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        shapes: list[Any] = []
        for item in map(shape, value):
            shapes += [] if item in shapes else [item]
        return shapes
    return type(value).__name__


def keys(value: Any) -> Any:
    """Give the keys of an object in order; of an array of objects those of each."""
    return [list(item) for item in value] if isinstance(value, list) else list(value)
