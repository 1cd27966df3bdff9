"""The embedded turn detector: Whisper's features to the letter, and what it makes of sentences and of hesitation."""

import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest

from parola.conversation.events import TurnEndPredicted
from parola.errors import ModelMissing, ProviderError
from parola.providers.base import TranscriptionSettings, VoiceSettings
from parola.providers.hibari import VOICES, HibariTextToSpeech
from parola.providers.scripted_speech import ScriptedSpeechToText
from parola.providers.silero import SileroVoiceActivity
from parola.providers.smart_turn import SmartTurnDetector, log_mel
from parola.session.audio import AudioFormat, Decoder, Encoder, resample
from parola.session.listening import Listening
from parola.session.turn_detection import SharedTurnDetector
from parola.session.voice_activity import SharedVoiceActivity
from tests.virtual_time import run

AUDIO = Path(__file__).parent.parent / "audio"
SENTENCES = (
    "Hello there, I can help you book an appointment today.",
    "The weather is fine, and the train leaves in the morning.",
    "Please tell me your name and the reason for your call.",
    "What time do you open?",
    "Yes please.",
)
HESITATIONS = ("I'd like to, um", "I want to fly from Mumbai to, um", "well, because")
PAUSE_SECONDS = 0.224
"""What the segmenter waits for."""


@pytest.fixture(scope="session")
def tts(models_dir):
    return HibariTextToSpeech()


@pytest.fixture(scope="session")
def detector(models_dir):
    return SmartTurnDetector(models_dir)


def recorded() -> np.ndarray:
    with wave.open(str(AUDIO / "amiable.wav")) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * 16000), np.int16)


def said(tts, text, voice="heart") -> np.ndarray:
    async def collect():
        return b"".join([chunk.pcm async for chunk in tts.speak(text, VoiceSettings(voice=voice))])

    return resample(np.frombuffer(asyncio.run(collect()), np.int16), 24000, 16000)


def judged(detector, *parts: np.ndarray) -> float:
    return asyncio.run(detector.predict(np.concatenate(parts).tobytes()))


# -- features -----------------------------------------------------------------------------------------------------


def test_features_are_those_of_whisper():
    """``amiable-features.npy``: every tenth of the last 330 columns, from transformers 5.23.0."""
    features = log_mel(recorded())
    assert features.shape == (80, 800)
    assert features.dtype == np.float32
    expected = np.load(AUDIO / "amiable-features.npy")
    assert np.abs(features[:, -330::10] - expected).max() < 2e-5


def test_what_is_missing_of_eight_seconds_is_silence_in_front():
    speech = recorded()
    padded = np.concatenate([silence(8 - len(speech) / 16000), speech])
    assert np.array_equal(log_mel(speech), log_mel(padded))


def test_only_the_last_eight_seconds_count():
    speech = np.tile(recorded(), 4)
    assert np.array_equal(log_mel(speech), log_mel(speech[-8 * 16000 :]))


def test_loudness_does_not_matter():
    speech = recorded()
    assert np.abs(log_mel(speech) - log_mel(speech // 4)).mean() < 0.01


@pytest.mark.parametrize("samples", [0, 1, 100])
def test_next_to_nothing_has_features_too(samples):
    assert np.isfinite(log_mel(np.full(samples, 1000, np.int16))).all()


# -- verdicts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("voice", [voice.voice_id for voice in VOICES])
def test_whole_sentences_sound_complete(tts, detector, voice):
    for text in SENTENCES:
        assert judged(detector, silence(0.4), said(tts, text, voice), silence(PAUSE_SECONDS)) > 0.8, text


def test_hesitation_does_not(tts, detector):
    for text in HESITATIONS:
        assert judged(detector, silence(0.4), said(tts, text), silence(PAUSE_SECONDS)) < 0.3, text


def test_speech_in_full_flow_does_not(tts, detector):
    for text in SENTENCES[:3]:
        speech = said(tts, text)
        assert judged(detector, speech[: len(speech) * 55 // 100]) < 0.3, text


def test_silence_before_the_sentence_changes_nothing_much(tts, detector):
    speech = np.concatenate([said(tts, SENTENCES[0]), silence(PAUSE_SECONDS)])
    assert abs(judged(detector, speech) - judged(detector, silence(3), speech)) < 0.05


def test_the_telephone_changes_little(tts, detector):
    telephone = AudioFormat.parse("ulaw_8000")
    for text in SENTENCES:
        encoder, decoder = Encoder(16000, telephone), Decoder(telephone)
        line = encoder.encode(np.concatenate([said(tts, text), silence(PAUSE_SECONDS)]).tobytes()) + encoder.flush()
        assert judged(detector, decoder.decode(line)) > 0.8, text


def test_nothing_and_half_a_sample_are_judged_too(detector):
    assert 0 <= asyncio.run(detector.predict(b"")) <= 1
    assert 0 <= asyncio.run(detector.predict(b"\0\0\0")) <= 1


# -- life ---------------------------------------------------------------------------------------------------------


def test_a_call_hears_from_it_at_each_pause(tts, detector, models_dir):
    """From audio to the event, with the real detectors."""
    speech = [
        *(silence(1), said(tts, HESITATIONS[0]), silence(0.5)),
        *(said(tts, "a table for two, please."), silence(0.5)),
    ]

    async def call() -> list[float]:
        turns = SharedTurnDetector(detector)
        await turns.warm_up()
        told: list[object] = []
        activity = SharedVoiceActivity(SileroVoiceActivity(models_dir))
        ear = Listening(ScriptedSpeechToText(), TranscriptionSettings(), activity, told.append, turns=turns)
        samples = np.concatenate(speech)
        for begin in range(0, len(samples), 320):
            ear.feed(samples[begin : begin + 320])
            await asyncio.sleep(0.02)
        await ear.aclose()
        return [event.probability for event in told if isinstance(event, TurnEndPredicted)]

    hesitating, done = run(call())
    assert hesitating < 0.5 < done


def test_the_loop_goes_on_while_it_thinks(detector):
    async def story():
        await detector.warm_up()
        ticks = 0
        prediction = asyncio.create_task(detector.predict(recorded().tobytes()))
        while not prediction.done():
            await asyncio.sleep(0)
            ticks += 1
        return ticks

    assert asyncio.run(story()) > 20


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(ModelMissing, match=r"smart-turn-v3\.2-cpu\.onnx is not in .*: run `parola models install`"):
        asyncio.run(SmartTurnDetector(tmp_path).warm_up())


def test_a_damaged_model_is_the_provider_s_error(tmp_path):
    (tmp_path / "smart-turn-v3.2-cpu.onnx").write_bytes(b"no model")
    with pytest.raises(ProviderError, match=r"Smart Turn could not judge"):
        asyncio.run(SmartTurnDetector(tmp_path).predict(bytes(32000)))
