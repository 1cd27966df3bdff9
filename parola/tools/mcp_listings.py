"""What MCP servers listed last, kept over restarts: a server that is away still has its tools for a conversation that
begins and for whoever asks over REST.

One list for each server, with a mark of the address and the credentials it was asked with: to others a server may offer
other tools, and they do not get these.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from parola.errors import StoreError
from parola.logs import logger, reason
from parola.store.base import DocumentRow, Store
from parola.tools.mcp_target import Target

log = logger(__name__)

KIND = "mcp_listing"


class McpListings:
    """Those of one workspace."""

    def __init__(self, store: Store, server_secret: bytes) -> None:
        self._store = store
        self._key = hmac.digest(server_secret, b"parola mcp listings", "sha256")

    async def get(self, target: Target) -> Sequence[Mapping[str, Any]]:
        """The tools as the server described them when it was last reached; empty when it never was."""
        row = await self._store.documents.get(KIND, _row_id(target.server_id))
        if row is None or row.document.get("target") != self._mark(target):
            return ()
        tools: Sequence[Mapping[str, Any]] = row.document["tools"]
        return tools

    async def put(self, target: Target, tools: Sequence[Mapping[str, Any]]) -> None:
        """Keep what it says now. A store that refuses is logged: the conversation does not depend on it."""
        document = {"target": self._mark(target), "tools": [dict(tool) for tool in tools]}
        try:
            row = await self._store.documents.get(KIND, _row_id(target.server_id))
            if row is not None and row.document == document:
                return
            now = time.time()
            row = DocumentRow(_row_id(target.server_id), KIND, target.server_id, document, now, now)
            await self._store.documents.put(row)
        except StoreError as error:
            log.warning("mcp_listing_not_kept", server=target.server_id, error=reason(error))

    async def delete(self, server_id: str) -> None:
        await self._store.documents.delete(KIND, _row_id(server_id))

    def _mark(self, target: Target) -> str:
        return hmac.digest(self._key, orjson.dumps([target.transport, target.url, target.headers]), "sha256").hex()


def _row_id(server_id: str) -> str:
    return f"tools_of_{server_id}"
