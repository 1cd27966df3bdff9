"""What PostgreSQL does differently from SQLite, in one place; everything else of the store is the same for both.

*Types.* SQLite compares text by code points and has integers of 64 bits; here ``COLLATE "C"`` and ``BIGINT`` do. A NUL,
which PostgreSQL keeps in no text, becomes U+FFFD in the columns that are searched; documents are bytes and keep it.

*Connections* can be lost, and come back: ``is_away`` tells that from a refusal. Statements, and sessions whose client
is gone, end by themselves.

*One server to a database*: a lock that the writing connection holds, so that who has lost it cannot write.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Column, Engine, create_engine, event, make_url
from sqlalchemy.dialects.postgresql.base import PGTypeCompiler
from sqlalchemy.exc import ArgumentError

from parola.errors import InvalidRequest

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


def engine(address: str, connections: int) -> Engine:
    """An engine for a ``postgresql://`` address with so many connections at most. Raises ``InvalidRequest``."""
    try:
        made = create_engine(
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
    made.dialect.type_compiler_instance = made.dialect.type_compiler = _Types(made.dialect)
    event.listen(made, "connect", _no_nul)
    return made


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


def _no_nul(connection: Any, _: Any) -> None:
    from psycopg.types.string import StrDumperVarchar

    class Dumper(StrDumperVarchar):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd"))

    connection.adapters.register_dumper(str, Dumper)
