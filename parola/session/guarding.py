"""Asking the judge of an agent's guardrails: beside the reply, or before a word of it is said.

``guarded`` puts itself between a reply and its model. For a ``blocking`` guardrail it keeps what the model writes until
it is judged; for a ``streaming`` one it lets it pass and judges meanwhile. What triggers is told to the conversation,
which decides. A judge that fails is told to the owner, and nothing is stopped for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from parola.conversation.events import Event, GuardrailTriggered, ReplyWithheld
from parola.conversation.guardrails import Guardrail, Trigger, question, verdict
from parola.errors import ParolaError
from parola.logs import logger
from parola.providers.base import JSON, LanguageModel, ModelEvent, ModelRequest, TextDelta
from parola.session.replying import Brain

log = logger(__name__)

JUDGE_SECONDS = 8.0
"""How long a judge may take."""

JUDGE_TOKENS = 200

STRETCH = 300
"""A reply is judged again whenever so many characters have been added to it."""

SAY_SECONDS = 5.0
"""How often it is told that a withheld reply is still being written."""

Messages = Sequence[Mapping[str, JSON]]


class Guarding:
    """The guardrails of one conversation."""

    def __init__(
        self,
        guardrails: Sequence[Guardrail],
        judge_for: Callable[[Guardrail], Brain],
        tell: Callable[[Event], None],
        warn: Callable[[str], None],
        *,
        script: Mapping[str, JSON] | None = None,
    ) -> None:
        """``script``: the agent's rules for the scripted model, which may judge too."""
        self._input = [one for one in guardrails if one.kind == "prompt_injection"]
        self._blocking = [one for one in guardrails if one.kind != "prompt_injection" and one.mode == "blocking"]
        self._streaming = [one for one in guardrails if one.kind != "prompt_injection" and one.mode == "streaming"]
        self._judge_for = judge_for
        self._tell = tell
        self._warn = warn
        self._script = script
        self._judging: dict[int, set[asyncio.Task[None]]] = {}

    def guarded(self, number: int, brain: Brain) -> Brain:
        """The brain for one reply."""
        return replace(brain, model=_GuardedModel(self, number, brain.model))

    async def write(self, number: int, model: LanguageModel, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """What the model writes, as far as the guardrails let it pass."""
        asked = request.messages[-1] if request.messages else {}
        if self._input and asked.get("role") == "user":
            self._judge_beside(number, self._input, str(asked.get("content") or ""), ())
        text, judged, held = "", 0, list[ModelEvent]()
        clock, said_at = asyncio.get_running_loop().time, 0.0
        async with aclosing(model.step(request)) as events:  # type: ignore[type-var]
            async for event in events:
                text += event.text if isinstance(event, TextDelta) else ""
                if self._blocking:
                    if not held or clock() - said_at >= SAY_SECONDS:
                        said_at = clock()
                        self._tell(ReplyWithheld(number))
                    held.append(event)
                    continue
                yield event
                if len(text) - judged >= STRETCH and not self._judging.get(number):
                    judged = len(text)
                    self._judge_beside(
                        number, [g for g in self._streaming if not g.full_response_only], text, request.messages
                    )
        if not text.strip():
            for event in held:
                yield event
            return
        if self._blocking:
            self._tell(ReplyWithheld(number))
            if (trigger := await self._judged(self._blocking, text, request.messages)) is not None:
                self._tell(GuardrailTriggered(number, trigger))
                return
            for event in held:
                yield event
        self._judge_beside(number, self._streaming, text, request.messages)

    def stop(self, number: int) -> None:
        """Nobody wants this reply any more."""
        for task in self._judging.pop(number, ()):
            task.cancel()

    def dismiss(self) -> None:
        """Another agent has the conversation: what this one said is not judged any more."""
        for number in list(self._judging):
            self.stop(number)

    async def aclose(self) -> None:
        """Stop judging, and wait until that has stopped."""
        tasks = [task for tasks in self._judging.values() for task in tasks]
        self.dismiss()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- judging ------------------------------------------------------------------------------------------------------

    def _judge_beside(self, number: int, guardrails: Sequence[Guardrail], text: str, before: Messages) -> None:
        if not guardrails or not text.strip():
            return
        task = asyncio.get_running_loop().create_task(self._judge_and_tell(number, guardrails, text, before))
        tasks = self._judging.setdefault(number, set())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _judge_and_tell(self, number: int, guardrails: Sequence[Guardrail], text: str, before: Messages) -> None:
        if (trigger := await self._judged(guardrails, text, before)) is not None:
            self._tell(GuardrailTriggered(number, trigger))

    async def _judged(self, guardrails: Sequence[Guardrail], text: str, before: Messages) -> Trigger | None:
        """The gravest of what the guardrails find: one that ends the call, if there is one."""
        found = await asyncio.gather(*(self._judge(one, text, before) for one in guardrails))
        triggers = [trigger for trigger in found if trigger is not None]
        return min(triggers, key=lambda trigger: not trigger.guardrail.ends_call, default=None)

    async def _judge(self, guardrail: Guardrail, text: str, before: Messages) -> Trigger | None:
        try:
            brain = self._judge_for(guardrail)
            request = ModelRequest(
                question(guardrail, text, before),
                model=brain.name,
                temperature=0,
                max_tokens=JUDGE_TOKENS,
                script=self._script,
            )
            async with asyncio.timeout(JUDGE_SECONDS):
                return verdict(guardrail, await _answer(brain.model, request))
        except TimeoutError:
            problem = f"its judge gave no answer within {JUDGE_SECONDS:g} s"
        except ParolaError as error:
            problem = error.message
        except ValueError as error:
            problem = f"its judge's answer could not be read: {error}"
        except Exception as error:
            log.exception("guardrail_failed", guardrail=guardrail.name)
            problem = f"{type(error).__name__}: {error}"
        self._warn(f"The guardrail {guardrail.name!r} judged nothing: {problem}")
        return None


async def _answer(model: LanguageModel, request: ModelRequest) -> str:
    words = []
    async with aclosing(model.step(request)) as events:  # type: ignore[type-var]
        async for event in events:
            if isinstance(event, TextDelta):
                words.append(event.text)
    return "".join(words)


class _GuardedModel:
    """A ``LanguageModel`` whose words are judged."""

    def __init__(self, guarding: Guarding, number: int, model: LanguageModel) -> None:
        self._guarding = guarding
        self._number = number
        self._model = model
        self.name = model.name
        self.capabilities = model.capabilities
        self.context_tokens = model.context_tokens

    def step(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        return self._guarding.write(self._number, self._model, request)

    async def aclose(self) -> None:
        """The model is not this one's to close."""
