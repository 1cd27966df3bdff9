"""What PostgreSQL does differently from SQLite, in one place; everything else of the store is the same for both.

*Types.* SQLite compares text by code points and has integers of 64 bits; here ``COLLATE "C"`` and ``BIGINT`` do. A NUL,
which PostgreSQL keeps in no text, becomes U+FFFD in the columns that are searched; documents are bytes and keep it.

*Connections* can be lost, and come back: ``_is_away`` tells that from a refusal. Statements, and sessions whose client
is gone, end by themselves.

*One server to a database*: a lock that the writing connection holds, so that who has lost it cannot write.

*Vectors* are pgvector's where the extension can be had, else bytes.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Integer,
    LargeBinary,
    bindparam,
    column,
    create_engine,
    event,
    make_url,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects.postgresql.base import PGTypeCompiler
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from parola.errors import InvalidRequest, StoreError
from parola.logs import logger
from parola.store.database import Database
from parola.store.outage import Away
from parola.store.vectors import PgVector, Sent

log = logger(__name__)

SCHEMES = ("postgresql", "postgres")

DEFAULTS = {
    "application_name": "parola",
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""Of a connection, where the address does not say otherwise: a network that swallows packets is noticed in seconds."""

SESSION = {
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
"""Of a session: the last three let the database notice that a server's machine is gone, and let go of its lock."""

LOCK_WAIT = "3s"
"""A server that was killed a moment ago may still have the lock."""


ROWS_AT_A_TIME = 1000

LOST = ("08", "57P", "25006")
"""Errors (SQLSTATE, or its class) that say: the connection is gone, the database is going down or coming up, or has
become a copy that only reads."""

TRANSIENT = ("the database system is", "too many clients", "remaining connection slots")
"""Of what a database says that refuses a connection; everything else it says is about us, like a wrong password."""


def database(address: str, connections: int, *, is_server: bool) -> Database:
    """For a ``postgresql://`` address, with so many connections at most. A server lets no other one use the same
    tables. Raises ``InvalidRequest``."""
    try:
        engine = create_engine(
            _url(address),
            hide_parameters=True,
            pool_size=connections,
            max_overflow=0,
            skip_autocommit_rollback=True,
            use_native_hstore=False,
        )
    except ModuleNotFoundError:
        raise InvalidRequest(
            "database_url: PostgreSQL needs the package psycopg: run `pip install 'parola[postgres]'`."
        ) from None
    dialect: Any = engine.dialect
    dialect.type_compiler_instance = dialect.type_compiler = _Types(dialect)
    dialect.colspecs = {**dialect.colspecs, Integer: Integer}  # a number says its size itself; a cast would cut it
    dialect.ischema_names = {**dialect.ischema_names, "vector": PgVector}
    event.listen(engine, "connect", _adapt)
    return Database(
        engine,
        engine.execution_options(isolation_level="AUTOCOMMIT"),
        when_writing=_lock if is_server else _anybody_may_write,
        before_tables=_prepare,
        after_tables=_settle_vectors,
        is_away=_is_away,
    )


def described(address: str) -> str:
    """What answers at an address, for people: ``PostgreSQL 18.4 with pgvector 0.8.5``. Raises ``InvalidRequest``, and
    what the driver raises."""
    engine = database(address, 1, is_server=False).engine
    try:
        with engine.connect() as connection:
            version = connection.execute(text("SHOW server_version")).scalar()
            extension = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
            vectors = connection.execute(text(extension)).scalar()
    finally:
        engine.dispose()
    return f"PostgreSQL {version} " + (f"with pgvector {vectors}" if vectors else "without pgvector")


def _url(address: str) -> URL:
    expected = "database_url: expected postgresql://user:password@host:port/database"
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise InvalidRequest(f"{expected}; the address cannot be read.") from None
    if url.get_backend_name() not in SCHEMES:
        raise InvalidRequest(f"{expected}, got one of {url.get_backend_name()}.")
    given = dict(url.query)
    options = " ".join([f"-c {name}={value}" for name, value in SESSION.items()] + [_last(given.pop("options", ""))])
    return url.set(drivername="postgresql+psycopg", query={**DEFAULTS, **given, "options": options.strip()})


def _last(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else value[-1]


class _Types(PGTypeCompiler):
    """Columns that hold and sort what they hold and sort on SQLite."""

    def visit_INTEGER(self, type_: Any, **kw: Any) -> str:
        return "BIGINT"

    def visit_VARCHAR(self, type_: Any, **kw: Any) -> str:
        return super().visit_VARCHAR(type_, **kw) + _collation(type_, kw)

    def visit_TEXT(self, type_: Any, **kw: Any) -> str:
        return super().visit_TEXT(type_, **kw) + _collation(type_, kw)


def _collation(type_: Any, kw: dict[str, Any]) -> str:
    """Only where a column is made: a cast names a type, which has none."""
    is_column = isinstance(kw.get("type_expression"), Column)
    return ' COLLATE "C"' if is_column and not type_.collation else ""


def _adapt(connection: Any, _: Any) -> None:
    """What the driver makes of our values."""
    from psycopg.adapt import Dumper
    from psycopg.pq import Format
    from psycopg.types.string import StrDumperVarchar

    class WithoutNul(StrDumperVarchar):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd"))

    class AsItIs(Dumper):
        format = Format.BINARY

        def dump(self, obj: Sent) -> bytes:
            return obj

    connection.adapters.register_dumper(str, WithoutNul)
    connection.adapters.register_dumper(Sent, AsItIs)


def _anybody_may_write(_: Connection) -> None:
    pass


def _lock(connection: Connection) -> None:
    """Take the lock of the server, for as long as this connection lasts."""
    try:
        with connection.begin():
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
            connection.execute(text("SELECT pg_advisory_lock(hashtext('parola'), hashtext(current_schema()))"))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != "55P03":
            raise
        raise Away("The database is in use by another server: stop that one, or choose another database_url.") from None


def _is_away(error: SQLAlchemyError) -> bool:
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(LOST)
    said = str(error.orig)
    return "connect" in said and ("FATAL" not in said or any(words in said for words in TRANSIENT))


def _prepare(connection: Connection) -> None:
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    encoding = connection.execute(text("SHOW server_encoding")).scalar()
    if encoding != "UTF8":
        raise StoreError(f"The database has the encoding {encoding}: make one with the encoding UTF8.")
    _try_to_create_extension(connection)
    _set_has_vectors(connection, _can_have_vectors(connection))


def _try_to_create_extension(connection: Connection) -> None:
    """Needs a trusted extension or a superuser, and a database that knows pgvector; without it, vectors are bytes."""
    offered = "SELECT 1 FROM pg_available_extensions WHERE name = 'vector' AND installed_version IS NULL"
    if connection.execute(text(offered)).first() is None:
        return
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
    except DBAPIError as error:
        log.info("pgvector_is_not_used", reason=str(error.orig).strip())


def _can_have_vectors(connection: Connection) -> bool:
    return bool(connection.execute(text("SELECT to_regtype('vector') IS NOT NULL")).scalar())


def _set_has_vectors(connection: Connection, has_vectors: bool) -> None:
    dialect: Any = connection.dialect
    dialect.has_vectors = has_vectors


def _settle_vectors(connection: Connection) -> None:
    """Turn a column of bytes into one of vectors, once pgvector is there: before it was, or in an older version."""
    found = connection.execute(
        text(
            "SELECT udt_name FROM information_schema.columns WHERE table_schema = current_schema() "
            "AND table_name = 'knowledge_chunks' AND column_name = 'vector'"
        )
    ).scalar()
    if found == "vector" or not _can_have_vectors(connection):
        return
    connection.execute(text("ALTER TABLE knowledge_chunks ADD COLUMN as_vector vector"))
    chunks = table("knowledge_chunks", column("chunk_id"), column("vector", LargeBinary), column("as_vector", PgVector))
    keep = update(chunks).where(chunks.c.chunk_id == bindparam("key")).values(as_vector=bindparam("bytes"))
    batch = select(chunks.c.chunk_id, chunks.c.vector).order_by(chunks.c.chunk_id).limit(ROWS_AT_A_TIME)
    after = ""
    while rows := connection.execute(batch.where(chunks.c.chunk_id > after)).all():
        connection.execute(keep, [{"key": row.chunk_id, "bytes": row.vector} for row in rows])
        after = rows[-1].chunk_id
    connection.execute(text("ALTER TABLE knowledge_chunks DROP COLUMN vector"))
    connection.execute(text("ALTER TABLE knowledge_chunks RENAME COLUMN as_vector TO vector"))
    connection.execute(text("ALTER TABLE knowledge_chunks ALTER COLUMN vector SET NOT NULL"))
