"""How long it takes to find what a question is about among many chunks, its embedding aside. In this process: no
server, no model, vectors and words drawn at random, always the same."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bench.figures import milliseconds, percentile
from parola.knowledge.retrieval import Chunks, Limits
from parola.providers.minilm import DIMENSIONS
from parola.store.base import ChunkRow

CHUNKS = 10_000
WORDS_PER_CHUNK = 200
WORDS_PER_QUESTION = 12
WORDS = 20_000
"""In the language; as in a real one, few are frequent."""
QUESTIONS = 200


def measure() -> dict[str, Any]:
    """The row ``retrieval``: loading what the store gave, and searching it."""
    drawn = np.random.default_rng(1)
    vectors = drawn.standard_normal((CHUNKS, DIMENSIONS), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    language = np.array([f"word{number}" for number in range(WORDS)])
    frequency = 1 / np.arange(1, WORDS + 1)
    frequency /= frequency.sum()
    rows = [
        ChunkRow(f"c{n}", f"d{n // 100}", "m", n, " ".join(drawn.choice(language, WORDS_PER_CHUNK, p=frequency)),
                 vectors[n].tobytes())
        for n in range(CHUNKS)
    ]  # fmt: skip
    began_at = time.perf_counter()
    chunks = Chunks(rows)
    load_seconds = time.perf_counter() - began_at
    times: list[float] = []
    for _ in range(QUESTIONS):
        question = " ".join(drawn.choice(language, WORDS_PER_QUESTION, p=frequency))
        vector = vectors[int(drawn.integers(CHUNKS))]
        began_at = time.perf_counter()
        chunks.search(question, vector, 1.0, Limits())
        times.append(time.perf_counter() - began_at)
    return {
        "what": "retrieval",
        "chunks": CHUNKS,
        "load_seconds": round(load_seconds, 2),
        "search_p50_ms": milliseconds(percentile(times, 50)),
        "search_p95_ms": milliseconds(percentile(times, 95)),
    }
