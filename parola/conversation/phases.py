"""The phases of a conversation, and where each may lead.

::

    listening   ──▶ thinking · handed-over · ending · ended
    thinking    ──▶ listening · speaking · waiting · handed-over · ending · ended
    speaking    ──▶ listening · thinking · waiting · handed-over · ending · ended
    waiting     ──▶ listening · thinking · handed-over · ending · ended
    handed-over ──▶ listening · thinking · ending · ended
    ending      ──▶ ended
    ended       ──▶

    listening   nobody has the floor, or the user has
    thinking    a reply is being made, nothing of it has been sent
    speaking    the agent has the floor: its words are being sent, or played
    waiting     tools run; words said before them may still be playing
    handed-over a person has the conversation; what they write is thought of and spoken like a reply, nothing else is
    ending      the last words are being made and played; nothing is answered any more
    ended       nothing more will come out
"""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    WAITING = "waiting"
    HANDED_OVER = "handed-over"
    ENDING = "ending"
    ENDED = "ended"


TRANSITIONS: dict[Phase, tuple[Phase, ...]] = {
    Phase.LISTENING: (Phase.THINKING, Phase.HANDED_OVER, Phase.ENDING, Phase.ENDED),
    Phase.THINKING: (Phase.LISTENING, Phase.SPEAKING, Phase.WAITING, Phase.HANDED_OVER, Phase.ENDING, Phase.ENDED),
    Phase.SPEAKING: (Phase.LISTENING, Phase.THINKING, Phase.WAITING, Phase.HANDED_OVER, Phase.ENDING, Phase.ENDED),
    Phase.WAITING: (Phase.LISTENING, Phase.THINKING, Phase.HANDED_OVER, Phase.ENDING, Phase.ENDED),
    Phase.HANDED_OVER: (Phase.LISTENING, Phase.THINKING, Phase.ENDING, Phase.ENDED),
    Phase.ENDING: (Phase.ENDED,),
    Phase.ENDED: (),
}


def diagram() -> str:
    """The table as the docstring shows it."""
    width = max(len(phase) for phase in Phase)
    return "\n".join(f"{phase:<{width}} ──▶ {' · '.join(to)}".rstrip() for phase, to in TRANSITIONS.items())


def entered(phase: Phase, now_in: Phase) -> Phase:
    """``phase``, when ``now_in`` may lead there. Staying is no transition."""
    if phase is not now_in and phase not in TRANSITIONS[now_in]:
        raise AssertionError(f"a conversation that is {now_in} cannot become {phase}")
    return phase
