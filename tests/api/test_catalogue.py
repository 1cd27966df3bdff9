"""Voices, models and the user: what dashboards and constructors ask for."""

from __future__ import annotations

from starlette.testclient import TestClient


def test_voices_are_those_of_the_providers(client: TestClient) -> None:
    voices = client.get("/v1/voices").json()["voices"]
    assert [voice["voice_id"] for voice in voices] == ["amy", "bob"]
    assert client.get("/v1/voices/amy").json()["labels"] == {"language": "en", "accent": "british"}
    unknown = client.get("/v1/voices/zoe")
    assert unknown.status_code == 404
    assert unknown.json()["detail"]["status"] == "voice_not_found"


def test_voices_are_searched_page_by_page(client: TestClient) -> None:
    first = client.get("/v2/voices?page_size=1").json()
    assert [voice["name"] for voice in first["voices"]] == ["Amy"]
    assert (first["has_more"], first["total_count"]) == (True, 2)
    second = client.get(f"/v2/voices?page_size=1&next_page_token={first['next_page_token']}").json()
    assert [voice["name"] for voice in second["voices"]] == ["Bob"]
    assert second["has_more"] is False and second["next_page_token"] is None
    assert client.get("/v2/voices?search=british").json()["total_count"] == 1


def test_models_and_the_user_are_there(client: TestClient) -> None:
    assert "eleven_flash_v2" in [model["model_id"] for model in client.get("/v1/models").json()]
    user = client.get("/v1/user").json()
    assert user["subscription"] == client.get("/v1/user/subscription").json()
    assert client.get("/v1/convai/llm/list").json()["llms"] == [{"llm": "scripted", "is_checkpoint": False}]
