"""What is kept, as Protocols grouped by resource. Anyone may import this; databases are met only in ``app.py``.

Documents are JSON objects, kept exactly as they came: what is pushed is what is pulled, unknown fields included.
Around them lie the few columns that are searched. Times are unix seconds (floats here, integers on the wire).

A conversation is written while it happens. ``Conversations.write`` returns once the change would survive the
process being killed; the session sends nothing that depends on a change before its write has returned. Writes of
different conversations share a commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

Document = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page, and the cursor of the next (None: there is none)."""

    items: Sequence[T]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class AgentRow:
    agent_id: str
    name: str
    document: Document
    """``conversation_config``, ``platform_settings``, ``workflow``, ``tags`` … as they were sent."""
    created_at: float
    updated_at: float


class Agents(Protocol):
    async def put(self, agent: AgentRow) -> None:
        """Create or replace."""

    async def get(self, agent_id: str) -> AgentRow | None: ...

    async def delete(self, agent_id: str) -> bool:
        """False when there was none."""

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
    ) -> Page[AgentRow]: ...


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


class ApiKeys(Protocol):
    async def put(self, key: ApiKeyRow) -> None: ...

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
    duration_max: float | None = None
    rating_min: int | None = None
    rating_max: int | None = None
    exclude_statuses: Sequence[str] = ()
    termination_reasons: Sequence[str] = ()
    search: str | None = None
    """Words that occur in the transcript."""
    ascending: bool = False


@dataclass(frozen=True, slots=True)
class FileRow:
    file_id: str
    conversation_id: str
    name: str
    mime_type: str
    size: int
    created_at: float


class Conversations(Protocol):
    async def create(self, conversation: ConversationRow) -> None:
        """Keep a new conversation; replaces the row under a reserved id."""

    async def write(self, conversation_id: str, change: ConversationChange) -> None:
        """Apply one change durably. Message counts follow from the turns."""

    async def claim(self, conversation_id: str) -> bool:
        """Take a reserved (``initiated``) conversation for one session; False when it is taken or unknown."""

    async def get(self, conversation_id: str) -> ConversationRow | None: ...

    async def turns(self, conversation_id: str) -> Sequence[Document]:
        """The transcript, in order."""

    async def delete(self, conversation_id: str) -> bool:
        """With turns, files and recording."""

    async def page(
        self, query: ConversationQuery, *, page_size: int, cursor: str | None = None
    ) -> Page[ConversationRow]: ...

    async def count(self, query: ConversationQuery) -> int:
        """How many conversations a query finds."""

    async def unfinished(self) -> Sequence[ConversationRow]:
        """Those that no running process can own any more when the store is opened."""


class Files(Protocol):
    async def put(self, file: FileRow, content: bytes) -> None:
        """Keep a file of an existing conversation. Raises ``NotFound`` when there is none."""

    async def get(self, file_id: str) -> FileRow | None: ...

    async def content(self, file_id: str) -> bytes | None: ...

    async def of(self, conversation_id: str) -> Sequence[FileRow]: ...

    async def delete(self, file_id: str) -> bool: ...


def spool_of(recording: Path) -> Path:
    """Beside a recording: what was recorded and has not been mixed yet."""
    return recording.with_suffix(".spool")


class Store(Protocol):
    agents: Agents
    tools: Tools
    documents: Documents
    secrets: Secrets
    api_keys: ApiKeys
    conversations: Conversations
    files: Files

    def recording_path(self, conversation_id: str) -> Path:
        """Where this conversation's recording is, or belongs: an MP3 in a folder that exists while the store is open.

        Raises ``InvalidRequest`` for an id that cannot be a file name.
        """

    async def open(self) -> None:
        """Connect and migrate. Raises ``StoreError``."""

    async def aclose(self) -> None:
        """Everything written is safe when this returns."""
