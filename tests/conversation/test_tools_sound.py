"""While a tool takes its time the caller hears something, and never over anybody's words."""

from typing import Any

import pytest

from parola.conversation.actions import StartSound, StopSound
from parola.conversation.events import SoundMade
from parola.protocol.server_messages import Audio, UserTranscript
from tests.story import Story, server_tool

TOOL = server_tool("look_up", tool_call_sound="typing", tool_call_sound_behavior="always")


def asked(tool: Any = TOOL, **setup: Any) -> Story:
    return Story(tools=[tool], **setup).connects().asks("Where is it?")


def sounds(story: Story) -> list[Any]:
    return [action for action in story.actions if isinstance(action, StartSound | StopSound)]


def test_a_tool_that_takes_long_is_heard_until_its_result_is_there():
    story = asked().agent_calls("look_up").wait(0.4)
    assert sounds(story) == []
    assert sounds(story.wait(0.1)) == [StartSound("typing")]
    story.tell(SoundMade(b"\1\1", 0.2)).wait(0.1)
    assert [m.event_id for m in story.sent_of(Audio)] == [2]
    story.tool_finishes("look_up", "here")
    assert sounds(story) == [StartSound("typing"), StopSound()]
    assert story.replies[-1].playback_from == pytest.approx(story.now + 0.1)  # behind what is left of the sound
    story.tell(SoundMade(b"\1\1", 0.2))
    assert len(story.sent_of(Audio)) == 1


def test_a_quick_tool_is_not_heard():
    assert sounds(asked().agent_calls("look_up").wait(0.4).tool_finishes("look_up", "here").wait(2)) == []


def test_the_sound_waits_until_the_words_before_the_call_have_been_heard():
    story = asked().agent_calls("look_up", saying="One moment", seconds=3).wait(3.4)
    assert sounds(story) == []
    assert sounds(story.wait(0.1)) == [StartSound("typing")]


def test_without_words_before_the_call_there_is_a_sound_only_if_there_always_is():
    tool = server_tool("look_up", tool_call_sound="elevator1")
    assert sounds(asked(tool).agent_calls("look_up").wait(3)) == []
    assert sounds(asked(tool).agent_calls("look_up", saying="One moment").wait(3)) == [StartSound("elevator1")]


def test_a_user_who_speaks_is_not_spoken_over_by_a_sound():
    story = asked().agent_calls("look_up").wait(1).begins_to_speak()
    assert sounds(story) == [StartSound("typing"), StopSound()]
    story.wait(1).falls_silent("Are you there?").wait(3)
    assert story.sent_of(UserTranscript)[-1].user_transcript == "Are you there?"
    assert len(sounds(story)) == 2


def test_what_the_caller_has_heard_of_the_agent_is_not_changed_by_it():
    story = asked().agent_calls("look_up", saying="One moment").wait(2).tell(SoundMade(b"\1\1", 0.2))
    story.tool_finishes("look_up", "here").agent_says("It is here").wait(3)
    assert story.told[1:] == [("agent", "One moment"), ("agent", "It is here")]
    assert not any(turn["interrupted"] for turn in story.record)


def test_nothing_sounds_in_writing_or_after_the_end():
    story = Story(tools=[TOOL], text_only=True).connects().types("Where?").agent_calls("look_up").wait(3)
    assert sounds(story) == []
    story = asked().agent_calls("look_up").wait(1).hangs_up()
    assert story.close is not None and sounds(story) == [StartSound("typing")]
