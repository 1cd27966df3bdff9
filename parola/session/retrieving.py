"""Looking something up before the model is asked: what the user said is searched for in the agent's documents.

What is found goes to the model as a message of its own, just before the user's, and is kept nowhere but in the record.
It has to be quick, because the caller waits: whatever is not there in ``MOST_SECONDS`` is done without. A step after
tools sees what the step before them saw.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from parola.conversation.events import KnowledgeRetrieved
from parola.conversation.knowledge import Knowledge, passages
from parola.conversation.transcript import SILENCE
from parola.errors import ParolaError
from parola.knowledge.retrieval import Chunks, Found, Limits, Shelf
from parola.logs import logger, reason
from parola.providers.base import Embedder, LanguageModel, ModelRequest, TextDelta

log = logger(__name__)

MOST_SECONDS = 2.0
"""For all of it; then the model is asked without."""

REWRITE_SECONDS = 1.2
"""For the model to make a question of the conversation; then what the user said is the question."""

REWRITE_TOKENS = 100

SHORT_WORDS = 5
"""What the user says in so few words ("and how much is that?") is about what they said before."""

REWRITTEN_MESSAGES = 10
"""So many of the last messages are shown to who makes the question."""

LONGEST_QUERY = 2_000
"""Characters of a question, its end."""

REMEMBERED = 4
"""Questions whose answers are kept: the present one, and guesses at it."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of looking something up."""

    query: str
    found: tuple[Found, ...]
    seconds: float


