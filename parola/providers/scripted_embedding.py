"""Embeddings without a model: a text is the words in it. The same in every process, so tests may count on it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parola.providers.base import Float32

_WORD = re.compile(r"\w+")


class ScriptedEmbedder:
    """An ``Embedder``: each word counts in one of ``dimensions`` places, chosen by its checksum. Texts that share words
    are close; texts that share none are not. A text without words is a vector of zeros."""

    name = "scripted"
    distance_scale = 1.0

    def __init__(self, dimensions: int = 256) -> None:
        self.dimensions = dimensions

    async def embed(self, texts: Sequence[str], *, is_query: bool = False) -> Float32:
        import numpy as np

        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in _WORD.findall(text.casefold()):
                row[zlib.crc32(word.encode()) % self.dimensions] += 1.0
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.maximum(lengths, np.float32(1e-12))
        return vectors

    async def warm_up(self) -> None:
        """Nothing to load."""

    async def aclose(self) -> None:
        """Nothing to close."""
