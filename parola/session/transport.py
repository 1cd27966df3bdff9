"""How a session reaches its client: text frames both ways, and a close with a code and a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The client is gone."""

    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BinaryFrame:
    """A frame that is no text; the protocol has none."""

    size: int


class Transport(Protocol):
    is_closed: bool
    """The client is known to be gone: what is sent goes nowhere."""

    async def receive(self) -> str | BinaryFrame | Disconnected:
        """The next frame. After ``Disconnected`` there is nothing more to receive."""

    async def send(self, frame: str) -> None:
        """Returns when the frame has been handed to the network; waits while the client does not read."""

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye. Never raises: a client that is gone already cannot hear it."""

    def drop(self) -> None:
        """Cut a client that reads nothing: it would not read a goodbye either."""
