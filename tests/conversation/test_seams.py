"""Where the parts meet: guardrails, tools, transfers, workflows and interruptions, two or three at a time."""

from __future__ import annotations

from typing import Any

from parola.conversation.actions import PlayTones, SwitchAgent
from parola.conversation.events import (
    GuardrailTriggered,
    McpServerTried,
    ModelFinished,
    ReplyAudio,
    ReplyFinished,
    ReplyText,
    ReplyWithheld,
    SentenceStarted,
    ToolCalled,
    ToolFinished,
)
from parola.conversation.fillers import SoftTimeout
from parola.conversation.guardrails import MOST_RETRIES, Guardrail, Trigger
from parola.conversation.handover import FETCH_SECONDS
from parola.conversation.mcp_tools import ListedTool, McpServer
from parola.conversation.start import Beginning, begin
from parola.conversation.tools import Tool
from parola.protocol.client_messages import ConversationInitiationClientData
from parola.protocol.server_messages import AgentResponseComplete, Interruption
from tests.conversation.relays import arrives, built_in, results, subagent_arrives
from tests.story import Story, server_tool, system_tool

KIND = Guardrail("custom", "kind", ends_call=False, feedback="Be kind.")
STRICT = Guardrail("custom", "strict")


def triggers(story: Story, guardrail: Guardrail = KIND, reply: int | None = None) -> Story:
    trigger = Trigger(guardrail, guardrail.kind, {"type": "llm", "rationale": "It is not."})
    return story.tell(GuardrailTriggered(story.reply if reply is None else reply, trigger))


def says_and_calls(story: Story, words: str, *calls: str) -> Story:
    """The words are on their way to the user, the calls have been made, and more audio is being made."""
    number = story.reply
    return story.tell(
        ReplyText(number, words),
        *(ToolCalled(number, name, {}) for name in calls),
        ModelFinished(number),
        SentenceStarted(number, words),
        ReplyAudio(number, b"\0\0", 2.0),
    )


# -- a guardrail stops the words before tool calls --------------------------------------------------------------------


def test_a_call_that_waited_for_words_a_guardrail_stopped_is_not_made() -> None:
    story = Story(tools=[server_tool("order", execution_mode="post_tool_speech")]).connects().asks("Order soup")
    says_and_calls(story, "I order it, you fool.", "order")
    triggers(story)
    assert story.phase == "thinking" and not story.runs
    assert "your words were stopped" in story.tool_results["order"]
    assert story.messages[-1]["content"].endswith("Be kind.\nAnswer the user again, without that.")


def test_calls_of_the_next_answer_are_made_though_those_of_the_stopped_one_had_their_results() -> None:
    story = Story(tools=[server_tool("fetch")]).connects().asks("Soup?")
    says_and_calls(story, "Wait, you fool.", "fetch").tool_finishes("fetch", "soup")
    triggers(story)
    assert story.tool_results == {"fetch": "soup"}
    story.agent_calls("fetch").tool_finishes("fetch", "fish").agent_says("Soup and fish.")
    assert len(story.runs) == 2 and list(story.tool_results.values()) == ["fish"]


def test_a_transfer_that_was_told_happens_though_a_guardrail_stops_the_words_before_it() -> None:
    tool = built_in("transfer_to_agent", transfers=[{"agent_id": "agent_other"}])
    story = Story(tools=[tool]).connects().asks("A human, please")
    number = story.reply
    story.tell(
        ReplyText(number, "Go away. "),
        ToolCalled(number, "transfer_to_agent", {"agent_number": 0}),
        ModelFinished(number),
        SentenceStarted(number, "Go away. "),
        ReplyAudio(number, b"\0\0", 2.0),
    )
    arrives(story, prompt="You are the other one.")
    triggers(story)
    assert any(isinstance(action, SwitchAgent) for action in story.actions)
    assert story.conversation.setup.agent_id == "agent_other"
    assert story.replies[-1].request is not None
    assert story.replies[-1].request.messages[0]["content"].startswith("You are the other one.")


def test_an_agent_that_is_silenced_leaves_the_floor_when_its_tools_are_done() -> None:
    story = Story(tools=[server_tool("fetch")]).connects().asks("Soup?")
    for _ in range(MOST_RETRIES):
        triggers(story.agent_begins_to_say("You fool.", seconds=2))
    says_and_calls(story, "You fool.", "fetch")
    triggers(story)
    assert story.phase == "waiting"
    story.tool_finishes("fetch", "soup").agent_says("There is soup.")
    assert story.wait(2).phase == "listening"


