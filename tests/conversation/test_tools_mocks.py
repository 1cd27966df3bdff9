"""An agent can be tried without its tools: a client asks for it, and answers stand on the tools."""

from typing import Any

import pytest

from parola.conversation.start import Beginning, begin
from parola.conversation.tool_mocks import with_mocks
from parola.errors import ConversationRefused
from parola.protocol.client_messages import ConversationInitiationClientData, ToolMockConfig
from parola.protocol.server_messages import ClientToolCall
from tests.story import Story, client_tool, server_tool, system_tool


def mock(result: str, *conditions: tuple[str, dict[str, Any]], is_error: bool = False) -> dict[str, Any]:
    listed = [{"path": path, "eval": evaluation} for path, evaluation in conditions]
    return {"parameter_conditions": listed, "mock_result": result, "is_error": is_error}


def mocked(*mocks: dict[str, Any], make: Any = server_tool, **config: Any) -> Story:
    strategy = ToolMockConfig(**{"mocking_strategy": "all", **config})
    tools = with_mocks({"look_up": make("look_up", response_mocks=list(mocks))}, strategy, [])
    return Story(tools=list(tools.values())).connects().asks("Where is it?")


MOCKS = (
    mock("seven", ("order", {"type": "exact", "expected_value": "7"})),
    mock("rome", ("where.city", {"type": "regex", "pattern": "^Ro"}), ("order", {"type": "anything"})),
    mock("no such order", ("order", {"type": "exact", "expected_value": "0"}), is_error=True),
)


@pytest.mark.parametrize("make", [client_tool, server_tool])
@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        ({"order": 7}, "seven"),
        ({"order": "7", "where": {"city": "Rome"}}, "seven"),
        ({"where": {"city": "Rome"}}, "rome"),
        ({"order": 0}, 'Error: The tool "look_up" failed.'),
        (
            {"order": 8},
            'Error: The tool "look_up" is mocked, and none of its response_mocks fits these arguments.',
        ),
    ],
)
def test_the_first_mock_that_fits_answers_and_the_tool_is_not_called(make, arguments, read):
    story = mocked(*MOCKS, make=lambda name, **c: make(name, tool_error_handling_mode="hide", **c))
    story.agent_calls(("look_up", arguments))
    assert story.runs == [] and story.sent_of(ClientToolCall) == []
    assert story.tool_results == {"look_up": read}


def test_a_mock_without_conditions_fits_always():
    assert mocked(mock("anything")).agent_calls("look_up").tool_results == {"look_up": "anything"}


def test_the_real_tool_may_stand_in_where_no_mock_fits():
    story = mocked(*MOCKS, fallback_strategy="call_real_tool").agent_calls(("look_up", {"order": 8}))
    assert len(story.runs) == 1


def test_only_those_that_are_named_are_mocked_when_some_are_selected():
    tools = {name: server_tool(name, response_mocks=[mock("mocked")]) for name in ("one", "two")}
    warnings: list[str] = []
    config = ToolMockConfig(mocking_strategy="selected", mocked_tool_names=["two", "three"])
    story = Story(tools=list(with_mocks(tools, config, warnings).values())).connects().asks("Go")
    story.agent_calls("one", "two")
    assert [run.tool.name for run in story.runs] == ["one"]
    assert warnings == ['tool_mock_config names the tool "three", which the agent does not have.']


def test_what_the_agent_does_itself_is_never_mocked():
    tools = {"end_call": system_tool("end_call")}
    assert with_mocks(tools, ToolMockConfig(mocking_strategy="all"), []) == tools


def test_nothing_is_mocked_unless_it_is_asked_for():
    tools = {"look_up": server_tool("look_up", response_mocks=[mock("mocked")])}
    assert with_mocks(tools, None, []) == tools == with_mocks(tools, ToolMockConfig(), [])


