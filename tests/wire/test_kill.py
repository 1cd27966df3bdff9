"""What a client has seen survives a power cut: the server is killed in the middle of conversations, and asked again.

Fifty times: several clients talk, the process gets SIGKILL at some moment, a new one opens the same folder, and every
conversation must be there, ended, with all that was seen, once and in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.wire.frames import RawClient, payload
from tests.wire.servers import ServerProcess, agent, client_tool

CYCLES = 50
CALLS = 6
LONGEST_SECONDS = 0.35
"""Once everybody talks, the kill comes at a random moment before this."""

TEXT_ONLY = {"conversation_config_override": {"conversation": {"text_only": True}}}


@dataclass
class Seen:
    """What one client knows of its conversation."""

    began: asyncio.Event = field(default_factory=asyncio.Event)
    conversation_id: str = ""
    answered: list[str] = field(default_factory=list)
    """Its own messages to which an answer came."""
    replies: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    """Its tool results that the server has confirmed."""


async def _talk(url: str, caller: int, seen: Seen) -> None:
    """Say one thing after the other until the line is dead."""
    async with RawClient(url, open_timeout=30) as client:
        with contextlib.suppress(ConnectionClosed, AssertionError):
            seen.conversation_id = (await client.begin(**TEXT_ONLY))["conversation_id"]
            seen.began.set()
            for number in range(10_000):
                text = f"{'tool' if number % 3 == caller % 3 else 'message'} {caller} {number}"
                await client.say(text)
                if text.startswith("tool"):
                    call = await client.next("client_tool_call")
                    result = {"type": "client_tool_result", "tool_call_id": call["tool_call_id"], "result": text}
                    await client.send(result)
                    await client.next("agent_tool_response")
                await client.next("agent_response")
                seen.answered.append(text)
        await client.closed(timeout=30)
        seen.replies = [event["agent_response"] for event in client.of("agent_response")]
        told = [payload(frame)["tool_call_id"] for frame in client.frames if frame["type"] == "agent_tool_response"]
        seen.results = told
        if not seen.conversation_id and client.frames:
            seen.conversation_id = payload(client.frames[0])["conversation_id"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that keeps everything in a folder."""
    with ServerProcess("--data", str(tmp_path)) as server:
        yield server


async def test_what_a_client_has_seen_survives_a_power_cut_fifty_times(server):
    rng = random.Random(7)
    agent_id = server.create_agent(
        agent(
            {"when": "tool", "say": "One moment.", "call": {"tool": "ask"}, "then": "Got {{result}}"},
            tools=[client_tool("ask")],
            config={"conversation": {"text_only": True}},
        )
    )
    url = server.socket_of(agent_id)
    began = time.monotonic()
    replies = 0
    for _ in range(CYCLES):
        calls = [Seen() for _ in range(CALLS)]
        talking = [asyncio.create_task(_talk(url, caller, seen)) for caller, seen in enumerate(calls)]
        if rng.random() < 0.9:  # else in the middle of the beginning
            await asyncio.wait_for(asyncio.gather(*(seen.began.wait() for seen in calls)), 30)
        await asyncio.wait(talking, timeout=LONGEST_SECONDS * rng.random())
        server.kill()
        await asyncio.gather(*talking, return_exceptions=True)
        await asyncio.to_thread(server.start)
        for seen in calls:
            if seen.conversation_id:
                _compare(seen, server.record(seen.conversation_id))
            replies += len(seen.replies)
    assert replies > 10 * CYCLES, "the calls were too short to prove anything"
    print(f"{CYCLES} cycles, {replies} replies, {time.monotonic() - began:.0f} s")


def _compare(seen: Seen, record: dict[str, Any]) -> None:
    assert record["status"] == "failed", record["status"]
    assert record["metadata"]["termination_reason"] and record["metadata"]["error"]["reason"]
    turns = record["transcript"]
    users = [turn["message"] for turn in turns if turn["role"] == "user"]
    agents = [turn["message"] for turn in turns if turn["role"] == "agent" and turn["message"]]
    results = [result["request_id"] for turn in turns for result in turn["tool_results"]]
    # The store may know more than the client: what was on its way. Never less, nothing twice, nothing in between.
    assert users[: len(seen.answered)] == seen.answered
    assert len(users) <= len(seen.answered) + 1
    assert agents[: len(seen.replies)] == seen.replies
    assert len(agents) <= len(seen.replies) + 2
    assert results[: len(seen.results)] == seen.results
    assert len(results) == len(set(results)) <= len(seen.results) + 1
