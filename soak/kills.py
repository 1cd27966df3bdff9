"""``kill -9`` under load, again and again; then everything is drained, and what was lost is counted.

Callers talk by text, with client tools, and by voice, one conversation after the other, while every conversation is
read afterwards and told to a receiver that fails half of the time. At a random moment the server is killed and started
again on the same folder; sometimes it is killed once more while it takes up what the last one left. At the end the
receiver still fails as often, and ``POST /v1/x/webhooks/{id}/enable`` ("it works again, what waits goes out now") takes
the place of waiting for the pauses between attempts, which are 30 s to an hour.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from parola.providers.scripted_speech import encode_tones
from soak.receiver import FlakyReceiver
from tests.wire.frames import RawClient, payload
from tests.wire.servers import ServerProcess, agent, client_tool

TEXT_CALLERS = 6
VOICE_CALLERS = 2
LONGEST_SECONDS = 2.0
"""Once everybody talks, the kill comes at a random moment before this."""

IN_THE_BEGINNING = 0.1
"""So often it comes while conversations are being opened: when the first has begun."""

TWICE = 0.1
"""So often the next server is killed at once, while it takes up what the last one left."""

DRAIN_SECONDS = 300.0

RATE = 16000
SPEECH = '[stt.default]\nprovider = "scripted"\n\n[tts.default]\nprovider = "scripted"\n'
TOLD = "post_call_transcription"
RECORDING = "post_call_audio"
TERMINAL = ("done", "failed")


@dataclass
class Seen:
    """What one client knows of one conversation."""

    is_voice: bool = False
    conversation_id: str = ""
    answered: list[str] = field(default_factory=list)
    """What it said and got an answer to."""
    replies: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    """Its tool results that the server has confirmed."""


@dataclass
class Counts:
    """What a run came to. Whatever stands in ``lost`` should not have happened."""

    cycles: int = 0
    kills: int = 0
    conversations: int = 0
    by_voice: int = 0
    acknowledged_turns: int = 0
    """Said by a client and answered, or told to it."""
    webhook_requests: int = 0
    webhook_failures: int = 0
    webhooks_accepted: int = 0
    accepted_again: int = 0
    seconds: float = 0.0
    drain_seconds: float = 0.0
    without_an_end: int = 0
    turns_lost: int = 0
    webhooks_lost: int = 0
    wrong_duplicates: int = 0
    after_call_lost: int = 0
    lost: list[str] = field(default_factory=list)


async def run(cycles: int, *, seed: int = 1, tell: Callable[[str], None] = lambda _: None) -> Counts:
    """So many cycles in a folder of their own, and the drain. ``tell`` gets a line now and then."""
    with tempfile.TemporaryDirectory(prefix="parola-soak-") as folder, FlakyReceiver(seed) as receiver:
        config = Path(folder) / "parola.toml"
        config.write_text(SPEECH, encoding="utf-8")
        arguments = ("--data", str(Path(folder) / "data"), "--config", str(config))
        with ServerProcess(*arguments, environment={"PAROLA_ANALYSIS": "auto"}) as server:
            return await _Soak(server, receiver, random.Random(seed), tell).run(cycles)


class _Soak:
    def __init__(
        self, server: ServerProcess, receiver: FlakyReceiver, dice: random.Random, tell: Callable[[str], None]
    ) -> None:
        self._server = server
        self._receiver = receiver
        self._dice = dice
        self._tell = tell
        self._seen: list[Seen] = []
        self.counts = Counts()

    async def run(self, cycles: int) -> Counts:
        began = time.monotonic()
        settings = {"settings": {"auth_type": "hmac", "name": "Flaky", "webhook_url": self._receiver.url}}
        http = self._server.http
        webhook_id = http.post("/v1/workspace/webhooks", json=settings).json()["webhook_id"]
        chosen = {"webhooks": {"post_call_webhook_id": webhook_id, "events": ["transcript", "audio"]}}
        assert http.patch("/v1/convai/settings", json=chosen).status_code == 200
        urls = [self._server.socket_of(self._server.create_agent(_agent(voice=voice))) for voice in (False, True)]
        for cycle in range(1, cycles + 1):
            await self._cycle(*urls)
            if cycle % 10 == 0:
                self._tell(f"{cycle} cycles, {len(self._seen)} conversations, {time.monotonic() - began:.0f} s")
        draining = time.monotonic()
        await asyncio.to_thread(self._drain, webhook_id)
        self.counts.cycles = cycles
        self.counts.drain_seconds = time.monotonic() - draining
        await asyncio.to_thread(self._count)
        self.counts.seconds = time.monotonic() - began
        return self.counts

    # -- load, and the kill -------------------------------------------------------------------------------------------

    async def _cycle(self, text: str, voice: str) -> None:
        is_early = self._dice.random() < IN_THE_BEGINNING
        began = asyncio.Semaphore(0)
        callers = [asyncio.create_task(self._calls(text, n, began)) for n in range(TEXT_CALLERS)]
        callers += [asyncio.create_task(self._calls(voice, n, began, voice=True)) for n in range(VOICE_CALLERS)]
        for _ in range(1 if is_early else len(callers)):
            await asyncio.wait_for(began.acquire(), 60)
        await asyncio.wait(callers, timeout=(0.0 if is_early else LONGEST_SECONDS) * self._dice.random())
        self._kill()
        await asyncio.gather(*callers)
        await asyncio.to_thread(self._server.start)
        if self._dice.random() < TWICE:
            await asyncio.sleep(0.3 * self._dice.random())
            self._kill()
            await asyncio.to_thread(self._server.start)

    def _kill(self) -> None:
        self._server.kill()
        self.counts.kills += 1

    async def _calls(self, url: str, caller: int, began: asyncio.Semaphore, *, voice: bool = False) -> None:
        """One conversation after the other, until the server is gone."""
        for call in range(1000):
            seen = Seen(is_voice=voice)
            self._seen.append(seen)
            client = RawClient(url, open_timeout=30, checked=False)
            try:
                async with client:
                    try:
                        await self._call(client, seen, caller, call, began)
                    finally:
                        _note(seen, client)
            except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError, EOFError):
                return
            _note(seen, client)
            if client.checker.close is None or client.checker.close[0] == 1006:
                return

    async def _call(self, client: RawClient, seen: Seen, caller: int, call: int, began: asyncio.Semaphore) -> None:
        """Say one thing after the other; some hang up by themselves, some talk until the line is dead."""
        override = {} if seen.is_voice else {"conversation_config_override": {"conversation": {"text_only": True}}}
        with contextlib.suppress(ConnectionClosed, AssertionError):
            seen.conversation_id = (await client.begin(**override))["conversation_id"]
            if not call:
                began.release()
            most = 2 if seen.is_voice else (1 + (caller + call) % 4) if caller % 2 else 10_000
            for number in range(most):
                text = f"{'tool' if number % 3 == caller % 3 else 'message'} {caller} {call} {number}"
                await (_speak(client, text) if seen.is_voice else client.say(text))
                if text.startswith("tool"):
                    asked = await client.next("client_tool_call", timeout=30)
                    answer = {"type": "client_tool_result", "tool_call_id": asked["tool_call_id"], "result": text}
                    await client.send(answer)
                    await client.next("agent_tool_response", timeout=30)
                await client.next("agent_response", timeout=30)
                seen.answered.append(text)

    # -- the drain ----------------------------------------------------------------------------------------------------

    def _drain(self, webhook_id: str) -> None:
        """Until nothing is left to be done. The receiver fails as before."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < deadline:
            self._server.http.post(f"/v1/x/webhooks/{webhook_id}/enable")
            waiting = {"status": ["held", "waiting"], "webhook_id": webhook_id, "page_size": 1}
            left = self._server.http.get("/v1/x/webhook-deliveries", params=waiting).json()["deliveries"]
            if not left and all(one["status"] in TERMINAL for one in self._listed()):
                return
            time.sleep(0.2)

    def _listed(self) -> Iterator[dict[str, Any]]:
        """Every conversation that the server knows."""
        parameters: dict[str, Any] = {"page_size": 100}
        while True:
            page = self._server.http.get("/v1/convai/conversations", params=parameters).json()
            yield from page["conversations"]
            if not page["has_more"]:
                return
            parameters["cursor"] = page["next_cursor"]

    # -- what was lost ------------------------------------------------------------------------------------------------

    def _count(self) -> None:
        counts, receiver = self.counts, self._receiver
        records = {one["conversation_id"]: self._server.record(one["conversation_id"]) for one in self._listed()}
        counts.conversations = len(records)
        counts.webhook_requests, counts.webhook_failures = receiver.requests, receiver.failed
        counts.webhooks_accepted, counts.accepted_again = len(receiver.accepted), receiver.accepted_again
        for seen in self._seen:
            counts.acknowledged_turns += len(seen.answered) + len(seen.replies)
            if seen.conversation_id:
                for problem in problems_of(seen, records.get(seen.conversation_id)):
                    counts.turns_lost += 1
                    counts.lost.append(f"{seen.conversation_id}: {problem}")
        for conversation_id, record in records.items():
            self._count_conversation(conversation_id, record)
        for key, event_ids in receiver.seen.items():
            if len(set(event_ids)) > 1:
                counts.wrong_duplicates += 1
                counts.lost.append(f"{key}: {len(set(event_ids))} event ids")

    def _count_conversation(self, conversation_id: str, record: Mapping[str, Any]) -> None:
        counts, accepted = self.counts, self._receiver.accepted
        counts.by_voice += record["metadata"]["text_only"] is not True
        if record["status"] not in TERMINAL:
            counts.without_an_end += 1
            counts.lost.append(f"{conversation_id}: is {record['status']}")
        results = (record.get("analysis") or {}).get("evaluation_criteria_results") or {}
        if record["transcript"] and (results.get("polite") or {}).get("result") != "success":
            counts.after_call_lost += 1
            counts.lost.append(f"{conversation_id}: was not read after the call")
        told = accepted.get((conversation_id, TOLD))
        expected = {"status": record["status"], "transcript": record["transcript"]}
        if told != expected:
            counts.webhooks_lost += 1
            what = "was not told" if told is None else "was told as something else than its record"
            counts.lost.append(f"{conversation_id}: {what}")
        if record["has_audio"] and (conversation_id, RECORDING) not in accepted:
            counts.webhooks_lost += 1
            counts.lost.append(f"{conversation_id}: its recording was not sent")


