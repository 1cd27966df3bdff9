"""The store in memory: for ``--ephemeral``, for tests, and as the plainest statement of what a store does.

Rows are kept with their documents as bytes, so that nobody changes what is kept by changing what they got.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from parola.endings import outline_of
from parola.errors import NotFound
from parola.metrics import WRITE_SECONDS, Histogram
from parola.protocol.lossless import dumps, loads, merged
from parola.store.audit import AuditLog
from parola.store.base import (
    NO_RATING,
    AgentCalls,
    AgentRow,
    Agents,
    ApiKeyRow,
    ApiKeys,
    ConversationChange,
    ConversationQuery,
    ConversationRow,
    Conversations,
    DocumentRow,
    Documents,
    FileRow,
    Files,
    Knowledge,
    Retention,
    SecretRow,
    Secrets,
    ToolRow,
    Tools,
    unlink_files_of,
    whole_seconds,
)
from parola.store.cursors import Place
from parola.store.documents import is_archived, recording_file, speaker, tags, tool_type, words
from parola.store.erased import after_erasure, is_erased
from parola.store.memory_audit import MemoryAuditLog
from parola.store.memory_knowledge import MemoryKnowledge
from parola.store.memory_outbox import MemoryOutbox
from parola.store.memory_overview import overview_of
from parola.store.memory_pages import named as _named
from parola.store.memory_pages import page as _page
from parola.store.memory_retention import MemoryRetention
from parola.store.outbox import DeliveryRow, Outbox
from parola.store.overview import Overview, OverviewQuery, verdict_of, with_document, with_turns
from parola.store.pages import Document, Page
from parola.store.versions import MOST_VERSIONS, AgentVersionRow, new_version_id

Row = TypeVar("Row", AgentRow, ToolRow, DocumentRow, ConversationRow)
T = TypeVar("T")


class MemoryStore:
    """A ``Store`` that leaves nothing behind."""

    def __init__(self) -> None:
        files = MemoryFiles()
        conversations = MemoryConversations(files, self.recording_path)
        self.outbox: Outbox = conversations.outbox
        files.owners = conversations
        self.retention: Retention = MemoryRetention(conversations)
        self.agents: Agents = MemoryAgents(conversations.calls_of)
        self.tools: Tools = MemoryTools()
        self.documents: Documents = MemoryDocuments()
        self.secrets: Secrets = MemorySecrets()
        self.api_keys: ApiKeys = MemoryApiKeys()
        self.audit: AuditLog = MemoryAuditLog()
        self.files: Files = files
        self.conversations: Conversations = conversations
        self.knowledge: Knowledge = MemoryKnowledge()
        self.writes = Histogram(WRITE_SECONDS)
        self._recordings: tempfile.TemporaryDirectory[str] | None = None

    def recording_path(self, conversation_id: str) -> Path:
        if self._recordings is None:
            self._recordings = tempfile.TemporaryDirectory(prefix="parola-")
        return recording_file(Path(self._recordings.name), conversation_id)

    async def open(self) -> None:
        """Nothing to connect to."""

    async def aclose(self) -> None:
        if self._recordings is not None:
            self._recordings.cleanup()
            self._recordings = None


class _Documents(Generic[Row]):
    """Rows with a document, by id."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[Row, bytes]] = {}

    def __contains__(self, row_id: str) -> bool:
        return row_id in self._rows

    def __setitem__(self, row_id: str, row: Row) -> None:
        self._rows[row_id] = (replace(row, document={}), dumps(row.document))

    def get(self, row_id: str) -> Row | None:
        kept = self._rows.get(row_id)
        return None if kept is None else replace(kept[0], document=loads(kept[1]))

    def pop(self, row_id: str) -> bool:
        return self._rows.pop(row_id, None) is not None

    def without_documents(self) -> Iterable[Row]:
        return (row for row, _ in list(self._rows.values()))

    def all(self) -> Iterable[Row]:
        return (replace(row, document=loads(document)) for row, document in list(self._rows.values()))

    def page(
        self,
        fits: Callable[[Row], bool],
        place: Callable[[Row], Place],
        *,
        fits_document: Callable[[Document], bool] | None = None,
        **how: Any,
    ) -> Page[Row]:
        """The rows that fit; ``fits`` and ``place`` see them without their documents. Only documents that are asked
        for are read: those of the page, and all when ``fits_document`` is given. ``how``: see ``memory_pages``."""
        rows = (
            (row, document)
            for row, document in self._rows.values()
            if fits(row) and (fits_document is None or fits_document(loads(document)))
        )
        found = _page(rows, lambda kept: place(kept[0]), **how)
        return Page([replace(row, document=loads(document)) for row, document in found.items], found.next_cursor)


