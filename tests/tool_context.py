"""What a process has for its tools, for tests that need no server."""

from __future__ import annotations

from parola.api.credentials import Vault
from parola.config import Settings
from parola.outbound.guard import Guard
from parola.outbound.http import Connections
from parola.store.base import Store
from parola.tools.context import ToolContext

SECRET = bytes(range(32))


def tool_context(settings: Settings, store: Store) -> ToolContext:
    """Tools that may reach this machine."""
    connections = Connections(Guard(allows_local=True))
    return ToolContext(settings, store, Vault(SECRET), lambda: connections, SECRET)
