"""When a tool runs, what is said before it, and what becomes of a result that nobody waited for."""

from typing import Any

import pytest

from parola.conversation.actions import Record, StopTool
from parola.conversation.events import (
    ModelFinished,
    ReplyAudio,
    ReplyFinished,
    ReplyText,
    SentenceStarted,
    ToolCalled,
    ToolFinished,
)
from parola.conversation.tool_results import IN_BACKGROUND
from parola.conversation.tool_speech import ANNOUNCE, BE_SILENT
from parola.protocol.server_messages import AgentResponse, AgentToolResponse, ClientToolCall, Interruption
from tests.story import Story, client_tool, server_tool, system_tool


def asked(*tools: Any, **setup: Any) -> Story:
    return Story(tools=tools, **setup).connects().asks("Book it")


def results_of(story: Story) -> list[dict[str, Any]]:
    return [result for turn in story.record for result in turn["tool_results"]]


# -- after the words before it ----------------------------------------------------------------------------------------

LATER = server_tool("book", execution_mode="post_tool_speech")


def test_a_tool_may_wait_until_the_words_before_it_have_been_heard():
    story = asked(LATER).agent_calls("book", saying="I will book it now", seconds=3).wait(2.9)
    assert story.runs == [] and story.phase == "waiting"
    story.wait(0.1)
    assert [run.tool.name for run in story.runs] == ["book"]
    story.wait(1).tool_finishes("book", "booked")
    assert story.tool_results == {"book": "booked"} and results_of(story)[0]["tool_latency_secs"] == 1.0


def test_without_words_it_does_not_wait():
    assert len(asked(LATER).agent_calls("book").runs) == 1


def test_in_writing_it_does_not_wait():
    story = Story(tools=[LATER], text_only=True).connects().types("Book it").agent_calls("book", saying="I will")
    assert len(story.runs) == 1


def test_its_time_begins_when_it_is_called():
    tool = server_tool("book", execution_mode="post_tool_speech", timeout=5, tool_error_handling_mode="passthrough")
    story = asked(tool).agent_calls("book", saying="One moment", seconds=8).wait(12.9)
    assert story.phase == "waiting"
    assert "within 5 s" in story.wait(0.2).tool_results["book"]


def test_a_user_who_speaks_up_before_it_keeps_it_from_being_called():
    story = asked(LATER).agent_calls("book", saying="I will charge you now", seconds=4).wait(1).asks("No, wait")
    assert story.sent_of(Interruption) != [] and story.runs == []
    assert story.tool_results == {
        "book": "Error: Not called: the user spoke before your words were over. Call it again if it is still wanted."
    }
    assert not results_of(story)[0]["tool_has_been_called"] and results_of(story)[0]["error_type"] == "interrupted"
    assert story.asked_llm_with("Book it", "No, wait")


def test_other_tools_of_the_step_run_at_once():
    story = asked(LATER, server_tool("look")).agent_calls("book", "look", saying="One moment", seconds=3)
    assert [run.tool.name for run in story.runs] == ["look"]
    story.tool_finishes("look", "seen")
    assert len(story.replies) == 1
    assert [run.tool.name for run in story.wait(3).runs] == ["look", "book"]


def test_a_goodbye_beside_it_calls_it_at_once():
    story = asked(LATER, system_tool("end_call")).agent_calls("book", "end_call", saying="Goodbye", seconds=3)
    assert len(story.runs) == 1
    assert story.wait(3).close is None
    assert story.tool_finishes("book", "booked").close is not None


# -- in the background -------------------------------------------------------------------------------------------------

SLOW = server_tool("book", execution_mode="async")


