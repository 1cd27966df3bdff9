"""The spans of a conversation: which belongs to which turn, when a turn leaves, and what they hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from parola.config import Settings
from parola.conversation.actions import Close, Record, Send, StartReply
from parola.conversation.events import Event, ModelFinished, ReplyAudio, ReplyFailed, ReplyText, SentenceStarted
from parola.conversation.setup import Setup
from parola.errors import ConversationRefused
from parola.protocol.server_messages import Interruption
from parola.providers.base import ModelRequest
from parola.providers.scripted import ScriptedModel
from parola.session.replying import Brain
from parola.session.tracing import Trace, Tracing, traced
from parola.tracing.context import TraceContext, current
from parola.tracing.spans import Span
from parola.tracing.tracer import Tracer
from tests.virtual_time import run

OWN = TraceContext("1" * 32, "2" * 16, is_own=True)
REQUEST = ModelRequest([{"role": "user", "content": "my number is 12"}], model="house")


class Call:
    """A conversation that is traced, on the loop's clock."""

    def __init__(self, *, content: bool = False) -> None:
        self.spans: list[Span] = []
        clock = asyncio.get_running_loop().time
        self.tracing = Tracing(OWN, "", self.spans.append, content=content, stt_model="ear", clock=clock)
        self.tracing.begins()
        self.told: list[Event] = []
        self._index = -1

    def user_says(self, text: str, started: float, stopped: float, **more: Any) -> None:
        """Their turn is over now."""
        now = asyncio.get_running_loop().time()
        self._index += 1
        times = {"speech_started_secs": started, "speech_stopped_secs": stopped, "closed_secs": now}
        turn = {"role": "user", "message": text, "x_timeline": times | {"transcribed_secs": stopped + 0.1}, **more}
        self.tracing.saw(Record(self._index, turn))
        self.tracing.saw(Record(self._index, turn))  # turns are kept more than once

    def replies(self, number: int, *steps: Event | float, request: ModelRequest | None = REQUEST) -> asyncio.Task[None]:
        async def perform(tell: Callable[[Event], None]) -> None:
            for step in steps:
                if isinstance(step, float):
                    await asyncio.sleep(step)
                else:
                    tell(step)

        brain = Brain(ScriptedModel(), "house-model")
        making = self.tracing.perform(StartReply(number, request), brain, perform, self.told.append)
        return asyncio.get_running_loop().create_task(making)

    def ends(self, cause: str = "client", status: str = "done") -> None:
        setup = Setup(conversation_id="conv_1", agent_id="agent_1", agent_name="Desk")
        self.tracing.ended(Close(1000, "", status, cause=cause), setup, {})

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


def answer(number: int, text: str) -> tuple[Event | float, ...]:
    return 0.2, ReplyText(number, text), ModelFinished(number, "house-model-7", 11, 3)


def test_an_answer_that_was_begun_before_the_turn_was_over_belongs_to_that_turn():
    async def story() -> None:
        call = Call()
        greeting = call.replies(1, SentenceStarted(1, "Hi"), 0.1, ReplyAudio(1, b"", 0.2), request=None)
        await asyncio.sleep(3)
        guess = call.replies(2, *answer(2, "Yes."), 3.0)
        await asyncio.sleep(0.5)
        call.user_says("Is it open?", started=2.0, stopped=2.8)
        assert [span.name for span in call.spans] == ["turn", "tts"], "the turn before leaves when the next begins"
        await asyncio.gather(greeting, guess)
        call.ends()
        first, second = call.named("turn")
        (chat,) = call.named("chat house-model")
        assert (chat.parent_id, call.named("tts")[0].parent_id) == (second.span_id, first.span_id)
        assert (second.start, second.end) == (2.0, 3.5) and (chat.start, chat.end) == (3.0, 3.2)
        assert chat.events == [("first_token", 3.2)] and chat.attributes["gen_ai.response.model"] == "house-model-7"
        root = call.spans[-1]
        assert (root.name, root.end, root.attributes["parola.turns"]) == ("invoke_agent Desk", 6.2, 2)
        assert len({span.span_id for span in call.spans}) == len(call.spans)

    run(story())


def test_a_reply_that_goes_on_keeps_its_turn_until_it_is_stopped():
    async def story() -> None:
        call = Call()
        call.user_says("Tell me a story", started=0.0, stopped=0.0)
        telling = call.replies(1, ReplyText(1, "Once"), SentenceStarted(1, "Once"), ReplyAudio(1, b"", 1.0), 60.0)
        await asyncio.sleep(2)
        call.tracing.saw(Send(Interruption(event_id=1)))
        call.user_says("Stop", started=1.5, stopped=1.9)
        assert call.spans == [], "its reply is still being made"
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        turn, *_ = call.spans
        assert turn.name == "turn" and turn.attributes["parola.interruptions"] == 1
        (chat,) = call.named("chat house-model")
        assert chat.attributes["parola.stopped"] is True and chat.error is None and chat.parent_id == turn.span_id
        call.ends()
        assert call.spans[-1].attributes["parola.interruptions"] == 1

    run(story())


