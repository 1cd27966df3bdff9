"""One turn detector for all calls: a prediction costs about 80 ms of a core, so they are rationed.

A verdict is worth something while the conversation still waits for it, and nobody's audio may suffer for it. So a
pause gets one only if it can be had soon, and if the detector has not used up its share of a core; any other gets
none, and silence alone decides there. Predictions are made one at a time, in the order in which they were asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from parola.logs import logger, reason
from parola.providers.base import TurnDetector

log = logger(__name__)

READY_SECONDS = 0.3
"""A verdict that would come later than this after its pause is not made."""

CORE_SHARE = 0.25
"""How much of one core predictions may use in the long run."""

BURST_SECONDS = 0.5
"""What may be used at once after a quiet time: about six predictions, so that a few calls get all of theirs."""

FIRST_GUESS_SECONDS = 0.08
"""How long a prediction is thought to take until some have been made."""

_LEARNING = 0.2


class Budget:
    """A share of one core, saved up to ``BURST_SECONDS``. What is spent is the time that predictions take, which on a
    busy machine is more than they compute: then there are fewer of them."""

    def __init__(self, now: float) -> None:
        self._saved = BURST_SECONDS
        self._at = now

    def has_some(self, now: float) -> bool:
        self._saved = min(BURST_SECONDS, self._saved + (now - self._at) * CORE_SHARE)
        self._at = now
        return self._saved > 0

    def spend(self, seconds: float) -> None:
        """May go below nothing: what a prediction takes is known when it is over."""
        self._saved -= seconds


class SharedTurnDetector:
    """Made once, shared by every voice conversation; everything but the prediction itself is on the event loop."""

    def __init__(self, detector: TurnDetector, is_loop_late: Callable[[], bool] = lambda: False) -> None:
        """While ``is_loop_late`` says so no predictions are made: they would make it later."""
        self.detector = detector
        self._is_loop_late = is_loop_late
        self.asked = 0
        self.answered = 0
        self.skipped = 0
        """Not loaded yet, too late, beyond the budget, or the event loop was late."""
        self.failed = 0
        """What was asked and is in none of these three was called off, because the caller spoke on, or is under way."""
        self._loop = asyncio.get_running_loop()
        self._budget = Budget(self._loop.time())
        self._guess = FIRST_GUESS_SECONDS
        self._order = asyncio.Lock()
        self._ahead = 0
        self._loading = asyncio.Lock()
        self._is_ready = False
        self._is_broken = False

    async def warm_up(self) -> None:
        """Load the model; until it is there no verdicts are given. One that cannot be loaded is tried only once."""
        async with self._loading:
            if self._is_ready or self._is_broken:
                return
            try:
                await self.detector.warm_up()
            except Exception as error:
                self._is_broken = True
                log.warning("turn_detector_missing", reason=reason(error))
            else:
                self._is_ready = True

    async def predict(self, pcm: bytes) -> float | None:
        """The probability that the turn whose audio ends here is over, or None: do without. Cancelling it while it
        waits costs nothing."""
        self.asked += 1
        asked_at = self._loop.time()
        if not self._is_ready or self._is_loop_late() or not self._is_in_time((self._ahead + 1) * self._guess):
            self.skipped += 1
            return None
        self._ahead += 1
        try:
            async with self._order:
                now = self._loop.time()
                if not self._is_in_time(now - asked_at + self._guess) or not self._budget.has_some(now):
                    self.skipped += 1
                    return None
                return await self._measured(pcm)
        finally:
            self._ahead -= 1

    def _is_in_time(self, seconds: float) -> bool:
        return seconds <= READY_SECONDS

    async def _measured(self, pcm: bytes) -> float | None:
        begun_at = self._loop.time()
        try:
            probability = await self.detector.predict(pcm)
        except Exception as error:
            self.failed += 1
            log.warning("turn_detection_failed", reason=reason(error))
            return None
        finally:
            # One that was called off goes on in its thread, and the next waits for it there: together they are
            # charged for what they take.
            taken = self._loop.time() - begun_at
            self._budget.spend(taken)
        # However slow the machine was for a while, one prediction at a time remains possible and shows when it is over.
        self._guess = min(READY_SECONDS, self._guess + (taken - self._guess) * _LEARNING)
        self.answered += 1
        return probability
