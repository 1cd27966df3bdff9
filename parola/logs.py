"""Structured logs on standard error: ids, counts and durations, never what people said, and no secrets.

Each line that is written while a conversation is served says which (``about``). Of an exception the log has the type
and the places in the code, not the message: that may quote what somebody said (``reason``).

``logger(name)`` and ``configure`` cost nothing until something is logged, or until ``load`` is called: a server listens
before it has loaded what it logs with.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from functools import cache
from types import TracebackType
from typing import Any

from parola.errors import ParolaError

MOST_PLACES = 12
"""Of an exception: the innermost."""

FIRST_WORDS = 3

_level = "info"
_format = "text"

_about: ContextVar[Mapping[str, str] | None] = ContextVar("about", default=None)


def configure(level: str, format: str = "text") -> None:
    """What is logged from now on, as the settings ``log_level`` and ``log_format`` have it. Called once by the command
    line."""
    global _level, _format
    _level, _format = level, format
    load.cache_clear()


def about(**fields: str) -> None:
    """Have every line that the present task logs, and the tasks it makes, say this too."""
    _about.set({**(_about.get() or {}), **fields})


def reason(error: BaseException) -> str:
    """What of an exception may stand in a log."""
    match error:
        case ParolaError():
            return error.logged
        case OSError(strerror=str(why)):
            return f"{type(error).__name__}: {why}"
        case ImportError(name=str(module)):
            return f"{type(error).__name__}: {module}"
        case _:
            return type(error).__name__


@cache
def load() -> Any:
    """structlog, set up: one line an event, with time, level, event and fields."""
    import structlog

    number = logging.getLevelNamesMapping()[_level.upper()]
    renderer: Any = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False)
    if _format == "json":
        renderer = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_context,
            _without_words,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # what stderr is by then
    )
    return structlog


def _with_context(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What the line itself says wins."""
    for name, value in (_about.get() or {}).items():
        line.setdefault(name, value)
    return line


def _without_words(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as its type, where it came through, and what it followed."""
    found = line.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()[1]
    if isinstance(found, BaseException):
        line["exception"] = described(found)
    return line


def described(error: BaseException) -> str:
    """``ValueError at parola/a.py:12 in f, parola/b.py:3 in g``, the innermost last, without the message."""
    text = reason(error)
    if error.__traceback__ is not None:
        text += f" at {_places(error.__traceback__)}"
    if isinstance(error, BaseExceptionGroup):
        text += f" [{'; '.join(described(one) for one in error.exceptions)}]"
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return text if before is None else f"{text}, after {described(before)}"


def _places(trace: TracebackType) -> str:
    frames = traceback.extract_tb(trace)[-MOST_PLACES:]
    return ", ".join(f"{'/'.join(frame.filename.split('/')[-3:])}:{frame.lineno} in {frame.name}" for frame in frames)


class LibraryLogs(logging.Handler):
    """What libraries log by Python's own logging, as lines like ours: who, and the text as they wrote it, before
    anything is put into it. Where they have put it in themselves, only how it begins: the rest may be anybody's."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        text = next(iter(str(record.msg).splitlines()), "")
        if not record.args and not record.name.startswith("uvicorn"):
            text = " ".join(text.split()[:FIRST_WORDS])
        write = logger(record.name).error if record.levelno >= logging.ERROR else logger(record.name).warning
        write("library", text=text, **({"exc_info": error} if error else {}))


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
