"""The official JavaScript client as it is, under Node, and Node's raw ``ws``."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.wire.frames import TIMEOUT, FrameChecker
from tests.wire.servers import ALLOWING, END_CALL, ServerProcess, agent, client_tool, said
from tests.wire.tap import Tap
from tests.wire.test_live_control import Desk

HERE = Path(__file__).parent
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None or not (HERE.parents[1] / "node_modules" / "@elevenlabs" / "client").is_dir(),
    reason="needs Node and node_modules: run `make node_modules`",
)


class Script:
    """A Node process that takes commands and tells what happens, line by line."""

    def __init__(self, name: str, *flags: str) -> None:
        assert NODE is not None
        self._process = subprocess.Popen(
            [NODE, *flags, str(HERE / "js" / name)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._told: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._kept: list[tuple[str, Any]] = []
        self.everything: list[tuple[str, Any]] = []
        """All lines in order; at last ``gone``, with what it wrote to standard error."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            self._tell(told["kind"], told["value"])
        assert self._process.stderr is not None
        self._tell("gone", self._process.stderr.read())

    def _tell(self, kind: str, value: Any) -> None:
        self.everything.append((kind, value))
        self._told.put((kind, value))

    def do(self, command: str, **values: Any) -> None:
        assert self._process.stdin is not None
        print(json.dumps({"command": command, **values}), file=self._process.stdin, flush=True)

    def hears(self, kind: str, timeout: float = TIMEOUT, *, keep: bool = False) -> Any:
        """What the next line of a kind says; the others before it are dropped, unless they are kept."""
        passed: list[tuple[str, Any]] = []
        while True:
            told, value = self._kept.pop(0) if self._kept else self._told.get(timeout=timeout)
            if told == kind:
                if keep:
                    self._kept[:0] = passed
                return value
            assert told not in ("gone", "failed"), value
            passed.append((told, value))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()


class Browser(Script):
    """The official client."""

    def __init__(self, tap: Tap, *flags: str) -> None:
        super().__init__("client.mjs", *flags)
        self.origin = tap.url.replace("http", "ws")

    def starts(self, agent_id: str | None = None, **options: Any) -> str:
        """Begin a text session, return the conversation's id."""
        self.tries(agent_id, **options)
        return str(self.hears("started", keep=True)["id"])  # words may come before it

    def tries(self, agent_id: str | None = None, **options: Any) -> None:
        named = {} if agent_id is None else {"agentId": agent_id}
        self.do("start", **{"textOnly": True, "origin": self.origin, **named, **options})

    def asks(self, text: str) -> str:
        self.do("say", text=text)
        return str(self.hears("message")["message"])


@pytest.fixture
def browser(tap: Tap) -> Iterator[Browser]:
    browser = Browser(tap)
    yield browser
    browser.close()


@pytest.fixture
def node() -> Iterator[Script]:
    script = Script("raw.mjs")
    yield script
    script.close()


# -- the official client ----------------------------------------------------------------------------------------------


@pytest.mark.client("javascript", "text")
def test_a_text_session_of_several_turns_is_told_and_stored(parola, tap, browser):
    agent_id = parola.create_agent(agent({"when": "hours", "say": "At nine."}, first_message="Hello."))
    conversation_id = browser.starts(agent_id, userId="user-7", dynamicVariables={"plan": "pro"})
    assert browser.hears("message") == {"source": "ai", "role": "agent", "message": "Hello.", "event_id": 1}
    assert browser.asks("What hours?") == "At nine."
    assert browser.asks("Grüße 🌍") == "I heard: Grüße 🌍"
    browser.do("end")
    assert browser.hears("disconnect") == {"reason": "user"}
    record = parola.ended_record(conversation_id)
    assert said(record) == [
        ("agent", "Hello."),
        ("user", "What hours?"),
        ("agent", "At nine."),
        ("user", "Grüße 🌍"),
        ("agent", "I heard: Grüße 🌍"),
    ]
    assert (record["status"], record["user_id"]) == ("done", "user-7")
    assert record["metadata"]["conversation_initiation_source"] == "js_sdk"
    assert record["conversation_initiation_client_data"]["dynamic_variables"]["plan"] == "pro"
    # The client offers `convai` and fails the connection when it gets nothing back.
    assert "sec-websocket-protocol: convai" in tap.call(0).request.lower()


