"""One step of thinking: the conversation's models are asked in turn until one answers, and no answer is endless.

A model is given up when it fails, or gives no token in time while there is another to ask. When it had said something
already, the next one is shown that and asked to go on; should it begin from the start all the same, what was said is
not said twice. Calls that a model had made in full count: whatever fails behind them, the step is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from parola.errors import ParolaError, ProviderError
from parola.logs import logger
from parola.providers.base import (
    Answered,
    LanguageModel,
    ModelEvent,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    TokenUsage,
    ToolCallRequested,
)
from parola.session.accounts import Accounts

log = logger(__name__)

REST_SECONDS = 60.0
"""A model that failed is asked behind the others for so long: the caller waits for it once, not at every turn."""

MOST_CHARACTERS = 200_000
"""A longer answer is cut: half an hour of speech."""

MOST_SECONDS = 120.0
"""A model that still writes after so long is cut."""

LOOP_CHARACTERS = 800
LOOP_PERIOD = 100
"""The same words of at most the latter length, again and again for the former: the model is in a loop."""

CHARACTERS_PER_TOKEN = 4
"""For models that do not report their usage."""

GO_ON = (
    "You were cut off behind the words above, which the user has heard. Go on exactly where they end. "
    "Do not repeat them, do not greet again, do not mention this."
)


class ThinkingFailed(ParolaError):
    """No model gave an answer; ``error_type`` is the protocol's."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


@dataclass(frozen=True, slots=True)
class Mind:
    """One model, and how to ask it."""

    model: LanguageModel
    name: str
    """The model name to ask the provider for."""
    llm: str = ""
    """The name that agents have for it."""
    error_type: str = "llm_error"

    @property
    def title(self) -> str:
        return self.name or self.llm or self.model.name


