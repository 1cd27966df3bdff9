"""Asking a model for an object by a JSON schema, once more when its answer cannot be used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from parola.analysis.models import Analyst
from parola.analysis.questions import object_in
from parola.errors import ProviderError
from parola.providers.base import ModelRequest, TextDelta, TokenUsage

ANSWER_TOKENS = 4000

STEP_SECONDS = 60.0
"""How long one answer may take."""

MOST_CHARACTERS = 100_000
"""A longer answer is cut: the model is in a loop."""

LONG_ANSWER = 8000
"""Characters; a longer one is read in a thread, so that calls do not wait for it."""


class Unusable(ProviderError):
    """The model answered, and not with what it was asked for: asking again makes no sense."""


Spend = Callable[[str, TokenUsage], None]
"""Told what each answer took."""


async def ask(
    analyst: Analyst,
    messages: Sequence[Mapping[str, Any]],
    schema: Mapping[str, Any],
    problems: Callable[[Mapping[str, Any]], list[str]],
    spend: Spend,
    script: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The object the model answers; it may still have ``problems`` when it was asked to correct them in vain. Raises
    ``ProviderError``: it failed or was too slow; ``Unusable``: it answered twice with something else than a JSON
    object."""
    request = ModelRequest(
        list(messages),
        model=analyst.name,
        temperature=0,
        max_tokens=ANSWER_TOKENS,
        response_schema=schema,
        script=script,
    )
    answer = await _answer(analyst, request, spend)
    read, wrong = await _read(answer, problems)
    if not wrong:
        return read or {}
    complaint = "Your answer cannot be used as it is:\n" + "\n".join(f"- {one}" for one in wrong[:20])
    again = [
        *messages,
        {"role": "assistant", "content": answer[:20_000]},
        {"role": "user", "content": f"{complaint}\nAnswer again, with the whole JSON object and nothing else."},
    ]
    try:
        answer = await _answer(analyst, replace(request, messages=again), spend)
    except ProviderError:
        if read is None:
            raise
        return read
    second, _ = await _read(answer, problems)
    if second is not None:
        return second
    if read is not None:
        return read
    raise Unusable(analyst.model.name, f"It answered with no JSON object, twice: {answer[:200]!r}")


async def _read(
    answer: str, problems: Callable[[Mapping[str, Any]], list[str]]
) -> tuple[dict[str, Any] | None, list[str]]:
    try:
        read = await asyncio.to_thread(object_in, answer) if len(answer) > LONG_ANSWER else object_in(answer)
    except ValueError as error:
        return None, [f"{error}."]
    return read, problems(read)


async def _answer(analyst: Analyst, request: ModelRequest, spend: Spend) -> str:
    text = ""
    try:
        async with (
            asyncio.timeout(STEP_SECONDS),
            aclosing(analyst.model.step(request)) as events,  # type: ignore[type-var]
        ):
            async for event in events:
                match event:
                    case TextDelta() if len(text) < MOST_CHARACTERS:
                        text += event.text
                    case TextDelta():
                        break
                    case TokenUsage():
                        spend(analyst.name or analyst.model.name, event)
                    case _:
                        pass
    except TimeoutError:
        raise ProviderError(analyst.model.name, f"It gave no answer within {STEP_SECONDS:g} s.") from None
    return text