# -- nothing is told of a turn that was cut ---------------------------------------------------------------------------


def test_a_cut_turn_whose_tool_leaves_the_floor_to_the_user_is_not_told_to_be_complete() -> None:
    tool = built_in("play_keypad_touch_tone", suppress_turn_after_dtmf=True)
    story = Story(tools=[tool]).connects().asks("Press one")
    story.agent_calls(("play_keypad_touch_tone", {"dtmf_tones": "1"}), saying="I press it now.", seconds=3)
    story.wait(0.5).caller_speaks()
    assert story.sent_of(Interruption)
    tones = next(action for action in story.actions if isinstance(action, PlayTones))
    story.tell(ToolFinished(tones.call_id, "Pressed 1."))
    assert not story.sent_of(AgentResponseComplete)
    story.tell(ReplyFinished(story.reply))
    assert story.falls_silent("Now two").wait(2).phase == "thinking"


def test_a_turn_is_not_told_to_be_complete_when_the_id_of_the_users_answer_has_been_told() -> None:
    tool = built_in("play_keypad_touch_tone", suppress_turn_after_dtmf=True)
    story = Story(tools=[tool]).connects().asks("Press one")
    story.agent_calls(("play_keypad_touch_tone", {"dtmf_tones": "1"}))
    story.begins_to_speak().wait(0.5).falls_silent("And then two")
    tones = next(action for action in story.actions if isinstance(action, PlayTones))
    story.tell(ToolFinished(tones.call_id, "Pressed 1."))
    assert story.wait(2).phase == "thinking" and story.asked_llm_with("Press one", "And then two")


# -- a workflow, cut while it moves -----------------------------------------------------------------------------------


def at_the_desk(*tools: Tool) -> Story:
    """A subagent from which one way leads on to a node that calls a tool, and from there two, by how that went."""
    ways = [
        ("start", "desk", {"type": "unconditional"}),
        ("desk", "look", {"type": "llm", "condition": "they want to know"}),
        ("look", "good", {"type": "result", "successful": True}),
        ("look", "bad", {"type": "result", "successful": False}),
    ]
    workflow = {
        "nodes": {
            "start": {"type": "start"},
            "desk": {"type": "override_agent", "entry_behavior": "wait_for_user"},
            "look": {"type": "tool", "tools": [{"tool_id": tool.name} for tool in tools]},
            "good": {"type": "say", "message": {"type": "literal", "text": "It went well."}},
            "bad": {"type": "say", "message": {"type": "literal", "text": "It went wrong."}},
        },
        "edges": {
            str(number): {"source": source, "target": target, "forward_condition": condition}
            for number, (source, target, condition) in enumerate(ways)
        },
    }
    story = Story(workflow=workflow, workflow_tools={tool.name: tool for tool in tools}).connects()
    return subagent_arrives(story).asks("Look it up")


NEEDS_NAME = {"type": "object", "properties": {"name": {"type": "string"}}}


def test_a_nodes_tool_that_has_run_went_well_though_the_words_beside_it_are_cut() -> None:
    story = at_the_desk(server_tool("fetch", parameters=NEEDS_NAME)).agent_calls("notify_condition_1_met")
    says_and_calls(story, "I look it up for you.", "fetch").tool_finishes("fetch", "soup")
    story.caller_speaks().falls_silent("Quickly").wait(1)
    assert story.replies[-1].verbatim == "It went well."


def test_a_nodes_tool_is_not_lost_when_the_user_speaks_as_the_workflow_gets_there() -> None:
    story = at_the_desk(server_tool("fetch"))
    story.begins_to_speak().agent_calls("notify_condition_1_met").wait(0.1).falls_silent("Quickly").wait(1)
    assert story.phase == "thinking" and not story.runs
    story.agent_calls("fetch").tool_finishes("fetch", "soup")
    assert story.replies[-1].verbatim == "It went well."


