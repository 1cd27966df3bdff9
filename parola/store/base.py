"""What is kept, as Protocols grouped by resource. Anyone may import this; databases are met only in ``app.py``.

Documents are JSON objects, kept exactly as they came: what is pushed is what is pulled, unknown fields included.
Around them lie the few columns that are searched. Times are unix seconds (floats here, integers on the wire).

A conversation is written while it happens. ``Conversations.write`` returns once the change would survive the
process being killed; the session sends nothing that depends on a change before its write has returned. Writes of
different conversations share a commit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from parola.store.audit import AuditLog
from parola.store.outbox import DeliveryRow, Outbox
from parola.store.overview import Overview, OverviewQuery
from parola.store.pages import Document, Page
from parola.store.versions import AgentVersionRow

if TYPE_CHECKING:
    from parola.metrics import Histogram


@dataclass(frozen=True, slots=True)
class AgentRow:
    agent_id: str
    name: str
    document: Document
    """``conversation_config``, ``platform_settings``, ``workflow``, ``tags`` … as they were sent."""
    created_at: float
    updated_at: float
    version_id: str = field(default="", compare=False)
    """Said by the store of what it gives; what is put gets one of its own."""


@dataclass(frozen=True, slots=True)
class AgentCalls:
    """An agent's conversations, without those that are only reserved."""

    newest_at: float | None
    """When the newest began."""
    lately: int
    """How many began after the asked time."""


class Agents(Protocol):
    async def put(self, agent: AgentRow, description: str | None = None) -> str:
        """Create or replace. What differs from what was there, or comes with a description, is committed as a version,
        at ``updated_at`` and in the same transaction; of an agent's versions the newest ``MOST_VERSIONS`` are kept.
        Returns the id of the version that the agent is at now."""

    async def get(self, agent_id: str) -> AgentRow | None: ...

    async def delete(self, agent_id: str) -> bool:
        """With its versions. False when there was none."""

    async def at(self, agent_id: str, version_id: str) -> AgentRow | None:
        """The agent as that version has it; ``updated_at`` is when it was committed."""

    async def version(self, agent_id: str, version_id: str) -> AgentVersionRow | None: ...

    async def versions(self, agent_id: str, *, page_size: int, cursor: str | None = None) -> Page[AgentVersionRow]:
        """Newest first."""

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
        """``sort_by``: ``created_at``, ``name``, or ``calls``, which are those that began after ``calls_since``."""

    async def calls(self, agent_ids: Sequence[str], since: float) -> Mapping[str, AgentCalls]:
        """What is known of the calls of each of these agents."""


@dataclass(frozen=True, slots=True)
class ToolRow:
    tool_id: str
    name: str
    document: Document
    """``tool_config`` and ``response_mocks`` as they were sent."""
    created_at: float
    updated_at: float


class Tools(Protocol):
    async def put(self, tool: ToolRow) -> None: ...

    async def get(self, tool_id: str) -> ToolRow | None: ...

    async def get_many(self, tool_ids: Sequence[str]) -> Sequence[ToolRow]:
        """In the order asked for; unknown ids are left out."""

    async def delete(self, tool_id: str) -> bool: ...

    async def page(
        self,
        *,
        page_size: int,
        cursor: str | None = None,
        search: str | None = None,
        types: Sequence[str] = (),
        sort_by: str = "created_at",
        ascending: bool = False,
    ) -> Page[ToolRow]: ...


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """Something with a name that is kept whole and has no table of its own."""

    document_id: str
    kind: str
    """What it is, for example ``pronunciation_dictionary``: each kind is a list of its own."""
    name: str
    document: Document
    created_at: float
    updated_at: float
    is_archived: bool = False


class Documents(Protocol):
    async def put(self, row: DocumentRow) -> None:
        """Create or replace."""

    async def get(self, kind: str, document_id: str) -> DocumentRow | None: ...

    async def delete(self, kind: str, document_id: str) -> bool:
        """False when there was none."""

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
    ) -> Page[DocumentRow]: ...


@dataclass(frozen=True, slots=True)
class SecretRow:
    secret_id: str
    name: str
    sealed: bytes
    """The value, encrypted by the caller: the store never sees it in clear."""
    created_at: float


