"""How a conversation begins: presets, overrides, variables and tools, and what is refused."""

import pytest

from parola.conversation.start import Beginning, begin, tool_ids
from parola.conversation.toolbox import json_schema
from parola.errors import ConversationRefused
from parola.protocol.client_messages import ConversationInitiationClientData


def agent(**config):
    """An agent document; keyword ``allow`` lists the override paths it permits."""
    allow = config.pop("allow", ())
    permissions: dict = {}
    for path in allow:
        *parents, last = path.split(".")
        node = permissions
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = True
    return {
        "conversation_config": config,
        "platform_settings": {"overrides": {"conversation_config_override": permissions}},
    }


def started(document, tools=None, **client_data):
    data = ConversationInitiationClientData(**client_data)
    return begin(Beginning("conv_1", "agent_1", "Front desk", document, tools or {}), data)


def refusal(document, **client_data) -> ConversationRefused:
    with pytest.raises(ConversationRefused) as refused:
        started(document, **client_data)
    return refused.value


def test_an_empty_agent_has_the_platforms_defaults():
    setup = started(agent())
    assert (setup.input_format, setup.output_format, setup.turn_timeout_seconds) == ("pcm_16000", "pcm_16000", 7)
    assert setup.max_duration_seconds == 600 and not setup.text_only and setup.barge_in


# -- overrides --------------------------------------------------------------------------------------------------------


def test_a_permitted_override_replaces_the_agents_value():
    document = agent(agent={"first_message": "Hello."}, allow=["agent.first_message"])
    override = {"agent": {"first_message": "Hi Ann."}}
    assert started(document, conversation_config_override=override).first_message == "Hi Ann."


def test_a_forbidden_override_names_the_field_and_the_setting_that_would_allow_it():
    refused = refusal(agent(), conversation_config_override={"agent": {"prompt": {"prompt": "Be rude."}}})
    assert (refused.close_code, refused.error_type) == (1008, "override_error")
    assert refused.reason == "Override for field 'prompt' is not allowed by config."
    assert "conversation_config_override.agent.prompt.prompt" in refused.message


@pytest.mark.parametrize(
    "override",
    [
        {"agent": {}, "tts": {}, "conversation": {}},
        {"agent": {"first_message": None, "prompt": None}},
        {"agent": {"language": "en"}},
        {"something_newer": {"x": 1}},
        {"tts": {"something_newer": 1}},
        {"asr": {"keywords": ["Parola"]}},
    ],
)
def test_what_clients_send_without_meaning_an_override_is_let_through(override):
    assert started(agent(), conversation_config_override=override).language == "en"


@pytest.mark.parametrize("override", [{"text_only": True}, {"conversation": {"text_only": True}}])
def test_text_only_is_understood_in_both_spellings_and_never_refused(override):
    setup = started(agent(), conversation_config_override=override)
    assert setup.text_only and setup.events.passes("agent_chat_response_part")


def test_a_language_with_a_preset_may_be_chosen_and_brings_its_overrides():
    document = agent(
        agent={"first_message": "Hello.", "language": "en"},
        language_presets={"de": {"overrides": {"agent": {"first_message": "Hallo.", "prompt": None}}}},
    )
    setup = started(document, conversation_config_override={"agent": {"language": "de"}})
    assert (setup.language, setup.first_message) == ("de", "Hallo.")
    assert refusal(document, conversation_config_override={"agent": {"language": "fr"}}).error_type == "override_error"


def test_a_preset_without_a_first_message_of_its_own_brings_the_translation():
    preset = {"overrides": {"agent": {"first_message": None}}, "first_message_translation": {"text": "Hallo."}}
    document = agent(
        agent={"first_message": "Hello.", "language": "en"},
        language_presets={"de": preset, "fr": {"first_message_translation": {"text": ""}}},
        allow=["agent.first_message"],
    )

    def first_message(**settings):
        return started(document, conversation_config_override={"agent": settings}).first_message

    assert first_message(language="de") == "Hallo."
    assert first_message(language="de", first_message="Moin.") == "Moin."
    assert first_message(language="fr") == "Hello."
    assert first_message() == "Hello."