def test_a_mocked_answer_sets_variables_like_a_real_one():
    tool = server_tool(
        "look_up",
        response_mocks=[mock('{"name": "Ann"}')],
        assignments=[{"dynamic_variable": "name", "value_path": "name"}],
    )
    tools = with_mocks({"look_up": tool}, ToolMockConfig(mocking_strategy="all"), [])
    story = Story(tools=list(tools.values()), prompt="{{name}}", variables={"name": ""}).connects().asks("Who?")
    request = story.agent_calls("look_up").replies[-1].request
    assert request is not None and str(request.messages[0]["content"]).startswith("Ann")


@pytest.mark.parametrize(
    ("config", "tool", "why"),
    [
        ({"mocking_strategy": "some"}, {}, "mocking_strategy: expected one of none, all, selected, got 'some'"),
        (
            {"mocking_strategy": "all", "fallback_strategy": "guess"},
            {},
            "fallback_strategy: expected one of raise_error, call_real_tool, got 'guess'",
        ),
        (
            {"mocking_strategy": "all"},
            {"response_mocks": [mock("x", ("a", {"type": "llm", "description": "polite"}))]},
            "eval expected one of anything, exact, regex, got 'llm'",
        ),
        (
            {"mocking_strategy": "all"},
            {"response_mocks": [mock("x", ("a", {"type": "regex", "pattern": "("}))]},
            "is no regular expression",
        ),
        ({"mocking_strategy": "all"}, {"response_mocks": ["x"]}, "expected a list of objects"),
        (
            {"mocking_strategy": "all"},
            {"response_mocks": [{"parameter_conditions": [{"path": "a"}]}]},
            "expected a condition with path and eval",
        ),
    ],
)
def test_what_cannot_be_mocked_refuses_the_conversation_and_says_why(config, tool, why):
    with pytest.raises(ConversationRefused, match=why.replace("(", r"\(")):
        with_mocks({"look_up": server_tool("look_up", **tool)}, ToolMockConfig(**config), [])


# -- tools that a client brings ---------------------------------------------------------------------------------------

BROUGHT = {"name": "beep", "description": "Beeps", "expects_response": True}


def begun(tools: list[Any], *, is_allowed: bool = True, own: Any = ()) -> Any:
    document = {
        "conversation_config": {"agent": {"prompt": {"prompt": "Hi", "tools": list(own)}}},
        "platform_settings": {"overrides": {"x_tools": is_allowed}},
    }
    beginning = Beginning("conv_1", "agent_1", "Ann", document)
    return begin(beginning, ConversationInitiationClientData(x_tools=tools))


def test_a_client_may_bring_tools_it_runs_itself_when_the_agent_allows_it():
    tool = begun([BROUGHT]).tools["beep"]
    assert tool.type == "client" and tool.expects_response and tool.definition.description == "Beeps"


def test_a_client_that_may_not_bring_tools_is_refused():
    with pytest.raises(ConversationRefused, match=r"platform_settings\.overrides\.x_tools") as refused:
        begun([BROUGHT], is_allowed=False)
    assert refused.value.error_type == "override_error"


@pytest.mark.parametrize(
    "tool",
    [
        {**BROUGHT, "type": "webhook", "api_schema": {"url": "https://x.example"}},
        {**BROUGHT, "type": "system"},
        {**BROUGHT, "name": "no name"},
        {**BROUGHT, "parameters": {"type": "object", "properties": {"tool_call_id": {"type": "string"}}}},
        {},
    ],
)
def test_only_client_tools_can_be_brought(tool):
    with pytest.raises(ConversationRefused, match="expected the config of a client tool"):
        begun([tool])


def test_the_agents_own_tool_of_the_same_name_counts():
    setup = begun([BROUGHT], own=[{"type": "client", "name": "beep", "description": "Mine"}])
    assert setup.tools["beep"].definition.description == "Mine"
    assert 'The client brought a tool "beep"; the agent has its own, which counts.' in setup.warnings
