"""``/v1/convai/conversations/messages/…-search``: what was said, found by its words or by what it is about."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, Query

from parola.api.conversation_filters import MOST_LOOKED_AT, Filters, FiltersDep, asked, matches
from parola.api.described import described
from parola.api.paging import PageAsked, PageDep
from parola.api.responses import Json
from parola.api.services import Services, ServicesDep, needs_key
from parola.errors import InvalidRequest, ParolaError
from parola.protocol.conversations import MessagesSearchResponse
from parola.store.base import ConversationRow, Conversations, cursor_after
from parola.store.pages import Document

if TYPE_CHECKING:
    from numpy.typing import NDArray

router = APIRouter(prefix="/v1/convai/conversations/messages", tags=["conversations"], dependencies=[needs_key])

Text = Annotated[str, Query(min_length=1, max_length=1000)]

MOST_COMPARED = 2000
"""Messages that one smart search compares: the newest."""

EMBEDDING_SECONDS = 5.0
"""After so long a smart search answers with what it has compared. What was embedded is remembered: the same search,
asked again, gets further."""

EMBEDDED_AT_ONCE = 16

MOST_VECTORS = 20_000
"""Remembered, 1.5 kB each."""

EMBEDDING_MODEL = "e5_mistral_7b_instruct"
"""The name by which agents ask for the default embedder."""


@dataclass(frozen=True, slots=True)
class Message:
    conversation: ConversationRow
    index: int
    text: str

    def result(self, words: Sequence[str], score: float) -> Document:
        return {
            "conversation_id": self.conversation.conversation_id,
            "agent_id": self.conversation.agent_id,
            "agent_name": self.conversation.agent_name,
            "transcript_index": self.index,
            "chunk_text": self.text,
            "chunk_highlights": highlights(self.text, words),
            "score": round(score, 4),
            "conversation_start_time_unix_secs": int(self.conversation.started_at),
        }


@router.get("/text-search", operation_id="conversations_messages_text_search")
@described(response=MessagesSearchResponse)
async def text_search(services: ServicesDep, page: PageDep, filters: FiltersDep, text_query: Text) -> Json:
    """Messages that contain every word of the query, newest conversations first; those that have the words as they
    stand score 1, others 0.5. Filters are those of the list."""
    words = text_query.casefold().split()
    filters = replace(filters, query=replace(filters.query, search=" ".join([*words, filters.query.search or ""])))
    start, done_id, done_index = _read(page.cursor)
    results: list[Document] = []
    looked_at, before = 0, start
    conversations = services.store.conversations
    async for row in _rows(conversations, filters, start):
        if looked_at >= MOST_LOOKED_AT:
            return Json(_page(results, page, _write(before, "", -1)))
        looked_at += 1
        if await matches(conversations, filters, row):
            for message in await _messages(conversations, row):
                if row.conversation_id == done_id and message.index <= done_index:
                    continue
                said = message.text.casefold()
                if all(word in said for word in words):
                    if len(results) == page.size:
                        last = results[-1]
                        place = _write(before, last["conversation_id"], last["transcript_index"])
                        return Json(_page(results, page, place))
                    is_phrase = " ".join(words) in " ".join(said.split())
                    results.append(message.result(words, 1.0 if is_phrase else 0.5))
        before = cursor_after(row)
    return Json(_page(results, page, None))


@router.get("/smart-search", operation_id="conversations_messages_smart_search")
@described(response=MessagesSearchResponse)
async def smart_search(
    services: ServicesDep,
    page: PageDep,
    text_query: Text,
    agent_id: str | None = None,
    branch_id: str | None = None,
) -> Json:
    """Messages about what the query is about, best first: the newest 2000 of the conversations asked for are compared,
    as far as that goes in five seconds (`meta.x_compared`). Where no embedding model is installed, they are ranked by
    common words (`meta.x_ranked_by`)."""
    filters = asked(agent_id=agent_id, branch_id=branch_id)
    messages: list[Message] = []
    async for row in _rows(services.store.conversations, filters, None):
        if await matches(services.store.conversations, filters, row):
            messages += await _messages(services.store.conversations, row)
        if len(messages) >= MOST_COMPARED:
            break
    words = text_query.casefold().split()
    scores, ranked_by = await _scores(services, text_query, messages[:MOST_COMPARED])
    compared = sum(score is not None for score in scores)
    ranked = sorted(
        ((score, message) for score, message in zip(scores, messages, strict=False) if score),
        key=lambda one: (-one[0], -one[1].conversation.started_at, one[1].conversation.conversation_id, one[1].index),
    )
    results = [message.result(words, score) for score, message in ranked]
    first = _offset(page.cursor)
    shown = results[first : first + page.size]
    more = first + page.size < len(results)
    body = _page(shown, page, urlsafe_b64encode(str(first + page.size).encode()).decode() if more else None)
    more_of_it = {"total": len(results), "x_ranked_by": ranked_by, "x_compared": compared}
    return Json(body | {"meta": body["meta"] | more_of_it})


# -- by words ---------------------------------------------------------------------------------------------------------


async def _rows(conversations: Conversations, filters: Filters, cursor: str | None) -> AsyncIterator[ConversationRow]:
    while True:
        page = await conversations.page(filters.query, page_size=50, cursor=cursor)
        for row in page.items:
            yield row
        cursor = page.next_cursor
        if cursor is None:
            return


async def _messages(conversations: Conversations, row: ConversationRow) -> list[Message]:
    turns = await conversations.turns(row.conversation_id)
    return [
        Message(row, index, text)
        for index, turn in enumerate(turns)
        if isinstance(text := turn.get("message"), str) and text
    ]


def highlights(text: str, words: Sequence[str]) -> list[Document]:
    """The text in pieces: those that are one of the words, and those between."""
    pieces: list[Document] = []
    folded, place = text.casefold(), 0
    if len(folded) != len(text):  # ß and the like: places would not fit
        return [{"value": text, "is_hit": False}]
    while place < len(text):
        hits = [(at, word) for word in words if (at := folded.find(word, place)) >= 0]
        if not hits:
            break
        at, word = min(hits, key=lambda hit: (hit[0], -len(hit[1])))
        if at > place:
            pieces.append({"value": text[place:at], "is_hit": False})
        pieces.append({"value": text[at : at + len(word)], "is_hit": True})
        place = at + len(word)
    if place < len(text):
        pieces.append({"value": text[place:], "is_hit": False})
    return pieces


def _page(results: Sequence[Document], page: PageAsked, cursor: str | None) -> dict[str, Any]:
    meta = {"total": None, "page": None, "page_size": page.size}
    return {"meta": meta, "results": list(results), "next_cursor": cursor, "has_more": cursor is not None}


def _write(before: str | None, conversation_id: str, index: int) -> str:
    return urlsafe_b64encode(orjson.dumps([before, conversation_id, index])).decode()


def _read(cursor: str | None) -> tuple[str | None, str, int]:
    """Where to begin, and the message behind which."""
    if cursor is None:
        return None, "", -1
    try:
        before, conversation_id, index = orjson.loads(urlsafe_b64decode(cursor))
        if isinstance(before, str | None) and isinstance(conversation_id, str) and isinstance(index, int):
            return before, conversation_id, index
    except ValueError:
        pass
    raise InvalidRequest(f'cursor: expected the "next_cursor" of a page of this search, got "{cursor[:60]}".')


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        return max(0, int(urlsafe_b64decode(cursor)))
    except ValueError:
        raise InvalidRequest(
            f'cursor: expected the "next_cursor" of a page of this search, got "{cursor[:60]}".'
        ) from None


# -- by meaning -------------------------------------------------------------------------------------------------------

_vectors: OrderedDict[bytes, NDArray[Any]] = OrderedDict()
"""Of messages that were compared, by what they say."""


async def _scores(services: Services, query: str, messages: Sequence[Message]) -> tuple[Sequence[float | None], str]:
    """How much each message is about the query, 0 to 1, and how that was found out; None: not compared yet."""
    if not messages:
        return [], "embedding"
    clock = asyncio.get_running_loop().time
    until = clock() + EMBEDDING_SECONDS
    try:
        embedder = services.registry.embedder(EMBEDDING_MODEL).provider
        (wanted,) = await embedder.embed([query], is_query=True)
        keys = [blake2b(f"{embedder.name}\0{one.text}".encode(), digest_size=16).digest() for one in messages]
        missing = list({key: one.text for key, one in zip(keys, messages, strict=True) if key not in _vectors}.items())
        for first in range(0, len(missing), EMBEDDED_AT_ONCE):
            some = missing[first : first + EMBEDDED_AT_ONCE]
            vectors = await embedder.embed([text for _, text in some])
            _vectors.update(zip((key for key, _ in some), vectors, strict=True))
            if clock() >= until:
                break
        scores = [max(0.0, float(_vectors[key] @ wanted)) if key in _vectors else None for key in keys]
        while len(_vectors) > MOST_VECTORS:
            _vectors.popitem(last=False)
        return scores, "embedding"
    except ParolaError:
        return await asyncio.to_thread(_common_words, query, messages), "words"


def _common_words(query: str, messages: Sequence[Message]) -> list[float]:
    """The share of the query's words that a message has."""
    words = set(query.casefold().split())
    return [len(words & set(one.text.casefold().split())) / len(words) for one in messages]
