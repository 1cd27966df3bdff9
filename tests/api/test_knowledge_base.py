"""The knowledge base by the official Python SDK, against a real server with scripted embeddings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from elevenlabs import ElevenLabs
from elevenlabs.core.api_error import ApiError

from parola.config import ProviderSettings, Settings
from tests.conftest import RunningServer

MODEL = "multilingual_e5_large_instruct"
SETTINGS = Settings(ephemeral=True, embedding={"default": ProviderSettings("scripted")})


@pytest.fixture
def server(start_server: Callable[..., RunningServer]) -> RunningServer:
    return start_server(SETTINGS)


@pytest.fixture
def sdk(server: RunningServer) -> Iterator[ElevenLabs]:
    with httpx.Client() as web:
        yield ElevenLabs(api_key="x", base_url=server.base_url, httpx_client=web)  # type: ignore[arg-type]


@pytest.fixture
def documents(sdk: ElevenLabs) -> Any:
    return sdk.conversational_ai.knowledge_base.documents


def agent_with(sdk: ElevenLabs, document_id: str, kind: str = "text") -> str:
    locator = {"type": kind, "name": "Menu", "id": document_id, "usage_mode": "auto"}
    config = {"agent": {"prompt": {"prompt": "Help.", "knowledge_base": [locator]}}}
    return sdk.conversational_ai.agents.create(name="Waiter", conversation_config=config).agent_id  # type: ignore[arg-type]


def refused(call: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[int, Any]:
    with pytest.raises(ApiError) as error:
        call(*args, **kwargs)
    assert isinstance(error.value.status_code, int)
    return error.value.status_code, error.value.body["detail"]


def indexed(sdk: ElevenLabs, document_id: str) -> Any:
    """The index, once nothing is to be done for it any more."""
    give_up_at = time.monotonic() + 20
    while True:
        index = sdk.conversational_ai.knowledge_base.document.compute_rag_index(document_id, model=MODEL)
        if index.status not in ("created", "processing") or time.monotonic() > give_up_at:
            return index


def test_a_text_comes_back(documents: Any) -> None:
    made = documents.create_from_text(text="# Soup\n\nOnion soup.", name="Menu")
    got = documents.get(made.id)
    assert (got.type, got.name, got.extracted_inner_html) == ("text", "Menu", "# Soup\n\nOnion soup.")
    assert (got.metadata.size_bytes, got.supported_usages, got.access_info.role) == (19, ["prompt", "auto"], "admin")
    assert documents.get_content(made.id) == "# Soup\n\nOnion soup."
    changed = documents.update(made.id, name="Lunch", content="Leek soup.")
    assert (changed.name, changed.extracted_inner_html) == ("Lunch", "Leek soup.")
    assert documents.summaries.get(document_ids=[made.id, "kb_none"])["kb_none"].status == "failure"
    documents.delete(made.id)
    assert refused(documents.get, made.id) == (
        404,
        {"status": "document_not_found", "message": f"Document with id {made.id} not found."},
    )


def test_a_file_is_read_and_its_original_kept(documents: Any) -> None:
    page = b"<title>T</title><h1>Menu</h1><script>bad()</script><p>Soup &amp; bread</p>"
    made = documents.create_from_file(file=("menu.html", page, "text/html"))
    got = documents.get(made.id)
    assert (got.name, got.filename, got.extracted_inner_html) == ("menu.html", "menu.html", "# Menu\n\nSoup & bread")
    link = documents.get_source_file_url(made.id).signed_url
    with httpx.Client() as stranger:
        answer = stranger.get(link)
        assert answer.content == page
        assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''menu.html"
        assert stranger.get(link.replace("expires=", "expires=9")).status_code == 401


def test_a_file_is_replaced(sdk: ElevenLabs, documents: Any) -> None:
    made = documents.create_from_file(file=("menu.txt", b"Onion soup", "text/plain"), name="Menu")
    assert indexed(sdk, made.id).status == "succeeded"
    changed = sdk.conversational_ai.knowledge_base.document.update_file(
        made.id, file=("lunch.md", b"# Lunch\n\nLeek tart", "text/markdown")
    )
    assert (changed.name, changed.filename) == ("Menu", "lunch.md")
    assert indexed(sdk, made.id).status == "succeeded"
    (chunk,) = documents.chunks.list(made.id, embedding_model=MODEL).chunks
    assert chunk.content == "Lunch\n\nLeek tart"


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (("menu.exe", b"MZ", "application/x-msdownload"), "Expected a TXT, MD, HTML, PDF, DOCX or EPUB file"),
        (("menu.pdf", b"<html>", "application/pdf"), "Expected a PDF file, by its name; what came is something else."),
        (("menu.txt", b"", "text/plain"), "got an empty one"),
        (("menu.txt", b"a" * (20 * 1024 * 1024 + 1), "text/plain"), "at most 20971520 bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(documents: Any, file: Any, said: str) -> None:
    status, detail = refused(documents.create_from_file, file=file)
    assert (status, detail["status"]) == (400, "invalid_file")
    assert said in detail["message"]
    assert detail["message"].startswith("Expected")


def test_an_endless_upload_is_refused_before_it_has_come(server: RunningServer) -> None:
    def endless() -> Iterator[bytes]:
        yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        for _ in range(500):
            yield b"a" * 1024 * 1024

    headers = {"content-type": "multipart/form-data; boundary=b"}
    with httpx.Client() as web:
        try:
            answer = web.post(f"{server.base_url}/v1/convai/knowledge-base/file", content=endless(), headers=headers)
        except httpx.TransportError:
            return  # the server has hung up while the rest was still being sent
        assert answer.status_code == 413


class Site:
    """A website on this machine with one page, which changes."""

    def __init__(self) -> None:
        site = self
        self.html = "<title>Hours</title><h1>Hours</h1><p>Nine to five."

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if site.html else 404)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(site.html.encode())

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hours"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


def test_a_page_is_fetched_refreshed_and_kept_up_to_date(sdk: ElevenLabs, documents: Any, site: Site) -> None:
    folder = documents.create_folder(name="Web", enable_auto_sync=True, minimum_frequency_days=3)
    made = documents.create_from_url(url=site.url, parent_folder_id=folder.id)
    got = documents.get(made.id)
    assert (got.type, got.name, got.url) == ("url", "Hours", site.url)
    assert got.extracted_inner_html == "# Hours\n\nNine to five."
    assert got.auto_sync_info.minimum_frequency_days == 3
    site.html = "<p>Ten to six."
    refreshed = sdk.conversational_ai.knowledge_base.document.refresh(made.id)
    assert refreshed.extracted_inner_html == "Ten to six."
    site.html = ""
    status, detail = refused(sdk.conversational_ai.knowledge_base.document.refresh, made.id)
    assert (status, detail["status"]) == (400, "url_not_fetched")
    assert detail["message"] == f"{site.url} answered 404; expected a document (200)."
    assert documents.get_content(made.id) == "Ten to six."

    documents.update(folder.id, minimum_frequency_days=10, tighten_only=True)
    assert documents.get(made.id).auto_sync_info.minimum_frequency_days == 3
    documents.update(folder.id, minimum_frequency_days=20, auto_remove=True)
    sync = documents.get(made.id).auto_sync_info
    assert (sync.minimum_frequency_days, sync.auto_remove) == (20, True)
    assert documents.update(made.id, enable_auto_sync=False).auto_sync_info is None
    assert refused(documents.create_from_url, url="http://169.254.169.254/latest")[1]["status"] == "address_refused"
    assert refused(documents.create_from_url, url="file:///etc/passwd")[1]["status"] == "url_not_fetched"


def test_the_older_form_takes_a_file(server: RunningServer) -> None:
    with httpx.Client(base_url=server.base_url) as web:
        answer = web.post("/v1/convai/knowledge-base", data={"name": "Menu"}, files={"file": ("m.md", b"Soup")})
        assert answer.json()["name"] == "Menu"
        assert web.post("/v1/convai/knowledge-base", data={"name": "Menu"}).status_code == 422


def test_folders_hold_documents_and_folders(sdk: ElevenLabs, documents: Any) -> None:
    outer = documents.create_folder(name="House")
    inner = documents.create_folder(name="Kitchen", parent_folder_id=outer.id)
    made = documents.create_from_text(text="Soup", name="Menu", parent_folder_id=inner.id)
    assert [segment.id for segment in made.folder_path] == [outer.id, inner.id]
    shown = documents.get(outer.id)
    assert (shown.children_count, shown.document_count) == (1, 1)
    assert documents.get(made.id).folder_parent_id == inner.id

    listed = sdk.conversational_ai.knowledge_base.list
    assert [one.name for one in listed(parent_folder_id="root").documents] == ["House"]
    assert {one.name for one in listed(ancestor_folder_id=outer.id).documents} == {"Kitchen", "Menu"}

    assert refused(documents.move, outer.id, move_to=inner.id)[0] == 400
    documents.move(made.id)
    assert documents.get(made.id).folder_parent_id is None
    documents.bulk_move(document_ids=[made.id], move_to=outer.id)
    assert documents.get(made.id).folder_parent_id == outer.id
    assert refused(documents.create_from_text, text="a", parent_folder_id="kb_none")[0] == 404

    status, detail = refused(documents.delete, outer.id)
    assert (status, detail["message"]) == (409, "The folder is not empty. Delete it with force=true.")
    documents.delete(outer.id, force=True)
    assert listed().documents == []


def test_lists_are_filtered_sorted_and_paged(sdk: ElevenLabs, documents: Any) -> None:
    listed = sdk.conversational_ai.knowledge_base.list
    for number in range(5):
        documents.create_from_text(text="x" * (number + 1), name=f"Text {number}")
    for number in range(2):
        documents.create_folder(name=f"Folder {number}")
    names: list[str] = []
    cursor: str | None = None
    while True:
        page = listed(page_size=2, folders_first=True, sort_by="size", sort_direction="asc", cursor=cursor)
        names += [one.name for one in page.documents]
        cursor = page.next_cursor
        if not page.has_more:
            break
    assert sorted(names[:2]) == ["Folder 0", "Folder 1"]
    assert names[2:] == [f"Text {number}" for number in range(5)]
    assert [one.name for one in listed(search="text 3").documents] == ["Text 3"]
    assert {one.type for one in listed(types=["folder"]).documents} == {"folder"}
    assert listed(created_by_user_id="somebody").documents == []
    assert refused(listed, cursor="nonsense")[0] == 400
    assert refused(listed, folders_first=True, cursor="non.sense")[0] == 400


def test_words_are_found_and_shown(sdk: ElevenLabs, documents: Any) -> None:
    documents.create_from_text(text="We open at nine. " * 30 + "Our Onion soup is hot.", name="Menu")
    documents.create_from_text(text="Nothing.", name="Other")
    (result,) = sdk.conversational_ai.knowledge_base.search(query="onion SOUP").results
    assert result.document.name == "Menu"
    assert [segment.value for segment in result.search_snippet if segment.is_hit] == ["Onion", "soup"]
    assert 0 < result.score < 1


def test_a_document_in_use_is_deleted_with_force_only(sdk: ElevenLabs, documents: Any) -> None:
    folder = documents.create_folder(name="House")
    made = documents.create_from_text(text="Soup", name="Menu", parent_folder_id=folder.id)
    direct, transitive = agent_with(sdk, made.id), agent_with(sdk, folder.id, "folder")

    def users(**asked: Any) -> set[str]:
        return {agent.id for agent in documents.get_agents(made.id, **asked).agents}

    assert users() == {direct, transitive}
    assert users(dependent_type="direct") == {direct}
    assert users(dependent_type="transitive") == {transitive}
    first = documents.get_bulk_agents(document_ids=[made.id, folder.id], page_size=1)
    second = documents.get_bulk_agents(document_ids=[made.id, folder.id], page_size=1, cursor=first.next_cursor)
    assert {first.agents[0].id, second.agents[0].id} == {direct, transitive}
    assert (first.has_more, second.has_more) == (True, False)
    size = sdk.conversational_ai.agents.knowledge_base.size(transitive)
    assert size.number_of_pages == documents_pages("Soup")

    status, detail = refused(documents.delete, made.id)
    assert (status, detail["message"]) == (409, "The document is used by Waiter. Delete it with force=true.")
    results = documents.bulk_delete(document_ids=[made.id, "kb_none"], force=True)
    assert {one: result.status for one, result in results.items()} == {made.id: "success", "kb_none": "failure"}
    prompt = sdk.conversational_ai.agents.get(direct).conversation_config.agent.prompt
    assert prompt is not None and prompt.knowledge_base == [] and prompt.prompt == "Help."


def documents_pages(text: str) -> float:
    return round(len(text) / 3000, 2)


def documents_of(sdk: ElevenLabs) -> list[dict[str, Any]]:
    """The list as it is sent, with what the SDK does not know."""
    listed = sdk.conversational_ai.knowledge_base.list()
    return [document.model_dump() for document in listed.documents]


def test_a_document_is_indexed_in_the_background(sdk: ElevenLabs, documents: Any) -> None:
    base = sdk.conversational_ai.knowledge_base
    made = documents.create_from_text(text="# Soup\n\n" + "Onion soup is hot and good. " * 100, name="Menu")
    folder = documents.create_folder(name="House")
    index = indexed(sdk, made.id)
    assert (index.status, index.progress_percentage, index.model) == ("succeeded", 100.0, MODEL)
    assert index.document_model_index_usage.used_bytes > 1000
    assert base.document.compute_rag_index(folder.id, model=MODEL).status == "cannot_index_folder"

    first = documents.chunks.list(made.id, embedding_model=MODEL, page_size=2)
    assert len(first.chunks) == 2 and first.next_cursor
    assert all(chunk.content.startswith("Soup\n\n") for chunk in first.chunks)
    chunk = documents.chunk.get(made.id, first.chunks[0].id, embedding_model=MODEL)
    assert chunk == first.chunks[0]
    assert refused(documents.chunk.get, folder.id, first.chunks[0].id)[0] == 404

    items = [
        {"document_id": one, "create_if_missing": False, "model": MODEL} for one in (made.id, folder.id, "kb_none")
    ]
    results = base.get_or_create_rag_indexes(items=items)  # type: ignore[arg-type]
    assert [results[one].status for one in (made.id, folder.id, "kb_none")] == ["success", "failure", "failure"]
    overview = sdk.conversational_ai.rag_index_overview()
    assert overview.total_used_bytes == overview.models[0].used_bytes == index.document_model_index_usage.used_bytes
    assert refused(base.document.compute_rag_index, made.id, model="word2vec")[0] == 422

    shown = {one["id"]: one["x_rag_indexes"] for one in documents_of(sdk)}
    assert shown[folder.id] == []
    assert [(one["id"], one["status"], one["progress_percentage"]) for one in shown[made.id]] == [
        (index.id, "succeeded", 100.0)
    ]

    listed = sdk.conversational_ai.get_document_rag_indexes(made.id)
    assert [one.id for one in listed.indexes] == [index.id]
    sdk.conversational_ai.delete_document_rag_index(made.id, index.id)
    assert sdk.conversational_ai.get_document_rag_indexes(made.id).indexes == []
    assert documents.chunks.list(made.id, embedding_model=MODEL).chunks == []


def test_what_waits_is_indexed_by_the_next_server(start_server: Callable[..., RunningServer], tmp_path: Path) -> None:
    """A server that was killed leaves an index half made."""
    import asyncio

    from parola.store.base import KnowledgeDocumentRow, RagIndexRow
    from parola.store.sql import SqlStore

    async def left_behind() -> None:
        store = SqlStore(tmp_path)
        await store.open()
        await store.knowledge.put(KnowledgeDocumentRow("kb_1", "text", "Menu", 1.0, 1.0), text="Onion soup")
        await store.knowledge.put_index(RagIndexRow("ragidx_1", "kb_1", MODEL, "processing", 1.0, 1.0, 40.0))
        await store.aclose()

    asyncio.run(left_behind())
    server = start_server(Settings(data=tmp_path, embedding=SETTINGS.embedding))
    with httpx.Client() as web:
        sdk = ElevenLabs(api_key="x", base_url=server.base_url, httpx_client=web)  # type: ignore[arg-type]
        assert indexed(sdk, "kb_1").status == "succeeded"
        (chunk,) = sdk.conversational_ai.knowledge_base.documents.chunks.list("kb_1", embedding_model=MODEL).chunks
        assert chunk.content == "Onion soup"
