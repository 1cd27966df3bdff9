"""What owners of a running server promise their people, each promise kept once from end to end: with the official SDKs,
with keys that may do only their part, on a server of its own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import miniaudio
import numpy as np
import pytest
from elevenlabs import ElevenLabs
from websockets.sync.client import connect

from parola.providers.scripted_speech import encode_tones
from tests.webhooks.receiver import Receiver
from tests.wire.frames import TIMEOUT
from tests.wire.servers import COMMAND, ServerProcess, agent, client_tool
from tests.wire.tap import Tap
from tests.wire.test_live_control import Desk
from tests.wire.test_python_sdk import Caller
from tests.wire.test_python_sdk_voice import LISTENING_SECONDS, Headset

ROOT = Path(__file__).parents[2]
NODE = shutil.which("node")
RATE = 16000
GREETING = "Hello, this is Anna."

Tapped = Callable[[ServerProcess], Tap]

RAW_NODE = """
const [url, text] = process.argv.slice(1);
const { WebSocket } = require("ws");
const socket = new WebSocket(url);
const send = message => socket.send(JSON.stringify(message));
const override = { conversation: { text_only: true } };
socket.on("open", () =>
  send({ type: "conversation_initiation_client_data", conversation_config_override: override }));
let answers = 0;
socket.on("message", data => {
  const message = JSON.parse(data);
  if (message.type === "ping") send({ type: "pong", event_id: message.ping_event.event_id });
  if (message.type !== "agent_response") return;
  console.log(message.agent_response_event.agent_response);
  if (answers++ === 0) send({ type: "user_message", text });
  else socket.close(1000);
});
socket.on("error", error => { console.error(error.message); process.exit(1); });
"""


def raw_python(url: str, text: str) -> list[str]:
    """The same in Python: the first message, and the answer to ``text``."""
    heard: list[str] = []
    with connect(url) as socket:
        override = {"conversation": {"text_only": True}}
        socket.send(
            json.dumps({"type": "conversation_initiation_client_data", "conversation_config_override": override})
        )
        while len(heard) < 2:
            message = json.loads(socket.recv(TIMEOUT))
            match message["type"]:
                case "ping":
                    socket.send(json.dumps({"type": "pong", "event_id": message["ping_event"]["event_id"]}))
                case "agent_response":
                    heard.append(message["agent_response_event"]["agent_response"])
                    if len(heard) == 1:
                        socket.send(json.dumps({"type": "user_message", "text": text}))
    return heard


def raw_node(url: str, text: str) -> list[str]:
    assert NODE is not None
    command = [NODE, "--input-type=commonjs", "-e", RAW_NODE, url, text]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def server(scripted_speech: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with keys; its own client has one that may do everything."""
    folder = tmp_path_factory.mktemp("operations")
    with ServerProcess("--data", str(folder), *scripted_speech) as server:
        server.http.headers["xi-api-key"] = key(server, "owner")
        yield server


def key(server: ServerProcess, name: str, *scopes: str) -> str:
    body = {"name": name, **({"scopes": list(scopes)} if scopes else {})}
    answer = server.http.post("/v1/x/api-keys", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["api_key"])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def at_localhost(receiver: Receiver) -> str:
    return receiver.url.replace("127.0.0.1", "localhost")


def webhook(server: ServerProcess, url: str) -> tuple[str, str]:
    settings = {"auth_type": "hmac", "name": "Operations", "webhook_url": url}
    answer = server.http.post("/v1/workspace/webhooks", json={"settings": settings}).json()
    return answer["webhook_id"], answer["webhook_secret"]


def telling(webhook_id: str, *events: str) -> dict[str, Any]:
    return {"workspace_overrides": {"webhooks": {"post_call_webhook_id": webhook_id, "events": list(events)}}}


def spoken(text: str) -> bytes:
    """Words as they are spoken to a server that reads tones, 16 kHz pcm, with the silence after them."""
    return encode_tones(text, 0.03, RATE)[0].tobytes() + bytes(RATE)


# -- one call, and everybody who looks after it -----------------------------------------------------------------------