class Secrets(Protocol):
    async def put(self, secret: SecretRow) -> None: ...

    async def get(self, secret_id: str) -> SecretRow | None: ...

    async def delete(self, secret_id: str) -> bool: ...

    async def page(
        self, *, page_size: int, cursor: str | None = None, search: str | None = None
    ) -> Page[SecretRow]: ...


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    key_id: str
    name: str
    prefix: str
    """The first characters, to recognise it by."""
    hashed: str
    created_at: float
    last_used_at: float | None = None
    scopes: tuple[str, ...] | None = None
    """What it may do; None: everything."""
    expires_at: float | None = None
    member_id: str | None = None
    """Whose it is."""
    replaced_by: str | None = None
    """The key that came in its place when it was rotated."""


class ApiKeys(Protocol):
    async def put(self, key: ApiKeyRow) -> None:
        """Create or replace."""

    async def used(self, key_id: str, at: float) -> None:
        """Note its last use, and change nothing else."""

    async def find(self, prefix: str) -> Sequence[ApiKeyRow]: ...

    async def delete(self, key_id: str) -> bool: ...

    async def all(self) -> Sequence[ApiKeyRow]: ...


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation's record without its turns. ``document`` holds what the columns do not: metadata, analysis,
    initiation data, in the shapes of the conversation record (reference: rest-schemas.md §3)."""

    conversation_id: str
    agent_id: str
    status: str
    """``initiated``, ``in-progress``, ``processing``, ``done`` or ``failed``."""
    started_at: float
    document: Document
    agent_name: str | None = None
    user_id: str | None = None
    source: str = "unknown"
    text_only: bool = False
    ended_at: float | None = None
    termination_reason: str = ""
    user_messages: int = 0
    agent_messages: int = 0
    rating: int | None = None
    has_audio: bool = False


NO_RATING = 0


@dataclass(frozen=True, slots=True)
class ConversationChange:
    """What one step of a conversation adds to its record; what is None stays as it is."""

    turns: Mapping[int, Document] = field(default_factory=dict)
    """Index in the transcript to the turn; an index that exists is replaced."""
    status: str | None = None
    ended_at: float | None = None
    termination_reason: str | None = None
    has_audio: bool | None = None
    rating: int | None = None
    """``NO_RATING``: it has none any more."""
    document: Document | None = None
    """Merged into the row's document, object by object; lists are replaced."""


@dataclass(frozen=True, slots=True)
class ConversationQuery:
    agent_id: str | None = None
    user_id: str | None = None
    source: str | None = None
    text_only: bool | None = None
    started_before: float | None = None
    started_after: float | None = None
    duration_min: float | None = None
    """In whole seconds (``whole_seconds``), as it is shown."""
    duration_max: float | None = None
    now: float | None = None
    """How long those last that still run is counted to this moment; None: nobody can tell."""
    rating_min: int | None = None
    rating_max: int | None = None
    call_successful: str | None = None
    """What the analysis found: ``success``, ``failure`` or ``unknown``."""
    exclude_statuses: Sequence[str] = ()
    termination_reasons: Sequence[str] = ()
    search: str | None = None
    """Words that occur in the transcript. A page may then be short, or empty, although there are more."""
    ascending: bool = False


def whole_seconds(started_at: float, ended_at: float) -> int:
    """How long a conversation lasted, as it is shown and asked for: to the nearest second, a half up."""
    length = ended_at - started_at
    whole = math.floor(length)
    return max(0, whole + (length - whole >= 0.5))


def cursor_after(conversation: ConversationRow) -> str:
    """The cursor of the page that begins behind this conversation, whatever is inserted meanwhile."""
    from parola.store import cursors

    return cursors.write((conversation.started_at, conversation.conversation_id))


@dataclass(frozen=True, slots=True)
class FileRow:
    file_id: str
    conversation_id: str
    name: str
    mime_type: str
    size: int
    created_at: float


class Conversations(Protocol):
    async def create(self, conversation: ConversationRow, deliveries: Sequence[DeliveryRow] = ()) -> None:
        """Keep a new conversation; replaces the row under a reserved id. With the deliveries it calls for, in one
        transaction."""

    async def write(self, conversation_id: str, change: ConversationChange) -> None:
        """Apply one change durably. Message counts follow from the turns."""

    async def conclude(
        self, conversation_id: str, change: ConversationChange, deliveries: Sequence[DeliveryRow]
    ) -> None:
        """Apply the last change of a conversation and put the deliveries it calls for into the outbox, in one
        transaction: neither is ever there without the other. Deliveries with an id that is there replace it."""

    async def claim(self, conversation_id: str) -> bool:
        """Take a reserved (``initiated``) conversation for one session; False when it is taken or unknown."""

    async def get(self, conversation_id: str) -> ConversationRow | None: ...

    async def turns(self, conversation_id: str) -> Sequence[Document]:
        """The transcript, in order."""

    async def numbered_turns(self, conversation_id: str) -> Mapping[int, Document]:
        """The same by the places that changes name, in order; there may be gaps."""

    async def delete(self, conversation_id: str) -> bool:
        """With turns, files and recording."""

    async def page(
        self, query: ConversationQuery, *, page_size: int, cursor: str | None = None
    ) -> Page[ConversationRow]: ...

    async def count(self, query: ConversationQuery) -> int:
        """How many conversations a query finds."""

    async def overview(self, query: OverviewQuery) -> Overview:
        """What is summed up over many; reads no transcript."""

    async def unfinished(self) -> Sequence[ConversationRow]:
        """Those that no running process can own any more when the store is opened."""


