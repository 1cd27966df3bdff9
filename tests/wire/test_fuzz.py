"""Ten thousand conversations that nobody would hold, in process and in no time; and some over a real socket.

Every sequence is made from its number, so that a failure can be run again alone: ``play(number)``.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import random
import time
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pytest
import structlog.testing
from websockets.exceptions import ConnectionClosed

from parola.app import create_app
from parola.config import ProviderSettings, Settings
from parola.providers.scripted_speech import encode_tones
from parola.store.base import AgentRow, ConversationChange, ConversationQuery
from parola.store.memory import MemoryStore
from tests.virtual_time import run
from tests.wire.frames import FrameChecker, RawClient, payload
from tests.wire.servers import ALLOWING, END_CALL, ServerProcess, agent, client_tool

SEQUENCES = 10_000
SOCKET_SEQUENCES = 200
CPU_SECONDS = 300.0

# -- the agents -------------------------------------------------------------------------------------------------------

_RULES = (
    {"when": "tool", "say": "One moment.", "call": {"tool": "ask", "arguments": {"city": "Bern"}}, "then": "Got it."},
    {"when": "both", "call": [{"tool": "ask"}, {"tool": "tell"}, {"tool": "ask"}], "then": "All done."},
    {"when": "again", "call": {"tool": "ask"}, "then": {"say": "More.", "call": {"tool": "tell"}, "then": "Enough."}},
    {"when": "strange", "call": {"tool": "nowhere"}, "then": "Never."},
    {"when": "bye", "say": "Goodbye.", "call": {"tool": "end_call", "arguments": {"reason": "done"}}},
    {"when": "leave", "call": {"tool": "end_call", "arguments": {"reason": "x", "message": "Take care."}}},
    {"when": "skip", "call": {"tool": "skip_turn", "arguments": {}}},
    {"when": "slow", "say": "One two three four five six seven.", "rate": 2, "delay": 1},
    {"when": "long", "say": "This is a sentence. " * 8},
    {"when": "stuck", "say": "Too late.", "delay": 60},
    {"when": "break", "fail": "The model is on fire."},
)
_TOOLS = (
    client_tool("ask", timeout=3, city="string"),
    client_tool("tell", expects_response=False),
    END_CALL,
    {"type": "system", "name": "skip_turn", "description": "", "params": {"system_tool_type": "skip_turn"}},
)


def _agents() -> dict[str, dict[str, Any]]:
    short = {"conversation": {"max_duration_seconds": 60}}
    text = {"conversation": {"text_only": True, "max_duration_seconds": 60}}
    impatient = {
        "turn": {"turn_timeout": 2, "silence_end_call_timeout": 9},
        "conversation": {"max_duration_seconds": 60},
    }
    listed = {"conversation": {"client_events": ["audio", "agent_response", "agent_chat_response_part", "vad_score"]}}
    farewell = {
        "agent": {
            "first_message": "Hello. How are you?",
            "max_conversation_duration_message": "Time is up.",
            "disable_first_message_interruptions": True,
            "prompt": agent(*_RULES, tools=_TOOLS)["conversation_config"]["agent"]["prompt"],
        },
        "conversation": {"max_duration_seconds": 60},
    }
    phone = {"asr": {"user_input_audio_format": "ulaw_8000"}, "tts": {"agent_output_audio_format": "ulaw_8000"}}
    return {
        "text": agent(*_RULES, tools=_TOOLS, config=text, platform=ALLOWING),
        "greeting": agent(*_RULES, tools=_TOOLS, config=text, first_message="Hello {{name}}."),
        "voice": agent(*_RULES, tools=_TOOLS, config=short, first_message="Hello.", platform=ALLOWING),
        "impatient": agent(*_RULES, tools=_TOOLS, config=impatient),
        "listed": agent(*_RULES, tools=_TOOLS, config=listed),
        "farewell": agent(*_RULES, tools=_TOOLS, config=farewell),
        "phone": agent(*_RULES, tools=_TOOLS, config={**phone, **short}),
        "private": agent(platform={"auth": {"enable_auth": True}}),
    }


AGENTS = _agents()
WEIGHTS = {"text": 10, "greeting": 4, "voice": 5, "impatient": 2, "listed": 2, "farewell": 2, "phone": 2, "private": 1}
WORDS = ("hello", "tool", "both", "again", "strange", "bye", "leave", "skip", "slow", "long", "stuck", "break", "")


# -- what a client may send -------------------------------------------------------------------------------------------


@cache
def _speech() -> tuple[bytes, ...]:
    """Audio, 16 kHz: words in tones, silence, noise, half a sample."""
    noise = np.random.default_rng(0).integers(-20000, 20000, 4000).astype("<i2").tobytes()
    words = [encode_tones(text, 0.03, 16000)[0].tobytes() + bytes(12800) for text in ("tool", "hello", "slow")]
    return (*words, bytes(8000), bytes(801), noise, b"", b"\x01")


JUNK: tuple[Any, ...] = (None, True, 0, -1, 1.5, 1e300, 2**70, "", "x", "\u0000", [], [[]], {}, {"a": {"b": None}})


def _valid(rng: random.Random, heard: FrameChecker) -> dict[str, Any]:
    """A frame as a good client would send it, about what it has heard."""
    calls = [payload(frame)["tool_call_id"] for frame in heard.frames if frame["type"] == "client_tool_call"]
    ids = [payload(frame).get("event_id", 1) for frame in heard.frames] or [1]
    match rng.randrange(16):
        case 0 | 1 | 2 | 3:
            return {"type": "user_message", "text": rng.choice(WORDS)}
        case 4 | 5 | 6:
            return {"user_audio_chunk": base64.b64encode(rng.choice(_speech())).decode()}
        case 7 | 8:
            return {
                "type": "client_tool_result",
                "tool_call_id": rng.choice(calls) if calls else "none",
                "result": rng.choice(JUNK),
                "is_error": rng.random() < 0.3,
            }
        case 9:
            return {"type": "pong", "event_id": rng.choice(ids)}
        case 10:
            return {"type": "feedback", "event_id": rng.choice(ids), "score": rng.choice(("like", "dislike", None))}
        case 11:
            return {"type": "contextual_update", "text": "It rains.", "context_id": rng.choice((None, "a", "b"))}
        case 12:
            return {"type": "user_activity"}
        case 13:
            files = [{"type": "file_input", "file_id": "file_none"}] * rng.randrange(3)
            return {"type": "multimodal_message", "text": {"type": "user_message", "text": "look"}, "files": files}
        case 14:
            return {"type": "mcp_tool_approval_result", "tool_call_id": "x", "is_approved": True}
        case _:
            return {
                "type": rng.choice(("weather_report", "enclave_setup_config", "conversation_initiation_client_data"))
            }


def _broken(rng: random.Random, frame: dict[str, Any]) -> str | bytes:
    """The same frame, hurt."""
    name = rng.choice(list(frame))
    match rng.randrange(7):
        case 0:
            frame[name] = rng.choice(JUNK)
        case 1:
            del frame[name]
        case 2:
            frame[rng.choice(("type", "text", "event_id", "extra"))] = rng.choice(JUNK)
        case 3:
            text = json.dumps(frame)
            return text[: rng.randrange(len(text))]
        case 4:
            return json.dumps(rng.choice(JUNK))
        case 5:
            return rng.randbytes(rng.randrange(20))
        case _:
            return json.dumps({"user_audio_chunk": rng.choice(("A", "!!", "====", "AAA\n", "A" * 101))})
    return json.dumps(frame)


def _beginning(rng: random.Random) -> dict[str, Any]:
    """The first frame, mostly a good one."""
    init: dict[str, Any] = {"type": "conversation_initiation_client_data", "dynamic_variables": {"name": "Ann"}}
    if rng.random() < 0.3:
        init["conversation_config_override"] = rng.choice(
            (
                {"text_only": True},
                {"agent": {}, "tts": {}, "conversation": {"text_only": rng.random() < 0.5}},
                {"agent": {"first_message": "Hi {{name}}.", "language": rng.choice(("en", "de", 5))}},
                {"agent": {"prompt": {"prompt": rng.choice(JUNK)}}},
                {"conversation": {"client_events": rng.choice((["audio", "agent_response"], [], "audio", 5))}},
            )
        )
    if rng.random() < 0.1:
        init[rng.choice(("dynamic_variables", "user_id", "source_info", "custom_llm_extra_body"))] = rng.choice(JUNK)
    return init


# -- playing a sequence -----------------------------------------------------------------------------------------------


@dataclass
class Client:
    """Both ends of one ASGI WebSocket: a script of frames in, everything sent checked."""

    rng: random.Random
    checker: FrameChecker = field(default_factory=FrameChecker)
    closes: int = 0
    _left: int = 0
    _is_first: bool = True

    def __post_init__(self) -> None:
        self._left = self.rng.randrange(11)
        self._pause = self.rng.choice((0.0, 0.05, 1.0, 6.0))
        self._stays = self.rng.random() < 0.3
        self._hurts = self.rng.choice((0.0, 0.0, 0.1, 0.5))
        self._connected = False
        self._closed = asyncio.Event()

    async def receive(self) -> MutableMapping[str, Any]:
        if not self._connected:
            self._connected = True
            return {"type": "websocket.connect"}
        if self._left == 0:
            if self._stays:
                await self._closed.wait()
            return {"type": "websocket.disconnect", "code": self.rng.choice((1000, 1001, 1005, 1006))}
        self._left -= 1
        await asyncio.sleep(self._pause * self.rng.random())
        return {"type": "websocket.receive", **self._frame()}

    def _frame(self) -> dict[str, Any]:
        is_first, self._is_first = self._is_first, False
        frame = _beginning(self.rng) if is_first and self.rng.random() < 0.9 else _valid(self.rng, self.checker)
        sent = _broken(self.rng, frame) if self.rng.random() < self._hurts else json.dumps(frame)
        return {"bytes": sent} if isinstance(sent, bytes) else {"text": sent}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        match message["type"]:
            case "websocket.send":
                self.checker.text(message["text"])
                if self.rng.random() < 0.05:
                    await asyncio.sleep(0.02 * self.rng.random())  # a client that is slow to read
            case "websocket.close":
                self.closes += 1
                self.checker.closed(message["code"], message["reason"])
                self._closed.set()


class Fuzz:
    """The server in memory, and what it did wrong."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.store = MemoryStore()
        settings = Settings(
            ephemeral=True,
            record_audio=False,
            # They take their time, so that something is under way when a conversation ends.
            stt={"default": ProviderSettings("scripted", options={"delay": 0.4})},
            tts={"default": ProviderSettings("scripted", options={"delay": 0.1})},
        )
        app = create_app(settings, store=self.store)
        self._socket = next(route.endpoint for route in app.routes if getattr(route, "name", "") == "conversation")
        self._endings: list[str] = []
        self._write = self.store.conversations.write
        self.store.conversations.write = self._watched_write  # type: ignore[method-assign]

    async def open(self) -> None:
        await self.store.open()
        for name, document in AGENTS.items():
            await self.store.agents.put(AgentRow(name, name, document, 0.0, 0.0))
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.problems.append(str(context)))
        await self.play(0)  # loads what is loaded once
        self._idle = asyncio.all_tasks()

    async def play(self, number: int) -> None:
        """One sequence, from the connection to the record."""
        rng = random.Random(number)
        client = Client(rng)
        name = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        query = rng.choice((f"agent_id={name}",) * 30 + ("", "agent_id=nobody", f"agent_id={name}&token=x"))
        scope = {"type": "websocket", "query_string": query.encode(), "headers": [], "subprotocols": ["convai"]}
        with structlog.testing.capture_logs() as logs:
            async with asyncio.timeout(3600):
                await self._socket(scope, client.receive, client.send)
        self._check(number, client, logs)
        await self._check_record(number, client)

    def _check(self, number: int, client: Client, logs: list[Any]) -> None:
        problems = [*client.checker.problems]
        problems += [str(line) for line in logs if line["log_level"] in ("error", "critical")]
        problems += [f"{client.closes} closes"] if client.closes > 1 else []
        if hasattr(self, "_idle"):
            problems += [f"left running: {task}" for task in asyncio.all_tasks() - self._idle]
        self.problems += [f"{number}: {problem}" for problem in problems]

    async def _check_record(self, number: int, client: Client) -> None:
        rows = (await self.store.conversations.page(ConversationQuery(), page_size=10)).items
        began = [payload(f)["conversation_id"] for f in client.checker.frames[:1]]
        problems = []
        if len(rows) > 1 or (began and [row.conversation_id for row in rows] != began):
            problems.append(f"kept {len(rows)} conversations, told of {began}")
        for row in rows:
            if row.status not in ("done", "failed") or not row.termination_reason or row.ended_at is None:
                problems.append(f"ended as {row.status}: {row.termination_reason!r}")
            if began and self._endings != [row.status]:
                problems.append(f"ended {len(self._endings)} times")
            turns = await self.store.conversations.turns(row.conversation_id)
            problems += _missing_words(client.checker, turns)
            await self.store.conversations.delete(row.conversation_id)
        self._endings.clear()
        self.problems += [f"{number}: {problem}" for problem in problems]

    async def _watched_write(self, conversation_id: str, change: ConversationChange) -> None:
        if change.status is not None:
            self._endings.append(change.status)
        elif self._endings:
            self.problems.append(f"written after the end: {change}")
        await self._write(conversation_id, change)


