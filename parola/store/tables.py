"""The tables, for every SQL database. ``migrations/`` leads an older database here.

Documents are JSON as UTF-8 bytes, so that no driver and no database touches them. Beside them lie the few columns
that are searched or sorted by; ``*_key`` is the casefolded form, because databases disagree about letters.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from parola.store.vectors import Vector

HEAD = "0008"
"""The migration that leads to these tables."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

agents = Table(
    "agents",
    metadata,
    Column("agent_id", String, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("version_id", String),
    Index(None, "created_at", "agent_id"),
    Index(None, "name_key", "agent_id"),
)

agent_versions = Table(
    "agent_versions",
    metadata,
    Column("version_id", String, primary_key=True),
    Column("agent_id", String, ForeignKey("agents.agent_id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("parent_id", String),
    Column("committed_at", Double, nullable=False),
    Column("document", LargeBinary, nullable=False),
    UniqueConstraint("agent_id", "number"),
)
"""Rows are added, and removed when there are newer ones enough; none is ever changed."""

agent_tags = Table(
    "agent_tags",
    metadata,
    Column("agent_id", String, ForeignKey("agents.agent_id", ondelete="CASCADE"), primary_key=True),
    Column("tag", Text, primary_key=True),
)

tools = Table(
    "tools",
    metadata,
    Column("tool_id", String, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Index(None, "created_at", "tool_id"),
    Index(None, "name_key", "tool_id"),
)

documents = Table(
    "documents",
    metadata,
    Column("document_id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Index(None, "kind", "created_at", "document_id"),
    Index(None, "kind", "name_key", "document_id"),
)

secrets = Table(
    "secrets",
    metadata,
    Column("secret_id", String, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Double, nullable=False),
    Index(None, "created_at", "secret_id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", String, primary_key=True),
    Column("name", Text, nullable=False),
    Column("prefix", String, nullable=False, index=True),
    Column("hashed", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("last_used_at", Double),
    Column("scopes", Text),
    Column("expires_at", Double),
    Column("member_id", String),
    Column("replaced_by", String),
)
"""``scopes`` are separated by spaces; NULL: all of them."""

audit_log = Table(
    "audit_log",
    metadata,
    Column("entry_id", String, primary_key=True),
    Column("at", Double, nullable=False),
    Column("action", String, nullable=False),
    Column("resource", String, nullable=False, index=True),
    Column("key_id", String, index=True),
    Column("result", String, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index(None, "at", "entry_id"),
)
"""Rows are added, and removed when they are old; none is ever changed."""

_READ_IN_LISTS = ("status", "call_successful", "ended_at", "ending")
"""In the indexes of conversations, so that overviews and filters need not open a row, which may be large."""

conversations = Table(
    "conversations",
    metadata,
    Column("conversation_id", String, primary_key=True),
    Column("agent_id", String, nullable=False),
    Column("agent_name", Text),
    Column("status", String, nullable=False, index=True),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("termination_reason", Text, nullable=False),
    Column("user_id", String, index=True),
    Column("source", String, nullable=False),
    Column("text_only", Boolean, nullable=False),
    Column("user_messages", Integer, nullable=False),
    Column("agent_messages", Integer, nullable=False),
    Column("rating", Integer),
    Column("has_audio", Boolean, nullable=False),
    Column("ending", Text, nullable=False, server_default=""),
    Column("call_successful", String, nullable=False, server_default="unknown"),
    Column("facts", LargeBinary),
    Column("document", LargeBinary, nullable=False),
    Index("ix_conversations_by_start", "started_at", "conversation_id", "agent_id", *_READ_IN_LISTS),
    Index("ix_conversations_by_agent", "agent_id", "started_at", "conversation_id", *_READ_IN_LISTS),
)
"""``ending``, ``call_successful`` and ``facts`` follow from the other columns and the turns (``overview.py``)."""

turns = Table(
    "turns",
    metadata,
    Column(
        "conversation_id",
        String,
        ForeignKey("conversations.conversation_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("speaker", String, nullable=False),
    Column("words", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index(None, "conversation_id", "speaker"),
)
"""``speaker`` is ``user`` or ``agent`` when the turn has a message: what message counts are counted by."""

files = Table(
    "files",
    metadata,
    Column("file_id", String, primary_key=True),
    Column(
        "conversation_id",
        String,
        ForeignKey("conversations.conversation_id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("name", Text, nullable=False),
    Column("mime_type", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
)

knowledge_documents = Table(
    "knowledge_documents",
    metadata,
    Column("document_id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("parent_folder_id", String, nullable=False, index=True),
    Column("size", Integer, nullable=False),
    Column("source", LargeBinary, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Index(None, "created_at", "document_id"),
    Index(None, "name_key", "document_id"),
)
"""``parent_folder_id`` is empty at the top, and no foreign key: whoever deletes a folder says what becomes of what is
in it."""

knowledge_texts = Table(
    "knowledge_texts",
    metadata,
    Column(
        "document_id",
        String,
        ForeignKey("knowledge_documents.document_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("text", Text, nullable=False),
    Column("words", Text, nullable=False),
)
"""``words`` is the casefolded text: what is searched."""

rag_indexes = Table(
    "rag_indexes",
    metadata,
    Column("index_id", String, primary_key=True),
    Column(
        "document_id",
        String,
        ForeignKey("knowledge_documents.document_id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("model", String, nullable=False),
    Column("status", String, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("progress", Double, nullable=False),
    Column("used_bytes", Integer, nullable=False),
    Column("error", Text),
    UniqueConstraint("document_id", "model"),
)

knowledge_chunks = Table(
    "knowledge_chunks",
    metadata,
    Column("chunk_id", String, primary_key=True),
    Column("index_id", String, ForeignKey("rag_indexes.index_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("document_id", String, nullable=False),
    Column("model", String, nullable=False),
    Column("position", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("vector", Vector, nullable=False),
    Index(None, "model", "document_id", "position"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("delivery_id", String, primary_key=True),
    Column("event_id", String, nullable=False),
    Column("type", String, nullable=False),
    Column("endpoint", String, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("conversation_id", String, ForeignKey("conversations.conversation_id", ondelete="CASCADE"), index=True),
    Column("agent_id", String, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("due_at", Double),
    Column("claimed_until", Double),
    Column("ended_at", Double),
    Column("options", LargeBinary, nullable=False),
    Column("attempts", LargeBinary, nullable=False),
    Column("sealed_endpoint", LargeBinary),
    Column("body", LargeBinary),
    Index(None, "status", "due_at"),
    Index(None, "created_at", "delivery_id"),
)
"""``claimed_until``: until then whoever took it makes an attempt."""

retention = Table(
    "retention",
    metadata,
    Column(
        "conversation_id",
        String,
        ForeignKey("conversations.conversation_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("due_at", Double, nullable=False, index=True),
)
"""What is to be deleted, and when."""
