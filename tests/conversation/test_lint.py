"""What is found in an agent's document before it is called."""

from __future__ import annotations

from typing import Any

import pytest

from parola.conversation.lint import WITHOUT_EFFECT, Known, findings, needs
from parola.demo import demo_agent


def found(known: Known | None = None, *, platform: Any = None, workflow: Any = None, **config: Any) -> list[str]:
    """Each finding as ``level path: message``."""
    document = {"conversation_config": config, "platform_settings": platform or {}, "workflow": workflow or {}}
    return [f"{one.level} {one.path}: {one.message}" for one in findings(document, known or Known())]


TOOL = {"type": "client", "name": "look_up", "description": "Looks {{what}} up"}


def test_an_agent_in_order_has_no_findings():
    assert found() == []
    assert [one for one in findings(demo_agent(), Known()) if one.level == "error"] == []


def test_everything_an_agent_refers_to_is_looked_up():
    document = {
        "agent": {
            "prompt": {
                "tool_ids": ["t1"],
                "mcp_server_ids": ["m1"],
                "knowledge_base": [{"type": "file", "id": "d1"}],
                "built_in_tools": {"transfer_to_agent": {"params": {"transfers": [{"agent_id": "a1"}]}}},
                "custom_llm": {"api_key": {"secret_id": "s1"}, "request_headers": {"X": {"env_var_label": "e1"}}},
            }
        },
        "tts": {"pronunciation_dictionary_locators": [{"pronunciation_dictionary_id": "p1"}]},
    }
    assert [(need.kind, need.name, need.path) for need in needs(document)] == [
        ("tool", "t1", "agent.prompt.tool_ids.0"),
        ("MCP server", "m1", "agent.prompt.mcp_server_ids.0"),
        ("document", "d1", "agent.prompt.knowledge_base.0.id"),
        ("agent", "a1", "agent.prompt.built_in_tools.transfer_to_agent.params.transfers.0.agent_id"),
        ("secret", "s1", "agent.prompt.custom_llm.api_key.secret_id"),
        ("environment variable", "e1", "agent.prompt.custom_llm.request_headers.X.env_var_label"),
        ("pronunciation dictionary", "p1", "tts.pronunciation_dictionary_locators.0.pronunciation_dictionary_id"),
    ]


def test_what_is_not_there_is_an_error_also_where_a_tool_names_it():
    known = Known(
        names={"tool": frozenset({"t1"}), "secret": frozenset()},
        tools={"t1": {**TOOL, "description": "x", "headers": {"X": {"secret_id": "s1"}}}},
    )
    assert found(known, agent={"prompt": {"tool_ids": ["t1", "t2"]}}) == [
        "error conversation_config.agent.prompt.tool_ids.1: There is no tool t2.",
        "error tool t1.headers.X.secret_id: There is no secret s1.",
    ]


def test_variables_without_a_placeholder_are_what_clients_have_to_send():
    assert found(
        agent={
            "first_message": "Hi {{name}}",
            "dynamic_variables": {"dynamic_variable_placeholders": {"shop": "Soups"}},
            "prompt": {"prompt": "{{shop}} {{name}} {{system__time}}", "tools": [TOOL]},
        },
        language_presets={"de": {"overrides": {"agent": {"first_message": "Hallo {{anrede}}"}}}},
    ) == [
        "note conversation_config.agent.dynamic_variables: "
        "{{name}} (first message, prompt) has no placeholder: every client has to send it.",
        "note conversation_config.agent.dynamic_variables: "
        "{{what}} (look_up: description) has no placeholder: every client has to send it.",
        "note conversation_config.agent.dynamic_variables: "
        "{{anrede}} (first message, language de) has no placeholder: every client has to send it.",
    ]


def test_a_variable_of_the_system_that_is_none_is_an_error():
    assert found(agent={"prompt": {"prompt": "{{system__tmie}} {{system__env_shop}}"}}) == [
        "error : {{system__tmie}} (prompt) is no variable of the system, or has no value in production.",
        "error : {{system__env_shop}} (prompt) is no variable of the system, or has no value in production.",
    ]
    known = Known(environment_variables={"shop": "Soups"})
    assert found(known, agent={"prompt": {"prompt": "{{system__env_shop}}"}}) == []


def test_what_does_not_have_its_shape_is_told_first_and_hides_nothing():
    assert found(turn={"turn_timeout": 1000, "turn_timeot": 5}, agent={"first_message": "Hi {{name}}"}) == [
        "error conversation_config.turn.turn_timeout: Expected -1 or 0 to 300, got 1000.0.",
        "warning conversation_config.turn.turn_timeot: This version does not know the setting. "
        'Is "turn_timeout" meant?',
        "note conversation_config.agent.dynamic_variables: "
        "{{name}} (first message) has no placeholder: every client has to send it.",
    ]