ALL_PATHS = {
    "agent.first_message": "Hi.",
    "agent.language": "de",
    "agent.max_conversation_duration_message": "Time is up.",
    "agent.native_mcp_server_ids": ["mcp_1"],
    "agent.prompt.prompt": "Be brief.",
    "agent.prompt.llm": "gpt-4o",
    "agent.prompt.reasoning_effort": "low",
    "agent.prompt.tool_ids": ["tool_1"],
    "agent.prompt.native_mcp_server_ids": ["mcp_2"],
    "agent.prompt.knowledge_base": [{"type": "file", "id": "doc_1"}],
    "tts.voice_id": "v",
    "tts.model_id": "m",
    "tts.stability": 0.1,
    "tts.speed": 1.1,
    "tts.similarity_boost": 0.2,
    "tts.clone_strength": 0.3,
    "tts.supported_voices": [{"label": "x", "voice_id": "y"}],
    "tts.pronunciation_dictionary_locators": [{"pronunciation_dictionary_id": "pd_1"}],
    "turn.soft_timeout_config.message": "Hm.",
    "turn.soft_timeout_config.additional_soft_timeout_messages": ["Well."],
    "turn.noisy_environment_message": "Loud here.",
    "conversation.max_duration_seconds": 60,
}


def at(path, value):
    for part in reversed(path.split(".")):
        value = {part: value}
    return value


@pytest.mark.parametrize("path", ALL_PATHS)
def test_every_path_has_a_permission_of_its_own(path):
    override, field = at(path, ALL_PATHS[path]), path.rpartition(".")[2]
    refused = refusal(agent(), conversation_config_override=override)
    assert (refused.close_code, refused.error_type) == (1008, "override_error")
    assert refused.reason == f"Override for field '{field}' is not allowed by config."
    assert started(agent(allow=[path]), conversation_config_override=override)


def test_a_lenient_agent_goes_on_without_what_it_forbids_and_says_what_holds():
    document = agent(allow=["agent.first_message"])
    document["platform_settings"]["x_override_policy"] = "ignore_with_warning"
    override = {"agent": {"first_message": "Hi.", "prompt": {"prompt": "Be rude."}}, "tts": {"voice_id": "v"}}
    setup = started(document, conversation_config_override=override)
    assert (setup.first_message, setup.prompt) == ("Hi.", "")
    assert setup.warnings == (
        "The client may not override agent.prompt.prompt: it was ignored.",
        "The client may not override tts.voice_id: it was ignored.",
    )
    assert setup.greeting.x_accepted_overrides == ["agent.first_message"]
    assert "x_accepted_overrides" not in started(agent()).greeting.payload()


def test_strict_tool_ids_are_all_the_tools_there_are():
    inline = {"type": "client", "name": "inline", "description": "x"}
    document = agent(agent={"prompt": {"tools": [inline]}}, allow=["agent.prompt.tool_ids"])
    registry = {"tool_1": {"type": "client", "name": "one", "description": "x"}}

    def tools(**prompt):
        override = {"agent": {"prompt": {"tool_ids": ["tool_1"], **prompt}}}
        return list(started(document, registry, conversation_config_override=override).tools)

    assert tools() == ["one", "inline"]
    assert tools(tool_ids_strict=True) == ["one"]


def test_a_presets_soft_timeout_is_translated_and_an_old_translation_is_told():
    german = {
        "soft_timeout_translation": {
            "source_hash": '{"softTimeoutMessage":"One moment.","language":"en"}',
            "text": "Moment.",
        },
        "first_message_translation": {"source_hash": '{"firstMessage":"Hello.","language":"en"}', "text": "Hallo."},
    }
    document = agent(
        agent={"first_message": "Good morning.", "language": "en"},
        turn={"soft_timeout_config": {"message": "One moment.", "additional_soft_timeout_messages": ["Well."]}},
        language_presets={"de": german},
    )
    setup = started(document, conversation_config_override={"agent": {"language": "de"}})
    assert setup.soft_timeout.messages == ("Moment.",) and setup.first_message == "Hallo."
    assert setup.warnings == (
        "language_presets.de.first_message_translation was made from an older text; it is used all the same.",
    )