def problems_of(seen: Seen, record: Mapping[str, Any] | None) -> Iterator[str]:
    """What a client has seen and the record does not have, in order and once. The store may know more than the client:
    what was on its way. Never less, nothing twice, nothing in between."""
    if record is None:
        yield "is gone"
        return
    turns = record["transcript"]
    users = [turn["message"] for turn in turns if turn["role"] == "user"]
    # A reply that was cut off is stored as far as it was heard, and as it was told.
    told = [turn["original_message"] or turn["message"] for turn in turns if turn["role"] == "agent"]
    agents = [message for message in told if message]
    results = [result["request_id"] for turn in turns for result in turn["tool_results"]]
    if users[: len(seen.answered)] != seen.answered or len(users) > len(seen.answered) + 1:
        yield f"the client said {seen.answered[-3:]}, stored is {users[-3:]}"
    if agents[: len(seen.replies)] != seen.replies or len(agents) > len(seen.replies) + 2:
        yield f"the client was told {seen.replies[-3:]}, stored is {agents[-3:]}"
    confirmed = results[: len(seen.results)] == seen.results
    if not confirmed or not len(results) == len(set(results)) <= len(seen.results) + 1:
        yield f"{len(seen.results)} tool results were confirmed, stored are {len(results)}"


def _note(seen: Seen, client: RawClient) -> None:
    """What has come to the client by now."""
    if not seen.conversation_id and client.frames:
        seen.conversation_id = payload(client.frames[0])["conversation_id"]
    seen.replies = [event["agent_response"] for event in client.of("agent_response")]
    seen.results = [event["tool_call_id"] for event in client.of("agent_tool_response")]


async def _speak(client: RawClient, text: str) -> None:
    """As a scripted ear hears it, with enough silence after it to end the turn."""
    samples, _ = encode_tones(text, 0.03, RATE)
    sound = np.concatenate((samples, np.zeros(2 * RATE, np.int16))).astype("<i2").tobytes()
    for start in range(0, len(sound), RATE):
        await client.send({"user_audio_chunk": base64.b64encode(sound[start : start + RATE]).decode()})


def _agent(*, voice: bool) -> dict[str, Any]:
    document = agent(
        {"when": "tool", "say": "One moment.", "call": {"tool": "ask"}, "then": "Got {{result}}"},
        tools=[client_tool("ask", timeout=30)],
        config={"conversation": {"text_only": not voice}},
        platform={
            "evaluation": {
                "criteria": [{"id": "polite", "name": "Polite", "conversation_goal_prompt": "It was polite."}]
            }
        },
    )
    script = document["conversation_config"]["agent"]["prompt"]["x_script"]
    script["analysis"] = {"evaluation_criteria": {"polite": "success"}, "delay": 0.1}
    return document
