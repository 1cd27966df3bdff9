"""Speech to text with Moonshine tiny (English) on onnxruntime, inside this process.

One pair of sessions serves every conversation. Each run is one utterance on one thread; conversations take turns
(``fair_queue.py``), and a long turn asks for one run per segment, so that it cannot hold up the others. The model
answers anything with words, silence and street noise too, so results that it does not itself believe in are dropped.

How the graphs are called: the encoder takes the audio, the decoder one token and what it remembers of the tokens
before, until it says "end". The encoder's own memory comes out of the first step and stays.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parola.errors import ModelMissing, ProviderError
from parola.providers.base import Capabilities, Transcript, TranscriptionSettings
from parola.providers.catalogue import MOONSHINE_DECODER, MOONSHINE_ENCODER, MOONSHINE_TOKENIZER, locate
from parola.providers.fair_queue import FairQueue

Float32 = NDArray[np.float32]

SAMPLE_RATE = 16000

MIN_SECONDS = 0.25
"""Less speech than this gives no text: a click may well read as a confident "You"."""
MIN_LOG_PROBABILITY = -0.75
"""Of a token, on average. Speech is almost always above -0.33, noise almost always below -0.9."""
SEGMENT_SECONDS = 15.0
"""The model loses its thread in longer audio."""
_SEARCH_SECONDS = 4.0
_QUIET_SECONDS = 0.1

_START, _END = 1, 2


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one segment says: its text, and the sum and count of its tokens' log-probabilities."""

    text: str = ""
    log_probability: float = 0.0
    tokens: int = 0


_NOTHING = _Heard()


