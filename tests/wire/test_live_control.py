"""The official Python SDK holds the call while somebody else speaks into it, watches it, takes it over, ends it."""

from __future__ import annotations

import json
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx2 as httpx
import numpy as np
import pytest
from elevenlabs.conversational_ai.conversation import ClientTools
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from parola.providers.scripted_speech import encode_tones
from tests.wire.frames import TIMEOUT
from tests.wire.servers import ServerProcess, agent, client_tool
from tests.wire.tap import Tap
from tests.wire.test_python_sdk import Caller
from tests.wire.test_python_sdk_voice import Headset

Tapped = Callable[[ServerProcess], Tap]
TEXT = {"conversation": {"text_only": True}}


class Desk:
    """Somebody who looks after conversations: REST, and the sockets beside them."""

    def __init__(self, server: ServerProcess, conversation_id: str, key: str = "") -> None:
        self.server = server
        self.path = f"/v1/x/conversations/{conversation_id}"
        self.monitor_path = f"/v1/convai/conversations/{conversation_id}/monitor"
        self.headers = {"xi-api-key": key} if key else {}

    def does(self, what: str, method: str = "POST", **body: Any) -> httpx.Response:
        query = body.pop("query", {})
        return self.server.http.request(
            method, f"{self.path}/{what}", json=body or None, params=query, headers=self.headers
        )

    def says(self, kind: str, text: str, **more: Any) -> dict[str, Any]:
        answer = self.does("messages", type=kind, text=text, **more)
        assert answer.status_code in (200, 202), answer.text
        document: dict[str, Any] = answer.json()
        return document

    @property
    def events(self) -> list[dict[str, Any]]:
        answer = self.server.http.get(f"{self.path}/events", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["events"])

    @contextmanager
    def socket(self, path: str) -> Iterator[Watcher]:
        url = f"ws://127.0.0.1:{self.server.port}{path}"
        with connect(url, additional_headers=self.headers, max_size=None) as socket:
            yield Watcher(socket)

    def monitors(self, query: str = "") -> Any:
        return self.socket(self.monitor_path + query)

    def attaches(self, role: str, query: str = "") -> Any:
        return self.socket(f"{self.path}/attach?role={role}{query}")


