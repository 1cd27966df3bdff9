"""What only the database can do: survive, migrate, and share commits."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect, make_url, text

from parola.errors import StoreError
from parola.store import postgres as dialect
from parola.store import sqlite
from parola.store.base import AgentRow, ConversationChange, ConversationQuery, ConversationRow
from parola.store.database import Database
from parola.store.schema import MIGRATIONS, migrate
from parola.store.sql import DATABASE, SqlStore
from parola.store.tables import HEAD, metadata
from parola.store.write_log import PAUSES_SECONDS
from tests.postgres import Postgres
from tests.virtual_time import run

WRITER = """
import asyncio, sys
from pathlib import Path
from parola.store.base import ConversationChange, ConversationRow
from parola.store.sql import SqlStore
from tests.virtual_time import run

async def main():
    store = SqlStore(Path(sys.argv[1]), sys.argv[3])
    await store.open()
    calls = [f"conv_{sys.argv[2]}_{n}" for n in range(4)]
    for call in calls:
        await store.conversations.create(ConversationRow(call, "agent_1", "in-progress", 1.0, {}))

    async def talk(call):
        for n in range(100_000):
            turn = {"role": "user", "message": f"turn {n}"}
            await store.conversations.write(call, ConversationChange(turns={n: turn}, document={"last": n}))
            print(call, n, flush=True)

    await asyncio.gather(*map(talk, calls))

