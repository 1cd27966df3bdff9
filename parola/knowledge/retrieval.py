"""Finding the chunks of some documents that a question is about: by meaning, and by the words it names.

The chunks of a set of documents are kept in memory as one matrix from the first question on. They are loaded anew when
one of the documents was indexed anew; agents with the same documents share them; what has not been asked for longest is
let go when it gets too much. Ranking ten thousand chunks takes a few milliseconds, in a thread.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parola.errors import OwnError
from parola.knowledge.keywords import Keywords
from parola.store.base import ChunkRow, Knowledge

Float32 = NDArray[np.float32]

MOST_BYTES = 256_000_000
"""Of vectors and texts that are kept for the next question, of all sets of documents."""

KEYWORD_WEIGHT = 0.35
"""What a chunk gains that holds all the words of a question, in cosines."""

NAMED_SHARE = 0.5
"""A chunk that holds so much of what a question names is about it, however far off its meaning is."""

CANDIDATES = 200
"""Looked at closely when the agent does not say how many."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``RagConfig`` (reference: rest-schemas.md), as far as it limits what is found."""

    max_vector_distance: float = 0.6
    max_documents_length: int = 50_000
    """Characters of all chunks together."""
    max_chunks: int = 20
    num_candidates: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One chunk that a question may be about."""

    chunk_id: str
    document_id: str
    text: str
    vector_distance: float
    is_used: bool = True
    """It fits into ``max_documents_length``, with all that are nearer."""


class Chunks:
    """All chunks of a set of documents, ready to be searched; they never change."""

    def __init__(self, rows: Sequence[ChunkRow]) -> None:
        """Takes some three seconds for ten thousand chunks: call it in a thread. Raises ``OwnError`` when their vectors
        have different sizes."""
        sizes = {len(row.vector) // 4 for row in rows}
        if len(sizes) > 1:
            raise OwnError(
                f"The documents of this agent were indexed with different embedding models (vectors of "
                f"{', '.join(map(str, sorted(sizes)))} numbers): index them anew."
            )
        self.dimensions = sizes.pop() if sizes else 0
        vectors = np.frombuffer(b"".join(row.vector for row in rows), "<f4")
        self.vectors: Float32 = vectors.reshape(len(rows), self.dimensions)
        self._ids = [(row.chunk_id, row.document_id) for row in rows]
        self._texts = [row.text for row in rows]
        self._keywords = Keywords(self._texts)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def size(self) -> int:
        """Bytes in memory, about: the words of a text take twice as much again."""
        return self.vectors.nbytes + 3 * sum(map(len, self._texts))

    def search(self, question: str, vector: Float32, distance_scale: float, limits: Limits) -> list[Found]:
        """What the question may be about, best first; ``vector`` is the question's, float32 [dimensions] of length 1.
        Raises ``OwnError`` when the chunks were embedded by another model."""
        if not len(self):
            return []
        if vector.shape != (self.dimensions,):
            raise OwnError(
                f"The documents of this agent were indexed with an embedding model of {self.dimensions} numbers, the "
                f"present one has {len(vector)}: index them anew."
            )
        cosines = self.vectors @ vector
        shares = self._keywords.shares(question)
        scores = cosines + np.float32(KEYWORD_WEIGHT) * shares
        most = limits.num_candidates or CANDIDATES
        candidates = np.union1d(_best(cosines, most), _best(shares, most))
        distances = distance_scale * (1 - cosines[candidates])
        near = (distances <= limits.max_vector_distance) | (shares[candidates] >= NAMED_SHARE)
        candidates, distances = candidates[near], distances[near]
        order = np.argsort(-scores[candidates], kind="stable")[: limits.max_chunks]
        found: list[Found] = []
        left = limits.max_documents_length
        for position in order:
            row = int(candidates[position])
            fits = left - len(self._texts[row]) >= 0
            left = left - len(self._texts[row]) if fits else -1
            found.append(Found(*self._ids[row], self._texts[row], round(float(distances[position]), 4), fits))
        return found


def _best(scores: Float32, most: int) -> NDArray[np.intp]:
    if len(scores) <= most:
        return np.arange(len(scores))
    return np.argpartition(-scores, most - 1)[:most]


class Shelf:
    """The chunks that are in memory; one for the process, used on one event loop."""

    def __init__(self, knowledge: Knowledge, most_bytes: int = MOST_BYTES) -> None:
        self._knowledge = knowledge
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[str, ...], tuple[tuple[object, ...], asyncio.Task[Chunks]]] = OrderedDict()
        """By model and documents: which indexes they are of, and the chunks, or who loads them."""

    async def chunks(self, model: str, document_ids: Sequence[str]) -> Chunks:
        """All chunks of these documents as they are indexed now. Who comes while they are loaded waits with the
        others; being cancelled does not stop that. Raises ``StoreError``, ``OwnError``."""
        wanted = tuple(sorted(set(document_ids)))
        key = (model, *wanted)
        indexes = await self._knowledge.indexes(document_ids=wanted, model=model) if wanted else ()
        stamp = tuple(sorted((index.document_id, index.index_id, index.updated_at, index.status) for index in indexes))
        kept = self._kept.get(key)
        if kept is None or kept[0] != stamp or (kept[1].done() and _has_failed(kept[1])):
            kept = (stamp, asyncio.create_task(self._load(model, wanted)))
            self._kept[key] = kept
        self._kept.move_to_end(key)
        chunks = await asyncio.shield(kept[1])
        self._let_go()
        return chunks

    async def _load(self, model: str, document_ids: Sequence[str]) -> Chunks:
        rows = await self._knowledge.chunks(model, document_ids) if document_ids else ()
        return await asyncio.to_thread(Chunks, rows)

    def _let_go(self) -> None:
        """Keep no more than ``most_bytes``, and always what was asked for last."""
        sizes = {
            key: task.result().size for key, (_, task) in self._kept.items() if task.done() and not _has_failed(task)
        }
        total = sum(sizes.values())
        for key in list(self._kept)[:-1]:
            if total <= self._most_bytes:
                break
            total -= sizes.get(key, 0)
            if key in sizes:
                del self._kept[key]


def _has_failed(task: asyncio.Task[Chunks]) -> bool:
    return task.cancelled() or task.exception() is not None