def test_the_first_message_is_not_missed_by_a_client_that_reads_several_frames_at_once(parola, tap):
    agent_id = parola.create_agent(agent(first_message="Hello."))
    browser = Browser(tap, "--experimental-websocket")  # Node's own, which newer versions have anyway
    try:
        for _ in range(10):
            browser.starts(agent_id)
            assert browser.hears("message")["message"] == "Hello."
            browser.do("end")
            browser.hears("ended")
    finally:
        browser.close()


def test_parts_stream_before_the_message_they_make_up(parola, browser):
    browser.starts(parola.create_agent(agent({"when": "count", "say": "One two three four."})))
    browser.do("say", text="count")
    parts = [browser.hears("part")]
    while parts[-1]["type"] != "stop":
        parts.append(browser.hears("part"))
    assert parts[0]["type"] == "start" and "".join(part["text"] for part in parts) == "One two three four."
    message = browser.hears("message")
    assert message["message"] == "One two three four." and message["event_id"] == parts[0]["event_id"]


@pytest.mark.client("javascript", "tools")
def test_client_tools_answer_with_objects_errors_and_when_they_do_not_exist(parola, browser):
    names = ("object", "broken", "nothing", "missing")
    rules = [
        {
            "when": n,
            "call": {"tool": n, "arguments": {"city": "Bern"}},
            "then": f"Got {n}: {{{{result}}}}",
            "otherwise": "Failed: {{result}}",
        }
        for n in names
    ]
    agent_id = parola.create_agent(agent(*rules, tools=[client_tool(name, city="string") for name in names]))
    tools = {
        "object": {"returns": {"degrees": 21, "wind": [1, None]}},
        "broken": {"throws": "no barometer"},
        "nothing": {},
    }
    conversation_id = browser.starts(agent_id, tools=tools)
    browser.do("say", text="object")
    assert browser.hears("tool") == {"name": "object", "parameters": {"city": "Bern"}}
    assert browser.hears("message")["message"].startswith("Got object: ")
    assert browser.asks("broken").endswith("Client tool execution failed: no barometer")
    assert browser.asks("nothing") == "Got nothing: Client tool execution successful."
    missing = browser.asks("missing")
    assert missing.startswith("Failed: ") and missing.endswith("Client tool with name missing is not defined on client")
    browser.do("end")
    browser.hears("disconnect")
    found = [r for turn in parola.ended_record(conversation_id)["transcript"] for r in turn.get("tool_results") or ()]
    assert {result["tool_name"]: result["is_error"] for result in found} == {
        "object": False,
        "broken": True,
        "nothing": False,
        "missing": True,
    }
    assert json.loads(found[0]["result_value"]) == {"degrees": 21, "wind": [1, None]}


def test_tool_requests_and_responses_are_shown(parola, browser):
    document = agent({"when": "go", "call": {"tool": "act"}, "then": "Done."}, tools=[client_tool("act")])
    browser.starts(parola.create_agent(document), tools={"act": {"returns": "ok"}})
    browser.do("say", text="go")
    request = browser.hears("tool_request")
    response = browser.hears("tool_response")
    assert (request["tool_name"], request["tool_type"]) == ("act", "client")
    assert response["tool_call_id"] == request["tool_call_id"] and response["is_error"] is False
    assert browser.hears("message")["message"] == "Done."


def test_feedback_ratings_and_contextual_updates_reach_the_record(parola, tap, browser):
    agent_id = parola.create_agent(agent(first_message="Hello."))
    conversation_id = browser.starts(agent_id)
    first = browser.hears("message")
    browser.do("context", text="The page shows prices.", contextId="page")
    browser.do("context", text="The page shows opening hours.", contextId="page")
    browser.do("activity")
    browser.do("feedback", like=True, eventId=first["event_id"])
    assert browser.asks("Hi") == "I heard: Hi"
    browser.do("rate", rating={"rating": 4, "comment": "Quick."}, origin=tap.url)
    assert browser.hears("rated") == 200
    browser.do("end")
    browser.hears("disconnect")
    record = parola.ended_record(conversation_id)
    assert record["transcript"][0]["feedback"]["score"] == "like"
    assert "opening hours" in str(record["transcript"])
    assert (record["metadata"]["feedback"]["rating"], record["metadata"]["feedback"]["comment"]) == (4, "Quick.")