class Cascade:
    """The models of one conversation as one ``LanguageModel``; ``Answered`` is the last thing of each step. Raises
    ``ThinkingFailed`` when none of them answers."""

    def __init__(
        self,
        minds: Sequence[Mind],
        cascade_seconds: float = 4.0,
        accounts: Accounts | None = None,
    ) -> None:
        """``cascade_seconds``: how long a model may take to its first token while there is another to ask."""
        self.minds = tuple(minds)
        self.name = self.minds[0].model.name
        self.capabilities = self.minds[0].model.capabilities
        self.context_tokens = self.minds[0].model.context_tokens
        self.cascade_seconds = cascade_seconds
        self.accounts = accounts or Accounts()
        self._rests_until: dict[int, float] = {}

    def step(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        return _Step(self, request).events()

    async def aclose(self) -> None:
        """The models belong to the process."""

    def order(self, now: float) -> list[Mind]:
        """Whom to ask, first to last: those that failed a moment ago behind the others."""
        numbers = sorted(range(len(self.minds)), key=lambda number: self._rests_until.get(number, 0.0) > now)
        return [self.minds[number] for number in numbers]

    def failed(self, mind: Mind, now: float) -> None:
        self._rests_until[self.minds.index(mind)] = now + REST_SECONDS


class _Step:
    """One answer, whoever gives it."""

    def __init__(self, cascade: Cascade, request: ModelRequest) -> None:
        self._cascade = cascade
        self._request = request
        self._loop = asyncio.get_running_loop()
        self._said = ""
        self._has_called = False
        self._usage = TokenUsage(0, 0)
        self._warnings: list[str] = []

    async def events(self) -> AsyncGenerator[ModelEvent, None]:
        order = self._cascade.order(self._loop.time())
        failures: list[str] = []
        failed: list[str] = []
        for number, mind in enumerate(order, 1):
            try:
                async with aclosing(self._patient(mind, is_last=number == len(order))) as events:
                    async for event in events:
                        yield event
            except Exception as error:
                if isinstance(error, ParolaError):
                    log.warning("model_failed", model=mind.title, reason=error.logged)
                else:
                    log.exception("model_failed", model=mind.title)
                failures.append(error.message if isinstance(error, ParolaError) else f"{type(error).__name__}: {error}")
                failed.append(mind.title)
                self._cascade.failed(mind, self._loop.time())
                if not self._has_called:
                    continue
                self._warnings.append(f"{mind.title} failed behind its tool calls: {failures[-1]}")
            else:
                if failures:
                    self._warnings.append(
                        f"{mind.title} answered in place of {', '.join(failed)}. {' '.join(failures)}"
                    )
            yield self._answered(mind)
            return
        raise ThinkingFailed(order[-1].error_type if len(order) == 1 else "cascade_brain_error", " ".join(failures))

    def _answered(self, mind: Mind) -> Answered:
        own = self._cascade.minds[0]
        return Answered(
            model=mind.title,
            llm_override="" if mind == own else mind.llm or mind.name,
            usage=self._usage,
            priced=self._cascade.accounts.of_step(mind.title, self._usage),
            context_tokens=mind.model.context_tokens,
            warnings=tuple(self._warnings),
        )

    async def _patient(self, mind: Mind, *, is_last: bool) -> AsyncGenerator[ModelEvent, None]:
        """One model's answer. One that is busy and says for how long is asked again, if that is soon enough."""
        begins_by = self._loop.time() + self._cascade.cascade_seconds
        for is_second in (False, True):
            try:
                async with aclosing(self._ask(mind, None if is_last else begins_by)) as events:
                    async for event in events:
                        yield event
                return
            except ProviderError as error:
                wait = error.retry_after_seconds
                if is_second or wait is None or self._loop.time() + wait > begins_by:
                    raise
                await asyncio.sleep(wait)

    async def _ask(self, mind: Mind, begins_by: float | None) -> AsyncGenerator[ModelEvent, None]:
        """What it says behind what was said already, until it ends or has to be cut."""
        ends_by = self._loop.time() + MOST_SECONDS
        request = replace(_continued(self._request, self._said), model=mind.name)
        again, watch = _Again(self._said), _Watch()
        reported: TokenUsage | None = None
        has_begun, written = False, 0
        events = mind.model.step(request)
        try:
            while True:
                is_free = has_begun or begins_by is None
                try:
                    async with asyncio.timeout_at(ends_by if is_free else begins_by):
                        event = await anext(events)
                except StopAsyncIteration:
                    break
                except TimeoutError:
                    if not has_begun:
                        seconds = MOST_SECONDS if is_free else self._cascade.cascade_seconds
                        message = f"{mind.title} said nothing for {seconds:g} s."
                        raise ProviderError(mind.model.name, message, logged=message) from None
                    self._cut(mind, f"was still writing after {MOST_SECONDS:.0f} s")
                    break
                has_begun = True
                match event:
                    case TextDelta(text=text):
                        text, trouble = watch.take(text)
                        written += len(text)
                        if text := again.unsaid(text):
                            self._said += text
                            yield TextDelta(text)
                        if trouble:
                            self._cut(mind, trouble)
                            break
                    case ReasoningDelta(text=text):
                        written += len(text)
                        yield event
                    case ToolCallRequested():
                        self._has_called = True
                        yield event
                    case TokenUsage():
                        reported = event
                    case _:
                        yield event
        finally:
            # However it ended: this was asked, and so much came.
            read = sum(len(str(message.get("content") or "")) for message in request.messages)
            estimate = TokenUsage(read // CHARACTERS_PER_TOKEN, written // CHARACTERS_PER_TOKEN)
            self._usage = reported or estimate
            self._cascade.accounts.model_was_asked(mind.title, self._usage)
            if isinstance(events, AsyncGenerator):
                await events.aclose()

    def _cut(self, mind: Mind, why: str) -> None:
        self._warnings.append(f"{mind.title} {why}: its answer was cut.")
        log.warning("model_cut", model=mind.title, reason=why)


def _continued(request: ModelRequest, said: str) -> ModelRequest:
    """The request, with what another model had said of the answer."""
    if not said.strip():
        return request
    begun = [{"role": "assistant", "content": said.strip()}, {"role": "system", "content": GO_ON}]
    return replace(request, messages=[*request.messages, *begun])


class _Again:
    """Drops the beginning of an answer as far as it is what was said already."""

    def __init__(self, said: str) -> None:
        self._said = said.strip()
        self._needs_space = bool(said) and not said[-1].isspace()
        self._held = ""

    def unsaid(self, text: str) -> str:
        """What of it is new; nothing as long as it may be a repetition."""
        if not self._said:
            return text
        self._held += text
        new = self._held.lstrip()
        if new.startswith(self._said):
            new = new[len(self._said) :]
        elif self._said.startswith(new):
            return ""
        elif self._needs_space and new[0].isalnum():
            new = f" {new}"
        self._said = self._held = ""
        return new


class _Watch:
    """Whether an answer ever comes to an end."""

    def __init__(self) -> None:
        self._tail = ""
        self._taken = 0
        self._looked_at = 0

    def take(self, text: str) -> tuple[str, str]:
        """What of it may be said, and why no more may; empty: it may go on."""
        if self._taken + len(text) > MOST_CHARACTERS:
            return text[: MOST_CHARACTERS - self._taken], f"wrote more than {MOST_CHARACTERS} characters"
        self._taken += len(text)
        self._tail = (self._tail + text)[-LOOP_CHARACTERS:]
        if self._taken - self._looked_at >= LOOP_CHARACTERS // 4:
            self._looked_at = self._taken
            if len(self._tail) == LOOP_CHARACTERS and _period(self._tail) <= LOOP_PERIOD:
                return text, "said the same again and again"
        return text, ""


def _period(text: str) -> int:
    """After how many characters a text repeats itself, all of it; its length when it does not."""
    return next((shift for shift in range(1, LOOP_PERIOD + 1) if text.startswith(text[shift:])), len(text))
