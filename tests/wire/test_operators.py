"""Several people look after one conversation: only one of them has it, and everybody can see who."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pytest

from parola.providers.scripted_speech import encode_tones
from tests.wire.servers import ServerProcess, agent
from tests.wire.test_live_control import Desk, Tapped, Watcher, chat
from tests.wire.test_python_sdk import Caller
from tests.wire.test_python_sdk_voice import Headset


@pytest.fixture
def voice(parola: ServerProcess, tapped: Tapped) -> Iterator[tuple[Caller, Desk, Headset]]:
    """A voice call of the SDK, whose caller hears what operators say."""
    headset = Headset()
    with ExitStack() as stack:
        agent_id = parola.create_agent(agent({"when": "*", "say": "I heard you."}))
        caller = stack.enter_context(Caller(tapped(parola), agent_id, audio_interface=headset))
        caller.began()
        yield caller, Desk(parola, str(caller.conversation._conversation_id)), headset


def says(operator: Watcher, text: str) -> None:
    speech = encode_tones(text, 0.03, 16000)[0].tobytes() + bytes(12800)
    for start in range(0, len(speech), 1600):
        operator.sends(user_audio_chunk=b64encode(speech[start : start + 1600]).decode())


def refusals(watcher: Watcher) -> list[str]:
    return [one["error"]["code"] for one in watcher.seen if one["type"] == "command_result" and not one["ok"]]


def test_of_two_operators_only_the_one_who_has_taken_over_is_heard(voice: tuple[Caller, Desk, Headset]) -> None:
    caller, desk, headset = voice
    sound = "&audio=true&operator="
    with desk.attaches("operator", sound + "Bob") as bob, desk.attaches("operator", sound + "Ann") as ann:
        bob.sees("x_user_audio")
        says(bob, "good morning")
        assert bob.sees("command_result")["error"]["code"] == "takeover_is_off"
        assert ann.commands("enable_human_takeover")["ok"]
        bob.sees("external_agent_connected")
        says(bob, "good morning")
        refused = bob.sees("command_result")
        assert refused["error"] == {
            "code": "taken_over",
            "message": "Ann has taken over: Bob cannot act for them.",
        }
        assert refused["command_type"] == "user_audio_chunk"
        says(ann, "good evening")
        assert caller.hears("response") == "good evening" and headset.hears(0.3)
        assert bob.sees("x_agent_audio"), "the others hear what the caller hears"
        assert bob.sees("agent_response")["agent_response_event"]["agent_response"] == "good evening"
        assert refusals(bob) == ["takeover_is_off", "taken_over"], "said once, whatever the microphone sends"
        assert ann.commands("disable_human_takeover")["ok"]
        assert bob.commands("enable_human_takeover")["ok"]
        says(bob, "good night")
        assert caller.hears("response") == "good night"
    turns = desk.server.ended_record(caller.hangs_up())["transcript"]
    spoken = [(turn["message"], turn["x_injected_by"]["by"]) for turn in turns if turn.get("x_injected_by")]
    assert spoken == [("good evening", "Ann"), ("good night", "Bob")]


def test_an_official_client_that_is_attached_and_sends_sound_is_told_once_and_stays(
    voice: tuple[Caller, Desk, Headset],
) -> None:
    _, desk, _ = voice
    silence = b64encode(np.zeros(800, "<i2").tobytes()).decode()
    for role in ("participant", "observer"):
        with desk.attaches(role) as guest:
            for _ in range(100):
                guest.sends(user_audio_chunk=silence)
            assert guest.sees("command_result")["error"]["code"] == "no_audio"
            guest.sends(type="user_message", text="  ")
            guest.sends(command_type="end_call")
            last = guest.sees("command_result")
            if role == "observer":
                assert last["error"]["code"] == "observer"
                last = guest.sees("command_result")
            assert last["error"]["code"] == "not_operator"


def test_a_takeover_is_its_holders_unless_somebody_forces_it(parola: ServerProcess, tapped: Tapped) -> None:
    with chat(parola, tapped) as (caller, desk):
        with desk.monitors("?operator=Ann") as ann, desk.monitors("?operator=Bob") as bob:
            assert ann.commands("enable_human_takeover")["ok"]
            for refused in (
                desk.does("takeover", "DELETE"),
                desk.does("takeover", "DELETE", operator="Bob"),
                desk.does("messages", type="human_message", text="I am Ann."),
            ):
                assert refused.status_code == 409 and refused.json()["detail"]["status"] == "taken_over", refused.text
                assert refused.json()["detail"]["message"].startswith("Ann has taken over")
            for command in ("disable_human_takeover", "agent_typing"):
                assert bob.commands(command)["error"]["code"] == "taken_over"
            desk.says("human_message", "Ann here.", operator="Ann")
            assert caller.hears("response") == "Ann here."
            assert desk.does("takeover", "DELETE", operator="Bob", force=True).status_code == 202
            assert ann.sees("external_agent_disconnected")
            assert caller.asks("Hello") == "I heard: Hello"
            assert bob.commands("enable_human_takeover")["ok"]
            assert ann.commands("disable_human_takeover", force=True)["ok"]
        record = parola.ended_record(caller.hangs_up())
    commands = [(one["type"], one["by"], one.get("forced_from")) for one in record["metadata"]["x_commands"]]
    assert commands == [
        ("takeover_begin", "Ann", None),
        ("human_message", "local", None),
        ("takeover_end", "local", "Ann"),
        ("takeover_begin", "Bob", None),
        ("takeover_end", "Ann", "Bob"),
    ]
    conversation_id = record["conversation_id"]
    log = parola.http.get("/v1/x/audit-log", params={"resource": conversation_id, "action": "takeover_forced"})
    assert [(one["details"]["by"], one["details"]["forced_from"]) for one in log.json()["entries"]] == [
        *(("Ann", "Bob"), ("local", "Ann"))
    ]
    why = parola.http.get(f"/v1/x/conversations/{conversation_id}/why").json()["story"]
    assert any("took it away from Bob at" in sentence for sentence in why), why


def test_people_without_a_name_or_a_key_are_told_apart_by_their_sockets(parola: ServerProcess, tapped: Tapped) -> None:
    with chat(parola, tapped) as (caller, desk), desk.monitors() as watching:
        watching.sees("history_complete")
        with desk.monitors() as one, desk.monitors() as two:
            assert one.commands("enable_human_takeover")["ok"]
            refused = two.commands("disable_human_takeover")["error"]
            assert refused["code"] == "taken_over" and refused["message"].startswith("local has taken over: local-2")
            assert two.commands("send_human_message", text="x")["error"]["code"] == "taken_over"
            assert one.commands("send_human_message", text="It is me.")["ok"]
            assert caller.hears("response") == "It is me."
            desk.says("human_message", "And by REST.")
            assert caller.hears("response") == "And by REST."
        left = watching.sees("x_operator_left")
        assert left["x_operator_left_event"] == {"operator": "local", "grace_secs": 30.0}
        with desk.monitors() as again:
            assert watching.sees("x_operator_back")["x_operator_back_event"]["operator"] == "local"
            assert again.commands("disable_human_takeover")["ok"]
            assert caller.asks("Hello") == "I heard: Hello"


def test_a_chat_that_is_refused_is_a_chat_all_the_same(parola: ServerProcess, tapped: Tapped) -> None:
    """What was asked for is known, though nothing came of it."""
    config = {"conversation": {"text_only": True}, "agent": {"first_message": "Hello {{name}}"}}
    agent_id = parola.create_agent(agent(config=config))
    caller = Caller(tapped(parola), agent_id)
    with caller:
        caller.hears("disconnect")
    listed = parola.http.get("/v1/convai/conversations", params={"agent_id": agent_id}).json()["conversations"]
    why = parola.http.get(f"/v1/x/conversations/{listed[0]['conversation_id']}/why").json()["story"]
    assert " by text " in why[0], why[0]
    assert parola.record(listed[0]["conversation_id"])["metadata"]["text_only"] is True
