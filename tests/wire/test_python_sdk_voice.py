"""A voice call with the official Python SDK: recorded human speech in real time, the embedded models, barge-in."""

from __future__ import annotations

import asyncio
import queue
import re
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from elevenlabs.conversational_ai.conversation import AsyncAudioInterface, AudioInterface

from tests.wire.servers import ServerProcess, agent
from tests.wire.speech import WORDS, recording, word_error_rate
from tests.wire.tap import Tap
from tests.wire.test_python_sdk import AsyncCaller, Caller

CHUNK = 8000
"""What the SDK's own interface sends at a time: 4,000 samples, a quarter of a second."""

CHUNK_SECONDS = 0.25
STORY = "Once upon a time there was a king who counted his sheep every evening. " * 4
LISTENING_SECONDS = 20.0
"""How long a turn may take on a busy machine, its speech included."""


class Microphone:
    """Silence, and when it is told to, the recorded sentence, or something else."""

    def __init__(self) -> None:
        self._speech: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def speak(self, pcm: bytes = b"") -> None:
        pcm = pcm or recording()
        for start in range(0, len(pcm), CHUNK):
            self._speech.put(pcm[start : start + CHUNK].ljust(CHUNK, b"\0"))

    def chunk(self) -> bytes:
        try:
            return self._speech.get_nowait()
        except queue.Empty:
            return bytes(CHUNK)


class Headset(AudioInterface):
    """A microphone on a thread that keeps time; what the agent says is kept."""

    def __init__(self) -> None:
        self.microphone = Microphone()
        self.heard = bytearray()
        self._hears = threading.Condition()
        self.interrupted = threading.Event()
        self._stop = threading.Event()

    def start(self, input_callback: Callable[[bytes], None]) -> None:
        self._thread = threading.Thread(target=self._send, args=(input_callback,), daemon=True)
        self._thread.start()

    def _send(self, input_callback: Callable[[bytes], None]) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            input_callback(self.microphone.chunk())
            due += CHUNK_SECONDS

    def stop(self) -> None:
        self._stop.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def output(self, audio: bytes) -> None:
        with self._hears:
            self.heard += audio
            self._hears.notify_all()

    def hears(self, seconds: float) -> bool:
        """Wait until so much has been heard."""
        with self._hears:
            return self._hears.wait_for(lambda: len(self.heard) >= 32000 * seconds, LISTENING_SECONDS)

    def interrupt(self) -> None:
        self.interrupted.set()


class AsyncHeadset(AsyncAudioInterface):
    """The same on the event loop."""

    def __init__(self) -> None:
        self.microphone = Microphone()
        self.hears = asyncio.Event()
        """Half a second has been heard."""
        self._heard = 0

    async def start(self, input_callback: Callable[[bytes], Awaitable[None]]) -> None:
        self._task = asyncio.create_task(self._send(input_callback))

    async def _send(self, input_callback: Callable[[bytes], Awaitable[None]]) -> None:
        due = time.monotonic()
        while True:
            await input_callback(self.microphone.chunk())
            due += CHUNK_SECONDS
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def output(self, audio: bytes) -> None:
        self._heard += len(audio)
        if self._heard > 16000:
            self.hears.set()

    async def interrupt(self) -> None:
        pass


@pytest.fixture
def line(speaking: ServerProcess, tapped: Callable[[ServerProcess], Tap]) -> Tap:
    """A tap before the server with the embedded models."""
    return tapped(speaking)


@pytest.mark.client("python", "voice")
def test_a_recorded_sentence_is_understood_and_answered_aloud(speaking, line):
    agent_id = speaking.create_agent(agent({"when": "himself", "say": "He might indeed. What else?"}))
    headset = Headset()
    with Caller(line, agent_id, audio_interface=headset) as caller:
        caller.began()
        headset.microphone.speak()
        transcript = caller.hears("transcript", LISTENING_SECONDS)
        assert word_error_rate(transcript, WORDS) <= 0.25
        assert caller.hears("response", LISTENING_SECONDS) == "He might indeed. What else?"
        caller.call.next("agent_response_complete", timeout=LISTENING_SECONDS)
        assert headset.hears(1.0)
        conversation_id = caller.hangs_up()
    assert len(headset.heard) < 6 * 32000
    events = caller.call.of("audio")
    _aligned(events, "He might indeed. What else?")
    record = speaking.ended_record(conversation_id)
    assert [turn["role"] for turn in record["transcript"]] == ["user", "agent"]
    assert record["metadata"]["text_only"] is False
    assert not headset.interrupted.is_set()


def _aligned(events: list[dict[str, Any]], text: str) -> None:
    """The characters of all alignments are the text, in order, each inside its frame."""
    chars = "".join("".join(event["alignment"]["chars"]) for event in events if "alignment" in event)
    assert re.sub(r"\W", "", chars).lower() == re.sub(r"\W", "", text).lower()
    for event in events:
        if "alignment" in event:
            ends = [
                start + duration
                for start, duration in zip(
                    event["alignment"]["char_start_times_ms"], event["alignment"]["char_durations_ms"], strict=True
                )
            ]
            assert ends == sorted(ends) and all(isinstance(end, int) for end in ends)


def test_a_caller_who_cuts_in_stops_the_agent_and_is_answered(speaking, line):
    agent_id = speaking.create_agent(agent({"when": "himself", "say": "Sorry, go on."}, first_message=STORY.strip()))
    headset = Headset()
    with Caller(line, agent_id, audio_interface=headset) as caller:
        assert caller.hears("response", LISTENING_SECONDS) == STORY.strip()
        assert headset.hears(0.2)
        headset.microphone.speak()
        assert headset.interrupted.wait(LISTENING_SECONDS)
        original, corrected = caller.hears("correction", LISTENING_SECONDS)
        assert original == STORY.strip() and corrected.endswith("...")
        assert STORY.startswith(corrected.removesuffix("...").strip())
        assert word_error_rate(caller.hears("transcript", LISTENING_SECONDS), WORDS) <= 0.25
        assert caller.hears("response", LISTENING_SECONDS) == "Sorry, go on."
        conversation_id = caller.hangs_up()
    story = speaking.ended_record(conversation_id)["transcript"][0]
    assert story["interrupted"] is True
    assert (story["message"], story["original_message"]) == (corrected, original)


async def test_the_asynchronous_client_speaks_and_listens_too(speaking, line):
    agent_id = speaking.create_agent(agent({"when": "himself", "say": "He might indeed."}))
    headset = AsyncHeadset()
    async with AsyncCaller(line, agent_id, audio_interface=headset) as caller:
        await caller.began()
        headset.microphone.speak()
        assert word_error_rate(await caller.hears("transcript"), WORDS) <= 0.25
        assert await caller.hears("response") == "He might indeed."
        async with asyncio.timeout(LISTENING_SECONDS):
            await headset.hears.wait()