class MemoryAgents:
    def __init__(self, calls_of: Callable[[str, float], AgentCalls]) -> None:
        self._calls_of = calls_of
        self._rows: _Documents[AgentRow] = _Documents()
        self._versions: dict[str, list[tuple[AgentVersionRow, bytes]]] = {}
        """By agent, oldest first; with the document of each."""

    async def put(self, agent: AgentRow, description: str | None = None) -> str:
        versions = self._versions.setdefault(agent.agent_id, [])
        last, content = versions[-1] if versions else (None, b"")
        document = dumps(agent.document)
        if last is not None and description is None and (last.name, content) == (agent.name, document):
            version_id = last.version_id
        else:
            version_id = new_version_id()
            number, parent_id = (last.number + 1, last.version_id) if last is not None else (1, None)
            told = (agent.name, description or "", agent.updated_at, parent_id)
            versions.append((AgentVersionRow(version_id, agent.agent_id, number, *told), document))
            del versions[:-MOST_VERSIONS]
        self._rows[agent.agent_id] = replace(agent, version_id=version_id)
        return version_id

    async def get(self, agent_id: str) -> AgentRow | None:
        return self._rows.get(agent_id)

    async def delete(self, agent_id: str) -> bool:
        self._versions.pop(agent_id, None)
        return self._rows.pop(agent_id)

    async def at(self, agent_id: str, version_id: str) -> AgentRow | None:
        agent = self._rows.get(agent_id)
        for version, document in self._versions.get(agent_id, ()):
            if agent is not None and version.version_id == version_id:
                at = (agent.created_at, version.committed_at, version_id)
                return AgentRow(agent_id, version.name, loads(document), *at)
        return None

    async def version(self, agent_id: str, version_id: str) -> AgentVersionRow | None:
        kept = self._versions.get(agent_id, ())
        return next((version for version, _ in kept if version.version_id == version_id), None)

    async def versions(self, agent_id: str, *, page_size: int, cursor: str | None = None) -> Page[AgentVersionRow]:
        return _page(
            (version for version, _ in self._versions.get(agent_id, ())),
            lambda version: (float(version.number), version.version_id),
            ascending=False,
            page_size=page_size,
            cursor=cursor,
        )

    async def page(
        self,
        *,
        page_size: int,
        cursor: str | None = None,
        search: str | None = None,
        tags: Sequence[str] = (),
        archived: bool | None = None,
        sort_by: str = "created_at",
        ascending: bool = False,
        calls_since: float = 0.0,
    ) -> Page[AgentRow]:
        def place(agent: AgentRow) -> tuple[str | float, str]:
            if sort_by == "calls":
                return self._calls_of(agent.agent_id, calls_since).lately, agent.agent_id
            return agent.name.casefold() if sort_by == "name" else agent.created_at, agent.agent_id

        def fits(document: Document) -> bool:
            is_tagged = not tags or not set(tags).isdisjoint(_tags(document))
            return is_tagged and archived in (None, is_archived(document))

        return self._rows.page(
            lambda agent: _named(agent.name, search),
            place,
            fits_document=fits if tags or archived is not None else None,
            ascending=ascending,
            page_size=page_size,
            cursor=cursor,
            kind=str if sort_by == "name" else float,
        )

    async def calls(self, agent_ids: Sequence[str], since: float) -> Mapping[str, AgentCalls]:
        return {agent_id: self._calls_of(agent_id, since) for agent_id in agent_ids if agent_id in self._rows}


