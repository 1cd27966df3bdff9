"""Tools that are not called but answered from a list, so that an agent can be tried without them.

The client asks for it when it begins (``tool_mock_config``; reference: websocket.md §3.1), the answers stand on the
tool (``response_mocks``; reference: webhooks.md §6.2): the first whose conditions all hold is the result.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from parola.conversation.assignments import value_at
from parola.conversation.prompt import as_text
from parola.conversation.tools import Mock, MockCondition, Mocking, Tool
from parola.errors import ConversationRefused
from parola.protocol.client_messages import ToolMockConfig

STRATEGIES = ("none", "all", "selected")
FALLBACKS = ("raise_error", "call_real_tool")


@dataclass(frozen=True, slots=True)
class MockAnswer:
    """What a mocked call gives."""

    result: str
    is_error: bool = False
    error_type: str = ""
    is_called: bool = True


def with_mocks(
    tools: Mapping[str, Tool], config: ToolMockConfig | None, warnings: list[str], others: Iterable[str] | None = ()
) -> dict[str, Tool]:
    """The tools, those the client wants mocked with their answers. System tools act on the conversation itself and are
    never mocked. ``others``: names of the agent's further tools; None: they are not known yet. Raises
    ``ConversationRefused`` for what cannot be done."""
    if config is None:
        return dict(tools)
    _check("mocking_strategy", config.mocking_strategy, STRATEGIES)
    _check("fallback_strategy", config.fallback_strategy, FALLBACKS)
    if others is not None:
        warnings += unknown_in(config, {*tools, *others})
    return {name: mocked(tool, config) for name, tool in tools.items()}


def unknown_in(config: ToolMockConfig | None, known: Collection[str]) -> list[str]:
    """Warnings for tools that are to be mocked, and that the agent does not have."""
    if config is None or config.mocking_strategy != "selected":
        return []
    unknown = sorted(set(config.mocked_tool_names) - set(known))
    return [f'tool_mock_config names the tool "{name}", which the agent does not have.' for name in unknown]


def mocked(tool: Tool, config: ToolMockConfig | None) -> Tool:
    """The tool, with its answers if the client wants it mocked. Raises ``ConversationRefused`` for mocks that cannot be
    read."""
    if config is None or config.mocking_strategy == "none" or tool.type == "system":
        return tool
    if config.mocking_strategy == "selected" and tool.name not in config.mocked_tool_names:
        return tool
    return replace(tool, mocking=Mocking(_mocks(tool), config.fallback_strategy == "call_real_tool"))


def config_in(client_data: Mapping[str, Any]) -> ToolMockConfig | None:
    """What the client wanted mocked, out of what it began with: for tools that are found later."""
    config = client_data.get("tool_mock_config")
    return None if config is None else ToolMockConfig.model_validate(config)


def answer(tool: Tool, arguments: Mapping[str, Any]) -> MockAnswer | None:
    """What a call gives in place of the tool; None when the tool itself is to be called."""
    if tool.mocking is None:
        return None
    for mock in tool.mocking.mocks:
        if all(_holds(condition, arguments) for condition in mock.conditions):
            return MockAnswer(mock.result, mock.is_error, "mock_error" if mock.is_error else "")
    if tool.mocking.calls_real:
        return None
    message = f'The tool "{tool.name}" is mocked, and none of its response_mocks fits these arguments.'
    return MockAnswer(message, is_error=True, error_type="no_mock", is_called=False)


def _check(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise _refused(f"tool_mock_config.{name}: expected one of {', '.join(known)}, got {value!r}.")


def _mocks(tool: Tool) -> tuple[Mock, ...]:
    where = f'response_mocks of the tool "{tool.name}"'
    listed = tool.config.get("response_mocks") or []
    if not isinstance(listed, list) or not all(isinstance(entry, Mapping) for entry in listed):
        raise _refused(f"{where}: expected a list of objects.")
    return tuple(
        Mock(
            tuple(_condition(one, where) for one in entry.get("parameter_conditions") or ()),
            as_text(entry.get("mock_result")),
            bool(entry.get("is_error")),
        )
        for entry in listed
    )


def _condition(entry: Any, where: str) -> MockCondition:
    path = entry.get("path") if isinstance(entry, Mapping) else None
    evaluation = entry.get("eval") if isinstance(entry, Mapping) else None
    if not isinstance(path, str) or not isinstance(evaluation, Mapping):
        raise _refused(f"{where}: expected a condition with path and eval, got {entry!r}.")
    kind: Literal["anything", "exact", "regex"]
    match evaluation.get("type"):
        case "anything":
            return MockCondition(path, "anything")
        case "exact":
            kind, expected = "exact", as_text(evaluation.get("expected_value"))
        case "regex":
            kind, expected = "regex", str(evaluation.get("pattern") or "")
            try:
                re.compile(expected)
            except re.error as error:
                raise _refused(f"{where}: {expected!r} is no regular expression ({error}).") from None
        case other:
            raise _refused(f"{where}: eval expected one of anything, exact, regex, got {other!r}.")
    return MockCondition(path, kind, expected)


def _holds(condition: MockCondition, arguments: Mapping[str, Any]) -> bool:
    if condition.kind == "anything":
        return True
    value = value_at(arguments, condition.path, None)
    if value is None:
        return False
    if condition.kind == "exact":
        return as_text(value) == condition.expected
    return re.search(condition.expected, as_text(value)) is not None


def _refused(message: str) -> ConversationRefused:
    return ConversationRefused(1008, "value_error", message)
