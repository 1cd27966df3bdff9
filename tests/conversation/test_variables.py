"""What prompts can refer to: the client's variables, and the system's as they stand at that moment."""

import orjson
import pytest

from parola.conversation.fillers import SoftTimeout
from parola.conversation.nested_history import shortened
from parola.conversation.tool_results import ARE_DATA
from parola.conversation.tools import Tool
from parola.providers.base import ToolDefinition
from tests.story import Story, client_tool


def system_prompt(story: Story, number: int = -1) -> str:
    request = story.replies[number].request
    assert request is not None
    return str(request.messages[0]["content"]).removesuffix(f"\n\n{ARE_DATA}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("system__agent_id", "agent_story"),
        ("system__current_agent_id", "agent_story"),
        ("system__conversation_id", "conv_story"),
        ("system__call_duration_secs", "2"),
        ("system__time_utc", "2025-12-12T11:33:02+00:00"),
        ("system__time", "Friday, 12:33 12 December 2025"),
        ("system__timezone", "Europe/Berlin"),
        ("system__agent_turns", "0"),
        ("system__is_text_only", "false"),
        ("system__caller_id", ""),
        ("plan", "pro"),
        ("is_member", "true"),
        ("secret__key", ""),
        ("nobody_knows", "{{nobody_knows}}"),
    ],
)
def test_the_prompt_is_filled_in(name: str, value: str):
    story = Story(
        prompt=f"[{{{{ {name} }}}}]".replace("{{ nobody_knows }}", "{{nobody_knows}}"),
        variables={"plan": "pro", "is_member": True, "secret__key": "hidden"},
        timezone="Europe/Berlin",
        started_at_unix=1765539180.0,
    )
    assert system_prompt(story.connects().wait(0.5).asks("Hi")) == f"[{value}]"


def test_system_variables_are_current_at_every_step():
    story = Story(prompt="{{system__call_duration_secs}} {{system__agent_turns}}", tools=[client_tool("look_up")])
    story.connects().asks("Hi").agent_calls("look_up").wait(3).client_answers("look_up", "ok")
    assert [system_prompt(story, number) for number in (0, 1)] == ["1 0", "4 1"]


def test_replies_nobody_heard_are_no_agent_turns():
    story = Story(prompt="{{system__agent_turns}}").connects().types("One").types("Two").types("Three")
    assert system_prompt(story) == "0"


def test_the_history_is_what_was_said_and_done():
    story = Story(prompt="{{system__conversation_history}}", tools=[client_tool("look_up")]).connects().types("Hi")
    story.agent_calls("look_up", saying="Moment").client_answers("look_up", "ok")
    history = orjson.loads(system_prompt(story))
    assert history["entries"] == [
        {"role": "user", "message": "Hi"},
        {"role": "agent", "message": "Moment"},
        {"role": "agent", "tool_requests": [{"tool_name": "look_up", "params_as_json": "{}"}]},
        {"role": "tool", "tool_results": [{"tool_name": "look_up", "result_value": "ok"}]},
    ]


def test_a_history_within_the_history_is_only_counted():
    story = Story(prompt="{{system__conversation_history}}", tools=[client_tool("send")]).connects().types("Hi")
    history = orjson.dumps({"x-elevenlabs-history": True, "entries": [{"role": "user", "message": "Hi"}]}).decode()
    story.agent_calls(("send", {"to": "Ann", "all": history})).client_answers("send", {"echo": {"got": history}})
    requests, results = orjson.loads(system_prompt(story))["entries"][1:]
    assert orjson.loads(requests["tool_requests"][0]["params_as_json"]) == {
        "to": "Ann",
        "all": "[conversation_history (1 turns)]",
    }
    assert results["tool_results"][0]["result_value"] == '{"echo":{"got":"[conversation_history (1 turns)]"}}'


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("plain", "plain"),
        ("about x-elevenlabs-history", "about x-elevenlabs-history"),
        ('{"x-elevenlabs-history":true,"entries":[]}', "[conversation_history (0 turns)]"),
    ],
)
def test_what_is_no_history_stays(text: str, short: str):
    assert shortened(text) == short


def test_without_a_prompt_there_is_no_system_message():
    assert [m["role"] for m in Story().connects().types("Hi").messages] == ["user"]


def test_the_same_variables_can_be_looked_up_from_outside():
    story = Story(variables={"plan": "pro"}).connects().wait(5)
    lookup = story.conversation.lookup(story.now)
    assert lookup("plan") == "pro" and lookup("system__call_duration_secs") == "5"


def test_the_environment_has_its_own_values():
    story = Story(prompt="{{system__env_shop}} {{system__env_other}}", environment_variables={"shop": "Soups"})
    assert system_prompt(story.connects().types("Hi")) == "Soups {{system__env_other}}"


def test_descriptions_of_tools_are_filled_in_when_the_model_reads_them():
    definition = ToolDefinition(
        "look_up",
        "Orders of {{shop}} after {{ system__call_duration_secs }} s",
        {
            "type": "object",
            "properties": {"order": {"type": "string", "description": "As {{secret__key}}{{shop}} has"}},
        },
    )
    story = Story(tools=[Tool(definition, "client")], variables={"shop": "Soups", "secret__key": "hidden"})
    request = story.connects().wait(2).types("Hi").replies[-1].request
    assert request is not None
    offered = request.tools[0]
    assert offered.description == "Orders of Soups after 2 s"
    assert offered.parameters["properties"]["order"]["description"] == "As Soups has"


def test_fillers_are_filled_in_too():
    soft = SoftTimeout(seconds=1, messages=("One moment, {{name}}.",))
    story = Story(soft_timeout=soft, variables={"name": "Ann"}).connects().asks("Hi").wait(1.5)
    assert story.replies[-1].verbatim == "One moment, Ann."
