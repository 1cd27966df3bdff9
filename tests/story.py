"""Conversations told as stories: who does what, and what comes of it.

A story plays both the caller and the driver, calls ``handle`` and ``wake`` and nothing else, and checks after every
step what must hold in any conversation: each message has the shape it promises, ids never go back, nothing is heard
after it was cut, the times in the record add up, the last action is the only ``Close``::

    story = Story().connects().asks("Read me the menu").agent_says("soup, fish, bread, cake", seconds=4)
    story.wait(2).caller_speaks()
    assert story.latest == [Interruption(event_id=2), AgentResponseCorrection(...)]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Self

import jsonschema_rs
import orjson

from parola.conversation.actions import Action, Close, Record, RunTool, Send, Show, StartReply, StopReply, Warn
from parola.conversation.conversation import Conversation
from parola.conversation.events import (
    ClientDisconnected,
    ClientResumed,
    Event,
    ModelFinished,
    ReplyAudio,
    ReplyFinished,
    ReplyText,
    SentenceStarted,
    SpeechStarted,
    SpeechStopped,
    Started,
    ToolCalled,
    ToolFinished,
    TranscriptUpdated,
)
from parola.conversation.setup import Setup
from parola.conversation.tool_results import ARE_DATA
from parola.conversation.tools import InterruptionMode, Tool
from parola.protocol.client_messages import ClientToolResult, UserMessage
from parola.protocol.messages import ServerMessage
from parola.protocol.server_messages import (
    AgentToolRequest,
    AgentToolResponse,
    AgentToolResponseFullPayload,
    Audio,
    ClientEventFilter,
    ClientToolCall,
    ConversationInitiationMetadata,
    Interruption,
    Ping,
    ToolType,
)
from parola.providers.base import Alignment, ToolDefinition
from tests.timelines import adds_up

SPEECH_SECONDS = 1.0
"""How long a caller speaks when a story does not say."""

PIECE_SECONDS = 0.25
"""Length of one chunk of audio."""

BARGE_IN_SECONDS = 0.2


def client_tool(
    name: str,
    *,
    expects_response: bool = True,
    timeout: float = 20.0,
    interruption: InterruptionMode = "allow",
    parameters: Mapping[str, Any] | None = None,
    **config: Any,
) -> Tool:
    return replace(
        server_tool(name, timeout=timeout, interruption=interruption, parameters=parameters, **config),
        type="client",
        expects_response=expects_response,
    )


def server_tool(
    name: str,
    kind: ToolType = "webhook",
    *,
    timeout: float = 20.0,
    interruption: InterruptionMode = "allow",
    parameters: Mapping[str, Any] | None = None,
    **config: Any,
) -> Tool:
    """A tool that the session runs; ``config`` is what the agent's document says of it."""
    definition = ToolDefinition(name, f"{name}, for a story", parameters or {"type": "object", "properties": {}})
    return Tool(definition, kind, True, timeout, interruption, config={"type": kind, "name": name, **config})


def system_tool(name: str, *, languages: tuple[str, ...] = ()) -> Tool:
    definition = ToolDefinition(name, f"{name}, built in", {"type": "object", "properties": {}})
    return Tool(definition, "system", languages=languages)


