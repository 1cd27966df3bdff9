"""The rules of the floor from a real call: each setting reached with the official Python SDK, its effect read by REST.

What the rules are, ``tests/conversation`` tells. Here a caller speaks in tones, in real time; how long anything took
comes out of the record, and never out of the test's own clock.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from parola.conversation.turn_taking import PATIENCE
from parola.providers.scripted_speech import encode_tones
from tests.timelines import adds_up
from tests.wire.frames import TIMEOUT
from tests.wire.servers import ServerProcess, agent, client_tool
from tests.wire.speech import WORDS, word_error_rate
from tests.wire.tap import Tap
from tests.wire.test_python_sdk import Caller
from tests.wire.test_python_sdk_voice import LISTENING_SECONDS, Headset

STORY = "Once upon a time there was a king who counted all his sheep."
COUGH = (np.random.default_rng(7).normal(0, 6000, 6400)).astype("<i2").tobytes()
"""0.4 s of loud noise, in which there are no words."""

Record = dict[str, Any]


def tones(text: str) -> bytes:
    return encode_tones(text, 0.04, 16000)[0].tobytes()


def silence(seconds: float) -> bytes:
    return bytes(2 * round(16000 * seconds))


class VoiceCaller(Caller):
    """Somebody who speaks in tones."""

    def __init__(self, tap: Tap, agent_id: str, **options: Any) -> None:
        self.headset = Headset()
        super().__init__(tap, agent_id, audio_interface=self.headset, **options)

    def says(self, text: str, *, after: float = 0.0) -> None:
        """Speak, ``after`` seconds of silence."""
        self.headset.microphone.speak(silence(after) + tones(text))

    def coughs(self, *, after: float = 0.0) -> None:
        self.headset.microphone.speak(silence(after) + COUGH)

    def is_spoken_to(self) -> None:
        """Wait until the agent can be heard."""
        assert self.headset.hears(0.2)

    def was_cut_in_on(self) -> bool:
        return bool(self.call.of("interruption"))


@contextlib.contextmanager
def calling(server: ServerProcess, tap: Tap, *rules: Mapping[str, Any], **options: Any) -> Iterator[VoiceCaller]:
    """A call to a new agent; ``turn`` are its turn settings, the rest is as ``agent`` has it."""
    turn = {"turn_timeout": -1, **options.pop("turn", {})}
    # To the guard against echoes one voice of tones is the echo of another.
    vad = {"x_echo_guard": False}
    config = {"turn": turn, "tts": {"speed": 1.2}, "vad": vad, **options.pop("config", {})}
    with VoiceCaller(tap, server.create_agent(agent(*rules, config=config, **options))) as caller:
        caller.began()
        yield caller


def ended(server: ServerProcess, caller: VoiceCaller) -> list[Record]:
    """Hang up; the turns that were stored, of which the sums are right."""
    turns: list[Record] = server.ended_record(caller.hangs_up())["transcript"]
    for turn in turns:
        adds_up(turn)
    return turns


def stored(server: ServerProcess, caller: VoiceCaller, is_there: Callable[[Record], bool]) -> Record:
    """A turn of a call that goes on, as soon as the record has it."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        turns: list[Record] = server.record(caller.call.conversation_id)["transcript"]
        if found := [turn for turn in turns if is_there(turn)]:
            return found[0]
        assert time.monotonic() < deadline, turns
        time.sleep(0.02)


def of(role: str, turns: list[Record]) -> list[Record]:
    return [turn for turn in turns if turn["role"] == role]


def in_full(turn: Record) -> str:
    """What was said, whether it was heard or not."""
    return str(turn["original_message"] or turn["message"])


def silence_after(turn: Record) -> float:
    """How long the user was silent before their turn was over."""
    timeline = turn["x_timeline"]
    return float(timeline["closed_secs"] - timeline["speech_stopped_secs"])


# -- the end of the turn ----------------------------------------------------------------------------------------------


