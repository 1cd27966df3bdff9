"""What may not be kept does not reach the store, whoever writes it; what is due is deleted in its time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from parola.config import Settings
from parola.endings import BY_CAUSE
from parola.privacy import keeping, redaction
from parola.privacy.keeping import keep_private, known_policy
from parola.privacy.policy import DAY_SECONDS, Policy
from parola.privacy.reaping import EVERY_SECONDS, Reaper, apply_to_existing
from parola.privacy.redaction import event_lines
from parola.store.base import AgentRow, ConversationChange, ConversationRow, FileRow, Store, raw_of
from parola.store.memory import MemoryStore
from parola.store.overview import OverviewQuery
from parola.store.sql import SqlStore
from tests.virtual_time import run

CANARY = "canary@example.com"
TURN = {"role": "user", "message": f"I am {CANARY}"}


@pytest.fixture(params=["sqlite", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = SqlStore(tmp_path / "data") if request.param == "sqlite" else MemoryStore()
    await made.open()
    keep_private(made, Settings())
    yield made
    await made.aclose()


def agent(agent_id: str = "a", **privacy: Any) -> AgentRow:
    return AgentRow(agent_id, "A", {"platform_settings": {"privacy": privacy}}, 1.0, 1.0)


def conversation(conversation_id: str = "c", agent_id: str = "a", started_at: float = 1000.0) -> ConversationRow:
    document = {
        "environment": "production",
        "metadata": {"main_language": "en"},
        "conversation_initiation_client_data": {"dynamic_variables": {"mail": CANARY}},
    }
    return ConversationRow(conversation_id, agent_id, "in-progress", started_at, document, user_id=CANARY)


async def held(
    store: Store,
    conversation_id: str = "c",
    reason: str = f"The agent ended the call: goodbye {CANARY}",
    cause: str = "agent",
) -> str:
    """Hold a conversation in which the canary is everywhere, and give back all that is stored of it."""
    await store.conversations.write(conversation_id, ConversationChange(turns={0: TURN}))
    end = ConversationChange(
        status="done",
        ended_at=1010.0,
        termination_reason=reason,
        has_audio=False,
        document={
            "metadata": {
                "warnings": [CANARY],
                "error": {"code": 1011, "reason": CANARY},
                "charging": {"call_charge": 3},
                "x_close": {"code": 1000, "reason": CANARY, "by": "server", "status": "done", "cause": cause},
                "feedback": {"overall_score": "like", "comment": CANARY},
            },
            "analysis": {"transcript_summary": CANARY},
        },
    )
    await store.conversations.conclude(conversation_id, end, [])
    return await everything(store, conversation_id)


async def everything(store: Store, conversation_id: str = "c") -> str:
    row = await store.conversations.get(conversation_id)
    return repr(row) + repr(await store.conversations.turns(conversation_id))


async def test_with_zero_retention_no_word_is_stored_and_the_rest_is(store: Store) -> None:
    await store.agents.put(agent(zero_retention_mode=True))
    await store.conversations.create(conversation())
    assert CANARY not in await held(store)
    row = await store.conversations.get("c")
    assert row is not None and row.user_id is None
    assert (row.status, row.ended_at, row.termination_reason) == ("done", 1010.0, "The agent ended the call")
    metadata = row.document["metadata"]
    assert metadata["features_usage"] == {"pii_zrm_agent": True} and metadata["charging"] == {"call_charge": 3}
    assert metadata["error"] == {"code": 1011} and metadata["feedback"]["overall_score"] == "like"
    assert await store.conversations.turns("c") == []


@pytest.mark.parametrize(
    ("reason", "cause", "kept"),
    [
        (f"Ada cancels: card {CANARY}", "command", "Ended from outside"),
        (f"custom-llm answered b'{CANARY}' where an object was expected.", "custom_llm_error", None),
        (f"Client disconnected: {CANARY}", "client", "Client disconnected"),
        (f"{CANARY} made this", f"a cause of {CANARY}", "The conversation ended"),
        ("Maximum duration reached", "max_duration", "Maximum duration reached"),
    ],
)
async def test_of_a_reason_only_this_servers_own_words_stay(
    store: Store, reason: str, cause: str, kept: str | None
) -> None:
    """With zero retention at once, with retention when it is deleted; a colon says nothing about whose words it is."""
    kept = kept or BY_CAUSE[cause]
    await store.agents.put(agent("zero", zero_retention_mode=True))
    await store.agents.put(agent("later", retention_days=0, delete_transcript_and_pii=True))
    for name in ("zero", "later"):
        await store.conversations.create(conversation(name, name))
        await held(store, name, reason, cause)
    assert await Reaper(store, lambda: 1000.0).sweep() == 1
    for name in ("zero", "later"):
        assert CANARY not in await everything(store, name)
        row = await store.conversations.get(name)
        assert row is not None and row.termination_reason == kept
        assert row.document["metadata"]["x_close"].get("cause") == (cause if cause in BY_CAUSE else None)
    overview = await store.conversations.overview(OverviewQuery(since=0.0))
    assert [(one.ending, one.count) for one in overview.endings] == [(kept, 2)]


async def test_a_conversation_that_is_refused_keeps_no_words_either(store: Store) -> None:
    await store.agents.put(agent(zero_retention_mode=True))
    refused = {"code": 1008, "reason": CANARY, "by": "server", "status": "failed", "refused": True}
    row = replace(
        conversation(),
        status="failed",
        termination_reason=f"Got {CANARY}",
        document={"metadata": {"x_close": {**refused, "cause": "value_error"}}},
    )
    await store.conversations.create(row)
    kept = await store.conversations.get("c")
    assert kept is not None and kept.termination_reason == BY_CAUSE["value_error"] and CANARY not in repr(kept)
    assert kept.document["metadata"]["x_close"]["refused"] is True


async def test_an_agent_that_joins_with_zero_retention_makes_the_rest_silent(store: Store) -> None:
    await store.agents.put(agent())
    await store.agents.put(agent("b", zero_retention_mode=True))
    await store.conversations.create(conversation())
    await store.conversations.write("c", ConversationChange(turns={0: {"role": "user", "message": "before"}}))
    joined = ConversationChange(document={"visited_agents": [{"agent_id": "a"}, {"agent_id": "b"}]})
    await store.conversations.write("c", joined)
    await store.conversations.write("c", ConversationChange(turns={1: TURN}))
    assert [turn["message"] for turn in await store.conversations.turns("c")] == ["before"]


async def test_the_policy_of_a_conversation_outlives_the_process_and_the_agent(store: Store) -> None:
    await store.agents.put(agent(conversation_history_redaction={"enabled": True, "entities": ["email_address"]}))
    await store.conversations.create(conversation())
    await store.agents.delete("a")
    inner = store.conversations._inner  # type: ignore[attr-defined]
    store.conversations = inner
    keep_private(store, Settings())
    stored = await held(store)
    assert CANARY not in stored.replace(f"user_id='{CANARY}'", "")
    assert (await store.conversations.turns("c"))[0]["message"] == "I am [EMAIL_ADDRESS]"


async def test_what_a_killed_server_left_unsilenced_is_deleted(store: Store) -> None:
    await store.agents.put(agent(conversation_history_redaction={"enabled": True}))
    await store.conversations.create(conversation())
    raw = raw_of(store.recording_path("c"))
    raw.write_bytes(b"sound")
    await store.conversations.write("c", ConversationChange(status="failed", ended_at=1001.0, has_audio=True))
    row = await store.conversations.get("c")
    assert row is not None and not row.has_audio and not raw.exists()


async def test_a_record_says_what_redaction_does_not_recognise(store: Store) -> None:
    redaction = {"enabled": True, "entities": ["occupation", "email_address"]}
    await store.agents.put(agent(conversation_history_redaction=redaction))
    await store.conversations.create(conversation())
    row = await store.conversations.get("c")
    assert row is not None
    assert row.document["metadata"]["warnings"] == ["Redaction here does not recognise: occupation"]

    # The session knows nothing of it, and writes its own warnings at the end.
    end = ConversationChange(status="done", ended_at=1001.0, document={"metadata": {"warnings": ["Slow."]}})
    await store.conversations.write("c", end)
    row = await store.conversations.get("c")
    assert row is not None
    assert row.document["metadata"]["warnings"] == ["Redaction here does not recognise: occupation", "Slow."]


def user(message: str) -> dict[str, Any]:
    return {"role": "user", "message": message}


def says(message: str, **more: Any) -> dict[str, Any]:
    return {"role": "agent", "message": message, **more}


async def test_a_name_that_is_once_known_is_kept_nowhere_from_then_on(store: Store) -> None:
    await store.agents.put(agent(conversation_history_redaction={"enabled": True, "entities": ["name"]}))
    begun = conversation()
    begun.document["conversation_initiation_client_data"]["dynamic_variables"] = {"user_name": "Grace", "shop": "Acme"}
    await store.conversations.create(begun)
    looked_up = {
        "tool_calls": [{"tool_name": "crm", "params_as_json": '{"q": "Lovelace"}', "request_id": "r"}],
        "tool_results": [
            {"tool_name": "crm", "result_value": '{"last_name": "King", "item": "Tea"}', "request_id": "r"}
        ],
    }
    turns = {
        0: says("Hello Grace, this is Emma. What is your full name?"),
        1: user("Ada Lovelace."),
        2: says("Thank you, Ada. One moment", **looked_up),
        3: user("and my husband, his name is William, will come for tea"),
        4: says("Ms Lovelace and William King, then. Mrs Bloggs helps."),
    }
    for number, turn in turns.items():
        await store.conversations.write("c", ConversationChange(turns={number: turn}))
    await store.conversations.conclude(
        "c",
        ConversationChange(
            status="done", document={"analysis": {"transcript_summary": "ADA LOVELACE ordered tea from Emma."}}
        ),
        [],
    )
    assert [turn["message"] for turn in await store.conversations.turns("c")] == [
        "Hello [NAME], this is Emma. What is your full name?",
        "[NAME].",
        "Thank you, [NAME]. One moment",
        "and my husband, his name is [NAME], will come for tea",
        "Ms [NAME] and [NAME] [NAME], then. Mrs [NAME] helps.",
    ]
    row = await store.conversations.get("c")
    kept = repr(row) + repr(await store.conversations.turns("c"))
    assert not [name for name in ("Ada", "ADA", "Lovelace", "William", "King", "Grace", "Bloggs") if name in kept]
    assert "[NAME] ordered tea from Emma." in kept and "Acme" in kept and '"item":"Tea"' in kept.replace("\\", "")


async def test_a_name_that_becomes_known_late_is_taken_out_of_what_was_said_before(store: Store) -> None:
    await store.agents.put(agent(conversation_history_redaction={"enabled": True}))
    begun = conversation()
    begun.document["conversation_initiation_client_data"]["dynamic_variables"] = {"note": "Ada called before"}
    await store.conversations.create(begun)
    for number, message in enumerate(("Ada again", "nothing", "my name is Ada")):
        await store.conversations.write("c", ConversationChange(turns={number: user(message)}))
    assert (await store.conversations.turns("c"))[0]["message"] == "Ada again"
    await store.conversations.write("c", ConversationChange(status="done", ended_at=1010.0))
    told = [turn["message"] for turn in await store.conversations.turns("c")]
    assert told == ["[NAME] again", "nothing", "my name is [NAME]"]
    row = await store.conversations.get("c")
    assert row is not None
    variables = row.document["conversation_initiation_client_data"]["dynamic_variables"]
    assert variables == {"note": "[NAME] called before"}


async def test_a_long_call_is_gone_through_once_more_while_others_talk(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.agents.put(agent(conversation_history_redaction={"enabled": True}))
    await store.conversations.create(conversation())
    await store.conversations.write("c", ConversationChange(turns={0: user("my name is Ada")}))
    clean, by = redaction.turn, set()

    def noted(turn: Any, policy: Policy) -> dict[str, Any]:
        if turn.get("message") == "my name is [NAME]":
            by.add(threading.current_thread())
        return clean(turn, policy)

    monkeypatch.setattr(redaction, "turn", noted)
    await store.conversations.write("c", ConversationChange(status="done", ended_at=1010.0))
    assert by and threading.current_thread() not in by


async def test_a_long_text_is_gone_through_while_others_talk_and_what_comes_after_it_waits(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.agents.put(agent(conversation_history_redaction={"enabled": True}))
    await store.conversations.create(conversation())
    clean, by, may_go_on = redaction.turn, [], threading.Event()

    def noted(turn: Any, policy: Policy) -> dict[str, Any]:
        by.append(threading.current_thread())
        if len(turn["message"]) > keeping.LONG:
            assert may_go_on.wait(30)
        return clean(turn, policy)

    monkeypatch.setattr(redaction, "turn", noted)
    write = store.conversations.write
    long, short = user("tea " * keeping.LONG + CANARY), user("corrected")
    async with asyncio.TaskGroup() as group:
        group.create_task(write("c", ConversationChange(turns={0: long})))
        while not by:
            await asyncio.sleep(0)  # another thread has yet to begin
        group.create_task(write("c", ConversationChange(turns={0: short})))
        await store.agents.get("a")
        may_go_on.set()
    assert threading.current_thread() not in by[:1] and len(by) == 2
    assert (await store.conversations.turns("c"))[0]["message"] == "corrected"
    await write("c", ConversationChange(turns={1: long}))
    assert (await store.conversations.turns("c"))[1]["message"].endswith("tea [EMAIL_ADDRESS]")


async def test_names_of_a_long_call_are_known_however_many_begin_meanwhile(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_REMEMBERED", 3)
    await store.agents.put(agent(conversation_history_redaction={"enabled": True, "entities": ["name"]}))
    await store.conversations.create(conversation())
    await store.conversations.write("c", ConversationChange(turns={0: user("my name is Ada")}))
    for number in range(1, 6):
        await store.conversations.create(conversation(f"other_{number}"))
        await store.conversations.write("c", ConversationChange(turns={number: user("Ada again")}))
    assert {turn["message"] for turn in await store.conversations.turns("c")} == {"my name is [NAME]", "[NAME] again"}


async def test_changes_after_a_restart_are_stored_in_the_order_in_which_they_came(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.conversations.create(conversation())
    inner = store.conversations._inner  # type: ignore[attr-defined]
    store.conversations = inner
    keep_private(store, Settings())
    get, asked = inner.get, []

    async def first_is_slow(conversation_id: str) -> ConversationRow | None:
        asked.append(conversation_id)
        times = 20 if len(asked) == 1 else 1
        found: list[ConversationRow | None] = [await get(conversation_id) for _ in range(times)]
        return found[-1]

    monkeypatch.setattr(inner, "get", first_is_slow)
    analyses: tuple[Any, ...] = (None, {"transcript_summary": "new"})
    write = store.conversations.write
    await asyncio.gather(*(write("c", ConversationChange(document={"analysis": one})) for one in analyses))
    row = await store.conversations.get("c")
    assert row is not None and row.document["analysis"] == {"transcript_summary": "new"}


async def test_details_in_the_names_of_fields_go_too_and_no_two_fields_become_one(store: Store) -> None:
    await store.agents.put(agent(conversation_history_redaction={"enabled": True}))
    await store.conversations.create(conversation())
    answer = {CANARY: 1, "bob@example.com": {"Ada": [2]}, "[EMAIL_ADDRESS]": 3, "count": 4}
    result = {"tool_name": "crm", "request_id": "r", "result_value": orjson.dumps(answer).decode(), "result": answer}
    turn = says("My name is Ada.", tool_results=[result])
    await store.conversations.write("c", ConversationChange(turns={0: user("my name is Ada"), 1: turn}))
    (kept,) = (await store.conversations.turns("c"))[1]["tool_results"]
    clean = {"[EMAIL_ADDRESS] 2": 1, "[EMAIL_ADDRESS] 3": {"[NAME]": [2]}, "[EMAIL_ADDRESS]": 3, "count": 4}
    assert kept["result"] == clean and orjson.loads(kept["result_value"]) == clean
    assert (kept["tool_name"], kept["request_id"]) == ("crm", "r")


async def test_values_that_the_owner_wants_stay_in_each_agents_results_too(store: Store) -> None:
    redacts = {"enabled": True, "excluded_data_collection_ids": ["mail"]}
    await store.agents.put(agent(conversation_history_redaction=redacts))
    await store.conversations.create(conversation())
    found = {
        name: {"data_collection_id": name, "value": CANARY, "rationale": f"They said {CANARY}"}
        for name in ("mail", "other")
    }
    scoped = {"scope": "agent", "source_agent_id": "a", "data_collection_results": found}
    analysis = {
        "data_collection_results": found,
        "data_collection_results_list": list(found.values()),
        "scoped": [scoped],
    }
    await store.conversations.write("c", ConversationChange(document={"analysis": analysis}))
    row = await store.conversations.get("c")
    assert row is not None
    kept = row.document["analysis"]
    for results in (kept["data_collection_results"], kept["scoped"][0]["data_collection_results"]):
        assert [results[name]["value"] for name in found] == [CANARY, "[EMAIL_ADDRESS]"]
        assert results["mail"]["rationale"] == "They said [EMAIL_ADDRESS]"


async def test_keys_that_are_pressed_are_kept_nowhere(store: Store) -> None:
    hiding = AgentRow("a", "A", {}, 1.0, 1.0)
    hiding.document["conversation_config"] = {"conversation": {"dtmf_input_settings": {"redact_input": True}}}
    await store.agents.put(hiding)
    await store.conversations.create(conversation())
    pressing = {"tool_name": "play_keypad_touch_tone", "request_id": "r4711"}
    turn = says(
        "I enter 4711 for jo@example.com.",
        tool_calls=[{**pressing, "params_as_json": '{"reason": "PIN", "dtmf_tones": "4711#"}'}],
        tool_results=[
            {**pressing, "result_value": "Pressed 4711#.", "result": {"dtmf_tones": "4711#", "reason": "the PIN"}}
        ],
    )
    other = says("Press 1", tool_calls=[{**pressing, "params_as_json": '{"dtmf_tones": "1"}'}], created_at=1)
    await store.conversations.write("c", ConversationChange(turns={0: turn, 1: other}))
    first, second = await store.conversations.turns("c")
    assert "4711#" not in repr(first) and first["message"] == "I enter [DTMF_TONES] for jo@example.com.", (
        "only what was pressed"
    )
    assert first["tool_results"][0]["result"] == {"dtmf_tones": "[DTMF_TONES]", "reason": "the PIN"}
    assert (
        second["message"] == "Press 1" and '"dtmf_tones": "[DTMF_TONES]"' in second["tool_calls"][0]["params_as_json"]
    )
    row = await store.conversations.get("c")
    assert row is not None and row.document["x_privacy"]["hides_keys"] and CANARY in repr(row), "no other redaction"

    policy = known_policy(store, "c")
    assert policy is not None and not policy.keeps_all
    events = [
        {"type": "dtmf_request", "dtmf_request": {"dtmf_tones": "4711#", "tool_call_id": "c4711#", "event_id": 1}},
        {
            "type": "agent_tool_response_full_payload",
            "agent_tool_response_full_payload": {"tool_name": "play_keypad_touch_tone", "full_tool_result": "4711#."},
        },
        {"type": "agent_response", "agent_response_event": {"agent_response": "I pressed 4711#", "event_id": 1}},
    ]
    lines = b"".join(orjson.dumps({"seq": 1, "event": event}) + b"\n" for event in events)
    kept = event_lines(lines, policy).decode()
    assert kept.count("[DTMF_TONES]") == 3 and kept.count("4711#") == 1 and "c4711#" in kept


async def test_what_is_due_is_deleted_and_the_record_says_so_before_and_after(store: Store) -> None:
    await store.agents.put(agent(retention_days=1, delete_transcript_and_pii=True, delete_audio=True))
    await store.conversations.create(conversation())
    await store.files.put(FileRow("f", "c", "x.txt", "text/plain", 1, 1.0), CANARY.encode())
    recording = store.recording_path("c")
    recording.write_bytes(b"sound")
    await held(store)
    row = await store.conversations.get("c")
    assert row is not None
    settings = row.document["metadata"]["deletion_settings"]
    assert settings["deletion_time_unix_secs"] == 1000 + DAY_SECONDS
    assert settings["delete_transcript_and_pii"] and settings["delete_audio"]

    assert await Reaper(store, lambda: 999.0 + DAY_SECONDS).sweep() == 0
    assert await Reaper(store, lambda: 1000.0 + DAY_SECONDS).sweep() == 1
    assert CANARY not in await everything(store)
    assert not recording.exists() and await store.files.get("f") is None
    row = await store.conversations.get("c")
    assert row is not None and row.status == "done"
    settings = row.document["metadata"]["deletion_settings"]
    assert settings["deleted_transcript_at_time_unix_secs"] == 1000 + DAY_SECONDS
    assert settings["deleted_audio_at_time_unix_secs"] == 1000 + DAY_SECONDS


async def test_what_a_killed_server_had_begun_to_delete_is_deleted_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqlStore(tmp_path / "data")
    await store.open()
    keep_private(store, Settings(retention_days=0))
    await store.agents.put(agent())
    for name in ("c", "d"):
        await store.conversations.create(conversation(name))
        await store.files.put(FileRow(f"file_{name}", name, "x.txt", "text/plain", 1, 1.0), CANARY.encode())
        store.recording_path(name).write_bytes(CANARY.encode())
        await held(store, name)

    def killed(*_: Any, **__: Any) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patch:
        for module in ("sql_retention", "sql_conversations"):
            patch.setattr(f"parola.store.{module}.unlink_files_of", killed)
        assert await Reaper(store, lambda: 2000.0).sweep() == 0
        with pytest.raises(OSError, match="killed"):
            await store.conversations.delete("d")
    assert await Reaper(store, lambda: 2000.0).sweep() == 2
    kept = [file for file in (tmp_path / "data").rglob("*") if file.is_file()]
    assert not [file.name for file in kept if CANARY.encode() in file.read_bytes()]
    await store.aclose()


async def test_what_was_not_on_the_plan_yet_when_a_server_was_killed_is_put_there_by_the_next(store: Store) -> None:
    await store.agents.put(agent(retention_days=1))
    await store.conversations.create(conversation())
    await store.retention.keep(["c"])
    store.conversations = store.conversations._inner  # type: ignore[attr-defined]
    keep_private(store, Settings())
    await held(store)
    assert await Reaper(store, lambda: 1000.0 + DAY_SECONDS).sweep() == 1
    assert CANARY not in await everything(store)
    await store.conversations.write("c", ConversationChange(rating=3))
    assert await store.retention.due(1e10, 5) == [], "once"


async def test_an_agent_that_a_client_brought_along_has_a_date_of_deletion_too(store: Store) -> None:
    brought = conversation(agent_id="nobody_has_it")
    brought.document.update(Policy.of(agent(retention_days=1, delete_audio=True).document, Settings()).wished())
    await store.conversations.create(brought)
    assert await store.retention.due(1e10, 5) == []
    await store.conversations.write("c", ConversationChange(status="done", ended_at=1010.0))
    assert await store.retention.due(999.0 + DAY_SECONDS, 5) == []
    assert await store.retention.due(1000.0 + DAY_SECONDS, 5) == ["c"]
    row = await store.conversations.get("c")
    assert row is not None and "x_privacy" not in row.document
    settings = row.document["metadata"]["deletion_settings"]
    assert settings["delete_audio"] and not settings["delete_transcript_and_pii"]


async def test_audio_may_go_and_the_words_stay(store: Store) -> None:
    await store.agents.put(agent(retention_days=0, delete_audio=True))
    await store.conversations.create(conversation())
    recording = store.recording_path("c")
    recording.write_bytes(b"sound")
    await held(store)
    assert await Reaper(store, lambda: 2000.0).sweep() == 1
    assert CANARY in await everything(store) and not recording.exists()
    row = await store.conversations.get("c")
    assert (
        row is not None
        and row.document["metadata"]["deletion_settings"]["deleted_transcript_at_time_unix_secs"] is None
    )


async def test_conversations_from_before_follow_when_the_agent_says_so(store: Store) -> None:
    await store.agents.put(agent())
    for number in range(120):
        await store.conversations.create(conversation(f"c{number}", started_at=1000.0 + number))
        await store.conversations.write(f"c{number}", ConversationChange(status="done", turns={0: TURN}))
    await store.conversations.create(conversation("other", "b"))
    changed = agent(retention_days=1, delete_transcript_and_pii=True)
    await store.agents.put(changed)
    reaper = Reaper(store, lambda: 1000.0 + DAY_SECONDS + 59)
    assert await reaper.sweep() == 0
    assert await apply_to_existing(store, Settings(), changed) == 120
    assert await reaper.sweep() == 60
    assert CANARY not in await everything(store, "c59") and CANARY in await everything(store, "c60")
    assert await apply_to_existing(store, Settings(), agent()) == 120
    assert await Reaper(store, lambda: 1e10).sweep() == 0


def test_the_job_looks_once_a_minute_and_a_failure_does_not_end_it() -> None:
    async def story() -> tuple[int, float]:
        import asyncio

        store = MemoryStore()
        keep_private(store, Settings(retention_days=1))
        loop = asyncio.get_running_loop()
        await store.conversations.create(conversation(started_at=0.0))
        await store.conversations.write("c", ConversationChange(status="done", turns={0: TURN}))
        due, failures = store.retention.due, []

        async def failing(now: float, most: int) -> Any:
            if now < 3 * EVERY_SECONDS:
                failures.append(now)
                raise OSError("disk")
            return await due(now, most)

        store.retention.due = failing  # type: ignore[method-assign]
        reaper = Reaper(store, loop.time)
        reaper.start()
        while await store.conversations.turns("c"):
            await asyncio.sleep(1.0)
        await reaper.aclose()
        return len(failures), loop.time()

    failures, at = run(story())
    assert failures == 2
    assert DAY_SECONDS <= at <= DAY_SECONDS + EVERY_SECONDS + 1


@pytest.mark.parametrize(
    ("privacy", "settings", "expected"),
    [
        ({}, {}, (-1, False, False)),
        ({"retention_days": 30}, {}, (30, True, True)),
        ({"retention_days": 30, "delete_audio": True}, {}, (30, False, True)),
        ({"retention_days": -1, "delete_audio": True}, {}, (-1, False, False)),
        ({}, {"retention_days": 7}, (7, True, True)),
        ({"retention_days": 30}, {"retention_days": 7}, (30, True, True)),
    ],
)
def test_the_agent_wins_over_the_server(
    privacy: dict[str, Any], settings: dict[str, Any], expected: tuple[int, bool, bool]
) -> None:
    policy = Policy.of(agent(**privacy).document, Settings(**settings))
    assert (policy.retention_days, policy.deletes_transcript, policy.deletes_audio) == expected


def test_zero_retention_of_the_server_is_that_of_every_agent() -> None:
    assert Policy.of({}, Settings(zero_retention=True)).zero_retention