def test_a_model_that_fails_and_a_tool_that_fails_are_errors_by_their_kind():
    async def story() -> None:
        call = Call()
        await call.replies(1, 0.5, ReplyFailed(1, "llm_error", "my number is 12"))
        result = {
            "request_id": "c1",
            "tool_name": "lookup",
            "type": "client",
            "tool_latency_secs": 0.25,
            "is_error": True,
        }
        result |= {"tool_has_been_called": True, "error_type": "my number is 12", "result_value": "my number is 12"}
        for _ in range(2):
            call.tracing.saw(Record(3, {"role": "agent", "tool_results": [result]}))
        call.ends(cause="llm_error", status="failed")
        (chat,) = call.named("chat house-model")
        (tool,) = call.named("execute_tool lookup")
        assert chat.error == chat.attributes["error.type"] == "llm_error"
        assert (tool.start, tool.end, tool.error) == (0.25, 0.5, "failed"), "what a client says is no kind of error"
        assert call.spans[-1].error == call.spans[-1].attributes["error.type"] == "llm_error"
        assert "12" not in repr([replace(span, span_id="", parent_id="") for span in call.spans])

    run(story())


def test_spans_hold_words_where_that_is_wanted():
    async def story() -> None:
        call = Call(content=True)
        call.user_says("Is it open?", started=0.0, stopped=0.0)
        await call.replies(1, *answer(1, "Yes."))
        call.ends()
        (chat,), (listening,) = call.named("chat house-model"), call.named("listening")
        assert listening.attributes["parola.user.text"] == "Is it open?"
        assert "my number is 12" in chat.attributes["gen_ai.input.messages"]
        said = '[{"role":"assistant","parts":[{"type":"text","content":"Yes."}]}]'
        assert chat.attributes["gen_ai.output.messages"] == said

    run(story())


def test_an_agent_whose_words_may_not_be_kept_takes_those_of_the_turn_with_it():
    async def story() -> None:
        call = Call(content=True)
        call.user_says("Is it open?", started=0.0, stopped=0.0)
        await call.replies(1, *answer(1, "Yes."))
        call.tracing.handed_over(content=True)
        call.user_says("My number is twelve", started=1.0, stopped=2.0)
        half = call.replies(2, 0.1, ReplyText(2, "Twelve, I see."), 5.0, *answer(2, "Twelve."))
        await asyncio.sleep(1)
        call.tracing.handed_over(content=False)
        await half
        call.tracing.handed_over(content=True)
        call.user_says("Twelve, as I said", started=9.0, stopped=9.0)
        await call.replies(
            3, *answer(3, "Twelve it is."), request=ModelRequest([{"role": "user", "content": "twelve"}])
        )
        call.ends()
        told = repr(call.spans).casefold()
        assert "is it open?" in told and "twelve" not in told

    run(story())


def test_a_tool_that_there_is_none_of_lends_its_name_to_no_span():
    async def story() -> None:
        call = Call()
        result = {"request_id": "c1", "tool_name": "tell_number_12", "type": "system", "tool_latency_secs": 0.0}
        result |= {"tool_has_been_called": False, "error_type": "unknown_tool", "is_error": True}
        call.tracing.saw(Record(1, {"role": "agent", "tool_results": [result]}))
        call.ends()
        (tool,) = call.named("execute_tool")
        assert tool.error == "unknown_tool" and "number" not in repr(call.spans)

    run(story())


@pytest.mark.parametrize(
    ("privacy", "keeps_words", "has_content"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"zero_retention_mode": True}, True, False),
        ({"conversation_history_redaction": {"enabled": True, "entities": ["email_address"]}}, True, False),
    ],
)
def test_what_may_not_be_kept_is_in_no_span(privacy: dict[str, Any], keeps_words: bool, has_content: bool):
    settings = Settings(otlp_endpoint="http://127.0.0.1:4318", otlp_content=True)
    tracer = Tracer(settings, None)  # type: ignore[arg-type]
    setup = Setup(conversation_id="conv_1", agent_id="agent_1", keeps_words=keeps_words)
    tracing = Trace(tracer, OWN, "", 0.0).of(setup, {"platform_settings": {"privacy": privacy}}, settings, "")
    assert tracing.content is has_content


def test_who_was_refused_is_one_span_and_who_is_not_sampled_none():
    async def story() -> None:
        told: list[Span] = []
        tracer = Tracer(Settings(otlp_endpoint="http://127.0.0.1:4318"), None, now=lambda: 7.0)  # type: ignore[arg-type]
        tracer.put = told.append  # type: ignore[method-assign]
        assert traced(tracer, None, 5.0) is None, "nobody has come"
        current.set(replace(OWN, is_sampled=False))
        assert traced(tracer, None, 5.0) is None
        current.set(OWN)
        trace = traced(tracer, TraceContext("1" * 32, "9" * 16), 5.0)
        assert trace is not None
        trace.refused("conv_1", "agent_1", ConversationRefused(3008, "too_many_concurrent_requests", "my number is 12"))
        (span,) = told
        assert (span.start, span.end, span.parent_id, span.error) == (5, 7, "9" * 16, "too_many_concurrent_requests")
        assert "12" not in repr(span.attributes)

    run(story())
