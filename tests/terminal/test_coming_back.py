"""The terminal's client comes back when its connection breaks."""

from __future__ import annotations

import asyncio
from typing import Any

from parola.terminal.client import Server, conversation
from tests.wire.frames import TIMEOUT
from tests.wire.servers import ServerProcess, agent


async def test_a_chat_in_the_terminal_outlives_its_connection():
    with ServerProcess("--ephemeral") as server:
        agent_id = server.create_agent(agent())
        told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        async with conversation(Server(server.url), agent_id, signed=False, variables={}, text_only=True) as opened:

            async def read() -> None:
                async for frame in opened.frames():
                    if frame["type"] in ("agent_response", "conversation_initiation_metadata"):
                        told.put_nowait(frame)

            async def said() -> dict[str, Any]:
                async with asyncio.timeout(TIMEOUT):
                    return await told.get()

            reading = asyncio.create_task(read())
            first = await said()
            await opened.send({"type": "user_message", "text": "one"})
            assert (await said())["agent_response_event"]["agent_response"] == "I heard: one"
            opened.socket.transport.abort()
            await asyncio.sleep(0)
            await opened.send({"type": "user_message", "text": "two"})
            again = await said()
            name = "conversation_initiation_metadata_event"
            assert again[name]["conversation_id"] == first[name]["conversation_id"]
            assert (await said())["agent_response_event"]["agent_response"] == "I heard: two"
            await opened.socket.close()
            await asyncio.wait_for(reading, TIMEOUT)
        record = server.ended_record(opened.conversation_id)
        assert [one["type"] for one in record["metadata"]["x_connections"]] == [
            "x_connection_lost",
            "x_connection_resumed",
        ]
