"""``parola chat``: talk to an agent by typing."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from collections.abc import Sequence
from typing import Any

from parola.errors import ParolaError
from parola.terminal import printing
from parola.terminal.client import Conversation, Server, conversation
from parola.terminal.keyboard import Keyboard

ANSWER_SECONDS = 60.0
"""How long a scripted message waits for its answer."""

GREETING_SECONDS = 1.0
"""How long it waits for the agent's first words; some agents have none."""

SETTLE_SECONDS = 0.3
"""How long the last answer may be followed by the agent's own hang-up."""


async def chat(
    server: Server,
    agent_id: str,
    *,
    signed: bool,
    variables: dict[str, str],
    messages: Sequence[str],
    tool_result: str | None,
) -> int:
    """Hold a text conversation; with ``messages`` say those and leave. Returns the exit code."""
    async with conversation(server, agent_id, signed=signed, variables=variables, text_only=True) as opened:
        talk = _Talk(opened, tool_result, is_scripted=bool(messages))
        reading = asyncio.create_task(talk.read())
        try:
            if messages:
                await talk.say_all(messages, reading)
            else:
                await talk.converse(reading)
        finally:
            await opened.socket.close()
            await asyncio.gather(reading, return_exceptions=True)
    printing.closed(opened.close_code, opened.close_reason, opened.conversation_id, went_well=opened.went_well)
    return 0 if opened.went_well else 1


class _Talk:
    """Both sides of the conversation, and the tools that wait for a person's answer."""

    def __init__(self, opened: Conversation, tool_result: str | None, *, is_scripted: bool) -> None:
        self._opened = opened
        self._tool_result = "Done." if tool_result is None and is_scripted else tool_result
        self._asked: deque[dict[str, Any]] = deque()
        """Tools whose results are to be typed."""
        self._answered = asyncio.Event()

    async def read(self) -> None:
        """Show what comes, until the server hangs up."""
        async for frame in self._opened.frames():
            printing.frame(frame)
            if frame["type"] == "agent_response_complete":
                self._answered.set()
            elif frame["type"] == "client_tool_call" and frame["client_tool_call"]["expects_response"]:
                await self._asked_for(frame["client_tool_call"])
        self._answered.set()

    async def _asked_for(self, call: dict[str, Any]) -> None:
        if self._tool_result is not None:
            await self._opened.answer_tool(call, value_of(self._tool_result))
            return
        self._asked.append(call)
        printing.out.print(f"[dim]       Type the result of {call['tool_name']}, as JSON or as text.[/]")

    async def say_all(self, messages: Sequence[str], reading: asyncio.Task[None]) -> None:
        """The greeting, then each message and its answer. Raises ``ParolaError`` when an answer does not come."""
        await self._is_answered(GREETING_SECONDS)
        for message in messages:
            if reading.done():
                return
            printing.user(message)
            self._answered.clear()
            await self._opened.send({"type": "user_message", "text": message})
            if not await self._is_answered(ANSWER_SECONDS):
                raise ParolaError(f"The agent did not answer within {ANSWER_SECONDS:g} s.")
        await asyncio.wait({reading}, timeout=SETTLE_SECONDS)

    async def _is_answered(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._answered.wait()
        except TimeoutError:
            return False
        return True

    async def converse(self, reading: asyncio.Task[None]) -> None:
        """What a person types, until they or the server end it."""
        is_piped = not sys.stdin.isatty()
        if is_piped:
            await self._is_answered(GREETING_SECONDS)
        else:
            printing.out.print("[dim]Type and press Enter; ctrl-D ends the conversation.[/]")
        self._answered.set()
        with Keyboard() as keyboard:
            while not reading.done():
                typing = asyncio.create_task(keyboard.line())
                await asyncio.wait({typing, reading}, return_when=asyncio.FIRST_COMPLETED)
                line = typing.result() if typing.done() else None
                typing.cancel()
                if line is None:
                    if is_piped:
                        await self._is_answered(ANSWER_SECONDS)
                    return
                await self._typed(line)

    async def _typed(self, line: str) -> None:
        if self._asked:
            await self._opened.answer_tool(self._asked.popleft(), value_of(line))
        elif line.strip():
            self._answered.clear()
            await self._opened.send({"type": "user_message", "text": line})


def value_of(text: str) -> Any:
    """What a person wrote as a tool's result: JSON if it is JSON, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
