"""What the model is asked: the prompt with variables filled in, what was said and done so far, the tools on offer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parola.conversation import prompt
from parola.conversation.guardrails import FOCUS
from parola.conversation.prompt import Lookup
from parola.conversation.setup import Setup
from parola.conversation.tool_results import ARE_DATA
from parola.conversation.tool_round import MAX_ROUNDS
from parola.conversation.tool_speech import offered
from parola.conversation.transcript import Transcript
from parola.conversation.walk import Walk
from parola.providers.base import ModelRequest, ToolDefinition

FILLER_TOKENS = 40
"""The most that a filler written by the model may have."""


def request(
    setup: Setup,
    transcript: Transcript,
    lookup: Lookup,
    walk: Walk,
    *,
    tool_rounds: int = 0,
    said: str = "",
    feedback: str = "",
) -> ModelRequest:
    """The model's next step, at this place of the workflow. After too many rounds of tools it is offered none.
    ``said``: what the user will have said, when their turn is over and that was all. ``feedback``: what was wrong
    with its last answer."""
    messages: list[Mapping[str, Any]] = []
    voices = () if setup.text_only else setup.voice.others
    on_tools = ARE_DATA if any(tool.type not in ("system", "workflow") for tool in walk.tools.values()) else ""
    on_node = prompt.fill_in(walk.instruction, lookup)
    parts = (
        prompt.fill_in(setup.prompt, lookup),
        setup.knowledge.in_prompt,
        FOCUS if setup.keeps_focus else "",
        prompt.on_voices(voices),
        on_tools,
        on_node,
    )
    if system := "\n\n".join(filter(None, parts)):
        messages.append({"role": "system", "content": system})
    messages += transcript.messages(setup.files_in_memory)
    if said:
        messages.append({"role": "user", "content": said})
    if feedback:
        messages.append({"role": "system", "content": feedback})
    model, tools = setup.model, walk.tools.values()
    return ModelRequest(
        messages=messages,
        tools=() if tool_rounds >= MAX_ROUNDS else tuple(_filled_in(one, lookup) for one in offered(tools)),
        model=model.llm,
        temperature=model.temperature,
        max_tokens=model.max_tokens,
        reasoning_effort=model.reasoning_effort,
        thinking_budget=model.thinking_budget,
        wants_reasoning=model.enable_reasoning_summary,
        service_tier=model.service_tier,
        parallel_tool_calls=model.enable_parallel_tool_calls,
        extra_body=model.extra_body,
        user_id=setup.user_id,
        script=None if model.script is None else prompt.fill_in_all(model.script, lookup),
    )


def _filled_in(tool: ToolDefinition, lookup: Lookup) -> ToolDefinition:
    """A tool as the model sees it: variables in its description and its parameters' are filled in."""
    description, parameters = prompt.fill_in(tool.description, lookup), prompt.fill_in_all(tool.parameters, lookup)
    return ToolDefinition(tool.name, description, parameters)


def filler_request(setup: Setup, transcript: Transcript, lookup: Lookup) -> ModelRequest:
    """A sentence that bridges the wait for the answer, from the same model and without tools."""
    return ModelRequest(
        messages=[
            *transcript.messages(0),
            {"role": "system", "content": prompt.fill_in(setup.soft_timeout.prompt, lookup)},
        ],
        model=setup.model.llm,
        max_tokens=FILLER_TOKENS,
        extra_body=setup.model.extra_body,
        user_id=setup.user_id,
    )
