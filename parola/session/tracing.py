"""The spans of one conversation: looks on, decides nothing, and is not there when nobody collects traces.

Made from what is noted anyway: the turns as the record has them, and the facts that a reply tells while it is made. So
it costs a few calls for each turn, and nothing for each frame of sound. A turn's spans leave when the next turn of the
user has begun and all its replies are over.

Without ``content`` a span has ids, names of models and tools, numbers and times; never a word that was said, written,
or given to a tool.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from parola.config import Settings
from parola.conversation.actions import Action, Close, Record, Send, StartReply
from parola.conversation.events import (
    Event,
    KnowledgeRetrieved,
    ModelFinished,
    ReplyAudio,
    ReplyFailed,
    ReplyText,
    SentenceStarted,
)
from parola.conversation.setup import Setup
from parola.errors import ConversationRefused
from parola.metrics import TOOL_TYPES
from parola.privacy.policy import Policy
from parola.protocol.server_messages import Interruption
from parola.providers.base import ModelRequest
from parola.session.replying import Brain
from parola.tracing.context import TraceContext, current
from parola.tracing.spans import CLIENT, SERVER, Span, tokens
from parola.tracing.tracer import Tracer

Tell = Callable[[Event], None]
Perform = Callable[[Tell], Awaitable[None]]

ERROR_TYPES = frozenset(
    {
        *("client_timeout", "timeout", "customer_auth", "external_server", "unknown_tool", "invalid_arguments"),
        *("too_many_calls", "not_called", "no_transfer", "not_approved", "user_rejected", "approval_timeout"),
        *("interrupted", "not_answered", "no_mock", "invalid_tool", "telephony_agent_error", "address_refused"),
    }
)
"""Of tools, as spans tell them; a client may say anything."""


WORDS = frozenset(
    {
        *("parola.user.text", "gen_ai.input.messages", "gen_ai.output.messages"),
        *("gen_ai.tool.call.arguments", "gen_ai.tool.call.result"),
    }
)
"""Attributes that hold what somebody said."""


@dataclass(slots=True)
class _Turn:
    """The user's hold of the floor and the agent's answer."""

    number: int
    started_at: float
    ended_at: float
    spans: list[Span] = field(default_factory=list)
    running: int = 0
    """Replies of it that are being made."""
    is_over: bool = False
    interruptions: int = 0
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Reply:
    """One reply while it is made. Times are unix seconds."""

    number: int
    turn: _Turn
    started_at: float
    request: ModelRequest | None
    brain: Brain
    retrieved_at: float | None = None
    first_text_at: float | None = None
    finished: ModelFinished | None = None
    written_at: float | None = None
    sentence_at: float | None = None
    first_audio_at: float | None = None
    last_audio_at: float | None = None
    error_type: str | None = None
    text: list[str] = field(default_factory=list)
    """Only with ``content``."""


class Tracing:
    """Told every action of a conversation; ``put`` gets its spans."""

    def __init__(
        self,
        context: TraceContext,
        parent_id: str,
        put: Callable[[Span], None],
        *,
        content: bool = False,
        stt_model: str = "",
        accepted_at: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``context`` is the conversation's own span, ``parent_id`` the client's, empty where it brought none.
        ``content``: spans may hold what is said. ``accepted_at``: unix seconds when the client came."""
        self.context = context
        self._parent_id = parent_id
        self._put = put
        self.content = content
        """Spans hold what is said."""
        self._stt_model = stt_model
        self._clock = clock
        self._accepted_at = accepted_at
        self._zero = clock()
        """Where the record's seconds count from."""
        self._turns = 0
        """That were told."""
        self._turn = _Turn(1, self._zero, self._zero)
        self._replies: list[_Reply] = []
        """Those that are being made."""
        self._heard: set[int] = set()
        """Turns of the user that have been told."""
        self._results: set[str] = set()
        self._interruptions = 0

    # -- what is told -------------------------------------------------------------------------------------------------

    def begins(self) -> None:
        """The conversation begins now: its zero, as the record counts."""
        self._zero = self._clock()
        self._turn.started_at = self._turn.ended_at = self._zero

    def saw(self, action: Action) -> None:
        match action:
            case Send(message=Interruption()):
                self._interruptions += 1
                self._turn.interruptions += 1
            case Record(turn={"role": "user", "message": str()}):
                if action.index not in self._heard and "contextual_update_info" not in action.turn:
                    self._heard.add(action.index)
                    self._user_said(action.turn)
            case Record(turn={"role": "agent"}):
                self._tools_answered(action.turn)

    async def perform(self, action: StartReply, brain: Brain, perform: Perform, tell: Tell) -> None:
        """Make a reply, and its spans. Whoever is asked for it is told which span asks."""
        reply = _Reply(action.reply, self._turn, self._clock(), action.request, brain)
        reply.turn.running += 1
        self._replies.append(reply)
        current.set(self.context.child("reply", action.reply))

        def noted(event: Event) -> None:
            self._note(reply, event)
            tell(event)

        try:
            await perform(noted)
        finally:
            self._reply_is_over(reply)

    def handed_over(self, *, content: bool) -> None:
        """Another agent has the conversation; without ``content`` nothing that is said from now on may be in a span,
        and nothing of this turn. It stays so: what the agent after that one says may quote it."""
        if self.content and not content:
            self.content = False
            holders: list[_Turn | Span] = [self._turn, *self._turn.spans]
            for holder in holders:
                holder.attributes = {name: value for name, value in holder.attributes.items() if name not in WORDS}
            for reply in self._replies:
                reply.text.clear()

    def ended(self, close: Close, setup: Setup, charging: Mapping[str, Any]) -> None:
        """Everything that is left, and the span of the whole."""
        now = self._clock()
        self._turn.running = 0
        self._finish(self._turn)
        usage = (charging.get("llm_usage") or {}).get("initiated_generation") or {}
        self._put(
            Span(
                self.context.trace_id,
                self.context.span_id,
                self._parent_id,
                f"invoke_agent {setup.agent_name}" if setup.agent_name else "invoke_agent",
                self._accepted_at or self._zero,
                now,
                {
                    "gen_ai.operation.name": "invoke_agent",
                    "gen_ai.agent.id": setup.agent_id,
                    "gen_ai.agent.name": setup.agent_name,
                    "gen_ai.conversation.id": setup.conversation_id,
                    "parola.medium": "text" if setup.text_only else "voice",
                    "parola.language": setup.language,
                    "parola.turns": self._turns,
                    "parola.interruptions": self._interruptions,
                    "parola.close.code": close.code,
                    "parola.close.cause": close.cause,
                    "parola.status": close.status,
                    "error.type": close.cause if close.status == "failed" else None,
                    **tokens(usage),
                },
                kind=SERVER,
                error=close.cause if close.status == "failed" else None,
            )
        )

    # -- turns --------------------------------------------------------------------------------------------------------

    def _user_said(self, turn: Mapping[str, Any]) -> None:
        times: Mapping[str, Any] = turn.get("x_timeline") or {}
        now = self._clock()
        points = {name: self._zero + value for name, value in times.items() if name.endswith("_secs")}
        started_at = points.get("speech_started_secs", now)
        if not turn.get("ignored_as_backchannel"):
            self._next_turn(started_at, points.get("speech_stopped_secs", now))
            self._turn.attributes["parola.user.medium"] = turn.get("source_medium")
        own = self._turn
        own.ended_at = max(own.ended_at, now)
        if not times:
            if self.content:
                own.attributes["parola.user.text"] = turn.get("message")
            return
        stopped_at = points.get("speech_stopped_secs", started_at)
        closed_at = points.get("closed_secs", now)
        listening = self._below(own, "listening", started_at, closed_at, "listening", len(self._heard))
        listening.attributes = {
            "parola.closed_because": times.get("closed_because"),
            "parola.verdicts": len(times.get("verdicts") or ()),
            "parola.ignored_as_backchannel": turn.get("ignored_as_backchannel"),
            "parola.user.text": turn.get("message") if self.content else None,
        }
        listening.events = [("speech_stopped", stopped_at)]
        if (transcribed_at := points.get("transcribed_secs")) is not None:
            stt = self._below(own, "stt", stopped_at, transcribed_at, "stt", len(self._heard))
            stt.parent_id = listening.span_id
            stt.attributes = {"gen_ai.request.model": self._stt_model or None}

    def _next_turn(self, started_at: float, decided_from: float) -> None:
        """The user's turn begins another. A reply that was begun while it was not yet over belongs to it."""
        before, self._turn = self._turn, _Turn(self._turn.number + 1, started_at, started_at)
        moved = [reply for reply in self._replies if reply.turn is before and reply.started_at >= decided_from]
        for reply in moved:
            reply.turn = self._turn
        before.running -= len(moved)
        self._turn.running += len(moved)
        before.is_over = True
        if not before.running:
            self._finish(before)

    def _finish(self, turn: _Turn) -> None:
        """Give a turn away; one in which nothing happened is none."""
        if not turn.spans and not turn.attributes:
            return
        self._turns += 1
        spans, turn.spans = turn.spans, []
        own = Span(
            self.context.trace_id,
            self.context.child("turn", turn.number).span_id,
            self.context.span_id,
            "turn",
            min([turn.started_at, *(span.start for span in spans)]),
            max([turn.ended_at, *(span.end for span in spans)]),
            {
                "parola.turn": turn.number,
                "parola.interruptions": turn.interruptions or None,
                **turn.attributes,
            },
        )
        self._put(own)
        for span in spans:
            self._put(span)

    def _below(self, turn: _Turn, name: str, start: float, end: float, *ids: Any) -> Span:
        """A span below the turn's."""
        context = self.context.child(*ids)
        parent = self.context.child("turn", turn.number).span_id
        span = Span(context.trace_id, context.span_id, parent, name, start, end)
        turn.spans.append(span)
        turn.ended_at = max(turn.ended_at, end)
        return span

    # -- replies ------------------------------------------------------------------------------------------------------

    def _note(self, reply: _Reply, event: Event) -> None:
        match event:
            case ReplyAudio():
                reply.last_audio_at = self._clock()
                reply.first_audio_at = reply.first_audio_at or reply.last_audio_at
            case ReplyText(text=text):
                reply.first_text_at = reply.first_text_at or self._clock()
                if self.content:
                    reply.text.append(text)
            case SentenceStarted():
                reply.sentence_at = reply.sentence_at or self._clock()
            case KnowledgeRetrieved():
                reply.retrieved_at = self._clock()
            case ModelFinished():
                reply.finished, reply.written_at = event, self._clock()
            case ReplyFailed(error_type=error_type):
                reply.error_type = error_type

    def _reply_is_over(self, reply: _Reply) -> None:
        """However it ended: made, failed, or stopped."""
        self._replies.remove(reply)
        turn, now = reply.turn, self._clock()
        if reply.request is not None:
            asked_at = reply.retrieved_at or reply.started_at
            if reply.retrieved_at is not None:
                ids = "retrieval", reply.number
                retrieval = self._below(turn, "retrieval", reply.started_at, reply.retrieved_at, *ids)
                retrieval.attributes = {"gen_ai.operation.name": "retrieval"}
            self._model_answered(reply, reply.request, asked_at, reply.written_at or now)
        if reply.sentence_at is not None:
            tts = self._below(turn, "tts", reply.sentence_at, reply.last_audio_at or now, "tts", reply.number)
            tts.events = [("first_audio", reply.first_audio_at)] if reply.first_audio_at is not None else ()
            if reply.written_at is not None and reply.last_audio_at is None:
                tts.error = reply.error_type
                tts.attributes = {"error.type": reply.error_type}
        turn.running -= 1
        if turn.is_over and not turn.running:
            self._finish(turn)

    def _model_answered(self, reply: _Reply, request: ModelRequest, start: float, end: float) -> None:
        """A step of the model, by the conventions for generative AI."""
        finished = reply.finished
        model = reply.brain.name or request.model
        span = self._below(reply.turn, f"chat {model}".strip(), start, end, "reply", reply.number)
        span.kind = CLIENT
        if reply.first_text_at is not None:
            span.events = [("first_token", reply.first_text_at)]
        provider = reply.brain.model.name
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.system": provider,  # the older name of the next one, which collectors still look for
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model or None,
        }
        span.attributes = attributes
        if finished is None:
            span.error = reply.error_type
            attributes |= {"error.type": reply.error_type, "parola.stopped": reply.error_type is None or None}
            return
        attributes |= {
            "gen_ai.response.model": finished.model or None,
            "gen_ai.usage.input_tokens": finished.input_tokens,
            "gen_ai.usage.output_tokens": finished.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": (finished.usage.get("input_cache_read") or {}).get("tokens"),
            "parola.llm_override": finished.llm_override or None,
        }
        if self.content:
            attributes |= {
                "gen_ai.input.messages": _last_message(request),
                "gen_ai.output.messages": _message("assistant", "".join(reply.text)),
            }

    # -- tools --------------------------------------------------------------------------------------------------------

    def _tools_answered(self, turn: Mapping[str, Any]) -> None:
        results = turn.get("tool_results") or ()
        for result in results:
            if (call_id := str(result["request_id"])) in self._results:
                continue
            self._results.add(call_id)
            now = self._clock()
            # A tool that there is none of has a name of the model's own making: words, and ever new ones.
            name = None if result.get("error_type") == "unknown_tool" else str(result["tool_name"])
            started_at = now - float(result["tool_latency_secs"])
            named = "execute_tool" if name is None else f"execute_tool {name}"
            span = self._below(self._turn, named, started_at, now, "tool", call_id)
            kind = str(result["type"])
            attributes: dict[str, Any] = {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": name,
                "gen_ai.tool.call.id": call_id,
                "gen_ai.tool.type": "function",
                "parola.tool.type": kind if kind in TOOL_TYPES else "other",
                "parola.tool.was_called": bool(result["tool_has_been_called"]),
            }
            if result["is_error"]:
                error_type = result.get("error_type")
                span.error = error_type if error_type in ERROR_TYPES else "failed"
                attributes["error.type"] = span.error
            if self.content:
                asked = [one for one in turn.get("tool_calls") or () if one["request_id"] == call_id]
                attributes["gen_ai.tool.call.arguments"] = asked[0]["params_as_json"] if asked else None
                attributes["gen_ai.tool.call.result"] = result.get("result_value")
            span.attributes = attributes


