"""Verdicts on pauses are rationed, in order and in time; on the virtual-time loop, where seconds are exact."""

import asyncio

import numpy as np

from parola.conversation.events import SpeechStarted, SpeechStopped, TranscriptUpdated, TurnEndPredicted
from parola.errors import ModelMissing
from parola.providers.base import TranscriptionSettings
from parola.providers.scripted_speech import (
    ScriptedSpeechToText,
    ScriptedTurnDetector,
    ScriptedVoiceActivity,
    encode_tones,
)
from parola.session import turn_detection
from parola.session.listening import Listening
from parola.session.turn_detection import CORE_SHARE, READY_SECONDS, SharedTurnDetector
from parola.session.voice_activity import SharedVoiceActivity
from tests.virtual_time import run

PREDICTION_SECONDS = 0.08


async def shared(**script) -> SharedTurnDetector:
    turns = SharedTurnDetector(ScriptedTurnDetector(**{"delay": PREDICTION_SECONDS, **script}))
    await turns.warm_up()
    return turns


# -- the rationing ------------------------------------------------------------------------------------------------


def test_a_call_alone_gets_a_verdict_at_each_pause():
    async def story():
        turns = await shared(probabilities=(0.9, 0.2))
        verdicts = []
        for _ in range(20):
            verdicts.append(await turns.predict(b""))
            await asyncio.sleep(1)
        return verdicts, turns.asked, turns.answered, turns.skipped

    assert run(story()) == ([0.9, 0.2] * 10, 20, 20, 0)


def test_pauses_at_the_same_time_are_judged_in_their_order_while_there_is_time():
    async def story():
        turns = await shared()
        loop = asyncio.get_running_loop()
        told = []

        async def ask(call: int):
            if await turns.predict(bytes([call, 0])) is not None:
                told.append((call, round(loop.time(), 3)))

        await asyncio.gather(*(ask(call) for call in range(10)))
        return told, turns.skipped, [pcm[0] for pcm in turns.detector.heard]

    told, skipped, heard = run(story())
    assert told == [(0, 0.08), (1, 0.16), (2, 0.24)]
    assert (skipped, heard) == (7, [0, 1, 2])
    assert told[-1][1] <= READY_SECONDS


def test_a_hundred_calls_do_not_use_more_than_their_share_of_a_core():
    seconds = 60

    async def call(turns: SharedTurnDetector, number: int):
        await asyncio.sleep(number * 0.037)
        while True:
            await turns.predict(b"")
            await asyncio.sleep(3.7)

    async def story():
        turns = await shared()
        calls = [asyncio.create_task(call(turns, number)) for number in range(100)]
        await asyncio.sleep(seconds)
        for task in calls:
            task.cancel()
        return turns

    turns = run(story())
    assert turns.asked > 1500
    used = turns.answered * PREDICTION_SECONDS
    most = CORE_SHARE * seconds + turn_detection.BURST_SECONDS
    assert most - 1 < used < most + PREDICTION_SECONDS
    assert turns.skipped > turns.answered


def test_after_a_quiet_time_a_few_pauses_may_follow_each_other_closely():
    async def story():
        turns = await shared()
        verdicts = []
        for _ in range(12):
            verdicts.append(await turns.predict(b"") is not None)
        burst = verdicts.index(False)
        await asyncio.sleep(60)
        return burst, [await turns.predict(b"") is not None for _ in range(burst)]

    burst, later = run(story())
    assert 6 <= burst <= 9
    assert all(later)


def test_a_pause_that_is_over_costs_nothing_while_it_waits():
    async def story():
        turns = await shared()
        first = asyncio.create_task(turns.predict(b"aa"))
        second = asyncio.create_task(turns.predict(b"bb"))
        await asyncio.sleep(0.01)
        second.cancel()
        third = asyncio.create_task(turns.predict(b"cc"))
        await asyncio.gather(first, second, third, return_exceptions=True)
        return turns.detector.heard, turns.asked, turns.answered, turns.skipped

    assert run(story()) == ([b"aa", b"cc"], 3, 2, 0)


def test_a_slow_quarter_of_an_hour_is_not_held_against_the_detector_for_ever():
    async def story():
        turns = await shared(delay=2.0)
        for _ in range(10):
            await turns.predict(b"")
            await asyncio.sleep(60)
        turns.detector.delay = 0.08
        for _ in range(20):
            await turns.predict(b"")
            await asyncio.sleep(2)
        return len([v for v in await asyncio.gather(turns.predict(b""), turns.predict(b"")) if v is not None])

    assert run(story()) == 2


def test_while_the_event_loop_is_late_nothing_is_judged():
    async def story():
        late = [True]
        turns = SharedTurnDetector(ScriptedTurnDetector(probabilities=(0.9,)), lambda: late[0])
        await turns.warm_up()
        verdicts = [await turns.predict(b"")]
        late[0] = False
        verdicts.append(await turns.predict(b""))
        return verdicts, turns.skipped

    assert run(story()) == ([None, 0.9], 1)


def test_until_the_model_is_loaded_there_are_no_verdicts():
    async def story():
        turns = SharedTurnDetector(ScriptedTurnDetector(probabilities=(0.9,)))
        before = await turns.predict(b"")
        await turns.warm_up()
        return before, await turns.predict(b""), turns.skipped, turns.answered

    assert run(story()) == (None, 0.9, 1, 1)


def test_without_its_model_silence_alone_decides():
    class Missing(ScriptedTurnDetector):
        tries = 0

        async def warm_up(self):
            self.tries += 1
            raise ModelMissing("not here")

    async def story():
        turns = SharedTurnDetector(Missing())
        await turns.warm_up()
        await turns.warm_up()
        return await turns.predict(b""), turns.detector.tries

    assert run(story()) == (None, 1)


