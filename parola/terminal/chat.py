"""``parola chat``: talk to an agent by typing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from parola.terminal import printing
from parola.terminal.client import Conversation, Server, conversation

ANSWER_SECONDS = 60.0
"""How long a scripted message waits for its answer."""


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
        answered = asyncio.Event()
        reading = asyncio.create_task(_read(opened, answered, tool_result, interactive=not messages))
        try:
            if messages:
                await _say_all(opened, messages, answered, reading)
            else:
                await _converse(opened, reading)
        finally:
            await opened.socket.close()
            await asyncio.gather(reading, return_exceptions=True)
    printing.closed(opened.close_code, opened.close_reason)
    return 0 if opened.conversation_id and opened.close_code in (1000, 1001, None) else 1


async def _read(opened: Conversation, answered: asyncio.Event, tool_result: str | None, *, interactive: bool) -> None:
    async for frame in opened.frames():
        printing.frame(frame)
        if frame["type"] == "agent_response_complete":
            answered.set()
        elif frame["type"] == "client_tool_call" and frame["client_tool_call"]["expects_response"]:
            call = frame["client_tool_call"]
            await opened.answer_tool(call, await _tool_result(call, tool_result, interactive=interactive))
    answered.set()


async def _tool_result(call: dict[str, Any], given: str | None, *, interactive: bool) -> Any:
    """The result of a client tool: what ``--tool-result`` says, or what the person types."""
    text = given
    if text is None and interactive:
        text = await asyncio.to_thread(input, f"       result of {call['tool_name']} (JSON or text): ")
    if not text:
        return "Done."
    try:
        return json.loads(text)
    except ValueError:
        return text


async def _say_all(
    opened: Conversation, messages: Sequence[str], answered: asyncio.Event, reading: asyncio.Task[None]
) -> None:
    await _greeted(opened, answered)
    for message in messages:
        if reading.done():
            return
        printing.out.print(f"[bold green]you[/]    {message}", markup=True)
        answered.clear()
        await opened.send({"type": "user_message", "text": message})
        async with asyncio.timeout(ANSWER_SECONDS):
            await answered.wait()


async def _greeted(opened: Conversation, answered: asyncio.Event) -> None:
    """Give the agent a moment for its first message; some have none."""
    try:
        async with asyncio.timeout(1.0):
            await answered.wait()
    except TimeoutError:
        pass


async def _converse(opened: Conversation, reading: asyncio.Task[None]) -> None:
    printing.out.print("[dim]Type and press Enter; ctrl-D ends the conversation.[/]")
    while not reading.done():
        typing = asyncio.create_task(asyncio.to_thread(_line))
        await asyncio.wait({typing, reading}, return_when=asyncio.FIRST_COMPLETED)
        if not typing.done():
            printing.out.print("[dim]Press Enter to leave.[/]")
            return
        line = typing.result()
        if line is None:
            return
        if line.strip():
            await opened.send({"type": "user_message", "text": line})


def _line() -> str | None:
    try:
        return input()
    except EOFError:
        return None
