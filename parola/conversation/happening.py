"""What is happening in a conversation at a moment, in one word, for those who look at many of them."""

from __future__ import annotations

from enum import StrEnum

from parola.conversation.phases import Phase


class Happening(StrEnum):
    LISTENING = "listening"
    """Nobody says anything; it is the user's turn."""
    USER_SPEAKING = "user_speaking"
    THINKING = "thinking"
    """A reply is being made."""
    RUNNING_TOOLS = "running_tools"
    SPEAKING = "speaking"
    """The agent's words are being sent, or played."""
    WAITING_FOR_HUMAN = "waiting_for_human"
    TAKEN_OVER = "taken_over"
    CLIENT_AWAY = "client_away"
    """The connection broke; the client may come back."""
    ENDING = "ending"
    ENDED = "ended"


_OF_PHASE = {
    Phase.LISTENING: Happening.LISTENING,
    Phase.THINKING: Happening.THINKING,
    Phase.SPEAKING: Happening.SPEAKING,
    Phase.WAITING: Happening.RUNNING_TOOLS,
    Phase.HANDED_OVER: Happening.TAKEN_OVER,
    Phase.ENDING: Happening.ENDING,
    Phase.ENDED: Happening.ENDED,
}


def happening(
    phase: Phase, *, is_user_speaking: bool, is_taken_over: bool, awaits_human: bool, is_client_away: bool
) -> Happening:
    """What matters most to somebody who looks on: the end, then who is missing, then who has the floor."""
    if phase in (Phase.ENDING, Phase.ENDED):
        return _OF_PHASE[phase]
    if is_client_away:
        return Happening.CLIENT_AWAY
    if is_taken_over:
        return Happening.TAKEN_OVER
    if awaits_human:
        return Happening.WAITING_FOR_HUMAN
    return Happening.USER_SPEAKING if is_user_speaking else _OF_PHASE[phase]
