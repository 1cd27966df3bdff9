"""What the runners of all tools of a process share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from parola.config import Settings
from parola.outbound.locators import Locators, Seal
from parola.store.base import Store
from parola.tools.signing import signing_secret

if TYPE_CHECKING:
    from parola.outbound.http import Connections
    from parola.tools.auth import AuthConnections
    from parola.tools.callbacks import Callbacks
    from parola.tools.mcp import McpServers
    from parola.tools.mcp_listings import McpListings


@dataclass(frozen=True)
class ToolContext:
    """One for the process."""

    settings: Settings
    store: Store
    vault: Seal
    connections: Callable[[], Connections]
    """The process's HTTP clients, made when they are first needed."""
    server_secret: bytes
    """What is signed for and by tools is derived from it."""
    secret_used: Callable[[str], Awaitable[None]] | None = None
    """Told the id of each secret, and of each auth connection, that goes into a request."""

    def locators(self, environment: str = "production") -> Locators:
        """Looks up values for requests of a conversation in this environment."""
        return Locators(self.store, self.vault, environment, self.secret_used)

    @cached_property
    def auth(self) -> AuthConnections:
        """Headers of auth connections, with their tokens."""
        from parola.tools.auth import AuthConnections

        return AuthConnections(self.store, self.vault, self.connections, used=self.secret_used)

    @cached_property
    def callbacks(self) -> Callbacks:
        """Where tools that take longer leave their results."""
        from parola.tools.callbacks import Callbacks

        return Callbacks(self.server_secret)

    @cached_property
    def signing_secret(self) -> str:
        """What receivers of tool requests verify signatures with."""
        return signing_secret(self.server_secret)

    @cached_property
    def mcp(self) -> McpServers:
        """Connections to MCP servers."""
        from parola.tools.mcp import McpServers

        return McpServers(self.connections().guard, self.mcp_listings)

    @cached_property
    def mcp_listings(self) -> McpListings:
        """What MCP servers listed last."""
        from parola.tools.mcp_listings import McpListings

        return McpListings(self.store, self.server_secret)

    async def aclose(self) -> None:
        """Say goodbye to whoever is still connected."""
        if "mcp" in vars(self):
            await self.mcp.aclose()