asyncio.run(main())
"""


async def test_what_was_acknowledged_survives_kill_9(database_url: str, tmp_path: Path) -> None:
    dice = random.Random(7)
    acknowledged: dict[str, int] = {}
    for attempt in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(attempt), database_url],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        for _ in range(dice.randint(20, 300)):
            call, number = process.stdout.readline().split()
            acknowledged[call] = int(number)
        os.kill(process.pid, signal.SIGKILL)
        for line in process.stdout.read().splitlines():
            if len(line.split()) == 2:  # the last line may be cut short
                call, number = line.split()
                acknowledged[call] = max(acknowledged[call], int(number))
        process.wait()

        store = SqlStore(tmp_path, database_url)
        await store.open()
        for call, last in acknowledged.items():
            turns = await store.conversations.turns(call)
            assert [turn["message"] for turn in turns[: last + 1]] == [f"turn {n}" for n in range(last + 1)]
            row = await store.conversations.get(call)
            assert row is not None
            assert row.document["last"] == row.user_messages - 1 == len(turns) - 1
        assert {row.conversation_id for row in await store.conversations.unfinished()} == set(acknowledged)
        await store.aclose()


async def test_a_store_opened_again_has_everything(database_url: str, tmp_path: Path) -> None:
    agent = AgentRow("agent_1", "A", {"tags": ["x"]}, 1.0, 2.0)
    for _ in range(2):
        store = SqlStore(tmp_path, database_url)
        await store.open()
        await store.agents.put(agent)
        await store.aclose()
    store = SqlStore(tmp_path, database_url)
    await store.open()
    assert await store.agents.get("agent_1") == agent
    await store.aclose()


async def test_a_hundred_writes_together_share_commits(tmp_path: Path) -> None:
    store = SqlStore(tmp_path)
    await store.open()
    for n in range(100):
        await store.conversations.create(ConversationRow(f"conv_{n}", "agent_1", "in-progress", 1.0, {}))
    log = tmp_path / f"{DATABASE}-wal"
    before = log.stat().st_size
    turn = {"role": "user", "message": "hello"}
    await asyncio.gather(
        *(store.conversations.write(f"conv_{n}", ConversationChange(turns={0: turn})) for n in range(100))
    )
    together = log.stat().st_size - before
    before = log.stat().st_size
    for n in range(100):
        await store.conversations.write(f"conv_{n}", ConversationChange(turns={1: turn}))
    apart = log.stat().st_size - before
    assert together * 5 < apart
    await store.aclose()


async def test_a_caller_that_was_cancelled_does_not_stop_the_writer(database_url: str, tmp_path: Path) -> None:
    store = SqlStore(tmp_path, database_url)
    await store.open()
    await store.conversations.create(ConversationRow("conv_1", "agent_1", "in-progress", 1.0, {}))
    impatient = asyncio.create_task(store.conversations.write("conv_1", ConversationChange(status="done")))
    await asyncio.sleep(0)
    impatient.cancel()
    await store.conversations.write("conv_1", ConversationChange(termination_reason="Bye"))
    row = await store.conversations.get("conv_1")
    assert row is not None and (row.status, row.termination_reason) == ("done", "Bye")
    await store.aclose()


async def test_a_closed_store_refuses_writes(database_url: str, tmp_path: Path) -> None:
    store = SqlStore(tmp_path, database_url)
    await store.open()
    agents = store.agents
    await store.aclose()
    with pytest.raises(StoreError, match="closed"):
        await agents.put(AgentRow("agent_1", "A", {}, 1.0, 1.0))


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_migrations_lead_to_the_tables(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with ExitStack() as belongings:
        if kind == "sqlite":
            database = sqlite.database(tmp_path / "old.db")
        else:
            postgres: Postgres = request.getfixturevalue("postgres")
            database = dialect.database(belongings.enter_context(postgres.database()), 1, is_server=False)
        with database.engine.connect() as connection:
            database.before_tables(connection)
            migrate(connection)
            database.after_tables(connection)
            connection.commit()
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []
            migrated = {index["name"] for table in metadata.tables for index in inspect(connection).get_indexes(table)}
            assert migrated >= {index.name for table in metadata.tables.values() for index in table.indexes}
        database.engine.dispose()


async def test_a_database_whose_creation_was_cut_short_is_completed(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / DATABASE}")
    with engine.begin() as connection:
        metadata.tables["agents"].create(connection)
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    engine.dispose()
    store = SqlStore(tmp_path)
    await store.open()
    await store.agents.put(AgentRow("agent_1", "A", {}, 1.0, 1.0))
    await store.aclose()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_the_agents_of_an_older_database_are_at_their_first_version(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with ExitStack() as belongings:
        if kind == "sqlite":
            url, database = "", sqlite.database(tmp_path / DATABASE)
        else:
            postgres: Postgres = request.getfixturevalue("postgres")
            url = belongings.enter_context(postgres.database())
            database = dialect.database(url, 1, is_server=False)
        _with_an_agent_of_migration_six(database)
        store = SqlStore(tmp_path, url)
        await store.open()
        (first,) = (await store.agents.versions("agent_1", page_size=9)).items
        assert (first.number, first.name, first.committed_at, first.parent_id) == (1, "A", 2.0, None)
        agent = AgentRow("agent_1", "A", {"tags": ["x"]}, 1.0, 2.0)
        assert await store.agents.at("agent_1", first.version_id) == await store.agents.get("agent_1") == agent
        second = await store.agents.put(AgentRow("agent_1", "B", {}, 1.0, 3.0))
        newest = await store.agents.version("agent_1", second)
        assert newest is not None and (newest.number, newest.parent_id) == (2, first.version_id)
        await store.aclose()


def _with_an_agent_of_migration_six(database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.begin() as connection:
        database.before_tables(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        columns = "agent_id, name, name_key, archived, document, created_at, updated_at"
        values = {"document": b'{"tags":["x"]}', "archived": False}
        connection.execute(
            text(f"INSERT INTO agents ({columns}) VALUES ('agent_1', 'A', 'a', :archived, :document, 1.0, 2.0)"), values
        )
    database.engine.dispose()


async def test_a_newer_database_is_refused_and_left_alone(database_url: str, tmp_path: Path) -> None:
    store = SqlStore(tmp_path, database_url)
    await store.open()
    await store.aclose()
    url = make_url(database_url).set(drivername="postgresql+psycopg") if database_url else ""
    engine = create_engine(url or f"sqlite:///{tmp_path / DATABASE}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer version"):
        await SqlStore(tmp_path, database_url).open()
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{HEAD}'"))
    engine.dispose()


async def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(StoreError, match="data folder"):
        await SqlStore(tmp_path / "data").open()


async def test_a_database_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"this is no database, but it is long enough to look like one" * 20)
    with pytest.raises(StoreError, match="database"):
        await SqlStore(tmp_path).open()


async def test_a_search_reads_so_many_conversations_at_once_and_goes_on_from_there(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parola.store.sql_conversations.MOST_SEARCHED", 4)
    store = SqlStore(tmp_path, database_url)
    await store.open()
    for n in range(10):
        await store.conversations.create(ConversationRow(f"conv_{n}", "agent_1", "done", float(n // 2), {}))
        turn = {"role": "user", "message": "soup" if n in (0, 1, 8) else "bread"}
        await store.conversations.write(f"conv_{n}", ConversationChange(turns={0: turn}))
    for ascending, pages in (
        (False, [["conv_8"], [], ["conv_1", "conv_0"]]),
        (True, [["conv_0", "conv_1"], [], ["conv_8"]]),
    ):
        cursor, found = None, []
        while True:
            query = ConversationQuery(search="soup", ascending=ascending)
            page = await store.conversations.page(query, page_size=5, cursor=cursor)
            found.append([row.conversation_id for row in page.items])
            if (cursor := page.next_cursor) is None:
                break
        assert found == pages
    await store.aclose()


def test_what_was_deleted_while_somebody_read_is_overwritten_when_they_have_finished(tmp_path: Path) -> None:
    """A backup reads the database for as long as it likes: who deletes does not wait for it, and nothing is left."""
    word = b"zebracanary"

    def holding() -> list[str]:
        return [file.name for file in (tmp_path / DATABASE, tmp_path / f"{DATABASE}-wal") if word in file.read_bytes()]

    async def story() -> None:
        store = SqlStore(tmp_path)
        await store.open()
        await store.conversations.create(ConversationRow("conv_1", "agent_1", "done", 1.0, {"said": word.decode()}))
        reader = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM conversations").fetchall()

        assert await store.conversations.delete("conv_1")
        assert store._write_log is not None
        emptying = store._write_log.emptying
        assert emptying is not None and holding() == [f"{DATABASE}-wal"]
        await asyncio.sleep(PAUSES_SECONDS[0] + 0.5)
        assert not emptying.done() and holding() == [f"{DATABASE}-wal"], "it has tried once more"
        await store.conversations.create(ConversationRow("conv_2", "agent_1", "done", 1.0, {}))
        assert await store.conversations.delete("conv_2")
        assert store._write_log.emptying is emptying, "one task sees to all of it"

        reader.execute("COMMIT")
        reader.close()
        await emptying
        assert holding() == []
        await store.aclose()

    run(story())


def test_a_store_closes_while_somebody_reads_and_the_next_one_overwrites(tmp_path: Path) -> None:
    async def story() -> None:
        store = SqlStore(tmp_path)
        await store.open()
        await store.conversations.create(ConversationRow("conv_1", "agent_1", "done", 1.0, {"said": "zebracanary"}))
        reader = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM conversations").fetchall()
        await store.conversations.delete("conv_1")
        await store.aclose()
        again = SqlStore(tmp_path)
        await again.open()
        assert again._write_log is not None and again._write_log.emptying is not None
        reader.close()
        await again._write_log.emptying
        assert b"zebracanary" not in (tmp_path / f"{DATABASE}-wal").read_bytes() + (tmp_path / DATABASE).read_bytes()
        await again.aclose()

    run(story())
