"""Named times at which a conversation wants to be woken; the next one is their minimum."""

from __future__ import annotations

from typing import Literal

Name = Literal[
    "barge_in",
    "end_of_turn",
    "transcript",
    "playback",
    "turn_timeout",
    "silence",
    "llm",
    "soft_timeout",
    "tool",
    "tool_speech",
    "tool_sound",
    "ping",
    "max_duration",
    "farewell",
    "resume",
    "human",
    "human_message",
    "takeover",
]


class Deadlines:
    """At most one time per name, monotonic seconds."""

    __slots__ = ("_at",)

    def __init__(self) -> None:
        self._at: dict[Name, float] = {}

    def set(self, name: Name, at: float) -> None:
        self._at[name] = at

    def postpone(self, name: Name, seconds: float) -> None:
        """Move it, if it is set; below 0: to an earlier time."""
        if name in self._at:
            self._at[name] += seconds

    def clear(self, *names: Name) -> None:
        for name in names:
            self._at.pop(name, None)

    def keep(self, *names: Name) -> None:
        """Clear all others."""
        self._at = {name: at for name, at in self._at.items() if name in names}

    def __contains__(self, name: Name) -> bool:
        return name in self._at

    @property
    def next(self) -> float | None:
        return min(self._at.values(), default=None)

    def pop_due(self, now: float) -> Name | None:
        """The name of the earliest time that has come, removed; None when nothing is due."""
        name = min(self._at, key=self._at.__getitem__, default=None)
        if name is None or self._at[name] > now:
            return None
        del self._at[name]
        return name
