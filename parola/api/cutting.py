"""Cutting a connection whose other end does not read.

Closing it does not help: what was written waits in the server for a reader who never comes, and the connection with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ABORT = "parola.abort"
"""Where the state of an ASGI scope says how; ``terminal/serve.py`` puts it there."""

UNREAD_SECONDS = 30.0
"""Who takes nothing of an answer that is sent while it is made for so long is gone."""


def cut(scope: Mapping[str, Any]) -> None:
    """Drop the connection with all that is still to be sent. Without effect on a server that does not say how."""
    abort = scope.get("state", {}).get(ABORT)
    if abort is not None:
        abort()
