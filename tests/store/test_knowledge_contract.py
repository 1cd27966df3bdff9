"""What every store does with the knowledge base."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from parola.errors import InvalidRequest
from parola.store.base import ChunkRow, KnowledgeDocumentRow, KnowledgeQuery, RagIndexRow, Store

MODEL = "multilingual_e5_large_instruct"


def document(document_id: str, name: str = "Menu", kind: str = "text", **given: Any) -> KnowledgeDocumentRow:
    number = float(document_id.rpartition("_")[2]) if document_id[-1].isdigit() else 0.0
    return KnowledgeDocumentRow(document_id, kind, name, number, number, **given)


def index(document_id: str = "kb_1", status: str = "created", **given: Any) -> RagIndexRow:
    return RagIndexRow(f"rag_{document_id}", document_id, MODEL, status, 1.0, 1.0, **given)


def chunk(document_id: str, position: int) -> ChunkRow:
    vector = np.full(4, position, "<f4").tobytes()
    return ChunkRow(f"chunk_{document_id}_{position}", document_id, MODEL, position, f"part {position}", vector)


async def test_a_document_comes_back_as_it_was_put(store: Store) -> None:
    row = document("kb_1", kind="file", size=5, source={"filename": "menu.pdf", "big": 2**70}, parent_folder_id="kb_9")
    await store.knowledge.put(row, text="Soup. Größe", original=b"%PDF-")
    assert await store.knowledge.get("kb_1") == row
    assert await store.knowledge.texts(["kb_1", "kb_2"]) == {"kb_1": "Soup. Größe"}
    assert await store.knowledge.original("kb_1") == b"%PDF-"
    await store.knowledge.put(replace(row, name="Lunch"))
    assert await store.knowledge.texts(["kb_1"]) == {"kb_1": "Soup. Größe"}
    assert await store.knowledge.original("kb_1") == b"%PDF-"
    assert [found.name for found in await store.knowledge.get_many(["kb_2", "kb_1"])] == ["Lunch"]


async def test_a_deleted_document_leaves_nothing(store: Store) -> None:
    await store.knowledge.put(document("kb_1"), text="Soup", original=b"x")
    await store.knowledge.put_index(index())
    await store.knowledge.finish_index(index(status="succeeded"), [chunk("kb_1", 0)])
    assert await store.knowledge.delete(["kb_1", "kb_2"]) == 1
    assert await store.knowledge.get("kb_1") is None
    assert await store.knowledge.texts(["kb_1"]) == {}
    assert await store.knowledge.original("kb_1") is None
    assert await store.knowledge.indexes() == []
    assert await store.knowledge.chunks(MODEL, ["kb_1"]) == []


@pytest.mark.parametrize("sort_by", ["name", "created_at", "updated_at", "size"])
@pytest.mark.parametrize("ascending", [True, False])
async def test_pages_hold_every_document_once_in_order(store: Store, sort_by: str, ascending: bool) -> None:
    for number in range(7):
        await store.knowledge.put(document(f"kb_{number}", name=f"Name {number // 2}", size=number // 3))
    query = KnowledgeQuery(sort_by=sort_by, ascending=ascending)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await store.knowledge.page(query, page_size=3, cursor=cursor)
        seen += [row.document_id for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    expected = [f"kb_{number}" for number in range(7)]
    assert seen == (expected if ascending else expected[::-1])
    with pytest.raises(InvalidRequest):
        await store.knowledge.page(query, page_size=3, cursor="nonsense")


async def test_documents_are_filtered(store: Store) -> None:
    await store.knowledge.put(document("kb_1", "Menus", "folder"))
    await store.knowledge.put(document("kb_2", "Lunch", "text", parent_folder_id="kb_1"))
    await store.knowledge.put(document("kb_3", "100% Straße", "url"))

    async def found(**query: Any) -> list[str]:
        page = await store.knowledge.page(KnowledgeQuery(ascending=True, **query), page_size=10)
        return [row.document_id for row in page.items]

    assert await found(search="100% STR") == ["kb_3"]
    assert await found(search="unch") == await found(search="1_") == []
    assert await found(kinds=["url", "folder"]) == ["kb_1", "kb_3"]
    assert await found(parent_folder_ids=[""]) == ["kb_1", "kb_3"]
    assert await found(parent_folder_ids=["kb_1"]) == ["kb_2"]
    assert await found(is_folder=False) == ["kb_2", "kb_3"]
    assert [row.document_id for row in await store.knowledge.folders()] == ["kb_1"]
    assert [row.document_id for row in await store.knowledge.children([""])] == ["kb_3", "kb_1"]


async def test_words_are_found_in_texts_and_names(store: Store) -> None:
    await store.knowledge.put(document("kb_1", "Menu"), text="Onion SOUP with bread")
    await store.knowledge.put(document("kb_2", "Soups", "file"), text="Nothing_here")

    async def found(*words: str, kinds: tuple[str, ...] = ()) -> list[str]:
        page = await store.knowledge.containing(words, kinds=kinds, page_size=10)
        return [row.document_id for row in page.items]

    assert await found("soup") == ["kb_2", "kb_1"]
    assert await found("soup", "bread") == ["kb_1"]
    assert await found("soup", kinds=("file",)) == ["kb_2"]
    assert await found("nothingxhere") == []


async def test_chunks_are_replaced_at_once(store: Store) -> None:
    for name in ("kb_1", "kb_2"):
        await store.knowledge.put(document(name))
        assert await store.knowledge.put_index(index(name))
        done = index(name, status="succeeded", used_bytes=9, progress=100.0)
        assert await store.knowledge.finish_index(done, [chunk(name, 1), chunk(name, 0)])
    assert await store.knowledge.chunks(MODEL, ["kb_2", "kb_1"]) == [
        chunk(name, position) for name in ("kb_1", "kb_2") for position in (0, 1)
    ]
    assert await store.knowledge.chunks("another", ["kb_1"]) == []
    assert await store.knowledge.update_index(index(status="created"))
    assert await store.knowledge.chunk("chunk_kb_1_1") == chunk("kb_1", 1)
    await store.knowledge.finish_index(index(status="succeeded"), [chunk("kb_1", 0)])
    assert await store.knowledge.chunk("chunk_kb_1_1") is None
    first = await store.knowledge.chunk_page("kb_2", MODEL, page_size=1)
    second = await store.knowledge.chunk_page("kb_2", MODEL, page_size=1, cursor=first.next_cursor)
    assert [*first.items, *second.items] == [chunk("kb_2", 0), chunk("kb_2", 1)]
    assert second.next_cursor is None


async def test_an_index_that_was_deleted_meanwhile_does_not_come_back(store: Store) -> None:
    assert not await store.knowledge.put_index(index())
    await store.knowledge.put(document("kb_1"))
    await store.knowledge.put_index(index())
    assert await store.knowledge.delete_index("rag_kb_1")
    assert not await store.knowledge.delete_index("rag_kb_1")
    assert not await store.knowledge.update_index(index(progress=50.0))
    assert not await store.knowledge.finish_index(index(status="succeeded"), [chunk("kb_1", 0)])
    assert await store.knowledge.indexes() == []
    assert await store.knowledge.chunks(MODEL, ["kb_1"]) == []


async def test_indexes_are_found_by_document_model_and_status(store: Store) -> None:
    for name, status in (("kb_1", "created"), ("kb_2", "succeeded")):
        await store.knowledge.put(document(name))
        await store.knowledge.put_index(index(name, status))
    assert await store.knowledge.indexes(statuses=["created", "processing"]) == [index("kb_1")]
    assert await store.knowledge.indexes(document_ids=["kb_2"], model=MODEL) == [index("kb_2", "succeeded")]
    assert await store.knowledge.indexes(document_ids=[]) == []
    assert await store.knowledge.indexes(model="another") == []
