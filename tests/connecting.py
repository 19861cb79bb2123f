"""Settings of clients of a local Looker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lookerframe.config import Secret, Settings

if TYPE_CHECKING:
    from lookerframe.local import Server


def settings_for(server: Server, **given: Any) -> Settings:
    """Make settings for a client of `server`: its address and credentials, and what is given."""
    secret = Secret(server.client_secret)
    facts = {"base_url": server.base_url, "client_id": server.client_id, "client_secret": secret}
    return Settings(**{**facts, **given})