class MoonshineSpeechToText:
    """``SpeechToText``. Loads its models (44 MB) at ``warm_up`` or at the first transcription."""

    name = "moonshine"
    capabilities = Capabilities(languages=("en",), partials=True, offline=True)

    def __init__(self, models_dir: Path, queue: FairQueue | None = None) -> None:
        self._models_dir = models_dir
        self._queue = queue or FairQueue("moonshine")
        self._loading = threading.Lock()
        self._model: _Model | None = None

    def open(self, settings: TranscriptionSettings) -> MoonshineTranscription:
        if settings.sample_rate != SAMPLE_RATE:
            raise ValueError(f"Moonshine listens at {SAMPLE_RATE} Hz, got {settings.sample_rate}")
        return MoonshineTranscription(self)

    async def warm_up(self) -> None:
        """Load the models and run them once; raises ``ModelMissing`` when they are not installed."""
        await self.recognise(self, np.zeros(SAMPLE_RATE // 2, np.int16))

    async def aclose(self) -> None:
        """Runs that have not begun are cancelled; one that has is left to finish in its thread."""
        self._queue.close()

    async def recognise(self, caller: Hashable, samples: NDArray[np.int16]) -> _Heard:
        """One run over at most ``SEGMENT_SECONDS`` of int16 samples, when it is the caller's turn; cancelling it stops
        the run at the next token.
        Raises ``ModelMissing``, or ``ProviderError`` when the run fails."""
        stop = threading.Event()
        try:
            return await self._queue.run(caller, self._run, samples, stop)
        except ModelMissing:
            raise
        except Exception as error:
            what = f"{len(samples) / SAMPLE_RATE:.1f} s of audio"
            message = f"Moonshine could not transcribe {what}: {type(error).__name__}: {error}"
            raise ProviderError(self.name, message) from error
        finally:
            stop.set()

    def _run(self, samples: NDArray[np.int16], stop: threading.Event) -> _Heard:
        audio: Float32 = np.divide(samples, 32768, dtype=np.float32)
        return self._load().hear(audio, stop)

    def _load(self) -> _Model:
        with self._loading:
            if self._model is None:
                self._model = _Model(self._models_dir)
            return self._model


class MoonshineTranscription:
    """``Transcription``: the audio of one turn. The segments before the last are transcribed once and let go."""

    def __init__(self, provider: MoonshineSpeechToText) -> None:
        self._provider = provider
        self._running = asyncio.Lock()
        self._turn = object()
        self._pcm = bytearray()
        self._settled: list[_Heard] = []
        self._latest: tuple[int, _Heard] | None = None

    def send(self, pcm: bytes) -> None:
        self._pcm += pcm

    async def transcribe(self) -> Transcript:
        """The words of the turn so far. Without new audio it is the same answer at no cost; calls at the same time
        wait for each other and share the work."""
        async with self._running:
            turn = self._turn
            pcm = bytes(self._pcm[: len(self._pcm) & ~1])
            if self._latest is not None and self._latest[0] == len(pcm):
                return _join([*self._settled, self._latest[1]])
            samples = np.frombuffer(pcm, "<i2")
            settled = list(self._settled)
            while len(samples) > SEGMENT_SECONDS * SAMPLE_RATE:
                cut = _quietest(samples[: int(SEGMENT_SECONDS * SAMPLE_RATE)])
                settled.append(await self._hear(samples[:cut]))
                samples = samples[cut:]
                if turn == self._turn:
                    # Audio that came meanwhile stands behind the cut: what is settled never changes.
                    self._settled = list(settled)
                    del self._pcm[: cut * 2]
            last = await self._hear(samples)
            if turn == self._turn:
                self._latest = (len(samples) * 2, last)
            return _join([*settled, last])

    def reset(self) -> None:
        self._turn = object()
        self._pcm = bytearray()
        self._settled = []
        self._latest = None

    async def aclose(self) -> None:
        self.reset()

    async def _hear(self, samples: NDArray[np.int16]) -> _Heard:
        if len(samples) < MIN_SECONDS * SAMPLE_RATE:
            return _NOTHING
        return await self._provider.recognise(self, samples)


def _quietest(samples: NDArray[np.int16]) -> int:
    """Where to cut int16 ``samples``: the middle of the quietest 100 ms in their last 4 s."""
    first = max(0, len(samples) - int(_SEARCH_SECONDS * SAMPLE_RATE))
    width = int(_QUIET_SECONDS * SAMPLE_RATE)
    energy = np.concatenate(([0.0], np.cumsum(samples[first:].astype(np.float64) ** 2)))
    return first + int(np.argmin(energy[width:] - energy[:-width])) + width // 2


def _join(segments: list[_Heard]) -> Transcript:
    text = " ".join(segment.text for segment in segments if segment.text)
    tokens = sum(segment.tokens for segment in segments)
    if not text or not tokens:
        return Transcript("")
    return Transcript(text, math.exp(sum(segment.log_probability for segment in segments) / tokens))


class _Model:
    """The two graphs and the vocabulary. ``hear`` may be called from several threads."""

    def __init__(self, models_dir: Path) -> None:
        encoder = locate(models_dir, MOONSHINE_ENCODER)
        decoder = locate(models_dir, MOONSHINE_DECODER)
        tokenizer = locate(models_dir, MOONSHINE_TOKENIZER)
        try:
            import onnxruntime
        except ImportError as error:
            raise ModelMissing("Speech to text needs onnxruntime: run `pip install 'parola[speech]'`.") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # 30 MB less after long audio
        options.add_session_config_entry("session.use_memory_mapped_ort_model", "1")  # 25 MB less
        options.log_severity_level = 3
        only = ["CPUExecutionProvider"]
        self._encoder = onnxruntime.InferenceSession(str(encoder), options, providers=only)
        self._decoder = onnxruntime.InferenceSession(str(decoder), options, providers=only)
        self._past = [i.name for i in self._decoder.get_inputs() if i.name.startswith("past_key_values")]
        self._present = [o.name.replace("present", "past_key_values") for o in self._decoder.get_outputs()[1:]]
        self._vocabulary = _vocabulary(tokenizer.read_bytes())

    def hear(self, audio: Float32, stop: threading.Event) -> _Heard:
        """Greedy decoding of float32 ``audio`` in -1..1. Empty when the model doubts its own words, or when ``stop``
        is set meanwhile."""
        mask = np.ones((1, len(audio)), np.int64)
        hidden = self._encoder.run(None, {"input_values": audio[None], "attention_mask": mask})[0]
        past: dict[str, Any] = {name: np.zeros((1, 8, 0, 36), np.float32) for name in self._past}
        token, cached = _START, False
        tokens: list[int] = []
        total = 0.0
        # The limit is more than anyone says in that time; a model that babbles would not stop by itself.
        for _ in range(int(len(audio) / SAMPLE_RATE * 6.5) + 6):
            if stop.is_set():
                return _NOTHING
            logits, *present = self._decoder.run(
                None,
                {
                    "input_ids": np.array([[token]], np.int64),
                    "encoder_hidden_states": hidden,
                    "encoder_attention_mask": mask,
                    "use_cache_branch": np.array([cached]),
                    **past,
                },
            )
            scores = logits[0, -1]
            token = int(scores.argmax())
            total -= math.log(np.exp(scores - scores[token]).sum())
            if token == _END:
                break
            tokens.append(token)
            for name, value in zip(self._present, present, strict=True):
                if not cached or ".decoder." in name:
                    past[name] = value
            cached = True
        if not tokens or total / (len(tokens) + 1) < MIN_LOG_PROBABILITY:
            return _NOTHING
        text = b"".join(self._vocabulary[token] for token in tokens).decode(errors="replace").strip()
        if not any(character.isalnum() for character in text):
            return _NOTHING  # music notes, for a hum
        return _Heard(text, total, len(tokens) + 1)


def _vocabulary(data: bytes) -> list[bytes]:
    """The bytes of each token. The file is a row of length-prefixed strings; a length over 127 takes two bytes, low
    seven bits first. ``<0x0A>`` stands for a byte and U+2581 for a space."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        size = data[at]
        at += 1
        if size > 127:
            size += (data[at] - 1) * 128
            at += 1
        piece = data[at : at + size]
        at += size
        if len(piece) == 6 and piece.startswith(b"<0x"):
            piece = bytes([int(piece[3:5], 16)])
        entries.append(piece.replace("\u2581".encode(), b" "))
    return entries
