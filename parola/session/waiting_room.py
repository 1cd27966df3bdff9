"""Who must wait for a place, and who is next.

Four things keep a caller waiting: the agent holds as many conversations as it may (``call_limits``), or the caller's
address or key does, or more begin in a minute than may (``shares.py``); the server is full (``max_conversations``), or
so busy that one more voice call would make the others stutter. Places are
given in the order of arrival; nobody waits behind a caller whose obstacle is not theirs. Conversations that run are
never touched.

A caller waits as long as the agent's ``queueing_config`` says. Without one a full agent turns callers away at once, and
a full or busy server after ``HOLD_SECONDS``: by then a place may well be free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

from parola.config import LimitSettings
from parola.endings import STOPPING
from parola.errors import ConversationRefused
from parola.metrics import Metrics
from parola.protocol.messages import ServerMessage
from parola.protocol.server_messages import QueueStatus
from parola.session.live import LiveSessions
from parola.session.load import no_trouble
from parola.session.outbox import METADATA_SECONDS
from parola.session.shares import Excess, Holder, Shares
from parola.session.transport import Disconnected, Transport

HOLD_SECONDS = 5.0
"""How long a caller is held whose agent has no queue."""

LONGEST_WAIT_SECONDS = 1800.0

MOST_WAITING = 500
"""More are turned away at once: each keeps a socket open."""

FEW_CALLS = 4
"""With fewer, a machine that is slow is slow for other reasons: holding calls back would not help."""

LOOK_SECONDS = 0.5
"""How often a busy server is looked at again. One caller enters at each look, so that its load shows before the
next."""

TIMED_OUT = 4300
TOO_MANY = 3008
GOING_AWAY = 1001

LAST_WORD_SECONDS = 1.0
"""How long a caller who has waited in vain may take to read that."""

NOBODY = Holder()

NO_LIMITS = LimitSettings(0, 0, 0, 0, 0, 0, 0)

Obstacle = Literal["agent", "share", "server", "load"]

_FULL = {
    "agent": "The agent is busy",
    "share": "The caller has its share",
    "server": "The server is full",
    "load": "The server is busy",
    None: "Busy",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What an agent's ``platform_settings`` say about its callers."""

    most: int | None = None
    """Conversations at a time; None: no limit."""
    most_a_day: int | None = None
    wait_seconds: float = 0.0
    """How long a caller may wait; 0: there is no queue."""
    starts_a_minute: int | None = None
    """Conversations begun; None: as ``limits.starts_per_agent`` says."""
    starts_burst: int | None = None
    """So many of them at once; None: a minute's."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Terms:
        """As stored: what is missing or makes no sense is no limit."""
        settings = document.get("platform_settings") or {}
        limits, queue = settings.get("call_limits") or {}, settings.get("queueing_config") or {}
        wait = queue.get("wait_timeout_seconds", 180) if queue.get("enabled") is True else 0
        return cls(
            most=_limit(limits.get("agent_concurrency_limit")),
            most_a_day=_limit(limits.get("daily_limit")),
            wait_seconds=min(float(wait), LONGEST_WAIT_SECONDS) if isinstance(wait, int | float) else 0.0,
            starts_a_minute=_limit(limits.get("x_starts_per_minute")),
            starts_burst=_limit(limits.get("x_starts_burst")) or None,
        )


def _limit(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


class Guest:
    """A caller on the way to its place. Whoever has it wait sets ``ended`` once its end, if it has come to one, is
    stored."""

    def __init__(
        self,
        conversation_id: str,
        agent_id: str,
        terms: Terms,
        *,
        text_only: bool,
        now: float,
        metrics: Metrics,
        holder: Holder = NOBODY,
    ) -> None:
        self.conversation_id = conversation_id
        self.agent_id = agent_id
        self.text_only = text_only
        self.terms = terms
        self.holder = holder
        self.obstacle: Obstacle | None = None
        """What it waits for; None once it has its place."""
        self.ended = asyncio.Event()
        self.arrived_at = now
        self.waits_until = now + (terms.wait_seconds or HOLD_SECONDS)
        self.waited_seconds = 0.0
        self._decided: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._metrics = metrics

    @property
    def is_decided(self) -> bool:
        return self._decided.done()

    def admit(self) -> None:
        self.obstacle = None
        self._decided.set_result(None)

    def end(self, reason: str, code: int = 1000) -> None:
        """Have it stop waiting."""
        if not self._decided.done():
            self._decided.set_exception(ConversationRefused(code, "stopped", reason))

    async def wait(self, greeting: ServerMessage, transport: Transport) -> None:
        """Greet the caller, tell it to wait, and return when it has its place. ``waited_seconds`` is how long it took.

        What the caller sends meanwhile is dropped. Raises ``ConversationRefused`` when it has waited too long, when it
        has hung up, or when somebody ended it.
        """
        loop = asyncio.get_running_loop()
        outcome = "stopped"
        try:
            async with asyncio.timeout_at(self.waits_until):
                await self._wait(greeting, transport)
            await transport.send(QueueStatus(status="admitted").encode())
            outcome = "admitted"
        except ConversationRefused as refusal:
            outcome = refusal.error_type
            raise
        except TimeoutError:
            outcome = "timed_out"
            self._metrics.limited[self.obstacle or "server"] += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORD_SECONDS):
                    await transport.send(QueueStatus(status="timed_out").encode())
            raise self._too_late() from None
        finally:
            self.waited_seconds = loop.time() - self.arrived_at
            self._metrics.waited.observe(self.waited_seconds)
            self._metrics.waiting_ended[outcome] += 1
            self._decided.cancel()

    async def _wait(self, greeting: ServerMessage, transport: Transport) -> None:
        for message in (greeting, QueueStatus(status="waiting")):
            await transport.send(message.encode())
            if message is greeting:
                await asyncio.sleep(METADATA_SECONDS)
        gone = asyncio.create_task(_gone(transport))
        try:
            await asyncio.wait({gone, self._decided}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                raise ConversationRefused(1000, "hung_up", "The caller hung up while it waited for a place.")
            self._decided.result()
        finally:
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)

    def _too_late(self) -> ConversationRefused:
        seconds = self.waits_until - self.arrived_at
        if self.terms.wait_seconds:
            message = f"All lines stayed busy: no place became free within {seconds:g} s. Please try again later."
            return ConversationRefused(TIMED_OUT, "too_many_concurrent_requests", message)
        message = f"{_FULL[self.obstacle]}: no place became free within {seconds:g} s. Please try again later."
        return ConversationRefused(TOO_MANY, "too_many_concurrent_requests", message)


async def _gone(transport: Transport) -> None:
    """Drop what the caller sends; return when it has hung up."""
    while not isinstance(await transport.receive(), Disconnected):
        pass


class WaitingRoom:
    """One for the process. Says who has a place, and gives those that become free."""

    def __init__(
        self,
        live: LiveSessions,
        metrics: Metrics,
        *,
        most: int = 0,
        trouble: Callable[[float], str | None] = no_trouble,
        limits: LimitSettings = NO_LIMITS,
    ) -> None:
        """``most`` conversations at a time, 0: as many as come. ``limits`` are those of one address, key or agent.
        ``trouble`` says what is too busy for another voice
        call at the loop's time ``now``, None when nothing is."""
        self._live = live
        self._metrics = metrics
        self._most = most
        self._trouble = trouble
        self._shares = Shares(limits, live.has_place)
        self._line: list[Guest] = []
        self._look: asyncio.TimerHandle | None = None
        live.left = self._place_became_free

    @property
    def line(self) -> Sequence[Guest]:
        """Those who wait, the longest first."""
        return self._line

    def arrive(
        self, conversation_id: str, agent_id: str, terms: Terms, *, text_only: bool, holder: Holder = NOBODY
    ) -> Guest:
        """A guest that has its place already, or an ``obstacle`` and must ``wait``. When it comes to nothing, ``leave``
        must be called. Raises ``ConversationRefused`` when there is no waiting, or the server is about to stop."""
        if self._live.is_draining:
            self._metrics.waiting_ended["refused"] += 1
            raise ConversationRefused(GOING_AWAY, "server_stopping", f"{STOPPING} Please try again.")
        loop = asyncio.get_running_loop()
        guest = Guest(
            conversation_id,
            agent_id,
            terms,
            text_only=text_only,
            now=loop.time(),
            metrics=self._metrics,
            holder=holder,
        )
        guest.obstacle = self._obstacle(guest, loop.time())
        if guest.obstacle is None and not text_only and any(one.obstacle == "load" for one in self._line):
            guest.obstacle = "load"
        if guest.obstacle is None and any(one.obstacle == "share" and one.agent_id == agent_id for one in self._line):
            guest.obstacle = "share"
        if guest.obstacle is None:
            self._give_place(guest)
            return guest
        is_turned_away = guest.obstacle in ("agent", "share") and not terms.wait_seconds
        if is_turned_away or len(self._line) >= MOST_WAITING:
            self._metrics.waiting_ended["refused"] += 1
            self._metrics.limited[guest.obstacle] += 1
            raise self._refusal(guest, loop.time())
        self._line.append(guest)
        self._live.wait(guest)
        if guest.obstacle in ("load", "share"):
            self._look_again(loop)
        return guest

    def leave(self, conversation_id: str) -> None:
        """A guest waits no longer, or gives back the place it was given and has not taken."""
        self._line = [guest for guest in self._line if guest.conversation_id != conversation_id]
        self._live.leave(conversation_id)
        self._live.give_up(conversation_id)

    # -- places -------------------------------------------------------------------------------------------------------

    def _obstacle(self, guest: Guest, now: float) -> Obstacle | None:
        most = guest.terms.most
        if most is not None and self._live.count(guest.agent_id) >= most:
            return "agent"
        if self._excess(guest, now) is not None:
            return "share"
        if self._most and self._live.count() >= self._most:
            return "server"
        if not guest.text_only and self._live.count() >= FEW_CALLS and self._trouble(now) is not None:
            return "load"
        return None

    def _excess(self, guest: Guest, now: float) -> Excess | None:
        terms = guest.terms
        return self._shares.excess(guest.agent_id, guest.holder, now, terms.starts_a_minute, terms.starts_burst)

    def _give_place(self, guest: Guest) -> None:
        terms, now = guest.terms, asyncio.get_running_loop().time()
        self._live.expect(guest.conversation_id, guest.agent_id)
        self._shares.take(
            guest.conversation_id, guest.agent_id, guest.holder, now, terms.starts_a_minute, terms.starts_burst
        )
        guest.admit()

    def _place_became_free(self) -> None:
        if self._line:
            self._admit(asyncio.get_running_loop(), past_load=0)

    def _admit(self, loop: asyncio.AbstractEventLoop, *, past_load: int) -> None:
        """Give places, in order; to so many of those whom the load has kept out."""
        now = loop.time()
        for guest in list(self._line):
            if guest.is_decided:  # it was told to end, and is about to leave
                self._line.remove(guest)
                continue
            was_kept_by_load = guest.obstacle == "load"
            obstacle = self._obstacle(guest, now)
            if obstacle is None and was_kept_by_load and not past_load:
                continue
            if obstacle is None:
                past_load -= was_kept_by_load
                self._line.remove(guest)
                self._give_place(guest)
            else:
                guest.obstacle = obstacle
        if any(guest.obstacle in ("load", "share") for guest in self._line):
            self._look_again(loop)

    def _look_again(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._look is None:
            self._look = loop.call_later(LOOK_SECONDS, self._looked, loop)

    def _looked(self, loop: asyncio.AbstractEventLoop) -> None:
        self._look = None
        self._admit(loop, past_load=1)

    def _refusal(self, guest: Guest, now: float) -> ConversationRefused:
        excess = self._excess(guest, now) if guest.obstacle == "share" else None
        if excess is not None and not guest.terms.wait_seconds:
            again = "" if excess.seconds is None else f" Try again in {ceil(excess.seconds)} s."
            message = f"{excess.message}{again}"
        elif guest.obstacle == "agent" and not guest.terms.wait_seconds:
            message = (
                f"This agent holds at most {guest.terms.most} conversations at a time "
                "(call_limits.agent_concurrency_limit)."
            )
        else:
            message = f"Too many callers are waiting already ({len(self._line)}). Please try again later."
        return ConversationRefused(TOO_MANY, "too_many_concurrent_requests", message)
