"""Every change of an agent is a version: read, listed, talked to, and brought back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from elevenlabs import ElevenLabs
from elevenlabs.core.api_error import ApiError
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from parola.app import create_app
from parola.config import Settings
from tests.api.conftest import create_agent
from tests.conftest import RunningServer

AGENTS = "/v1/convai/agents"


def greeting(words: str, **conversation: Any) -> dict[str, Any]:
    agent = {"first_message": words, "prompt": {"llm": "x-script"}}
    return {"conversation_config": {"agent": agent, "conversation": {"text_only": True, **conversation}}}


def versions(client: TestClient, agent_id: str, **query: Any) -> dict[str, Any]:
    response = client.get(f"/v1/x/agents/{agent_id}/versions", params=query)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


def test_a_change_is_a_version_and_every_version_can_be_read(client: TestClient) -> None:
    agent_id = create_agent(client, "Desk", tags=["a"], version_description="As agreed")
    first = client.get(f"{AGENTS}/{agent_id}").json()
    changed = client.patch(f"{AGENTS}/{agent_id}", json={"tags": ["b"], "version_description": "Other tags"}).json()
    assert changed["version_id"] != first["version_id"]
    assert changed["branch_id"] == changed["main_branch_id"] == first["branch_id"]
    assert "version_description" not in changed

    page = versions(client, agent_id)
    told = [(one["seq_no_in_branch"], one["version_description"], one["is_current"]) for one in page["versions"]]
    assert told == [(2, "Other tags", True), (1, "As agreed", False)]
    assert page["versions"][0]["parents"]["in_branch_parent_id"] == first["version_id"]
    old = client.get(f"{AGENTS}/{agent_id}", params={"version_id": first["version_id"]}).json()
    assert (old["tags"], old["version_id"]) == (["a"], first["version_id"])

    assert client.patch(f"{AGENTS}/{agent_id}", json={"tags": ["b"]}).json()["version_id"] == changed["version_id"]
    small = versions(client, agent_id, page_size=1)
    assert small["has_more"] is True
    rest = versions(client, agent_id, page_size=1, cursor=small["next_cursor"])
    assert [one["id"] for one in rest["versions"]] == [first["version_id"]]
    assert rest["has_more"] is False


def test_an_old_version_is_brought_back_whole_as_a_new_one(client: TestClient) -> None:
    agent_id = create_agent(client, "Desk")
    first = client.get(f"{AGENTS}/{agent_id}").json()
    client.patch(f"{AGENTS}/{agent_id}", json={"name": "Bar", "tags": ["b"], "workflow": {"nodes": {}, "edges": {}}})
    restored = client.post(f"/v1/x/agents/{agent_id}/versions/{first['version_id']}/restore").json()
    assert {**restored, "version_id": "", "metadata": {}} == {**first, "version_id": "", "metadata": {}}
    newest = versions(client, agent_id)["versions"][0]
    assert (newest["id"], newest["seq_no_in_branch"]) == (restored["version_id"], 3)
    assert (newest["version_description"], newest["name"]) == ("Version 1 again", "Desk")
    assert client.get(f"{AGENTS}/{agent_id}").json() == restored


def test_versions_and_branches_that_are_not_there_are_not_found(client: TestClient) -> None:
    agent_id, other = create_agent(client), create_agent(client)
    theirs = client.get(f"{AGENTS}/{other}").json()["version_id"]
    for path in (
        f"{AGENTS}/{agent_id}?version_id={theirs}",
        f"{AGENTS}/{agent_id}?branch_id=agtbrch_other",
        f"{AGENTS}/{agent_id}/versions/{theirs}",
        f"{AGENTS}/{agent_id}/branches/agtbrch_other",
        f"{AGENTS}/agent_none/branches",
        "/v1/x/agents/agent_none/versions",
        f"/v1/convai/conversation/get-signed-url?agent_id={agent_id}&version_id={theirs}",
    ):
        response = client.get(path)
        assert response.status_code == 404, path
        assert response.json()["detail"]["message"]
    assert client.patch(f"{AGENTS}/{agent_id}?branch_id=agtbrch_other", json={"name": "x"}).status_code == 404
    assert client.post(f"/v1/x/agents/{agent_id}/versions/{theirs}/restore").status_code == 404


def test_the_official_sdk_reads_the_branch_and_hears_that_there_is_one(server: RunningServer) -> None:
    agents = ElevenLabs(api_key="any", base_url=server.base_url).conversational_ai.agents
    agent_id = agents.create(conversation_config={}, name="Desk").agent_id
    agent = agents.update(agent_id, name="Night desk", version_description="Renamed")
    (branch,) = agents.branches.list(agent_id, include_archived=True, limit=5).results
    assert (branch.id, branch.name, branch.current_live_percentage) == (agent.main_branch_id, "Main", 100)
    told = agents.branches.get(agent_id, branch.id)
    assert [one.version_description for one in told.most_recent_versions] == ["Renamed", ""]
    version = agents.versions.get(agent_id, agent.version_id)
    assert (version.seq_no_in_branch, version.branch_id) == (2, branch.id)
    assert agents.get(agent_id, version_id=version.parents.in_branch_parent_id).name == "Desk"
    assert agents.deployments.list(agent_id).results == []
    with pytest.raises(ApiError) as refused:
        agents.branches.create(agent_id, parent_version_id=version.id, name="try", description="")
    assert refused.value.status_code == 400
    assert refused.value.body["detail"]["status"] == "only_one_branch"
    with pytest.raises(ApiError):
        agents.deployments.create(agent_id, deployment_request={"requests": []})


@pytest.fixture
def talking(tmp_path: Any) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data=tmp_path)), base_url="http://127.0.0.1:8400") as client:
        yield client


def begun(client: TestClient, address: str, **beginning: Any) -> tuple[str, str] | tuple[int, str]:
    """The conversation's id and the agent's first words; or the code and the reason of a close."""
    with client.websocket_connect(address) as socket:
        conversation_id = ""
        try:
            socket.send_json({"type": "conversation_initiation_client_data", **beginning})
            while True:
                message = json.loads(socket.receive_text())
                if event := message.get("conversation_initiation_metadata_event"):
                    conversation_id = event["conversation_id"]
                elif event := message.get("agent_response_event"):
                    return conversation_id, event["agent_response"]
        except WebSocketDisconnect as close:
            return close.code, close.reason


def test_a_conversation_begins_with_the_version_that_is_asked_for(talking: TestClient) -> None:
    agent_id = create_agent(talking, "Desk", **greeting("Old words"))
    old = talking.get(f"{AGENTS}/{agent_id}").json()
    new = talking.patch(f"{AGENTS}/{agent_id}", json=greeting("New words")).json()
    socket = f"/v1/convai/conversation?agent_id={agent_id}"
    signed_query = f"agent_id={agent_id}&version_id={old['version_id']}"
    signed = talking.get(f"/v1/convai/conversation/get-signed-url?{signed_query}").json()["signed_url"]
    unsigned = talking.get(f"/v1/convai/conversation/get-signed-url?agent_id={agent_id}").json()["signed_url"]
    on_terms = talking.post("/v1/x/signed-urls", json={"agent_id": agent_id, "version_id": old["version_id"]}).json()
    for address, agent, words in (
        (socket, new, "New words"),
        (f"{socket}&version_id={old['version_id']}", old, "Old words"),
        (signed.partition("8400")[2], old, "Old words"),
        (on_terms["signed_url"].partition("8400")[2], old, "Old words"),
        (f"{unsigned.partition('8400')[2]}&version_id={old['version_id']}", new, "New words"),
    ):
        conversation_id, said = begun(talking, address)
        assert said == words
        record = talking.get(f"/v1/convai/conversations/{conversation_id}").json()
        assert (record["version_id"], record["branch_id"]) == (agent["version_id"], agent["main_branch_id"])
        assert record["transcript"][0]["agent_metadata"]["version_id"] == agent["version_id"]
    listed = talking.get("/v1/convai/conversations", params={"version_id": old["version_id"]}).json()
    assert len(listed["conversations"]) == 3

    assert begun(talking, f"{socket}&version_id=agtvrsn_none")[0] == 1008
    conversation_id, said = begun(talking, f"{socket}&branch_id=agtbrch_none")
    record = talking.get(f"/v1/convai/conversations/{conversation_id}").json()
    assert (said, record["branch_id"]) == ("New words", new["main_branch_id"])
    assert any("agtbrch_none" in warning for warning in record["metadata"]["warnings"])


def test_who_may_come_in_is_what_the_agent_says_now(talking: TestClient) -> None:
    agent_id = create_agent(talking, "Desk", **greeting("Old words"))
    old = talking.get(f"{AGENTS}/{agent_id}").json()["version_id"]
    talking.patch(f"{AGENTS}/{agent_id}", json={"platform_settings": {"auth": {"enable_auth": True}}})
    assert begun(talking, f"/v1/convai/conversation?agent_id={agent_id}&version_id={old}")[0] == 3000


def test_an_old_version_brings_back_no_right_that_was_withdrawn(talking: TestClient) -> None:
    allowed = {"overrides": {"conversation_config_override": {"agent": {"first_message": True}}}}
    agent_id = create_agent(talking, "Desk", **greeting("Old words"), platform_settings=allowed)
    old = talking.get(f"{AGENTS}/{agent_id}").json()["version_id"]
    address = f"/v1/convai/conversation?agent_id={agent_id}&version_id={old}"
    mine = {"conversation_config_override": {"agent": {"first_message": "My words"}}}

    def set_to(value: bool) -> None:
        new = {"overrides": {"conversation_config_override": {"agent": {"first_message": value}}}}
        talking.patch(f"{AGENTS}/{agent_id}", json=greeting("New words") | {"platform_settings": new})

    set_to(False)
    code, reason = begun(talking, address, **mine)
    assert (code, "first_message" in str(reason)) == (1008, True)
    assert begun(talking, address)[1] == "Old words"
    set_to(True)
    assert begun(talking, address, **mine)[1] == "My words"