def test_an_override_that_is_no_object_is_refused_with_what_came():
    assert "expected an object" in refusal(agent(), conversation_config_override={"agent": "x"}).message


def test_an_extra_body_needs_permission_but_an_empty_one_does_not():
    assert started(agent(), custom_llm_extra_body={}).model.extra_body == {}
    assert refusal(agent(), custom_llm_extra_body={"a": 1}).error_type == "override_error"
    document = agent()
    document["platform_settings"]["overrides"]["custom_llm_extra_body"] = True
    assert started(document, custom_llm_extra_body={"a": 1}).model.extra_body == {"a": 1}


# -- variables --------------------------------------------------------------------------------------------------------


def test_all_missing_variables_are_named_at_once():
    document = agent(agent={"first_message": "Hi {{name}}", "prompt": {"prompt": "{{ plan }} and {{name}}"}})
    refused = refusal(document)
    assert (refused.close_code, refused.error_type) == (1008, "missing_dynamic_variable")
    assert refused.message == (
        "Missing required dynamic variables in first message: {'name'}; in prompt: {'plan', 'name'}"
    )


def with_policy(document, policy):
    document["platform_settings"]["x_missing_variable_policy"] = policy
    return document


LOOK_UP = {
    "type": "client",
    "name": "look_up",
    "description": "Look {{what}} up",
    "parameters": {
        "type": "object",
        "properties": {
            "shop": {"type": "string", "dynamic_variable": "shop"},
            "gone": {"type": "string", "dynamic_variable": "unused", "is_omitted": True},
        },
    },
}


def test_every_place_that_names_a_variable_is_told():
    document = agent(
        agent={
            "first_message": "Hi {{name}}",
            "max_conversation_duration_message": "Bye {{name}}",
            "prompt": {"prompt": "{{plan}}", "tools": [LOOK_UP]},
        },
        turn={"soft_timeout_config": {"message": "One moment, {{title}}"}},
    )
    refused = refusal(document, dynamic_variables={"plan": "pro"})
    assert refused.message == (
        "Missing required dynamic variables in first message: {'name'}; in soft timeout message: {'title'}; "
        "in max duration message: {'name'}; in tools: {'what', 'shop'} (look_up: description, look_up: parameters)"
    )


def test_the_texts_of_a_chosen_preset_need_their_variables_too():
    document = agent(
        agent={"first_message": "Hi."},
        language_presets={"de": {"overrides": {"agent": {"first_message": "Hallo {{anrede}}."}}}},
    )
    assert started(document)
    refused = refusal(document, conversation_config_override={"agent": {"language": "de"}})
    assert refused.message == "Missing required dynamic variables in first message: {'anrede'}"


@pytest.mark.parametrize(("policy", "value"), [("empty", ""), ("placeholder", "[name]")])
def test_an_agent_may_do_without_what_is_missing(policy, value):
    setup = started(with_policy(agent(agent={"first_message": "Hi {{name}}"}), policy))
    assert setup.variables == {"name": value}
    assert setup.warnings == (
        "Missing required dynamic variables in first message: {'name'}. "
        f"x_missing_variable_policy is {policy}: the conversation goes on without them.",
    )


def test_a_tools_placeholders_stand_in_behind_those_of_the_agent():
    tool = {**LOOK_UP, "dynamic_variables": {"dynamic_variable_placeholders": {"what": "orders", "shop": "a"}}}
    document = agent(
        agent={
            "dynamic_variables": {"dynamic_variable_placeholders": {"shop": "b"}},
            "prompt": {"prompt": "{{what}}", "tools": [tool]},
        }
    )
    assert started(document).variables == {"what": "orders", "shop": "b"}


def test_what_a_tool_will_assign_is_empty_until_then():
    assignment = {"dynamic_variable": "status", "value_path": "status"}
    tool = {"type": "client", "name": "t", "description": "x", "expects_response": True, "assignments": [assignment]}
    assert started(agent(agent={"prompt": {"prompt": "{{status}}", "tools": [tool]}})).variables == {"status": ""}


