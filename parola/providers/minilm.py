"""The embedding model MiniLM-L6-v2 in numpy: what a text is about, as 384 numbers.

A BERT encoder of six layers, 12 heads of 32 each, a layer norm behind every part; the vector of a text is the mean over
its pieces, of length 1. Trained on English, at most 256 pieces of a text count. The weights stay in their file, mapped
into memory: what is never read (most of the vocabulary) takes none, and the system may drop what nobody is using.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from parola.errors import ModelMissing, ProviderError
from parola.providers.catalogue import MINILM, MINILM_VOCABULARY, locate
from parola.providers.fair_queue import FairQueue
from parola.providers.minilm_wordpiece import WordPiece

Float32 = NDArray[np.float32]

DIMENSIONS = 384
PIECES = 256
"""Pieces of a text that count, its two marks included: what the model was trained with."""

INDEXING_PATIENCE_SECONDS = 5.0
"""What is indexed lets questions go first for so long."""

_LAYERS, _HEADS = 6, 12
_HEAD = DIMENSIONS // _HEADS
_EPSILON = np.float32(1e-12)


class MiniLMEmbedder:
    """``Embedder``. Loads its model (91 MB on disk, mapped) at ``warm_up`` or at the first text. A question takes
    some 10 ms of one core, a passage of 200 words about 100 ms, in a thread of the queue."""

    name = "minilm"
    dimensions = DIMENSIONS
    distance_scale = 0.75
    """Passages that answer a question are up to 0.78 away from it, others from 0.65 on: 0.8 is the limit here where it
    is 0.6 by default."""

    def __init__(self, models_dir: Path, queue: FairQueue | None = None) -> None:
        self._models_dir = models_dir
        self._queue = queue or FairQueue("embedding", 1)
        self._encoder: Encoder | None = None

    async def embed(self, texts: Sequence[str], *, is_query: bool = False) -> Float32:
        """float32 [texts, 384], each row of length 1. Questions go before what is indexed. Raises ``ModelMissing`` when
        the model is not installed, or ``ProviderError`` when it cannot be run."""
        vectors = np.empty((len(texts), DIMENSIONS), np.float32)
        caller = object()
        due = 0.0 if is_query else INDEXING_PATIENCE_SECONDS
        for row, text in enumerate(texts):
            vectors[row] = await self._queue.run(caller, self._run, text, due_in_seconds=due)
        return vectors

    async def warm_up(self) -> None:
        """Load the model and run it once."""
        await self.embed(["ready"])

    async def aclose(self) -> None:
        """A text that has been begun is left to finish in its thread."""
        self._queue.close()

    def _run(self, text: str) -> Float32:
        try:
            if self._encoder is None:
                self._encoder = Encoder.load(self._models_dir)
            return self._encoder.encode(text)
        except ModelMissing:
            raise
        except Exception as error:
            message = f"MiniLM could not read a text of {len(text)} characters: {type(error).__name__}: {error}"
            raise ProviderError(self.name, message) from error


class Encoder:
    """The network itself; synchronous, and safe to share among threads."""

    def __init__(self, weights: Mapping[str, Float32], pieces: WordPiece) -> None:
        self._pieces = pieces
        words, positions, kinds = (
            weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")
        )
        self._words = words
        self._positions: Float32 = positions[:PIECES] + kinds[0]
        self._norm = _norm_of(weights, "embeddings.LayerNorm")
        self._layers = [_Layer(weights, f"encoder.layer.{number}.") for number in range(_LAYERS)]

    @classmethod
    def load(cls, models_dir: Path) -> Encoder:
        """From the models folder; raises ``ModelMissing``."""
        weights = read_safetensors(locate(models_dir, MINILM))
        return cls(weights, WordPiece.read(locate(models_dir, MINILM_VOCABULARY)))

    def encode(self, text: str) -> Float32:
        """float32 [384], of length 1. A text without a word is a vector too, one that is near to nothing."""
        ids = self._pieces.ids(text, PIECES)
        states = _normalised(self._words[ids] + self._positions[: len(ids)], *self._norm)
        for layer in self._layers:
            states = layer(states)
        mean = states.mean(axis=0)
        vector: Float32 = mean / np.float32(max(float(np.linalg.norm(mean)), 1e-12))
        return vector


class _Layer:
    """Attention and a wider layer behind it, each added to what came in, then normalised."""

    def __init__(self, weights: Mapping[str, Float32], prefix: str) -> None:
        attention = f"{prefix}attention."
        self._query, self._key, self._value = (
            _linear(weights, f"{attention}self.{name}") for name in ("query", "key", "value")
        )
        self._out = _linear(weights, f"{attention}output.dense")
        self._out_norm = _norm_of(weights, f"{attention}output.LayerNorm")
        self._wide = _linear(weights, f"{prefix}intermediate.dense")
        self._narrow = _linear(weights, f"{prefix}output.dense")
        self._norm = _norm_of(weights, f"{prefix}output.LayerNorm")

    def __call__(self, states: Float32) -> Float32:
        """float32 [pieces, 384] in and out."""
        query, key, value = (_heads(_applied(states, *part)) for part in (self._query, self._key, self._value))
        scores: Float32 = query @ key.transpose(0, 2, 1)
        scores *= np.float32(1 / math.sqrt(_HEAD))
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        seen: Float32 = (scores @ value).transpose(1, 0, 2).reshape(len(states), DIMENSIONS)
        states = _normalised(states + _applied(seen, *self._out), *self._out_norm)
        wide = _gelu(_applied(states, *self._wide))
        return _normalised(states + _applied(wide, *self._narrow), *self._norm)


def _linear(weights: Mapping[str, Float32], name: str) -> tuple[Float32, Float32]:
    return weights[f"{name}.weight"].T, weights[f"{name}.bias"]


def _norm_of(weights: Mapping[str, Float32], name: str) -> tuple[Float32, Float32]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _applied(states: Float32, matrix: Float32, bias: Float32) -> Float32:
    result: Float32 = states @ matrix
    result += bias
    return result


def _heads(states: Float32) -> Float32:
    """float32 [pieces, 384] to [12, pieces, 32]."""
    return states.reshape(len(states), _HEADS, _HEAD).transpose(1, 0, 2)


def _normalised(states: Float32, scale: Float32, shift: Float32) -> Float32:
    states = states - states.mean(axis=-1, keepdims=True)
    states /= np.sqrt(np.square(states).mean(axis=-1, keepdims=True) + _EPSILON)
    states *= scale
    states += shift
    return states


def _gelu(x: Float32) -> Float32:
    """``x`` times the share of a normal distribution below it. The error function is that of Abramowitz and Stegun,
    7.1.26, which is right to 1.5e-7: as right as single precision."""
    size = np.abs(x) * np.float32(math.sqrt(0.5))
    t: Float32 = np.float32(1) / (np.float32(1) + np.float32(0.3275911) * size)
    tail: Float32 = np.full_like(t, 1.061405429)
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail *= t
        tail += np.float32(factor)
    tail *= t
    np.negative(np.square(size, out=size), out=size)
    tail *= np.exp(size, out=size)
    half: Float32 = np.float32(0.5) * x
    result: Float32 = half + np.abs(half) * (np.float32(1) - tail)
    return result


def read_safetensors(path: Path) -> dict[str, Float32]:
    """The float32 tensors of a file, by name, mapped and not read yet: eight bytes say how long the JSON behind them
    is, and that where each tensor begins and ends behind it. Raises ``ValueError`` when the file is none such."""
    file = np.memmap(path, np.uint8, "r")
    begin = 8 + int.from_bytes(file[:8].tobytes(), "little")
    if begin > len(file):
        raise ValueError(f"{path}: expected a safetensors file, got one whose header is longer than the file.")
    header: dict[str, dict[str, Any]] = orjson.loads(file[8:begin].tobytes())
    tensors: dict[str, Float32] = {}
    for name, entry in header.items():
        if entry.get("dtype") == "F32":
            first, last = entry["data_offsets"]
            part = np.frombuffer(file, np.float32, (last - first) // 4, begin + first)
            tensors[name] = part.reshape(entry["shape"])
    return tensors