def test_a_file_is_uploaded_and_shared_in_one_turn(parola, browser):
    conversation_id = browser.starts(parola.create_agent(agent()))
    browser.do("upload", text="milk, eggs", name="list.txt", type="text/plain")
    file_id = browser.hears("uploaded")["fileId"]
    browser.do("share", text="My list", fileIds=[file_id])
    assert browser.hears("message")["message"].startswith("I heard: My list")
    browser.do("end")
    browser.hears("disconnect")
    users = [turn for turn in parola.ended_record(conversation_id)["transcript"] if turn["role"] == "user"]
    assert len(users) == 1 and file_id in json.dumps(users)


def test_the_agent_hangs_up_after_its_goodbye(parola, browser):
    rule = {"when": "bye", "say": "Goodbye.", "call": {"tool": "end_call", "arguments": {"reason": "done"}}}
    conversation_id = browser.starts(parola.create_agent(agent(rule, tools=[END_CALL])))
    assert browser.asks("bye") == "Goodbye."
    details = browser.hears("disconnect")
    assert details["reason"] == "agent"
    record = parola.ended_record(conversation_id)
    assert record["status"] == "done" and "ended the call" in record["metadata"]["termination_reason"]


def test_an_interrupted_session_gets_no_more_of_the_old_answer(parola, tap, browser):
    slow = {"when": "story", "say": "Once upon a time there was a king who counted sheep.", "rate": 10}
    browser.starts(parola.create_agent(agent(slow)))
    browser.do("say", text="story")
    while browser.hears("part")["type"] != "delta":
        pass
    browser.do("say", text="stop")
    interruption = browser.hears("interruption")
    assert browser.hears("message")["message"] == "I heard: stop"
    old = [m for m in tap.call(0).of("agent_response") if m["event_id"] == interruption["event_id"]]
    assert len(old) == 1 and len(old[0]["agent_response"]) < len(slow["say"])


def test_allowed_overrides_apply_and_empty_ones_are_none(parola, browser):
    agent_id = parola.create_agent(agent(first_message="Hello.", platform=ALLOWING))
    browser.starts(agent_id, overrides={"agent": {"firstMessage": "Hi Ann.", "prompt": {"prompt": "Be brief."}}})
    assert browser.hears("message")["message"] == "Hi Ann."


def test_a_person_takes_over_and_the_client_sees_nothing_that_it_does_not_know(parola, tap, browser):
    asks = {"when": "person", "call": {"tool": "x_transfer_to_human", "arguments": {"message_to_user": "One moment."}}}
    made = agent(asks, first_message="Welcome.")
    made["conversation_config"]["agent"]["prompt"]["built_in_tools"] = {"x_transfer_to_human": {"params": {}}}
    conversation_id = browser.starts(parola.create_agent(made))
    desk = Desk(parola, conversation_id)
    assert browser.hears("message")["message"] == "Welcome."
    assert browser.asks("I want a person") == "One moment."
    assert desk.does("takeover", operator="Ann").status_code == 202
    browser.hears("person_connected")
    with desk.monitors() as monitor:
        monitor.sees("history_complete")
        browser.do("say", text="Hello?")
        monitor.sees("user_message")
    desk.says("human_message", "Ann here.")
    words = browser.hears("message")
    assert (words["role"], words["message"]) == ("agent", "Ann here.")
    assert desk.does("takeover", "DELETE").status_code == 202
    browser.hears("person_disconnected")
    assert browser.asks("Thanks") == "I heard: Thanks"
    assert desk.does("end", reason="closing time").status_code == 202
    left = browser.hears("disconnect")
    assert (left["reason"], left["closeCode"]) == ("agent", 1000)
    browser.close()
    seen = browser.everything
    assert [one for one in seen if one[0] in ("error", "failed")] == []
    strange = {value["type"] for kind, value in seen if kind == "debug"}
    assert strange <= {"agent_response_complete"}, "which it gets in every call"
    assert seen[-1] == ("gone", ""), "not a word on the console"
    types = {frame["type"] for frame in tap.call(0).checker.frames}
    assert not any(one.startswith("x_") for one in types), types
    assert parola.ended_record(conversation_id)["metadata"]["termination_reason"] == "closing time"


# -- what refuses, and how the client is told -------------------------------------------------------------------------


def test_a_forbidden_override_rejects_the_session_with_code_and_reason(parola, browser):
    browser.tries(parola.create_agent(agent()), overrides={"agent": {"firstMessage": "Hi."}})
    reason = "Override for field 'first_message' is not allowed by config."
    assert browser.hears("refused") == {"message": reason, "closeCode": 1008, "closeReason": reason}