ENDINGS: list[tuple[dict[str, Any], str, str, float]] = [
    ({"turn_eagerness": "eager"}, "a table for two", "silence", PATIENCE["eager"].silence),
    ({}, "a table for two", "silence", PATIENCE["normal"].silence),
    ({"turn_eagerness": "patient"}, "a table for two", "silence", PATIENCE["patient"].silence),
    ({}, "who are you?", "finished", PATIENCE["normal"].finished),
    ({}, "I would like the", "unfinished", PATIENCE["normal"].unfinished),
    ({}, "it is 4 1 5 5", "spelling", PATIENCE["normal"].spelling),
    ({"spelling_patience": "off"}, "it is 4 1 5 5", "silence", PATIENCE["normal"].silence),
]


def test_how_long_the_agent_waits_follows_from_its_eagerness_and_from_the_words(parola, tap):
    with contextlib.ExitStack() as calls:
        callers = [calls.enter_context(calling(parola, tap, turn=turn)) for turn, *_ in ENDINGS]
        for caller, (_, words, *_) in zip(callers, ENDINGS, strict=True):
            caller.says(words)
        silences = []
        for caller, (_, words, because, wait) in zip(callers, ENDINGS, strict=True):
            assert caller.hears("response") == f"I heard: {words}"
            user, _ = ended(parola, caller)
            timeline = user["x_timeline"]
            last = timeline["verdicts"][-1]
            assert (timeline["closed_because"], last["verdict"], last["wait_secs"]) == (because, because, wait)
            assert last["turn_probability"] is None  # nobody asks the detector about tones
            silences.append(silence_after(user))
            assert silences[-1] >= wait - 0.002
    eager, normal, patient, *_ = silences
    assert eager < patient and normal < patient


def test_a_speculative_answer_is_begun_before_the_turn_is_over(parola, tap):
    rule = {"when": "soup", "say": "Soup it is.", "delay": 0.2}
    turn = {"speculative_turn": True, "turn_eagerness": "patient"}
    with calling(parola, tap, rule, turn=turn) as guesses, calling(parola, tap, rule) as waits:
        for caller in (guesses, waits):
            caller.says("the soup")
        timelines = []
        for caller in (guesses, waits):
            assert caller.hears("response") == "Soup it is."
            caller.is_spoken_to()
            user, reply = ended(parola, caller)
            timelines.append((user["x_timeline"], reply["x_timeline"]))
    (user, reply), (other_user, other_reply) = timelines
    assert reply["is_speculative"] and reply["asked_secs"] < user["closed_secs"]
    assert not other_reply["is_speculative"] and other_reply["asked_secs"] >= other_user["closed_secs"]
    assert other_reply["latency_secs"]["llm"] >= 0.198


# -- what takes the floor from the agent ------------------------------------------------------------------------------


def test_a_voice_stops_the_agent_and_the_record_says_what_was_heard(parola, tap):
    with calling(parola, tap, first_message=STORY) as caller:
        caller.is_spoken_to()
        caller.says("please stop it now, will you?", after=1)
        original, corrected = caller.hears("correction")
        assert caller.hears("response") == "I heard: please stop it now, will you?"
        told, user, _ = ended(parola, caller)
    assert (told["message"], told["original_message"]) == (corrected, original) and told["interrupted"]
    assert original == STORY and STORY.startswith(corrected.removesuffix("...").strip())
    # The agent yields while the user is still speaking.
    assert told["x_timeline"]["interrupted_secs"] <= user["x_timeline"]["speech_stopped_secs"]


IGNORING: list[tuple[dict[str, Any], str, str]] = [
    ({"interruption_ignore_terms": ["sheep"]}, "Sheep!", "wolf"),
    ({"merge_with_default_ignore_terms": True}, "mhm", "wolf"),
    (
        {"merge_with_default_ignore_terms": True, "interruption_ignore_term_languages": ["de"]},
        "genau",
        "wolf",
    ),
    ({"x_interruption_min_words": 3}, "poor king", "I know the king"),
]


