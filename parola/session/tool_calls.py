"""Tools that run here: each call is a task that is started and stopped by the conversation, and tells one result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from parola.conversation.actions import RunTool
from parola.conversation.events import ToolAsked, ToolFinished
from parola.errors import ParolaError
from parola.logs import logger
from parola.tracing.context import current

log = logger(__name__)


Asked = Callable[[Mapping[str, Any]], None]
"""Told how a tool is being asked (``tool_details`` of the record), before it is."""


class ToolRunner(Protocol):
    """Runs the tools of one kind for one conversation."""

    async def run(self, call: RunTool, asked: Asked) -> ToolFinished:
        """The result. A failure of the tool is a result too; what is raised counts as one. May be cancelled."""


class ToolCalls:
    """The calls of one conversation that are under way."""

    def __init__(self, runners: Mapping[str, ToolRunner], tell: Callable[[ToolAsked | ToolFinished], None]) -> None:
        """``runners`` by type of tool."""
        self.runners = runners
        """May be exchanged; calls that run go on."""
        self._tell = tell
        self._running: dict[str, asyncio.Task[None]] = {}

    def start(self, action: RunTool) -> None:
        task = asyncio.get_running_loop().create_task(self._run(action))
        self._running[action.call_id] = task
        task.add_done_callback(partial(self._forget, action.call_id))

    def stop(self, call_id: str) -> None:
        if (task := self._running.get(call_id)) is not None:
            task.cancel()

    def running(self) -> list[asyncio.Task[None]]:
        """Those that still run."""
        return list(self._running.values())

    async def aclose(self) -> None:
        """Stop whatever still runs, and wait until it has."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, action: RunTool) -> None:
        name = action.tool.name
        if (trace := current.get()) is not None:
            current.set(trace.child("tool", action.call_id))
        try:
            if (runner := self.runners.get(action.tool.type)) is not None:
                finished = await runner.run(action, lambda how: self._tell(ToolAsked(action.call_id, how)))
            else:
                problem = f'Nobody here runs tools of type {action.tool.type}; "{name}" was not called.'
                finished = ToolFinished(
                    action.call_id, problem, is_error=True, error_type="not_called", is_called=False
                )
        except ParolaError as error:
            finished = ToolFinished(action.call_id, error.message, is_error=True, raw_error=error.message)
        except Exception as error:
            log.exception("tool_failed", tool=name)
            problem = f"{type(error).__name__}: {error}"
            finished = ToolFinished(action.call_id, "The tool failed.", is_error=True, raw_error=problem)
        self._tell(finished)

    def _forget(self, call_id: str, _: asyncio.Task[None]) -> None:
        self._running.pop(call_id, None)
