"""Documents are kept, indexed in the background, fetched again, and gone when they are deleted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from parola.errors import ProviderError
from parola.knowledge.fetching import NotFetched
from parola.knowledge.folders import documents_in
from parola.knowledge.indexing import Indexing
from parola.knowledge.library import DAY_SECONDS, Contents, Library, sync_settings
from parola.outbound.http import Connections
from parola.providers.scripted_embedding import ScriptedEmbedder
from parola.store.base import KnowledgeDocumentRow, RagIndexRow
from parola.store.memory import MemoryStore

MODEL = "multilingual_e5_large_instruct"
MENU = KnowledgeDocumentRow("kb_1", "text", "Menu", 1.0, 1.0)
LONG = "Onion soup is hot and good. " * 400


class Gate(ScriptedEmbedder):
    """An embedder that waits for each batch to be let through, or fails."""

    def __init__(self) -> None:
        super().__init__(8)
        self.asked = asyncio.Event()
        self.let = asyncio.Semaphore(0)
        self.error: Exception | None = None
        self.texts: list[str] = []

    async def embed(self, texts: Sequence[str], *, is_query: bool = False) -> Any:
        self.asked.set()
        await self.let.acquire()
        if self.error is not None:
            raise self.error
        self.texts += texts
        return await super().embed(texts, is_query=is_query)

    def open(self) -> None:
        for _ in range(1000):
            self.let.release()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def library(gate: Gate) -> AsyncIterator[Library]:
    made = Library(MemoryStore(), Connections, lambda _: gate)
    made.indexing.start()
    yield made
    await made.aclose()


async def index_of(library: Library, document_id: str = "kb_1") -> RagIndexRow:
    (index,) = await library._store.knowledge.indexes(document_ids=[document_id])
    return index


async def until(library: Library, is_it: Callable[[RagIndexRow], bool], document_id: str = "kb_1") -> RagIndexRow:
    while not is_it(index := await index_of(library, document_id)):
        await asyncio.sleep(0)
    return index


def text(said: str) -> Contents:
    return Contents(said, len(said))


async def test_progress_is_told_batch_by_batch(library: Library, gate: Gate) -> None:
    await library.keep(MENU, text(LONG))
    made = await library.indexing.get_or_create("kb_1", MODEL)
    assert made is not None and (made.status, made.progress) == ("created", 0.0)
    assert await library.indexing.get_or_create("kb_none", MODEL) is None
    await gate.asked.wait()
    assert (await index_of(library)).status == "processing"
    gate.let.release()
    between = await until(library, lambda index: index.progress > 0)
    assert (between.status, between.progress < 100) == ("processing", True)
    assert await library._store.knowledge.chunks(MODEL, ["kb_1"]) == []
    gate.open()
    done = await until(library, lambda index: index.status == "succeeded")
    chunks = await library._store.knowledge.chunks(MODEL, ["kb_1"])
    assert (done.index_id, done.progress) == (made.index_id, 100.0)
    assert [chunk.text for chunk in chunks] == gate.texts
    assert done.used_bytes == sum(len(chunk.text.encode()) + 8 * 4 for chunk in chunks)


async def test_a_deleted_document_takes_its_job_with_it(library: Library, gate: Gate) -> None:
    await library.keep(MENU, text(LONG))
    await library.keep(replace(MENU, document_id="kb_2"), text("Leek tart."))
    for document_id in ("kb_1", "kb_2"):
        await library.indexing.get_or_create(document_id, MODEL)
    await gate.asked.wait()
    await library.delete(["kb_1"])
    gate.open()
    await until(library, lambda index: index.status == "succeeded", "kb_2")
    assert gate.texts == ["Leek tart."]
    assert [index.document_id for index in await library._store.knowledge.indexes()] == ["kb_2"]


async def test_a_deleted_index_does_not_come_back(library: Library, gate: Gate) -> None:
    await library.keep(MENU, text(LONG))
    index = await library.indexing.get_or_create("kb_1", MODEL)
    await gate.asked.wait()
    assert index is not None
    await library._store.knowledge.delete_index(index.index_id)
    gate.open()
    await library.keep(replace(MENU, document_id="kb_2"), text("Leek tart."))
    await library.indexing.get_or_create("kb_2", MODEL)
    await until(library, lambda index: index.status == "succeeded", "kb_2")
    assert [one.document_id for one in await library._store.knowledge.indexes()] == ["kb_2"]


async def test_a_text_that_changes_while_it_is_indexed_is_indexed_anew(library: Library, gate: Gate) -> None:
    await library.keep(MENU, text(LONG))
    await library.indexing.get_or_create("kb_1", MODEL)
    await gate.asked.wait()
    await library.replace("kb_1", text("Leek tart."))
    gate.open()
    await until(library, lambda index: index.status == "succeeded")
    assert [chunk.text for chunk in await library._store.knowledge.chunks(MODEL, ["kb_1"])] == ["Leek tart."]


async def test_an_index_that_failed_says_why_and_is_tried_again_when_asked_for(library: Library, gate: Gate) -> None:
    gate.error = ProviderError("openai", "It is not there.")
    gate.open()
    await library.keep(MENU, text("Leek tart."))
    await library.indexing.get_or_create("kb_1", MODEL)
    failed = await until(library, lambda index: index.status == "failed")
    assert failed.error == "It is not there."
    gate.error = RuntimeError("surprise")
    await library.indexing.get_or_create("kb_1", MODEL)
    failed = await until(library, lambda index: index.status == "failed" and index.error != "It is not there.")
    assert failed.error == "Something went wrong on the server; its log says what."
    gate.error = None
    again = await library.indexing.get_or_create("kb_1", MODEL)
    assert again is not None and (again.status, again.index_id) == ("created", failed.index_id)
    assert (await until(library, lambda index: index.status == "succeeded")).error is None


async def test_what_has_no_words_and_what_is_too_much_is_told(library: Library, gate: Gate) -> None:
    gate.open()
    await library.keep(MENU, text("- ---"))
    await library.indexing.get_or_create("kb_1", MODEL)
    await until(library, lambda index: index.status == "document_too_small")
    library.indexing.most_bytes = 10
    await library.replace("kb_1", text("Leek tart."))
    await until(library, lambda index: index.status == "rag_limit_exceeded")
    assert await library._store.knowledge.chunks(MODEL, ["kb_1"]) == []


async def test_what_was_begun_is_finished_by_the_next_server() -> None:
    store, gate = MemoryStore(), Gate()
    await store.knowledge.put(MENU, text="Leek tart.")
    first = Indexing(store, lambda _: gate)
    first.start()
    await first.get_or_create("kb_1", MODEL)
    await gate.asked.wait()
    await first.aclose()
    (index,) = await store.knowledge.indexes()
    assert index.status == "processing"
    gate.open()
    second = Library(store, Connections, lambda _: gate)
    second.indexing.start()
    await until(second, lambda index: index.status == "succeeded")
    await second.aclose()


async def test_a_page_is_fetched_again_when_it_is_due(
    library: Library, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.open()
    now = time.time()
    said: list[str | None] = ["Leek tart.", "Leek tart.", "Onion soup."]

    async def from_url(url: str) -> Contents:
        current = said.pop(0)
        if current is None:
            raise NotFetched(f"{url} answered 404.")
        return replace(text(current), source={"url": url})

    monkeypatch.setattr(library, "from_url", from_url)
    page = replace(MENU, kind="url", source={"url": "http://x.example", "auto_sync_info": sync_settings(7, True, now)})
    await library.keep(page, await from_url("http://x.example"))
    await library.indexing.get_or_create("kb_1", MODEL)
    first = await until(library, lambda index: index.status == "succeeded")

    await library.sync_due(now + 6 * DAY_SECONDS)
    assert len(said) == 2
    await library.sync_due(now + 8 * DAY_SECONDS)
    assert await index_of(library) == first  # it says the same: nothing to index
    await library.sync_due(now + 8 * DAY_SECONDS)
    assert (await library._store.knowledge.texts(["kb_1"]))["kb_1"] == "Onion soup."
    await until(library, lambda index: index.status == "succeeded" and index.updated_at > first.updated_at)

    said += [None, None, None]
    for failures in (1, 2):
        await library.sync_due(now + 30 * DAY_SECONDS)
        row = await library._store.knowledge.get("kb_1")
        assert row is not None and row.source["auto_sync_info"]["consec_failures"] == failures
    await library.sync_due(now + 30 * DAY_SECONDS)
    assert await library._store.knowledge.get("kb_1") is None


async def test_folders_stand_for_what_lies_in_them() -> None:
    knowledge = MemoryStore().knowledge
    for document_id, kind, parent in (
        ("kb_house", "folder", ""),
        ("kb_kitchen", "folder", "kb_house"),
        ("kb_menu", "text", "kb_kitchen"),
        ("kb_rules", "text", "kb_house"),
        ("kb_other", "text", ""),
    ):
        await knowledge.put(KnowledgeDocumentRow(document_id, kind, document_id, 1.0, 1.0, parent))
    found = await documents_in(knowledge, ["kb_menu", "kb_house", "kb_none"])
    assert [row.document_id for row in found] == ["kb_menu", "kb_rules"]
