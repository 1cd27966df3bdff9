"""``parola chat``: talk to an agent by typing."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Any

from rich.markup import escape

from parola.errors import ParolaError
from parola.terminal import printing
from parola.terminal.client import Conversation, Server, conversation
from parola.terminal.keyboard import Keyboard
from parola.terminal.transcript import Transcript
from parola.terminal.typing import Interrupted, Typing

ANSWER_SECONDS = 60.0
"""How long a scripted message waits for its answer."""

GREETING_SECONDS = 1.0
"""How long it waits for the agent's first words; some agents have none."""

SETTLE_SECONDS = 0.3
"""How long an answer may be followed by the agent's own hang-up."""


INTERRUPTED = 130
"""The exit code after ctrl-C."""

COMMANDS = {
    "/help": "these commands",
    "/context TEXT": "tell the agent something, without a turn of yours",
    "/var NAME=VALUE": "set a dynamic variable, from the agent's next step on",
    "/link": "the page of this conversation in the dashboard",
    "/end": "end the conversation, like ctrl-D",
}


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
    is_interrupted = False
    async with conversation(server, agent_id, signed=signed, variables=variables, text_only=True) as opened:
        talk = _Talk(server, opened, tool_result, is_scripted=bool(messages))
        reading = asyncio.create_task(talk.read())
        try:
            if messages:
                await talk.say_all(messages, reading)
            else:
                await talk.converse(reading)
        except (Interrupted, asyncio.CancelledError):
            is_interrupted = True
        finally:
            await opened.socket.close()
            await asyncio.gather(reading, return_exceptions=True)
    printing.closed(opened.close_code, opened.close_reason, opened.conversation_id, went_well=opened.went_well)
    if opened.conversation_id:
        await asyncio.to_thread(printing.page, lambda: server.page(f"conversations/{opened.conversation_id}"))
    if is_interrupted:
        return INTERRUPTED
    return 0 if opened.went_well else 1


class _Talk:
    """Both sides of the conversation, and the tools that wait for a person's answer."""

    def __init__(self, server: Server, opened: Conversation, tool_result: str | None, *, is_scripted: bool) -> None:
        self._server = server
        self._opened = opened
        self._transcript = Transcript()
        self._tool_result = "Done." if tool_result is None and is_scripted else tool_result
        self._asked: deque[dict[str, Any]] = deque()
        """Tools whose results are to be typed."""
        self._answered = asyncio.Event()
        """The agent has answered, or asks for what a tool returned."""
        self._waits = False
        """The line that was read last is one that the agent answers."""
        self._begun = asyncio.Event()
        """There is a conversation, not a refusal."""

    async def read(self) -> None:
        """Show what comes, until the server hangs up."""
        async for frame in self._opened.frames():
            self._transcript.frame(frame)
            self._begun.set()
            if frame["type"] == "agent_response_complete":
                self._answered.set()
            elif frame["type"] == "client_tool_call" and frame["client_tool_call"]["expects_response"]:
                await self._asked_for(frame["client_tool_call"])
        self._transcript.end()
        self._answered.set()

    async def _asked_for(self, call: dict[str, Any]) -> None:
        if self._tool_result is not None:
            await self._opened.answer_tool(call, value_of(self._tool_result))
            return
        self._asked.append(call)
        self._answered.set()
        printing.out.print(f"[dim]       Type the result of {escape(call['tool_name'])}, as JSON or as text.[/]")

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
        if sys.stdin.isatty() and sys.stdout.isatty():
            await self._type(reading)
            return
        is_piped = not sys.stdin.isatty()
        if is_piped:
            await self._is_answered(GREETING_SECONDS)
        with Keyboard() as keyboard:
            while (line := await _before(reading, keyboard.line())) is not None and not reading.done():
                if is_piped and line.strip():
                    printing.user(line)
                self._answered.clear()
                if not await self._entered(line):
                    return
                if is_piped and self._waits:
                    if not await self._is_answered(ANSWER_SECONDS):
                        raise ParolaError(f"The agent did not answer within {ANSWER_SECONDS:g} s.")
                    if not self._asked:
                        await asyncio.wait({reading}, timeout=SETTLE_SECONDS)
        if is_piped and self._asked and not reading.done():
            self._answered.clear()
            await self._is_answered(ANSWER_SECONDS)

    async def _type(self, reading: asyncio.Task[None]) -> None:
        """At a terminal: with editing, commands, and the agent's words above what is being typed."""
        begun = asyncio.create_task(self._begun.wait())
        await asyncio.wait({begun, reading}, return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        if reading.done():
            return
        printing.out.print("[dim]Type and press Enter, also while the agent answers. /help shows more.[/]")
        with Typing(lambda: self._transcript.partial, [command.split()[0] for command in COMMANDS]) as typing:
            self._transcript.on_change = typing.changed
            while (line := await _before(reading, typing.line())) is not None:
                if not await self._entered(line):
                    return

    async def _entered(self, line: str) -> bool:
        """Do what a line says: a command, a tool's result or a message. False when it ends the conversation."""
        self._waits = False
        if line.startswith("/") and not line.startswith("//"):
            return await self._commanded(line)
        await self._typed(line.removeprefix("/") if line.startswith("//") else line)
        return True

    async def _commanded(self, line: str) -> bool:
        """Do what a line with a stroke says; False when that ends the conversation."""
        command, _, rest = line.partition(" ")
        rest = rest.strip()
        match command:
            case "/end" | "/quit" | "/exit":
                return False
            case "/context" if rest:
                await self._opened.send({"type": "contextual_update", "text": rest})
                self._transcript.note("The agent knows it now.")
            case "/var" if "=" in rest:
                name, _, value = rest.partition("=")
                await self._change(name.strip(), value.strip())
            case "/link":
                page = await asyncio.to_thread(self._server.page, f"conversations/{self._opened.conversation_id}")
                self._transcript.note(page or "This server has no dashboard.")
            case _:
                for usage, meaning in COMMANDS.items():
                    self._transcript.note(f"{usage:<16} {meaning}")
                self._transcript.note("A message that begins with a stroke is typed with two: //like this")
        return True

    async def _change(self, name: str, value: str) -> None:
        path = f"/v1/x/conversations/{self._opened.conversation_id}/variables"
        try:
            await asyncio.to_thread(self._server.rest, "PATCH", path, {name: value_of(value)})
        except ParolaError as error:
            self._transcript.note(error.message)
        else:
            self._transcript.note(f"{name} is {value} from the agent's next step on.")

    async def _typed(self, line: str) -> None:
        if self._asked:
            await self._opened.answer_tool(self._asked.popleft(), value_of(line))
            self._waits = not self._asked
        elif line.strip():
            self._waits = True
            await self._opened.send({"type": "user_message", "text": line})


async def _before(reading: asyncio.Task[None], line: Coroutine[Any, Any, str | None]) -> str | None:
    """The line, or None when the server hangs up before there is one."""
    typing = asyncio.create_task(line)
    try:
        await asyncio.wait({typing, reading}, return_when=asyncio.FIRST_COMPLETED)
        return await typing if typing.done() else None
    finally:
        typing.cancel()
        await asyncio.gather(typing, return_exceptions=True)


def value_of(text: str) -> Any:
    """What a person wrote as a tool's result: JSON if it is JSON, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
