"""What is wrong with a filter expression."""

from __future__ import annotations


class FilterError(ValueError):
    """The expression is not one that is served; the text says which part, and what is served."""
