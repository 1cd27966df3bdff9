"""Tool calls as models of OpenAI's dialect write them: in pieces beside the text, or as JSON in place of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import orjson

from parola.outbound.http import Endpoint
from parola.providers.base import JSON, ToolCallRequested


@dataclass(slots=True)
class Calls:
    """Tool calls put together from their pieces."""

    endpoint: Endpoint
    by_index: dict[int, dict[str, str]] = field(default_factory=dict)

    def add(self, part: Mapping[str, JSON]) -> None:
        function = part.get("function") or {}
        name, arguments = function.get("name") or "", function.get("arguments")
        index = part.get("index")
        if not isinstance(index, int):
            # Some servers send whole calls without numbering them.
            index = len(self.by_index) if name or not self.by_index else len(self.by_index) - 1
        call = self.by_index.setdefault(index, {"id": "", "name": "", "arguments": ""})
        call["id"] = call["id"] or str(part.get("id") or "")
        call["name"] = call["name"] or name
        call["arguments"] += arguments if isinstance(arguments, str) else orjson.dumps(arguments or {}).decode()

    def finished(self) -> Iterator[ToolCallRequested]:
        for _, call in sorted(self.by_index.items()):
            if not call["name"]:
                raise self.endpoint.failed("called a tool without naming it.")
            text = call["arguments"].strip() or "{}"
            try:
                arguments = orjson.loads(text)
                if isinstance(arguments, str):
                    arguments = orjson.loads(arguments or "{}")
            except orjson.JSONDecodeError:
                arguments = text
            if arguments is None:
                arguments = {}
            is_object = isinstance(arguments, Mapping)
            yield ToolCallRequested(
                call["name"], arguments if is_object else {}, call["id"], unreadable="" if is_object else text
            )


class Gate:
    """What of a model's text is for the user: not what stands between ``<think>`` tags, and not a text that is, as a
    whole, a tool call in JSON, as small models write it. Anything else passes at once. What stands between the tags
    can be fetched with ``thoughts``."""

    __slots__ = ("_held", "_state", "_thought", "_tools")

    def __init__(self, tools: frozenset[str]) -> None:
        self._tools = tools
        self._held = ""
        self._thought = ""
        self._state = "beginning"

    def add(self, text: str) -> str:
        """Take in more text; returns what can be shown now."""
        if self._state == "open":
            return text
        self._held += text
        if self._state == "thinking":
            thought, end, rest = self._held.partition("</think>")
            if not end:
                # What may be the beginning of the closing tag waits.
                kept = next((n for n in range(7, 0, -1) if thought.endswith("</think>"[:n])), 0)
                self._thought += thought[: len(thought) - kept]
                self._held = thought[len(thought) - kept :]
                return ""
            self._thought += thought
            self._held, self._state = rest, "beginning"
        if self._state == "beginning":
            begun = self._held.lstrip()
            openings = ("<think>", *(("<tool_call>", "```", "{", "[") if self._tools else ()))
            if begun.startswith("<think>"):
                self._state, self._held = "thinking", begun.removeprefix("<think>")
                return self.add("")
            if begun.startswith(openings):
                self._state = "holding"
            elif begun and not any(opening.startswith(begun) for opening in openings):
                self._state = "open"
                shown, self._held = begun, ""
                return shown
        return ""

    def thoughts(self) -> str:
        """What the model thought since this was asked last."""
        thought, self._thought = self._thought, ""
        return thought

    def close(self) -> tuple[str, list[ToolCallRequested]]:
        """The text is complete: what of it is still to be shown, and the calls it turned out to be."""
        if self._state == "thinking":
            return "", []
        calls = bare_calls(self._held, self._tools) if self._state == "holding" else []
        return ("", calls) if calls else (self._held.strip(), [])


def bare_calls(text: str, tools: frozenset[str]) -> list[ToolCallRequested]:
    """The calls of offered tools that a text consists of; none when there is anything else in it."""
    fence = re.fullmatch(r"\s*```(?:json|tool_call)?\s*(.*?)\s*```\s*", text, re.DOTALL)
    tagged = re.findall(r"<tool_call>\s*(.*?)\s*</tool_call>", text, re.DOTALL)
    if tagged and re.sub(r"<tool_call>.*?</tool_call>", "", text, flags=re.DOTALL).strip():
        return []
    calls: list[ToolCallRequested] = []
    for part in tagged or [fence[1] if fence else text]:
        try:
            found = orjson.loads(part)
        except orjson.JSONDecodeError:
            return []
        if isinstance(found, Mapping) and isinstance(found.get("tool_calls"), list):
            found = found["tool_calls"]
        for item in found if isinstance(found, list) else [found]:
            if not isinstance(item, Mapping):
                return []
            nested = item.get("function")
            function: Mapping[str, JSON] = nested if isinstance(nested, Mapping) else item
            name = function.get("name")
            arguments: JSON = next((function[key] for key in ("arguments", "parameters") if key in function), {})
            if isinstance(arguments, str):
                try:
                    arguments = orjson.loads(arguments or "{}")
                except orjson.JSONDecodeError:
                    return []
            if not isinstance(name, str) or name not in tools or not isinstance(arguments, Mapping):
                return []
            calls.append(ToolCallRequested(name, arguments))
    return calls
