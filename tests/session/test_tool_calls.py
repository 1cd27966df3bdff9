"""Tools that run beside a conversation: what becomes of those that fail in their own ways."""

from __future__ import annotations

import asyncio

from parola.conversation.actions import RunTool
from parola.conversation.events import ToolFinished
from parola.session.tool_calls import Asked, ToolCalls
from tests.story import server_tool


class Forgetful:
    async def run(self, call: RunTool, asked: Asked) -> ToolFinished:
        raise KeyError("token")


async def result_with(runners: dict[str, Forgetful]) -> ToolFinished:
    told: asyncio.Queue[ToolFinished] = asyncio.Queue()
    ToolCalls(runners, told.put_nowait).start(RunTool("call_1", server_tool("fetch"), {}, {}))
    return await told.get()


async def test_a_runner_that_misses_a_key_has_run() -> None:
    finished = await result_with({"webhook": Forgetful()})
    assert finished.is_called and finished.is_error and finished.raw_error == "KeyError: 'token'"


async def test_a_tool_that_nobody_runs_was_not_called() -> None:
    finished = await result_with({})
    assert not finished.is_called and finished.error_type == "not_called"
