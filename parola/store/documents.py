"""What both stores do alike with documents and names."""

from __future__ import annotations

import re
from pathlib import Path

from parola.errors import InvalidRequest
from parola.store.pages import Document

_FILE_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


def speaker(turn: Document) -> str:
    """Whose message a turn is; empty for a turn that is nobody's, which does not count as one: it has no words, or is
    recorded as a turn of the user who said nothing (``platform_event``: a silence that the agent was to break, with
    dots for words; ``contextual_update_info``: what an application let the agent know)."""
    role = turn.get("role")
    is_said = turn.get("message") and not turn.get("platform_event") and not turn.get("contextual_update_info")
    return role if role in ("user", "agent") and is_said else ""


def words(turn: Document) -> str:
    """What a turn is searched by."""
    message = turn.get("message")
    return message.casefold() if isinstance(message, str) else ""


def tags(document: Document) -> list[str]:
    """An agent's tags, each once."""
    listed = document.get("tags")
    return list(dict.fromkeys(tag for tag in listed if isinstance(tag, str))) if isinstance(listed, list) else []


def is_archived(document: Document) -> bool:
    platform = document.get("platform_settings")
    return isinstance(platform, dict) and platform.get("archived") is True


def tool_type(document: Document) -> str:
    config = document.get("tool_config")
    return str(config.get("type") or "") if isinstance(config, dict) else ""


def recording_file(folder: Path, conversation_id: str) -> Path:
    """The file of a recording. Ids may come from clients, so one that could leave the folder is refused."""
    if not _FILE_NAME.fullmatch(conversation_id):
        raise InvalidRequest("A conversation id has letters, digits, _ and -, at most 128.")
    return folder / f"{conversation_id}.mp3"