def test_monitor_operator_and_backend_act_on_one_voice_call_and_all_of_it_is_told(
    server: ServerProcess, tapped: Tapped, receiver: Receiver
) -> None:
    webhook_id, secret = webhook(server, at_localhost(receiver))
    # To the guard against echoes one voice of tones is the echo of another.
    config = {"vad": {"x_echo_guard": False}}
    document = agent(first_message=GREETING, config=config, platform=telling(webhook_id, "transcript"))
    owner = str(server.http.headers["xi-api-key"])
    headset = Headset()
    agent_id = server.create_agent(document)
    with Caller(tapped(server), agent_id, api_key=owner, requires_auth=True, audio_interface=headset) as caller:
        assert caller.hears("response") == GREETING
        caller.began().next("agent_response_complete")
        conversation_id = str(caller.conversation._conversation_id)
        headset.microphone.speak(spoken("where is my parcel"))
        assert caller.hears("transcript", LISTENING_SECONDS) == "where is my parcel"
        assert caller.hears("response", LISTENING_SECONDS) == "I heard: where is my parcel"

        watching = Desk(server, conversation_id, key(server, "wall", "monitor"))
        people = Desk(server, conversation_id, key(server, "people", "monitor", "inject"))
        backend = Desk(server, conversation_id, key(server, "crm", "inject"))
        with watching.monitors() as monitor:
            monitor.sees("history_complete")
            refused = monitor.commands("enable_human_takeover")
            assert refused["error"]["code"] == "missing_permissions"
            with people.attaches("operator", "&audio=true&operator=Ann") as operator:
                assert operator.commands("enable_human_takeover")["ok"] is True
                assert operator.commands("send_human_message", text="Ann here.")["ok"] is True
                assert caller.hears("response") == "Ann here."
                monitor.sees("external_agent_connected")
                monitor.sees("agent_response_complete")
                voice = spoken("good morning")
                for start in range(0, len(voice), 3200):
                    operator.sends(user_audio_chunk=b64encode(voice[start : start + 3200]).decode())
                assert caller.hears("response", LISTENING_SECONDS) == "good morning"
                headset.microphone.speak(spoken("thank you"))
                assert operator.sees("user_transcript")["user_transcription_event"]["user_transcript"] == "thank you"
                backend.says("contextual_update", "The parcel is in Linz.")
                assert backend.does("variables", "PATCH", tier="gold").status_code == 202
                assert operator.commands("disable_human_takeover")["ok"] is True
                sounds = [frame for frame in operator.seen if frame["type"] == "x_user_audio"]
            assert b"".join(b64decode(one["x_user_audio_event"]["audio_base_64"]) for one in sounds).strip(b"\0")
            assert caller.hears("response", LISTENING_SECONDS) == "I heard: thank you"
            answer = backend.says("user_message", "Is it late?", role_label="crm", query={"wait": "response"})
            assert answer["response"] == "I heard: Is it late?" == caller.hears("response")
            assert backend.does("end", reason="closing time", farewell="Goodbye!").status_code == 202
            assert caller.hears("response") == "Goodbye!"
            assert caller.hears("disconnect", LISTENING_SECONDS).reason == "agent"
            assert monitor.sees_to_the_end() == (1000, "The conversation has ended: closing time")

    commands = [
        ("takeover_begin", "Ann"),
        ("human_message", "Ann"),
        ("contextual_update", "crm"),
        ("variables", "crm"),
        ("takeover_end", "Ann"),
        ("user_message", "crm"),
        ("end", "crm"),
    ]
    record = server.ended_record(conversation_id)
    _the_record_names_everybody(record, commands)
    _the_events_are_those_the_monitor_saw(server, conversation_id, commands, monitor.seen)
    _why_tells_it(server, conversation_id)
    told = receiver.next_of(conversation_id)
    event = ElevenLabs(api_key="any").webhooks.construct_event(
        told.body.decode(), told.headers["elevenlabs-signature"], secret
    )
    assert event["type"] == "post_call_transcription" and event["data"] == record
    _both_sides_are_recorded(server, conversation_id)
    with watching.monitors() as late:
        assert late.sees_to_the_end()[0] == 3000, "a key that may watch may not read what is over"
    [delivery] = _deliveries(server, {"conversation_id": conversation_id, "status": "delivered"}, bool)
    log = f"/v1/x/webhook-deliveries/{delivery['delivery_id']}"
    assert json.loads(server.http.get(log).json()["body"]) == event
    clerk = {"xi-api-key": key(server, "postman", "webhooks")}
    assert server.http.get(log, headers=clerk).json()["body"] is None, "nor may one that looks after webhooks"


