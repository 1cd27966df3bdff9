"""How long a silence ends a turn, in whole conversations."""

import pytest

from parola.conversation.events import SpeechStarted, TurnEndPredicted
from parola.conversation.turn_taking import PATIENCE
from parola.protocol.server_messages import InternalTurnProbability
from tests.story import Story


def paused(words: str, probability: float | None = None, **setup: object) -> Story:
    """The caller has just fallen silent."""
    story = Story(**setup).connects().begins_to_speak().wait(1).falls_silent(words)
    return story if probability is None else story.tell(TurnEndPredicted(probability))


@pytest.mark.parametrize("eagerness", ["eager", "normal", "patient"])
@pytest.mark.parametrize(
    ("words", "probability", "reason"),
    [
        ("I would like the soup.", 0.99, "finished"),
        ("I would like the soup.", None, "silence"),
        ("I would like the soup.", 0.5, "unsure"),
        ("I would like the", 0.9, "unfinished"),
        ("I would like soup", 0.02, "unfinished"),
        ("It is four one five.", 0.98, "spelling"),
    ],
)
def test_the_silence_asked_for_depends_on_all_the_evidence(
    eagerness: str, words: str, probability: float | None, reason: str
):
    wait = getattr(PATIENCE[eagerness], reason)
    story = paused(words, probability, patience=PATIENCE[eagerness])
    assert story.wait(wait - 0.01).replies == []
    assert len(story.wait(0.01).replies) == 1
    assert story.record[0]["x_timeline"]["closed_because"] == reason


def test_nobody_waits_much_longer_than_a_second_for_more():
    assert all(patience.unfinished <= 1.2 for patience in PATIENCE.values())
    assert PATIENCE["normal"].unfinished == 1.1


def test_a_verdict_that_comes_late_still_shortens_the_wait():
    story = paused("I would like the soup.").wait(0.46)
    assert story.replies == []
    assert len(story.tell(TurnEndPredicted(0.99)).replies) == 1


def test_a_verdict_that_comes_late_still_lengthens_the_wait():
    story = paused("I would like soup.").wait(0.4).tell(TurnEndPredicted(0.01)).wait(0.6)
    assert story.replies == []
    assert len(story.wait(0.1).replies) == 1


def test_a_verdict_is_about_one_pause_only():
    story = paused("I would like soup.", 0.99).wait(0.1).begins_to_speak().wait(1).falls_silent("I would like soup. So")
    assert story.wait(0.4).replies == []


def test_a_verdict_on_a_pause_that_is_over_is_dropped():
    story = paused("I would like").wait(0.1).begins_to_speak()
    assert story.tell(TurnEndPredicted(0.99)).step == []


def test_digits_in_groups_are_not_cut():
    story = Story(first_message="What is your phone number?").connects().agent_says(seconds=1).wait(1)
    story.begins_to_speak().wait(1).falls_silent("Four one five.").tell(TurnEndPredicted(0.98)).wait(1.5)
    story.begins_to_speak().wait(1).falls_silent("Four one five, five five five.").wait(1.5)
    story.begins_to_speak().wait(1).falls_silent("Four one five, five five five, one two one two.").wait(0.5)
    assert story.asked_llm_with("Four one five, five five five, one two one two.")


def test_spelling_patience_can_be_switched_off():
    assert len(paused("It is four one five.", spelling_patience=False).wait(0.5).replies) == 1


def test_the_record_says_why_a_turn_was_closed_and_when():
    story = Story().connects().begins_to_speak().wait(1).falls_silent().wait(0.1).tell(TurnEndPredicted(0.4))
    story.wait(0.1).transcribed("I would like the").wait(1)
    assert story.record[0]["x_timeline"] == {
        "speech_started_secs": 0.0,
        "speech_stopped_secs": 1.0,
        "transcribed_secs": 1.2,
        "closed_secs": 2.1,
        "closed_because": "unfinished",
        "verdicts": [
            {"at_secs": 1.0, "verdict": "silence", "wait_secs": 0.5, "turn_probability": None, "wording": "none"},
            {"at_secs": 1.1, "verdict": "unsure", "wait_secs": 0.8, "turn_probability": 0.4, "wording": "none"},
            {"at_secs": 1.2, "verdict": "unfinished", "wait_secs": 1.1, "turn_probability": 0.4, "wording": "open"},
        ],
    }


def test_what_the_turn_detector_says_can_be_followed_by_a_client_that_asks():
    story = paused("Hello", 0.75, client_events=["internal_turn_probability"])
    assert story.latest == [InternalTurnProbability(turn_probability=0.75)]


def test_speech_that_goes_on_after_a_pause_is_still_one_turn():
    story = paused("I would like", 0.9).wait(0.2)
    story.tell(SpeechStarted(story.now)).wait(1).falls_silent("I would like the soup.").wait(0.5)
    assert story.asked_llm_with("I would like the soup.")
    assert story.record[0]["x_timeline"]["speech_started_secs"] == 0.0
