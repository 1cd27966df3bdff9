"""Agents are kept as they are pushed, and given back the same."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from parola.store.base import ConversationRow
from tests.api.conftest import call, create_agent
from tests.store.test_contract import JSON

AGENTS = "/v1/convai/agents"

FULL: dict[str, Any] = {
    "name": "Front desk",
    "tags": ["hotel"],
    "conversation_config": {
        "agent": {
            "first_message": "Hi {{name}}!",
            "language": "en",
            "dynamic_variables": {"dynamic_variable_placeholders": {"name": "there"}},
            "prompt": {
                "prompt": "You answer the phone.",
                "llm": "custom-llm",
                "custom_llm": {"url": "http://llm:8000/v1", "model_id": "m"},
                "built_in_tools": {"end_call": {"name": "end_call", "params": {"system_tool_type": "end_call"}}},
                "tool_ids": ["tool_1", "tool_2"],
                "x_script": {"rules": [{"when": "hi", "say": "hello"}]},
            },
        },
        "conversation": {"client_events": ["audio", "interruption"]},
        "language_presets": {"de": {"overrides": {"agent": {"first_message": "Hallo"}}}, "fr": {"overrides": {}}},
        "from_the_future": [1, {"a": None}],
    },
    "platform_settings": {"auth": {"enable_auth": True}, "data_collection": {"age": {"type": "integer"}}},
    "workflow": {"nodes": {"start": {"type": "start"}}, "edges": {}},
    "also_from_the_future": {"x": 2**70},
}


def push(client: TestClient, document: dict[str, Any]) -> str:
    response = client.post(f"{AGENTS}/create", content=json.dumps(document))
    assert response.status_code == 200, response.text
    agent_id: str = response.json()["agent_id"]
    return agent_id


def pull(client: TestClient, agent_id: str) -> dict[str, Any]:
    response = client.get(f"{AGENTS}/{agent_id}")
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def test_what_is_pushed_is_what_is_pulled(client: TestClient) -> None:
    pulled = pull(client, push(client, FULL))
    assert {key: pulled[key] for key in FULL} == FULL


@given(unknown=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), JSON, max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_unknown_fields_of_any_shape_come_back_at_every_depth(client: TestClient, unknown: dict[str, Any]) -> None:
    config = {
        "x_unknown": unknown,
        "agent": {"x_unknown": unknown, "prompt": {"x_unknown": unknown, "tools": [{"type": "new", "x": unknown}]}},
        "tts": {"x_unknown": unknown},
    }
    pulled = pull(client, push(client, {"conversation_config": config}))
    assert repr(pulled["conversation_config"]) == repr(config)


def test_defaults_are_not_written_into_an_agent(client: TestClient) -> None:
    pulled = pull(client, push(client, {"conversation_config": {}}))
    assert pulled["conversation_config"] == {}
    assert pulled["platform_settings"] == {}
    assert pulled["name"] == "New agent"


def test_a_pulled_agent_can_be_pushed_as_it_is(client: TestClient) -> None:
    pulled = pull(client, push(client, FULL))
    again = pull(client, push(client, pulled))
    assert again["agent_id"] != pulled["agent_id"]
    assert {key: again[key] for key in FULL} == FULL


def test_a_patch_is_merged_object_by_object(client: TestClient) -> None:
    agent_id = push(client, FULL)
    patch = {
        "conversation_config": {
            "agent": {
                "first_message": None,
                "dynamic_variables": {"dynamic_variable_placeholders": {"city": "Bern"}},
                "prompt": {"tool_ids": ["tool_3"], "custom_llm": {"model_id": "n"}, "temperature": 0.5},
            },
            "language_presets": {"es": {"overrides": {}}},
        },
        "platform_settings": {"privacy": {"record_voice": False}},
    }
    response = client.patch(f"{AGENTS}/{agent_id}", json=patch)
    assert response.status_code == 200, response.text
    expected = json.loads(json.dumps(FULL))
    agent = expected["conversation_config"]["agent"]
    agent["first_message"] = None
    agent["dynamic_variables"]["dynamic_variable_placeholders"] = {"city": "Bern"}
    agent["prompt"] |= {
        "tool_ids": ["tool_3"],
        "custom_llm": {"url": "http://llm:8000/v1", "model_id": "n"},
        "temperature": 0.5,
    }
    expected["conversation_config"]["language_presets"] = {"es": {"overrides": {}}}
    expected["platform_settings"]["privacy"] = {"record_voice": False}
    assert {key: response.json()[key] for key in expected} == expected
    assert pull(client, agent_id) == response.json()


def test_an_object_of_another_type_replaces_the_one_before(client: TestClient) -> None:
    widget = {"avatar": {"type": "orb", "color_1": "#000000", "color_2": "#ffffff"}}
    agent_id = create_agent(client, platform_settings={"widget": widget})
    avatar = {"type": "url", "custom_url": "/me.png"}
    response = client.patch(f"{AGENTS}/{agent_id}", json={"platform_settings": {"widget": {"avatar": avatar}}})
    assert response.json()["platform_settings"]["widget"]["avatar"] == avatar


def test_a_patch_changes_the_name_and_keeps_the_rest(client: TestClient) -> None:
    agent_id = push(client, FULL)
    renamed = client.patch(f"{AGENTS}/{agent_id}", json={"name": "Reception"}).json()
    assert renamed["name"] == "Reception"
    assert renamed["conversation_config"] == FULL["conversation_config"]
    assert client.patch(f"{AGENTS}/{agent_id}", json={"tags": []}).json()["name"] == "Reception"


@pytest.mark.parametrize(
    ("config", "field", "said"),
    [
        ({"turn": {"turn_timeout": 301}}, "turn_timeout", "-1 or 0 to 300, got 301"),
        ({"turn": {"turn_timeout": -2}}, "turn_timeout", "-1 or 0 to 300, got -2"),
        ({"agent": {"prompt": {"temperature": 3}}}, "temperature", "0 to 2, got 3"),
        ({"tts": {"speed": 5}}, "speed", "0.7 to 1.2, got 5"),
        ({"asr": {"user_input_audio_format": "mp3"}}, "user_input_audio_format", 'got "mp3"'),
        ({"agent": {"first_message": 7}}, "first_message", "got 7"),
        ({"agent": "hello"}, "agent", 'got "hello"'),
        (
            {"agent": {"prompt": {"tools": [{"type": "client", "name": "a b"}]}}},
            "name",
            'got "a b"',
        ),
        (
            {"agent": {"prompt": {"tools": [{"type": "client", "name": "a", "response_timeout_secs": 121}]}}},
            "response_timeout_secs",
            "1 to 120, got 121",
        ),
        (
            {
                "agent": {
                    "prompt": {
                        "tools": [{"type": "client", "name": "a", "parameters": {"properties": {"tool_call_id": {}}}}]
                    }
                }
            },
            "parameters",
            "Python SDK",
        ),
    ],
)
def test_what_cannot_work_is_refused_by_field_range_and_value(
    client: TestClient, config: dict[str, Any], field: str, said: str
) -> None:
    agent_id = create_agent(client)
    for response in (
        client.post(f"{AGENTS}/create", json={"conversation_config": config}),
        client.patch(f"{AGENTS}/{agent_id}", json={"conversation_config": config}),
    ):
        assert response.status_code == 422
        (problem,) = response.json()["detail"]
        assert problem["loc"][:2] == ["body", "conversation_config"]
        assert problem["loc"][-1] == field
        assert said in problem["msg"]
    assert pull(client, agent_id)["conversation_config"] == {}


def test_null_means_the_default_for_every_known_field(client: TestClient) -> None:
    config = {"asr": None, "turn": {"turn_timeout": None}, "agent": {"prompt": {"tools": None, "built_in_tools": None}}}
    assert pull(client, push(client, {"conversation_config": config}))["conversation_config"] == config


def test_a_config_is_required(client: TestClient) -> None:
    response = client.post(f"{AGENTS}/create", json={"name": "No config"})
    assert response.status_code == 422
    assert response.json() == {
        "detail": [{"loc": ["body", "conversation_config"], "msg": "Field required", "type": "missing"}]
    }


def test_agents_are_listed_newest_first_and_found(client: TestClient) -> None:
    first = create_agent(client, "Alpha", tags=["a"])
    second = create_agent(client, "Beta", tags=["b"])
    hidden = create_agent(client, "Gone", platform_settings={"archived": True})

    def ids(query: str = "") -> list[str]:
        agents = client.get(f"{AGENTS}?{query}").json()["agents"]
        return [agent["agent_id"] for agent in agents if agent["agent_id"] != "agent_demo"]

    assert ids() == [second, first]
    assert ids("sort_by=name&sort_direction=asc") == [first, second]
    assert ids("search=alp") == [first]
    assert ids("tags=a&tags=b") == [second, first]
    assert ids("archived=true") == [hidden]
    assert ids("created_by_user_id=@me&show_only_owned_agents=false") == [second, first]


def test_the_list_says_how_often_and_when_each_agent_was_called_last(client: TestClient) -> None:
    called, idle, once = (create_agent(client, name) for name in ("Called", "Idle", "Once"))
    store = client.app.state.services.store  # type: ignore[attr-defined]
    now = int(time.time())
    for name, agent_id, status, at in (
        ("conv_1", called, "done", 100.5),
        ("conv_2", called, "done", now - 90.5),
        ("conv_3", called, "in-progress", now - 80.5),
        ("conv_4", called, "initiated", now - 70.5),
        ("conv_5", once, "done", 200.5),
    ):
        call(client, store.conversations.create, ConversationRow(name, agent_id, status, at, {}))

    def told(query: str = "") -> list[tuple[str, int | None, int]]:
        agents = client.get(f"{AGENTS}?{query}").json()["agents"]
        keys = ("agent_id", "last_call_time_unix_secs", "x_calls_7d")
        return [tuple(one[key] for key in keys) for one in agents if one["agent_id"] != "agent_demo"]

    assert set(told()) == {(called, now - 81, 2), (idle, None, 0), (once, 200, 0)}
    assert told("sort_by=call_count_7d")[0][0] == called
    assert told("sort_by=call_count_7d&sort_direction=asc")[-1][0] == called
    (branch,) = client.get(f"{AGENTS}/{called}/branches").json()["results"]
    assert branch["calls_7d"] == 2


def test_pages_do_not_shift_when_an_agent_is_created_between_them(client: TestClient) -> None:
    made = [create_agent(client, f"Agent {n}", tags=["mine"]) for n in range(5)]
    page = client.get(f"{AGENTS}?page_size=2&tags=mine").json()
    seen = [agent["agent_id"] for agent in page["agents"]]
    while page["has_more"]:
        create_agent(client, "Newcomer", tags=["mine"])
        page = client.get(f"{AGENTS}?page_size=2&tags=mine&cursor={page['next_cursor']}").json()
        seen += [agent["agent_id"] for agent in page["agents"]]
    assert seen == made[::-1]
    assert page["next_cursor"] is None


@pytest.mark.parametrize("page_size", [0, 101, -1])
def test_a_page_has_between_one_and_a_hundred_items(client: TestClient, page_size: int) -> None:
    response = client.get(f"{AGENTS}?page_size={page_size}")
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["query", "page_size"]


def test_a_copy_has_its_own_id_and_the_same_config(client: TestClient) -> None:
    agent_id = push(client, FULL)
    copy_id = client.post(f"{AGENTS}/{agent_id}/duplicate", json={"name": "Night desk"}).json()["agent_id"]
    copy = pull(client, copy_id)
    assert copy_id != agent_id
    assert copy["name"] == "Night desk"
    assert copy["conversation_config"] == FULL["conversation_config"]
    unnamed = client.post(f"{AGENTS}/{agent_id}/duplicate").json()["agent_id"]
    assert pull(client, unnamed)["name"] == "Front desk (copy)"


def test_a_deleted_agent_is_gone(client: TestClient) -> None:
    agent_id = create_agent(client)
    assert client.delete(f"{AGENTS}/{agent_id}?force=true").json() == {}
    assert client.get(f"{AGENTS}/{agent_id}").status_code == 404
    assert client.delete(f"{AGENTS}/{agent_id}").status_code == 404


def test_summaries_succeed_or_fail_one_by_one(client: TestClient) -> None:
    agent_id = create_agent(client, "Alpha")
    found = client.get(f"{AGENTS}/summaries?agent_ids={agent_id}&agent_ids=agent_unknown").json()
    assert found[agent_id]["status"] == "success"
    assert found[agent_id]["data"]["name"] == "Alpha"
    assert found["agent_unknown"]["status"] == "failure"


def test_a_link_has_a_token_when_the_owner_has_set_one(client: TestClient) -> None:
    plain = create_agent(client)
    shared = create_agent(client, platform_settings={"auth": {"shareable_token": "tok"}})
    assert client.get(f"{AGENTS}/{plain}/link").json() == {"agent_id": plain, "token": None}
    assert client.get(f"{AGENTS}/{shared}/link").json()["token"]["conversation_token"] == "tok"
