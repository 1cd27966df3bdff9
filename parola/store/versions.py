"""Versions of an agent: what each change of it left behind, in a line without branches."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass

MOST_VERSIONS = 200
"""So many are kept of one agent, the newest."""

_ALPHABET = string.ascii_lowercase + string.digits


@dataclass(frozen=True, slots=True)
class AgentVersionRow:
    """What is known of a version, without its content: lists do not need it."""

    version_id: str
    agent_id: str
    number: int
    """From 1, one more with each version of the agent; no number comes twice, whatever was deleted."""
    name: str
    """The agent's, then."""
    description: str
    committed_at: float
    parent_id: str | None
    """The version before it, which may not be kept any more."""


def new_version_id() -> str:
    """``agtvrsn_`` and 24 letters and digits: nobody can guess it."""
    return "agtvrsn_" + "".join(secrets.choice(_ALPHABET) for _ in range(24))


def main_branch(agent_id: str) -> str:
    """The id of an agent's only branch."""
    return f"agtbrch_{agent_id}"