class Files(Protocol):
    async def put(self, file: FileRow, content: bytes) -> None:
        """Keep a file of an existing conversation. Raises ``NotFound`` when there is none."""

    async def get(self, file_id: str) -> FileRow | None: ...

    async def content(self, file_id: str) -> bytes | None: ...

    async def of(self, conversation_id: str) -> Sequence[FileRow]: ...

    async def delete(self, file_id: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class KnowledgeDocumentRow:
    """A document or folder of the knowledge base, without its text: texts are long, and lists do not need them."""

    document_id: str
    kind: str
    """``file``, ``url``, ``text`` or ``folder``."""
    name: str
    created_at: float
    updated_at: float
    parent_folder_id: str = ""
    """Empty: at the top."""
    size: int = 0
    """Of the original, in bytes; 0 for a folder."""
    source: Document = field(default_factory=dict)
    """Where it came from: ``url``, ``filename``, ``mime_type``, ``auto_sync_info``, ``refresh_status`` …"""


@dataclass(frozen=True, slots=True)
class KnowledgeQuery:
    search: str | None = None
    """What the name begins with."""
    kinds: Sequence[str] = ()
    parent_folder_ids: Sequence[str] | None = None
    """Directly in one of these folders; ``""`` is the top."""
    is_folder: bool | None = None
    sort_by: str = "created_at"
    """``name``, ``created_at``, ``updated_at`` or ``size``."""
    ascending: bool = False


@dataclass(frozen=True, slots=True)
class RagIndexRow:
    """What is known of one document's chunks under one embedding model; there is at most one for each pair."""

    index_id: str
    document_id: str
    model: str
    status: str
    """``created`` (waits), ``processing``, ``succeeded``, ``failed``, ``rag_limit_exceeded`` or
    ``document_too_small``."""
    created_at: float
    updated_at: float
    """Changes with every new set of chunks: a copy of the chunks is current while this is the same."""
    progress: float = 0.0
    """0..100."""
    used_bytes: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ChunkRow:
    chunk_id: str
    document_id: str
    model: str
    position: int
    """Among the chunks of its document, from 0."""
    text: str
    vector: bytes
    """float32, little-endian, normalised: as many as the model has dimensions."""


class Knowledge(Protocol):
    """The knowledge base. Deleting a document deletes its text, its original, its indexes and their chunks."""

    async def put(self, row: KnowledgeDocumentRow, *, text: str | None = None, original: bytes | None = None) -> None:
        """Create or replace; a text or original that is None stays as it is."""

    async def get(self, document_id: str) -> KnowledgeDocumentRow | None: ...

    async def get_many(self, document_ids: Sequence[str]) -> Sequence[KnowledgeDocumentRow]:
        """In the order asked for; unknown ids are left out."""

    async def texts(self, document_ids: Sequence[str]) -> Mapping[str, str]:
        """The extracted texts; ids without one are left out."""

    async def original(self, document_id: str) -> bytes | None:
        """The file as it was uploaded, or the page as it was fetched."""

    async def delete(self, document_ids: Sequence[str]) -> int:
        """How many there were."""

    async def page(
        self, query: KnowledgeQuery, *, page_size: int, cursor: str | None = None
    ) -> Page[KnowledgeDocumentRow]: ...

    async def containing(
        self, words: Sequence[str], *, kinds: Sequence[str] = (), page_size: int, cursor: str | None = None
    ) -> Page[KnowledgeDocumentRow]:
        """Documents whose text or name contains each of these (casefolded) words, newest first."""

    async def folders(self) -> Sequence[KnowledgeDocumentRow]:
        """Every folder."""

    async def children(self, folder_ids: Sequence[str]) -> Sequence[KnowledgeDocumentRow]:
        """What lies directly in these folders, by name."""

    async def put_index(self, index: RagIndexRow) -> bool:
        """Create or replace. False when its document is gone."""

    async def update_index(self, index: RagIndexRow) -> bool:
        """Replace an index; its chunks stay. False when it is gone: it does not come back."""

    async def finish_index(self, index: RagIndexRow, chunks: Sequence[ChunkRow]) -> bool:
        """Replace an index and all its chunks, at once. False when the index is gone."""

    async def indexes(
        self,
        *,
        document_ids: Sequence[str] | None = None,
        model: str | None = None,
        statuses: Sequence[str] = (),
    ) -> Sequence[RagIndexRow]:
        """Oldest first; None and empty mean any."""

    async def delete_index(self, index_id: str) -> bool:
        """With its chunks."""

    async def chunks(self, model: str, document_ids: Sequence[str]) -> Sequence[ChunkRow]:
        """All chunks of these documents in one query, by document and position. Only those of an index that
        succeeded exist; while a document is indexed anew, these are the old ones."""

    async def chunk(self, chunk_id: str) -> ChunkRow | None: ...

    async def chunk_page(
        self, document_id: str, model: str, *, page_size: int, cursor: str | None = None
    ) -> Page[ChunkRow]:
        """In the order of the document."""


def spool_of(recording: Path) -> Path:
    """Beside a recording: what was recorded and has not been mixed yet."""
    return recording.with_suffix(".spool")


def stereo_of(recording: Path) -> Path:
    """Beside a recording: the user left, the agent right."""
    return recording.with_suffix(".stereo.mp3")


def raw_of(recording: Path) -> Path:
    """Beside a recording: a spool that must be silenced before it may be kept."""
    return recording.with_suffix(".raw")


def peaks_of(recording: Path) -> Path:
    """Beside a recording: how loud it is over time."""
    return recording.with_suffix(".peaks")


def events_of(recording: Path) -> Path:
    """Beside a recording: what came and went, one event a line."""
    return recording.with_suffix(".events")


AUDIO_SUFFIXES = (".mp3", ".spool", ".raw", ".peaks", ".part", ".wav")
"""Of the files that hold a conversation's voices, beside its recording and called like it."""


def files_of(recording: Path, *, audio: bool = True, words: bool = True) -> list[Path]:
    """Every file that is kept of a conversation beside its recording: the recording itself and its spool (``audio``),
    the tape and the event log (``words``). Blocks: call it in a thread."""
    found = (file for file in recording.parent.glob(f"{recording.stem}.*") if file.is_file())
    return [file for file in found if (audio if file.suffix in AUDIO_SUFFIXES else words)]


def unlink_files_of(recording: Path, *, audio: bool = True, words: bool = True) -> None:
    """Delete them, also what somebody makes of them meanwhile. Blocks: call it in a thread."""
    while found := files_of(recording, audio=audio, words=words):
        for file in found:
            file.unlink(missing_ok=True)


class Retention(Protocol):
    """What is to be deleted, and when. A conversation is in the plan at most once, and leaves it when it is deleted."""

    async def plan(self, conversation_ids: Sequence[str], due_at: float) -> None:
        """Delete them at this time (unix seconds) instead of any before. Ids of nobody are left out."""

    async def keep(self, conversation_ids: Sequence[str]) -> None:
        """Do not delete them any more."""

    async def due(self, now: float, most: int) -> Sequence[str]:
        """Ended conversations that are to be deleted by now, those that have waited longest first."""

    async def erase(self, conversation_id: str, document: Document, *, words: bool, audio: bool) -> None:
        """Take out of a conversation its ``words`` (turns, files, the user's id, messages to webhooks, tape and event
        log) or its ``audio``, put ``document`` in place of its document, and take it off the plan. What
        was deleted cannot be read back from the database's files. A document that says that the words are gone
        (``store/erased.py``) keeps them away: what is written later is written without any."""


class Store(Protocol):
    retention: Retention
    agents: Agents
    tools: Tools
    documents: Documents
    secrets: Secrets
    api_keys: ApiKeys
    audit: AuditLog
    conversations: Conversations
    files: Files
    knowledge: Knowledge
    outbox: Outbox
    writes: Histogram
    """How long commits took, with all that was written in them; empty where there are none."""

    def recording_path(self, conversation_id: str) -> Path:
        """Where this conversation's recording is, or belongs: an MP3 in a folder that exists while the store is open.

        Raises ``InvalidRequest`` for an id that cannot be a file name.
        """

    async def open(self) -> None:
        """Connect and migrate. Raises ``StoreError``."""

    async def aclose(self) -> None:
        """Everything written is safe when this returns."""
