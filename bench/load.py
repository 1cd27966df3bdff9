"""Many callers at once, and what they and the machine went through."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from bench.caller import Call, Caller, Script
from bench.figures import milliseconds, percentile
from bench.machine import Watch

OPEN_SPREAD_SECONDS = 2.0
HOLD_SECONDS = 0.5
"""How long a conversation lasts that is opened only to see it open: long enough for what is loaded at the first."""

STEADY_AFTER_SECONDS = 6.0
"""From here on as many replies are being made as at any later time; processor time counts from here."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the callers call."""

    port: int
    path: str
    host: str = "127.0.0.1"


@dataclass(slots=True)
class Outcome:
    """One run."""

    callers: int
    calls: list[Call] = field(default_factory=list)

    @property
    def connected(self) -> int:
        return sum(call.connect_seconds is not None for call in self.calls)

    @property
    def dropped(self) -> int:
        return sum(call.was_dropped for call in self.calls)

    @property
    def errors(self) -> list[str]:
        return sorted({call.error for call in self.calls if call.error})[:3]

    @property
    def client_late_ms(self) -> float | None:
        """p99 of how late the callers themselves were; above 10 ms a run is suspect."""
        return milliseconds(percentile((late for call in self.calls for late in call.lateness), 99))


async def connect_at_once(target: Target, count: int) -> list[float | None]:
    """Open ``count`` conversations in the same moment, hold them a little: the seconds to each one's first message."""
    callers = [Caller(Script("voice"), target.host, target.port, target.path) for _ in range(count)]
    await asyncio.gather(*(caller.open() for caller in callers))
    await asyncio.sleep(HOLD_SECONDS)
    for caller in callers:
        caller.hang_up()
    await _ended(callers)
    return [caller.call.connect_seconds for caller in callers]


async def run(target: Target, script: Script, count: int, watch: Watch | None = None) -> Outcome:
    """Have ``count`` callers play ``script``, their turns spread evenly over its period.

    ``watch`` is started when the load has become even and stopped while every call is still open.
    """
    callers = [Caller(script, target.host, target.port, target.path, seed) for seed in range(count)]
    spread = min(OPEN_SPREAD_SECONDS, 0.05 * count)

    async def open_one(index: int) -> bool:
        await asyncio.sleep(spread * index / count)
        return await callers[index].open()

    opened = await asyncio.gather(*(open_one(index) for index in range(count)))
    live = [caller for caller, is_open in zip(callers, opened, strict=True) if is_open]
    for index, caller in enumerate(live):
        caller.start(0.5 + script.times.period * index / len(live))
    if live:
        steady_after = min(STEADY_AFTER_SECONDS, script.times.turns_end / 2)
        await asyncio.sleep(steady_after)
        if watch is not None:
            watch.start()
        await asyncio.sleep(script.times.turns_end - steady_after)
        if watch is not None:
            watch.stop()
        await _ended(live, script.times.listen + 5)
    return Outcome(count, [caller.call for caller in callers])


async def _ended(callers: list[Caller], seconds: float = 5.0) -> None:
    waiting = [caller.ended for caller in callers if caller.call.connect_seconds is not None]
    if waiting:
        await asyncio.wait(waiting, timeout=seconds)
