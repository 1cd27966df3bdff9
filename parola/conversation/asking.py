"""What the model is asked: the prompt with variables filled in, what was said and done so far, the tools on offer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parola.conversation import prompt
from parola.conversation.prompt import Lookup
from parola.conversation.setup import Setup
from parola.conversation.tool_round import MAX_ROUNDS
from parola.conversation.transcript import Transcript
from parola.providers.base import ModelRequest

FILLER_TOKENS = 40
"""The most that a filler written by the model may have."""


def request(
    setup: Setup, transcript: Transcript, lookup: Lookup, *, tool_rounds: int = 0, said: str = ""
) -> ModelRequest:
    """The model's next step. After too many rounds of tools it is offered none. ``said``: what the user will have
    said, when their turn is over and that was all."""
    messages: list[Mapping[str, Any]] = []
    voices = () if setup.text_only else setup.voice.others
    if system := "\n\n".join(filter(None, (prompt.fill_in(setup.prompt, lookup), prompt.on_voices(voices)))):
        messages.append({"role": "system", "content": system})
    messages += transcript.messages(setup.files_in_memory)
    if said:
        messages.append({"role": "user", "content": said})
    model = setup.model
    return ModelRequest(
        messages=messages,
        tools=() if tool_rounds >= MAX_ROUNDS else tuple(tool.definition for tool in setup.tools.values()),
        model=model.llm,
        temperature=model.temperature,
        max_tokens=model.max_tokens,
        reasoning_effort=model.reasoning_effort,
        extra_body=model.extra_body,
        user_id=setup.user_id,
        script=None if model.script is None else prompt.fill_in_all(model.script, lookup),
    )


def filler_request(setup: Setup, transcript: Transcript) -> ModelRequest:
    """A sentence that bridges the wait for the answer, from the same model and without tools."""
    return ModelRequest(
        messages=[*transcript.messages(0), {"role": "system", "content": setup.soft_timeout.prompt}],
        model=setup.model.llm,
        max_tokens=FILLER_TOKENS,
        extra_body=setup.model.extra_body,
        user_id=setup.user_id,
    )


def variables(setup: Setup, transcript: Transcript, elapsed: float) -> Lookup:
    """Dynamic variables as they stand ``elapsed`` seconds into the call, the system's included."""

    def system(name: str) -> str | None:
        match name:
            case "system__agent_id" | "system__current_agent_id":
                return setup.agent_id
            case "system__conversation_id":
                return setup.conversation_id
            case "system__call_duration_secs":
                return str(int(elapsed))
            case "system__time_utc":
                return prompt.utc_time(setup.started_at_unix + elapsed)
            case "system__time":
                return prompt.spoken_time(setup.started_at_unix + elapsed, setup.timezone)
            case "system__timezone":
                return setup.timezone or "UTC"
            case "system__agent_turns" | "system__current_agent_turns" | "system__current_subagent_turns":
                return str(transcript.agent_turns)
            case "system__is_text_only":
                return "true" if setup.text_only else "false"
            case "system__conversation_history":
                return transcript.history()
            case _ if name in prompt.PHONE_VARIABLES:
                return prompt.as_text(setup.variables.get(name))
            case _:
                return None

    return prompt.lookup_in(setup.variables, system)