def test_the_model_goes_on_at_once_and_hears_of_the_result_when_it_comes():
    story = asked(SLOW, turn_timeout_seconds=-1).agent_calls("book")
    assert story.phase == "thinking" and story.tool_results == {"book": IN_BACKGROUND}
    story.agent_says("I am on it").wait(10)
    assert story.phase == "listening" and results_of(story) == []
    story.tool_finishes("book", "booked, number 7")
    assert story.phase == "thinking"
    call_id = story.call_id("book")[-32:]
    assert story.messages[-2:] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": f"{call_id}_late", "type": "function", "function": {"name": "book", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": f"{call_id}_late", "content": "booked, number 7"},
    ]
    story.agent_says("It is booked").wait(1)
    result = results_of(story)[0]
    assert result["result_value"] == "booked, number 7" and result["tool_latency_secs"] == 10.0
    assert story.sent_of(AgentToolResponse)[0].event_id == 2
    assert story.sent_of(AgentResponse)[-1].event_id > 2


def test_a_client_may_run_one_in_the_background_too():
    story = asked(client_tool("book", execution_mode="async"), turn_timeout_seconds=-1).agent_calls("book")
    assert story.sent_of(ClientToolCall)[0].expects_response and story.phase == "thinking"
    story.agent_says("I am on it").wait(3).client_answers("book", "booked")
    assert story.messages[-1]["content"] == "booked"
    assert story.client_answers("book", "again").effects == []


def test_a_result_that_comes_while_the_agent_speaks_is_told_afterwards():
    story = asked(SLOW).agent_calls("book").agent_says("I am on it, and meanwhile", seconds=4).wait(1)
    story.tool_finishes("book", "booked")
    assert story.phase == "speaking" and len(story.replies) == 2
    assert story.wait(3).phase == "thinking" and story.messages[-1]["content"] == "booked"


def test_a_result_that_comes_while_the_user_speaks_is_there_when_they_are_answered():
    story = asked(SLOW).agent_calls("book").agent_says("I am on it").wait(2).begins_to_speak().wait(1)
    story.tool_finishes("book", "booked")
    assert story.phase == "listening" and len(story.replies) == 2
    story.falls_silent("And a taxi").wait(1)
    assert story.asked_llm_with("Book it", "And a taxi")
    assert any(m["content"] == "booked" for m in story.messages)
    assert story.agent_says("Both are done").wait(2).phase == "listening"


def test_a_result_that_comes_while_the_model_thinks_is_told_after_its_answer():
    story = asked(SLOW).agent_calls("book").tool_finishes("book", "booked")
    assert len(story.replies) == 2
    story.agent_says("I am on it").wait(1)
    assert len(story.replies) == 3 and story.messages[-1]["content"] == "booked"


def test_one_that_never_answers_times_out():
    tool = server_tool("book", execution_mode="async", timeout=5, tool_error_handling_mode="passthrough")
    story = asked(tool, turn_timeout_seconds=-1).agent_calls("book").agent_says("I am on it").wait(5)
    assert story.messages[-1]["content"] == 'Error: The tool "book" gave no answer within 5 s.'
    assert StopTool(story.call_id("book")) in story.actions


def test_its_time_out_leaves_alone_what_the_model_is_just_asking_for():
    story = asked(server_tool("book", execution_mode="async", timeout=5), server_tool("look"), turn_timeout_seconds=-1)
    story.agent_calls("book").wait(1).tell(ToolCalled(2, "look", {})).wait(4)
    story.tell(ModelFinished(2), ReplyFinished(2))
    assert [run.tool.name for run in story.runs] == ["book", "look"] and story.phase == "waiting"


def test_a_conversation_that_ends_first_says_so_and_what_comes_later_is_in_the_record_alone():
    story = asked(SLOW).agent_calls("book").agent_says("I am on it").hangs_up()
    assert StopTool(story.call_id("book")) not in story.actions
    assert results_of(story)[0]["error_type"] == "not_answered"
    late = story.conversation.handle(ToolFinished(story.call_id("book"), "booked"), story.now + 60)
    assert [type(action) for action in late] == [Record]
    [result] = late[0].turn["tool_results"]
    assert (result["result_value"], result["is_error"], result["error_type"]) == ("booked", False, "")
    again = ToolFinished(story.call_id("book"), "twice")
    assert story.conversation.handle(again, story.now + 61) == []