class Story:
    """One conversation. Every method that does something returns the story, so that steps chain."""

    def __init__(self, *, tools: Sequence[Tool] = (), client_events: Sequence[str] | None = None, **setup: Any) -> None:
        text_only = bool(setup.get("text_only"))
        self.setup = Setup(
            conversation_id="conv_story",
            agent_id="agent_story",
            tools={tool.name: tool for tool in tools},
            events=ClientEventFilter(list(client_events) if client_events else None, text_only=text_only),
            **setup,
        )
        self.now = 100.0
        self.conversation = Conversation(self.setup, self.now)
        self.actions: list[Action] = []
        self.step: list[Action] = []
        """What the last step brought."""
        self._checks = Checks()

    # -- what came of it ----------------------------------------------------------------------------------------------

    @property
    def sent(self) -> list[ServerMessage]:
        """Everything the client got, pings included."""
        return [action.message for action in self.actions if isinstance(action, Send)]

    @property
    def latest(self) -> list[ServerMessage]:
        """What the client got in the last step, pings and audio aside."""
        messages = [action.message for action in self.step if isinstance(action, Send)]
        return [message for message in messages if not isinstance(message, Ping | Audio)]

    @property
    def effects(self) -> list[Action]:
        """What the last step brought, apart from what only those who watch see."""
        return [action for action in self.step if not isinstance(action, Show)]

    def sent_of(self, *kinds: type[ServerMessage]) -> list[ServerMessage]:
        return [message for message in self.sent if isinstance(message, kinds)]

    @property
    def record(self) -> list[Mapping[str, Any]]:
        """The stored transcript, in order."""
        turns = {action.index: action.turn for action in self.actions if isinstance(action, Record)}
        return [turns[index] for index in sorted(turns)]

    @property
    def told(self) -> list[tuple[str, str | None]]:
        """The stored transcript as (role, message)."""
        return [(turn["role"], turn["message"]) for turn in self.record]

    @property
    def warnings(self) -> list[str]:
        return [action.message for action in self.actions if isinstance(action, Warn)]

    @property
    def replies(self) -> list[StartReply]:
        return [action for action in self.actions if isinstance(action, StartReply)]

    @property
    def reply(self) -> int:
        """The number of the reply that is being made."""
        assert self.replies, "the agent has nothing to say"
        return self.replies[-1].reply

    @property
    def runs(self) -> list[RunTool]:
        """The tools that the session was asked to run."""
        return [action for action in self.actions if isinstance(action, RunTool)]

    def result_of(self, call_id: str, result: Any) -> ClientToolResult:
        return ClientToolResult(tool_call_id=call_id, result=result)

    def stopped_reply(self, number: int) -> bool:
        return StopReply(number) in self.actions

    @property
    def messages(self) -> list[Mapping[str, Any]]:
        """What the model was last asked with, the system prompt aside."""
        request = self.replies[-1].request
        assert request is not None, "the last reply was verbatim"
        messages = list(request.messages)
        return messages[1:] if messages and messages[0]["content"] in self._system_prompts else messages

    @property
    def _system_prompts(self) -> tuple[str, ...]:
        """The agent's own, and with what is said of tools."""
        return (self.setup.prompt, "\n\n".join(filter(None, (self.setup.prompt, ARE_DATA))))

    def asked_llm_with(self, *words: str) -> bool:
        """The user's messages of the last request, all of them."""
        return [m["content"] for m in self.messages if m["role"] == "user"] == list(words)

    @property
    def tool_results(self) -> dict[str, str]:
        """Result by tool name, as the model last read them."""
        names = {
            call["id"]: call["function"]["name"] for message in self.messages for call in message.get("tool_calls", ())
        }
        return {names[m["tool_call_id"]]: m["content"] for m in self.messages if m["role"] == "tool"}

    @property
    def close(self) -> Close | None:
        last = self.actions[-1] if self.actions else None
        return last if isinstance(last, Close) else None

    @property
    def phase(self) -> str:
        return self.conversation.phase.value

    def call_id(self, name: str) -> str:
        """The id of the last call of a tool."""
        calls = [m for m in self.sent if isinstance(m, AgentToolRequest | ClientToolCall)]
        ids = [call.tool_call_id for call in calls if call.tool_name == name]
        assert ids, f"{name} was not called"
        return ids[-1]

    # -- time ---------------------------------------------------------------------------------------------------------

    def tell(self, *events: Event) -> Self:
        """These things happen, now and at once: one step."""
        self.step = []
        for event in events:
            self._take(self.conversation.handle(event, self.now))
        return self

    def wait(self, seconds: float) -> Self:
        """Time passes; the conversation is woken whenever it asked to be: one step."""
        self.step = []
        until = round(self.now + seconds, 6)
        while (deadline := self.conversation.next_deadline) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self._take(self.conversation.wake(self.now))
        self.now = until
        return self

    def _take(self, actions: list[Action]) -> None:
        self._checks.step(actions, self.conversation)
        self.actions += actions
        self.step += actions

    # -- the caller ---------------------------------------------------------------------------------------------------

    def connects(self) -> Self:
        return self.tell(Started())

    def loses_connection(self, code: int = 1006, reason: str = "") -> Self:
        return self.tell(ClientDisconnected(code, reason))

    def comes_back(self) -> Self:
        return self.tell(ClientResumed())

    def hangs_up(self, code: int = 1000, reason: str = "") -> Self:
        return self.tell(ClientDisconnected(code, reason))

    def asks(self, words: str, seconds: float = SPEECH_SECONDS) -> Self:
        """The caller says something, and is silent until the turn is over."""
        self.begins_to_speak().wait(seconds).falls_silent(words)
        return self.wait(self.setup.patience.silence)

    says = asks

    def begins_to_speak(self) -> Self:
        return self.tell(SpeechStarted(self.now))

    def falls_silent(self, words: str | None = None) -> Self:
        """The caller pauses; ``words`` are what the turn has been so far, None when that is not known yet."""
        heard = () if words is None else (TranscriptUpdated(words),)
        return self.tell(SpeechStopped(self.now), *heard)

    def transcribed(self, words: str) -> Self:
        return self.tell(TranscriptUpdated(words))

    def caller_speaks(self) -> Self:
        """The caller speaks up, for long enough to mean it."""
        self.begins_to_speak()
        return self.wait(BARGE_IN_SECONDS)

    def types(self, text: str | None) -> Self:
        return self.tell(UserMessage(text=text))

    def client_answers(self, name: str, result: Any, *, is_error: bool = False, error_type: str | None = None) -> Self:
        """The client's result for the last call of a tool."""
        call_id = self.call_id(name)
        return self.tell(
            ClientToolResult(tool_call_id=call_id, result=result, is_error=is_error, error_type=error_type)
        )

    def tool_finishes(self, name: str, result: str = "", **facts: Any) -> Self:
        """The session's result for the last call of a tool it runs."""
        return self.tell(ToolFinished(self.call_id(name), result, **facts))

    # -- the agent, performed as the driver would ---------------------------------------------------------------------

    def thinking(self) -> Self:
        assert self.phase == "thinking"
        return self

    def agent_says(self, text: str | None = None, *, seconds: float = 1.0, alignment: bool = False) -> Self:
        """The reply is made and sent at once; playing it takes ``seconds``. Without text: the verbatim words."""
        return self.tell(*self._spoken(text, seconds, alignment), ReplyFinished(self.reply))

    def agent_begins_to_say(self, text: str, *, seconds: float) -> Self:
        """The first sentence has been sent; the model is still writing the next."""
        sentence = [SentenceStarted(self.reply, text), *self._audio(text, seconds, alignment=False)]
        return self.tell(ReplyText(self.reply, text), *([] if self.setup.text_only else sentence))

    def agent_calls(self, *calls: str | tuple[str, Mapping[str, Any]], saying: str = "", seconds: float = 1.0) -> Self:
        """The model's step ends with these tool calls, after words if there are any."""
        named = [(call, {}) if isinstance(call, str) else call for call in calls]
        announced = self.replies[-1].announcements
        saying = saying or next((announced[name] for name, _ in named if name in announced), "")
        wishes = [ToolCalled(self.reply, name, arguments) for name, arguments in named]
        words = self._spoken(saying, seconds, alignment=False) if saying else [ModelFinished(self.reply)]
        at = next(index for index, event in enumerate(words) if isinstance(event, ModelFinished))
        return self.tell(*words[:at], *wishes, *words[at:], ReplyFinished(self.reply))

    def _spoken(self, text: str | None, seconds: float, alignment: bool) -> list[Event]:
        reply = self.replies[-1]
        said = reply.verbatim if text is None else text
        assert said, "a story says what the model writes"
        words: list[Event] = [ReplyText(self.reply, said), ModelFinished(self.reply)]
        if not self.setup.text_only:
            words += [SentenceStarted(self.reply, said), *self._audio(said, seconds, alignment)]
        return words

    def _audio(self, text: str, seconds: float, alignment: bool) -> list[Event]:
        """Chunks of a voice that speaks evenly."""
        chunks: list[Event] = []
        start = 0.0
        while start < seconds:
            length = min(PIECE_SECONDS, seconds - start)
            chars = [(c, seconds * i / len(text) - start) for i, c in enumerate(text)]
            inside = [(c, at) for c, at in chars if 0 <= at < length]
            timing = Alignment(
                tuple(c for c, _ in inside), tuple(at for _, at in inside), (seconds / len(text),) * len(inside)
            )
            chunks.append(ReplyAudio(self.reply, b"\x00\x00" * 8, length, timing if alignment else None))
            start += length
        return chunks


