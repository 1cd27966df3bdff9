"""Calls of MCP servers' tools: what the client sees of them, who has to agree, what the model reads."""

from __future__ import annotations

from typing import Any

import pytest

from parola.conversation.actions import RunTool, StopTool
from parola.conversation.events import McpServerTried, ToolFinished
from parola.conversation.mcp_calls import APPROVAL_SECONDS, NOT_APPROVED
from parola.conversation.mcp_tools import MOST_TOOLS, ListedTool, McpServer, arguments_for, name_for
from parola.conversation.tool_results import AWAITS_APPROVAL
from parola.protocol.client_messages import McpToolApprovalResult
from parola.protocol.server_messages import (
    AgentToolRequest,
    AgentToolResponse,
    McpConnectionStatus,
    McpToolCall,
    Ping,
)
from tests.conversation.relays import arrives, built_in
from tests.story import Story, client_tool, server_tool

SEARCH = ListedTool(
    "search", "Looks things up", {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
)


def server(server_id: str = "mcp_1", policy: str = "require_approval_all", **config: Any) -> McpServer:
    return McpServer.of(server_id, {"name": "Library", "approval_policy": policy, "url": "https://x", **config})


def story_with(*servers: McpServer, **setup: Any) -> Story:
    return Story(mcp_servers=servers, **setup).connects()


def reached(server_id: str = "mcp_1", *tools: ListedTool) -> McpServerTried:
    return McpServerTried(server_id, True, tools or (SEARCH,))


def searching(policy: str = "require_approval_all", **setup: Any) -> Story:
    """The model has just called ``search``."""
    story = story_with(server(policy=policy), **setup).tell(reached())
    return story.asks("Find soup").agent_calls(("search", {"q": "soup"}))


def approves(story: Story, name: str = "search", *, yes: bool = True) -> Story:
    return story.tell(McpToolApprovalResult(tool_call_id=story.call_id(name), is_approved=yes))


def answers(story: Story, text: str, name: str = "search", **how: Any) -> Story:
    content = ({"type": "text", "text": text},)
    return story.tell(ToolFinished(story.call_id(name), text, content=content, **how))


def states(story: Story) -> list[str]:
    return [message.state for message in story.sent_of(McpToolCall)]


def runs(story: Story) -> list[RunTool]:
    return [action for action in story.actions if isinstance(action, RunTool)]


# -- the state machine ------------------------------------------------------------------------------------------------


def test_a_call_nobody_has_to_agree_to_runs_at_once():
    story = searching("auto_approve_all")
    assert states(story) == ["loading"]
    assert [(run.tool.config["mcp_tool_name"], run.arguments) for run in runs(story)] == [("search", {"q": "soup"})]
    answers(story, "12 soups")
    assert states(story) == ["loading", "success"]
    last = story.sent_of(McpToolCall)[-1]
    assert last.result == [{"type": "text", "text": "12 soups"}]
    assert (last.service_id, last.tool_name, last.tool_description) == ("mcp_1", "search", "Looks things up")
    assert last.timestamp.endswith("+00:00")
    assert story.tool_results == {"search": "12 soups"}


def test_a_call_runs_when_it_has_been_approved():
    story = searching()
    assert states(story) == ["loading", "awaiting_approval"] and not runs(story)
    assert story.sent_of(McpToolCall)[-1].approval_timeout_secs == APPROVAL_SECONDS
    story.wait(200)
    approves(story)
    assert len(runs(story)) == 1 and states(story) == ["loading", "awaiting_approval"]
    answers(story, "12 soups")
    assert states(story)[-1] == "success" and story.tool_results == {"search": "12 soups"}


def test_a_call_that_was_refused_is_never_made():
    story = approves(searching(), yes=False)
    assert states(story) == ["loading", "awaiting_approval", "failure"] and not runs(story)
    assert story.sent_of(McpToolCall)[-1].error_message == NOT_APPROVED
    response = story.sent_of(AgentToolResponse)[-1]
    assert (response.tool_type, response.is_called, response.is_error) == ("mcp", False, True)
    assert NOT_APPROVED in story.tool_results["search"]
    call, result = story.record[-1]["tool_calls"][0], story.record[-1]["tool_results"][0]
    assert not call["tool_has_been_called"] and result["error_type"] == "user_rejected"


def test_nobody_agrees_within_five_minutes_and_the_call_fails():
    story = searching().wait(APPROVAL_SECONDS - 1)
    assert states(story)[-1] == "awaiting_approval"
    story.wait(1)
    assert states(story)[-1] == "failure" and not runs(story)
    assert "300 s" in story.tool_results["search"]
    approves(story)
    assert not runs(story) and states(story)[-1] == "failure"


def test_the_time_of_the_tool_begins_with_the_approval():
    story = approves(searching().wait(299)).wait(29)
    assert states(story)[-1] == "awaiting_approval"
    story.wait(1)
    assert states(story)[-1] == "failure"
    assert [action.call_id for action in story.actions if isinstance(action, StopTool)] == [story.call_id("search")]


def test_the_first_answer_counts():
    story = approves(approves(searching(), yes=False), yes=True)
    assert not runs(story)
    story = approves(approves(searching()), yes=False)
    assert len(runs(story)) == 1 and states(story) == ["loading", "awaiting_approval"]
    approves(story)
    assert len(runs(story)) == 1


def test_an_approval_of_nothing_is_ignored():
    story = searching()
    assert story.tell(McpToolApprovalResult(tool_call_id="made_up", is_approved=True)).step == []


def test_a_failure_is_told_in_the_servers_words():
    story = answers(searching("auto_approve_all"), "the shelf is empty", is_error=True, raw_error="the shelf is empty")
    assert story.sent_of(McpToolCall)[-1].error_message == "the shelf is empty"
    assert "the shelf is empty" in story.tool_results["search"]


def test_a_client_that_cannot_be_asked_is_not_waited_for():
    story = searching(client_events=["audio", "agent_tool_request"])
    assert not runs(story) and story.thinking()
    assert "nobody can be asked" in story.tool_results["search"]
    assert any("client_events" in warning for warning in story.warnings)


def test_a_hang_up_ends_what_awaits_approval():
    story = searching()
    story.hangs_up()
    result = story.record[-1]["tool_results"][0]
    assert result["error_type"] == "not_answered" and not result["tool_has_been_called"]


def test_waiting_for_approval_holds_nothing_else_up():
    story = story_with(server(), tools=[client_tool("clock")]).tell(reached())
    story.asks("Find soup").agent_calls(("search", {"q": "soup"}), "clock", saying="One moment", seconds=2)
    story.wait(1)
    story.client_answers("clock", "noon")
    assert "clock" in [message.tool_name for message in story.sent_of(AgentToolResponse)]
    before = len(story.sent_of(Ping))
    story.wait(60)
    assert len(story.sent_of(Ping)) > before and states(story)[-1] == "awaiting_approval"


@pytest.mark.parametrize("says", ["asks", "types"])
def test_a_user_who_speaks_before_the_approval_is_answered_and_the_result_comes_later(says: str):
    story = getattr(searching().wait(10), says)("How long are you open?")
    request = story.replies[-1].request
    assert request is not None and request.messages[-1] == {"role": "user", "content": "How long are you open?"}
    assert story.tool_results == {"search": AWAITS_APPROVAL} and states(story)[-1] == "awaiting_approval"
    story.agent_says("Until eight", seconds=1).wait(2)
    assert story.told[-1] == ("agent", "Until eight") and not runs(story)
    approves(story)
    assert len(runs(story)) == 1 and story.phase == "listening", "the user has the floor while it runs"
    answers(story, "12 soups")
    assert "12 soups" in str(story.replies[-1].request), "the agent speaks of it"
    [result] = [result for turn in story.record for result in turn["tool_results"]]
    assert result["result_value"] == "12 soups" and states(story)[-1] == "success"


def test_a_user_who_speaks_while_other_tools_run_too_is_answered_when_those_are_done():
    story = story_with(server(), tools=[server_tool("look_up")]).tell(reached()).asks("Find soup")
    story.agent_calls(("search", {"q": "soup"}), "look_up").asks("Are you there?")
    assert len(story.replies) == 1
    story.tool_finishes("look_up", "seven")
    assert len(story.replies) == 2 and story.messages[-1]["content"] == "Are you there?"


def test_an_approval_that_nobody_gives_is_told_when_its_time_is_over():
    story = searching(turn_timeout_seconds=-1).asks("How long are you open?")
    story.agent_says("Until eight", seconds=1).wait(APPROVAL_SECONDS)
    assert states(story)[-1] == "failure" and "300 s" in str(story.replies[-1].request)


def test_a_server_of_the_new_agent_is_reached_after_it_took_over():
    transfer = built_in("transfer_to_agent", transfers=[{"agent_id": "agent_2", "condition": "soup"}])
    story = Story(tools=[transfer]).connects().asks("Soup").agent_calls(("transfer_to_agent", {"agent_number": 0}))
    arrives(story, mcp_servers=(server(policy="auto_approve_all"),)).agent_says("Yes?", seconds=1).wait(2)
    story.tell(reached()).asks("Find soup")
    assert offered(story) == ["search"]
    assert len(runs(story.agent_calls(("search", {"q": "soup"})))) == 1


def test_mocks_may_name_tools_that_servers_bring_and_others_are_warned_of_when_all_are_known():
    wanted = {"mocking_strategy": "selected", "mocked_tool_names": ["search", "fly"]}
    story = story_with(server(), client_data={"tool_mock_config": wanted})
    assert story.warnings == []
    assert story.tell(reached()).warnings == ['tool_mock_config names the tool "fly", which the agent does not have.']


def test_the_record_says_how_it_was_called():
    story = answers(approves(searching()), "12 soups")
    call = story.record[-1]["tool_calls"][0]
    assert call["type"] == "mcp"
    assert call["tool_details"] == {
        "type": "mcp",
        "mcp_server_id": "mcp_1",
        "mcp_server_name": "Library",
        "integration_type": "mcp_server",
        "parameters": {"q": "soup"},
        "approval_policy": "require_approval_all",
        "requires_approval": True,
        "mcp_tool_name": "search",
        "mcp_tool_description": "Looks things up",
    }


def test_every_kind_of_tool_is_mirrored():
    story = answers(searching("auto_approve_all"), "12 soups")
    request, response = story.sent_of(AgentToolRequest)[0], story.sent_of(AgentToolResponse)[0]
    assert request.tool_type == response.tool_type == "mcp" and request.tool_call_id == response.tool_call_id
    assert not response.is_error and response.is_called


# -- servers, as they are reached --------------------------------------------------------------------------------------


def offered(story: Story) -> list[str]:
    request = story.replies[-1].request
    assert request is not None
    return [tool.name for tool in request.tools]


def test_tools_are_added_from_the_next_step_on():
    story = story_with(server()).asks("Hello")
    assert offered(story) == []
    story.tell(reached()).agent_says("Hello", seconds=1).wait(2).asks("Find soup")
    assert offered(story) == ["search"]


def test_the_client_is_told_when_all_servers_have_been_tried():
    story = story_with(server(), server("mcp_2")).tell(reached())
    assert not story.sent_of(McpConnectionStatus)
    story.tell(McpServerTried("mcp_2", False, problem="cannot be reached: it is down."))
    [status] = story.sent_of(McpConnectionStatus)
    assert [(one.integration_id, one.is_connected, one.tool_count) for one in status.integrations] == [
        ("mcp_1", True, 1),
        ("mcp_2", False, 0),
    ]
    assert story.warnings == ["MCP server Library: cannot be reached: it is down."]
    story.tell(reached("mcp_2", SEARCH, ListedTool("lend")))
    assert story.sent_of(McpConnectionStatus)[-1].integrations[1].tool_count == 2


def test_tools_of_a_server_that_was_seen_before_are_there_while_it_is_being_reached():
    story = story_with(server()).tell(McpServerTried("mcp_1", False, (SEARCH,), is_settled=False)).asks("Hello")
    assert offered(story) == ["search"] and not story.sent_of(McpConnectionStatus)


def test_of_two_tools_with_one_name_each_can_be_called():
    story = story_with(server(), server("mcp_2", name="Second hand"), tools=[client_tool("lend")])
    story.tell(reached("mcp_1", SEARCH, ListedTool("lend")), reached("mcp_2")).asks("Hello")
    assert offered(story) == ["lend", "search", "Library_lend", "Second_hand_search"]


@pytest.mark.parametrize("name", ["a.b/c d", "größe", "x" * 200, "", "日本", "../../etc", "a" * 64])
def test_every_name_becomes_one_that_models_take(name: str):
    once = name_for(name, "Library", set())
    twice = name_for(name, "Library", {once})
    for made in (once, twice):
        assert made and len(made) <= 64 and made.isascii() and made.replace("_", "").replace("-", "").isalnum()
    assert once != twice


def test_more_tools_than_a_model_takes_are_left_out_and_that_is_said():
    many = tuple(ListedTool(f"tool_{number}") for number in range(500))
    story = story_with(server()).tell(reached("mcp_1", *many)).asks("Hello")
    assert len(offered(story)) == MOST_TOOLS
    assert any("372 of 500 tools are left out" in warning for warning in story.warnings)
    assert story.sent_of(McpConnectionStatus)[-1].integrations[0].tool_count == 500


# -- what a server's config says of its tools --------------------------------------------------------------------------


def approval(tool: ListedTool, policy: str = "auto_approved") -> dict[str, str]:
    return {"tool_name": tool.name, "tool_hash": tool.hash, "approval_policy": policy}


def test_a_tool_is_approved_as_it_was_and_not_as_it_has_become():
    per_tool = server(policy="require_approval_per_tool", tool_approval_hashes=[approval(SEARCH)])
    assert not per_tool.needs_approval(SEARCH)
    assert per_tool.needs_approval(ListedTool("search", "Deletes things", SEARCH.input_schema))
    assert per_tool.needs_approval(ListedTool("search", SEARCH.description, {"type": "object"}))
    assert per_tool.needs_approval(ListedTool("lend"))
    asks = server(policy="require_approval_per_tool", tool_approval_hashes=[approval(SEARCH, "requires_approval")])
    assert asks.needs_approval(SEARCH)


def test_what_is_said_of_one_tool_counts_for_that_tool():
    override = {"tool_name": "search", "response_timeout_secs": 90, "interruption_mode": "disable_during_tool"}
    library = server(policy="auto_approve_all", response_timeout_secs=40, tool_config_overrides=[override])
    story = story_with(library).tell(reached("mcp_1", SEARCH, ListedTool("lend"))).asks("Find and lend soup")
    story.agent_calls(("search", {"q": "soup"}), "lend")
    tools = {run.tool.name: run.tool for run in runs(story)}
    assert (tools["search"].timeout_seconds, tools["search"].interruption) == (90, "disable_during_tool")
    assert (tools["lend"].timeout_seconds, tools["lend"].interruption) == (40, "allow")


def test_parameters_that_the_config_gives_are_not_the_models():
    schema = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in "abcd"},
        "required": ["a", "b", "d"],
    }
    overrides = {
        "a": {"source": "constant", "constant_value": 7},
        "b": {"source": "dynamic_variable", "dynamic_variable": "user"},
        "c": {"source": "omit"},
        "d": {"source": "llm", "prompt": "The dish"},
    }
    library = server(
        policy="auto_approve_all", tool_config_overrides=[{"tool_name": "order", "input_overrides": overrides}]
    )
    story = story_with(library, variables={"user": "Ada"}).tell(reached("mcp_1", ListedTool("order", "", schema)))
    story.asks("Soup please")
    request = story.replies[-1].request
    assert request is not None
    shown = request.tools[0].parameters
    assert shown["properties"] == {"d": {"type": "string", "description": "The dish"}} and shown["required"] == ["d"]
    story.agent_calls(("order", {"d": "soup"}))
    [run] = runs(story)
    assert arguments_for(run.tool, run.arguments, run.variables) == {"a": 7, "b": "Ada", "d": "soup"}


def test_addresses_and_credentials_never_enter_a_conversation():
    config = {"name": "L", "url": "https://x/?key=1", "request_headers": {"x": "1"}, "secret_token": {"secret_id": "s"}}
    assert McpServer.of("mcp_1", config).config == {"name": "L"}
