"""What one process has, in one value: made in ``app.py`` before the server listens, so nothing here imports FastAPI.
Handlers reach it through ``ServicesDep`` (``services.py``)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from parola.analysis.after_call import AfterCall
from parola.api.auditing import Audit
from parola.api.auth import ApiKeyCheck
from parola.api.credentials import Credentials, Vault
from parola.api.signed_url_grants import SignedUrlGrants
from parola.config import Settings
from parola.in_turn import InTurn
from parola.knowledge.library import Library
from parola.metrics import Histogram, Metrics
from parola.store.base import Store
from parola.tools.context import ToolContext
from parola.tracing.tracer import Tracer

if TYPE_CHECKING:
    from parola.providers.base import Embedder, Voice
    from parola.session.human_queue import HumanQueue
    from parola.session.session import Session
    from parola.webhooks.delivery import Delivery


class Live(Protocol):
    """The conversations alive in this process."""

    def count(self, agent_id: str | None = None) -> int: ...

    def count_by_medium(self) -> tuple[int, int]:
        """(by voice, by text)."""

    humans: HumanQueue
    """Those that wait for a person."""

    is_draining: bool
    """The server is about to stop: nobody begins any more."""

    has_stopped: bool
    """The server stops, and nothing runs any more."""

    def running(self, agent_id: str | None = None) -> list[Session]:
        """Those that run, in the order they began."""

    @property
    def waiting(self) -> int:
        """Callers who wait for a place."""

    def is_live(self, conversation_id: str) -> bool: ...

    def get(self, conversation_id: str) -> Session | None:
        """The one that runs under this id; not one that still waits for a place."""

    async def end(self, conversation_id: str, reason: str) -> None:
        """Returns when it is stored."""


class Queue(Protocol):
    """Where work for one model waits, and what it has been like."""

    threads: int
    running: int
    waited: Histogram
    ran: Histogram

    @property
    def depth(self) -> int: ...


class Choice(Protocol):
    """Who stands in for what an agent asks for."""

    @property
    def warning(self) -> str | None:
        """What the owner should know about it."""


class ChoiceOfModel(Choice, Protocol):
    @property
    def is_scriptless(self) -> bool:
        """It answers by a script, and the agent has to bring one."""


class ChoiceOfEmbedder(Choice, Protocol):
    @property
    def provider(self) -> Embedder: ...


class Catalogue(Protocol):
    """What the providers offer."""

    def voices(self) -> Sequence[Voice]: ...

    def llms(self) -> Sequence[dict[str, Any]]: ...

    def language_model(self, llm: str, custom_llm: Mapping[str, Any] | None = None) -> ChoiceOfModel: ...

    def text_to_speech(self, model_id: str, voice_id: str, language: str) -> Choice: ...

    def speech_to_text(self, provider_name: str) -> Choice: ...

    def embedder(self, model: str) -> ChoiceOfEmbedder: ...

    async def inventory(self) -> dict[str, Any]:
        """What there is, and where it comes from."""

    @property
    def queues(self) -> Mapping[str, Queue]:
        """Where work for embedded models waits."""


class Looks:
    """What many look at is made once for each moment that they look."""

    def __init__(self) -> None:
        self._moment = -1
        self._made: dict[str, bytes] = {}

    def at(self, moment: int, what: str, make: Callable[[], bytes]) -> bytes:
        """``what`` as it is at this moment, made by whoever asks first."""
        if moment != self._moment:
            self._moment, self._made = moment, {}
        if what not in self._made:
            self._made[what] = make()
        return self._made[what]


class Remembered:
    """What was found out, for a while."""

    def __init__(self, seconds: float, most: int = 100) -> None:
        self._seconds = seconds
        self._most = most
        self._kept: dict[Hashable, tuple[float, Any]] = {}

    def get(self, key: Hashable, now: float) -> Any:
        """None: nothing, or it is too old."""
        at, found = self._kept.get(key, (now, None))
        return found if 0 <= now - at < self._seconds else None

    def put(self, key: Hashable, found: Any, now: float) -> None:
        if len(self._kept) >= self._most:
            self._kept.clear()
        self._kept[key] = (now, found)


MOST_PREVIEWS_WAITING = 8
"""Sentences that wait to be spoken: each takes a second or two of a core that calls need."""

MOST_DRAWINGS_WAITING = 50
"""Recordings that wait to be measured: an MP3 of two hours takes a minute of a core."""


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    store: Store
    credentials: Credentials
    vault: Vault
    keys: ApiKeyCheck
    audit: Audit
    grants: SignedUrlGrants
    live: Live
    registry: Catalogue
    tools: ToolContext
    library: Library
    after_call: AfterCall
    webhooks: Callable[[], Delivery]
    """What delivers webhooks, made when it is first needed."""
    tracer: Tracer | None = None
    """None: no traces are collected."""
    metrics: Metrics = field(default_factory=Metrics)
    """What this process has counted since it started."""
    looks: Looks = field(default_factory=Looks)
    """For those who follow the list of conversations that run."""
    past_days: Remembered = field(default_factory=lambda: Remembered(60.0))
    """Overviews of the days before today: they hardly change."""
    editing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a stored document is read, changed and put back."""
    sharing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the files of a conversation are counted and another is added."""
    measuring: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a model is measured: two at a time would measure each other."""
    previewing: InTurn = field(default_factory=lambda: InTurn(1, MOST_PREVIEWS_WAITING))
    """Voices that are heard out of a call: one sentence at a time."""
    drawing: InTurn = field(default_factory=lambda: InTurn(1, MOST_DRAWINGS_WAITING))
    """Recordings of which nobody has measured yet how loud they are: one at a time."""
    mixing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a recording is mixed: one at a time is enough work."""