def test_what_a_node_has_to_say_is_said_when_a_guardrail_refused_the_first_wording() -> None:
    workflow = {
        "nodes": {
            "start": {"type": "start"},
            "ask": {"type": "say", "message": {"type": "prompt", "prompt": "Say hello."}},
            "end": {"type": "end"},
        },
        "edges": {"1": {"source": "start", "target": "ask"}, "2": {"source": "ask", "target": "end"}},
    }
    story = triggers(Story(workflow=workflow).connects())
    assert story.phase == "thinking" and story.replies[-1].request is not None
    assert "Say hello." in story.replies[-1].request.messages[0]["content"]


def test_the_workflow_takes_the_way_of_a_failure_when_an_agent_does_not_come_in_time() -> None:
    ways = [("start", "other", {"type": "unconditional"}), ("other", "bad", {"type": "result", "successful": False})]
    workflow = {
        "nodes": {
            "start": {"type": "start"},
            "other": {"type": "standalone_agent", "agent_id": "agent_other"},
            "bad": {"type": "say", "message": {"type": "literal", "text": "Nobody is there."}},
        },
        "edges": {str(n): {"source": a, "target": b, "forward_condition": way} for n, (a, b, way) in enumerate(ways)},
    }
    story = Story(workflow=workflow).connects()
    assert story.wait(FETCH_SECONDS + 0.1).replies[-1].verbatim == "Nobody is there."


def test_the_call_ends_though_the_workflow_would_have_moved_on_in_the_same_step() -> None:
    ways = [("start", "desk", {"type": "unconditional"}), ("desk", "more", {"type": "llm", "condition": "they ask"})]
    workflow = {
        "nodes": {
            "start": {"type": "start"},
            "desk": {"type": "override_agent", "entry_behavior": "wait_for_user"},
            "more": {"type": "say", "message": {"type": "literal", "text": "And another thing."}},
        },
        "edges": {str(n): {"source": a, "target": b, "forward_condition": way} for n, (a, b, way) in enumerate(ways)},
    }
    story = subagent_arrives(Story(workflow=workflow, tools=[system_tool("end_call")]).connects()).asks("Bye")
    story.agent_calls("notify_condition_1_met", "end_call", saying="Goodbye.").wait(3)
    assert story.close is not None and story.close.termination_reason == "The agent ended the call"


def test_of_two_transfers_in_one_step_the_first_happens_and_the_second_is_no_success() -> None:
    transfers = [{"agent_id": "agent_other"}, {"agent_id": "agent_third"}]
    story = Story(tools=[built_in("transfer_to_agent", transfers=transfers)]).connects().asks("Somebody else")
    story.agent_calls(*(("transfer_to_agent", {"agent_number": number}) for number in (0, 1)))
    arrives(story, agent_id="agent_other")
    assert story.conversation.setup.agent_id == "agent_other" and story.phase == "thinking"
    told = [result["result"]["result_type"] for result in results(story)]
    assert told == ["transfer_to_agent_success", "transfer_to_agent_error"]


# -- MCP servers, as they are heard of --------------------------------------------------------------------------------

SEARCH = ListedTool("search", "Looks things up", {"type": "object", "properties": {}})


def library(**config: Any) -> McpServer:
    return McpServer.of(
        "mcp_1", {"name": "Library", "approval_policy": "auto_approve_all", "url": "https://x", **config}
    )


def test_the_ways_of_a_workflow_are_open_to_a_step_in_which_a_server_is_reached() -> None:
    ways = [("start", "desk", {"type": "unconditional"}), ("desk", "bye", {"type": "llm", "condition": "they go"})]
    workflow = {
        "nodes": {
            "start": {"type": "start"},
            "desk": {"type": "override_agent", "entry_behavior": "wait_for_user"},
            "bye": {"type": "say", "message": {"type": "literal", "text": "Bye."}},
        },
        "edges": {str(n): {"source": a, "target": b, "forward_condition": way} for n, (a, b, way) in enumerate(ways)},
    }
    story = subagent_arrives(Story(workflow=workflow, mcp_servers=(library(),)).connects()).asks("I have to go")
    story.tell(McpServerTried("mcp_1", True, (SEARCH,))).agent_calls("notify_condition_1_met")
    assert story.replies[-1].verbatim == "Bye."


def test_a_tool_of_a_server_that_needs_a_word_before_it_is_announced() -> None:
    story = Story(mcp_servers=(library(pre_tool_speech="force"),)).connects()
    story.tell(McpServerTried("mcp_1", True, (SEARCH,))).asks("Look it up")
    assert "search" in story.replies[-1].announcements