def test_a_secret_in_a_prompt_is_no_missing_variable_but_a_warning():
    setup = started(agent(agent={"prompt": {"prompt": "{{secret__key}}"}}))
    assert setup.warnings == ("Secret variables are for the headers of requests: secret__key stays empty in prompt.",)


def test_an_environment_variable_is_known_where_its_environment_has_it():
    document = agent(agent={"prompt": {"prompt": "{{system__env_shop}}"}})
    data = ConversationInitiationClientData()
    assert begin(Beginning("c", "a", "A", document, environment_variables={"shop": "Soups"}), data)
    assert "in prompt: {'system__env_shop'}" in refusal(document).message


@pytest.mark.parametrize("value", ["a", 1, 1.5, True, ["a", "b"]])
def test_values_are_texts_numbers_truths_and_lists(value):
    assert started(agent(), dynamic_variables={"v": value}).variables == {"v": value}


def test_an_object_is_no_value():
    assert "expected a string, a number, a boolean or a list" in refusal(agent(), dynamic_variables={"v": {}}).message


def test_placeholders_stand_in_for_what_the_client_did_not_send():
    document = agent(
        agent={
            "first_message": "Hi {{name}}",
            "dynamic_variables": {"dynamic_variable_placeholders": {"name": "there", "plan": "free"}},
        }
    )
    assert started(document, dynamic_variables={"plan": "pro"}).variables == {"name": "there", "plan": "pro"}


def test_system_variables_are_always_there_and_cannot_be_sent():
    assert started(agent(agent={"first_message": "{{system__conversation_id}} {{system__caller_id}}"}))
    assert refusal(agent(), dynamic_variables={"system__agent_id": "x"}).error_type == "value_error"


# -- tools ------------------------------------------------------------------------------------------------------------

CLIENT_TOOL = {
    "type": "client",
    "name": "lookup",
    "description": "Find an order",
    "expects_response": True,
    "response_timeout_secs": 5,
    "parameters": {
        "type": "object",
        "required": ["order", "hidden"],
        "properties": {
            "order": {"type": "string", "description": "its number", "dynamic_variable": ""},
            "hidden": {"type": "string", "is_omitted": True},
            "lines": {"type": "array", "items": {"type": "integer"}},
        },
    },
}


def test_tools_come_from_the_agent_the_registry_and_the_built_in_ones():
    prompt = {
        "tools": [CLIENT_TOOL],
        "tool_ids": ["tool_1", "tool_gone"],
        "built_in_tools": {
            "end_call": {"name": "end_call", "params": {"system_tool_type": "end_call"}},
            "skip_turn": None,
        },
    }
    document = agent(agent={"prompt": prompt})
    registry = {"tool_1": {**CLIENT_TOOL, "name": "paint", "expects_response": False}}
    setup = started(document, registry)
    assert set(setup.tools) == {"lookup", "paint", "end_call"}
    assert (setup.tools["lookup"].timeout_seconds, setup.tools["lookup"].expects_response) == (5, True)
    assert setup.tools["end_call"].type == "system"
    assert "tool_gone" in setup.warnings[0]


def test_registry_tools_are_those_of_the_agent_and_of_an_override():
    document = agent(agent={"prompt": {"tool_ids": ["tool_1"]}})
    data = ConversationInitiationClientData(
        conversation_config_override={"agent": {"prompt": {"tool_ids": ["tool_2", "tool_1"]}}}
    )
    assert tool_ids(document, data) == ["tool_1", "tool_2"]


def test_the_model_sees_plain_json_schema():
    assert json_schema(CLIENT_TOOL["parameters"]) == {
        "type": "object",
        "properties": {
            "order": {"type": "string", "description": "its number"},
            "lines": {"type": "array", "items": {"type": "integer"}},
        },
        "required": ["order"],
    }
    assert json_schema(None) == {"type": "object", "properties": {}}


def test_tools_this_version_does_not_run_are_left_out_with_a_warning():
    prompt = {"tools": [{"type": "smb", "name": "w"}]}
    setup = started(agent(agent={"prompt": prompt}))
    assert not setup.tools and "smb" in setup.warnings[0]
