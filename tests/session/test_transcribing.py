"""When the words of a turn are looked for, and how much of it at a time."""

import asyncio
from contextvars import ContextVar

import numpy as np

from parola.conversation.events import Event, SpeechStopped, TranscriptUpdated
from parola.providers.base import Capabilities, Transcript, TranscriptionSettings
from parola.session.listening import SETTLE_SECONDS, Listening
from parola.session.voice_activity import SharedVoiceActivity
from tests.virtual_time import run


class Counting:
    """Hears how much audio it has been given since it last forgot."""

    name = "counting"

    def __init__(self, *, is_cheap: bool = False) -> None:
        self.capabilities = Capabilities(partials=is_cheap)
        self.seconds = 0.0
        self.asked: list[float] = []

    def open(self, settings: TranscriptionSettings) -> "Counting":
        return self

    def send(self, pcm: bytes) -> None:
        self.seconds += len(pcm) / 2 / 16000

    async def transcribe(self) -> Transcript:
        self.asked.append(self.seconds)
        return Transcript(f"part{len(self.asked)}")

    def reset(self) -> None:
        self.seconds = 0.0

    async def warm_up(self) -> None: ...

    async def aclose(self) -> None: ...


class Loud:
    """Whatever is loud is speech."""

    name = "loud"
    sample_rate = 16000
    window = 512

    def new_state(self) -> None: ...

    def probabilities(self, windows: list[np.ndarray], states: list[None]) -> list[float]:
        return [float(np.abs(window).max() > 0.1) for window in windows]


async def listened_to(*spans: float, pause: float = 0.5, is_cheap: bool = False) -> tuple[Counting, list[Event]]:
    """Speech of these lengths, with pauses."""
    stt, told = Counting(is_cheap=is_cheap), list[Event]()
    listening = Listening(stt, TranscriptionSettings(), SharedVoiceActivity(Loud()), told.append)
    for seconds in spans:
        for span, level in ((seconds, 8000), (pause, 0)):
            for _ in range(round(span * 50)):
                listening.feed(np.full(320, level, np.int16))
                await asyncio.sleep(0.02)
    await listening.aclose()
    return stt, told


def words(told: list[Event]) -> list[str]:
    return [event.text for event in told if isinstance(event, TranscriptUpdated)]


def test_words_of_short_turns_are_asked_for_as_a_whole():
    stt, told = run(listened_to(1.0, 1.0))
    assert words(told) == ["part1", "part2"] and stt.asked[1] > 2


def test_what_was_said_long_ago_stands():
    stt, told = run(listened_to(SETTLE_SECONDS + 1, 1.0, 1.0))
    assert words(told) == ["part1", "part1 part2", "part1 part3"]
    assert stt.asked[0] > SETTLE_SECONDS and stt.asked[1] < 2.5
    assert len([event for event in told if isinstance(event, SpeechStopped)]) == 3


def test_cheap_words_are_looked_for_before_the_pause_is_certain_and_once():
    stt, told = run(listened_to(1.0, is_cheap=True))
    assert words(told) == ["part1"] and len(stt.asked) == 1
    late, _ = run(listened_to(1.0))
    assert stt.asked[0] < late.asked[0] - 0.09


def test_words_of_a_pause_that_was_none_are_thrown_away():
    stt, told = run(listened_to(1.0, 1.0, pause=0.14, is_cheap=True))
    assert len(stt.asked) == 2 and words(told) == []


def test_the_work_of_each_call_is_its_own_though_their_windows_are_scored_together():
    whose: ContextVar[str] = ContextVar("whose", default="nobody's")

    class Asked(Counting):
        async def transcribe(self) -> Transcript:
            return Transcript(whose.get())

    async def story() -> list[list[str]]:
        shared = SharedVoiceActivity(Loud())
        heard: list[list[Event]] = [[], []]

        async def call(number: int) -> None:
            whose.set(f"call {number}'s")
            listening = Listening(Asked(), TranscriptionSettings(), shared, heard[number].append)
            for level in (8000, 0):
                for _ in range(50):
                    listening.feed(np.full(320, level, np.int16))
                    await asyncio.sleep(0.02)
            await listening.aclose()

        await asyncio.gather(call(0), call(1))
        return [words(told) for told in heard]

    assert run(story()) == [["call 0's"], ["call 1's"]]
