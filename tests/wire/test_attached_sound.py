"""Listening to a call from a browser: with a key or a signed URL, both sides, in a format that a browser plays."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from parola.session.audio import ulaw_decode
from tests.wire.servers import ServerProcess, agent
from tests.wire.test_live_control import Desk, Tapped, Watcher
from tests.wire.test_python_sdk import Caller
from tests.wire.test_python_sdk_voice import Headset

OFFERED = [Subprotocol("convai"), Subprotocol("bearer.some-key")]


@pytest.fixture
def voice(parola: ServerProcess, tapped: Tapped) -> Iterator[tuple[Caller, Desk]]:
    """A voice call of the SDK, by telephone formats on its way out."""
    made = agent({"when": "*", "say": "I heard you, and I go on for a while so that there is something to hear."})
    made["conversation_config"]["tts"] = {"agent_output_audio_format": "ulaw_8000"}
    with ExitStack() as stack:
        caller = stack.enter_context(Caller(tapped(parola), parola.create_agent(made), audio_interface=Headset()))
        caller.began()
        yield caller, Desk(parola, str(caller.conversation._conversation_id))


def sound(watcher: Watcher, whose: str, seconds: float, audio_format: str) -> bytes:
    """What of it comes, until there is so much."""
    kind, rate = f"x_{whose}_audio", int(audio_format.partition("_")[2]) * (1 if "ulaw" in audio_format else 2)
    heard = b""
    while len(heard) < seconds * rate:
        about = watcher.sees(kind)[f"{kind}_event"]
        assert about["audio_format"] == audio_format
        heard += b64decode(about["audio_base_64"])
    return heard


def test_an_observer_hears_both_sides_as_they_were_sent_or_in_the_format_they_ask_for(
    voice: tuple[Caller, Desk],
) -> None:
    caller, desk = voice
    with (
        desk.attaches("observer", "&audio=true") as plain,
        desk.attaches("observer", "&audio=true&audio_format=pcm_16000") as browser,
        desk.attaches("observer") as silent,
    ):
        sound(plain, "user", 0.5, "pcm_16000"), sound(browser, "user", 0.5, "pcm_16000")
        caller.conversation.send_user_message("Hello?")
        as_sent = ulaw_decode(sound(plain, "agent", 1.0, "ulaw_8000")).astype(float)
        converted = np.frombuffer(sound(browser, "agent", 1.0, "pcm_16000"), np.int16).astype(float)
        halved = converted[: 2 * 6000 : 2]
        assert np.corrcoef(as_sent[:6000], halved)[0, 1] > 0.98, "the same sound at another rate"
        silent.sees("agent_response")
        assert not any("audio" in frame["type"] for frame in silent.seen), "nobody pays for sound they did not ask for"


def test_an_operator_speaks_in_the_format_they_ask_for(voice: tuple[Caller, Desk]) -> None:
    _, desk = voice
    tone = (np.sin(np.arange(24000) * 0.2) * 8000).astype("<i2").tobytes()
    sounding = "&audio=true&audio_format=pcm_24000&operator="
    with desk.attaches("operator", sounding + "Ann") as ann, desk.attaches("observer", sounding + "Bob") as bob:
        assert ann.commands("enable_human_takeover")["ok"]
        for start in range(0, len(tone), 4800):
            ann.sends(user_audio_chunk=b64encode(tone[start : start + 4800]).decode())
        heard = np.frombuffer(sound(bob, "agent", 0.8, "pcm_24000"), np.int16)
        assert 5000 < np.abs(heard[2400:]).max() < 9000
        peak = np.argmax(np.abs(np.fft.rfft(heard[2400:16800].astype(float)))) * 24000 / 14400
        assert peak == pytest.approx(0.2 / (2 * np.pi) * 24000, abs=4), "the same tone, through three rates"


def test_a_browser_comes_with_a_signed_url_or_a_key_as_a_subprotocol(voice: tuple[Caller, Desk]) -> None:
    _, desk = voice
    conversation_id, origin = desk.path.rpartition("/")[2], Origin(desk.server.url)
    asked = {"conversation_id": conversation_id, "attach": "observer"}
    signed = desk.server.http.post("/v1/x/signed-urls", json=asked).json()["signed_url"]
    with connect(f"{signed}&audio=true&audio_format=pcm_16000", origin=origin, max_size=None) as socket:
        watcher = Watcher(socket)
        sound(watcher, "user", 0.2, "pcm_16000")
    address = f"ws://127.0.0.1:{desk.server.port}{desk.path}/attach?audio=true"
    with connect(address, origin=origin, subprotocols=OFFERED, max_size=None) as socket:
        assert socket.subprotocol == "convai"
        sound(Watcher(socket), "user", 0.2, "pcm_16000")
    with connect(f"{address}&audio_format=mp3", origin=origin) as socket, pytest.raises(ConnectionClosed) as closed:
        while True:
            socket.recv(timeout=10)
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008
    assert "Unknown audio format" in closed.value.rcvd.reason