@pytest.mark.parametrize(("turn", "ignored", "heeded"), IGNORING, ids=[",".join(turn) for turn, *_ in IGNORING])
def test_words_that_leave_the_floor_to_the_agent_do_not_stop_it_and_others_do(parola, tap, turn, ignored, heeded):
    # Half a word in tones is another word: nobody looks before the word is whole.
    turn = {**turn, "x_interruption_min_speech_secs": 1.0}
    with calling(parola, tap, first_message=STORY, turn=turn) as caller:
        caller.is_spoken_to()
        caller.says(ignored)
        stored(parola, caller, lambda turn: turn["message"] == ignored)
        assert not caller.was_cut_in_on()
        caller.says(heeded)
        assert caller.headset.interrupted.wait(TIMEOUT)
        assert caller.hears("response") == STORY
        assert caller.hears("transcript") == heeded  # the client is not told of the other
        assert caller.hears("response") == f"I heard: {heeded}"
        turns = ended(parola, caller)
    first, second = of("user", turns)
    assert first["ignored_as_backchannel"] and first["x_timeline"]["closed_because"] == "backchannel"
    assert not second["ignored_as_backchannel"]


def test_after_a_cough_the_agent_goes_on_where_it_was(parola, tap):
    with calling(parola, tap, first_message=STORY) as caller:
        caller.is_spoken_to()
        caller.coughs(after=1)
        _, heard = caller.hears("correction")
        rest = caller.hears("response")
        turns = ended(parola, caller)
    assert f"{heard.removesuffix('...').strip()} {rest}".strip() == STORY
    assert [turn["role"] for turn in turns] == ["agent", "agent"] and turns[0]["interrupted"]


def test_an_agent_that_may_not_go_on_waits_for_words(parola, tap):
    with calling(parola, tap, first_message=STORY, turn={"x_resume_false_interruptions": False}) as caller:
        caller.is_spoken_to()
        caller.coughs()
        caller.hears("correction")
        caller.says("who is it?")
        assert caller.hears("response") == "I heard: who is it?"
        turns = ended(parola, caller)
    assert [turn["role"] for turn in turns] == ["agent", "user", "agent"]


def test_a_longer_cough_can_be_asked_for(parola, tap):
    with calling(parola, tap, first_message=STORY, turn={"x_interruption_min_speech_secs": 1.0}) as caller:
        caller.is_spoken_to()
        caller.coughs()
        caller.says("this is a longer sentence than that", after=0.5)
        assert caller.headset.interrupted.wait(TIMEOUT)
        caller.hears("transcript")
        turns = ended(parola, caller)
    told, user = turns[0]["x_timeline"], of("user", turns)[0]["x_timeline"]
    assert told["interrupted_secs"] - user["speech_started_secs"] >= 0.998


def test_a_first_message_can_be_protected(parola, tap):
    config = {"agent": {"disable_first_message_interruptions": True}}
    with calling(parola, tap, first_message=STORY, config=config) as caller:
        caller.is_spoken_to()
        caller.says("who are you?")
        assert caller.hears("response") == STORY
        assert caller.hears("response") == "I heard: who are you?"
        assert not caller.was_cut_in_on()
        told, user, answer = ended(parola, caller)
    assert not told["interrupted"]
    length = len(STORY) / (15 * 1.2)
    assert user["x_timeline"]["closed_secs"] - told["x_timeline"]["first_audio_sent_secs"] >= length
    assert answer["x_timeline"]["asked_secs"] >= user["x_timeline"]["closed_secs"]


# -- nobody speaks ----------------------------------------------------------------------------------------------------


def test_a_slow_model_is_bridged_by_a_filler(parola, tap):
    rule = {"when": "price", "say": "Ten euros.", "delay": 2}
    turn = {"soft_timeout_config": {"timeout_seconds": 0.3, "message": "Let me see."}}
    with calling(parola, tap, rule, turn=turn) as caller:
        caller.says("the price?")
        assert caller.hears("response") == "Let me see."
        assert caller.hears("response") == "Ten euros."
        caller.call.next("agent_response_complete")
        turns = ended(parola, caller)
    user, filler, answer = turns
    assert [in_full(turn) for turn in turns] == ["the price?", "Let me see.", "Ten euros."]
    assert filler["source_event_id"] == answer["source_event_id"]
    assert filler["x_timeline"]["asked_secs"] - user["x_timeline"]["closed_secs"] >= 0.298
    assert answer["x_timeline"]["latency_secs"]["llm"] >= 1.998


def test_an_agent_without_a_greeting_speaks_after_the_initial_wait(parola, tap):
    with calling(parola, tap, turn={"initial_wait_time": 0.5, "turn_timeout": 60}) as caller:
        assert caller.hears("response") == "Are you still there?"
        silence, reply = ended(parola, caller)
    assert silence["platform_event"] == "user_turn_timeout"
    assert reply["x_timeline"]["asked_secs"] >= 0.498