_tags = tags


class MemoryTools:
    def __init__(self) -> None:
        self._rows: _Documents[ToolRow] = _Documents()

    async def put(self, tool: ToolRow) -> None:
        self._rows[tool.tool_id] = tool

    async def get(self, tool_id: str) -> ToolRow | None:
        return self._rows.get(tool_id)

    async def get_many(self, tool_ids: Sequence[str]) -> Sequence[ToolRow]:
        return [tool for tool in map(self._rows.get, tool_ids) if tool is not None]

    async def delete(self, tool_id: str) -> bool:
        return self._rows.pop(tool_id)

    async def page(
        self,
        *,
        page_size: int,
        cursor: str | None = None,
        search: str | None = None,
        types: Sequence[str] = (),
        sort_by: str = "created_at",
        ascending: bool = False,
    ) -> Page[ToolRow]:
        by_name = sort_by == "name"
        return self._rows.page(
            lambda tool: _named(tool.name, search),
            lambda tool: (tool.name.casefold() if by_name else tool.created_at, tool.tool_id),
            fits_document=(lambda document: tool_type(document) in types) if types else None,
            ascending=ascending,
            page_size=page_size,
            cursor=cursor,
            kind=str if by_name else float,
        )


class MemoryDocuments:
    def __init__(self) -> None:
        self._rows: _Documents[DocumentRow] = _Documents()

    async def put(self, row: DocumentRow) -> None:
        self._rows[row.document_id] = row

    async def get(self, kind: str, document_id: str) -> DocumentRow | None:
        row = self._rows.get(document_id)
        return None if row is None or row.kind != kind else row

    async def delete(self, kind: str, document_id: str) -> bool:
        return await self.get(kind, document_id) is not None and self._rows.pop(document_id)

    async def page(
        self,
        kind: str,
        *,
        page_size: int,
        cursor: str | None = None,
        search: str | None = None,
        archived: bool | None = None,
        sort_by: str = "created_at",
        ascending: bool = False,
    ) -> Page[DocumentRow]:
        by_name = sort_by == "name"
        return self._rows.page(
            lambda row: row.kind == kind and _named(row.name, search) and archived in (None, row.is_archived),
            lambda row: (row.name.casefold() if by_name else row.created_at, row.document_id),
            ascending=ascending,
            page_size=page_size,
            cursor=cursor,
            kind=str if by_name else float,
        )


class MemorySecrets:
    def __init__(self) -> None:
        self._rows: dict[str, SecretRow] = {}

    async def put(self, secret: SecretRow) -> None:
        self._rows[secret.secret_id] = secret

    async def get(self, secret_id: str) -> SecretRow | None:
        return self._rows.get(secret_id)

    async def delete(self, secret_id: str) -> bool:
        return self._rows.pop(secret_id, None) is not None

    async def page(self, *, page_size: int, cursor: str | None = None, search: str | None = None) -> Page[SecretRow]:
        return _page(
            (secret for secret in self._rows.values() if _named(secret.name, search)),
            lambda secret: (secret.created_at, secret.secret_id),
            ascending=False,
            page_size=page_size,
            cursor=cursor,
        )


class MemoryApiKeys:
    def __init__(self) -> None:
        self._rows: dict[str, ApiKeyRow] = {}

    async def put(self, key: ApiKeyRow) -> None:
        self._rows[key.key_id] = key

    async def used(self, key_id: str, at: float) -> None:
        if key_id in self._rows:
            self._rows[key_id] = replace(self._rows[key_id], last_used_at=at)

    async def find(self, prefix: str) -> Sequence[ApiKeyRow]:
        return [key for key in self._rows.values() if key.prefix == prefix]

    async def delete(self, key_id: str) -> bool:
        return self._rows.pop(key_id, None) is not None

    async def all(self) -> Sequence[ApiKeyRow]:
        return sorted(self._rows.values(), key=lambda key: (key.created_at, key.key_id))


