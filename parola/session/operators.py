"""Who is beside a conversation by a socket: under which name, and with which sound.

A name is what tells people apart. Who gives none is called by their key's; those without a key of their own are
numbered, in the order in which they first do something: ``local``, ``local-2``. The conversation is told when somebody
who may take over comes, and when the last socket of a name is gone. Who gives no name comes when they first do
something: a socket that only watches is nobody's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from parola.conversation.commands import OperatorCame, OperatorLeft
from parola.session.operator_line import Hear, OperatorLine

MOST_LINES = 5
"""People who hear a conversation at once; who has taken over always may."""

Tell = Callable[[OperatorCame | OperatorLeft], None]

MakeLine = Callable[[Hear, Callable[[], str]], OperatorLine | None]
"""Sound for a person of this name, if they speak; None: there is none in this conversation."""


class Holding(Protocol):
    """What is asked of a conversation about its takeover."""

    def is_held_by(self, name: str) -> bool: ...
    def is_awaiting(self, name: str) -> bool: ...


class Seat:
    """One socket's. ``leave`` when it is gone."""

    def __init__(self, desk: Operators, name: str, base: str, *, may_hold: bool, is_numbered: bool) -> None:
        self._desk = desk
        self._base = base
        self.known_as = name
        """Empty: they have not done anything yet."""
        self.may_hold = may_hold
        """Whether they may take the conversation over."""
        self.is_numbered = is_numbered
        """Nothing but the socket says who they are."""
        self.line: OperatorLine | None = None
        self.has_left = False

    @property
    def name(self) -> str:
        """What they are called, from now on."""
        if not self.known_as:
            self.known_as = self._desk.free_name(self, self._base) if self.is_numbered else self._base
            if not self.has_left:  # whoever came now would be there for ever
                self._desk.came(self)
        return self.known_as

    def leave(self) -> None:
        self.has_left = True
        self._desk.leave(self)


class Operators:
    """Those of one conversation."""

    def __init__(self, tell: Tell, make_line: MakeLine, holding: Holding) -> None:
        self._tell = tell
        self._make_line = make_line
        self._holding = holding
        self._seats: set[Seat] = set()
        self.lines: list[OperatorLine] = []
        """Those that want to hear; most of the time nobody does."""

    def seat(self, name: str, base: str, *, may_hold: bool, is_numbered: bool) -> Seat:
        """A place for somebody who calls themselves ``name``; empty: they are called ``base`` when they do something,
        numbered if others may be called so too. Whose return is awaited is back at once."""
        if not name and may_hold and self._holding.is_awaiting(base):
            name = base
        seat = Seat(self, name, base, may_hold=may_hold, is_numbered=is_numbered)
        if name:
            self.came(seat)
        return seat

    def free_name(self, seat: Seat, base: str) -> str:
        """For somebody who gave none: not that of anybody else who gave none, or who is expected back. Who cannot take
        over takes no name from those who can."""
        others = (other for other in self._seats if other.is_numbered and (other.may_hold or not seat.may_hold))
        taken = {other.known_as for other in others}
        name, number = base, 1
        while name in taken or self._holding.is_awaiting(name):
            number += 1
            name = f"{base}-{number}"
        return name

    def came(self, seat: Seat) -> None:
        is_first = seat.may_hold and not self._is_there(seat.known_as)
        self._seats.add(seat)
        if is_first:
            self._tell(OperatorCame(seat.known_as))

    def leave(self, seat: Seat) -> None:
        if seat.line is not None:
            if seat.line in self.lines:  # else the conversation has closed it
                self.lines.remove(seat.line)
                seat.line.close()
            seat.line = None
        if seat not in self._seats:
            return
        self._seats.discard(seat)
        if seat.may_hold and not self._is_there(seat.known_as):
            self._tell(OperatorLeft(seat.known_as))

    def _is_there(self, name: str) -> bool:
        return any(seat.may_hold and seat.known_as == name for seat in self._seats)

    # -- sound --------------------------------------------------------------------------------------------------------

    def open_line(self, seat: Seat, hear: Hear) -> OperatorLine | None:
        """Sound for them; None when there is none, too many have it, or they have left."""
        if seat.line is None:
            if seat.has_left:
                return None
            if len(self.lines) >= MOST_LINES and not self._holding.is_held_by(seat.known_as):
                return None
            seat.line = self._make_line(hear, lambda: seat.name)
            if seat.line is not None:
                self.lines.append(seat.line)
        return seat.line

    def user_spoke(self, audio: bytes) -> None:
        for line in self.lines:
            line.user_spoke(audio)

    def agent_spoke(self, audio: bytes) -> None:
        for line in self.lines:
            line.agent_spoke(audio)

    def close(self) -> None:
        """The conversation has ended: no sound any more. The sockets leave by themselves."""
        for line in self.lines:
            line.close()
        self.lines.clear()
