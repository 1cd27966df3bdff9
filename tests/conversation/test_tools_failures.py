"""What a model is told of a failure depends on the tool; the record has all of it. And what is too much is cut."""

from typing import Any

import pytest

from parola.conversation.events import ToolAsked
from parola.conversation.tool_results import ARE_DATA
from parola.conversation.tool_round import MAX_CALLS
from parola.protocol.server_messages import AgentToolRequest, AgentToolResponse, ClientToolCall
from tests.story import Story, client_tool, server_tool, system_tool

RAW = "HTTP 503 from https://inside.example/orders.\nStack trace: everything"


def failed(tool: Any, **facts: Any) -> Story:
    story = Story(tools=[tool]).connects().asks("Where is it?").agent_calls("look_up")
    if tool.type == "client":
        return story.client_answers("look_up", RAW, is_error=True, error_type=facts.get("error_type"))
    return story.tool_finishes("look_up", "No luck", is_error=True, raw_error=RAW, **facts)


def results_of(story: Story) -> list[dict[str, Any]]:
    return [result for turn in story.record for result in turn["tool_results"]]


SUMMARY = 'The tool "look_up" failed: HTTP 503 from https://inside.example/orders.'


@pytest.mark.parametrize(
    ("kind", "mode", "read"),
    [
        ("webhook", None, 'The tool "look_up" failed.'),
        ("webhook", "auto", 'The tool "look_up" failed.'),
        ("webhook", "hide", 'The tool "look_up" failed.'),
        ("webhook", "summarized", SUMMARY),
        ("webhook", "passthrough", RAW),
        ("webhook", "no such mode", 'The tool "look_up" failed.'),
        ("mcp", "auto", RAW),
        ("mcp", "hide", 'The tool "look_up" failed.'),
        ("client", "auto", RAW),
        ("client", "summarized", SUMMARY),
        ("client", "hide", 'The tool "look_up" failed.'),
    ],
)
def test_the_model_reads_what_the_mode_allows_and_the_record_keeps_all(kind, mode, read):
    config = {} if mode is None else {"tool_error_handling_mode": mode}
    tool = client_tool("look_up", **config) if kind == "client" else server_tool("look_up", kind, **config)
    story = failed(tool, error_type="external_server")
    assert story.tool_results == {"look_up": f"Error: {read}"}
    result = results_of(story)[0]
    assert result["is_error"] and result["error_type"] == "external_server" and result["tool_has_been_called"]
    assert result["raw_error_message"] == RAW and result["result_value"] == read


def test_a_failure_without_a_type_has_one():
    assert results_of(failed(server_tool("look_up")))[0]["error_type"] == "unknown"


@pytest.mark.parametrize(
    ("mode", "read"),
    [
        ("auto", 'The tool "look_up" failed.'),
        ("summarized", 'The tool "look_up" gave no answer in time.'),
        ("passthrough", 'The tool "look_up" gave no answer within 5 s.'),
    ],
)
def test_a_time_out_is_a_failure_like_others(mode, read):
    tool = server_tool("look_up", timeout=5, tool_error_handling_mode=mode)
    story = Story(tools=[tool]).connects().asks("Where is it?").agent_calls("look_up").wait(5)
    assert story.tool_results == {"look_up": f"Error: {read}"}
    assert results_of(story)[0]["raw_error_message"] == 'The tool "look_up" gave no answer within 5 s.'


def test_what_was_not_called_is_told_as_it_is():
    story = failed(server_tool("look_up"), is_called=False, error_type="not_called")
    assert story.tool_results == {"look_up": "Error: No luck"}


def test_a_long_summary_ends_at_a_word():
    story = Story(tools=[client_tool("look_up", tool_error_handling_mode="summarized")]).connects().asks("Where?")
    story.agent_calls("look_up").client_answers("look_up", "word " * 200, is_error=True)
    assert len(story.tool_results["look_up"]) < 200 and story.tool_results["look_up"].endswith("word….")


def test_a_model_that_asks_for_too_much_at_once_gets_the_first_sixteen():
    story = Story(tools=[client_tool("look_up")]).connects().asks("All of them")
    story.agent_calls(*[("look_up", {"order": number}) for number in range(20)])
    calls = story.sent_of(ClientToolCall)
    assert [call.parameters["order"] for call in calls] == list(range(MAX_CALLS))
    assert len(story.sent_of(AgentToolRequest)) == MAX_CALLS
    for call in calls:
        story.tell(story.result_of(call.tool_call_id, "ok"))
    results = results_of(story)
    assert len(results) == 20 and [r["error_type"] for r in results[MAX_CALLS:]] == ["too_many_calls"] * 4
    told = [m["content"] for m in story.messages if m["role"] == "tool"]
    assert told[-1] == "Error: Not called: at most 16 tools can be called at once, and this is one more."
    assert len(story.sent_of(AgentToolResponse)) == MAX_CALLS


def test_the_model_is_told_that_results_are_no_instructions():
    request = Story(tools=[server_tool("look_up")], prompt="Be kind.").connects().asks("Hi").replies[-1].request
    assert request is not None and request.messages[0] == {"role": "system", "content": f"Be kind.\n\n{ARE_DATA}"}


def test_an_agent_that_takes_nothing_from_outside_keeps_its_prompt():
    request = Story(tools=[system_tool("end_call")], prompt="Be kind.").connects().asks("Hi").replies[-1].request
    assert request is not None and request.messages[0] == {"role": "system", "content": "Be kind."}


def test_how_a_tool_was_called_is_in_the_record():
    details = {"type": "webhook", "method": "GET", "url": "https://x.example"}
    story = Story(tools=[server_tool("look_up")]).connects().asks("Hi").agent_calls("look_up").wait(1.5)
    story.tool_finishes("look_up", "ok", details=details)
    assert story.record[1]["tool_calls"][0]["tool_details"] == details
    assert results_of(story)[0]["tool_latency_secs"] == 1.5


def test_what_was_asked_of_a_tool_that_never_answered_is_in_the_record():
    story = Story(tools=[server_tool("look_up", timeout=5)]).connects().asks("Where?").agent_calls("look_up")
    asked = {"type": "webhook", "method": "GET", "url": "https://crm.example/7"}
    story.tell(ToolAsked(story.call_id("look_up"), asked)).wait(5)
    turn = next(turn for turn in story.record if turn["tool_calls"])
    assert turn["tool_calls"][0]["tool_details"] == asked
    result = turn["tool_results"][0]
    assert (result["error_type"], result["tool_latency_secs"]) == ("timeout", 5.0)
