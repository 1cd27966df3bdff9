"""Voice activity in numpy says what the model says when a general runtime runs it."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from parola.errors import ModelMissing
from parola.providers.catalogue import SILERO_VAD, locate
from parola.providers.onnx_weights import weights
from parola.providers.silero import SileroVoiceActivity

ROOT = Path(__file__).parents[2]


def question() -> np.ndarray:
    with wave.open(str(ROOT / "examples/question.wav")) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


def test_probabilities_are_those_of_the_runtime(models_dir: Path):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(locate(models_dir, SILERO_VAD)), providers=["CPUExecutionProvider"])
    detector = SileroVoiceActivity(models_dir)
    speech, noise = question(), np.random.default_rng(1)
    voices = (speech, speech[5000:], 0.1 * speech, noise.normal(0, 0.3, len(speech)), np.zeros(len(speech)), 4 * speech)
    calls = [np.asarray(voice, np.float32).clip(-1, 1) for voice in voices]
    states = [detector.new_state() for _ in calls]
    memory, context = np.zeros((2, len(calls), 128), np.float32), np.zeros((len(calls), 64), np.float32)
    for at in range(0, len(speech) - 6000, 512):
        windows = [call[at : at + 512] for call in calls]
        heard = np.concatenate([context, np.stack(windows)], axis=1)
        expected, memory = session.run(None, {"input": heard, "state": memory, "sr": np.array(16000)})
        context = heard[:, -64:]
        assert detector.probabilities(windows, states) == pytest.approx(expected[:, 0], abs=5e-5)


def test_calls_in_one_run_do_not_hear_each_other(models_dir: Path):
    detector = SileroVoiceActivity(models_dir)
    speech = question()
    alone, beside, other = (detector.new_state() for _ in range(3))
    for at in range(0, 16000, 512):
        window = speech[at : at + 512]
        (by_itself,) = detector.probabilities([window], [alone])
        in_company = detector.probabilities([np.zeros(512, np.float32), window], [other, beside])[1]
        assert in_company == pytest.approx(by_itself, abs=1e-5)


@pytest.mark.parametrize("damage", [b"", b"not a model", b"\x3a\xff\xff\xff\x7f", b"\x07" * 40, b"\xff" * 64])
def test_what_is_no_model_is_refused_by_name(damage: bytes, tmp_path: Path):
    (tmp_path / SILERO_VAD).write_bytes(damage)
    with pytest.raises(ModelMissing, match="cannot be read"):
        SileroVoiceActivity(tmp_path).load()


def test_a_model_that_ends_too_early_is_refused(models_dir: Path, tmp_path: Path):
    whole = locate(models_dir, SILERO_VAD).read_bytes()
    (tmp_path / SILERO_VAD).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelMissing, match="cannot be read"):
        SileroVoiceActivity(tmp_path).load()


def test_weights_are_found_in_the_branches_too(models_dir: Path):
    found = weights(locate(models_dir, SILERO_VAD))
    assert [weight.shape for weight in found["stft.forward_basis_buffer"]] == [(130, 1, 128), (258, 1, 256)]
    assert all(weight.dtype == np.float32 for several in found.values() for weight in several)