def test_after_a_while_the_agent_speaks_again(parola, tap):
    with calling(parola, tap, first_message="Hello.", turn={"turn_timeout": 0.5}) as caller:
        assert caller.hears("response") == "Hello."
        assert caller.hears("response") == "Are you still there?"
        turns = ended(parola, caller)
    assert [turn.get("platform_event") for turn in turns[:3]] == [None, "user_turn_timeout", None]
    assert turns[2]["x_timeline"]["asked_secs"] - turns[0]["x_timeline"]["first_audio_sent_secs"] >= 0.5


def test_a_long_silence_ends_the_call(parola, tap):
    with calling(parola, tap, first_message="Hello.", turn={"silence_end_call_timeout": 1}) as caller:
        assert caller.hears("response") == "Hello."
        assert caller.call.ended() == (1000, "The user was silent for too long")
        record = parola.ended_record(caller.hangs_up())
    assert record["metadata"]["termination_reason"] == "The user was silent for too long"


# -- the sums ---------------------------------------------------------------------------------------------------------


def test_every_turn_of_a_crowded_call_adds_up(parola, tap):
    """A greeting that is cut, tools, a filler, a guess, something typed: ``ended`` looks at every turn."""
    rules = [
        {"when": "look", "say": "One moment.", "call": {"tool": "look_up"}, "then": "Found it."},
        {"when": "price", "say": "Ten euros.", "delay": 1},
        {"when": "long", "say": STORY},
    ]
    soft = {"timeout_seconds": 0.3, "message": "Let me see."}
    turn = {"speculative_turn": True, "soft_timeout_config": soft}
    tools = [client_tool("look_up", expects_response=False)]
    with calling(parola, tap, *rules, first_message=STORY, turn=turn, tools=tools) as caller:
        caller.is_spoken_to()
        for words, answers in (
            ("look it up", ["One moment.", "Found it."]),
            ("the price?", ["Let me see.", "Ten euros."]),
            ("a long one", [STORY]),
        ):
            caller.says(words)
            heard = [caller.hears("response")]
            while heard[-1] != answers[-1]:
                heard.append(caller.hears("response"))
            assert heard[-len(answers) :] == answers
        assert caller.asks("Typed.") == "I heard: Typed."
        stored(parola, caller, lambda t: in_full(t) == "I heard: Typed." and "latency_secs" in t["x_timeline"])
        turns = ended(parola, caller)
    spoken = [turn for turn in of("agent", turns) if "latency_secs" in turn["x_timeline"]]
    assert len(spoken) >= 6
    assert {turn["x_timeline"]["is_speculative"] for turn in spoken} == {True, False}


# -- with people's voices ---------------------------------------------------------------------------------------------


def test_a_recorded_voice_takes_the_floor_with_its_words(speaking, tapped):
    """The embedded models, every rule on: what the caller says is transcribed while they speak, and is no "mhm"."""
    turn = {"merge_with_default_ignore_terms": True, "speculative_turn": True}
    rule = {"when": "himself", "say": "Sorry, go on."}
    story = f"{STORY} {STORY} {STORY}"
    with calling(speaking, tapped(speaking), rule, first_message=story, turn=turn, config={"vad": {}}) as caller:
        caller.is_spoken_to()
        caller.headset.microphone.speak()
        assert caller.headset.interrupted.wait(LISTENING_SECONDS)
        assert word_error_rate(caller.hears("transcript", LISTENING_SECONDS), WORDS) <= 0.25
        assert caller.hears("response", LISTENING_SECONDS) == "Sorry, go on."
        assert caller.call.next("agent_response_complete", timeout=LISTENING_SECONDS)
        told, user, answer = ended(speaking, caller)
    assert told["interrupted"] and answer["x_timeline"]["latency_secs"]["total"] > 0
    timeline = user["x_timeline"]
    assert timeline["closed_because"] in ("finished", "silence", "unsure", "unfinished")
    for verdict in timeline["verdicts"]:
        assert verdict["turn_probability"] is None or 0 <= verdict["turn_probability"] <= 1
