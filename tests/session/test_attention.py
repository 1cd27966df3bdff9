"""Whom the ear listens to: soft voices, voices in the background, the agent's own; without models."""

import asyncio

import numpy as np
import pytest

from parola.conversation.events import SpeechStarted, SpeechStopped, TranscriptUpdated
from parola.conversation.setup import Setup
from parola.conversation.start import Beginning, begin
from parola.protocol.client_messages import ConversationInitiationClientData
from parola.providers.base import TranscriptionSettings
from parola.providers.scripted_speech import ScriptedSpeechToText, ScriptedVoiceActivity, encode_tones
from parola.session.attention import Attention, attention_for
from parola.session.audio import AudioFormat
from parola.session.echo import EchoGuard
from parola.session.levels import (
    HIGHEST_GATE,
    LOWEST_GATE,
    MOST_GAIN,
    Loudness,
    MainSpeaker,
    QuietGate,
    decibels,
)
from parola.session.listening import Listening
from parola.session.voice_activity import SharedVoiceActivity
from tests.virtual_time import run

randoms = np.random.default_rng(1)


def noise(rms: float, windows: int = 1) -> list[np.ndarray]:
    return [(randoms.standard_normal(512) * rms).clip(-32768, 32767).astype(np.int16) for _ in range(windows)]


# -- quiet ------------------------------------------------------------------------------------------------------------


def test_hiss_raises_the_gate_and_silence_lowers_it():
    gate = QuietGate()
    for window in noise(100, 200):
        if not gate.is_quiet(window):
            gate.was_no_speech(window)
    assert 300 < gate.peak < 600
    for window in noise(3, 100):
        assert gate.is_quiet(window)
    assert gate.peak == LOWEST_GATE


def test_a_bang_does_not_close_the_gate():
    gate = QuietGate()
    before = gate.peak
    gate.was_no_speech(noise(9000)[0])
    assert gate.peak < before * 1.1


def test_the_gate_never_closes_on_speech_of_usual_loudness():
    gate = QuietGate()
    for window in noise(5000, 500):
        gate.was_no_speech(window)
    assert gate.peak == HIGHEST_GATE
    assert not gate.is_quiet(noise(1800)[0])


# -- soft voices ------------------------------------------------------------------------------------------------------


def test_a_soft_voice_is_made_louder_and_a_loud_one_is_left_alone():
    soft, loud = Loudness(), Loudness()
    for window in noise(300, 10):
        soft.spoke(window)
    for window in noise(3000, 10):
        loud.spoke(window)
    window = noise(300)[0]
    assert np.frombuffer(soft.applied(window.tobytes()), np.int16).std() == pytest.approx(6 * window.std(), rel=0.15)
    assert loud.applied(window.tobytes()) == window.tobytes()


def test_the_gain_has_a_limit_and_nothing_overflows():
    loudness = Loudness()
    for window in noise(10, 10):
        loudness.spoke(window)
    soft, shout = noise(10)[0], noise(9000)[0]
    louder = np.frombuffer(loudness.applied(soft.tobytes()), np.int16)
    assert louder.std() == pytest.approx(MOST_GAIN * soft.std(), rel=0.1)
    shouted = np.frombuffer(loudness.applied(shout.tobytes()), np.int16)
    assert np.all(np.sign(shouted) == np.sign(shout))
    assert np.abs(shouted.astype(int)).max() <= 32000
    assert np.abs(loudness.scaled(shout)).max() <= 1


def test_somebody_who_raises_their_voice_is_not_overdriven():
    loudness = Loudness()
    for window in noise(200, 50):
        loudness.spoke(window)
    loudness.spoke(noise(3000)[0])
    window = noise(3000)[0]
    assert loudness.applied(window.tobytes()) == window.tobytes()


# -- voices in the background -----------------------------------------------------------------------------------------


def test_whoever_is_far_softer_than_the_caller_is_in_the_background():
    speaker = MainSpeaker()
    for _ in range(40):
        speaker.spoke(65.0)
    assert not speaker.is_background(60.0)
    assert speaker.is_background(50.0)


def test_nobody_is_in_the_background_before_somebody_has_spoken():
    assert not MainSpeaker().is_background(20.0)


def test_a_caller_who_walks_away_is_heard_again_after_some_minutes():
    speaker = MainSpeaker()
    for _ in range(40):
        speaker.spoke(65.0)
    windows = 0
    while speaker.is_background(50.0):
        windows += 1
    assert 30 < windows * 0.032 < 120


def speech(rms: float, seconds: float) -> np.ndarray:
    return (np.random.default_rng(2).standard_normal(int(seconds * 16000)) * rms).astype(np.int16)


