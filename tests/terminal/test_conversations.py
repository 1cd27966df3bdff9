"""Talking in the terminal: by hand, through a pipe, with agents that refuse or say little."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.terminal.test_cli import parola
from tests.wire.servers import ServerProcess, agent

QUESTION = Path(__file__).parents[2] / "examples" / "question.wav"
HINT = "Type the result of show_message"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[ServerProcess]:
    file = tmp_path_factory.mktemp("terminal") / "parola.toml"
    file.write_text(
        '[stt.default]\nprovider = "scripted"\ntranscripts = ["what are your opening hours"]\n'
        '[tts.default]\nprovider = "scripted"\nrate = 4\n'
    )
    with ServerProcess("--ephemeral", "--config", str(file)) as running:
        yield running


@pytest.mark.parametrize(
    "arguments", [("chat", "agent_nobody", "--message", "hi"), ("call", "agent_nobody", "--in", str(QUESTION))]
)
def test_a_refusal_is_said_in_a_sentence(server, arguments):
    refused = parola(*arguments, "--url", server.url)
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    assert "code 1008" in refused.stderr and "does not exist" in refused.stderr


def test_a_private_agent_is_reached_by_a_signed_url(server):
    private = {**agent(first_message="Come in."), "platform_settings": {"auth": {"enable_auth": True}}}
    agent_id = server.create_agent(private)
    assert "code 3000" in parola("chat", agent_id, "--message", "hi", "--url", server.url).stderr
    let_in = parola("chat", agent_id, "--signed", "--message", "hi", "--url", server.url)
    assert let_in.returncode == 0 and "agent  I heard: hi" in let_in.stdout


def test_what_is_piped_is_answered_before_the_conversation_ends(server):
    told = subprocess.run(
        [sys.executable, "-m", "parola.cli", "chat", "--url", server.url],
        input="When are you open?", capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "from Tuesday to Sunday" in told.stdout


def test_piped_lines_wait_for_each_other_and_commands_work(server):
    told = subprocess.run(
        [sys.executable, "-m", "parola.cli", "chat", "--url", server.url],
        input='show me a message\n{"seen": "piped"}\n/link\nWhen are you open?\n/end\nnever said\n',
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    told_in_order = (
        *("you    show me a message", HINT, 'you    {"seen": "piped"}', "Your app answered: seen piped"),
        *("you    /link", "you    When are you open?", "from Tuesday to Sunday", "you    /end"),
    )
    places = [told.stdout.index(words) for words in told_in_order]
    assert places == sorted(places), told.stdout
    assert "never said" not in told.stdout and "failed" not in told.stdout


def test_piped_lines_end_where_the_agent_hangs_up_or_fails(server):
    built_in = {"end_call": {"name": "end_call", "params": {"system_tool_type": "end_call"}}}
    ends = agent({"when": "bye", "say": "Bye.", "call": {"tool": "end_call"}}, {"when": "fail", "fail": "on fire"})
    ends["conversation_config"]["agent"]["prompt"]["built_in_tools"] = built_in
    agent_id = server.create_agent(ends)
    for words, code in (("bye", 0), ("fail", 1)):
        told = subprocess.run(
            [sys.executable, "-m", "parola.cli", "chat", agent_id, "--url", server.url],
            input=f"{words}\nnever said\n", capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        assert told.returncode == code and "never said" not in told.stdout, told.stdout + told.stderr


def test_a_person_types_what_a_tool_returned(server):
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "parola.cli", "chat", "--url", server.url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as chat:  # fmt: skip
        assert chat.stdin is not None and chat.stdout is not None
        print("show me a message", file=chat.stdin, flush=True)
        while HINT not in (line := chat.stdout.readline()):
            assert line, "the chat ended without asking"
        print('{"seen": "yes"}', file=chat.stdin, flush=True)
        chat.stdin.close()
        assert "Your app answered: seen yes" in chat.stdout.read()
    assert chat.returncode == 0


def test_an_agent_that_lists_few_events_is_followed_to_the_end(server):
    quiet = agent({"when": "opening hours", "say": "At nine."}, config={"conversation": {"client_events": ["audio"]}})
    agent_id = server.create_agent(quiet)
    begun = time.monotonic()
    chat = parola("chat", agent_id, "--message", "opening hours", "--url", server.url)
    assert "agent  At nine." in chat.stdout and time.monotonic() - begun < 30
    call = parola("call", agent_id, "--in", str(QUESTION), "--timeout", "20", "--url", server.url)
    assert call.returncode == 0, call.stdout + call.stderr
    assert "agent  At nine." in call.stdout


def test_webhook_tools_are_shown_and_a_long_refusal_says_where_to_read_on(server):
    tool = {
        "type": "webhook",
        "name": "look_up",
        "description": "Looks up.",
        "api_schema": {"url": f"{server.url}/health"},
    }
    rules = agent({"when": "look", "call": {"tool": "look_up", "arguments": {}}, "then": "There it is."})
    rules["conversation_config"]["agent"]["prompt"]["tools"] = [tool]
    told = parola("chat", server.create_agent(rules), "--message", "look", "--url", server.url).stdout
    assert "tool   look_up answered" in told and "agent  There it is." in told

    needy = agent(first_message=" ".join(f"{{{{variable_{number}}}}}" for number in range(9)))
    refused = parola("chat", server.create_agent(needy), "--message", "hi", "--url", server.url)
    assert refused.stderr.rstrip().endswith("More: parola why")
    assert "'variable_8'" in parola("why", "--url", server.url).stdout


def test_a_variable_without_a_value_is_a_usage_error(server):
    refused = parola("chat", "--var", "name", "--message", "hi", "--url", server.url)
    assert refused.returncode == 2 and "name=value" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--ephemeral", "--project", "/nowhere"), "project folder /nowhere does not exist"),
        (("--data", "/dev/null/data"), "data folder /dev/null/data cannot be used"),
        (("--ephemeral", "--port", "99999"), "Cannot listen on 127.0.0.1:99999"),
    ],
)
def test_a_server_that_cannot_start_says_why(arguments, complaint):
    refused = parola("serve", "--port", "0", *arguments)
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    assert complaint in refused.stderr


def test_an_account_without_waste_names_what_it_used_the_same_in_both_sums(server):
    parola("chat", "--message", "When are you open?", "--url", server.url)
    newest = server.http.get("/v1/convai/conversations").json()["conversations"][0]["conversation_id"]
    usage = server.http.get(f"/v1/convai/conversations/{newest}").json()["metadata"]["charging"]["llm_usage"]
    assert usage["irreversible_generation"] == usage["initiated_generation"] != {"model_usage": {}}


def test_what_is_not_there_is_called_by_what_it_would_be(server):
    assert "Conversation conv_x not found. `parola conv" in parola("why", "conv_x", "--url", server.url).stderr
    assert "Agent agent_x not found. `parola ag" in parola("agents", "get", "agent_x", "--url", server.url).stderr


@pytest.mark.parametrize("command", ["list", "export"])
def test_a_filter_that_does_not_exist_is_an_error_that_names_those_that_do(server, command):
    parola("chat", "--message", "hi", "--url", server.url)
    refused = parola("conversations", command, "--filter", "agent=agent_demo", "--url", server.url)
    assert refused.returncode == 1 and not refused.stdout
    assert 'There is no filter "agent". Is "agent_id" meant? There are: ' in refused.stderr
    found = parola("conversations", command, "--filter", "agent_id=agent_demo", "--url", server.url)
    assert found.returncode == 0 and "conv_" in found.stdout


def test_the_doctor_asks_the_server_that_runs_what_it_has(server, tmp_path):
    def examined(url: str, *arguments: str) -> str:
        return parola("doctor", "--data", str(tmp_path), *arguments, "--url", url).stdout

    assert f"The server at {server.url} has no language model" in examined(server.url)
    own = {"PAROLA_LLM_BASE_URL": "http://127.0.0.1:9/v1", "PAROLA_LLM_MODEL": "own"}
    with ServerProcess("--ephemeral", environment=own) as other:
        told = parola("doctor", "--data", str(tmp_path), "--port", str(other.port)).stdout
    assert f"default (openai: own) of the server at {other.url}" in told and "o language model" not in told
    assert "broken" in examined(other.url), "nobody is there any more"


def test_the_doctor_knows_which_providers_there_are(tmp_path):
    examined = parola("doctor", "--data", str(tmp_path), env={"PAROLA_LLM_PROVIDER": "oracle"})
    assert examined.returncode == 1 and '[llm.default]: provider "oracle" is unknown' in examined.stdout


HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold]you[/bold] :warning: \x9b31m\u202egnp"
SHOWN = "␛[2J␛]0;owned␇[bold]you[/bold] :warning: �31m�gnp"


def test_what_others_say_is_shown_and_not_obeyed(server):
    agent_id = server.create_agent({**agent(first_message=HOSTILE), "name": HOSTILE})
    made = {"name": HOSTILE, "webhook_url": "https://example.com/[bold]", "auth_type": "hmac"}
    assert server.http.post("/v1/workspace/webhooks", json={"settings": made}).status_code == 200
    at = ("--url", server.url)
    commands = [
        ("chat", agent_id, "--message", HOSTILE, *at),
        ("call", agent_id, "--in", str(QUESTION), *at),
        ("why", "--timeline", *at),
        ("agents", "list", *at),
        ("conversations", "list", *at),
        ("webhooks", "list", *at),
        ("lint", agent_id, *at),
        ("why", "[bold]\x1b", *at),
    ]
    told = {command[:2]: parola(*command) for command in commands}
    for command, done in told.items():
        assert not set("\x1b\x07\x9b\u202e") & set(done.stdout + done.stderr), command
    assert told["chat", agent_id].stdout.count(SHOWN) == 3, "the greeting, the question, and that it was heard"
    for command in (("call", agent_id), ("why", "--timeline"), ("agents", "list"), ("conversations", "list")):
        assert SHOWN in told[command].stdout, command
    assert SHOWN in told["webhooks", "list"].stdout and "https://example.com/[bold]" in told["webhooks", "list"].stdout
    document = parola("agents", "get", agent_id, *at).stdout
    assert not set("\x1b\x9b\u202e") & set(document) and json.loads(document)["name"] == HOSTILE


def test_a_webhook_is_shown_and_not_obeyed_either():
    body = json.dumps({"type": HOSTILE, "data": {"conversation_id": "[bold]"}}, ensure_ascii=False).encode()
    for options, shown in (((), f"{SHOWN} [bold] attempt 1"), (("--whole",), "[bold]")):
        listens = [sys.executable, "-u", "-m", "parola.cli", "webhooks", "listen", "--port", "0", "--count", "1"]
        with subprocess.Popen(
            [*listens, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        ) as listener:
            address = listener.stderr.readline().split()[-1]
            url = httpx2.URL(address)
            idle = socket.create_connection((url.host, url.port))  # says nothing, and keeps nobody waiting
            assert httpx2.post(address, content=body).status_code == 200
            told = listener.communicate(timeout=30)[0]
            idle.close()
        assert shown in told and not set("\x1b\x9b\u202e") & set(told)
