"""The store in an SQL database: SQLite in the data folder, or PostgreSQL; the same code for both.

Everything is written by one ``Writer``; readers have connections of their own and never wait for it (WAL). Both work
in threads of their own, a whole transaction at a time: handing every statement to another thread, as asynchronous
drivers of SQLite do, costs three times the latency. File contents and recordings lie beside the database, in
``files/``, ``knowledge/`` and ``recordings/``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, RowMapping, select, update

from parola.errors import ParolaError, StoreError
from parola.metrics import WRITE_SECONDS, Histogram
from parola.protocol.lossless import dumps, loads
from parola.store import sqlite
from parola.store.audit import AuditLog
from parola.store.base import (
    Agents,
    ApiKeyRow,
    ApiKeys,
    Conversations,
    DocumentRow,
    Documents,
    Files,
    Knowledge,
    Retention,
    SecretRow,
    Secrets,
    ToolRow,
    Tools,
)
from parola.store.blobs import Blobs
from parola.store.database import Database
from parola.store.documents import recording_file, tool_type
from parola.store.outage import PATIENCE_SECONDS, Outage
from parola.store.outbox import Outbox
from parola.store.pages import Page
from parola.store.readers import Readers
from parola.store.schema import bring_up_to_date
from parola.store.sql_agents import SqlAgents
from parola.store.sql_audit import SqlAuditLog
from parola.store.sql_conversations import SealedChange, SqlConversations, SqlFiles, apply_all
from parola.store.sql_knowledge import SqlKnowledge
from parola.store.sql_outbox import SqlOutbox
from parola.store.sql_resources import Resource
from parola.store.sql_retention import SqlRetention
from parola.store.tables import api_keys, documents, secrets, tools
from parola.store.write_log import WriteLog
from parola.store.writer import Writer

DATABASE = "parola.db"

CONNECTIONS = 5
"""One writes, the others read, each in a thread of its own."""


class SqlStore:
    """A ``Store``. Its parts exist once ``open`` has returned."""

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
    retention: Retention

    def __init__(
        self,
        data: Path,
        database_url: str = "",
        *,
        connections: int = CONNECTIONS,
        is_server: bool = False,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """``database_url`` names a PostgreSQL to be used instead of the SQLite in ``data``. With ``is_server``, no
        other server may use it at the same time. While it is away, it is waited for as long as ``patience_seconds``."""
        self._data = data
        self._database_url = database_url
        self._connections = connections
        self._is_server = is_server
        self._patience = patience_seconds
        self._recordings = data / "recordings"
        self._readers: Readers | None = None
        self._write_log: WriteLog | None = None
        self.writes = Histogram(WRITE_SECONDS)
        self._writer: Writer[SealedChange] | None = None

    def recording_path(self, conversation_id: str) -> Path:
        return recording_file(self._recordings, conversation_id)

    async def open(self) -> None:
        try:
            for folder in (self._data / "files", self._data / "knowledge", self._recordings):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"The data folder {self._data} cannot be used: {error}") from error
        database = self._database()
        engine = database.engine
        outage = Outage(database, self._patience)
        self._write_log = write_log = WriteLog(engine)
        self._readers = readers = Readers(database, outage, self._connections - 1)
        self._writer = writer = Writer(database, outage, apply_all, self.writes)
        try:
            await writer.run(lambda connection: bring_up_to_date(connection, database))
            await write_log.empty()  # a killed server may have deleted something
        except ParolaError:
            await self.aclose()
            raise
        blobs = Blobs(self._data / "files")
        self.agents = SqlAgents(readers, writer)
        self.tools = SqlTools(readers, writer)
        self.documents = SqlDocuments(readers, writer)
        self.secrets = SqlSecrets(readers, writer)
        self.api_keys = SqlApiKeys(readers, writer)
        self.audit = SqlAuditLog(readers, writer)
        self.outbox = outbox = SqlOutbox(readers, writer)
        self.conversations = SqlConversations(readers, writer, blobs, self._recordings, outbox, write_log)
        self.retention = SqlRetention(readers, writer, write_log, blobs, self._recordings)
        self.files = SqlFiles(readers, writer, blobs)
        self.knowledge = SqlKnowledge(readers, writer, Blobs(self._data / "knowledge"))

    def _database(self) -> Database:
        if self._database_url:
            from parola.store import postgres

            return postgres.database(self._database_url, self._connections, is_server=self._is_server)
        return sqlite.database(self._data / DATABASE)

    async def aclose(self) -> None:
        if self._write_log is not None:
            await self._write_log.aclose()
            self._write_log = None
        if self._writer is not None:
            await self._writer.aclose()
            self._writer = None
        if self._readers is not None:
            await self._readers.aclose()
            self._readers = None


class SqlTools(Resource):
    table = tools

    async def put(self, tool: ToolRow) -> None:
        await self._put(
            {
                "tool_id": tool.tool_id,
                "name": tool.name,
                "name_key": tool.name.casefold(),
                "type": tool_type(tool.document),
                "document": dumps(tool.document),
                "created_at": tool.created_at,
                "updated_at": tool.updated_at,
            }
        )

    async def get(self, tool_id: str) -> ToolRow | None:
        row = await self._one(tool_id)
        return None if row is None else _tool(row)

    async def delete(self, tool_id: str) -> bool:
        return await self._delete(tool_id)

    async def get_many(self, tool_ids: Sequence[str]) -> Sequence[ToolRow]:
        rows = await self._readers.rows(select(tools).where(tools.c.tool_id.in_(tool_ids)))
        found = {row["tool_id"]: row for row in rows}
        return [_tool(found[tool_id]) for tool_id in tool_ids if tool_id in found]

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
        statement = self._matching(search)
        if types:
            statement = statement.where(tools.c.type.in_(types))
        return await self._readers.page(
            statement,
            sort=self._sorted_by(sort_by),
            key=tools.c.tool_id,
            ascending=ascending,
            page_size=page_size,
            cursor=cursor,
            make=_tool,
        )


class SqlDocuments(Resource):
    table = documents

    async def put(self, row: DocumentRow) -> None:
        await self._put(
            {
                "document_id": row.document_id,
                "kind": row.kind,
                "name": row.name,
                "name_key": row.name.casefold(),
                "archived": row.is_archived,
                "document": dumps(row.document),
                "created_at": row.created_at,
                "updated_at": row.updated_at,
            }
        )

    async def get(self, kind: str, document_id: str) -> DocumentRow | None:
        row = await self._one(document_id)
        return None if row is None or row["kind"] != kind else _document(row)

    async def delete(self, kind: str, document_id: str) -> bool:
        return await self.get(kind, document_id) is not None and await self._delete(document_id)

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
        statement = self._matching(search).where(documents.c.kind == kind)
        if archived is not None:
            statement = statement.where(documents.c.archived == archived)
        return await self._readers.page(
            statement,
            sort=self._sorted_by(sort_by),
            key=documents.c.document_id,
            ascending=ascending,
            page_size=page_size,
            cursor=cursor,
            make=_document,
        )


class SqlSecrets(Resource):
    table = secrets

    async def put(self, secret: SecretRow) -> None:
        await self._put(
            {
                "secret_id": secret.secret_id,
                "name": secret.name,
                "name_key": secret.name.casefold(),
                "sealed": secret.sealed,
                "created_at": secret.created_at,
            }
        )

    async def get(self, secret_id: str) -> SecretRow | None:
        row = await self._one(secret_id)
        return None if row is None else _secret(row)

    async def delete(self, secret_id: str) -> bool:
        return await self._delete(secret_id)

    async def page(self, *, page_size: int, cursor: str | None = None, search: str | None = None) -> Page[SecretRow]:
        return await self._readers.page(
            self._matching(search),
            sort=secrets.c.created_at,
            key=secrets.c.secret_id,
            ascending=False,
            page_size=page_size,
            cursor=cursor,
            make=_secret,
        )


class SqlApiKeys(Resource):
    table = api_keys

    async def put(self, key: ApiKeyRow) -> None:
        values = {column.name: getattr(key, column.name) for column in api_keys.c}
        await self._put(values | {"scopes": None if key.scopes is None else " ".join(key.scopes)})

    async def used(self, key_id: str, at: float) -> None:
        def work(connection: Connection) -> None:
            connection.execute(update(api_keys).where(api_keys.c.key_id == key_id).values(last_used_at=at))

        await self._writer.run(work)

    async def find(self, prefix: str) -> Sequence[ApiKeyRow]:
        rows = await self._readers.rows(select(api_keys).where(api_keys.c.prefix == prefix))
        return [_api_key(row) for row in rows]

    async def delete(self, key_id: str) -> bool:
        return await self._delete(key_id)

    async def all(self) -> Sequence[ApiKeyRow]:
        rows = await self._readers.rows(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.key_id))
        return [_api_key(row) for row in rows]


def _api_key(row: RowMapping) -> ApiKeyRow:
    scopes: str | None = row["scopes"]
    return ApiKeyRow(**{**row, "scopes": None if scopes is None else tuple(scopes.split())})


def _tool(row: RowMapping) -> ToolRow:
    return ToolRow(row["tool_id"], row["name"], loads(row["document"]), row["created_at"], row["updated_at"])


def _document(row: RowMapping) -> DocumentRow:
    return DocumentRow(
        row["document_id"],
        row["kind"],
        row["name"],
        loads(row["document"]),
        row["created_at"],
        row["updated_at"],
        row["archived"],
    )


def _secret(row: RowMapping) -> SecretRow:
    return SecretRow(row["secret_id"], row["name"], row["sealed"], row["created_at"])
