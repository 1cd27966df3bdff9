"""How documents of the knowledge base are shown, and which agents use them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from parola.api.agents import OWNER
from parola.api.named_documents import LISTS, named_in
from parola.api.references import dependent
from parola.api.services import Services
from parola.errors import NotFound, ParolaError
from parola.knowledge.folders import Tree
from parola.protocol.documents import JsonObject
from parola.store.base import AgentRow, KnowledgeDocumentRow, RagIndexRow, Store

_AT_A_TIME = 100

Users = Mapping[str, Sequence[AgentRow]]
"""Ids of documents and folders to the agents that name them."""


async def find_document(services: Services, document_id: str) -> KnowledgeDocumentRow:
    """Raises ``NotFound``."""
    row = await services.store.knowledge.get(document_id)
    if row is None:
        raise not_found(document_id)
    return row


def not_found(document_id: str) -> NotFound:
    return NotFound(f"Document with id {document_id} not found.")


def success(data: JsonObject) -> JsonObject:
    return {"status": "success", "data": data}


def failure(error: ParolaError) -> JsonObject:
    return {
        "status": "failure",
        "error_code": error.status,
        "error_status": error.code,
        "error_message": error.message,
    }


# -- who uses what ----------------------------------------------------------------------------------------------------


def without(value: Any, ids: frozenset[str]) -> Any:
    """An agent's document that names these no longer."""
    if isinstance(value, dict):
        return {
            key: [one for one in inside if not (isinstance(one, dict) and one.get("id") in ids)]
            if key in LISTS and isinstance(inside, list)
            else without(inside, ids)
            for key, inside in value.items()
        }
    if isinstance(value, list):
        return [without(inside, ids) for inside in value]
    return value


async def users_of_all(store: Store) -> Users:
    users: dict[str, list[AgentRow]] = {}
    cursor: str | None = None
    while True:
        page = await store.agents.page(page_size=_AT_A_TIME, cursor=cursor)
        for agent in page.items:
            for document_id in named_in(agent.document):
                users.setdefault(document_id, []).append(agent)
        cursor = page.next_cursor
        if cursor is None:
            return users


def users_of(row: KnowledgeDocumentRow, users: Users, tree: Tree, kind: str = "all") -> list[AgentRow]:
    """The agents that name a document (``direct``), a folder it lies in (``transitive``), or either (``all``)."""
    direct = users.get(row.document_id, ()) if kind in ("direct", "all") else ()
    above = tree.path(row.parent_folder_id) if kind in ("transitive", "all") else []
    transitive = (agent for folder in above for agent in users.get(folder.document_id, ()))
    return list({agent.agent_id: agent for agent in (*direct, *transitive)}.values())


# -- how they are shown -----------------------------------------------------------------------------------------------


def added(row: KnowledgeDocumentRow, tree: Tree) -> JsonObject:
    return {"id": row.document_id, "name": row.name, "folder_path": _path(row, tree)}


async def summaries(services: Services, rows: Sequence[KnowledgeDocumentRow]) -> list[JsonObject]:
    """As lists show them."""
    if not rows:
        return []
    store = services.store
    tree, users = await Tree.of(store.knowledge), await users_of_all(store)
    counts = await _counts(store, [row for row in rows if row.kind == "folder"], tree)
    indexes: dict[str, list[RagIndexRow]] = {}
    for index in await store.knowledge.indexes(document_ids=[row.document_id for row in rows]):
        indexes.setdefault(index.document_id, []).append(index)
    return [
        {
            **_common(row, tree),
            "dependent_agents": [dependent(agent) for agent in users_of(row, users, tree)],
            "x_rag_indexes": [index_shown(index) for index in indexes.get(row.document_id, ())],
            **counts.get(row.document_id, {}),
        }
        for row in rows
    ]


async def shown(services: Services, row: KnowledgeDocumentRow) -> JsonObject:
    """As it is shown alone, with its text."""
    store = services.store
    tree = await Tree.of(store.knowledge)
    if row.kind == "folder":
        counts = await _counts(store, [row], tree)
        return {**_common(row, tree), **counts[row.document_id]}
    text = (await store.knowledge.texts([row.document_id])).get(row.document_id, "")
    return {**_common(row, tree), "extracted_inner_html": text, "content_format": "markdown"}


def index_shown(index: RagIndexRow) -> JsonObject:
    """``RagDocumentIndexResponse``."""
    return {
        "id": index.index_id,
        "model": index.model,
        "status": index.status,
        "progress_percentage": index.progress,
        "document_model_index_usage": {"used_bytes": index.used_bytes},
        **({"error_message": index.error} if index.error else {}),
    }


def _common(row: KnowledgeDocumentRow, tree: Tree) -> JsonObject:
    shown: JsonObject = {
        "type": row.kind,
        "id": row.document_id,
        "name": row.name,
        "metadata": {
            "created_at_unix_secs": int(row.created_at),
            "last_updated_at_unix_secs": int(row.updated_at),
            "size_bytes": row.size,
        },
        "supported_usages": ["prompt", "auto"],
        "access_info": OWNER,
        "folder_parent_id": row.parent_folder_id or None,
        "folder_path": _path(row, tree),
    }
    keys = {"url": ("url", "auto_sync_info"), "file": ("filename",), "folder": ("auto_sync_info",)}
    return shown | {key: row.source[key] for key in keys.get(row.kind, ()) if row.source.get(key) is not None}


def _path(row: KnowledgeDocumentRow, tree: Tree) -> list[JsonObject]:
    return [{"id": folder.document_id, "name": folder.name} for folder in tree.path(row.parent_folder_id)]


async def _counts(store: Store, folders: Iterable[KnowledgeDocumentRow], tree: Tree) -> Mapping[str, JsonObject]:
    """``children_count`` (directly inside) and ``document_count`` (at any depth, folders not counted)."""
    below = {folder.document_id: tree.below(folder.document_id) for folder in folders}
    wanted = list({folder_id for ids in below.values() for folder_id in ids})
    inside: dict[str, list[KnowledgeDocumentRow]] = {}
    for row in await store.knowledge.children(wanted) if wanted else ():
        inside.setdefault(row.parent_folder_id, []).append(row)
    return {
        folder_id: {
            "children_count": len(inside.get(folder_id, ())),
            "document_count": sum(row.kind != "folder" for one in ids for row in inside.get(one, ())),
        }
        for folder_id, ids in below.items()
    }
