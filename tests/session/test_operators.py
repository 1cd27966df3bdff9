"""Who is beside a conversation: what they are called, when they are there."""

from __future__ import annotations

import asyncio
from typing import cast

from parola.conversation.commands import OperatorCame, OperatorLeft, OperatorSaid
from parola.conversation.events import SpeechStarted, SpeechStopped, TranscriptUpdated
from parola.session.operator_ear import PAUSE_SECONDS, OperatorEar
from parola.session.operator_line import OperatorLine
from parola.session.operators import MOST_LINES, Operators, Seat
from parola.session.voice import Ear
from tests.virtual_time import run


class Desk:
    """Operators whose conversation is the test."""

    def __init__(self) -> None:
        self.told: list[OperatorCame | OperatorLeft] = []
        self.holder = self.awaited = ""
        self.operators = Operators(self.told.append, lambda *_: cast(OperatorLine, _Line()), self)

    def is_held_by(self, name: str) -> bool:
        return bool(name) and name == self.holder

    def is_awaiting(self, name: str) -> bool:
        return bool(name) and name == self.awaited

    def seat(self, name: str = "", base: str = "local", *, may_hold: bool = True, is_numbered: bool = True) -> Seat:
        return self.operators.seat(name, base, may_hold=may_hold, is_numbered=is_numbered)


class _Line:
    def close(self) -> None: ...


def test_who_says_no_name_has_one_when_they_act_and_nobody_elses():
    desk = Desk()
    watching, one, two = desk.seat(), desk.seat(), desk.seat()
    participant, other = desk.seat(may_hold=False), desk.seat(may_hold=False)
    assert participant.name == "local", "who cannot take over takes no name from those who can"
    assert (one.name, two.name, other.name, one.name) == ("local", "local-2", "local-3", "local")
    assert watching.known_as == "" and desk.told == [OperatorCame("local"), OperatorCame("local-2")]
    assert desk.seat(base="crm", is_numbered=False).name == desk.seat(base="crm", is_numbered=False).name == "crm"


def test_a_person_is_gone_when_their_last_socket_is():
    desk = Desk()
    one, two = desk.seat("Ann"), desk.seat("Ann")
    desk.seat("Ann", may_hold=False).leave()
    one.leave()
    assert desk.told == [OperatorCame("Ann")]
    two.leave()
    two.leave()
    desk.seat().leave()
    assert desk.told == [OperatorCame("Ann"), OperatorLeft("Ann")]


def test_what_is_still_under_way_when_a_socket_goes_brings_nobody_back():
    desk = Desk()
    gone = desk.seat()
    gone.leave()
    assert gone.name == "local" and desk.told == []
    assert desk.operators.open_line(gone, lambda *_: None) is None and desk.operators.lines == []
    assert desk.seat().name == "local", "the name is free"


def test_who_comes_back_without_a_name_is_who_is_awaited_and_nobody_who_was_there_is():
    desk = Desk()
    was_there, holder = desk.seat(), desk.seat()
    assert holder.name == "local"
    desk.holder = desk.awaited = "local"
    holder.leave()
    assert was_there.name == "local-2"
    assert desk.seat().known_as == "local" and desk.told[-1] == OperatorCame("local")


def test_listening_is_bounded_and_names_nobody():
    desk = Desk()
    seats = [desk.seat() for _ in range(MOST_LINES + 1)]
    lines = [desk.operators.open_line(seat, lambda *_: None) for seat in seats]
    assert lines[-1] is None and None not in lines[:-1] and desk.told == []
    desk.holder = seats[-1].name
    assert desk.operators.open_line(seats[-1], lambda *_: None) is not None, "the holder is always let in"
    for seat in seats:
        seat.leave()
    assert desk.operators.lines == []


class _Forgetting:
    """An ear that is told by the test what was heard."""

    def forget(self) -> None: ...


def test_words_of_a_person_are_told_with_the_moment_at_which_they_began():
    async def story() -> None:
        told: list[OperatorSaid] = []
        ear = OperatorEar(cast(Ear, _Forgetting()), told.append, "Ann")
        for first, second in ((5.0, 6.5), (20.0, 22.0)):
            ear._take(SpeechStarted(first))
            ear._take(SpeechStopped(first + 1.0))
            ear._take(TranscriptUpdated("Good", is_partial=False))
            ear._take(SpeechStarted(second))  # before the pause that ends a message
            ear._take(SpeechStopped(second + 1.0))
            ear._take(TranscriptUpdated("Good morning", is_partial=False))
            await asyncio.sleep(PAUSE_SECONDS + 0.1)
        assert told == [OperatorSaid("Good morning", "Ann", 5.0), OperatorSaid("Good morning", "Ann", 20.0)]

    run(story())
