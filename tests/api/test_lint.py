"""Lint over REST and from the command line, on a real server that has some of what an agent asks for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from tests.terminal.test_cli import parola
from tests.wire.servers import ServerProcess, agent, free_port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess("--ephemeral") as running:
        yield running


def webhook(url: str) -> dict[str, Any]:
    return {"type": "webhook", "name": "look_up", "description": "x", "api_schema": {"url": url}}


def levels(result: dict[str, Any], path: str) -> list[tuple[str, str]]:
    return [(one["level"], one["message"]) for one in result["findings"] if one["path"].startswith(path)]


def test_an_agent_that_is_kept_is_looked_at(server: ServerProcess) -> None:
    agent_id = server.create_agent(agent(config={"agent": {"prompt": {"llm": "gpt-none", "tool_ids": ["tool_none"]}}}))
    result = server.http.get(f"/v1/x/agents/{agent_id}/lint").json()
    assert ("error", "There is no tool tool_none.") in levels(result, "conversation_config.agent.prompt.tool_ids")
    assert [level for level, _ in levels(result, "conversation_config.agent.prompt.llm")] == ["warning"]
    assert result["errors"] == 1 and result["warnings"] >= 1
    assert server.http.get("/v1/x/agents/agent_none/lint").status_code == 404


def told_of_model(server: ServerProcess, **prompt: Any) -> str:
    document = {"name": "x", "conversation_config": {"agent": {"prompt": {"prompt": "Be kind.", **prompt}}}}
    result = server.http.post("/v1/x/agents/lint", json=document).json()
    return " ".join(message for _, message in levels(result, "conversation_config.agent.prompt.llm"))


def test_an_agent_that_nobody_answers_for_is_told_of(server: ServerProcess) -> None:
    rules = {"x_script": {"rules": [], "default": "Hm."}}
    assert "/docs/models#no-model-at-all" in told_of_model(server, llm="x-script")
    assert told_of_model(server, llm="x-script", **rules) == told_of_model(server, **rules) == ""
    for nobody in ({}, {"llm": "gpt-none"}):
        assert "No language model is configured: set PAROLA_LLM_BASE_URL" in told_of_model(server, **nobody)


def test_a_model_that_another_stands_in_for_is_told_of_only_when_the_agent_names_it() -> None:
    own = {"PAROLA_LLM_BASE_URL": "http://127.0.0.1:9/v1", "PAROLA_LLM_MODEL": "own"}
    with ServerProcess("--ephemeral", environment=own) as owned:
        assert told_of_model(owned) == told_of_model(owned, llm="own") == ""
        assert "LLM 'gpt-none' is not mapped; using default (openai: own)" in told_of_model(owned, llm="gpt-none")


def test_what_would_stay_readable_or_is_done_by_a_stand_in_is_said(server: ServerProcess) -> None:
    redaction = {"enabled": True, "entities": ["email_address", "occupation"]}
    document = {
        **agent(config={"agent": {"prompt": {"rag": {"enabled": True, "embedding_model": "far_away"}}}}),
        "platform_settings": {"privacy": {"conversation_history_redaction": redaction}},
    }
    result = server.http.post("/v1/x/agents/lint", json=document).json()
    told = "Redaction here does not recognise: occupation."
    assert levels(result, "platform_settings.privacy") == [("warning", told)]
    [(level, message)] = levels(result, "conversation_config.agent.prompt.rag")
    assert level == "warning" and "far_away" in message


def test_addresses_are_tried_unless_that_is_not_wanted(server: ServerProcess, httpserver: HTTPServer) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    document = agent(tools=[webhook(f"http://{nobody}/x"), {**webhook(httpserver.url_for("/y")), "name": "other"}])
    path = "conversation_config.agent.prompt.tools"
    answer = server.http.post("/v1/x/agents/lint", json=document)
    assert answer.status_code == 200, answer.text
    tried = levels(answer.json(), path)
    assert len(tried) == 1 and tried[0][0] == "error" and f"Nobody answers at {nobody}" in tried[0][1]
    assert levels(server.http.post("/v1/x/agents/lint?offline=true", json=document).json(), path) == []
    assert httpserver.log == [], "a connection, and no request"


def test_the_addresses_of_mcp_servers_are_tried_too(server: ServerProcess) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    config = {"name": "Gone", "url": f"http://{nobody}/mcp", "transport": "STREAMABLE_HTTP"}
    server_id = server.http.post("/v1/convai/mcp-servers", json={"config": config}).json()["id"]
    document = agent(config={"agent": {"prompt": {"mcp_server_ids": [server_id]}}, "turn": {"turn_timeout": 1000}})
    result = server.http.post("/v1/x/agents/lint", json=document).json()
    [(level, message)] = levels(result, f"MCP server {server_id}")
    assert level == "error" and f"Nobody answers at {nobody}" in message
    assert result["errors"] == 2, "the range that is wrong hides nothing"


def test_environments_are_told_apart(server: ServerProcess) -> None:
    values = {"label": "lint_shop", "type": "string", "values": {"production": "Soups"}}
    server.http.post("/v1/convai/environment-variables", json=values)
    document = agent(config={"agent": {"prompt": {"prompt": "{{system__env_lint_shop}} {{system__env_none}}"}}})
    found = server.http.post("/v1/x/agents/lint", json=document, params={"offline": "true"}).json()["findings"]
    messages = [one["message"] for one in found if one["level"] == "error"]
    assert len(messages) == 1 and "system__env_none" in messages[0]


def test_the_command_prints_a_table_and_fails_on_errors(server: ServerProcess, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(agent(first_message="Hi {{name}}")))
    bad.write_text(json.dumps({"conversation_config": {"turn": {"turn_timeout": 1000}}}))
    fine = parola("lint", str(good), "--offline", "--url", server.url)
    assert fine.returncode == 0, fine.stdout + fine.stderr
    assert "note" in fine.stdout and "{{name}}" in fine.stdout and "1 agent: 0 errors" in fine.stdout
    assert "1 note\n" in fine.stdout
    failed = parola("lint", "--project", str(tmp_path), "--offline", "--json", "--url", server.url)
    assert failed.returncode == 1
    assert {name: result["errors"] for name, result in json.loads(failed.stdout).items()} == {
        "bad.json": 1,
        "good.json": 0,
    }


def test_without_an_argument_every_agent_is_looked_at(server: ServerProcess) -> None:
    agent_id = server.create_agent(agent(config={"agent": {"prompt": {"tool_ids": ["tool_gone"]}}}))
    result = parola("lint", "--offline", "--url", server.url)
    assert result.returncode == 1 and agent_id in result.stdout and "There is no tool tool_gone." in result.stdout


def test_what_cannot_be_read_is_a_sentence(server: ServerProcess, tmp_path: Path) -> None:
    for arguments, says in (
        ((str(tmp_path / "none.json"),), "No such file"),
        (("--project", str(tmp_path)), "There are no agents"),
        (("agent_none",), "not found"),
    ):
        result = parola("lint", *arguments, "--url", server.url)
        assert result.returncode == 1 and says in result.stderr
