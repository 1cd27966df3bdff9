"""What the widget is told, and who may ask."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.testclient import TestClient

from tests.api.conftest import create_agent


def widget(client: TestClient, agent_id: str, **headers: str) -> Any:
    return client.get(f"/v1/convai/agents/{agent_id}/widget", headers=headers)


def signature(client: TestClient, agent_id: str) -> str:
    url = client.get(f"/v1/convai/conversation/get-signed-url?agent_id={agent_id}").json()["signed_url"]
    return parse_qs(urlsplit(url).query)["conversation_signature"][0]


def test_the_widget_gets_every_default(client: TestClient) -> None:
    config = widget(client, create_agent(client)).json()["widget_config"]
    assert config["variant"] == "full"
    assert config["avatar"] == {"type": "orb", "color_1": "#2792dc", "color_2": "#9ce6e6"}
    assert config["use_rtc"] is False
    assert config["language"] == "en"
    assert config["supported_language_overrides"] is None
    assert config["first_message"] is None
    assert config["file_input_config"]["max_files_in_memory"] == 10


def test_the_widget_gets_what_the_owner_set_and_the_languages_to_choose_from(client: TestClient) -> None:
    agent_id = create_agent(
        client,
        conversation_config={
            "agent": {"language": "de", "first_message": "Hallo"},
            "conversation": {"text_only": True},
            "language_presets": {
                "fr": {"overrides": {"agent": {"first_message": "Bonjour"}}},
                "it": {"overrides": {}, "first_message_translation": {"source_hash": "x", "text": "Ciao"}},
            },
        },
        platform_settings={
            "overrides": {"conversation_config_override": {"agent": {"language": True}}},
            "widget": {
                "variant": "tiny",
                "bg_color": None,
                "language_selector": True,
                "custom_avatar_path": "/x",
                "language_presets": {"fr": {"terms_text": "Conditions"}},
                "x_new": 1,
            },
        },
    )
    config = widget(client, agent_id).json()["widget_config"]
    assert (config["variant"], config["bg_color"], config["x_new"]) == ("tiny", "#ffffff", 1)
    assert config["text_only"] is True
    assert config["first_message"] == "Hallo"
    assert config["supported_language_overrides"] == ["de", "fr", "it"]
    assert config["language_presets"]["fr"]["first_message"] == "Bonjour"
    assert config["language_presets"]["fr"]["terms_text"] == "Conditions"
    assert config["language_presets"]["it"]["first_message"] == "Ciao"
    assert "language_selector" not in config and "custom_avatar_path" not in config


def test_a_private_agent_shows_its_widget_only_to_those_it_knows(client: TestClient) -> None:
    auth = {"enable_auth": True, "allowlist": [{"hostname": "app.example:8443"}]}
    agent_id = create_agent(client, platform_settings={"auth": auth})
    other_id = create_agent(client)
    refused = widget(client, agent_id)
    assert refused.status_code == 401
    assert refused.json()["detail"]["status"] == "needs_authorization"
    assert widget(client, agent_id, origin="https://app.example:8443").status_code == 200
    assert widget(client, agent_id, origin="https://app.example").status_code == 401
    address = f"/v1/convai/agents/{agent_id}/widget?conversation_signature="
    assert client.get(address + signature(client, agent_id)).status_code == 200
    assert client.get(address + signature(client, other_id)).status_code == 401
    assert client.get(address + "forged.signature").status_code == 401