def _missing_words(checker: FrameChecker, turns: Any) -> list[str]:
    """What the client was told the agent said must be in the record, in order."""
    told = [payload(frame)["agent_response"] for frame in checker.frames if frame["type"] == "agent_response"]
    kept = [turn.get("original_message") or turn["message"] for turn in turns if turn["role"] == "agent"]
    kept = [message for message in kept if message]
    return [] if told == kept or told == kept[: len(told)] else [f"told {told}, kept {kept}"]


def test_ten_thousand_conversations_are_each_ended_well():
    async def all_of_them() -> list[str]:
        fuzz = Fuzz()
        await fuzz.open()
        for number in range(SEQUENCES):
            await fuzz.play(number)
            if len(fuzz.problems) > 20:
                break
        return fuzz.problems

    began = time.process_time()
    problems = run(all_of_them())
    assert not problems, "\n".join(problems[:20])
    assert time.process_time() - began < CPU_SECONDS


# -- over a real socket -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fuzzed(scripted_speech: list[str]) -> Iterator[tuple[ServerProcess, dict[str, str]]]:
    """A server of its own, whose log must stay clean."""
    with ServerProcess("--ephemeral", *scripted_speech) as server:
        yield server, {name: server.create_agent(document) for name, document in AGENTS.items()}


