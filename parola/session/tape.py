"""Tapes: everything that happened to one conversation, kept so that it can be played again.

A tape is JSON lines. The first says which version made it, when the conversation's clock stood where, and the
``Setup``; each other line is one event with its time, or a time alone, when the conversation was woken::

    {"parola": "0.1.0", "began_at": 12.5, "setup": {...}}
    {"now": 12.5, "event": "Started", "is": {}}
    {"now": 14.5}

Because the conversation is pure, playing a tape gives the same actions every time; after a change of the rules it
shows exactly where they differ. A tape holds what was said: one is made only on request (``taped``), never for an
agent that forbids recordings, and without secrets.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TextIO, get_args, get_type_hints

import orjson
from pydantic import BaseModel, TypeAdapter

from parola import __version__
from parola.conversation.actions import Action
from parola.conversation.commands import Command, Commanded, OperatorSpoke, SetVariables
from parola.conversation.conversation import Conversation
from parola.conversation.events import AgentReady, Event, ReplyAudio, SoundMade
from parola.conversation.setup import Setup
from parola.protocol.server_messages import ClientEventFilter

EVENTS: dict[str, type[Any]] = {event.__name__: event for event in get_args(Event)}
_ADAPTERS: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter(event) for name, event in EVENTS.items() if event not in (AgentReady, Commanded)
}
_COMMANDS: dict[str, TypeAdapter[Any]] = {command.__name__: TypeAdapter(command) for command in get_args(Command)}


@dataclass(frozen=True, slots=True)
class Step:
    """What happened at one moment; without an event, the conversation was woken."""

    now: float
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Tape:
    version: str
    began_at: float
    setup: Setup
    steps: tuple[Step, ...]

    def play(self) -> Iterator[tuple[Step, list[Action]]]:
        """Hold the conversation again, with the rules as they are now."""
        conversation = Conversation(self.setup, self.began_at)
        for step in self.steps:
            if step.event is None:
                yield step, conversation.wake(step.now)
            else:
                yield step, conversation.handle(step.event, step.now)


class TapedConversation(Conversation):
    """A conversation that writes down everything it is told, each step before it is taken."""

    def __init__(self, setup: Setup, now: float, file: TextIO) -> None:
        super().__init__(setup, now)
        self._file = file
        file.write(head(setup, now) + "\n")

    def handle(self, event: Event, now: float) -> list[Action]:
        self._file.write(line(Step(now, event)) + "\n")
        return super().handle(event, now)

    def wake(self, now: float) -> list[Action]:
        self._file.write(line(Step(now)) + "\n")
        return super().wake(now)


@contextmanager
def taped(path: Path, setup: Setup, now: float) -> Iterator[Conversation]:
    """A conversation, on tape if its agent allows recordings; the file is whole when the block ends."""
    if not setup.record_voice:
        yield Conversation(setup, now)
        return
    with path.open("w", encoding="utf-8") as file:
        yield TapedConversation(setup, now, file)


def read(path: Path) -> Tape:
    """A tape from its file. One cut short by a crash is read as far as it is whole."""
    first, *rest = path.read_text("utf-8").splitlines()
    began = orjson.loads(first)
    steps: list[Step] = []
    for written in rest:
        try:
            document = orjson.loads(written)
        except orjson.JSONDecodeError:
            break
        steps.append(_step(document))
    return Tape(began["parola"], began["began_at"], _setup(began["setup"]), tuple(steps))


# -- one line ---------------------------------------------------------------------------------------------------------


def head(setup: Setup, began_at: float) -> str:
    """The first line. Secrets, and what the rules never read, stay out of it."""
    document = {"parola": __version__, "began_at": began_at, "setup": _told(setup)}
    return orjson.dumps(document, default=_as_json).decode()


def _told(setup: Setup) -> dict[str, Any]:
    variables = {name: value for name, value in setup.variables.items() if not name.startswith("secret__")}
    model = replace(setup.model, custom_llm=None, extra_body={})
    # What a webhook sends may hold keys; the rules of calls never look at it.
    tools = {
        name: replace(tool, config={key: value for key, value in tool.config.items() if key != "api_schema"})
        for name, tool in setup.tools.items()
    }
    told = replace(setup, variables=variables, model=model, tools=tools, client_data={})
    return {f.name: getattr(told, f.name) for f in fields(told)}


def line(step: Step) -> str:
    document: dict[str, Any] = {"now": step.now}
    if isinstance(step.event, AgentReady):
        document |= {"event": "AgentReady", "is": {"call_id": step.event.call_id, "setup": _told(step.event.setup)}}
    elif isinstance(step.event, Commanded):
        document |= {"event": "Commanded", "is": _told_command(step.event)}
    elif step.event is not None:
        document |= {"event": type(step.event).__name__, "is": step.event}
    return orjson.dumps(document, default=_as_json).decode()


def _told_command(event: Commanded) -> dict[str, Any]:
    command = event.command
    if isinstance(command, SetVariables):
        command = SetVariables({k: v for k, v in command.values.items() if not k.startswith("secret__")})
    return {"number": event.number, "by": event.by, "kind": type(command).__name__, "command": command}


def _as_json(value: Any) -> Any:
    match value:
        case bytes():
            return b2a_base64(value, newline=False).decode()
        case BaseModel():
            return value.model_dump(mode="json")
        case ClientEventFilter():
            return sorted(name for name in ClientEventFilter.event_types if value.passes(name))
    raise TypeError(f"expected something that fits on a tape, got {type(value).__name__}")


def _step(document: dict[str, Any]) -> Step:
    name = document.get("event")
    if name is None:
        return Step(document["now"])
    body = document["is"]
    if EVENTS[name] is AgentReady:
        return Step(document["now"], AgentReady(body["call_id"], _setup(body["setup"])))
    if EVENTS[name] is Commanded:
        command = _COMMANDS[body["kind"]].validate_python(body["command"])
        return Step(document["now"], Commanded(body["number"], command, body["by"]))
    if EVENTS[name] in (ReplyAudio, SoundMade, OperatorSpoke):
        body["audio"] = a2b_base64(body["audio"])
    return Step(document["now"], _ADAPTERS[name].validate_python(body))


def _setup(document: dict[str, Any]) -> Setup:
    """What an older version wrote and this one does not know is left out."""
    names = document.pop("events")
    hints = get_type_hints(Setup)
    values = {
        name: TypeAdapter(hints[name]).validate_python(value) for name, value in document.items() if name in hints
    }
    return Setup(**values, events=ClientEventFilter(names, text_only=values["text_only"]))
