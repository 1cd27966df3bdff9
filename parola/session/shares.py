"""How much of the server one caller, one key or one agent may have: conversations at a time, and begun a minute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

from parola.config import LimitSettings
from parola.rates import Rates


@dataclass(frozen=True, slots=True)
class Holder:
    """On whose account a conversation goes. Empty: nobody's."""

    address: str = ""
    key_id: str = ""


@dataclass(frozen=True, slots=True)
class Excess:
    """A share that is used up."""

    message: str
    """Which, how large it is, and the setting."""
    seconds: float | None = None
    """Until there is room again; None: when another conversation of the holder ends."""


class Shares:
    """The limits of ``[limits]`` on conversations; one for the process. Times are seconds of the loop's clock."""

    def __init__(self, limits: LimitSettings, has_place: Callable[[str], bool]) -> None:
        """``has_place`` says whether a conversation still holds its place."""
        self._limits = limits
        self._has_place = has_place
        self._rates = Rates()
        self._held: dict[str, Holder] = {}

    def excess(
        self, agent_id: str, holder: Holder, now: float, a_minute: int | None = None, burst: int | None = None
    ) -> Excess | None:
        """What keeps another conversation from beginning. ``a_minute`` and ``burst`` are the agent's own limits of how
        many begin."""
        limits = self._limits
        for setting, most, count in (
            ("conversations_per_address", self._of_address(holder, limits.conversations_per_address), "address"),
            ("conversations_per_key", limits.conversations_per_key if holder.key_id else 0, "key_id"),
        ):
            if most and self._count(count, holder) >= most:
                what = "One address" if count == "address" else "One API key"
                return Excess(f"{what} may hold {most} conversations at a time (limits.{setting}).")
        for name, whose, most, most_at_once in self._starts(agent_id, holder, a_minute, burst):
            if seconds := self._rates.wait(whose, most, now, most_at_once):
                return Excess(f"{name} may begin {most} conversations a minute.", seconds)
        return None

    def take(
        self,
        conversation_id: str,
        agent_id: str,
        holder: Holder,
        now: float,
        a_minute: int | None = None,
        burst: int | None = None,
    ) -> None:
        """A conversation has its place. Only after ``excess`` found nothing."""
        for _, whose, most, most_at_once in self._starts(agent_id, holder, a_minute, burst):
            self._rates.take(whose, most, now, most_at_once)
        self._held = {held: one for held, one in self._held.items() if self._has_place(held)}
        self._held[conversation_id] = holder

    def _starts(
        self, agent_id: str, holder: Holder, a_minute: int | None, burst: int | None
    ) -> list[tuple[str, tuple[str, str], int, int | None]]:
        """Who may begin how many a minute, and how many at once."""
        limits = self._limits
        per_agent = limits.starts_per_agent if a_minute is None else a_minute
        return [
            ("One address (limits.starts_per_address)", ("address", holder.address), per_address, None)
            for per_address in (self._of_address(holder, limits.starts_per_address),)
        ] + [
            (
                "One API key (limits.starts_per_key)",
                ("key", holder.key_id),
                limits.starts_per_key if holder.key_id else 0,
                None,
            ),
            ("This agent (call_limits.x_starts_per_minute)", ("agent", agent_id), per_agent, burst),
        ]

    def _of_address(self, holder: Holder, most: int) -> int:
        return most if holder.address and (self._limits.count_loopback or not is_loopback(holder.address)) else 0

    def _count(self, name: str, holder: Holder) -> int:
        whose = getattr(holder, name)
        return sum(
            getattr(one, name) == whose and self._has_place(conversation_id)
            for conversation_id, one in self._held.items()
        )


def is_loopback(address: str) -> bool:
    """Whether this is this machine. What is no IP address (a unix socket, a test) is too."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return True