def test_its_assignments_are_followed_when_it_answers():
    tool = server_tool("book", execution_mode="async", assignments=[{"dynamic_variable": "n", "value_path": "number"}])
    story = asked(tool, prompt="Number {{n}}", variables={"n": "none"}, turn_timeout_seconds=-1).agent_calls("book")
    story.agent_says("I am on it").wait(3).tool_finishes("book", '{"number": 7}', response={"number": 7})
    request = story.replies[-1].request
    assert request is not None and str(request.messages[0]["content"]).startswith("Number 7")


def test_two_of_them_are_told_one_after_the_other():
    story = asked(SLOW, server_tool("look", execution_mode="async"), turn_timeout_seconds=-1)
    story.agent_calls("book", "look").agent_says("I am on both").wait(2).tool_finishes("look", "seen")
    assert story.agent_says("Seen").wait(2).tool_finishes("book", "booked").messages[-1]["content"] == "booked"


def test_it_does_not_keep_the_agent_from_hanging_up():
    story = asked(SLOW, system_tool("end_call")).agent_calls("book", "end_call", saying="Goodbye", seconds=1)
    assert story.wait(1).close is not None


# -- what is said before it -------------------------------------------------------------------------------------------

FORCED = server_tool("book", pre_tool_speech="force")
SILENT = server_tool("book", pre_tool_speech="off")


@pytest.mark.parametrize(("tool", "hint"), [(FORCED, ANNOUNCE), (SILENT, BE_SILENT)])
def test_the_model_is_told_what_to_say_before_a_tool(tool, hint):
    request = asked(tool).replies[-1].request
    assert request is not None and request.tools[0].description == f"book, for a story {hint}"


def test_the_older_spelling_counts():
    assert asked(server_tool("book", force_pre_tool_speech=True)).replies[-1].announcements != {}
    both = server_tool("book", force_pre_tool_speech=True, pre_tool_speech="off")
    assert asked(both).replies[-1].announcements == {}


def test_a_tool_that_must_be_announced_is_announced_though_the_model_says_nothing():
    story = asked(FORCED, language="de")
    assert story.replies[-1].announcements == {"book": "Einen Moment, bitte."}
    story.agent_calls("book")
    assert story.told[-1] == ("agent", "Einen Moment, bitte.") and len(story.runs) == 1
    assert asked(FORCED).agent_calls("book", saying="I will book it").told[-1] == ("agent", "I will book it")


def test_nothing_is_announced_in_writing():
    story = Story(tools=[FORCED], text_only=True).connects().types("Book it")
    assert story.replies[-1].announcements == {}


def test_the_announcement_is_in_the_language_that_was_switched_to():
    tools = [FORCED, system_tool("language_detection", languages=("en", "fr"))]
    story = Story(tools=tools).connects().asks("Bonjour").agent_calls(("language_detection", {"language": "fr"}))
    assert story.replies[-1].announcements == {"book": "Un instant, s'il vous plaît."}


def test_words_before_a_tool_that_wants_none_are_dropped_while_nobody_has_heard_them():
    story = asked(SILENT).tell(
        ReplyText(1, "I will now book it."), SentenceStarted(1, "I will now book it."), ToolCalled(1, "book", {})
    )
    story.tell(ModelFinished(1))
    assert story.stopped_reply(1) and story.phase == "waiting" and len(story.runs) == 1
    assert story.told[-1] == ("agent", None)
    assert story.tool_finishes("book", "booked").phase == "thinking"


def test_words_before_it_that_have_been_sent_stay():
    story = asked(SILENT).tell(
        ReplyText(1, "I will now book it."), SentenceStarted(1, "I will now book it."), ReplyAudio(1, b"\0\0", 1.0)
    )
    story.tell(ToolCalled(1, "book", {}), ModelFinished(1), ReplyFinished(1))
    assert story.told[-1] == ("agent", "I will now book it.")