class Loud(ScriptedVoiceActivity):
    """Takes everything but silence for speech."""

    def probabilities(self, windows, states):
        return [0.9 if np.abs(window).max() > 0.003 else 0.0 for window in windows]


async def utterances(attention: Attention, *sounds: np.ndarray) -> list[float]:
    """When somebody was heard to begin."""
    loop = asyncio.get_running_loop()
    starts = []

    def tell(event):
        if isinstance(event, SpeechStarted):
            starts.append(round(event.at, 1))

    activity = SharedVoiceActivity(Loud())
    listening = Listening(ScriptedSpeechToText(), TranscriptionSettings(), activity, tell, attention=attention)
    for sound in sounds:
        for first in range(0, len(sound), 400):
            await asyncio.sleep(0.025)
            listening.feed(sound[first : first + 400])
    assert loop.time() > 1
    await listening.aclose()
    return starts


def test_a_television_makes_no_utterance_where_the_owner_asks_for_that():
    sounds = (speech(2000, 1), speech(0, 1), speech(400, 2), speech(0, 1), speech(2000, 1), speech(0, 0.5))
    assert run(utterances(Attention(), *sounds)) == [0, 2, 5]
    assert run(utterances(Attention(ignores_background=True), *sounds)) == [0, 5]


# -- the agent --------------------------------------------------------------------------------------------------------


def test_what_the_agent_says_makes_no_utterance_and_is_not_transcribed():
    """Tones are no speech, so the guard's ears are replaced: what is asked is that its verdict counts."""

    class Echo(EchoGuard):
        def own_words(self, windows, at):
            return 0

        def hears_echo(self, now):
            return True

    async def story(guard: EchoGuard | None):
        told = []
        activity = SharedVoiceActivity(ScriptedVoiceActivity())
        listening = Listening(
            ScriptedSpeechToText(), TranscriptionSettings(), activity, told.append, attention=Attention(guard)
        )
        pcm, _ = encode_tones("my own words", 0.04, 16000)
        for first in range(0, len(pcm), 400):
            await asyncio.sleep(0.025)
            listening.feed(pcm[first : first + 400])
        for _ in range(40):
            await asyncio.sleep(0.025)
            listening.feed(np.zeros(400, np.int16))
        await listening.aclose()
        return [type(event) for event in told]

    assert run(story(None)) == [SpeechStarted, SpeechStopped, TranscriptUpdated]
    assert run(story(Echo(AudioFormat.parse("pcm_16000")))) == []


def test_a_voice_that_was_held_back_a_moment_loses_no_words():
    class Undecided(EchoGuard):
        """Does not know whose voice it is for a third of a second."""

        def own_words(self, windows, at):
            self.asked = getattr(self, "asked", at)
            self.is_undecided = at < self.asked + 0.3
            return 0 if self.is_undecided else windows

    async def story(guard: EchoGuard) -> list[str]:
        said = []

        def tell(event):
            if isinstance(event, TranscriptUpdated):
                said.append(event.text)

        listening = Listening(
            ScriptedSpeechToText(),
            TranscriptionSettings(),
            SharedVoiceActivity(ScriptedVoiceActivity()),
            tell,
            attention=Attention(guard),
        )
        pcm, _ = encode_tones("my own words", 0.06, 16000)
        for sound in (np.zeros(16000, np.int16), pcm, np.zeros(16000, np.int16)):
            for first in range(0, len(sound), 400):
                await asyncio.sleep(0.025)
                listening.feed(sound[first : first + 400])
        await listening.aclose()
        return said

    assert run(story(EchoGuard(AudioFormat.parse("pcm_16000")))) == ["my own words"]
    assert run(story(Undecided(AudioFormat.parse("pcm_16000")))) == ["my own words"]


# -- what the owner asks for ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vad", "guards_echo", "ignores_background"),
    [
        ({}, True, False),
        ({"background_voice_detection": True}, True, True),
        ({"filter_background_speech": True}, True, True),
        ({"x_echo_guard": False}, False, False),
    ],
)
def test_the_agents_document_decides(vad: dict, guards_echo: bool, ignores_background: bool):
    document = {"conversation_config": {"vad": vad}}
    setup = begin(Beginning("conv_1", "agent_1", "Agent", document), ConversationInitiationClientData())
    assert (setup.guards_echo, setup.ignores_background) == (guards_echo, ignores_background)


def test_the_guard_can_be_left_out():
    with_guard, without = (attention_for(Setup("c", "a", guards_echo=guards)) for guards in (True, False))
    assert with_guard._guard is not None
    assert without._guard is None
    without.agent_spoke(b"\0\0", 0.0)
    without.agent_cut(0.0)
    assert decibels(np.zeros(512, np.int16)) == 0