@dataclass(slots=True)
class _Transcript:
    turns: dict[int, bytes] = field(default_factory=dict)
    speakers: dict[int, str] = field(default_factory=dict)
    words: dict[int, str] = field(default_factory=dict)


class MemoryConversations:
    def __init__(self, files: MemoryFiles, recording_path: Callable[[str], Path]) -> None:
        self._rows: _Documents[ConversationRow] = _Documents()
        self._transcripts: dict[str, _Transcript] = {}
        self._files = files
        self._recording_path = recording_path
        self._facts: dict[str, Document] = {}
        self.outbox = MemoryOutbox(self.__contains__)

    def __contains__(self, conversation_id: str) -> bool:
        return conversation_id in self._rows

    async def create(self, conversation: ConversationRow, deliveries: Sequence[DeliveryRow] = ()) -> None:
        self._rows[conversation.conversation_id] = conversation
        self._facts[conversation.conversation_id] = with_document({}, conversation.document)
        self._transcripts.setdefault(conversation.conversation_id, _Transcript())
        self.outbox.put_all(deliveries)

    async def conclude(
        self, conversation_id: str, change: ConversationChange, deliveries: Sequence[DeliveryRow]
    ) -> None:
        await self.write(conversation_id, change)
        self.outbox.put_all(deliveries)

    async def write(self, conversation_id: str, change: ConversationChange) -> None:
        row = self._rows.get(conversation_id)
        if row is None:
            raise NotFound(f"Document with id {conversation_id} not found.")
        if is_erased(row.document):
            change = after_erasure(change)
        new_turns = {position: dumps(turn) for position, turn in change.turns.items()}
        document = row.document if change.document is None else merged(row.document, change.document)
        given: dict[str, Any] = {
            name: value
            for name in ("status", "ended_at", "termination_reason", "has_audio")
            if (value := getattr(change, name)) is not None
        }
        if change.rating is not None:
            given["rating"] = None if change.rating == NO_RATING else change.rating
        transcript = self._transcripts[conversation_id]
        transcript.turns |= new_turns
        transcript.speakers |= {position: speaker(turn) for position, turn in change.turns.items()}
        transcript.words |= {position: words(turn) for position, turn in change.turns.items()}
        self._facts[conversation_id] = with_document(with_turns(self._facts[conversation_id], change.turns), document)
        speakers = list(transcript.speakers.values())
        self._rows[conversation_id] = replace(
            row,
            document=document,
            user_messages=speakers.count("user"),
            agent_messages=speakers.count("agent"),
            **given,
        )

    async def claim(self, conversation_id: str) -> bool:
        row = self._rows.get(conversation_id)
        if row is None or row.status != "initiated":
            return False
        self._rows[conversation_id] = replace(row, status="in-progress")
        return True

    async def get(self, conversation_id: str) -> ConversationRow | None:
        return self._rows.get(conversation_id)

    async def turns(self, conversation_id: str) -> Sequence[Document]:
        transcript = self._transcripts.get(conversation_id, _Transcript())
        return [loads(turn) for _, turn in sorted(transcript.turns.items())]

    async def numbered_turns(self, conversation_id: str) -> Mapping[int, Document]:
        transcript = self._transcripts.get(conversation_id, _Transcript())
        return {position: loads(turn) for position, turn in sorted(transcript.turns.items())}

    async def delete(self, conversation_id: str) -> bool:
        if not self._rows.pop(conversation_id):
            return False
        del self._transcripts[conversation_id], self._facts[conversation_id]
        self.outbox.forget(conversation_id)
        for file in await self._files.of(conversation_id):
            await self._files.delete(file.file_id)
        unlink_files_of(self._recording_path(conversation_id))
        return True

    async def erase(self, conversation_id: str, document: Document, *, words: bool, audio: bool) -> None:
        """What ``Retention.erase`` does to a conversation."""
        row = self._rows.get(conversation_id)
        if row is None:
            return
        row = replace(row, document=document, has_audio=row.has_audio and not audio)
        self._facts[conversation_id] = with_document({} if words else self._facts[conversation_id], document)
        if words:
            reason = outline_of(row.termination_reason, document, row.status)
            row = replace(row, user_id=None, termination_reason=reason)
            self._transcripts[conversation_id] = _Transcript()
            self.outbox.forget(conversation_id)
            for file in await self._files.of(conversation_id):
                await self._files.delete(file.file_id)
        self._rows[conversation_id] = row
        unlink_files_of(self._recording_path(conversation_id), audio=audio, words=words)

    async def page(
        self, query: ConversationQuery, *, page_size: int, cursor: str | None = None
    ) -> Page[ConversationRow]:
        return _page(
            (row for row in self._rows.all() if self._matches(row, query)),
            lambda row: (row.started_at, row.conversation_id),
            ascending=query.ascending,
            page_size=page_size,
            cursor=cursor,
        )

    async def count(self, query: ConversationQuery) -> int:
        return sum(self._matches(row, query) for row in self._rows.all())

    def calls_of(self, agent_id: str, since: float) -> AgentCalls:
        """What ``Agents.calls`` says of one agent."""
        began = [
            row.started_at
            for row in self._rows.without_documents()
            if row.agent_id == agent_id and row.status != "initiated"
        ]
        return AgentCalls(max(began, default=None), sum(at > since for at in began))

    async def overview(self, query: OverviewQuery) -> Overview:
        return overview_of(self._rows.without_documents(), self._facts, query)

    async def unfinished(self) -> Sequence[ConversationRow]:
        return [row for row in self._rows.all() if row.status in ("in-progress", "processing")]

    def _matches(self, row: ConversationRow, query: ConversationQuery) -> bool:
        spoken = self._transcripts[row.conversation_id].words.values()
        end = query.now if row.ended_at is None else row.ended_at
        duration = 0 if row.status == "initiated" else None if end is None else whole_seconds(row.started_at, end)
        return (
            query.agent_id in (None, row.agent_id)
            and query.user_id in (None, row.user_id)
            and query.call_successful in (None, verdict_of(row.document))
            and query.source in (None, row.source)
            and query.text_only in (None, row.text_only)
            and (query.started_before is None or row.started_at < query.started_before)
            and (query.started_after is None or row.started_at > query.started_after)
            and _within(duration, query.duration_min, query.duration_max)
            and _within(row.rating, query.rating_min, query.rating_max)
            and row.status not in query.exclude_statuses
            and (not query.termination_reasons or row.termination_reason in query.termination_reasons)
            and all(any(word in text for text in spoken) for word in (query.search or "").casefold().split())
        )


def _within(value: float | None, low: float | None, high: float | None) -> bool:
    if low is None and high is None:
        return True
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


class MemoryFiles:
    owners: MemoryConversations

    def __init__(self) -> None:
        self._rows: dict[str, tuple[FileRow, bytes]] = {}

    async def put(self, file: FileRow, content: bytes) -> None:
        owner = await self.owners.get(file.conversation_id)
        if owner is None or is_erased(owner.document):
            raise NotFound(f"Document with id {file.conversation_id} not found.")
        self._rows[file.file_id] = (file, content)

    async def get(self, file_id: str) -> FileRow | None:
        kept = self._rows.get(file_id)
        return None if kept is None else kept[0]

    async def content(self, file_id: str) -> bytes | None:
        kept = self._rows.get(file_id)
        return None if kept is None else kept[1]

    async def of(self, conversation_id: str) -> Sequence[FileRow]:
        owned = (file for file, _ in self._rows.values() if file.conversation_id == conversation_id)
        return sorted(owned, key=lambda file: file.created_at)

    async def delete(self, file_id: str) -> bool:
        return self._rows.pop(file_id, None) is not None
