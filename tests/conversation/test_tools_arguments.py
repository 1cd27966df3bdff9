"""What a model wants of a tool is checked before the tool is called; what does not fit goes back to the model."""

from typing import Any

import pytest

from parola.conversation.events import ModelFinished, ReplyFinished, ToolCalled
from parola.conversation.tool_arguments import checked
from parola.protocol.server_messages import AgentToolRequest, AgentToolResponse, ClientToolCall
from tests.story import Story, client_tool, server_tool, system_tool

ORDER = {
    "type": "object",
    "properties": {
        "order": {"type": "integer", "description": "Its number"},
        "size": {"type": "string", "enum": ["s", "m"]},
        "gift": {"type": "boolean"},
        "address": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "floor": {"type": "number"}},
            "required": ["city"],
        },
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["order"],
}


def asked(tool: Any = None) -> Story:
    return Story(tools=[tool or client_tool("buy", parameters=ORDER)]).connects().asks("I want it")


def results_of(story: Story) -> list[dict[str, Any]]:
    return [result for turn in story.record for result in turn["tool_results"]]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, '"order" is missing: expected a whole number'),
        ({"order": "seven"}, '"order": expected a whole number, got "seven"'),
        ({"order": 7.5}, '"order": expected a whole number, got 7.5'),
        ({"order": True}, '"order": expected a whole number, got true'),
        ({"order": None}, '"order": expected a whole number, got null'),
        ({"order": 7, "size": "xl"}, '"size": expected one of "s", "m", got "xl"'),
        ({"order": 7, "gift": "yes"}, '"gift": expected true or false, got "yes"'),
        ({"order": 7, "address": "Rome"}, '"address": expected an object, got "Rome"'),
        ({"order": 7, "address": {}}, '"address.city" is missing: expected a text'),
        ({"order": 7, "address": {"city": "Rome", "floor": "two"}}, '"address.floor": expected a number, got "two"'),
        ({"order": 7, "tags": ["a", 2]}, '"tags.1": expected a text, got 2'),
        ({"size": "xl"}, '"size": expected one of "s", "m", got "xl"; "order" is missing: expected a whole number'),
    ],
)
@pytest.mark.parametrize("make", [client_tool, server_tool, lambda *a, **k: server_tool(*a, "mcp", **k)])
def test_arguments_that_do_not_fit_go_back_to_the_model_and_the_tool_is_not_called(make, arguments, problem):
    story = asked(make("buy", parameters=ORDER)).agent_calls(("buy", arguments))
    assert story.sent_of(ClientToolCall) == [] and story.runs == []
    assert story.tool_results == {"buy": f"Error: Not called: {problem}. Call it again with arguments that fit."}
    result = results_of(story)[0]
    assert not result["tool_has_been_called"] and result["error_type"] == "invalid_arguments"
    assert result["raw_error_message"] == result["result_value"]
    request, response = story.sent_of(AgentToolRequest, AgentToolResponse)
    assert response.is_error and not response.is_called and request.tool_call_id == response.tool_call_id


def test_arguments_that_fit_go_through_as_they_are():
    arguments = {"order": 7.0, "size": "m", "gift": False, "address": {"city": "Rome", "floor": 2}, "tags": ["a"]}
    story = asked().agent_calls(("buy", arguments))
    assert story.sent_of(ClientToolCall)[0].parameters == arguments


def test_a_null_for_what_is_optional_is_as_good_as_nothing():
    story = asked().agent_calls(("buy", {"order": 7, "size": None}))
    assert story.sent_of(ClientToolCall)[0].parameters == {"order": 7}


def test_names_the_tool_does_not_know_are_left_out_and_the_model_is_told():
    story = asked().agent_calls(("buy", {"order": 7, "color": "red", "address": {"city": "Rome", "zip": 1}}))
    assert story.sent_of(ClientToolCall)[0].parameters == {"order": 7, "address": {"city": "Rome"}}
    story.client_answers("buy", "done")
    assert story.tool_results == {"buy": "done\n[Not parameters of this tool, ignored: color, address.zip.]"}
    assert results_of(story)[0]["result_value"] == "done"


def test_a_tool_without_parameters_takes_what_comes():
    assert asked(client_tool("buy")).agent_calls(("buy", {"any": 1})).sent_of(ClientToolCall)[0].parameters == {
        "any": 1
    }


def test_an_mcp_server_may_take_more_than_it_lists_unless_it_says_no():
    story = asked(server_tool("buy", "mcp", parameters=ORDER)).agent_calls(("buy", {"order": 7, "color": "red"}))
    assert story.runs[0].arguments == {"order": 7, "color": "red"}
    closed = {**ORDER, "additionalProperties": False}
    story = asked(server_tool("buy", "mcp", parameters=closed)).agent_calls(("buy", {"order": 7, "color": "red"}))
    assert story.runs[0].arguments == {"order": 7}


@pytest.mark.parametrize("wrote", ['{"order": 7', "[7]", "seven"])
def test_arguments_that_cannot_be_read_are_an_error_the_model_reads_and_the_call_goes_on(wrote):
    story = asked().tell(ToolCalled(1, "buy", {}, unreadable=wrote), ModelFinished(1), ReplyFinished(1))
    assert story.tool_results == {
        "buy": f"Error: Not called: expected the arguments as one JSON object, got {wrote!r}. Call it again."
    }
    assert story.phase == "thinking" and story.record[1]["tool_calls"][0]["params_as_json"] == "{}"


def test_an_agent_may_hang_up_without_a_reason():
    tool = system_tool("end_call")
    schema = {"type": "object", "properties": {"reason": {"type": "string"}}, "required": ["reason"]}
    story = Story(tools=[tool, client_tool("buy", parameters=schema)]).connects().asks("Bye")
    assert story.agent_calls("end_call", saying="Goodbye", seconds=1).wait(2).close is not None


def test_a_name_that_no_tool_can_have_goes_back_as_one_that_vendors_take():
    story = asked().agent_calls("buy.now please")
    assert story.record[1]["tool_calls"][0]["tool_name"] == "buy_now_please"


@pytest.mark.parametrize(
    ("schema", "value"),
    [({"type": ["string", "null"]}, None), ({"anyOf": [{"type": "string"}]}, 3), ({}, {"a": 1}), ({"enum": [1]}, 1)],
)
def test_what_the_schema_leaves_open_is_left_open(schema, value):
    found = checked({"x": value}, {"type": "object", "properties": {"x": schema}})
    assert found.problems == [] and found.arguments == {"x": value}


def test_a_long_wrong_value_is_shown_in_part():
    found = checked({"x": "y" * 500}, {"type": "object", "properties": {"x": {"type": "integer"}}})
    assert len(found.problems[0]) < 150
