"""What the caller hears while a tool takes its time (``tool_call_sound``; reference: webhooks.md §6.2).

A sound begins when a tool has run, and nobody has spoken, for half a second; it ends with the result, or when the user
speaks. It belongs to the agent's turn and is on the clock of playback, so that what comes behind it is timed right; it
is no words, and nothing of it is in the transcript. Keeps the deadline ``tool_sound``.
"""

from __future__ import annotations

from parola.conversation.actions import StartSound, StopSound
from parola.conversation.deadlines import Deadlines
from parola.conversation.events import SoundMade
from parola.conversation.hearing import Hearing
from parola.conversation.outgoing import Outgoing
from parola.conversation.phases import Phase
from parola.conversation.setup import Setup
from parola.conversation.speaking import Speaking
from parola.conversation.tool_rounds import Tools
from parola.conversation.tool_rules import Sound
from parola.conversation.tools import ToolCall
from parola.conversation.transcript import Transcript
from parola.protocol.server_messages import Audio

QUIET_SECONDS = 0.5
"""Of silence, before it is filled."""


class ToolSound:
    """At most one sound, for the first call that wants one."""

    __slots__ = ("_deadlines", "_hearing", "_is_playing", "_is_silent", "_out", "_speaking", "_tools", "_transcript")

    def __init__(
        self,
        setup: Setup,
        out: Outgoing,
        transcript: Transcript,
        deadlines: Deadlines,
        speaking: Speaking,
        tools: Tools,
        hearing: Hearing,
    ) -> None:
        self._is_silent = setup.text_only
        self._out = out
        self._transcript = transcript
        self._deadlines = deadlines
        self._speaking = speaking
        self._tools = tools
        self._hearing = hearing
        self._is_playing = False

    def follow(self, phase: Phase) -> None:
        """Something has happened: is a sound wanted, or still wanted?"""
        if phase is Phase.ENDED or self._is_silent:
            return
        wanted = self._wanted() if phase is Phase.WAITING else None
        if wanted is None:
            self._deadlines.clear("tool_sound")
            if self._is_playing:
                self._is_playing = False
                self._out.ask(StopSound())
        elif not self._is_playing and "tool_sound" not in self._deadlines:
            silent_from = max(wanted[0].called_at, self._speaking.playback.ends_at)
            self._deadlines.set("tool_sound", silent_from + QUIET_SECONDS)

    def begin(self, phase: Phase) -> None:
        """It has been silent for long enough."""
        if phase is Phase.WAITING and (wanted := self._wanted()) is not None:
            self._is_playing = True
            self._out.ask(StartSound(wanted[1]))

    def take(self, event: SoundMade, now: float) -> None:
        """A piece of the sound; dropped when it is not wanted any more."""
        turn = self._speaking.turn
        if self._is_playing and turn is not None:
            self._speaking.playback.queue(now, event.seconds)
            self._out.send(Audio(audio_base_64=event.audio, event_id=turn.event_id))

    def _wanted(self) -> tuple[ToolCall, Sound] | None:
        turn, round_ = self._speaking.turn, self._tools.round
        if turn is None or not turn.can_go_on or turn.current is not None or self._hearing.turn.has_begun:
            return None
        if round_ is None or round_.holds:
            return None
        has_words = bool(self._transcript.agent_entry(round_.entry).text)
        for call in round_.calls:
            rules = call.tool.rules if call.is_pending and call.tool is not None else None
            if rules is not None and rules.sound is not None and (rules.always_sounds or has_words):
                return call, rules.sound
        return None