class Retriever:
    """For one agent of one conversation."""

    def __init__(self, knowledge: Knowledge, shelf: Shelf, embedder: Embedder, model: LanguageModel, llm: str) -> None:
        """``model`` and ``llm``, its name, make the question where the agent wants that."""
        rag = knowledge.rag
        self._knowledge = knowledge
        self._shelf = shelf
        self._embedder = embedder
        self._model = model
        self._llm = llm
        self._limits = Limits(rag.max_vector_distance, rag.max_documents_length, rag.max_chunks, rag.num_candidates)
        self._remembered: OrderedDict[str, Looked] = OrderedDict()
        ids = (*knowledge.text_ids, *knowledge.searched) if knowledge.attributes_sources else ()
        self.source_ids = frozenset(ids)
        """Documents that the model may name as its sources; empty: it is not asked to."""

    async def get_ready(self) -> None:
        """Load what the first question would wait for. Failures are told when there is a question."""
        if not self._knowledge.searched:
            return
        try:
            await asyncio.gather(self._chunks(), self._embedder.warm_up())
        except ParolaError as error:
            log.warning("retrieval_not_ready", reason=reason(error))

    async def informed(
        self, request: ModelRequest, reply: int, tell: Callable[[KnowledgeRetrieved], None]
    ) -> ModelRequest:
        """The request with what was found for it. What came of it is told once for each question; a failure is told
        too, and leaves the request as it was."""
        messages = list(request.messages)
        position = next((i for i in reversed(range(len(messages))) if messages[i].get("role") == "user"), None)
        if position is None or not _says_something(messages[position]):
            return request
        is_new = all(message.get("role") == "system" for message in messages[position + 1 :])
        try:
            looked = await self._look_up(messages[: position + 1], request)
        except TimeoutError:
            looked, problem = None, f"nothing was found within {MOST_SECONDS:g} s"
        except ParolaError as error:
            looked, problem = None, error.message
        except Exception as error:
            log.exception("retrieval_failed", reply=reply)
            looked, problem = None, f"{type(error).__name__}: {error}"
        if looked is None:
            if is_new:
                tell(KnowledgeRetrieved(reply, problem=f"Knowledge base: the model was asked without it, {problem}"))
            return request
        if is_new:
            tell(KnowledgeRetrieved(reply, self._info(looked)))
        used = [(one.document_id, self._name(one), one.text) for one in looked.found if one.is_used]
        if used:
            messages.insert(position, {"role": "system", "content": passages(used)})
        return replace(request, messages=messages)

    # -- looking up ---------------------------------------------------------------------------------------------------

    async def _look_up(self, messages: Sequence[Mapping[str, Any]], request: ModelRequest) -> Looked:
        question = _question(messages)
        if (known := self._remembered.get(question)) is not None:
            return known
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        async with asyncio.timeout(MOST_SECONDS):
            loading = asyncio.create_task(self._chunks())
            try:
                query = await self._rewritten(messages, request) or question
                vectors = await self._embedder.embed([query], is_query=True)
                chunks = await loading
            finally:
                loading.cancel()
                await asyncio.gather(loading, return_exceptions=True)
            scale = self._embedder.distance_scale
            found = await asyncio.to_thread(chunks.search, query, vectors[0], scale, self._limits)
        looked = Looked(query, tuple(found), loop.time() - began_at)
        self._remembered[question] = looked
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return looked

    async def _chunks(self) -> Chunks:
        return await self._shelf.chunks(self._knowledge.rag.embedding_model, list(self._knowledge.searched))

    async def _rewritten(self, messages: Sequence[Mapping[str, Any]], request: ModelRequest) -> str:
        """The question as the model puts it, where the agent wants that; empty when it does not, or has failed."""
        if not self._knowledge.rag.rewrite_prompt:
            return ""
        said = [m for m in messages if m.get("role") in ("user", "assistant") and _text(m)][-REWRITTEN_MESSAGES:]
        history = "\n".join(f"{message['role']}: {_text(message)}" for message in said)
        asked = ModelRequest(
            messages=[
                {"role": "system", "content": self._knowledge.rag.rewrite_prompt},
                {"role": "user", "content": history},
            ],
            model=self._llm,
            temperature=0.0,
            max_tokens=REWRITE_TOKENS,
            extra_body=request.extra_body,
            user_id=request.user_id,
            script=request.script,
        )
        words: list[str] = []
        try:
            async with asyncio.timeout(REWRITE_SECONDS), aclosing(self._model.step(asked)) as events:  # type: ignore[type-var]
                async for event in events:
                    if isinstance(event, TextDelta):
                        words.append(event.text)
        except (TimeoutError, ParolaError) as error:
            log.warning("question_not_rewritten", reason=reason(error))
            return ""
        return "".join(words).strip()[:LONGEST_QUERY]

    # -- the record ---------------------------------------------------------------------------------------------------

    def _info(self, looked: Looked) -> dict[str, Any]:
        """``RagRetrievalInfo`` (reference: rest-schemas.md §3)."""
        return {
            "chunks": [
                {"document_id": one.document_id, "chunk_id": one.chunk_id, "vector_distance": one.vector_distance}
                for one in looked.found
            ],
            "embedding_model": self._knowledge.rag.embedding_model,
            "retrieval_query": looked.query,
            "rag_latency_secs": round(looked.seconds, 4),
            "used_chunk_ids": [one.chunk_id for one in looked.found if one.is_used],
        }

    def _name(self, found: Found) -> str:
        return self._knowledge.searched.get(found.document_id, "")


def _question(messages: Sequence[Mapping[str, Any]]) -> str:
    """What is searched for: the last words of the user, and those before them when they are few."""
    said = [text for message in messages if message.get("role") == "user" and _says_something(message)
            if (text := _text(message))]  # fmt: skip
    last = said[-1]
    if len(last.split()) <= SHORT_WORDS and len(said) > 1:
        last = f"{said[-2]}\n{last}"
    return last[-LONGEST_QUERY:]


def _says_something(message: Mapping[str, Any]) -> bool:
    text = _text(message)
    return text != SILENCE and any(character.isalnum() for character in text)


def _text(message: Mapping[str, Any]) -> str:
    """What a chat message says, files aside."""
    content = message.get("content")
    if isinstance(content, list):
        content = " ".join(str(part.get("text") or "") for part in content if part.get("type") == "text")
    return str(content or "").strip()
