"""Whose conversations may have their tools mocked."""

from __future__ import annotations

import pytest

from parola.api.admission import Admission
from parola.api.auth import ApiKeyCheck
from parola.api.credentials import Credentials, Vault
from parola.api.signed_url_grants import SignedUrlGrants
from parola.config import Settings
from parola.protocol.client_messages import ConversationInitiationClientData, ToolMockConfig
from parola.session.admitted import MOCKS_IGNORED, mocks_if_allowed
from parola.store.base import AgentRow
from parola.store.memory import MemoryStore

WANTED = ConversationInitiationClientData(tool_mock_config=ToolMockConfig(mocking_strategy="all"))


@pytest.mark.parametrize(
    ("rule", "server_has_keys", "sends", "allowed"),
    [
        ("auto", False, "nothing", True),
        ("auto", True, "nothing", False),
        ("auto", True, "a key", True),
        ("auto", True, "a wrong key", False),
        ("keyed", False, "nothing", False),
        ("anyone", True, "nothing", True),
        ("never", True, "a key", False),
    ],
)
async def test_a_user_cannot_switch_tools_off_where_keys_are_needed(
    rule: str, server_has_keys: bool, sends: str, allowed: bool
) -> None:
    settings, store = Settings(ephemeral=True, tool_mocks=rule), MemoryStore()
    keys = ApiKeyCheck(settings, store)
    headers = []
    if server_has_keys:
        _, secret = await keys.create("mine")
        headers = [(b"xi-api-key", secret.encode())] if sends == "a key" else []
    if sends == "a wrong key":
        headers = [(b"xi-api-key", b"wrong")]
    await store.agents.put(AgentRow("agent_1", "A", {"conversation_config": {}}, 0.0, 0.0))
    admission = Admission(settings, store, Credentials(b"s" * 32), keys, SignedUrlGrants(store, Vault(b"v" * 32)))
    scope = {"type": "websocket", "query_string": b"agent_id=agent_1", "headers": headers, "client": ("127.0.0.1", 1)}
    admitted = await admission.admit(scope)
    assert admitted is not None and admitted.may_mock is allowed
    admitted, client_data = mocks_if_allowed(admitted, WANTED)
    assert (client_data.tool_mock_config is not None) is allowed
    assert (MOCKS_IGNORED in admitted.warnings) is not allowed