class Checks:
    """What holds after every step of every conversation."""

    def __init__(self) -> None:
        self._is_started = False
        self._is_closed = False
        self._last_id = 0
        self._asked: set[str] = set()
        self._cut_at_id = 0

    def step(self, actions: list[Action], conversation: Conversation) -> None:
        self.messages(actions)
        if self._is_closed:
            assert conversation.phase.value == "ended" and conversation.next_deadline is None
        else:
            assert conversation.phase.value != "ended"
            assert not self._is_started or conversation.next_deadline is not None, "it would never wake again"

    def messages(self, actions: list[Action]) -> None:
        for action in actions:
            assert not self._is_closed, f"after Close: {action}"
            match action:
                case Send(message=message):
                    self._message(message)
                case Record(turn=turn):
                    adds_up(turn)
                case Close():
                    self._is_closed = True
                    assert len(action.reason.encode()) <= 123

    def _message(self, message: ServerMessage) -> None:
        frame = message.wire()
        problems = [f"{error.instance_path}: {error.message}" for error in _validator(type(message)).iter_errors(frame)]
        assert not problems, f"{frame}: {problems}"
        assert orjson.loads(message.encode()) == frame
        assert isinstance(message, ConversationInitiationMetadata) != self._is_started, f"first, and once: {message}"
        self._is_started = True
        # Pings count on their own; what a tool gave belongs to the call and has the id of its request.
        if isinstance(message, Ping | AgentToolResponse | AgentToolResponseFullPayload):
            return
        event_id = getattr(message, "event_id", None)
        if event_id is None:
            return
        if isinstance(message, ClientToolCall):
            if message.tool_call_id in self._asked:
                return  # once more, for a client that has come back
            self._asked.add(message.tool_call_id)
        event_id = int(event_id)  # a text in agent_reasoning_response_part, and nowhere else
        assert event_id >= self._last_id, f"ids go up: {message} after {self._last_id}"
        self._last_id = event_id
        if isinstance(message, Interruption):
            self._cut_at_id = event_id
        if isinstance(message, Audio):
            assert event_id > self._cut_at_id, f"{message} was cut"


@cache
def _validator(message: type[ServerMessage]) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(message.wire_schema())
