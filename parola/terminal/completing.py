"""What the shell completes from the running server: ids, with a word about each. Who asks is typing: a server that does
not answer at once, or not well, completes nothing, and says nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from parola.errors import ParolaError
from parola.terminal.client import Server
from parola.terminal.plain import visible

COMPLETING_SECONDS = 1.0

MOST = 100

Found = list[tuple[str, str]]


def agents(typed: Mapping[str, Any], incomplete: str) -> Found:
    """Ids of agents that begin so, with their names. ``typed``: the options of the line so far."""
    return [
        (visible(one["agent_id"]), visible(one["name"]))
        for one in _asked(typed, "/v1/convai/agents", "agents")
        if one["agent_id"].startswith(incomplete)
    ]


def conversations(typed: Mapping[str, Any], incomplete: str) -> Found:
    """Ids of the newest conversations that begin so, with their agents."""
    return [
        (visible(one["conversation_id"]), visible(one.get("agent_name") or one["agent_id"]))
        for one in _asked(typed, "/v1/convai/conversations", "conversations")
        if one["conversation_id"].startswith(incomplete)
    ]


def _asked(typed: Mapping[str, Any], path: str, key: str) -> list[dict[str, Any]]:
    url = typed.get("url") or os.environ.get("PAROLA_URL") or "http://127.0.0.1:8400"
    api_key = typed.get("api_key") or os.environ.get("PAROLA_API_KEY", "")
    try:
        page = Server(url, api_key, timeout=COMPLETING_SECONDS).rest("GET", path, page_size=str(MOST))
        return list(page[key])
    except (ParolaError, ValueError, KeyError, TypeError):
        return []
