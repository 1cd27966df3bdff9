"""A database that is away, because it is restarted or the network is: it is waited for, but not for ever.

What was asked of it is asked again until it answers, so a call goes on after a pause. Once it has been away for longer
than ``PATIENCE_SECONDS``, everything fails at once until it is back, and each call ends saying that it could not be
stored.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from parola.errors import StoreError
from parola.logs import logger
from parola.store.database import Database

log = logger(__name__)

PATIENCE_SECONDS = 15.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 1.0


class Away(StoreError):
    """The database cannot be reached, or belongs to another server: no other write would fare better just now."""

    status = 503


class Outage:
    """Whether there is one, for all threads of a store."""

    def __init__(
        self,
        database: Database,
        patience_seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._is_away = database.is_away
        self._patience = patience_seconds
        self._clock = clock
        self._pause = pause
        self._lock = threading.Lock()
        self._since: float | None = None

    def wait(self, error: SQLAlchemyError) -> bool:
        """To be called with an error, in a thread: waits a little and says whether to try again. False for a refusal.
        Raises ``Away`` when the database has been away for too long."""
        if not self._is_away(error):
            return False
        with self._lock:
            now = self._clock()
            if self._since is None:
                self._since = now
                log.warning("database_is_away", error=reason(error))
            lasted = now - self._since
        if lasted >= self._patience:
            raise Away(f"The database has been away for {lasted:.0f} seconds: {reason(error)}")
        self._pause(min(max(lasted / 4, SHORTEST_PAUSE), LONGEST_PAUSE, self._patience - lasted))
        return True

    def over(self) -> None:
        """To be called after a success."""
        if self._since is not None:
            with self._lock:
                since, self._since = self._since, None
            if since is not None:
                log.warning("database_is_back", away_seconds=round(self._clock() - since, 3))


def reason(error: SQLAlchemyError) -> str:
    """What the driver said, on one line, without the statement."""
    return " ".join(str(getattr(error, "orig", None) or error).split())