def test_a_missing_variable_rejects_the_session_and_names_it(parola, browser):
    browser.tries(parola.create_agent(agent(first_message="Hello {{name}}.")))
    refused = browser.hears("refused")
    assert refused["closeCode"] == 1008 and "name" in refused["closeReason"]


def test_an_unknown_agent_rejects_the_session(parola, browser):
    browser.tries("agent_nobody")
    refused = browser.hears("refused")
    assert refused["closeCode"] == 1008
    assert refused["closeReason"] == "The AI agent you are trying to reach does not exist."


@pytest.mark.client("javascript", "signed")
def test_a_private_agent_opens_with_a_signed_url_only(parola, tap, browser):
    agent_id = parola.create_agent(agent(first_message="Come in.", platform={"auth": {"enable_auth": True}}))
    browser.tries(agent_id)
    refused = browser.hears("refused")
    assert refused["closeCode"] == 3000 and refused["closeReason"].startswith("Could not authorize")
    signed = parola.http.get("/v1/convai/conversation/get-signed-url", params={"agent_id": agent_id}).json()
    url = signed["signed_url"].replace(f":{parola.port}", f":{tap.port}")
    browser.starts(signedUrl=url)
    assert browser.hears("message")["message"] == "Come in."


def test_the_authorization_option_is_a_key_and_is_never_the_chosen_subprotocol(scripted_speech, tapped):
    with ServerProcess("--ephemeral", *scripted_speech) as server:
        key = server.http.post("/v1/x/api-keys", json={"name": "wire"}).json()["api_key"]
        server.http.headers["xi-api-key"] = key
        agent_id = server.create_agent(agent(first_message="Come in.", platform={"auth": {"enable_auth": True}}))
        browser = Browser(tapped(server))
        try:
            browser.starts(agent_id, authorization=key)
            assert browser.hears("message")["message"] == "Come in."
        finally:
            browser.close()


def test_a_client_may_bring_its_own_agent_when_the_server_allows_it(scripted_speech, tapped):
    with ServerProcess("--ephemeral", "--enclave", *scripted_speech) as server:
        tap = tapped(server)
        browser = Browser(tap)
        try:
            url = f"{browser.origin}/v1/convai/conversation"
            browser.starts(orchestrator={"url": url, "agentConfig": agent(first_message="I came along.")})
            assert browser.hears("message")["message"] == "I came along."
            assert browser.asks("Hi") == "I heard: Hi"
        finally:
            browser.close()
        assert tap.call(0).sent_of("enclave_setup_config")


# -- raw ws -----------------------------------------------------------------------------------------------------------


def _opens(node: Script, url: str, protocols: list[str], **options: Any) -> dict[str, Any]:
    node.do("open", url=url, protocols=protocols, options=options)
    opened: dict[str, Any] = node.hears("open")
    return opened


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [([], ""), (["convai"], "convai"), (["convai", "bearer.key"], "convai"), (["bearer.key", "convai"], "convai")],
)
def test_the_subprotocol_is_chosen_only_when_offered(parola, node, offered, chosen):
    url = parola.socket_of(parola.create_agent(agent()))
    assert _opens(node, url, offered)["protocol"] == chosen
    node.do("close", code=1000, reason="done")
    node.hears("close")


@pytest.mark.client("raw", "text")
@pytest.mark.parametrize("deflate", [True, False])
def test_a_raw_client_converses_with_and_without_compression(parola, node, deflate):
    checker = FrameChecker()

    def next_of(kind: str) -> dict[str, Any]:
        while True:
            frame = checker.text(node.hears("frame"))
            if frame["type"] == kind:
                return frame

    url = parola.socket_of(parola.create_agent(agent(first_message="Hello.")))
    extensions = _opens(node, url, [], perMessageDeflate=deflate)["extensions"]
    assert deflate or not extensions
    node.do(
        "send",
        text='{"type":"conversation_initiation_client_data","conversation_config_override":{"conversation":{"text_only":true}}}',
    )
    assert next_of("agent_response")["agent_response_event"]["agent_response"] == "Hello."
    node.do("send", text='{"type":"user_message","text":"Hi"}')
    assert next_of("agent_response")["agent_response_event"]["agent_response"] == "I heard: Hi"
    node.do("send", text="not json")
    closed = node.hears("close")
    assert closed["code"] == 1008 and closed["reason"]
    assert not checker.problems, checker.problems
