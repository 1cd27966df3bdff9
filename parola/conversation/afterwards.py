"""What comes after a round of tools, when a call of it says so: values that the conversation takes apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from parola.conversation.setup import Setup

Entry = Literal["greets", "answers", "waits"]
"""How an agent begins: with its first message, with an answer, or by waiting for the user."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Where the conversation goes: an agent of this server, or a subagent of the workflow it has."""

    agent_id: str | None = None
    """None: the agent that has the conversation."""
    branch_id: str | None = None
    node_id: str | None = None
    """The node of its workflow to begin at; None: its start."""
    is_subagent: bool = False
    """``node_id`` is a subagent of the workflow that runs: only what it says of itself changes."""
    condition: str = ""
    delay_ms: int = 0
    message: str = ""
    """Said before it happens, variables not yet filled in."""
    entry: Entry = "answers"
    says: str = ""
    """The words it begins with, as they are: those of a node of the workflow."""
    keeps_client_voice: bool = False
    """What the client chose about the voice goes on to hold."""
    keeps_voice: bool = False
    """The voice, its model and its settings stay."""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Transfer:
        """From an ``AgentTransfer``, or from a node that is a whole agent."""
        delay = config.get("delay_ms")
        return cls(
            agent_id=config.get("agent_id") or None,
            branch_id=config.get("branch_id") or None,
            node_id=config.get("node_id") or None,
            condition=str(config.get("condition") or ""),
            delay_ms=max(0, int(delay)) if isinstance(delay, int | float) else 0,
            message=str(config.get("transfer_message") or ""),
            entry="greets" if config.get("enable_transferred_agent_first_message") else "answers",
            keeps_client_voice=bool(config.get("preserve_client_tts_overrides")),
            keeps_voice=bool(config.get("preserve_voice_settings")),
        )


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Another agent, or subagent, has the conversation from here on."""

    call_id: str
    setup: Setup
    transfer: Transfer


@dataclass(frozen=True, slots=True)
class Speak:
    """These words are said as they are."""

    text: str


@dataclass(frozen=True, slots=True)
class CallTools:
    """These tools are called without asking the model: nothing about them is left to it."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoOn:
    """The workflow goes on from where it is."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """The conversation ends, when the words that are being said have been heard."""

    reason: str
    last_words: str = ""
    is_message: bool = False
    """The last words are said whatever the agent has said before."""


Afterwards = TakeOver | Speak | CallTools | GoOn | HangUp
