"""Named times at which a conversation wants to be woken; the next one is their minimum."""

from __future__ import annotations


class Deadlines:
    """At most one time per name, monotonic seconds."""

    __slots__ = ("_at",)

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def set(self, name: str, at: float) -> None:
        self._at[name] = at

    def clear(self, *names: str) -> None:
        for name in names:
            self._at.pop(name, None)

    def clear_all(self) -> None:
        self._at.clear()

    def __contains__(self, name: str) -> bool:
        return name in self._at

    def get(self, name: str) -> float | None:
        return self._at.get(name)

    @property
    def next(self) -> float | None:
        return min(self._at.values(), default=None)

    def pop_due(self, now: float) -> str | None:
        """The name of the earliest time that has come, removed; None when nothing is due."""
        name = min(self._at, key=self._at.__getitem__, default=None)
        if name is None or self._at[name] > now:
            return None
        del self._at[name]
        return name
