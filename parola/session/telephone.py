"""The telephone under a conversation, where there is one: what only it can do."""

from __future__ import annotations

from typing import Protocol

from parola.conversation.actions import PlayTones, TransferToNumber
from parola.conversation.events import ToolFinished


class Telephone(Protocol):
    """Both give a result for the call's tool; a failure is a result too. They may be cancelled."""

    async def transfer(self, action: TransferToNumber) -> ToolFinished:
        """Connect the caller with a number; ``response`` is the record's ``result``."""

    async def play(self, action: PlayTones) -> ToolFinished:
        """Press keys on the line."""


class NoTelephone:
    """A client on a socket: it cannot be transferred, and presses keys only if it listens to ``dtmf_request``."""

    async def transfer(self, action: TransferToNumber) -> ToolFinished:
        text = f"This conversation is not a telephone call: it cannot be transferred to {action.number}."
        return ToolFinished(action.call_id, text, is_error=True, error_type="telephony_agent_error", is_called=False)

    async def play(self, action: PlayTones) -> ToolFinished:
        text = "This conversation is not a telephone call: there are no keys to press."
        return ToolFinished(action.call_id, text, is_error=True, error_type="telephony_agent_error", is_called=False)
