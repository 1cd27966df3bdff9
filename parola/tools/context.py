"""What the runners of all tools of a process share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parola.config import Settings
from parola.outbound.locators import Locators, Seal
from parola.store.base import Store

if TYPE_CHECKING:
    from parola.outbound.http import Connections


@dataclass(frozen=True, slots=True)
class Identity:
    """For whom a tool runs: what a request to the outside says of the conversation."""

    agent_id: str
    conversation_id: str
    branch_id: str | None = None
    environment: str = "production"


@dataclass(frozen=True, slots=True)
class ToolContext:
    """One for the process."""

    settings: Settings
    store: Store
    vault: Seal
    connections: Callable[[], Connections]
    """The process's HTTP clients, made when they are first needed."""

    def locators(self, environment: str = "production") -> Locators:
        """Looks up values for requests of a conversation in this environment."""
        return Locators(self.store, self.vault, environment)
