"""Structured logs on standard error: ids, counts and durations, never what people said.

``logger(name)`` and ``configure`` cost nothing until something is logged, or until ``load`` is called: a server listens
before it has loaded what it logs with.
"""

from __future__ import annotations

import logging
import sys
from functools import cache
from typing import Any

_level = "info"


def configure(level: str) -> None:
    """What is logged from now on: ``debug``, ``info``, ``warning`` or ``error``. Called once by the command line."""
    global _level
    _level = level
    load.cache_clear()


@cache
def load() -> Any:
    """structlog, set up: one line an event, with time, level, event and fields."""
    import structlog

    number = logging.getLevelNamesMapping().get(_level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    return structlog


class Logger:
    """A structlog logger that is made at its first use."""

    __slots__ = ("_bound", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._bound: Any = None

    def _log(self) -> Any:
        if self._bound is None:
            self._bound = load().get_logger(source=self._name)
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