def test_what_is_sanitized_is_not_in_what_a_client_sees_of_a_server() -> None:
    token = {"dynamic_variable": "token", "value_path": "token", "sanitize": True}
    rules = [{"tool_name": "search", "assignments": [token]}]
    story = Story(mcp_servers=(library(tool_config_overrides=rules),)).connects()
    story.tell(McpServerTried("mcp_1", True, (SEARCH,))).asks("Look it up").agent_calls("search")
    blocks = ({"type": "text", "text": '{"result": {"token": "s3cret"}}'},)
    text = str(blocks[0]["text"])
    story.tool_finishes("search", text, content=blocks, response={"token": "s3cret"})
    assert story.conversation.lookup(story.now)("token") == "s3cret"
    assert not any("s3cret" in str(message) for message in story.sent)
    assert "s3cret" not in str(story.record) and "s3cret" not in str(story.messages)


# -- a filler, and a reply that is withheld until it is judged --------------------------------------------------------


def test_a_withheld_reply_that_is_long_has_its_time_behind_a_filler_too() -> None:
    story = Story(soft_timeout=SoftTimeout(2.0, ("Let me see.",))).connects().asks("Tell me everything")
    answer = story.reply
    story.tell(ReplyWithheld(answer)).wait(2.1).agent_says(seconds=1)
    for _ in range(6):
        story.wait(5).tell(ReplyWithheld(answer))
    assert story.close is None
    story.tell(ReplyText(answer, "Everything."), ModelFinished(answer))
    assert story.told[-1] == ("agent", "Everything.")


# -- guesses ----------------------------------------------------------------------------------------------------------


def test_a_guardrail_says_nothing_of_a_reply_that_was_a_wrong_guess() -> None:
    story = Story(speculates=True).connects().begins_to_speak().wait(1).falls_silent("I would like the soup.")
    guess = story.reply
    story.begins_to_speak()
    triggers(story, STRICT, guess)
    assert story.close is None and not story.latest and not story.record


def test_without_a_prompt_a_guess_at_the_first_words_is_no_answer_to_others() -> None:
    story = Story(speculates=True).connects().begins_to_speak().wait(1).falls_silent("I would like the soup.")
    story.transcribed("I would like the fish.").wait(1)
    assert story.phase == "thinking" and story.asked_llm_with("I would like the fish.")


# -- mocks, wherever a tool comes from --------------------------------------------------------------------------------

MOCK_ALL = {"tool_mock_config": {"mocking_strategy": "all"}}


def test_tools_of_servers_are_mocked_too() -> None:
    story = Story(mcp_servers=(library(response_mocks=[{"mock_result": "soup"}]),), client_data=MOCK_ALL).connects()
    story.tell(McpServerTried("mcp_1", True, (SEARCH,))).asks("Look it up").agent_calls("search")
    assert story.tool_results == {"search": "soup"} and not story.runs


def test_mocks_of_a_server_that_cannot_be_read_call_nothing() -> None:
    story = Story(mcp_servers=(library(response_mocks=["soup"]),), client_data=MOCK_ALL).connects()
    story.tell(McpServerTried("mcp_1", True, (SEARCH,))).asks("Look it up").agent_calls("search")
    assert not story.runs and "none of its response_mocks fits" in story.tool_results["search"]
    assert story.warnings == ['response_mocks of the tool "search": expected a list of objects.']


def test_tools_that_a_node_of_the_workflow_calls_are_mocked_too() -> None:
    mocks = [{"mock_result": "soup"}]
    fetch = {"type": "webhook", "name": "fetch", "api_schema": {"url": "https://x"}, "response_mocks": mocks}
    workflow = {
        "nodes": {"start": {"type": "start"}, "look": {"type": "tool", "tools": [{"tool_id": "tool_1"}]}},
        "edges": {"1": {"source": "start", "target": "look"}},
    }
    data = ConversationInitiationClientData.model_validate(MOCK_ALL)
    setup = begin(Beginning("conv_1", "agent_1", "A", {"workflow": workflow}, {"tool_1": fetch}), data)
    assert setup.workflow_tools["tool_1"].mocking is not None
    assert setup.workflow_tools["tool_1"].mocking.mocks[0].result == "soup"
