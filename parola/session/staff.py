"""Who listens, thinks and speaks in one conversation now: the agent that has it, in the language it speaks.

An agent can be relieved by another and a language by another while everything runs: whoever is asked here answers for
the present. Which of that happens, and when, the ``Conversation`` decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

from parola.conversation.actions import StartReply
from parola.conversation.events import Event
from parola.protocol.messages import ServerMessage
from parola.protocol.server_messages import Audio, Interruption, Ping
from parola.session.accounts import Accounts
from parola.session.counting import Counting
from parola.session.guarding import Guarding
from parola.session.recording import Recorder
from parola.session.relief import MakeGuarding, MouthFor, Relief
from parola.session.replying import Brain, Mouth
from parola.session.retrieving import Retriever
from parola.session.voice import Ear


class Staff:
    """All that one agent needs beside its ``Setup``, and the ear and the recorder, which outlast it."""

    def __init__(
        self,
        brain: Brain,
        *,
        tell: Callable[[Event], None],
        warn: Callable[[str], None],
        language: str,
        accounts: Accounts | None = None,
        mouth: Mouth | None = None,
        mouth_for: MouthFor | None = None,
        ear: Ear | None = None,
        recorder: Recorder | None = None,
        retriever: Retriever | None = None,
        guarding: MakeGuarding | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._tell = tell
        self._warn = warn
        self._brain = brain
        self._mouth_for = mouth_for
        self._guarding = self._guard(guarding)
        self._replies: dict[int, asyncio.Task[None]] = {}
        self.language = language
        self.accounts = accounts or Accounts()
        self.mouth = mouth
        self.ear = ear
        self.recorder = recorder
        if recorder is not None:
            recorder.started_at = self._loop.time()  # as the conversation counts, and its transcript
        self.retriever = retriever

    def _guard(self, make: MakeGuarding | None) -> Guarding | None:
        return None if make is None else make(self._tell, self._warn)

    # -- replies ------------------------------------------------------------------------------------------------------

    def start_reply(self, action: StartReply, group: asyncio.TaskGroup, counting: Counting) -> None:
        brain = self._guarding.guarded(action.reply, self._brain) if self._guarding else self._brain
        performance = counting.perform(action, brain, self._tell, self.mouth, self.retriever, self.accounts)
        task = self._replies[action.reply] = group.create_task(performance)
        task.add_done_callback(partial(self._forget_reply, action.reply))

    def stop_reply(self, number: int) -> None:
        if self._guarding is not None:
            self._guarding.stop(number)
        if number in self._replies:
            self._replies[number].cancel()

    def _forget_reply(self, number: int, _: asyncio.Task[None]) -> None:
        self._replies.pop(number, None)

    @property
    def replying(self) -> list[asyncio.Task[None]]:
        """The replies that are being made."""
        return list(self._replies.values())

    # -- sound --------------------------------------------------------------------------------------------------------

    def said(self, message: ServerMessage) -> None:
        """What the client is sent of the agent's sound: for the recording, for the ear, which may hear it too, and for
        the pace."""
        if (mouth := self.mouth) is None:
            return
        match message:
            case Audio(audio_base_64=audio):
                if self.recorder is not None:
                    self.recorder.agent_spoke(message, mouth.format.seconds(len(audio)), self._loop.time())
                if self.ear is not None:
                    self.ear.agent_spoke(audio)
            case Interruption():
                if self.recorder is not None:
                    self.recorder.agent_cut(self._loop.time())
                if self.ear is not None:
                    self.ear.agent_cut()
            case Ping(ping_ms=int(milliseconds)):
                mouth.pacing.round_trip(milliseconds / 1000)

    def hear(self, audio: bytes) -> None:
        """A piece of the user's sound. Only where there is an ear."""
        if self.ear is None:
            return
        samples = self.ear.hear(audio)
        if self.recorder is not None:
            self.recorder.user_spoke(samples.tobytes(), self._loop.time())

    # -- reliefs ------------------------------------------------------------------------------------------------------

    def switch_agent(self, relief: Relief) -> Coroutine[Any, Any, None] | None:
        """Another agent has the conversation; a mouth speaks on in the pace of the one before it. Gives what is still
        to be run for it, beside everything else."""
        setup = relief.setup
        self._brain, self._mouth_for, self.retriever = relief.brain, relief.mouth_for, relief.retriever
        if self.mouth is not None and relief.mouth is not None:
            self.mouth = replace(relief.mouth, pacing=self.mouth.pacing)
        if self._guarding is not None:
            self._guarding.dismiss()
        self._guarding = self._guard(relief.guarding)
        if setup.language != self.language:
            self._listen_in(setup.language)
        self.language = setup.language
        if self.recorder is not None and not setup.record_voice:
            self.recorder.discard()
            self.recorder = None
        return None if relief.retriever is None else relief.retriever.get_ready()

    def switch_language(self, language: str) -> None:
        """Speak and listen in it, as far as there is somebody who can; the others stay as they are."""
        self.language = language
        if self.mouth is not None and self._mouth_for is not None:
            mouth, troubles = self._mouth_for(language)
            if mouth is not None:
                self.mouth = replace(mouth, pacing=self.mouth.pacing)
            for trouble in troubles:
                self._warn(trouble)
        self._listen_in(language)

    def _listen_in(self, language: str) -> None:
        if self.ear is not None and not self.ear.switch_language(language):
            self._warn(f"Nobody here understands '{language}'; listening goes on as before")

    # -- the end ------------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Nobody thinks or listens any more; the replies have been cancelled before."""
        if self._guarding is not None:
            await self._guarding.aclose()
        if self.ear is not None:
            await self.ear.aclose()

    async def put_away_recording(self) -> tuple[bool, bool]:
        """Whether the recording, finished now, has sound of the user, and of the agent."""
        if self.recorder is None:
            return False, False
        await asyncio.to_thread(self.recorder.close)
        return self.recorder.has_user_audio, self.recorder.has_agent_audio
