"""Seven audio formats, both ways, in pieces of any size."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator

import numpy as np
import pytest

from parola.providers.scripted_speech import decode_tones, encode_tones
from parola.session.audio import FORMATS, resample
from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, agent
from tests.wire.speech import (
    WORDS,
    bytes_per_second,
    decoded,
    encoded,
    rate_of,
    recording,
    word_error_rate,
)

SENTENCE = "good morning"
ANSWER = "Good morning to you too."


def speaker_of(server: ServerProcess, name: str, first_message: str = "") -> str:
    """An agent that listens and speaks in a format."""
    config = {"asr": {"user_input_audio_format": name}, "tts": {"agent_output_audio_format": name}}
    rule = {"when": SENTENCE, "say": ANSWER}
    return server.socket_of(server.create_agent(agent(rule, config=config, first_message=first_message)))


def pieces(audio: bytes, size: int, *, until: int | None = None) -> Iterator[bytes]:
    """``audio`` in pieces of ``size`` bytes; what lies behind ``until`` in larger ones."""
    end = len(audio) if until is None else until
    for start in range(0, end, size):
        yield audio[start : min(start + size, end)]
    for start in range(end, len(audio), 4096):
        yield audio[start : start + 4096]


def cut(audio: bytes, name: str) -> dict[str, Iterator[bytes]]:
    """The ways in which clients cut their audio."""
    second = bytes_per_second(name)
    whole = 1 if name.startswith("ulaw") else 2
    frame = second // 40 // whole * whole
    return {
        "1 sample": pieces(audio, whole, until=second // 10),
        "37 bytes": pieces(audio, 37),
        "25 ms": pieces(audio, frame),
        "250 ms": pieces(audio, 10 * frame),
        "1 s": pieces(audio, second),
    }


async def heard_by(url: str, audio: Iterator[bytes]) -> tuple[str, RawClient]:
    """What the server understands of audio that comes as fast as it can."""
    async with RawClient(url) as client:
        await client.begin()
        for piece in audio:
            await client.send({"user_audio_chunk": base64.b64encode(piece).decode()})
        transcript = await client.next("user_transcript", timeout=20)
        await client.next("agent_response_complete", timeout=20)
        return transcript["user_transcript"], client


def said_by(client: RawClient) -> bytes:
    return b"".join(base64.b64decode(event["audio_base_64"]) for event in client.of("audio"))


@pytest.mark.parametrize("name", FORMATS)
async def test_speech_is_understood_to_the_letter_in_pieces_of_any_size(parola, name):
    samples, _ = encode_tones(SENTENCE, 0.03, rate_of(name))
    audio = encoded(np.concatenate((samples, np.zeros(rate_of(name), np.int16))), name)
    url = speaker_of(parola, name)
    ways = cut(audio, name)
    heard = await asyncio.gather(*(heard_by(url, way) for way in ways.values()))
    assert {way: text for way, (text, _) in zip(ways, heard, strict=True)} == dict.fromkeys(ways, SENTENCE)


@pytest.mark.parametrize("name", FORMATS)
async def test_the_agents_voice_has_the_formats_bytes_and_the_right_words(parola, name):
    async with RawClient(speaker_of(parola, name, first_message=ANSWER)) as client:
        metadata = await client.begin()
        await client.next("agent_response_complete")
    assert metadata["agent_output_audio_format"] == metadata["user_input_audio_format"] == name
    audio = said_by(client)
    frames = [base64.b64decode(event["audio_base_64"]) for event in client.of("audio")]
    assert all(len(frame) % (1 if name.startswith("ulaw") else 2) == 0 for frame in frames)
    assert max(len(frame) for frame in frames) <= 0.3 * bytes_per_second(name)
    assert decode_tones(decoded(audio, name)) == ANSWER
    # The alignments of all frames are the text, and lie inside their audio.
    events = client.of("audio")
    chars = "".join("".join(event["alignment"]["chars"]) for event in events if "alignment" in event)
    assert chars == ANSWER
    for event, frame in zip(events, frames, strict=True):
        starts = event.get("alignment", {"char_start_times_ms": [0]})["char_start_times_ms"]
        assert max(starts) <= 1000 * len(frame) / bytes_per_second(name) + 1
    seconds = len(audio) / bytes_per_second(name)
    ends = _end_of_speech(client, name)
    assert abs(ends - seconds) < 0.15, (ends, seconds)


def _end_of_speech(client: RawClient, name: str) -> float:
    """When the last character ends, by the alignments."""
    position = end = 0.0
    for event in client.of("audio"):
        if "alignment" in event:
            alignment = event["alignment"]
            end = position + (alignment["char_start_times_ms"][-1] + alignment["char_durations_ms"][-1]) / 1000
        position += len(base64.b64decode(event["audio_base_64"])) / bytes_per_second(name)
    return end


# -- with the embedded models -----------------------------------------------------------------------------------------


@pytest.mark.client("raw", "voice")
async def test_a_recorded_sentence_is_understood_in_every_format(speaking):
    samples = np.frombuffer(recording(), "<i2")

    async def heard_in(name: str) -> tuple[str, float]:
        audio = encoded(resample(samples, 16000, rate_of(name)), name)
        text, client = await heard_by(speaker_of(speaking, name), cut(audio, name)["250 ms"])
        return text, len(said_by(client)) / bytes_per_second(name)

    heard = dict(zip(FORMATS, await asyncio.gather(*map(heard_in, FORMATS)), strict=True))
    errors = {name: word_error_rate(text, WORDS) for name, (text, _) in heard.items()}
    assert max(errors.values()) <= 0.25, heard
    # The answers, which repeat what was heard, take about as long in every format.
    lengths = [seconds for _, seconds in heard.values()]
    assert min(lengths) > 2 and max(lengths) < 1.3 * min(lengths), lengths
