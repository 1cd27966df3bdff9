"""What only PostgreSQL does: go away and come back, let one server in, keep vectors; what it must not do its way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psycopg
import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from parola.errors import InvalidRequest, StoreError
from parola.knowledge.retrieval import Chunks, Limits
from parola.store import postgres as dialect
from parola.store import sqlite
from parola.store.address import is_on_this_machine, without_password
from parola.store.base import (
    AgentRow,
    ChunkRow,
    ConversationChange,
    ConversationQuery,
    ConversationRow,
    KnowledgeDocumentRow,
    RagIndexRow,
)
from parola.store.database import Database
from parola.store.outage import Away, Outage
from parola.store.schema import create, migrate
from parola.store.sql import SqlStore
from parola.store.tables import metadata
from tests.postgres import Postgres

MODEL = "model"


def call(conversation_id: str) -> ConversationRow:
    return ConversationRow(conversation_id, "agent_1", "in-progress", 1.0, {})


def said(words: str) -> ConversationChange:
    return ConversationChange(turns={0: {"role": "user", "message": words}})


async def with_chunks(store: SqlStore, vectors: np.ndarray) -> list[ChunkRow]:
    """Keep a document with a chunk for each vector."""
    rows = [ChunkRow(f"c{n:04}", "kb_1", MODEL, n, f"part {n}", row.tobytes()) for n, row in enumerate(vectors)]
    index = RagIndexRow("rag_1", "kb_1", MODEL, "succeeded", 1.0, 1.0)
    await store.knowledge.put(KnowledgeDocumentRow("kb_1", "text", "Menu", 1.0, 1.0), text="Soup")
    await store.knowledge.put_index(index)
    await store.knowledge.finish_index(index, rows)
    return rows


# -- away ---------------------------------------------------------------------------------------------------------


async def test_what_is_written_and_read_while_the_database_restarts_is_late_not_lost(
    postgres: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    store = SqlStore(tmp_path, postgres_url, is_server=True)
    await store.open()
    await store.conversations.create(call("conv_1"))
    postgres.stop()
    try:
        writing = [asyncio.create_task(store.conversations.write("conv_1", said("late"))) for _ in range(3)]
        reading = asyncio.create_task(store.conversations.get("conv_1"))
        await asyncio.wait([*writing, reading], timeout=0.2)
        assert not any(task.done() for task in (*writing, reading))
    finally:
        postgres.start()
    await asyncio.gather(*writing)
    assert (await reading) is not None
    assert [turn["message"] for turn in await store.conversations.turns("conv_1")] == ["late"]
    await store.aclose()


async def test_what_cannot_be_stored_in_time_fails_together_and_the_database_may_still_come_back(
    postgres: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    store = SqlStore(tmp_path, postgres_url, is_server=True, patience_seconds=0.2)
    await store.open()
    for number in range(50):
        await store.conversations.create(call(f"conv_{number}"))
    postgres.stop()
    try:
        writing = (store.conversations.write(f"conv_{number}", said("lost")) for number in range(50))
        problems = await asyncio.gather(*writing, store.conversations.get("conv_0"), return_exceptions=True)
        assert {type(problem) for problem in problems} == {Away}
    finally:
        postgres.start()
    await store.conversations.write("conv_0", said("back"))
    assert [turn["message"] for turn in await store.conversations.turns("conv_0")] == ["back"]
    await store.aclose()


def test_a_database_that_stays_away_is_waited_for_until_a_limit_then_fails_at_once() -> None:
    now, error = 0.0, SQLAlchemyError("gone")

    def pause(seconds: float) -> None:
        nonlocal now
        now += seconds

    engine = sqlite.database(Path("unused")).engine
    outage = Outage(Database(engine, engine, is_away=lambda _: True), 10, clock=lambda: now, pause=pause)
    tries = 0
    with pytest.raises(Away, match="away for 10 seconds: gone"):
        while outage.wait(error):
            tries += 1
    assert now == 10
    assert tries > 10
    now = 60
    with pytest.raises(Away, match="away for 60 seconds"):
        outage.wait(error)
    outage.over()
    assert outage.wait(error)


def test_a_refusal_is_not_waited_for(postgres: Postgres) -> None:
    for url, away in (
        (postgres.url("no_such_database"), False),
        (postgres.url().replace("postgres@", "nobody@"), False),
        (postgres.url().replace("/socket", "/elsewhere"), True),
        ("postgresql://me:secret@127.0.0.1:9/parola", True),
    ):
        database = dialect.database(url, 1, is_server=False)
        with pytest.raises(SQLAlchemyError) as caught:
            database.engine.connect()
        assert database.is_away(caught.value) is away, url


# -- one server -----------------------------------------------------------------------------------------------------


async def test_a_database_has_one_server_and_who_loses_it_cannot_write(
    postgres: Postgres, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialect, "LOCK_WAIT", "50ms")
    first = SqlStore(tmp_path / "1", postgres_url, is_server=True)
    second = SqlStore(tmp_path / "2", postgres_url, is_server=True)
    await first.open()
    with pytest.raises(StoreError, match="in use by another server"):
        await second.open()
    beside = SqlStore(tmp_path / "1", postgres_url)  # as `parola keys` does
    await beside.open()
    await beside.aclose()

    postgres.stop()
    postgres.start()
    await second.open()
    with pytest.raises(StoreError, match="in use by another server"):
        await first.agents.put(AgentRow("agent_1", "A", {}, 1.0, 1.0))
    await first.aclose()
    await second.agents.put(AgentRow("agent_1", "A", {}, 1.0, 1.0))
    await second.aclose()


# -- the same as SQLite ---------------------------------------------------------------------------------------------


async def test_an_ordinary_role_is_enough_and_columns_hold_what_sqlite_holds(
    postgres: Postgres, tmp_path: Path
) -> None:
    postgres.execute("CREATE ROLE parola LOGIN")
    postgres.execute("CREATE DATABASE parola OWNER parola TEMPLATE template0 ENCODING UTF8")
    store = SqlStore(tmp_path, postgres.url("parola").replace("postgres@", "parola@"))
    await store.open()
    for name in ("zoo", "Äpfel", "_", "apple", "NUL\0"):
        await store.agents.put(AgentRow(f"agent_{name}", name, {"name": name}, 1.0, 1.0))
    page = await store.agents.page(page_size=9, sort_by="name", ascending=True)
    assert [agent.document["name"] for agent in page.items] == ["_", "apple", "NUL\0", "zoo", "Äpfel"]
    await store.knowledge.put(KnowledgeDocumentRow("kb_1", "file", "Large", 1.0, 1.0, size=2**40))
    row = await store.knowledge.get("kb_1")
    assert row is not None and row.size == 2**40
    await store.aclose()
    assert re.fullmatch(r"PostgreSQL 18\S* without pgvector", dialect.described(postgres.url("parola")))
    postgres.execute("CREATE EXTENSION vector", "parola")
    assert re.fullmatch(r"PostgreSQL 18\S* with pgvector \S+", dialect.described(postgres.url("parola")))


@pytest.mark.parametrize("make", [create, migrate])
def test_every_text_sorts_by_code_points_and_every_number_has_64_bits(
    postgres: Postgres, make: Callable[[Connection], None]
) -> None:
    with postgres.database() as url:
        engine = dialect.database(url, 1, is_server=False).engine
        with engine.begin() as connection:
            make(connection)
        engine.dispose()
        with psycopg.connect(url) as connection:
            columns = connection.execute(
                "SELECT table_name, column_name, data_type, collation_name FROM information_schema.columns "
                "WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
            ).fetchall()
    assert {table for table, *_ in columns} == set(metadata.tables)
    for table, column, kind, collation in columns:
        assert kind not in ("integer", "smallint"), (table, column)
        assert collation == ("C" if kind in ("text", "character varying") else None), (table, column)


async def test_words_are_found_whatever_their_case(postgres_url: str, tmp_path: Path) -> None:
    store = SqlStore(tmp_path, postgres_url)
    await store.open()
    for number, words in enumerate(("Zwei GRÖSSEN, 100%", "zwei größen_", "drei\0")):
        await store.conversations.create(call(f"conv_{number}"))
        await store.conversations.write(f"conv_{number}", said(words))
    for search, count in (("größen", 2), ("ZWEI", 2), ("100%", 1), ("%", 1), ("_", 1), ("drei", 1), ("vier", 0)):
        assert await store.conversations.count(ConversationQuery(search=search)) == count, search
    await store.aclose()


async def test_a_database_that_is_not_there_is_refused_in_one_line(postgres: Postgres, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r'refused the connection: .* database "none" does not exist$'):
        await SqlStore(tmp_path, postgres.url("none")).open()


async def test_a_database_of_another_encoding_is_refused(postgres: Postgres, tmp_path: Path) -> None:
    postgres.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'")
    with pytest.raises(StoreError, match="LATIN1"):
        await SqlStore(tmp_path, postgres.url("latin")).open()


# -- vectors --------------------------------------------------------------------------------------------------------


async def test_pgvector_finds_in_the_same_order_as_the_search_in_memory(postgres_url: str, tmp_path: Path) -> None:
    drawn = np.random.default_rng(7)
    vectors = drawn.standard_normal((300, 384), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    store = SqlStore(tmp_path, postgres_url)
    await store.open()
    rows = await with_chunks(store, vectors)
    assert await store.knowledge.chunks(MODEL, ["kb_1"]) == rows  # to the last bit
    chunks = Chunks(rows)
    with psycopg.connect(postgres_url) as connection:
        for question in vectors[:20] + np.float32(0.02) * drawn.standard_normal((20, 384), np.float32):
            question = question / np.linalg.norm(question)
            limits = Limits(max_vector_distance=2.0, max_chunks=30)
            here = [found.chunk_id for found in chunks.search("", question, 1.0, limits)]
            query = "SELECT chunk_id FROM knowledge_chunks ORDER BY vector <=> %s::vector LIMIT 30"
            there = [row[0] for row in connection.execute(query, [str(question.tolist())])]
            assert here == there
    await store.aclose()


async def test_vectors_that_were_bytes_become_vectors_once_the_extension_is_there(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kind(url: str) -> str:
        with psycopg.connect(url) as connection:
            row = connection.execute(
                "SELECT udt_name FROM information_schema.columns "
                "WHERE table_name = 'knowledge_chunks' AND column_name = 'vector'"
            ).fetchone()
            assert row is not None
            return str(row[0])

    vectors = np.random.default_rng(7).standard_normal((30, 16), np.float32)
    monkeypatch.setattr(dialect, "ROWS_AT_A_TIME", 7)
    with postgres.database() as url:
        with monkeypatch.context() as patch:
            patch.setattr(dialect, "_try_to_create_extension", lambda _: None)
            before = SqlStore(tmp_path, url)
            await before.open()
            rows = await with_chunks(before, vectors)
            assert await before.knowledge.chunks(MODEL, ["kb_1"]) == rows
            await before.aclose()
        assert kind(url) == "bytea"
        after = SqlStore(tmp_path, url)
        await after.open()
        assert await after.knowledge.chunks(MODEL, ["kb_1"]) == rows
        assert kind(url) == "vector"
        await after.aclose()


# -- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "shown", "is_here"),
    [
        ("postgresql://me:geheim@db.example.com:5432/x", "postgresql://me:****@db.example.com:5432/x", False),
        ("postgres://me:odd@pa:ss@localhost/x", "postgres://me:****@localhost/x", True),
        ("postgresql://[::1]:5432/x?user=me&password=geheim", "postgresql://[::1]:5432/x?user=me&password=****", True),
        ("postgresql:///x?host=/run/postgresql", "postgresql:///x?host=/run/postgresql", True),
        ("postgresql://127.0.0.1,db2/x", "postgresql://127.0.0.1,db2/x", False),
        ("postgresql://localhost/x?host=10.0.0.1", "postgresql://localhost/x?host=10.0.0.1", False),
        ("geheim", "****", True),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, shown: str, is_here: bool) -> None:
    assert without_password(address) == shown
    assert is_on_this_machine(address) is is_here


@pytest.mark.parametrize("address", ["mysql://me:geheim@db/x", "geheim", "postgresql://me:geheim@db:port/x"])
def test_what_is_no_address_of_a_postgresql_is_refused_without_being_shown(address: str) -> None:
    with pytest.raises(InvalidRequest, match="postgresql://user") as caught:
        dialect.database(address, 1, is_server=False)
    assert "geheim" not in str(caught.value)
