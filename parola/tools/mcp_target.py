"""Which MCP server is meant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """A server and all it takes to reach it; two that are equal share a connection."""

    server_id: str
    transport: str
    """``SSE`` or ``STREAMABLE_HTTP``."""
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    compresses: bool = True
