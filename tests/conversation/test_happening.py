"""What is happening, in one word: what a list of conversations shows of each."""

from __future__ import annotations

from parola.conversation.commands import BeginTakeover, EndTakeover
from tests.conversation.test_waiting_for_human import Desk
from tests.story import Story


def test_one_word_follows_a_conversation_from_its_beginning_to_its_end() -> None:
    story = Story(tools=[]).connects()
    seen = [story.conversation.happening]
    story.begins_to_speak()
    seen.append(story.conversation.happening)
    story.falls_silent("What is there?").wait(2)
    seen.append(story.conversation.happening)
    story.agent_begins_to_say("Soup and bread", seconds=4)
    seen.append(story.conversation.happening)
    story.begins_to_speak()
    seen.append(story.conversation.happening)
    story.hangs_up()
    seen.append(story.conversation.happening)
    assert seen == ["listening", "user_speaking", "thinking", "speaking", "user_speaking", "ended"]


def test_who_is_missing_matters_more_than_who_has_the_floor() -> None:
    desk = Desk().agent_wants_somebody()
    assert (desk.conversation.happening, desk.conversation.operator) == ("waiting_for_human", None)
    desk.commands(BeginTakeover("Ann"))
    assert (desk.conversation.happening, desk.conversation.operator) == ("taken_over", "Ann")
    desk.begins_to_speak()
    assert desk.conversation.happening == "taken_over"
    desk.commands(EndTakeover())
    assert (desk.conversation.happening, desk.conversation.operator) == ("user_speaking", None)


def test_a_client_that_may_come_back_is_away() -> None:
    story = Story(resume_window_seconds=30.0).connects().loses_connection()
    assert story.conversation.happening == "client_away"
    assert story.comes_back().conversation.happening == "listening"
