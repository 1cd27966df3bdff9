"""Requests beyond an allowance are told when to come again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from starlette.testclient import TestClient

from parola.app import create_app
from parola.config import LimitSettings, Settings
from tests.api.conftest import Registry

NO_LIMITS = LimitSettings(0, 0, 0, 0, 0, 0, 0)


def server(tmp_path: Path, limits: LimitSettings, address: str) -> TestClient:
    app = create_app(Settings(data=tmp_path, limits=limits), registry=Registry())
    return TestClient(app, base_url="http://127.0.0.1:8400", client=(address, 50000))


def test_an_address_that_asks_too_often_is_told_when_to_come_again(tmp_path: Path) -> None:
    with server(tmp_path, replace(NO_LIMITS, requests_per_address=3), "203.0.113.5") as client:
        assert [client.get("/v1/voices").status_code for _ in range(4)] == [200, 200, 200, 429]
        refused = client.get("/v1/convai/agents/none/widget")
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 20
        assert refused.json()["detail"]["status"] == "rate_limit_exceeded"
        assert "limits.requests_per_address" in refused.json()["detail"]["message"]
        assert client.get("/health").status_code == 200


def test_this_machine_has_no_limit_unless_it_is_counted_too(tmp_path: Path) -> None:
    with server(tmp_path, replace(NO_LIMITS, requests_per_address=3), "127.0.0.1") as client:
        assert {client.get("/v1/voices").status_code for _ in range(9)} == {200}
    counted = replace(NO_LIMITS, requests_per_address=3, count_loopback=True)
    with server(tmp_path, counted, "127.0.0.1") as client:
        assert [client.get("/v1/voices").status_code for _ in range(4)][-1] == 429


def test_a_key_that_asks_too_often_stands_in_nobodys_way(tmp_path: Path) -> None:
    with server(tmp_path, replace(NO_LIMITS, requests_per_key=3), "127.0.0.1") as client:
        one = {"xi-api-key": client.post("/v1/x/api-keys", json={"name": "one"}).json()["api_key"]}
        other = {"xi-api-key": client.post("/v1/x/api-keys", headers=one).json()["api_key"]}
        statuses = [client.get("/v1/voices", headers=one).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        refused = client.get("/v1/voices", headers=one)
        assert 1 <= int(refused.headers["retry-after"]) <= 20
        assert "limits.requests_per_key" in refused.json()["detail"]["message"]
        assert client.get("/v1/voices", headers=other).status_code == 200