def test_a_prediction_that_fails_is_no_verdict_and_the_next_one_may_be_better():
    async def story():
        turns = await shared(fail="out of breath")
        first = await turns.predict(b"")
        turns.detector.fail = ""
        return first, await turns.predict(b""), turns.failed, turns.answered

    assert run(story()) == (None, 0.05, 1, 1)


# -- from audio to the event --------------------------------------------------------------------------------------


class Caller:
    """One call's ear, fed in real time (of the virtual kind) in chunks of 20 ms."""

    def __init__(self, turns: SharedTurnDetector | None) -> None:
        self.told: list[object] = []
        activity = SharedVoiceActivity(ScriptedVoiceActivity())
        self.ear = Listening(ScriptedSpeechToText(), TranscriptionSettings(), activity, self.told.append, turns=turns)

    async def hears(self, samples: np.ndarray) -> None:
        for begin in range(0, len(samples), 320):
            self.ear.feed(samples[begin : begin + 320])
            await asyncio.sleep(0.02)

    async def says(self, text: str, seconds: float | None = None) -> None:
        slot = 0.05 if seconds is None else seconds / len(text)
        await self.hears(encode_tones(text, slot, 16000)[0])

    async def pauses(self, seconds: float) -> None:
        await self.hears(np.zeros(int(seconds * 16000), np.int16))

    @property
    def verdicts(self) -> list[float]:
        return [event.probability for event in self.told if isinstance(event, TurnEndPredicted)]

    @property
    def story(self) -> list[str]:
        short = {SpeechStarted: "speaks", SpeechStopped: "stops", TranscriptUpdated: "words", TurnEndPredicted: "turn?"}
        return [short[type(event)] for event in self.told]


def test_a_pause_is_told_with_its_words_and_with_a_verdict():
    async def story():
        caller = Caller(await shared())
        await caller.says("one two,")
        await caller.pauses(0.5)
        await caller.says("three.")
        await caller.pauses(0.5)
        await caller.ear.aclose()
        return caller.story, caller.verdicts

    told, verdicts = run(story())
    assert told == ["speaks", "stops", "words", "turn?"] * 2
    assert verdicts == [0.05, 0.95]


def test_the_verdict_on_a_pause_that_is_over_is_not_told():
    async def story():
        caller = Caller(await shared(delay=0.25))
        await caller.says("one,")
        await caller.pauses(0.26)
        await caller.says("two.")
        await caller.pauses(0.6)
        await caller.ear.aclose()
        return caller.story, caller.verdicts

    told, verdicts = run(story())
    assert told == ["speaks", "stops", "words", "speaks", "stops", "words", "turn?"]
    assert verdicts == [0.95]


def test_the_verdict_on_a_turn_that_has_been_taken_is_not_told():
    async def story():
        caller = Caller(await shared(delay=0.2))
        await caller.says("one.")
        await caller.pauses(0.3)
        caller.ear.forget()
        await caller.pauses(0.5)
        await caller.ear.aclose()
        return caller.story

    assert run(story()) == ["speaks", "stops", "words"]


def test_a_new_turn_is_judged_by_its_own_audio():
    async def story():
        caller = Caller(turns := await shared())
        await caller.says("one two three four five.")
        await caller.pauses(0.5)
        caller.ear.forget()
        await caller.pauses(1)
        await caller.says("six")
        await caller.pauses(0.5)
        await caller.ear.aclose()
        return caller.verdicts, [len(pcm) / 32000 for pcm in turns.detector.heard]

    verdicts, (first, second) = run(story())
    assert verdicts == [0.95, 0.05]
    assert first > 1.5
    assert second < 1.0


def test_no_more_is_kept_than_the_detector_looks_at():
    async def story():
        caller = Caller(turns := await shared())
        await caller.says("a very long story.", seconds=20)
        await caller.pauses(0.5)
        await caller.ear.aclose()
        return len(turns.detector.heard[-1]) / 32000

    assert run(story()) == 8.0


def test_a_client_that_stops_sending_is_judged_as_if_it_had_sent_silence():
    async def story():
        caller = Caller(turns := await shared(probabilities=(0.7,)))
        await caller.says("one")
        await asyncio.sleep(1)
        await caller.ear.aclose()
        return caller.verdicts, np.abs(np.frombuffer(turns.detector.heard[0], np.int16)[-3200:]).max()

    assert run(story()) == ([0.7], 0)


def test_a_click_is_not_judged():
    async def story():
        caller = Caller(turns := await shared())
        await caller.hears((np.random.default_rng(1).normal(size=1600) * 8000).astype(np.int16))
        await caller.pauses(0.5)
        await caller.ear.aclose()
        return caller.story, turns.asked

    assert run(story()) == (["speaks", "stops", "words"], 0)


def test_without_a_detector_pauses_have_words_only():
    async def story():
        caller = Caller(None)
        await caller.says("one.")
        await caller.pauses(0.5)
        await caller.ear.aclose()
        return caller.story

    assert run(story()) == ["speaks", "stops", "words"]


def test_a_call_that_ends_takes_its_question_back():
    async def story():
        caller = Caller(turns := await shared(delay=0.25))
        await caller.says("one.")
        await caller.pauses(0.3)
        await caller.ear.aclose()
        await asyncio.sleep(1)
        return caller.verdicts, turns.asked, turns.answered

    assert run(story()) == ([], 1, 0)
