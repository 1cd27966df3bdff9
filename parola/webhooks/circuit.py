"""The circuit breaker of one endpoint: after some failures it is left alone for a while, then asked with one message.

The hosted platform disables an endpoint that keeps failing, silently, and what it would have got is lost. Here nothing
is lost and nothing has to be enabled again: messages wait, and the first that gets through lets the others follow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

OPENS_AFTER = 5
"""Failures in a row."""

FIRST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 600.0

State = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class Circuit:
    """What is known of an endpoint. Times are unix seconds."""

    failures: int = 0
    """In a row."""
    probe_at: float | None = None
    """While it is open: when one message may be tried."""
    last_failure_at: float | None = None
    last_failure_reason: str = ""
    last_failure_code: int | None = None
    """The HTTP status, if there was an answer."""
    last_success_at: float | None = None

    def state(self, now: float) -> State:
        if self.probe_at is None:
            return "closed"
        return "open" if now < self.probe_at else "half_open"

    def succeeded(self, now: float) -> Circuit:
        return replace(self, failures=0, probe_at=None, last_success_at=now)

    def failed(self, now: float, reason: str, code: int | None) -> Circuit:
        failures = self.failures + 1
        probe_at = None
        if failures >= OPENS_AFTER:
            doublings = min(failures - OPENS_AFTER, 10)
            probe_at = now + min(FIRST_PAUSE_SECONDS * 2**doublings, LONGEST_PAUSE_SECONDS)
        return replace(
            self,
            failures=failures,
            probe_at=probe_at,
            last_failure_at=now,
            last_failure_reason=reason,
            last_failure_code=code,
        )

    def closed(self) -> Circuit:
        """Somebody says that it works again."""
        return replace(self, failures=0, probe_at=None)