@dataclass(frozen=True, slots=True)
class Trace:
    """A conversation that is traced, before it has begun."""

    tracer: Tracer
    context: TraceContext
    parent_id: str
    accepted_at: float

    def of(self, setup: Setup, agent: Mapping[str, Any], settings: Settings, stt_model: str) -> Tracing:
        """Its spans. They hold words only where the owner wants that, and the agent's privacy settings allow it."""
        policy = Policy.of(agent, settings)
        content = self.tracer.content and setup.keeps_words and policy.keeps_all
        return Tracing(
            self.context,
            self.parent_id,
            self.tracer.put,
            content=content,
            stt_model=stt_model,
            accepted_at=self.accepted_at,
        )

    def refused(self, conversation_id: str, agent_id: str, refusal: ConversationRefused) -> None:
        """It never began: one span."""
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.id": agent_id,
            "gen_ai.conversation.id": conversation_id,
            "parola.close.code": refusal.close_code,
            "parola.close.cause": refusal.error_type,
            "error.type": refusal.error_type,
        }
        own = self.context
        ids = own.trace_id, own.span_id, self.parent_id
        now, error = self.tracer.now(), refusal.error_type
        self.tracer.put(Span(*ids, "invoke_agent", self.accepted_at, now, attributes, kind=SERVER, error=error))


def traced(tracer: Tracer | None, parent: TraceContext | None, accepted_at: float) -> Trace | None:
    """The present conversation's trace; None when nobody collects it. ``parent`` is the client's span."""
    context = current.get()
    if tracer is None or context is None or not context.is_sampled:
        return None
    return Trace(tracer, context, "" if parent is None else parent.span_id, accepted_at)


def _last_message(request: ModelRequest) -> str | None:
    """What the model was asked last, in the conventions' shape; what came before is in the spans before."""
    if not request.messages:
        return None
    last = request.messages[-1]
    return _message(str(last.get("role")), str(last.get("content") or ""))


def _message(role: str, text: str) -> str:
    return orjson.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}]).decode()
