"""What ``docs/storage.md`` tells an administrator to type works: making a database, asking, saving and restoring it."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from pathlib import Path

import psycopg

from parola.store import postgres as dialect
from parola.store.base import AgentRow, ChunkRow, KnowledgeDocumentRow, RagIndexRow
from parola.store.sql import SqlStore
from tests.postgres import Postgres

DOCUMENT = (Path(__file__).parents[2] / "docs" / "storage.md").read_text(encoding="utf-8")


def command(beginning: str) -> str:
    """An indented block or line of the document, or what stands in backquotes."""
    found = re.search(rf"^    ({beginning}(?:.*\n    )*.*)$|`({beginning}[^`]*)`", DOCUMENT, re.MULTILINE)
    assert found, f"docs/storage.md does not say {beginning}"
    return " ".join((found[1] or found[2]).split("#")[0].split())


async def fill(url: str, folder: Path) -> None:
    store = SqlStore(folder, url)
    await store.open()
    await store.agents.put(AgentRow("agent_1", "Größe", {"name": "Größe"}, 1.0, 1.0))
    index = RagIndexRow("rag_1", "kb_1", "model", "succeeded", 1.0, 1.0)
    await store.knowledge.put(KnowledgeDocumentRow("kb_1", "text", "Menu", 1.0, 1.0))
    await store.knowledge.put_index(index)
    vectors = {1: b"\0\0\x80\x3f\0\0\0\0", 2: b"\0\0\0\0\0\0\x80\x3f", 3: b"\0\0\x80\x3f\0\0\0\x3f"}
    chunks = [ChunkRow(f"chunk_{n}", "kb_1", "model", n, f"part {n}", vector) for n, vector in vectors.items()]
    await store.knowledge.finish_index(index, chunks)
    await store.aclose()


async def agent_of(url: str, folder: Path) -> AgentRow | None:
    store = SqlStore(folder, url)
    await store.open()
    found = await store.agents.get("agent_1")
    await store.aclose()
    return found


def test_a_database_is_made_asked_saved_and_restored_as_the_page_says(postgres: Postgres, tmp_path: Path) -> None:
    for statement in command("CREATE ROLE").replace("parola", "documented").split(";"):
        if statement.strip():
            postgres.execute(statement)
    postgres.execute(command("CREATE EXTENSION"), "documented")
    url = postgres.url("documented").replace("postgres@", "documented:secret@")
    asyncio.run(fill(url, tmp_path))

    with psycopg.connect(url) as connection:
        found = connection.execute(command("SELECT b.document_id").rstrip(";").encode()).fetchall()
    assert found == [("kb_1", "part 1"), ("kb_1", "part 3"), ("kb_1", "part 2")]

    environment = {**os.environ, "PATH": f"{postgres.programs}:{os.environ['PATH']}", "DATABASE_URL": url}
    shell = {"cwd": tmp_path, "env": environment, "shell": True, "check": True, "timeout": 60}
    subprocess.run(command("pg_dump"), **shell)  # type: ignore[call-overload]
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM agents")
    # By an administrator: the comment of an extension is its owner's.
    environment["DATABASE_URL"] = postgres.url("documented")
    subprocess.run(command("pg_restore"), **shell)  # type: ignore[call-overload]
    assert asyncio.run(agent_of(url, tmp_path)) == AgentRow("agent_1", "Größe", {"name": "Größe"}, 1.0, 1.0)


def test_the_limits_in_the_table_are_those_of_a_connection(postgres: Postgres) -> None:
    rows = dict(re.findall(r"^\| ([^|]+) \| (\d+) s \|", DOCUMENT, re.MULTILINE))
    assert rows["a statement"] + "s" == dialect.SESSION["statement_timeout"]
    assert rows["waiting for a lock of a row or table"] + "s" == dialect.SESSION["lock_timeout"]
    assert rows["connecting"] == dialect.DEFAULTS["connect_timeout"]
    assert int(rows["packets that are not acknowledged"]) * 1000 == int(dialect.DEFAULTS["tcp_user_timeout"])
    for option, name in re.findall(r"options=(-c(\w+)%3D\w+)", DOCUMENT):
        engine = dialect.database(f"{postgres.url()}&options={option}", 1, is_server=False).engine
        with engine.connect() as connection:
            wanted = option.partition("%3D")[2]
            shown = connection.exec_driver_sql(f"SHOW {name}").scalar()
            assert shown == {"60s": "1min"}.get(wanted, wanted)
        engine.dispose()
