"""Values of a tool's answer become dynamic variables: for the next prompt, the next call, and the record."""

from typing import Any

import pytest

from parola.conversation.assignments import value_at
from tests.story import Story, client_tool, server_tool


def assignment(variable: str, path: str, **more: Any) -> dict[str, Any]:
    return {"source": "response", "dynamic_variable": variable, "value_path": path, **more}


def asked(*assignments: dict[str, Any], variables: dict[str, Any] | None = None, make: Any = server_tool) -> Story:
    tools = [make("look_up", assignments=list(assignments))]
    story = Story(tools=tools, prompt="Name: {{name}}", variables={"name": "nobody", **(variables or {})})
    return story.connects().asks("Who am I?").agent_calls("look_up")


def results_of(story: Story) -> list[dict[str, Any]]:
    return [result for turn in story.record for result in turn["tool_results"]]


def prompt_of(story: Story) -> str:
    request = story.replies[-1].request
    assert request is not None
    return str(request.messages[0]["content"]).partition("\n")[0]


ANSWER = '{"users":[{"name":"Ann","age":30}]}'
AS_JSON = {"users": [{"name": "Ann", "age": 30}]}


def test_a_value_of_the_answer_is_in_the_next_prompt_and_in_the_record():
    story = asked(assignment("name", "users.0.name")).wait(2).tool_finishes("look_up", ANSWER, response=AS_JSON)
    assert prompt_of(story) == "Name: Ann"
    assert results_of(story)[0]["dynamic_variable_updates"] == [
        {
            "variable_name": "name",
            "old_value": "nobody",
            "new_value": "Ann",
            "updated_at": story.now - 100.0,
            "tool_name": "look_up",
            "tool_request_id": story.call_id("look_up"),
        }
    ]
    assert story.tool_results == {"look_up": ANSWER}


@pytest.mark.parametrize("result", [AS_JSON, ANSWER])
def test_a_client_may_answer_json_as_it_is_or_as_text(result):
    story = asked(assignment("name", "users.0.name"), make=client_tool).client_answers("look_up", result)
    assert prompt_of(story) == "Name: Ann"


def test_the_next_call_knows_the_new_value():
    story = asked(assignment("age", "users.0.age")).tool_finishes("look_up", ANSWER, response=AS_JSON)
    assert story.agent_calls("look_up").runs[-1].variables["age"] == "30"


def test_a_value_keeps_its_type_when_it_is_told_to():
    story = asked(assignment("who", "users.0", preserve_native_type=True), assignment("all", "users"))
    story.tool_finishes("look_up", ANSWER, response=AS_JSON).agent_calls("look_up")
    assert story.runs[-1].variables["who"] == {"name": "Ann", "age": 30}
    assert story.runs[-1].variables["all"] == '[{"name":"Ann","age":30}]'
    updates = results_of(story)[0]["dynamic_variable_updates"]
    assert [(u["old_value"], u["new_value"]) for u in updates] == [
        (None, '{"name":"Ann","age":30}'),
        (None, '[{"name":"Ann","age":30}]'),
    ]


@pytest.mark.parametrize("path", ["users.1.name", "users.x", "nobody", "users.0.name.first", "users.-1"])
def test_a_path_that_leads_nowhere_changes_nothing(path):
    story = asked(assignment("name", path)).tool_finishes("look_up", ANSWER, response=AS_JSON)
    assert prompt_of(story) == "Name: nobody" and results_of(story)[0]["dynamic_variable_updates"] == []


@pytest.mark.parametrize("answer", ["Ann", "", "[1", "7"])
def test_an_answer_that_is_no_json_changes_nothing(answer):
    assert prompt_of(asked(assignment("name", "users.0.name")).tool_finishes("look_up", answer)) == "Name: nobody"


def test_a_failure_assigns_nothing():
    story = asked(assignment("name", "users.0.name")).tool_finishes("look_up", ANSWER, response=AS_JSON, is_error=True)
    assert prompt_of(story) == "Name: nobody"


def test_what_is_sanitized_is_seen_by_nobody_and_known_to_the_next_call():
    sanitized = assignment("token", "users.0.name", sanitize=True)
    story = asked(sanitized).tool_finishes("look_up", ANSWER, response=AS_JSON)
    assert story.tool_results == {"look_up": '{"users":[{"age":30}]}'}
    assert "Ann" not in str(story.record) and "Ann" not in str(story.sent)
    assert results_of(story)[0]["dynamic_variable_updates"][0]["new_value"] == "[redacted]"
    assert story.agent_calls("look_up").runs[-1].variables["token"] == "Ann"


def test_a_secret_variable_is_sanitized_unasked():
    story = asked(assignment("secret__t", "users.0.name")).tool_finishes("look_up", ANSWER, response=AS_JSON)
    assert "Ann" not in str(story.tool_results) and "Ann" not in str(story.record)


def test_what_is_sanitized_leaves_other_items_of_a_list_where_they_are():
    two = [assignment("a", "0", sanitize=True), assignment("b", "1")]
    story = asked(*two).tool_finishes("look_up", "[1,2]", response=[1, 2])
    assert story.tool_results == {"look_up": "[null,2]"}
    assert story.agent_calls("look_up").runs[-1].variables["b"] == "2"


def test_what_is_sanitized_is_taken_out_of_a_text_too():
    story = asked(assignment("name", "users.0.name", sanitize=True))
    story.tool_finishes("look_up", "Ann is 30, says the register", response=AS_JSON)
    assert story.tool_results == {"look_up": "[redacted] is 30, says the register"}


def test_variables_of_the_system_are_not_for_tools_to_set():
    story = asked(assignment("system__time", "users.0.name")).tool_finishes("look_up", ANSWER, response=AS_JSON)
    assert results_of(story)[0]["dynamic_variable_updates"] == []


@pytest.mark.parametrize("path", ["a.b.0.c", "a.b[0].c", "$.a.b.0.c"])
def test_a_path_may_be_written_in_more_than_one_way(path):
    assert value_at({"a": {"b": [{"c": 1}]}}, path) == 1
