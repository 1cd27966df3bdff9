"""Another agent for a conversation that runs: fetched beside it, put in place when the conversation says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from parola.conversation.actions import FetchAgent
from parola.conversation.events import AgentReady, AgentUnavailable
from parola.conversation.setup import Setup
from parola.errors import ParolaError
from parola.logs import logger
from parola.session.guarding import Guarding
from parola.session.replying import Brain, Mouth
from parola.session.retrieving import Retriever
from parola.session.tool_calls import ToolRunner

log = logger(__name__)

MakeGuarding = Callable[..., Guarding]
MouthFor = Callable[[str], tuple[Mouth | None, list[str]]]


@dataclass(frozen=True, slots=True)
class Relief:
    """All that an agent needs beside its ``Setup``."""

    setup: Setup
    brain: Brain
    mouth: Mouth | None = None
    mouth_for: MouthFor | None = None
    retriever: Retriever | None = None
    guarding: MakeGuarding | None = None
    tool_runners: Mapping[str, ToolRunner] | None = None
    traces_words: bool = True
    """What is said while it has the conversation may be in traces, as far as its privacy settings go."""


FetchRelief = Callable[[FetchAgent, Setup, str], Awaitable[Relief]]
"""What is asked for, the agent that has the conversation, and the language it speaks. Raises ``ParolaError``."""


class Reliefs:
    """Those that one conversation has asked for and may still take."""

    def __init__(self, fetch: FetchRelief | None) -> None:
        self._fetch = fetch
        self._ready: dict[str, Relief] = {}

    async def get(self, request: FetchAgent, setup: Setup, language: str) -> AgentReady | AgentUnavailable:
        """What became of it: an event for the conversation."""
        try:
            if self._fetch is None:
                return AgentUnavailable(request.call_id, "There are no other agents here.")
            relief = self._ready[request.call_id] = await self._fetch(request, setup, language)
        except ParolaError as error:
            return AgentUnavailable(request.call_id, error.message)
        except Exception as error:
            log.exception("agent_not_fetched", agent_id=request.transfer.agent_id)
            return AgentUnavailable(request.call_id, f"{type(error).__name__}: {error}")
        return AgentReady(request.call_id, relief.setup)

    def take(self, call_id: str) -> Relief:
        """The one that was fetched for this call; the others are not wanted any more."""
        relief = self._ready[call_id]
        self._ready.clear()
        return relief
