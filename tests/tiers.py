"""How much a test of reliability does: the quick tier in every run, the full one with ``make soak``."""

from __future__ import annotations

import os

#: Whether this is the full tier.
SOAK = bool(os.environ.get("LOOKERFRAME_SOAK"))


def scaled(quick: int, full: int) -> int:
    """Choose a number by the tier."""
    return full if SOAK else quick
