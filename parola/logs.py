"""Structured logs on standard error: ids, counts and durations, never what people said.

``logger(name)`` costs nothing until something is logged, so that a server listens before it has loaded what it logs
with.
"""

from __future__ import annotations

import logging
import sys
from typing import Any


class Logger:
    """A structlog logger that is made at its first use."""

    __slots__ = ("_bound", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._bound: Any = None

    def _log(self) -> Any:
        if self._bound is None:
            import structlog

            self._bound = structlog.get_logger(source=self._name)
        return self._bound

    def debug(self, event: str, **fields: Any) -> None:
        self._log().debug(event, **fields)

    def info(self, event: str, **fields: Any) -> None:
        self._log().info(event, **fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._log().warning(event, **fields)

    def error(self, event: str, **fields: Any) -> None:
        self._log().error(event, **fields)

    def exception(self, event: str, **fields: Any) -> None:
        self._log().exception(event, **fields)


def logger(name: str) -> Logger:
    return Logger(name)


def configure(level: str) -> None:
    """One line an event: time, level, event, fields. Called once by the command line."""
    import structlog

    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
