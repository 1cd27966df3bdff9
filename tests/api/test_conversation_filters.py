"""Every filter of the list filters; pages stay in place when conversations come and go."""

from __future__ import annotations

import time
from typing import Any

import pytest
from starlette.testclient import TestClient

from parola.api import conversation_filters
from tests.api.test_conversations import CONVERSATIONS, change, keep

RECORD: dict[str, Any] = {
    "branch_id": "branch_a",
    "version_id": "version_a",
    "tag_ids": ["tag_a", "tag_b"],
    "visited_agents": [{"agent_id": "agent_1", "branch_id": "branch_a"}, {"agent_id": "agent_2", "branch_id": "b2"}],
    "metadata": {
        "main_language": "de",
        "phone_call": {"phone_number_id": "phone_a"},
        "feedback": {"comment": "nice"},
    },
    "analysis": {
        "call_successful": "success",
        "evaluation_criteria_results": {"polite": {"result": "success"}, "solved": {"result": "failure"}},
        "data_collection_results": {"amount": {"value": 42}, "city": {"value": "Bern"}, "vip": {"value": True}},
    },
    "conversation_initiation_client_data": {"dynamic_variables": {"plan": "gold", "seats": 3}},
}
TURN: dict[str, Any] = {
    "role": "agent",
    "message": "Good morning",
    "agent_metadata": {"agent_id": "agent_1", "workflow_node_id": "node_a"},
    "tool_calls": [
        {"request_id": "r1", "tool_name": "lookup", "tool_id": "tool_1", "tool_has_been_called": True},
        {"request_id": "r2", "tool_name": "book", "tool_id": "tool_2", "tool_has_been_called": True},
        {"request_id": "r3", "tool_name": "guess", "tool_id": "tool_3", "tool_has_been_called": False},
    ],
    "tool_results": [
        {"request_id": "r1", "tool_name": "lookup", "is_error": False, "tool_has_been_called": True},
        {"request_id": "r2", "tool_name": "book", "is_error": True, "tool_has_been_called": True},
    ],
    "triggered_guardrails": [{"guardrail_type": "custom", "guardrail_name": "No prices"}],
}

FOUND = [
    "branch_id=branch_a",
    "version_id=version_a",
    "call_successful=success",
    "has_feedback_comment=true",
    "conversation_product_type=agents",
    "workflow_node_entered_id=node_a",
    "visited_agent_ids=agent_9&visited_agent_ids=agent_2",
    "visited_agent_branch_ids=b2",
    "evaluation_params=polite:success&evaluation_params=solved:failure",
    "data_collection_params=amount:gte:42&data_collection_params=amount:lt:42.5",
    "data_collection_params=city:in:Basel|Bern",
    "data_collection_params=vip:eq:true",
    "data_collection_params=missing:eq:",
    "data_collection_filter=city:neq:Basel",
    "dynamic_variable_params=plan:eq:gold",
    "dynamic_variable_filter=seats:gt:2",
    "tool_names=lookup",
    "tool_names_successful=lookup",
    "tool_names_errored=book",
    "tool_ids=tool_2",
    "tool_ids_successful=tool_1",
    "tool_ids_errored=tool_2",
    "tool_names=guess&include_invalid_tool_calls=true",
    "main_languages=de&main_languages=fr",
    "phone_number_ids=phone_a",
    "tag_ids=tag_b",
    "guardrail_types=custom",
    "custom_guardrail_names=No prices",
    "search=good+MORNING",
]
NOT_FOUND = [
    "branch_id=other",
    "version_id=other",
    "call_successful=failure",
    "conversation_product_type=speech_engine",
    "parent_conversation_id=conv_0",
    "workflow_node_entered_id=node_b",
    "visited_agent_ids=agent_9",
    "evaluation_params=polite:success&evaluation_params=solved:success",
    "data_collection_params=amount:gt:42",
    "data_collection_params=city:eq:",
    "data_collection_params=nothing:gt:1",
    "dynamic_variable_params=plan:neq:gold",
    "tool_names=other",
    "tool_names_successful=book",
    "tool_names_errored=lookup",
    "tool_ids_errored=tool_1",
    "tool_names=guess",
    "main_languages=en",
    "whatsapp_phone_number_ids=phone_a",
    "topic_ids=topic_a",
    "triggered_procedure_ids=p",
    "guardrail_types=violence",
    "tag_ids=tag_a&main_languages=en",
]


def ids(client: TestClient, query: str) -> list[str]:
    answer = client.get(f"{CONVERSATIONS}?{query}")
    assert answer.status_code == 200, answer.text
    return [one["conversation_id"] for one in answer.json()["conversations"]]


