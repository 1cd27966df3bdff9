"""What an agent knows, read at the start of a conversation: whole documents for its prompt, others to be searched.

Folders stand for all documents in them. What is small stands in the prompt even where it might be searched; what cannot
be searched yet stands there too, with a warning, so that an agent knows its documents from the first call on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from parola.conversation.knowledge import Locator, whole_documents
from parola.conversation.setup import Setup
from parola.store.base import Knowledge, KnowledgeDocumentRow, RagIndexRow

PROMPT_CHARACTERS = 300_000
"""Of all documents that stand in the prompt (reference: rest.md §3.3)."""

SMALL_BYTES = 4_000
"""Documents that together are no larger than this are not worth a search."""

DEEPEST = 20
"""Folders in folders; the store allows no circles, and this is in case it has one."""


IndexSoon = Callable[[Sequence[str], str], None]
"""Told the documents and the embedding model, it has the documents indexed in the background."""


async def with_documents(setup: Setup, store: Knowledge, index_soon: IndexSoon) -> Setup:
    """The setup with the documents its agent names, and warnings about those it cannot have. What is to be searched
    and was never indexed is handed to ``index_soon``, for the next conversation."""
    knowledge = setup.knowledge
    if not knowledge.locators:
        return setup
    warnings: list[str] = []
    documents = await _documents(knowledge.locators, store, warnings)
    whole = {one.document_id for one, is_whole in documents if is_whole}
    searched: dict[str, str] = {}
    if knowledge.rag.is_enabled:
        rows = [one for one, is_whole in documents if not is_whole]
        searched = await _searched(rows, knowledge.rag.embedding_model, store, index_soon, warnings)
    names = {one.document_id: one.name for one, _ in documents if one.document_id not in searched}
    # What must be there comes first, in case there is too much.
    ids = sorted(names, key=lambda document_id: document_id not in whole)
    texts = await store.texts(ids) if ids else {}
    shown = _shortened([(one, names[one], texts[one]) for one in ids if texts.get(one)], warnings)
    knowledge = replace(
        knowledge,
        text=whole_documents(shown),
        text_ids=tuple(document_id for document_id, _, _ in shown),
        searched=searched,
    )
    return replace(setup, knowledge=knowledge, warnings=(*setup.warnings, *warnings))


async def _documents(
    locators: Iterable[Locator], store: Knowledge, warnings: list[str]
) -> list[tuple[KnowledgeDocumentRow, bool]]:
    """Every document that the agent names, each once and folders opened, and whether all of it is to be shown."""
    wanted = {locator.document_id: locator for locator in locators}
    rows = await store.get_many(list(wanted))
    known = {row.document_id for row in rows}
    for document_id, locator in wanted.items():
        if document_id not in known:
            title = f'"{locator.name}" ({document_id})' if locator.name else document_id
            warnings.append(f"Knowledge base: there is no document {title}; the agent does without it.")
    found: dict[str, tuple[KnowledgeDocumentRow, bool]] = {}
    folders: dict[str, bool] = {}
    seen: set[str] = set()
    _sort(((row, wanted[row.document_id].is_whole) for row in rows), found, folders)
    for _ in range(DEEPEST):
        opened = {folder_id: is_whole for folder_id, is_whole in folders.items() if folder_id not in seen}
        if not opened:
            break
        seen |= opened.keys()
        children = await store.children(list(opened))
        _sort(((row, opened[row.parent_folder_id]) for row in children), found, folders)
    return list(found.values())


def _sort(
    rows: Iterable[tuple[KnowledgeDocumentRow, bool]],
    found: dict[str, tuple[KnowledgeDocumentRow, bool]],
    folders: dict[str, bool],
) -> None:
    for row, is_whole in rows:
        if row.kind == "folder":
            folders.setdefault(row.document_id, is_whole)
        else:
            found.setdefault(row.document_id, (row, is_whole))


async def _searched(
    rows: list[KnowledgeDocumentRow], model: str, store: Knowledge, index_soon: IndexSoon, warnings: list[str]
) -> dict[str, str]:
    """Those of the documents that are searched, id to name."""
    if sum(row.size for row in rows) <= SMALL_BYTES:
        return {}
    indexes = await store.indexes(document_ids=[row.document_id for row in rows], model=model)
    found = {index.document_id: index for index in indexes}
    searched: dict[str, str] = {}
    for row in rows:
        index = found.get(row.document_id)
        # While it is indexed anew, its old chunks are there.
        if index is not None and (index.status == "succeeded" or index.used_bytes):
            searched[row.document_id] = row.name
        elif index is None or index.status != "document_too_small":
            warnings.append(
                f'Knowledge base: "{row.name}" ({row.document_id}) cannot be searched yet, {_why(index, model)}; '
                "it stands in the prompt."
            )
    if missing := [row.document_id for row in rows if row.document_id not in found]:
        index_soon(missing, model)
    return searched


def _why(index: RagIndexRow | None, model: str) -> str:
    if index is None:
        return f"it had no index for {model}, which is being made now"
    if index.status in ("failed", "rag_limit_exceeded"):
        again = f"POST /v1/convai/knowledge-base/{index.document_id}/rag-index tries again"
        return f"its index is {index.status} ({index.error or 'unknown reason'}; {again})"
    return f"its index is {index.status}"


def _shortened(documents: list[tuple[str, str, str]], warnings: list[str]) -> list[tuple[str, str, str]]:
    """As much of them as ``PROMPT_CHARACTERS`` allow."""
    left = PROMPT_CHARACTERS
    shown: list[tuple[str, str, str]] = []
    for document_id, name, text in documents:
        if len(text) > left:
            kept = f"its first {left:,} of {len(text):,} characters stand" if left else "nothing of it stands"
            warnings.append(
                f'Knowledge base: "{name}" ({document_id}) is too long, {kept} in the prompt, which has room for '
                f"{PROMPT_CHARACTERS:,} of all documents. Search it instead: usage_mode auto, and prompt.rag.enabled."
            )
            text = text[:left]
        if text:
            shown.append((document_id, name, text))
            left -= len(text)
    return shown
