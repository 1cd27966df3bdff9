"""Who has the floor, seen from all the parts that have a say in it. What takes it is ``turn_taking``."""

from __future__ import annotations

from parola.conversation.phases import Phase
from parola.conversation.setup import Setup
from parola.conversation.speaking import Speaking
from parola.conversation.tool_rounds import Tools
from parola.conversation.transcript import Transcript
from parola.conversation.turn_taking import Floor, UserTurn


def present(phase: Phase, setup: Setup, speaking: Speaking, tools: Tools, now: float) -> Floor:
    """The agent's claim to the floor."""
    if phase is Phase.ENDING:
        return Floor(is_busy=True, is_protected=True)
    turn = speaking.turn
    if turn is None or speaking.is_done(now):
        return Floor()
    return Floor(
        is_busy=True,
        is_protected=turn.is_protected or tools.forbids_interruption,
        was_sent=turn.was_sent,
        client_can_be_cut=setup.client_can_be_cut,
    )


def is_no_bid(
    user: UserTurn,
    setup: Setup,
    speaking: Speaking,
    transcript: Transcript,
    now: float,
    *,
    is_agent_busy: bool,
    was_cut_short: bool,
) -> bool:
    """The user has fallen silent, and what they said over the agent's voice does not ask for the floor."""
    if user.is_speaking or not user.has_begun or user.awaited_transcripts:
        return False
    if not was_cut_short and not is_agent_busy:
        return False
    if not user.text:
        return was_cut_short
    turn = speaking.turn
    heard = transcript.last_of_agent
    if turn is not None:
        heard = turn.heard(now) or transcript.last_before(turn.event_id)
    return setup.barge_in.is_backchannel(user.text, heard)