def test_every_filter_filters(client: TestClient) -> None:
    keep(client, "conv_a", document=RECORD)
    change(client, "conv_a", turns={0: TURN})
    keep(client, "conv_plain", document={}, started_at=2000.0)
    assert {query: ids(client, query) for query in FOUND if "conv_a" not in ids(client, query)} == {}
    assert {query: ids(client, query) for query in NOT_FOUND if "conv_a" in ids(client, query)} == {}
    assert ids(client, "has_feedback_comment=false") == ["conv_plain"]
    assert ids(client, "call_successful=unknown") == ["conv_plain"]
    # Each really leaves something out, but for those that hold of what has nothing.
    of_both = {query for query in FOUND if len(ids(client, query)) == 2}
    assert of_both == {
        "conversation_product_type=agents",
        "data_collection_params=missing:eq:",
        "data_collection_filter=city:neq:Basel",
    }


def test_a_summary_shows_the_results_that_are_asked_for(client: TestClient) -> None:
    keep(client, "conv_a", document=RECORD)
    query = "data_collection_ids=amount&evaluation_criteria_ids=polite&evaluation_criteria_ids=unknown"
    (found,) = client.get(f"{CONVERSATIONS}?{query}").json()["conversations"]
    assert found["data_collection_results"] == {"amount": {"value": 42}}
    assert found["evaluation_criteria_results"] == {"polite": {"result": "success"}, "unknown": None}


@pytest.mark.parametrize("query", ["evaluation_params=polite", "data_collection_params=a:is:b", "call_successful=yes"])
def test_a_filter_that_makes_no_sense_says_what_was_expected(client: TestClient, query: str) -> None:
    answer = client.get(f"{CONVERSATIONS}?{query}")
    assert answer.status_code in (400, 422)
    assert "expected" in answer.text.lower() or "should be" in answer.text


def test_pages_go_on_where_they_were_whatever_comes_and_goes(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_filters, "BATCH", 3)
    for number in range(12):
        tags = ["odd"] if number % 2 else []
        keep(client, f"conv_{number:02}", started_at=1000.0 + number, document={"tag_ids": tags})
    first = client.get(f"{CONVERSATIONS}?tag_ids=odd&page_size=2").json()
    assert [one["conversation_id"] for one in first["conversations"]] == ["conv_11", "conv_09"]
    keep(client, "conv_new", started_at=5000.0, document={"tag_ids": ["odd"]})
    client.delete(f"{CONVERSATIONS}/conv_09")
    rest: list[str] = []
    cursor = first["next_cursor"]
    while cursor:
        page = client.get(f"{CONVERSATIONS}?tag_ids=odd&page_size=2&cursor={cursor}").json()
        rest += [one["conversation_id"] for one in page["conversations"]]
        cursor = page["next_cursor"]
        assert page["has_more"] is (cursor is not None)
    assert rest == ["conv_07", "conv_05", "conv_03", "conv_01"]


def test_a_filter_that_matches_little_looks_at_so_many_in_one_request(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_filters, "BATCH", 3)
    monkeypatch.setattr(conversation_filters, "MOST_LOOKED_AT", 4)
    for number in range(6):
        keep(client, f"conv_{number}", started_at=1000.0 + number, document={"tag_ids": ["x"] if number == 0 else []})
    first = client.get(f"{CONVERSATIONS}?tag_ids=x").json()
    assert first["conversations"] == [] and first["has_more"]
    assert ids(client, f"tag_ids=x&cursor={first['next_cursor']}") == ["conv_0"]


def test_the_length_that_is_shown_is_the_one_that_is_asked_for(client: TestClient) -> None:
    began = time.time() - 1.1
    keep(client, "conv_ended", started_at=1000.4, ended_at=1002.0)
    keep(client, "conv_short", started_at=1000.0, ended_at=1000.3)
    keep(client, "conv_runs", started_at=began, status="in-progress")
    listed = client.get(CONVERSATIONS).json()["conversations"]
    shown = {one["conversation_id"]: one["call_duration_secs"] for one in listed}
    assert shown["conv_ended"] == 2 and shown["conv_short"] == 0
    assert set(ids(client, "call_duration_min_secs=1")) == {"conv_ended", "conv_runs"}
    assert ids(client, "call_duration_min_secs=2&call_start_before_unix=2000") == ["conv_ended"]
    assert ids(client, "call_duration_max_secs=0") == ["conv_short"]


@pytest.mark.parametrize("later", [{"feedback": "like"}, {"comment": "only words"}])
def test_a_rating_that_was_replaced_is_found_no_more(client: TestClient, later: dict[str, Any]) -> None:
    keep(client, "conv_a")
    assert client.post(f"{CONVERSATIONS}/conv_a/feedback", json={"rating": 2}).status_code == 200
    assert ids(client, "rating_max=2") == ["conv_a"]
    assert client.post(f"{CONVERSATIONS}/conv_a/feedback", json=later).status_code == 200
    assert client.get(f"{CONVERSATIONS}/conv_a").json()["metadata"]["feedback"]["rating"] is None
    (listed,) = client.get(CONVERSATIONS).json()["conversations"]
    assert listed["rating"] is None and ids(client, "rating_max=5") == []