class Watcher:
    """One socket beside a conversation."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []

    def next(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.socket.recv(TIMEOUT))
        self.seen.append(frame)
        return frame

    def sees(self, kind: str) -> dict[str, Any]:
        """The next frame of a kind."""
        deadline = time.monotonic() + TIMEOUT
        while (frame := self.next())["type"] != kind:
            assert time.monotonic() < deadline, f"no {kind}: {[one for one in self.seen if 'audio' not in one['type']]}"
        return frame

    def sees_to_the_end(self) -> tuple[int, str]:
        """Everything up to the close: its code and reason."""
        try:
            while True:
                self.next()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            return closed.rcvd.code, closed.rcvd.reason

    def sends(self, **frame: Any) -> None:
        self.socket.send(json.dumps(frame))

    def commands(self, command_type: str, **parameters: Any) -> dict[str, Any]:
        self.sends(command_type=command_type, parameters=parameters, command_id=len(self.seen))
        result = self.sees("command_result")
        while result.get("command_type") != command_type:
            result = self.sees("command_result")
        return result


@contextmanager
def chat(parola: ServerProcess, tapped: Tapped, *rules: Any, **options: Any) -> Iterator[tuple[Caller, Desk]]:
    """A text conversation of the SDK, and a desk that knows its id."""
    made = {name: options.pop(name) for name in ("tools", "config", "platform", "first_message") if name in options}
    made["config"] = {**TEXT, **(made.get("config") or {})}
    agent_id = parola.create_agent(agent(*rules, **made))
    caller = Caller(tapped(parola), agent_id, **options)
    with caller:
        caller.began()
        yield caller, Desk(parola, str(caller.conversation._conversation_id))


# -- words ------------------------------------------------------------------------------------------------------------


def test_a_backend_speaks_into_the_call_of_a_stock_sdk(parola: ServerProcess, tapped: Tapped) -> None:
    with chat(parola, tapped) as (caller, desk):
        answer = desk.says("user_message", "Where is my parcel?", role_label="crm", query={"wait": "response"})
        assert answer["response"] == "I heard: Where is my parcel?" and answer["timed_out"] is False
        assert caller.hears("transcript") == "Where is my parcel?"
        assert caller.hears("response") == "I heard: Where is my parcel?"
        desk.says("agent_message", "We are closing soon.")
        assert caller.hears("response") == "We are closing soon."
        desk.says("contextual_update", "The user is on page 3.")
        record = parola.ended_record(caller.hangs_up())
    told = [
        (turn["role"], turn["message"], (turn.get("x_injected_by") or {}).get("type")) for turn in record["transcript"]
    ]
    assert told == [
        ("user", "Where is my parcel?", "user_message"),
        ("agent", "I heard: Where is my parcel?", None),
        ("agent", "We are closing soon.", "agent_message"),
        ("user", "The user is on page 3.", "contextual_update"),
    ]
    assert record["transcript"][0]["x_injected_by"] == {"type": "user_message", "by": "local", "role_label": "crm"}
    assert [one["type"] for one in record["metadata"]["x_commands"]] == [
        *("user_message", "agent_message", "contextual_update")
    ]


def test_a_command_that_is_sent_twice_under_one_key_has_an_effect_once(parola: ServerProcess, tapped: Tapped) -> None:
    with chat(parola, tapped) as (caller, desk):
        first = desk.says("agent_message", "Once.", idempotency_key="k1")
        assert desk.says("agent_message", "Once.", idempotency_key="k1") == first
        reused = desk.does("messages", type="agent_message", text="Twice.", idempotency_key="k1")
        assert reused.status_code == 409 and reused.json()["detail"]["status"] == "idempotency_key_reused"
        assert caller.asks("Hello") == "Once." and caller.hears("response") == "I heard: Hello"


def test_bad_commands_are_refused_with_what_was_expected(parola: ServerProcess, tapped: Tapped) -> None:
    with chat(parola, tapped) as (caller, desk):
        for what, method, body, status, code in [
            ("messages", "POST", {"type": "shout", "text": "x"}, 422, None),
            ("messages", "POST", {"type": "user_message", "text": "  "}, 422, None),
            ("messages", "POST", {"type": "human_message", "text": "x"}, 409, "takeover_is_off"),
            ("takeover", "DELETE", {}, 409, "takeover_is_off"),
            ("variables", "PATCH", {"system__time": "noon"}, 422, "reserved_variable"),
            ("variables", "PATCH", {"a": [1]}, 422, None),
            ("tool-results", "POST", {"tool_call_id": "x", "result": 1}, 409, "tool_call_not_pending"),
        ]:
            answer = desk.does(what, method, **body)
            assert answer.status_code == status, (what, answer.text)
            assert code is None or answer.json()["detail"]["status"] == code
        assert caller.asks("Are you well?") == "I heard: Are you well?", "none of that hurt the call"
        conversation_id = caller.hangs_up()
        parola.ended_record(conversation_id)
        late = desk.does("messages", type="user_message", text="x")
        assert late.status_code == 409 and late.json()["detail"]["status"] == "conversation_not_active"
    unknown = Desk(parola, "conv_nobody").does("end")
    assert unknown.status_code == 404


def test_too_many_commands_are_too_many(parola: ServerProcess, tapped: Tapped) -> None:
    with chat(parola, tapped) as (caller, desk):
        answers = [desk.does("messages", type="contextual_update", text=str(n)).status_code for n in range(150)]
        assert answers[:60] == [202] * 60 and 429 in answers
        assert caller.asks("Hello") == "I heard: Hello"


def test_variables_and_the_answer_of_a_tool_come_from_a_backend(parola: ServerProcess, tapped: Tapped) -> None:
    rules = [{"when": "look", "call": {"tool": "look_up", "arguments": {}}, "then": "Found: {{result}} for {{name}}"}]
    asked = threading.Event()
    tools = ClientTools()
    release = threading.Event()

    def look_up(_: Any) -> str:
        asked.set()
        release.wait(TIMEOUT)
        return "too late"

    tools.register("look_up", look_up)
    options: dict[str, Any] = {"tools": [client_tool("look_up", timeout=20)], "client_tools": tools}
    options["config"] = {"agent": {"dynamic_variables": {"dynamic_variable_placeholders": {"name": "nobody"}}}}
    with chat(parola, tapped, *rules, **options) as (caller, desk):
        assert desk.does("variables", "PATCH", name="Zoe", secret__token="t0p").status_code == 202
        caller.conversation.send_user_message("look it up")
        assert asked.wait(TIMEOUT)
        call = next(e["event"]["client_tool_call"] for e in desk.events if e["event"]["type"] == "client_tool_call")
        answer = desk.does("tool-results", tool_call_id=call["tool_call_id"], result="seven")
        assert answer.status_code == 202
        assert caller.hears("response") == "Found: seven for Zoe"
        release.set()
        with desk.monitors() as monitor:
            monitor.sees("x_tool_result_ignored")
        assert "t0p" not in json.dumps(desk.events)


def test_a_backend_ends_the_call_and_the_sdk_hears_the_farewell(parola: ServerProcess, tapped: Tapped) -> None:
    with chat(parola, tapped) as (caller, desk):
        assert desk.does("end", reason="closing time", farewell="Goodbye!").status_code == 202
        assert caller.hears("response") == "Goodbye!"
        assert caller.hears("disconnect").reason == "agent"
        record = parola.ended_record(str(caller.conversation._conversation_id))
    assert record["metadata"]["termination_reason"] == "closing time" and record["status"] == "done"


# -- takeover ---------------------------------------------------------------------------------------------------------


def test_a_person_takes_over_a_chat_by_the_monitor(parola: ServerProcess, tapped: Tapped) -> None:
    with chat(parola, tapped) as (caller, desk):
        caller.asks("Hello")
        with desk.monitors("?operator=Ann") as monitor:
            monitor.sees("history_complete")
            assert monitor.commands("send_human_message", text="x")["error"]["code"] == "takeover_is_off"
            assert monitor.commands("enable_human_takeover")["ok"] is True
            caller.conversation.send_user_message("Is anybody there?")
            assert monitor.sees("user_message")["text"] == "Is anybody there?"
            assert monitor.commands("agent_typing", is_typing=True)["ok"] is True
            assert monitor.commands("send_human_message", text="Ann here.")["ok"] is True
            assert caller.hears("response") == "Ann here."
            assert monitor.commands("disable_human_takeover")["ok"] is True
            assert caller.asks("Thanks") == "I heard: Thanks"
            frames = [frame["type"] for frame in monitor.seen]
        kinds = [frame["type"] for frame in caller.call.checker.frames]
        assert [k for k in kinds if "external_agent" in k or k == "agent_typing"] == [
            *("external_agent_connected", "agent_typing", "external_agent_disconnected")
        ]
        assert "external_agent_connected" in frames
        record = parola.ended_record(caller.hangs_up())
    human = next(turn for turn in record["transcript"] if turn["message"] == "Ann here.")
    assert human["x_injected_by"] == {"type": "human_message", "by": "Ann"} and human["role"] == "agent"


@pytest.fixture
def voice(parola: ServerProcess, tapped: Tapped) -> Iterator[tuple[Caller, Desk, Headset]]:
    """A voice call of the SDK with an agent that speaks in tones."""
    agent_id = parola.create_agent(agent({"when": "*", "say": "I heard you."}))
    headset = Headset()
    with ExitStack() as stack:
        caller = stack.enter_context(Caller(tapped(parola), agent_id, audio_interface=headset))
        caller.began()
        yield caller, Desk(parola, str(caller.conversation._conversation_id)), headset


def test_in_a_voice_call_the_persons_words_are_spoken(voice: tuple[Caller, Desk, Headset]) -> None:
    caller, desk, headset = voice
    assert desk.does("takeover", operator="Ann").status_code == 202
    answer = desk.says("human_message", "A person speaks to you now.", query={"wait": "response"})
    assert answer["response"] == "A person speaks to you now."
    assert caller.hears("response") == "A person speaks to you now." and headset.hears(0.5)
    assert desk.does("takeover", "DELETE").status_code == 202


def test_the_persons_own_voice_is_heard_by_the_caller_and_they_hear_the_caller(
    voice: tuple[Caller, Desk, Headset],
) -> None:
    _, desk, headset = voice
    tone = (np.sin(np.arange(16000) * 0.3) * 8000).astype("<i2").tobytes()
    with desk.attaches("operator", "&audio=true&operator=Ann") as operator:
        operator.sees("x_user_audio")
        operator.sends(command_type="enable_human_takeover")
        operator.sees("external_agent_connected")
        for start in range(0, len(tone), 8000):
            operator.sends(user_audio_chunk=b64encode(tone[start : start + 8000]).decode())
        assert headset.hears(0.9)
        with desk.attaches("operator") as other:
            other.sends(user_audio_chunk=b64encode(tone[:800]).decode())
            assert other.sees("command_result")["error"]["code"] == "taken_over"
        heard = b64decode(operator.sees("x_user_audio")["x_user_audio_event"]["audio_base_64"])
        assert len(heard) == 8000
        assert not any(frame["type"] == "x_agent_audio" for frame in operator.seen), "they do not hear themselves"
    assert bytes(headset.heard).find(tone[2000:4000]) >= 0, "sample for sample"


def test_what_the_person_says_is_understood_for_the_agent(voice: tuple[Caller, Desk, Headset]) -> None:
    caller, desk, headset = voice
    desk.does("takeover", operator="Ann")
    speech = encode_tones("good morning", 0.03, 16000)[0].tobytes() + bytes(12800)
    with desk.attaches("operator", "&operator=Ann") as operator:
        operator.sees("history_complete")
        for start in range(0, len(speech), 1600):
            operator.sends(user_audio_chunk=b64encode(speech[start : start + 1600]).decode())
        assert operator.sees("agent_response")["agent_response_event"]["agent_response"] == "good morning"
    assert caller.hears("response") == "good morning" and headset.hears(0.3)
    record = desk.server.ended_record(caller.hangs_up())
    turn = next(turn for turn in record["transcript"] if turn["message"] == "good morning")
    assert turn["x_injected_by"] == {"type": "human_speech", "by": "Ann"} and turn["source_medium"] == "audio"


# -- watching ---------------------------------------------------------------------------------------------------------


def test_the_monitor_tells_everything_in_order_and_after_the_end_why(parola: ServerProcess, tapped: Tapped) -> None:
    with chat(parola, tapped, first_message="Welcome.") as (caller, desk):
        assert caller.hears("response") == "Welcome."
        caller.asks("One")
        with desk.monitors() as monitor:
            assert monitor.next() == {"type": "connected"}
            monitor.sees("history_complete")
            history = len(monitor.seen)
            caller.asks("Two")
            assert monitor.sees("user_message")["text"] == "Two"
            caller.hangs_up()
            code, reason = monitor.sees_to_the_end()
        assert code == 1000 and reason.startswith("The conversation has ended: Client disconnected")
        numbers = [frame["x_seq"] for frame in monitor.seen if "x_seq" in frame]
        assert numbers == list(range(1, len(numbers) + 1)) and history > 5
        kinds = {frame["type"] for frame in monitor.seen}
        assert kinds.isdisjoint({"ping", "audio", "vad_score", "pong"})
        assert {"conversation_initiation_client_data", "conversation_initiation_metadata"} <= kinds
        parola.ended_record(str(desk.path.rpartition("/")[2]))
        with desk.monitors() as later:
            assert later.next() == {"type": "connected"}
            assert later.sees_to_the_end() == (code, reason)
        same = [frame for frame in later.seen if "x_seq" in frame]
        assert same == [frame for frame in monitor.seen if "x_seq" in frame]
        answer = later.seen[-1]
        assert answer["type"] == "history_complete"


def test_the_monitor_speaks_opentelemetry(parola: ServerProcess, tapped: Tapped) -> None:
    with chat(parola, tapped) as (caller, desk):
        caller.asks("One")
        with desk.monitors("?events_format=opentelemetry") as monitor:
            assert monitor.next() == {"type": "connected"}
            spans = []
            while (batch := json.loads(monitor.socket.recv(TIMEOUT))) != {"type": "history_complete"}:
                spans += batch["resourceSpans"][0]["scopeSpans"][0]["spans"]
        assert spans[0]["name"] == "elevenlabs.conversation"
        assert len({span["traceId"] for span in spans}) == 1
        assert {span["parentSpanId"] for span in spans[1:]} == {spans[0]["spanId"]}
        assert "elevenlabs.sent.agent_response" in [span["name"] for span in spans]


def test_the_agent_says_which_events_its_monitors_get(parola: ServerProcess, tapped: Tapped) -> None:
    config = {"conversation": {"text_only": True, "monitoring_events": ["agent_response"]}}
    with chat(parola, tapped, config=config) as (caller, desk):
        caller.asks("One")
        with desk.monitors() as monitor:
            monitor.sees("history_complete")
        assert [frame["type"] for frame in monitor.seen] == ["connected", "agent_response", "history_complete"]


def test_nothing_a_monitor_sends_hurts_the_call(parola: ServerProcess, tapped: Tapped) -> None:
    with chat(parola, tapped) as (caller, desk), desk.monitors() as monitor:
        monitor.sees("history_complete")
        for hostile in ("", "{", "[]", "null", '"x"', "[" * 5000, '{"command_type":7}', "x" * 300_000):
            monitor.socket.send(hostile)
            assert monitor.sees("command_result")["ok"] is False
        monitor.socket.send(b"\x00\x01")
        assert monitor.sees("command_result")["ok"] is False
        for command, parameters in [
            ("explode", {}),
            ("contextual_update", {"contextual_update": 7}),
            ("transfer_to_number", {"phone_number": "+1555"}),
            ("set_variables", {"variables": {"system__time": 1}}),
        ]:
            result = monitor.commands(command, **parameters)
            assert result["ok"] is False and result["error"]["message"], result
        assert caller.asks("Still there?") == "I heard: Still there?"
        for _ in range(60):
            monitor.socket.send("nonsense")
        assert monitor.sees_to_the_end()[0] == 1008
        assert caller.asks("And now?") == "I heard: And now?"


def test_a_participant_writes_and_answers_tools_and_an_observer_only_watches(
    parola: ServerProcess, tapped: Tapped
) -> None:
    rules = [{"when": "look", "call": {"tool": "look_up", "arguments": {}}, "then": "Found: {{result}}"}]
    answered = threading.Event()
    own = ClientTools()
    own.register("look_up", lambda _: answered.wait(TIMEOUT) and "too late")
    options: dict[str, Any] = {"tools": [client_tool("look_up", timeout=20)], "client_tools": own}
    with chat(parola, tapped, *rules, **options) as (caller, desk):
        with desk.attaches("participant", "&name=helper") as helper, desk.attaches("observer") as observer:
            assert helper.next()["type"] == "conversation_initiation_metadata"
            helper.sees("history_complete")
            helper.sends(type="user_message", text="Please look")
            assert caller.hears("transcript") == "Please look"
            call = helper.sees("client_tool_call")["client_tool_call"]
            helper.sends(type="client_tool_result", tool_call_id=call["tool_call_id"], result="seven", is_error=False)
            assert caller.hears("response") == "Found: seven"
            answered.set()
            helper.sends(command_type="end_call")
            result = helper.sees("command_result")
            while result["ok"]:
                result = helper.sees("command_result")
            assert result["error"]["code"] == "not_operator"
            observer.sends(type="user_message", text="me too")
            assert observer.sees("command_result")["error"]["code"] == "observer"
        with desk.attaches("participant") as again:
            again.sees("history_complete")
            assert "client_tool_call" not in [frame["type"] for frame in again.seen], "it has been answered"
        with desk.attaches("king") as nobody:
            assert nobody.sees_to_the_end()[0] == 1008


def test_events_are_streamed_from_where_a_reader_left_off(parola: ServerProcess, tapped: Tapped) -> None:
    with chat(parola, tapped) as (caller, desk):
        caller.asks("One")
        page = parola.http.get(f"{desk.path}/events", params={"after": 1, "limit": 2}).json()
        assert [event["seq"] for event in page["events"]] == [2, 3] and page["has_more"] and page["is_live"]
        headers = {"accept": "text/event-stream", "last-event-id": "3"}
        with parola.http.stream("GET", f"{desk.path}/events", headers=headers) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "id: 4"
            while next(lines) != "event: history_complete":
                pass
            caller.hangs_up()
            rest = list(lines)
        assert "event: x_conversation_ended" in rest
        parola.ended_record(desk.path.rpartition("/")[2])
        ended = parola.http.get(f"{desk.path}/events").json()
        assert ended["is_live"] is False and ended["events"][-1]["event"]["type"] == "x_conversation_ended"
        with parola.http.stream("GET", f"{desk.path}/events", headers=headers) as stream:
            again = [line for line in stream.iter_lines() if line.startswith("id: ")]
        assert again[0] == "id: 4" and again[-1] == f"id: {ended['last_seq']}"


def test_a_deleted_conversation_has_no_events(parola: ServerProcess, tapped: Tapped) -> None:
    with chat(parola, tapped) as (caller, desk):
        conversation_id = caller.hangs_up()
    parola.ended_record(conversation_id)
    assert desk.events
    assert parola.http.delete(f"/v1/convai/conversations/{conversation_id}").status_code == 200
    assert parola.http.get(f"{desk.path}/events").status_code == 404


def test_a_watcher_that_does_not_read_costs_the_call_nothing(parola: ServerProcess, tapped: Tapped) -> None:
    with chat(parola, tapped) as (caller, desk), desk.monitors():
        for n in range(10):
            assert caller.asks(f"{n} {'word ' * 100}").startswith(f"I heard: {n}")
