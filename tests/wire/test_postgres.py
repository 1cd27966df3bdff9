"""A server on PostgreSQL: what the official client has seen is in the database, whatever becomes of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.postgres import Postgres
from tests.wire.servers import ServerProcess, agent, said
from tests.wire.tap import Tap
from tests.wire.test_python_sdk import Caller


@pytest.fixture
def server(postgres: Postgres, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server with an empty database of its own, named as hosting platforms do it."""
    with (
        postgres.database() as url,
        ServerProcess("--data", str(tmp_path), environment={"DATABASE_URL": url}) as server,
    ):
        yield server


def test_a_conversation_survives_the_kill_of_the_server_and_a_restart_of_the_database(
    postgres: Postgres, server: ServerProcess, tapped: Callable[[ServerProcess], Tap]
) -> None:
    agent_id = server.create_agent(agent({"when": "hours", "say": "At nine."}, first_message="Hello."))
    tap = tapped(server)
    with Caller(tap, agent_id, user_id="user-7") as caller:
        assert caller.hears("response") == "Hello."
        assert caller.asks("What are your hours?") == "At nine."
        postgres.stop()
        caller.conversation.send_user_message("Still there?")
        postgres.start()
        assert caller.hears("response") == "I heard: Still there?"
        finished = caller.hangs_up()
    record = server.ended_record(finished)
    assert record["status"] == "done"
    assert said(record) == [
        ("agent", "Hello."),
        ("user", "What are your hours?"),
        ("agent", "At nine."),
        ("user", "Still there?"),
        ("agent", "I heard: Still there?"),
    ]

    with Caller(tap, agent_id) as caller:
        assert caller.hears("response") == "Hello."
        assert caller.asks("Grüße 🌍") == "I heard: Grüße 🌍"
        cut_off = caller.call.of("conversation_initiation_metadata")[0]["conversation_id"]
        server.kill()
        caller.hears("disconnect")
    server.start()
    assert server.record(finished) == record
    record = server.record(cut_off)
    assert said(record) == [("agent", "Hello."), ("user", "Grüße 🌍"), ("agent", "I heard: Grüße 🌍")]
    assert record["status"] == "failed"
    assert "database_is_back" in server.log
    server.stop()
    assert "Traceback" not in server.log and "exception=" not in server.log
