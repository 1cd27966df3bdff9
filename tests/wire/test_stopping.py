"""A server that is told to stop lets the conversations that run finish, for a while, and takes no new ones."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path

from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, agent, said

TEXT_ONLY = {"conversation_config_override": {"conversation": {"text_only": True}}}


def tell_to_stop(server: ServerProcess) -> subprocess.Popen[bytes]:
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    return server.process


def until_it_drains(server: ServerProcess) -> None:
    while (health := server.http.get("/health")).status_code == 200:
        pass
    assert (health.status_code, health.json()["status"]) == (503, "draining")


async def test_at_sigterm_a_running_conversation_finishes_and_no_new_one_begins(tmp_path: Path) -> None:
    with ServerProcess("--data", str(tmp_path), environment={"PAROLA_DRAIN_SECONDS": "60"}) as server:
        url = server.socket_of(server.create_agent(agent()))
        async with RawClient(url) as running:
            conversation_id = (await running.begin(**TEXT_ONLY))["conversation_id"]
            process = tell_to_stop(server)
            await asyncio.to_thread(until_it_drains, server)
            async with RawClient(url, checked=False) as late:
                await late.send({"type": "conversation_initiation_client_data", **TEXT_ONLY})
                assert await late.closed() == (1001, "The server is stopping. Please try again.")
            assert await running.answer("Still there?") == "I heard: Still there?"
        await asyncio.to_thread(process.wait, 20)
        server.start()
        record = server.record(conversation_id)
        assert record["status"] == "done"
        assert said(record) == [("user", "Still there?"), ("agent", "I heard: Still there?")]


async def test_who_has_not_finished_in_time_is_told_and_a_second_sigterm_does_not_wait(tmp_path: Path) -> None:
    with ServerProcess("--data", str(tmp_path), environment={"PAROLA_DRAIN_SECONDS": "1"}) as server:
        url = server.socket_of(server.create_agent(agent()))
        async with RawClient(url) as running:
            conversation_id = (await running.begin(**TEXT_ONLY))["conversation_id"]
            process = tell_to_stop(server)
            assert await running.closed() == (1001, "The server is stopping.")
        await asyncio.to_thread(process.wait, 20)
    with ServerProcess("--data", str(tmp_path), environment={"PAROLA_DRAIN_SECONDS": "3600"}) as server:
        record = server.record(conversation_id)
        assert record["metadata"]["termination_reason"] == "The server is stopping."
        async with RawClient(url.replace(url.split("/")[2], f"127.0.0.1:{server.port}")) as running:
            await running.begin(**TEXT_ONLY)
            process = tell_to_stop(server)
            await asyncio.to_thread(until_it_drains, server)
            tell_to_stop(server)
            assert await running.closed() == (1001, "The server is stopping.")
        await asyncio.to_thread(process.wait, 20)
