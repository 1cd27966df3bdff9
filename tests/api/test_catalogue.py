"""Voices, models and the user: what dashboards and constructors ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from parola.config import Settings
from tests.api.conftest import create_agent


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


def test_what_a_model_would_cost_is_worked_out_by_the_owners_prices(
    start: Callable[..., TestClient], settings: Settings
) -> None:
    client = start(replace(settings, prices={"script*": {"input": 2.0, "output": 10.0}}))
    calculate = "/v1/convai/llm-usage/calculate"
    body = {"prompt_length": 4000, "number_of_pages": 0, "rag_enabled": False}
    [price] = client.post(calculate, json=body).json()["llm_prices"]
    assert price["llm"] == "scripted" and price["price_per_message"] == pytest.approx(0.0035)
    assert price["price_per_minute"] == pytest.approx(0.014)

    def per_message(**changes: Any) -> float:
        answer = client.post(calculate, json={**body, **changes}).json()
        return float(answer["llm_prices"][0]["price_per_message"])

    whole, searched = (per_message(number_of_pages=1000, rag_enabled=flag) for flag in (False, True))
    assert whole > 10 * searched > 10 * per_message(), "of documents that are searched only the found parts are read"
    assert client.post(calculate, json={**body, "prompt_length": -1}).status_code == 422
    agent_id = create_agent(client, conversation_config={"agent": {"prompt": {"prompt": "x" * 4000}}})
    asked = client.post(f"/v1/convai/agent/{agent_id}/llm-usage/calculate").json()
    assert asked["llm_prices"] == [price]
    assert client.post("/v1/convai/agent/agent_none/llm-usage/calculate", json={}).status_code == 404
