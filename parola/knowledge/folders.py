"""The folders of the knowledge base as a tree."""

from __future__ import annotations

from collections.abc import Sequence

from parola.store.base import Knowledge, KnowledgeDocumentRow

ROOTS = ("", "root")
"""How the top is named in requests."""


class Tree:
    """All folders, as they were when this was made."""

    def __init__(self, folders: Sequence[KnowledgeDocumentRow]) -> None:
        self._folders = {folder.document_id: folder for folder in folders}
        self._inside: dict[str, list[str]] = {}
        for folder in folders:
            self._inside.setdefault(folder.parent_folder_id, []).append(folder.document_id)

    @classmethod
    async def of(cls, knowledge: Knowledge) -> Tree:
        return cls(await knowledge.folders())

    def __contains__(self, folder_id: str) -> bool:
        return folder_id in self._folders

    def path(self, folder_id: str) -> list[KnowledgeDocumentRow]:
        """From the top to this folder, this one included; empty for the top."""
        found: list[KnowledgeDocumentRow] = []
        while (folder := self._folders.get(folder_id)) is not None and folder not in found:
            found.insert(0, folder)
            folder_id = folder.parent_folder_id
        return found

    def below(self, folder_id: str) -> list[str]:
        """The ids of this folder and of all folders in it, at any depth; for the top, of all."""
        found: dict[str, None] = {}
        waiting = [folder_id]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found[one] = None
                waiting.extend(self._inside.get(one, ()))
        return list(found)


async def documents_in(knowledge: Knowledge, ids: Sequence[str]) -> list[KnowledgeDocumentRow]:
    """What an agent's locators stand for: documents themselves, and all that lie in folders at any depth; each once.
    Ids that are gone are left out."""
    rows = await knowledge.get_many(list(dict.fromkeys(ids)))
    folders = [row.document_id for row in rows if row.kind == "folder"]
    if folders:
        tree = await Tree.of(knowledge)
        inside = await knowledge.children([below for folder in folders for below in tree.below(folder)])
        rows = [*rows, *inside]
    return list({row.document_id: row for row in rows if row.kind != "folder"}.values())
