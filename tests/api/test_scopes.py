"""Who may use which route: the whole table, made from the application itself. A route without a rule fails here."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Mount, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from parola.api.access import ANY, Rule, rule_of
from parola.api.auth import Caller
from parola.api.scopes import HOSTED, SCOPES, granted, read_scopes
from parola.app import create_app
from parola.config import LimitSettings, Settings
from parola.errors import InvalidRequest
from tests.api.conftest import Registry, call

UNLIMITED = LimitSettings(0, 0, 0, 0, 0, 0, 0)


def everything(app: Any) -> list[Any]:
    """Every route and every socket, of the parts that are loaded later too."""

    async def walk() -> list[Any]:
        found = []
        for route in app.routes:
            if isinstance(route, Mount) and (hasattr(route.app, "routes") or hasattr(route.app, "loaded")):
                inner = await route.app.loaded() if hasattr(route.app, "loaded") else route.app
                found.extend(everything_in(inner))
            elif isinstance(route, WebSocketRoute) and hasattr(route.endpoint, "loaded"):
                found.append(WebSocketRoute(route.path, await route.endpoint.loaded(), name=route.name))
            else:
                found.append(route)
        return found

    return asyncio.run(walk())


def everything_in(app: Any) -> Iterator[Any]:
    for route in app.routes:
        yield from everything_in(route.app) if isinstance(route, Mount) else [route]


ROUTES = everything(create_app(Settings(ephemeral=True), registry=Registry()))
SOCKETS = [route for route in ROUTES if isinstance(route, WebSocketRoute)]
REQUESTS = [
    (method, route.path, rule_of(route))
    for route in ROUTES
    if not isinstance(route, WebSocketRoute | Mount)
    for method in sorted(route.methods - {"HEAD", "OPTIONS"})
]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{sorted(getattr(route, 'methods', ['WS']))} {route.path}")
def test_every_route_and_socket_says_who_may_use_it(route: Any) -> None:
    rule = rule_of(route)
    assert rule.is_known, f"{route.path} has no rule: see parola/api/access.py"
    assert rule.scope in (None, ANY, *SCOPES)
    assert rule.scope is not None or rule.why_open, f"{route.path} is open, and does not say why"


class Keys:
    """A server with a key of every kind."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        keys = client.app.state.services.keys  # type: ignore[attr-defined]

        def make(name: str, **rights: Any) -> str:
            made: str = call(client, keys.create, name, **rights)[1]
            return made

        self.all = make("all")
        self.expired = make("expired", expires_at=time.time() - 5)
        row, self.revoked = call(client, keys.create, "revoked")
        assert self.status("GET", "/v1/user", self.revoked) == (200, "")
        call(client, keys.delete, row.key_id)
        self.only = {scope: make(scope, scopes=[scope]) for scope in SCOPES}
        self.nothing = make("nothing", scopes=[])

    def all_but(self, scope: str) -> str:
        """A key with every scope except ``admin`` and those that are good for this one."""
        name = f"all but {scope}"
        if name not in self.only:
            keys = self.client.app.state.services.keys  # type: ignore[attr-defined]
            others = [one for one in SCOPES if scope not in granted([one]) and one != "admin"]
            self.only[name] = call(self.client, keys.create, name, scopes=others)[1]
        return self.only[name]

    def status(self, method: str, path: str, key: str | None) -> tuple[int, str]:
        """The HTTP status and ``detail.status`` of an answer."""
        concrete = re.sub(r"\{[^}]*\}", "x", path)
        response = self.client.request(method, concrete, headers={"xi-api-key": key} if key else {})
        if response.status_code not in (401, 403):
            return 200, ""  # let in; that there is no x is another matter
        return response.status_code, response.json()["detail"]["status"]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    data: Path = tmp_path_factory.mktemp("scopes")
    app = create_app(Settings(data=data, limits=UNLIMITED), registry=Registry())
    with TestClient(app, base_url="http://127.0.0.1:8400", raise_server_exceptions=False) as client:
        yield Keys(client)


@pytest.mark.parametrize(
    ("method", "path", "rule"), [one for one in REQUESTS if one[2].scope is not None], ids=lambda one: str(one)[:80]
)
def test_only_a_living_key_with_the_scope_opens_a_route(keys: Keys, method: str, path: str, rule: Rule) -> None:
    assert rule.scope is not None
    assert keys.status(method, path, None) == (401, "needs_authorization")
    for wrong in (keys.expired, keys.revoked, "pk_nonsense"):
        assert keys.status(method, path, wrong) == (401, "invalid_api_key")
    if rule.scope == ANY:
        assert keys.status(method, path, keys.nothing) == (200, "")
    else:
        assert keys.status(method, path, keys.all_but(rule.scope)) == (401, "missing_permissions")
        assert keys.status(method, path, keys.nothing) == (401, "missing_permissions")
        assert keys.status(method, path, keys.only[rule.scope]) == (200, "")
    for right in (keys.all, keys.only["admin"]):
        assert keys.status(method, path, right) == (200, "")


@pytest.mark.parametrize("route", [one for one in SOCKETS if rule_of(one).scope is not None], ids=lambda one: one.path)
def test_only_a_living_key_with_the_scope_opens_a_socket(keys: Keys, route: WebSocketRoute) -> None:
    scope = rule_of(route).scope
    assert scope is not None

    def refusal(key: str | None) -> str | None:
        """The reason of a close with 3000; None: it was let in as far as its key goes."""
        headers = {"xi-api-key": key} if key else {}
        try:
            with keys.client.websocket_connect(re.sub(r"\{[^}]*\}", "x", route.path), headers=headers) as socket:
                socket.receive_text()
        except WebSocketDisconnect as close:
            return close.reason if close.code == 3000 else None
        return None

    for wrong in (None, keys.expired, keys.revoked, keys.nothing, keys.all_but(scope)):
        assert refusal(wrong), f"{route.path} let {wrong} in"
    for right in (keys.all, keys.only["admin"], keys.only[scope]):
        assert refusal(right) is None


def test_a_refusal_says_what_is_missing_and_what_the_key_has(keys: Keys) -> None:
    response = keys.client.delete("/v1/convai/agents/x", headers={"xi-api-key": keys.only["agents:read"]})
    assert response.json() == {
        "detail": {
            "status": "missing_permissions",
            "message": "The API key you used is missing the permission agents:write to execute this operation "
            "(change agents, tools and documents). It has: agents:read.",
        }
    }


def test_scopes_have_the_hosted_names_too() -> None:
    assert read_scopes(["convai_read", "inject"]) == ("agents:read", "conversations:read", "inject")
    for permission, scopes in HOSTED.items():
        assert set(scopes) <= set(SCOPES), permission
    with pytest.raises(InvalidRequest, match=r'Expected one of the scopes agents:read, .*, got "convai"'):
        read_scopes(["convai"])
    assert Caller(scopes=()).may(ANY)
    assert not Caller(scopes=("agents:write",)).may("agents:read")
