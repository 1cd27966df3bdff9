"""The agent's hold of the floor: one reply, or several with tools between them, and what the client gets of it.

All that a turn sends carries its event id, until it is cut. The Python SDK drops audio whose id is at most the
interruption's, the JavaScript client plays audio whose id is at least it: so an interruption carries the last id
sent, and whatever follows gets a higher one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from parola.conversation.actions import StopReply
from parola.conversation.events import (
    KnowledgeRetrieved,
    MetadataReturned,
    ModelFinished,
    ModelThinks,
    ReplyAudio,
    ReplyText,
    SentenceStarted,
)
from parola.conversation.outgoing import Outgoing
from parola.conversation.reply import Playback, Reply, broken_off
from parola.conversation.timeline import AgentTimeline
from parola.conversation.transcript import AgentEntry, Injected, Transcript
from parola.protocol.server_messages import (
    AgentChatResponsePart,
    AgentReasoningResponsePart,
    AgentResponse,
    AgentResponseComplete,
    AgentResponseCorrection,
    AgentResponseMetadata,
    Audio,
    AudioAlignment,
    ContextUsage,
    InternalTentativeAgentResponse,
    Interruption,
)
from parola.providers.base import Alignment


@dataclass(frozen=True, slots=True)
class Stage:
    """What the turns of one conversation share."""

    out: Outgoing
    transcript: Transcript
    playback: Playback
    text_only: bool
    streams_parts: bool
    """The client gets text as it is written."""
    shows_reasoning: bool = False
    """What the model thinks, or a summary of it, is sent and kept."""


class AgentTurn:
    """Facts of the current reply go in, in order; messages come out through ``Outgoing``."""

    __slots__ = (
        "_stage",
        "_usage",
        "answers_user",
        "event_id",
        "injected",
        "is_cut",
        "is_protected",
        "replies",
        "tool_rounds",
        "was_sent",
    )

    def __init__(
        self,
        stage: Stage,
        *,
        is_protected: bool = False,
        answers_user: bool = True,
        injected: Injected | None = None,
    ) -> None:
        self._stage = stage
        self._usage: ContextUsage | None = None
        self.event_id = stage.out.next_event_id()
        self.is_protected = is_protected
        """Nothing the user does cuts it."""
        self.answers_user = answers_user
        """False when the agent speaks because nobody else does."""
        self.injected = injected
        """Somebody else's words are said in it."""
        self.tool_rounds = 0
        """How often the model has called tools in it."""
        self.replies: list[Reply] = []
        self.was_sent = False
        """Something of it has reached the client."""
        self.is_cut = False

    @property
    def current(self) -> Reply | None:
        """The reply that is still being made."""
        if self.replies and not self.replies[-1].is_told:
            return self.replies[-1]
        return None

    @property
    def can_go_on(self) -> bool:
        """More may be sent under this turn's id: it was not cut, and nobody drew a higher one since."""
        return not self.is_cut and self.event_id == self._stage.out.last_event_id

    def begin_reply(
        self, number: int, now: float, times: AgentTimeline, *, is_verbatim: bool = False, is_filler: bool = False
    ) -> Reply:
        stage = self._stage
        times.is_unasked = not self.answers_user or (is_verbatim and not stage.transcript.has_user_spoken)
        entry = stage.transcript.add(
            AgentEntry("", self.event_id, now, times=times, is_filler=is_filler, injected=self.injected)
        )
        reply = Reply(number, entry, times, is_spoken=not stage.text_only, is_verbatim=is_verbatim)
        self.replies.append(reply)
        return reply

    def _entry(self, reply: Reply) -> AgentEntry:
        return self._stage.transcript.agent_entry(reply.entry)

    # -- facts of a reply ---------------------------------------------------------------------------------------------

    def take(self, reply: Reply, event: ReplyText | SentenceStarted | ReplyAudio, now: float, at: float) -> None:
        """Something of a reply, made at ``at``, may go on its way now."""
        match event:
            case ReplyText():
                self._text(reply, event, at)
            case SentenceStarted():
                self._sentence(reply, event, at)
            case ReplyAudio():
                self._audio(reply, event, now, at)

    def _text(self, reply: Reply, event: ReplyText, at: float) -> None:
        if reply.times.first_text_at is None:
            reply.times.first_text_at = at
        reply.write(event)
        if self._stage.streams_parts:
            if not reply.parts_started:
                reply.parts_started = True
                self._send_of(reply, AgentChatResponsePart(text="", type="start", event_id=self.event_id))
            self._send_of(reply, AgentChatResponsePart(text=event.text, type="delta", event_id=self.event_id))

    def _sentence(self, reply: Reply, event: SentenceStarted, at: float) -> None:
        if reply.times.first_sentence_at is None:
            reply.times.first_sentence_at = at
        reply.sentence(event)
        if not reply.is_written:
            draft = "".join(sentence.text for sentence in reply.sentences).strip()
            self._stage.out.send(InternalTentativeAgentResponse(tentative_agent_response=draft))

    def _audio(self, reply: Reply, event: ReplyAudio, now: float, at: float) -> None:
        if reply.times.first_audio_at is None:
            reply.times.first_audio_at = at
            reply.times.first_sent_at = now
        start = self._stage.playback.queue(now, event.seconds)
        reply.play(start, event.seconds, event.alignment)
        alignment = None if event.alignment is None else _milliseconds(event.alignment)
        self._send_of(reply, Audio(audio_base_64=event.audio, event_id=self.event_id, alignment=alignment))

    def retrieved(self, reply: Reply, event: KnowledgeRetrieved, at: float) -> None:
        """What the model is asked with, beside the conversation, was known at ``at``."""
        reply.times.retrieved_at = at
        self._entry(reply).retrieval = event.info
        if event.problem:
            self._stage.out.warn(event.problem)

    def thought(self, reply: Reply, event: ModelThinks) -> None:
        """The model thinks: some clients watch it."""
        if not event.text:
            return
        entry = self._entry(reply)
        entry.has_reasoned = True
        if self._stage.shows_reasoning:
            if not entry.reasoning:
                self._send_reasoning("start")
            self._send_reasoning("delta", event.text)
            entry.reasoning += event.text

    def _send_reasoning(self, kind: Literal["start", "delta", "stop"], text: str = "") -> None:
        self._stage.out.send(AgentReasoningResponsePart(text=text, type=kind, event_id=str(self.event_id)))

    def returned(self, event: MetadataReturned) -> None:
        self._stage.out.send(AgentResponseMetadata(metadata=dict(event.metadata), event_id=self.event_id))

    def model_finished(self, reply: Reply, event: ModelFinished) -> None:
        """All the words of this step are known: tell them."""
        entry = self._entry(reply)
        for warning in event.warnings:
            self._stage.out.warn(warning)
        if entry.reasoning:
            self._send_reasoning("stop")
        entry.usage, entry.llm_override = event.usage, event.llm_override
        entry.model = event.model
        entry.input_tokens, entry.output_tokens = event.input_tokens, event.output_tokens
        entry.used_document_ids = event.used_document_ids
        if event.context_limit:
            self._usage = ContextUsage(
                event_id=self.event_id,
                model=event.model,
                context_tokens=event.input_tokens + event.output_tokens,
                context_limit_tokens=event.context_limit,
            )
        self._write_down(reply)

    def _write_down(self, reply: Reply) -> None:
        """The text of a reply is complete: into the transcript, and to the client."""
        if reply.is_written:
            return
        reply.is_written = True
        entry = self._entry(reply)
        entry.text = reply.text.strip()
        entry.voices = reply.stretches
        entry.metrics |= reply.metrics()
        if reply.parts_started:
            self._send_of(reply, AgentChatResponsePart(text="", type="stop", event_id=self.event_id))
        if entry.is_worth_keeping:
            self._stage.out.record(reply.entry)
        if entry.text:
            self._send_of(reply, AgentResponse(agent_response=entry.text, event_id=self.event_id))

    def reply_finished(self, reply: Reply) -> None:
        reply.finish()
        self._write_down(reply)
        entry = self._entry(reply)
        if reply.times.first_audio_at is not None and entry.is_worth_keeping:
            entry.metrics |= reply.metrics()
            self._stage.out.record(reply.entry)

    def complete(self) -> None:
        """The agent has said all it wanted; what remains is playback. Of a turn that was cut nothing more is told."""
        if self.is_cut:
            return
        self._stage.out.send(AgentResponseComplete(event_id=self.event_id))
        if self._usage is not None:
            self._stage.out.send(self._usage)
            self._usage = None

    def _send_of(self, reply: Reply, message: AgentChatResponsePart | AgentResponse | Audio) -> None:
        reply.was_sent = self.was_sent = True
        self._stage.out.send(message)

    def swallow(self, reply: Reply) -> bool:
        """Nothing was to be said, and nothing has been sent yet: what the model wrote all the same is dropped. Says
        whether there was something to drop."""
        if reply.was_sent or not reply.text.strip():
            return False
        reply.text = ""
        reply.stretches.clear()
        reply.sentences.clear()
        self.stop()
        return True

    # -- cutting it ---------------------------------------------------------------------------------------------------

    def release(self, reply: Reply) -> None:
        """A reply of which nothing has come yet leaves the turn; it may come back."""
        self.replies.remove(reply)

    def heard(self, now: float) -> str:
        """What has reached the caller by now."""
        return " ".join(words for reply in self.replies if (words := reply.heard(now)))

    def stop(self) -> None:
        """End the current reply where it is. What nobody has got anything of was never said."""
        reply = self.current
        if reply is None:
            return
        if not reply.is_made:
            self._stage.out.ask(StopReply(reply.number))
        reply.is_told = True

    def cut(self, now: float, *, is_interruption: bool) -> str | None:
        """Stop, tell the client if the user took the floor, and set the record straight about what was heard. Gives
        back the words that were not; None when the model had not finished them."""
        reply = self.current
        is_unfinished = reply is not None and not reply.is_written
        heard_until = self._stage.playback.cut(now)
        heard = [one.heard(heard_until) for one in self.replies]
        self.stop()
        if reply is not None and is_unfinished and reply.was_sent:
            self._write_down(reply)
        if self.was_sent and is_interruption:
            self._stage.out.send(Interruption(event_id=self.event_id))
        for one, words in zip(self.replies, heard, strict=True):
            self._correct(one, words, now, is_unfinished=is_unfinished and one is reply)
        self.is_cut = True
        if is_unfinished:
            return None
        answers = [pair for pair in zip(self.replies, heard, strict=True) if not self._entry(pair[0]).is_filler]
        return " ".join(text for one, words in answers if (text := one.unheard(words)))

    def _correct(self, reply: Reply, heard: str, now: float, *, is_unfinished: bool) -> None:
        entry = self._entry(reply)
        if not entry.text or entry.is_interrupted:
            return
        if heard != entry.text:
            entry.heard = broken_off(heard)
        elif is_unfinished:
            entry.heard = heard
        else:
            return
        reply.times.interrupted_at = now
        self._stage.out.record(reply.entry)
        if heard != entry.text:
            self._stage.out.send(
                AgentResponseCorrection(
                    original_agent_response=entry.text,
                    corrected_agent_response=entry.heard or "...",
                    event_id=self.event_id,
                )
            )


def _milliseconds(alignment: Alignment) -> AudioAlignment:
    return AudioAlignment(
        chars=alignment.chars,
        char_start_times_ms=tuple(round(1000 * start) for start in alignment.starts),
        char_durations_ms=tuple(round(1000 * seconds) for seconds in alignment.durations),
    )
