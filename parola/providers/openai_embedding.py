"""Embeddings from whoever speaks OpenAI's HTTP dialect: Ollama, vLLM, text-embeddings-inference, hosted services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from parola.config import ProviderSettings
from parola.outbound.http import Connections, Endpoint

Float32 = NDArray[np.float32]

BATCH = 32
"""Texts in one request: few enough for small servers."""


class OpenAIEmbedder:
    """``Embedder`` over ``POST /embeddings``, at most ``BATCH`` texts a request.

    Its settings' options: ``dimensions``, sent to the service, which then shortens its vectors to so many numbers."""

    distance_scale = 1.0

    def __init__(self, settings: ProviderSettings, connections: Connections, *, name: str = "openai") -> None:
        self.name = name
        self.endpoint = Endpoint(settings, "/embeddings", connections, name)
        self.model = settings.model or "text-embedding-3-small"
        self._asked_dimensions = self.dimensions = int(settings.options.get("dimensions", 0))
        self._connections = connections

    async def embed(self, texts: Sequence[str], *, is_query: bool = False) -> Float32:
        """float32 [texts, dimensions], each row of length 1, whatever the service's lengths are. Raises
        ``ProviderError``."""
        rows: list[Float32] = []
        for begin in range(0, len(texts), BATCH):
            rows += await self._ask(texts[begin : begin + BATCH])
        if not rows:
            return np.empty((0, self.dimensions), np.float32)
        if any(row.shape != rows[0].shape for row in rows):
            sizes = sorted({len(row) for row in rows})
            raise self.endpoint.failed(f"answered vectors of different sizes ({sizes}) where one was expected.")
        vectors = np.stack(rows)
        self.dimensions = vectors.shape[1]
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))
        return vectors

    async def _ask(self, texts: Sequence[str]) -> list[Float32]:
        body: dict[str, Any] = {"model": self.model, "input": list(texts), "encoding_format": "float"}
        if self._asked_dimensions:
            body["dimensions"] = self._asked_dimensions
        async with self.endpoint.post(orjson.dumps(body), {"content-type": "application/json"}) as response:
            if response.status != 200:
                raise (await self.endpoint.refusal(response))[1]
            answer = await response.read()
        try:
            # The order is that of the questions only by their index.
            entries = sorted(orjson.loads(answer)["data"], key=lambda entry: entry.get("index", 0))
            vectors = [np.array(entry["embedding"], np.float32) for entry in entries]
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
            expected = '{"data": [{"embedding": [numbers]}, …]}'
            raise self.endpoint.failed(f"answered {answer[:80]!r} where {expected} was expected.") from None
        if len(vectors) != len(texts) or any(vector.ndim != 1 or not vector.size for vector in vectors):
            raise self.endpoint.failed(f"answered {len(vectors)} vectors for {len(texts)} texts.")
        return vectors

    async def warm_up(self) -> None:
        """Make the HTTP client. The service itself is not asked."""
        await self._connections.client()

    async def aclose(self) -> None:
        """The connections belong to the process."""
