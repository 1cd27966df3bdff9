"""A command that cannot be read: the monitor says what was expected, what came, and which command that was."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from parola.api.monitor_socket import do
from parola.errors import ClientError

ASKED: list[tuple[Any, str, str]] = [
    ([], "", "Expected a JSON object, got a list."),
    (
        {"command_type": "agent_message", "parameters": {"text": 5}},
        "agent_message",
        "parameters.text: Input should be a valid string; got 5.",
    ),
    (
        {"command_type": "send_human_message", "parameters": "x"},
        "send_human_message",
        'parameters: Input should be a valid dictionary; got "x".',
    ),
    (
        {"command_type": "end_call", "command_id": {"a": [1]}},
        "end_call",
        "command_id: Input should be a valid string; got an object.",
    ),
    ({}, "", "command_type: Field required."),
]


class Visitor:
    """Somebody at the monitor, as far as a command is read."""

    caller = None

    def __init__(self) -> None:
        self.told: list[tuple[str, str, Any]] = []

    async def tell_result(self, kind: str, error: ClientError, *, command_id: Any = None) -> None:
        self.told.append((kind, error.message, command_id))

    async def note(self, *about: Any, **more: Any) -> None: ...


async def answer_to(asked: Any) -> tuple[str, str, Any]:
    visitor = Visitor()
    services = SimpleNamespace(keys=SimpleNamespace(require=lambda *_: None))
    await do(cast(Any, visitor), None, None, cast(Any, services), json.dumps(asked))
    (told,) = visitor.told
    return told


@pytest.mark.parametrize(("asked", "kind", "message"), ASKED)
async def test_a_command_that_cannot_be_read_says_what_came_and_is_told_apart(asked: Any, kind: str, message: str):
    assert await answer_to(asked) == (kind, message, None)


async def test_its_id_comes_back_though_the_rest_cannot_be_read() -> None:
    command = {"command_type": "agent_message", "parameters": [], "command_id": "q1"}
    assert (await answer_to(command))[2] == "q1"