def test_variables_of_a_workflow_are_looked_at_too():
    nodes = {
        "start": {"type": "start"},
        "hello": {"type": "say", "label": "Hello", "message": {"type": "literal", "text": "Hi {{name}}, {{seen}}"}},
        "run": {
            "type": "tool",
            "tools": [
                {"tool_id": "t", "schema_overrides": {"x": {"source": "dynamic_variable", "dynamic_variable": "y"}}}
            ],
        },
        "set": {
            "type": "update_state",
            "updates": [{"variable_name": "seen", "expression": {"type": "boolean_literal", "value": True}}],
        },
    }
    known = Known(
        tools={"t": {**TOOL, "description": "x", "assignments": [{"dynamic_variable": "z", "value_path": "z"}]}}
    )
    notes = [one for one in found(known, workflow={"nodes": nodes, "edges": {}}) if one.startswith("note")]
    assert [note.partition(": ")[2] for note in notes] == [
        "{{name}} (workflow, Hello) has no placeholder: every client has to send it.",
        "{{y}} (workflow, run) has no placeholder: every client has to send it.",
    ]


def test_what_an_mcp_server_needs_is_looked_up():
    known = Known(names={"secret": frozenset()}, servers={"mcp_1": {"request_headers": {"X": {"secret_id": "s1"}}}})
    assert "error MCP server mcp_1.request_headers.X.secret_id: There is no secret s1." in found(known)


def test_a_workflow_that_cannot_be_run_is_an_error():
    (error,) = [one for one in found(workflow={"nodes": {"a": {"type": "end"}}}) if one.startswith("error workflow")]
    assert "expected exactly one node of type start" in error


def test_settings_without_effect_are_told_when_they_ask_for_something():
    assert found(tts={"optimize_streaming_latency": 3}) == []
    assert found(tts={"optimize_streaming_latency": 4}) == [
        "warning conversation_config.tts.optimize_streaming_latency: "
        "This version keeps the setting and does not act on it.",
    ]


def test_a_slip_of_the_pen_is_found():
    assert found(turn={"turn_timeot": 5}, agent={"frist_message": "Hi"}) == [
        "warning conversation_config.turn.turn_timeot: This version does not know the setting. "
        'Is "turn_timeout" meant?',
        "warning conversation_config.agent.frist_message: This version does not know the setting. "
        'Is "first_message" meant?',
    ]


def test_two_tools_of_a_name_and_one_without_a_description():
    tools = [{**TOOL, "description": "x"}, {**TOOL, "description": ""}]
    assert found(agent={"prompt": {"tools": tools}}) == [
        'warning conversation_config.agent.prompt.tools.1: The name "look_up" is that of '
        "conversation_config.agent.prompt.tools.0 too; the first one counts.",
        'warning conversation_config.agent.prompt.tools.1: The tool "look_up" has no description: '
        "the model cannot know what it does.",
    ]


def test_an_old_translation_is_told():
    german = {"first_message_translation": {"source_hash": '{"firstMessage":"Hello."}', "text": "Hallo."}}
    assert found(agent={"first_message": "Good day."}, language_presets={"de": german}) == [
        "warning conversation_config.language_presets.de.first_message_translation: "
        "It was made from an older text than the agent has now.",
    ]


@pytest.mark.parametrize("path", WITHOUT_EFFECT)
def test_what_has_no_effect_is_named_by_a_real_path(path: str):
    assert path.split(".")[0] in ("conversation_config", "platform_settings")


def test_users_who_would_wait_for_a_person_in_silence_or_in_vain():
    def lint(**params: Any) -> list[str]:
        tool = {"name": "x_transfer_to_human", "params": params}
        config = {"agent": {"prompt": {"built_in_tools": {"x_transfer_to_human": tool}}}}
        return found(**config, conversation={"max_duration_seconds": 300})

    path = "conversation_config.agent.prompt.built_in_tools.x_transfer_to_human"
    watch = "Somebody has to watch /v1/x/conversations/waiting-for-human: nobody is called by itself."
    assert lint() == [f"note {path}: {watch}"]
    told = lint(agent_while_waiting="silent", wait_timeout_secs=400, waiting_mesage="x")
    for level, what in [
        ("warning", 'Is "waiting_message" meant?'),
        ("warning", "they may hear nothing for 400 s."),
        ("warning", "The call ends before that, after 300 s (max_duration_seconds)."),
        ("note", watch),
    ]:
        assert any(one.startswith(f"{level} {path}") and one.endswith(what) for one in told), what
    assert lint(wait_timeout_secs=1)[0].startswith(f"error {path}.params.wait_timeout_secs: ")


def test_variables_of_what_waiting_users_are_told_are_looked_at_too():
    message = "One moment, {{name}} of {{system__cmpany}}."
    tool = {"name": "x_transfer_to_human", "params": {"waiting_message": message}}
    told = found(agent={"prompt": {"built_in_tools": {"x_transfer_to_human": tool}}})
    where = "x_transfer_to_human: waiting_message"
    none = "is no variable of the system, or has no value in production."
    assert f"error : {{{{system__cmpany}}}} ({where}) {none}" in told
    client = "note conversation_config.agent.dynamic_variables:"
    assert f"{client} {{{{name}}}} ({where}) has no placeholder: every client has to send it." in told
    known = {"dynamic_variable_placeholders": {"name": "you", "system__cmpany": "us"}}
    again = found(agent={"prompt": {"built_in_tools": {"x_transfer_to_human": tool}}, "dynamic_variables": known})
    assert not any("{{name}}" in one for one in again)
