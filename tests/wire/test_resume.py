"""The TCP connection is killed in the middle of a conversation, and the client comes back over another one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from parola.providers.scripted_speech import encode_tones
from parola.session.resuming import REPLACED, REPLACED_REASON
from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, agent, client_tool
from tests.wire.tap import Tap
from tests.wire.test_python_sdk import Caller

TEXT = {"conversation": {"text_only": True}}
STORY = "Once upon a time there was a king who counted his sheep every evening before he went to bed."


@pytest.fixture(scope="module")
def server(scripted_speech: list[str]) -> Iterator[ServerProcess]:
    with ServerProcess("--ephemeral", *scripted_speech) as server:
        yield server


class Line:
    """A client that can come back, and what it knows."""

    def __init__(self, server: ServerProcess, client: RawClient, metadata: dict[str, Any]) -> None:
        self.server = server
        self.client = client
        self.metadata = metadata

    @property
    def id(self) -> str:
        return str(self.metadata["conversation_id"])

    @property
    def token(self) -> str:
        return str(self.metadata["x_resume_token"])

    @property
    def last_event_id(self) -> int:
        seen = [
            event.get("event_id", 0) for kind in ("agent_response", "user_transcript") for event in self.client.of(kind)
        ]
        return max(seen, default=0)

    async def breaks(self) -> None:
        """The connection is gone without a word; returns when the server has noticed."""
        self.client.socket.transport.abort()
        await self.client.closed()
        await self.sees("x_connection_lost")

    async def sees(self, kind: str) -> dict[str, Any]:
        """Wait for an event in the log of the conversation."""
        async with asyncio.timeout(10):
            while True:
                answer = await asyncio.to_thread(self.server.http.get, f"/v1/x/conversations/{self.id}/events")
                found = [entry["event"] for entry in answer.json()["events"] if entry["event"]["type"] == kind]
                if found:
                    return dict(found[-1])
                await asyncio.sleep(0.02)

    @asynccontextmanager
    async def back(self, **query: Any) -> AsyncIterator[Line]:
        """Over another connection."""
        told = {"conversation_id": self.id, "resume_token": self.token, "last_event_id": self.last_event_id, **query}
        url = f"{self.server.ws}?{'&'.join(f'{name}={value}' for name, value in told.items())}"
        async with RawClient(url) as client:
            yield Line(self.server, client, await client.next("conversation_initiation_metadata"))

    async def refused(self, **query: Any) -> str:
        told = {"conversation_id": self.id, **query}
        url = f"{self.server.ws}?{'&'.join(f'{name}={value}' for name, value in told.items())}"
        async with RawClient(url) as client:
            code, reason = await client.closed()
            assert code == 1008 and client.frames == []
            return reason


@asynccontextmanager
async def call(server: ServerProcess, document: dict[str, Any]) -> AsyncIterator[Line]:
    url = f"{server.socket_of(server.create_agent(document))}&x_resume=1"
    async with RawClient(url) as client:
        yield Line(server, client, await client.begin())


async def test_a_chat_goes_on_over_another_connection(server: ServerProcess):
    async with call(server, agent(config=TEXT)) as line:
        assert line.metadata["x_resume_window_secs"] == 30
        assert await line.client.answer("one") == "I heard: one"
        await line.breaks()
        path = f"/v1/x/conversations/{line.id}/messages"
        body = {"type": "user_message", "text": "two"}
        assert (await asyncio.to_thread(server.http.post, path, json=body)).status_code == 202
        await line.sees("agent_response_complete")
        async with line.back() as again:
            assert again.id == line.id and again.token != line.token
            assert await again.client.answer("three") == "I heard: two", "what was said meanwhile comes first"
            told = await again.client.next("agent_response")
            assert told["agent_response"] == "I heard: three"
            assert told["event_id"] > line.last_event_id + 2
            await again.client.hang_up()
    record = server.ended_record(line.id)
    lost, resumed = record["metadata"]["x_connections"]
    assert (lost["type"], lost["code"], lost["window_secs"]) == ("x_connection_lost", 1006, 30)
    assert resumed["type"] == "x_connection_resumed" and resumed["away_secs"] >= 0
    assert lost["time_in_call_secs"] <= resumed["time_in_call_secs"]
    assert record["metadata"]["termination_reason"].startswith("Client disconnected")
    why = server.http.get(f"/v1/x/conversations/{line.id}/why").json()
    assert any("connection was lost" in sentence for sentence in why["story"]), why["story"]
    assert {"connection lost", "connection resumed"} <= {event["event"] for event in why["timeline"]}
    assert 'parola_connections_total{event="resumed"}' in server.http.get("/metrics").text
    for token in (line.token, again.token):
        assert token not in json.dumps(record) and token not in server.log
        assert token not in server.http.get(f"/v1/x/conversations/{line.id}/events").text


async def test_text_the_client_has_not_seen_is_sent_again_once(server: ServerProcess):
    async with call(server, agent(config=TEXT)) as line:
        for word in ("one", "two", "three"):
            await line.client.answer(word)
        first = line.client.of("agent_response")[0]["event_id"]
        await line.breaks()
        async with line.back(last_event_id=first) as again:
            assert await again.client.answer("four") == "I heard: two"
            assert (await again.client.next("agent_response"))["agent_response"] == "I heard: three"
            assert (await again.client.next("agent_response"))["agent_response"] == "I heard: four"
            assert len(again.client.of("agent_response")) == 3


async def test_a_tool_that_the_client_had_not_answered_is_asked_again(server: ServerProcess):
    rule = {"when": "where", "call": {"tool": "locate"}, "then": "You are in {{result}}"}
    async with call(server, agent(rule, tools=[client_tool("locate")], config=TEXT)) as line:
        await line.client.say("where")
        asked = await line.client.next("client_tool_call")
        await line.breaks()
        async with line.back() as again:
            assert (await again.client.next("client_tool_call"))["tool_call_id"] == asked["tool_call_id"]
            await again.client.send(
                {"type": "client_tool_result", "tool_call_id": asked["tool_call_id"], "result": "Bern"}
            )
            assert (await again.client.next("agent_response"))["agent_response"] == "You are in Bern"


async def test_whoever_has_the_token_takes_the_call_over_and_nobody_else_can(server: ServerProcess):
    async with call(server, agent(config=TEXT)) as line:
        assert "not the one" in await line.refused(resume_token="guess")
        assert "last_event_id" in await line.refused(resume_token=line.token, last_event_id="soon")
        assert "no such conversation" in await line.refused(resume_token=line.token, conversation_id="conv_other")
        assert await line.client.answer("still here?") == "I heard: still here?"
        async with line.back() as again:
            assert await line.client.closed() == (REPLACED, REPLACED_REASON)
            assert "has been used" in await line.refused(resume_token=line.token)
            assert await again.client.answer("and here?") == "I heard: and here?"
            async with again.back() as third:
                assert await again.client.closed() == (REPLACED, REPLACED_REASON)
                assert await third.client.answer("here too?") == "I heard: here too?"
                await third.client.hang_up()
                assert server.ended_record(line.id)["status"] == "done"
                assert "has ended" in await line.refused(resume_token=third.token)


async def test_who_waited_for_a_place_can_come_back_too(server: ServerProcess):
    platform = {
        "call_limits": {"agent_concurrency_limit": 1},
        "queueing_config": {"enabled": True, "wait_timeout_seconds": 30},
    }
    agent_id = server.create_agent(agent(config=TEXT, platform=platform))
    async with RawClient(server.socket_of(agent_id)) as first:
        await first.begin()
        async with RawClient(f"{server.socket_of(agent_id)}&x_resume=1") as second:
            line = Line(server, second, await second.begin())
            await second.next("queue_status")
            await first.hang_up()
            await second.next("queue_status", lambda event: event["status"] == "admitted")
            assert await second.answer("one") == "I heard: one"
            await line.breaks()
            async with line.back() as again:
                assert await again.client.answer("two") == "I heard: two"


async def test_who_does_not_come_back_in_time_has_left(server: ServerProcess):
    config = {"conversation": {"text_only": True, "x_resume_window_secs": 1}}
    async with call(server, agent(config=config)) as line:
        await line.client.answer("one")
        await line.breaks()
        record = await asyncio.to_thread(server.ended_record, line.id)
        assert record["status"] == "done"
        assert record["metadata"]["termination_reason"] == (
            "The client's connection was lost (code 1006) and it did not come back within 1 s"
        )
        assert record["metadata"]["x_close"]["by"] == "client"
        why = (await asyncio.to_thread(server.http.get, f"/v1/x/conversations/{line.id}/why")).json()
        assert why["ending"].startswith("The client was waited for in vain"), why["ending"]
        assert "has ended" in await line.refused(resume_token=line.token)


async def test_by_voice_the_agent_goes_on_with_what_was_not_heard(server: ServerProcess):
    story = " ".join([STORY] * 6)  # much longer than a busy machine takes to notice that the line is gone
    async with call(server, agent(first_message=story, config={"vad": {"x_echo_guard": False}})) as line:
        await line.client.next("audio")
        await asyncio.sleep(1.0)  # so that some of it has been heard
        await line.breaks()
        async with line.back(last_event_id=0) as again:
            heard = (await again.client.next("agent_response_correction"))["corrected_agent_response"]
            rest = await again.client.next("agent_response")
            assert heard.endswith("...") and f"{heard.removesuffix('...')} {rest['agent_response']}" == story
            await again.client.next("audio", lambda event: any(b64decode(event["audio_base_64"])))
            assert {event["event_id"] for event in again.client.of("audio")} == {rest["event_id"]}
            await speak(again.client, "hello")
            await again.client.next("user_transcript", lambda event: event["user_transcript"] == "hello")
            await again.client.next("agent_response", lambda event: event["agent_response"] == "I heard: hello")
            await again.client.hang_up()
    assert server.ended_record(line.id)["transcript"][0]["message"] == heard


async def speak(client: RawClient, text: str) -> None:
    """In tones, at the pace of a microphone, and then silence."""
    pcm = encode_tones(text, 0.04, 16000)[0].tobytes() + bytes(32000)
    for start in range(0, len(pcm), 8000):
        await client.send({"user_audio_chunk": b64encode(pcm[start : start + 8000]).decode()})
        await asyncio.sleep(0.25)


async def test_a_client_that_did_not_ask_for_it_is_let_go_as_ever(server: ServerProcess):
    async with RawClient(server.socket_of(server.create_agent(agent(config=TEXT)))) as client:
        metadata = await client.begin()
        assert not [name for name in metadata if name.startswith("x_")]
        client.socket.transport.abort()
        await client.closed()
    record = await asyncio.to_thread(server.ended_record, metadata["conversation_id"], 2.0)
    assert record["metadata"]["termination_reason"] == "Client disconnected"
    assert "x_connections" not in record["metadata"]


def test_the_official_sdk_is_not_waited_for(server: ServerProcess):
    tap = Tap(server.port)
    try:
        with Caller(tap, server.create_agent(agent(config=TEXT))) as caller:
            caller.began()
            metadata = caller.call.of("conversation_initiation_metadata")[0]
            assert not [name for name in metadata if name.startswith("x_")]
            began = time.monotonic()
            with contextlib.suppress(OSError):
                caller.conversation._ws.socket.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]
            record = server.ended_record(str(metadata["conversation_id"]))
        assert record["status"] == "done" and time.monotonic() - began < 5
    finally:
        tap.close()


async def test_a_server_that_stops_does_not_wait_for_who_is_away(tmp_path: Path):
    with ServerProcess("--data", str(tmp_path), environment={"PAROLA_DRAIN_SECONDS": "20"}) as server:
        async with call(server, agent(config=TEXT)) as line:
            await line.client.answer("one")
            await line.breaks()
            began = time.monotonic()
            await asyncio.to_thread(server.stop)
            assert time.monotonic() - began < 10
        await asyncio.to_thread(server.start)
        record = server.record(line.id)
        assert record["metadata"]["x_close"]["code"] == 1001
        assert [one["type"] for one in record["metadata"]["x_connections"]] == ["x_connection_lost"]
