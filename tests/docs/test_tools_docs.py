"""The tool in the document works, and the way to verify its requests does too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_httpserver import HTTPServer

from parola.conversation import webhook_tool
from parola.tools import request, response, webhook
from tests.docs.snippets import block
from tests.wire.servers import ServerProcess

DOCUMENT = (Path(__file__).parents[2] / "docs" / "tools.md").read_text(encoding="utf-8")


def test_the_tool_in_the_document_does_what_it_says(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/shops/north/bookings", method="POST").respond_with_json(
        {"booking": {"id": 7, "table": "window", "card": "4111"}, "staff": "Ann"}
    )
    tool = json.loads(block("tools.md", "json").replace("http://127.0.0.1:9000", httpserver.url_for("").rstrip("/")))
    api_schema = tool["tool_config"]["api_schema"]
    offered = webhook_tool.definition("book_table", "", api_schema).parameters
    assert list(offered["properties"]) == offered["required"] == ["slot", "guests"]
    with ServerProcess("--ephemeral") as server:
        tool_id = server.http.post("/v1/convai/tools", json=tool).json()["id"]
        asked = {
            "arguments": {"slot": "2026-12-24T19:00", "guests": 4},
            "dynamic_variables": {"shop": "north"},
            "agent_id": "agent_1",
            "conversation_id": "conv_1",
        }
        tried = server.http.post(f"/v1/x/tools/{tool_id}/invoke", json=asked).json()
        secret = server.http.get("/v1/x/tool-signing-secret").json()["signing_secret"]
    assert tried["result"] == '{"booking":{"id":7,"table":"window"}}'
    arrived = httpserver.log[0][0]
    assert arrived.json == {"slot": "2026-12-24T19:00", "guests": 4, "conversation": "conv_1"}
    assert (dict(arrived.args), arrived.headers["X-Tenant"]) == ({"channel": "voice"}, "tenant-north")

    verifying: dict[str, Any] = {}
    exec(block("tools.md", "python"), verifying)
    said, body = dict(arrived.headers), arrived.get_data()
    assert verifying["is_genuine"](secret, "POST", arrived.url, said, body)
    assert not verifying["is_genuine"](secret, "POST", arrived.url, said, body + b" ")
    assert not verifying["is_genuine"](secret, "POST", arrived.url, said | {"X-Agent-Id": "agent_2"}, body)
    assert not verifying["is_genuine"](secret, "GET", arrived.url, said, body)


def test_the_figures_are_those_of_the_code() -> None:
    assert (webhook_tool.SHORTEST_SECONDS, webhook_tool.LONGEST_SECONDS, webhook_tool.USUAL_SECONDS) == (5, 300, 20)
    assert webhook.PAUSES_SECONDS == (0.2, 1.0) and set(webhook.IDEMPOTENT) == {"GET", "PUT", "DELETE"}
    assert response.MOST_READ_BYTES == 1024 * 1024 and request.REDACTED in DOCUMENT
    for status in webhook.TRIED_AGAIN:
        assert str(status) in DOCUMENT