def _the_record_names_everybody(record: dict[str, Any], commands: Sequence[tuple[str, str]]) -> None:
    # Nobody waits here until the agent has been heard to its end: its words are those that it meant to say.
    turns = [
        (turn["role"], turn["original_message"] or turn["message"], (turn.get("x_injected_by") or {}).get("by"))
        for turn in record["transcript"]
    ]
    assert turns == [
        ("agent", GREETING, None),
        ("user", "where is my parcel", None),
        ("agent", "I heard: where is my parcel", None),
        ("agent", "Ann here.", "Ann"),
        ("agent", "good morning", "Ann"),
        ("user", "thank you", None),
        ("user", "The parcel is in Linz.", "crm"),
        ("agent", "I heard: thank you", None),
        ("user", "Is it late?", "crm"),
        ("agent", "I heard: Is it late?", None),
        ("agent", "Goodbye!", "crm"),
    ]
    listed = record["metadata"]["x_commands"]
    assert [(one["type"], one["by"]) for one in listed] == list(commands)
    moments = [one["time_in_call_secs"] for one in listed]
    assert moments == sorted(moments) and moments[0] > 0
    heard = next(turn for turn in record["transcript"] if turn["message"] == "thank you")
    assert heard["x_timeline"]["speech_started_secs"] > moments[1], "by one clock"
    assert record["metadata"]["termination_reason"] == "closing time" and record["status"] == "done"
    assert record["metadata"]["authorization_method"] == "signed_url"


def _the_events_are_those_the_monitor_saw(
    server: ServerProcess, conversation_id: str, commands: Sequence[tuple[str, str]], seen: list[dict[str, Any]]
) -> None:
    events = server.http.get(f"/v1/x/conversations/{conversation_id}/events", params={"limit": 5000}).json()["events"]
    given = [(one["event"]["type"].removeprefix("x_"), one["by"]) for one in events if one["direction"] == "command"]
    assert given == list(commands)
    assert [one["at"] for one in events] == sorted(one["at"] for one in events)
    shown = [(one["x_seq"], one["x_by"], one["type"]) for one in seen if "x_seq" in one and "x_by" in one]
    assert shown == [(one["seq"], one["by"], one["event"]["type"]) for one in events]


