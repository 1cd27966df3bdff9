"""What people said is where it may be, and nowhere else: real servers, whose folders are read byte by byte."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import miniaudio
import numpy as np
import pytest
from pytest_httpserver import HTTPServer

from parola.providers.scripted_speech import encode_tones
from parola.session.mixing import ENCODER_DELAY
from tests.wire.collector import Collector
from tests.wire.frames import RawClient
from tests.wire.servers import COMMAND, ServerProcess, agent, client_tool

RATE = 16000
WORD = "zebracanary"
NOBODY = "http://127.0.0.1:9/hook"
"""A port on which nobody listens: what is to be delivered there waits."""

TOOL = client_tool("note", text="string")
RULE = {
    "when": f"*{WORD}*",
    "call": {"tool": "note", "arguments": {"text": "{{last_user}}"}},
    "then": "Noted {{result}}, you said {{last_user}}",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("private") / "data"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def server(folder: Path, scripted_speech: list[str], collector: Collector) -> Iterator[ServerProcess]:
    """A server that talks as much as it can: a data folder, a webhook that is told of every conversation, traces with
    what was said, a log of everything."""
    talkative = {
        "PAROLA_ANALYSIS": "auto",
        "PAROLA_LOG_LEVEL": "debug",
        "PAROLA_OTLP_ENDPOINT": collector.url,
        "PAROLA_OTLP_CONTENT": "true",
    }
    with ServerProcess("--data", str(folder), *scripted_speech, environment=talkative) as server:
        hook = {"settings": {"auth_type": "hmac", "name": "hook", "webhook_url": NOBODY}}
        webhook_id = server.http.post("/v1/workspace/webhooks", json=hook).json()["webhook_id"]
        chosen = {
            "webhooks": {"post_call_webhook_id": webhook_id, "events": ["transcript", "audio", "unredacted_transcript"]}
        }
        assert server.http.patch("/v1/convai/settings", json=chosen).status_code == 200
        yield server


def holding(folder: Path, word: str) -> list[str]:
    """The files below a folder in which a word stands, as text or as base64."""
    wanted = [word.encode(), *(base64.b64encode(b" " * shift + word.encode())[4:-4] for shift in range(3))]
    files = (file for file in folder.rglob("*") if file.is_file())
    return sorted(file.name for file in files if any(one in file.read_bytes() for one in wanted))


def told(server: ServerProcess, collector: Collector, conversation_id: str) -> str:
    """All that the server says of itself, and of a conversation to a collector of traces."""
    collector.of(conversation_id, "turn")
    spans = b"".join(received.body for received in list(collector.requests)).decode()
    return server.log + server.http.get("/metrics").text + spans


def private(**privacy: Any) -> dict[str, Any]:
    return agent(RULE, tools=[TOOL], platform={"privacy": privacy})


async def say(client: RawClient, said: str) -> None:
    samples, _ = encode_tones(said, 0.03, RATE)
    audio = np.concatenate((samples, np.zeros(RATE, np.int16))).astype("<i2").tobytes()
    for start in range(0, len(audio), 16000):
        await client.send({"user_audio_chunk": base64.b64encode(audio[start : start + 16000]).decode()})


async def call(
    server: ServerProcess, document: dict[str, Any], said: str, *, shares: bool = True, user_id: str | None = None
) -> str:
    """Say something by voice, answer the tool it leads to, share a file, hear the answer, judge; the conversation."""
    async with RawClient(server.socket_of(server.create_agent(document))) as client:
        begun = await client.begin(dynamic_variables={"who": said}, user_id=user_id or said)
        conversation_id = str(begun["conversation_id"])
        url = f"/v1/convai/conversations/{conversation_id}"
        shared = await asyncio.to_thread(
            server.http.post, f"{url}/files", files={"file": ("x.txt", said.encode(), "text/plain")}
        )
        assert (shared.status_code == 200) is shares, shared.text
        await say(client, said)
        asked = await client.next("client_tool_call")
        answer = {"tool_call_id": asked["tool_call_id"], "result": f"kept {said}", "is_error": False}
        await client.send({"type": "client_tool_result", **answer})
        response = await client.next("agent_response", lambda event: WORD in event["agent_response"])
        assert said in response["agent_response"]  # the conversation itself is whole
        await client.next("audio")
        await client.hang_up()
    server.ended_record(conversation_id)
    comment = {"rating": 5, "comment": said}
    assert server.http.post(f"{url}/feedback", json=comment).status_code == 200
    return conversation_id


async def test_a_deleted_conversation_is_nowhere_any_more(server: ServerProcess, folder: Path) -> None:
    conversation_id = await call(server, private(), f"{WORD} one")
    url = f"/v1/convai/conversations/{conversation_id}"
    assert server.http.get(f"{url}/audio").status_code == 200
    assert any(name.startswith("parola.db") for name in holding(folder, f"{WORD} one"))
    assert any(folder.rglob(f"{conversation_id}*"))
    assert server.http.delete(url).status_code == 200
    assert holding(folder, f"{WORD} one") == []
    assert list(folder.rglob(f"{conversation_id}*")) == []
    assert f"{WORD} one" not in server.log
    assert server.http.get(url).status_code == 404
    listed = server.http.get("/v1/convai/conversations/messages/text-search", params={"text_query": f"{WORD} one"})
    assert listed.json()["results"] == []


async def test_with_zero_retention_nothing_is_ever_written(
    server: ServerProcess, folder: Path, collector: Collector
) -> None:
    conversation_id = await call(server, private(zero_retention_mode=True), f"{WORD} two", shares=False)
    assert holding(folder, f"{WORD} two") == []
    assert f"{WORD} two" not in told(server, collector, conversation_id)
    record = server.record(conversation_id)
    assert (record["status"], record["transcript"], record["has_audio"]) == ("done", [], False)
    assert record["metadata"]["features_usage"]["pii_zrm_agent"] and record["metadata"]["call_duration_secs"] >= 0
    assert server.http.get(f"/v1/convai/conversations/{conversation_id}/audio").status_code == 404


async def test_details_are_heard_and_answered_and_not_kept(
    server: ServerProcess, folder: Path, collector: Collector
) -> None:
    redaction = {"enabled": True, "entities": ["email_address", "name"]}
    said = f"{WORD} three is jo.doe@example.com my name is Zeldina"
    hiding = private(conversation_history_redaction=redaction)
    conversation_id = await call(server, hiding, said, user_id="user three")
    record = server.record(conversation_id)
    kept = json.dumps(record["transcript"])
    assert "jo.doe@example.com" not in kept and f"{WORD} three is [EMAIL_ADDRESS] my name is [NAME]" in kept
    user, *_ = (turn for turn in record["transcript"] if turn["role"] == "user")
    (asked,) = (one for turn in record["transcript"] for one in turn["tool_calls"])
    assert user["message"] == f"{WORD} three is [EMAIL_ADDRESS] my name is [NAME]"
    assert json.loads(asked["params_as_json"]) == {"text": f"{WORD} three is [EMAIL_ADDRESS] my name is [NAME]"}
    assert record["metadata"]["feedback"]["comment"] == f"{WORD} three is [EMAIL_ADDRESS] my name is [NAME]"
    for detail in ("jo.doe@example.com", "Zeldina"):
        (shared,) = holding(folder, detail)
        assert shared.startswith("file_"), "only in the file that the client shared"
        assert detail not in told(server, collector, conversation_id)

    audio = server.http.get(f"/v1/convai/conversations/{conversation_id}/audio", params={"x_channels": 2}).content
    decoded = miniaudio.decode(audio, nchannels=2, sample_rate=RATE)
    both = np.abs(np.frombuffer(decoded.samples, np.int16).reshape(-1, 2).astype(int))
    due = server.http.get("/v1/x/webhook-deliveries", params={"conversation_id": conversation_id}).json()["deliveries"]
    assert {one["type"]: one["status"] for one in due}["unredacted_transcript"] == "waiting", "sealed: it was not found"
    # An MP3 smears an abrupt beginning of one channel a little into the other.
    assert np.mean(both[:, 0] > 500) < 0.01, "the turn in which the user said it is silent"
    assert both[:, 1].max() > 2000, "of what the agent said, the rest is heard"


async def test_a_server_that_is_killed_leaves_no_word_and_no_sound(tmp_path: Path, scripted_speech: list[str]) -> None:
    redaction = {"enabled": True, "entities": ["email_address"]}
    private_ones = {
        f"{WORD} seven": private(zero_retention_mode=True),
        f"{WORD} is kim@example.com": private(conversation_history_redaction=redaction),
    }
    with ServerProcess("--data", str(tmp_path), *scripted_speech) as server:
        ids = []
        async with contextlib.AsyncExitStack() as callers:
            for said, document in private_ones.items():
                url = server.socket_of(server.create_agent(document))
                client = await callers.enter_async_context(RawClient(url))
                ids.append(str((await client.begin(dynamic_variables={"who": said}))["conversation_id"]))
                await say(client, said)
                asked = await client.next("client_tool_call")
                answer = {"tool_call_id": asked["tool_call_id"], "result": f"kept {said}", "is_error": False}
                await client.send({"type": "client_tool_result", **answer})
                await client.next("agent_response", lambda event: WORD in event["agent_response"])
                await client.next("audio")
            server.kill()
        zero, redacting = ids
        assert holding(tmp_path, f"{WORD} seven") == [] and holding(tmp_path, "kim@example.com") == []
        assert list(tmp_path.rglob(f"{zero}*")) == [], "no sound either"
        server.start()
        assert server.ended_record(zero)["transcript"] == []
        record = server.ended_record(redacting)
        assert "[EMAIL_ADDRESS]" in json.dumps(record["transcript"]) and not record["has_audio"]
        assert list(tmp_path.rglob(f"{redacting}*")) == [], "what was not silenced yet is gone"
        assert holding(tmp_path, "kim@example.com") == []


async def test_both_sides_are_recorded_as_the_record_says(server: ServerProcess) -> None:
    conversation_id = await call(server, private(), f"{WORD} four")
    record = server.record(conversation_id)
    assert record["has_audio"] and record["has_user_audio"] and record["has_response_audio"]
    audio = server.http.get(f"/v1/convai/conversations/{conversation_id}/audio", params={"x_channels": 2}).content
    decoded = miniaudio.decode(audio, nchannels=2, sample_rate=RATE)
    both = np.abs(np.frombuffer(decoded.samples, np.int16).reshape(-1, 2).astype(int))
    assert both[:, 0].max() > 2000
    answered = float(np.flatnonzero(both[:, 1] > 2000)[0]) / RATE
    sent = min(
        turn["x_timeline"]["first_audio_sent_secs"]
        for turn in record["transcript"]
        if turn["role"] == "agent" and "first_audio_sent_secs" in turn["x_timeline"]
    )
    # What an MP3 decoder swallows at the beginning is cut off before, so that the rest is at its time.
    assert answered == pytest.approx(max(sent, ENCODER_DELAY / RATE), abs=0.04)
    assert both[:, 1].max() > 2000
    silent = await call(server, private(record_voice=False), f"{WORD} five")
    record = server.record(silent)
    assert not record["has_audio"] and not record["has_user_audio"] and not record["has_response_audio"]


async def test_the_command_exports_what_the_filters_leave(server: ServerProcess, tmp_path: Path) -> None:
    conversation_id = await call(server, private(), f"{WORD} six")
    agent_id = server.record(conversation_id)["agent_id"]
    file = tmp_path / "out.ndjson"
    command = [*COMMAND, "conversations", "export", "--url", server.url, "--filter", f"agent_id={agent_id}"]
    await asyncio.to_thread(subprocess.run, [*command, "--out", str(file)], check=True, env=dict(os.environ))
    (line,) = file.read_text("utf-8").splitlines()
    assert json.loads(line)["conversation_id"] == conversation_id


async def test_of_an_ending_with_somebodys_words_in_it_only_the_kind_is_kept(
    server: ServerProcess, folder: Path, httpserver: HTTPServer
) -> None:
    """A model that repeats the caller where it should answer, an operator and a client who say why they end it."""
    repeats = f'data: "You said my {WORD} pin is 4711"\n\n'
    httpserver.expect_request("/v1/chat/completions").respond_with_data(repeats, content_type="text/event-stream")
    silent = {"privacy": {"zero_retention_mode": True}}
    text_only = {"conversation": {"text_only": True}}
    document = agent(platform=silent, config=text_only)
    document["conversation_config"]["agent"]["prompt"] = {
        "prompt": "Help.",
        "llm": "custom-llm",
        "custom_llm": {"url": httpserver.url_for("/v1"), "model_id": "house-model"},
    }
    plain = server.create_agent(agent(platform=silent, config=text_only))

    async def ended(agent_id: str, how: str) -> str:
        async with RawClient(server.socket_of(agent_id)) as client:
            conversation_id = str((await client.begin())["conversation_id"])
            if how == "operator":
                url = f"/v1/x/conversations/{conversation_id}/end"
                reason = {"reason": f"Ada of the {WORD} pin cancels"}
                assert (await asyncio.to_thread(server.http.post, url, json=reason)).is_success
            elif how == "client":
                await client.hang_up(reason=f"{WORD} pin: 4711")
            else:
                await client.say(f"my {WORD} pin is 4711")
            if how != "client":
                await client.closed()
        record = await asyncio.to_thread(server.ended_record, conversation_id)
        why = await asyncio.to_thread(server.http.get, f"/v1/x/conversations/{conversation_id}/why")
        assert WORD not in json.dumps(record) + why.text
        return str(record["metadata"]["termination_reason"])

    assert await ended(server.create_agent(document), "model") == "The agent's own language model failed"
    assert await ended(plain, "operator") == "Ended from outside"
    assert await ended(plain, "client") == "Client disconnected"
    assert holding(folder, f"{WORD} pin") == [] and f"{WORD} pin" not in server.log