async def _call(server: ServerProcess, agents: dict[str, str], number: int) -> str | None:
    """One sequence over the wire; the id of the conversation it began."""
    rng = random.Random(1_000_000 + number)
    name = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    hurts = rng.choice((0.0, 0.0, 0.1, 0.5))
    async with RawClient(server.socket_of(agents[name])) as client:
        with contextlib.suppress(ConnectionClosed):
            for position in range(1 + rng.randrange(14)):
                frame = _beginning(rng) if position == 0 else _valid(rng, client.checker)
                await client.send(_broken(rng, frame) if rng.random() < hurts else frame)
                if rng.random() < 0.3:
                    await client.socket.ping()
        if rng.random() < 0.3:
            client.socket.transport.abort()
    return next((payload(f)["conversation_id"] for f in client.frames[:1]), None)


async def test_random_conversations_over_the_wire_are_ended_well_too(fuzzed):
    server, agents = fuzzed
    at_once = asyncio.Semaphore(10)

    async def one(number: int) -> str | None:
        async with at_once:
            return await _call(server, agents, number)

    ids = await asyncio.gather(*(one(number) for number in range(SOCKET_SEQUENCES)))
    for conversation_id in filter(None, ids):
        record = await asyncio.to_thread(server.ended_record, conversation_id)
        assert record["metadata"]["termination_reason"]
    bad = [line for line in server.log.splitlines() if "level=error" in line or "Traceback" in line]
    assert not bad, bad[:5]