def _why_tells_it(server: ServerProcess, conversation_id: str) -> None:
    command = [*COMMAND, "why", conversation_id, "--url", server.url, "--json"]
    environment = {**os.environ, "PAROLA_API_KEY": str(server.http.headers["xi-api-key"])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["ending"].startswith("It was ended from outside by crm: closing time. (close 1000")
    ann, crm = (next(one for one in told["story"] if one.startswith(f"From outside, {who} ")) for who in ("Ann", "crm"))
    for deed in ("took over at 0:", "wrote to the user at 0:", "spoke to the user at 0:", "gave it back at 0:"):
        assert deed in ann
    for deed in ("told the agent something at 0:", "set variables at 0:", "wrote in the user's place at 0:"):
        assert deed in crm
    order = [(one["event"], one["words"].rstrip(".…")) for one in told["timeline"]]
    places = [
        order.index(one)
        for one in [
            ("command", "Ann took over"),
            ("agent", "Ann: Ann here"),
            ("agent", "Ann: good morning"),
            ("user", "thank you"),
            ("command", "Ann gave it back"),
            ("user", "crm: Is it late?"),
            ("command", "crm ended it"),
        ]
    ]
    assert places == sorted(places) and order[-1][0] == "close"


def _both_sides_are_recorded(server: ServerProcess, conversation_id: str) -> None:
    audio = server.http.get(f"/v1/convai/conversations/{conversation_id}/audio", params={"x_channels": 2}).content
    both = np.frombuffer(miniaudio.decode(audio, nchannels=2, sample_rate=RATE).samples, np.int16).reshape(-1, 2)
    loud = np.abs(both.astype(int)) > 2000
    user, agent_side = (int(np.count_nonzero(loud[:, channel])) for channel in (0, 1))
    assert user > RATE / 10, "what the caller said"
    assert agent_side > RATE / 10, "what the agent and the person who took over said"


# -- the checks of the seeds ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", [raw_python, raw_node])
def test_a_raw_client_of_thirty_lines_opens_public_and_private_agents(
    server: ServerProcess, client: Callable[[str, str], list[str]]
) -> None:
    if client is raw_node and (NODE is None or not (ROOT / "node_modules" / "ws").is_dir()):
        pytest.skip("needs Node and node_modules: run `make node_modules`")
    said = [GREETING, "I heard: Are you there?"]
    public = server.create_agent(agent(first_message=GREETING))
    assert client(server.socket_of(public), "Are you there?") == said
    private = server.create_agent(agent(first_message=GREETING, platform={"auth": {"enable_auth": True}}))
    answer = server.http.get("/v1/convai/conversation/get-signed-url", params={"agent_id": private})
    signed = str(answer.json()["signed_url"])
    assert client(signed, "Are you there?") == said
    assert client(signed.replace("conversation_signature=", "token="), "Are you there?") == said


def test_another_process_speaks_into_the_session_of_a_stock_sdk(server: ServerProcess, tapped: Tapped) -> None:
    agent_id = server.create_agent(agent(config={"conversation": {"text_only": True}}))
    program = (
        "import json, sys, urllib.request as http\n"
        "url, key = sys.argv[1:]\n"
        "body = json.dumps({'type': 'user_message', 'text': 'Any news?'}).encode()\n"
        "headers = {'xi-api-key': key, 'content-type': 'application/json'}\n"
        "print(http.urlopen(http.Request(url, body, headers)).status)\n"
    )
    with Caller(tapped(server), agent_id, api_key=str(server.http.headers["xi-api-key"])) as caller:
        caller.began()
        url = f"{server.url}/v1/x/conversations/{caller.conversation._conversation_id}/messages"
        command = [sys.executable, "-c", program, url, key(server, "backend", "inject")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout == "202\n", done.stderr
        assert caller.hears("transcript") == "Any news?"
        assert caller.hears("response") == "I heard: Any news?"


def test_a_session_asks_before_and_tells_after_and_a_receiver_that_was_away_gets_it(
    server: ServerProcess, tapped: Tapped, receiver: Receiver
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = nobody.getsockname()[1]  # taken, and nobody listens
        webhook_id, secret = webhook(server, f"http://localhost:{away}")
        receiver.answer = json.dumps(
            {"type": "conversation_initiation_client_data", "dynamic_variables": {"name": "Ada"}}
        ).encode()
        asking = telling(webhook_id, "transcript")
        asking["workspace_overrides"]["conversation_initiation_client_data_webhook"] = {
            "url": f"{at_localhost(receiver)}/before",
            "request_headers": {},
            "x_channels": ["web"],
        }
        asking["overrides"] = {"enable_conversation_initiation_client_data_from_webhook": True}
        document = agent(
            first_message="Hello, {{name}}.", platform=asking, config={"conversation": {"text_only": True}}
        )
        agent_id = server.create_agent(document)
        owner = str(server.http.headers["xi-api-key"])
        with Caller(tapped(server), agent_id, api_key=owner) as caller:
            assert caller.hears("response") == "Hello, Ada."
            before = receiver.next()
            conversation_id = caller.hangs_up()
    assert before.path == "/before" and before.json()["agent_id"] == agent_id
    server.ended_record(conversation_id)
    log = {"conversation_id": conversation_id, "webhook_id": webhook_id}
    [delivery] = _deliveries(server, log, lambda one: one["attempt_count"])
    assert (delivery["status"], delivery["reason"]) == ("waiting", "connection_failed")
    change = {"name": "Operations", "is_disabled": False, "webhook_url": at_localhost(receiver)}
    assert server.http.patch(f"/v1/workspace/webhooks/{webhook_id}", json=change).status_code == 200
    assert server.http.post(f"/v1/x/webhooks/{webhook_id}/enable").status_code == 200  # or half a minute later
    told = receiver.next()
    client = ElevenLabs(api_key="any")
    event = client.webhooks.construct_event(told.body.decode(), told.headers["elevenlabs-signature"], secret)
    assert event["data"]["conversation_id"] == conversation_id
    assert told.headers["x-webhook-event-id"] == delivery["event_id"] and told.headers["x-webhook-attempt"] == "2"


def test_who_floods_a_monitor_does_not_fill_the_audit_log(server: ServerProcess, tapped: Tapped) -> None:
    agent_id = server.create_agent(agent(config={"conversation": {"text_only": True}}))
    with Caller(tapped(server), agent_id, api_key=str(server.http.headers["xi-api-key"])) as caller:
        caller.began()
        conversation_id = str(caller.conversation._conversation_id)
        with Desk(server, conversation_id, key(server, "flood", "monitor", "inject")).monitors() as monitor:
            for _ in range(200):
                monitor.sends(command_type="contextual_update", parameters={"contextual_update": "again"})
            results = [monitor.sees("command_result") for _ in range(200)]
        refused = [one for one in results if not one["ok"]]
        assert refused and {one["error"]["code"] for one in refused} == {"rate_limited"}
    log = server.http.get("/v1/x/audit-log", params={"page_size": 100}).json()["entries"]
    of_flood = [one["result"] for one in log if (one["resource"], one["action"]) == (conversation_id, "command")]
    assert of_flood and "refused" not in of_flood


def _deliveries(
    server: ServerProcess, log: dict[str, str], are_wanted: Callable[[dict[str, Any]], bool]
) -> list[dict[str, Any]]:
    """Those of the delivery log, as soon as there are some."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        deliveries = server.http.get("/v1/x/webhook-deliveries", params=log).json()["deliveries"]
        if found := [one for one in deliveries if are_wanted(one)]:
            return found
        assert time.monotonic() < deadline, deliveries
        time.sleep(0.02)


def test_a_client_tool_is_made_called_and_answered_over_a_raw_socket(server: ServerProcess) -> None:
    def made(name: str, timeout: int) -> str:
        answer = server.http.post("/v1/convai/tools", json={"tool_config": client_tool(name, timeout=timeout)})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    document = agent(
        {"when": "look", "call": {"tool": "look_up", "arguments": {}}, "then": "Found: {{result}}"},
        {"when": "wait", "call": {"tool": "stuck", "arguments": {}}, "then": "No.", "otherwise": "Too long."},
        config={"conversation": {"text_only": True}},
    )
    document["conversation_config"]["agent"]["prompt"]["tool_ids"] = [made("look_up", 5), made("stuck", 1)]
    with connect(server.socket_of(server.create_agent(document))) as socket:
        send = lambda **message: socket.send(json.dumps(message))  # noqa: E731
        send(type="conversation_initiation_client_data")

        def sees(kind: str) -> dict[str, Any]:
            while (message := json.loads(socket.recv(TIMEOUT)))["type"] != kind:
                if message["type"] == "ping":
                    send(type="pong", event_id=message["ping_event"]["event_id"])
            return message

        conversation_id = sees("conversation_initiation_metadata")["conversation_initiation_metadata_event"]
        send(type="user_message", text="look")
        call = sees("client_tool_call")["client_tool_call"]
        assert call["tool_name"] == "look_up"
        send(type="client_tool_result", tool_call_id=call["tool_call_id"], result="seven", is_error=False)
        assert sees("agent_response")["agent_response_event"]["agent_response"] == "Found: seven"
        send(type="user_message", text="wait")
        assert sees("agent_response")["agent_response_event"]["agent_response"] == "Too long."
    record = server.ended_record(conversation_id["conversation_id"])
    results = [result for turn in record["transcript"] for result in turn.get("tool_results") or ()]
    assert [(one["tool_name"], one["is_error"]) for one in results] == [("look_up", False), ("stuck", True)]
    assert "1" in results[1]["result_value"] and 1.0 <= results[1]["tool_latency_secs"] < 3.0


def test_every_limit_is_told_to_whoever_has_a_key(server: ServerProcess) -> None:
    told = server.http.get("/v1/x/limits").json()
    assert told["tool_response_timeout_secs"]["default"] == 20 and told["ping_secs"] == 10
    without = server.http.get("/v1/x/limits", headers={"xi-api-key": ""})
    assert without.status_code == 401
