"""The record tells a person why a conversation ended, whoever ended it and however."""

from __future__ import annotations

from typing import Any

import pytest

from parola.analysis.story import ending, story, timeline
from parola.store.outbox import DeliveryRow

TURNS: list[dict[str, Any]] = [
    {
        "role": "user",
        "message": "A table for four",
        "time_in_call_secs": 3,
        "x_timeline": {"speech_started_secs": 3.2, "closed_secs": 4.9},
    },
    {
        "role": "agent",
        "message": "One moment, I look",
        "interrupted": True,
        "original_message": "One moment, I look into the book.",
        "time_in_call_secs": 6,
        "tool_calls": [{"request_id": "c1", "tool_name": "book"}, {"request_id": "c2", "tool_name": "look"}],
        "tool_results": [
            {
                "request_id": "c1",
                "tool_name": "book",
                "is_error": True,
                "error_type": "timeout",
                "raw_error_message": "No answer within 5 s.",
                "tool_latency_secs": 5.0,
            }
        ],
        "x_timeline": {
            "first_audio_sent_secs": 6.7,
            "interrupted_secs": 68.0,
            "latency_secs": {"end_of_turn": 0.4, "llm": 1.25, "tts": 0.15, "total": 1.8},
        },
    },
]


def record(status: str = "done", *, close: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    metadata = {
        "start_time_unix_secs": 1_760_000_000,
        "call_duration_secs": 75,
        "authorization_method": "signed_url",
        "conversation_initiation_source": "python_sdk",
        "termination_reason": "Client disconnected",
        "warnings": ["Voice 'x' is not mapped."],
        "text_only": False,
        "x_close": close or {"code": 1000, "reason": "", "by": "client", "status": status},
        **more.pop("metadata", {}),
    }
    return {
        "conversation_id": "conv_1",
        "agent_id": "agent_1",
        "agent_name": "Front desk",
        "user_id": "user-7",
        "status": status,
        "metadata": metadata,
        "user_message_count": 1,
        "agent_message_count": 1,
        "visited_agents": [{"agent_id": "agent_1"}],
        "transcript": TURNS,
        "analysis": {"call_successful": "failure", "evaluation_criteria_results": {"booked": {"result": "failure"}}},
        **more,
    }


def delivery(**more: Any) -> DeliveryRow:
    fields = {"type": "post_call_transcription", "endpoint": "wh_1", "status": "delivered", **more}
    return DeliveryRow("whd_1", "evt_1", **fields)


def test_about_ten_sentences_tell_the_whole_call() -> None:
    attempts = ({"at": 1.0}, {"at": 2.0})
    assert story(record(), [delivery(attempts=attempts)]) == [
        "user-7 called Front desk by voice with python_sdk at 2025-10-09 08:53:20 UTC (signed url).",
        "It lasted 1:15 min: the user said something once, the agent once.",
        "The slowest answer took 1.80 s at the server, at 0:06 (“One moment, I look”): "
        "1.25 s of that was the language model.",
        "The agent was interrupted once, at 1:08; the last heard of it was “One moment, I look”.",
        "Tools were called twice, the slowest in 5.00 s; 1 of them failed; 1 without a result.",
        "  book at 0:06 (timeout): No answer within 5 s.",
        "Warning: Voice 'x' is not mapped.",
        "The client hung up: Client disconnected. (close 1000)",
        "The analysis says failure (booked: failure).",
        "The webhook post_call_transcription to wh_1 was delivered at attempt 2.",
    ]


END_CALL = [{"role": "agent", "message": "Bye", "tool_results": [{"tool_name": "end_call", "is_error": False}]}]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (record("in-progress"), "It still runs."),
        (
            record("initiated"),
            "A conversation with Front desk was announced at 2025-10-09 08:53:20 UTC; nobody has called yet.",
        ),
        (
            record(
                transcript=END_CALL,
                close={"code": 1000, "reason": "The agent ended the call", "by": "server", "status": "done"},
                metadata={"termination_reason": "end_call tool was called"},
            ),
            "The agent ended it: end_call tool was called. (close 1000 “The agent ended the call”)",
        ),
        (
            record(
                "failed",
                close={"code": 1002, "reason": "The model failed.", "by": "server", "status": "failed"},
                metadata={"termination_reason": "The model failed: 500", "error": {"code": 1002}},
            ),
            "The server ended it after a failure: The model failed: 500. (close 1002 “The model failed.”)",
        ),
        (
            record(
                "failed",
                close={"code": 1008, "reason": "Missing: name", "by": "server", "status": "failed", "refused": True},
                metadata={"termination_reason": "Missing: name"},
            ),
            "It was refused before it began: Missing: name. (close 1008 “Missing: name”)",
        ),
        (
            record("failed", close={"code": 1006, "reason": "", "by": "crash", "status": "failed"}),
            "The server was killed or crashed while it ran; no close frame was sent. "
            "The last thing stored of it is from 0:06.",
        ),
        (
            record(close={"status": "done"}, metadata={"termination_reason": ""}),
            "The server ended it: No reason was stored. (no close frame is known)",
        ),
    ],
)
def test_the_end_is_somebodys_and_has_a_reason(found: dict[str, Any], said: str) -> None:
    assert ending(found) == said


def closed(by: str, cause: str, code: int = 1000, reason: str = "", **more: Any) -> dict[str, Any]:
    return {"code": code, "reason": reason, "by": by, "status": "done", "cause": cause, **more}


ENDED = [{"type": "end", "by": "Zed", "seq": 3, "time_unix_secs": 1_760_000_070, "time_in_call_secs": 70.0}]
AWAY = [{"type": "x_connection_lost", "time_in_call_secs": 60.0, "code": 1006}]


@pytest.mark.parametrize(
    ("close", "metadata", "said", "last"),
    [
        (
            closed("client", "client", 1006),
            {},
            "The connection to the client was lost: Client disconnected. (close 1006)",
            "1006  (the client's connection was lost)",
        ),
        (
            closed("client", "command"),
            {"x_commands": ENDED, "termination_reason": "stop now"},
            "It was ended from outside by Zed: stop now. The client hung up during the last words. (close 1000)",
            "1000  (by client)",
        ),
        (
            closed("client", "agent", 1006),
            {"termination_reason": "The agent ended the call"},
            "The agent ended it: The agent ended the call. "
            "The connection to the client was lost during the last words. (close 1006)",
            "1006  (the client's connection was lost)",
        ),
        (
            closed("server", "command", reason="we closed", client_away=True),
            {"x_commands": ENDED, "x_connections": AWAY, "termination_reason": "we closed"},
            "It was ended from outside by Zed: we closed. (close 1000 “we closed”) "
            "The client was away, and was not told.",
            "1000 we closed (by server, while the client was away)",
        ),
        (
            closed("server", "server_stopped", 1001, "The server is stopping.", client_away=True),
            {"x_connections": AWAY, "termination_reason": "The server is stopping."},
            "The server ended it: The server is stopping. (close 1001 “The server is stopping.”) "
            "The client was away, and was not told.",
            "1001 The server is stopping. (by server, while the client was away)",
        ),
        (
            closed("client", "client_lost", 1006),
            {"x_connections": AWAY, "termination_reason": "It did not come back"},
            "The client was waited for in vain: It did not come back. (close 1006)",
            "1006  (the client's connection was lost)",
        ),
    ],
)
def test_who_ended_it_is_told_apart_from_whose_close_it_was(
    close: dict[str, Any], metadata: dict[str, Any], said: str, last: str
) -> None:
    found = record(close=close, metadata=metadata)
    assert ending(found) == said and timeline(found)[-1]["words"] == last


def test_an_operator_who_hangs_up_during_the_agents_goodbye_is_who_ended_it() -> None:
    told = {"x_commands": ENDED, "termination_reason": "zed ends"}
    found = record(transcript=END_CALL, close=closed("server", "command", reason="zed ends"), metadata=told)
    assert ending(found) == "It was ended from outside by Zed: zed ends. (close 1000 “zed ends”)"


def test_a_person_is_told_apart_from_the_key_that_acted_for_them() -> None:
    at = {"seq": 9, "time_unix_secs": 1_760_000_004}
    commands = [
        {"type": "takeover_begin", "by": "local", "operator": "Ann", "time_in_call_secs": 4.0, **at},
        {"type": "takeover_end", "by": "crm", "operator": "Bob", "forced_from": "Ann", "time_in_call_secs": 9.0, **at},
    ]
    found = record(metadata={"x_commands": commands, "x_commands_left_out": {"contextual_update": 7}})
    told = story(found)
    assert "From outside, Ann took over at 0:04." in told
    assert "From outside, Bob (by crm) took it away from Ann at 0:09." in told
    left_out = "The record does not name all that was done from outside; it leaves out: 7 × contextual update."
    assert left_out in told
    assert "Bob (by crm) took it away from Ann" in [event["words"] for event in timeline(found)]


@pytest.mark.parametrize(
    ("row", "fate"),
    [
        (delivery(status="skipped", endpoint="", reason="event_not_enabled"), "was not sent: event not enabled."),
        (delivery(status="dead", reason="http_503", attempts=({},) * 5), "was given up after 5 attempts: http 503."),
        (delivery(status="waiting"), "is on its way, 0 attempts so far."),
    ],
)
def test_every_fate_of_a_webhook_is_told(row: DeliveryRow, fate: str) -> None:
    assert story(record(), [row])[-1].endswith(fate)


def test_what_did_not_happen_is_left_out() -> None:
    times = {"interrupted_secs": 0.4, "latency_secs": {"tts": 0.001, "total": 0.001}}
    hung_up = {"interrupted": True, "x_timeline": times}
    greeting = {"role": "agent", "message": "Hel...", "time_in_call_secs": 0, **hung_up}
    short = {"call_duration_secs": 0, "warnings": []}
    found = record(metadata=short, user_message_count=0, transcript=[greeting], analysis=None)
    assert story(found, [delivery(status="skipped", endpoint="", reason="not_configured")])[1:] == [
        "It lasted less than a second: the agent said something once.",
        "The client hung up: Client disconnected. (close 1000)",
    ]
    assert [event["event"] for event in timeline(found)] == ["began", "agent", "close"]
    nobody = record(metadata=short, user_message_count=0, agent_message_count=0, transcript=[])
    assert story(nobody)[1] == "It lasted less than a second: nothing was said."


def test_the_timeline_is_in_order_and_ends_with_the_close() -> None:
    events = timeline(record())
    assert [(event["at_secs"], event["event"]) for event in events] == [
        (0.0, "began"),
        (3.2, "user"),
        (6.7, "agent"),
        (6.7, "tool"),
        (6.7, "tool"),
        (68.0, "interruption"),
        (75.0, "close"),
    ]
    assert events[3]["words"] == "book failed in 5.00 s" and events[-1]["words"] == "1000  (by client)"


COMMANDS = [
    {"type": "takeover_begin", "by": "Ann", "seq": 9, "time_unix_secs": 1_760_000_004, "time_in_call_secs": 4.25},
    {"type": "variables", "by": "crm", "seq": 11, "time_unix_secs": 1_760_000_005, "time_in_call_secs": 5.5},
    {"type": "takeover_end", "by": "Ann", "seq": 14, "time_unix_secs": 1_760_000_009, "time_in_call_secs": 9.0},
    {"type": "end", "by": "crm", "seq": 15, "time_unix_secs": 1_760_000_010, "time_in_call_secs": 10.0},
]


def test_who_acted_from_outside_is_told_with_what_and_when() -> None:
    spoke = {"role": "agent", "message": "Good morning", "time_in_call_secs": 3}
    spoke["x_injected_by"] = {"type": "human_speech", "by": "Ann"}
    closed = {"code": 1000, "reason": "", "by": "server", "status": "done"}
    found = record(
        close=closed,
        metadata={"x_commands": COMMANDS, "termination_reason": "closing time"},
        transcript=[{"role": "user", "message": "Hello", "x_timeline": {"speech_started_secs": 6.4}}, spoke],
    )
    told = story(found)
    assert "From outside, Ann took over at 0:04, spoke to the user at 0:06, gave it back at 0:09." in told
    assert "From outside, crm set variables at 0:05, ended it at 0:10." in told
    assert ending(found) == "It was ended from outside by crm: closing time. (close 1000)"
    assert [(event["at_secs"], event["words"]) for event in timeline(found)[1:-1]] == [
        (4.25, "Ann took over"),
        (5.5, "crm set variables"),
        (6.4, "Hello"),
        (6.4, "Ann: Good morning"),
        (6.4, "Ann spoke to the user"),
        (9.0, "Ann gave it back"),
        (10.0, "crm ended it"),
    ], "a turn of which only the whole second is known comes after the turn before it"


def test_how_a_takeover_was_lost_is_told() -> None:
    at = {"seq": 9, "time_unix_secs": 1_760_000_004}
    commands = [
        {"type": "takeover_begin", "by": "Ann", "time_in_call_secs": 4.0, **at},
        {"type": "takeover_lapsed", "by": "Ann", "away_secs": 30.0, "time_in_call_secs": 44.0, **at},
        {"type": "takeover_begin", "by": "Ann", "time_in_call_secs": 50.0, **at},
        {"type": "takeover_end", "by": "local-2", "forced_from": "Ann", "time_in_call_secs": 55.0, **at},
    ]
    told = story(record(metadata={"x_commands": commands}))
    assert "From outside, Ann took over at 0:04, was away for too long and lost it at 0:44, took over at 0:50." in told
    assert "From outside, somebody without a key (local-2) took it away from Ann at 0:55." in told


def test_the_wait_for_an_answer_begins_where_the_user_stopped_whatever_tools_came_between() -> None:
    turns = [
        {"role": "user", "x_timeline": {"speech_stopped_secs": 4.8, "closed_secs": 5.8}},
        {"role": "agent", "tool_calls": [{"request_id": "c1", "tool_name": "book"}], "x_timeline": {"asked_secs": 5.8}},
        {
            "role": "agent",
            "message": "Booked.",
            "time_in_call_secs": 5,
            "x_timeline": {
                "asked_secs": 6.0,
                "first_audio_sent_secs": 6.3,
                "latency_secs": {"end_of_turn": 0, "llm": 0.1, "tts": 0.2, "total": 0.3},
            },
        },
    ]
    told = "The slowest answer took 1.50 s at the server, at 0:05 (“Booked.”): "
    assert f"{told}1.00 s of that was waiting for the user to finish." in story(record(transcript=turns))


def test_steps_of_a_workflow_are_no_tools_unless_they_fail() -> None:
    step = {"request_id": "s1", "tool_name": "workflow_step", "type": "workflow"}
    done: dict[str, Any] = {"request_id": "s1", "tool_name": "workflow_step", "is_error": False}
    turns = [{"role": "agent", "tool_calls": [step], "tool_results": [done]}]
    assert not [told for told in story(record(transcript=turns)) if told.startswith("Tools")]
    assert "workflow" in {event["event"] for event in timeline(record(transcript=turns))}
    turns[0]["tool_results"] = [{**done, "is_error": True, "raw_error_message": "max_iterations_exceeded"}]
    assert "Tools were called once; 1 of them failed." in story(record(transcript=turns))


def test_a_call_without_retention_does_not_seem_silent() -> None:
    kept_nowhere = record(transcript=[], metadata={"features_usage": {"pii_zrm_agent": True}})
    assert "It lasted 1:15 min. What was said is kept nowhere (zero retention)." in story(kept_nowhere)


def test_of_what_was_only_announced_nothing_is_told_but_that() -> None:
    found = record("initiated", transcript=[], user_message_count=0, agent_message_count=0, analysis=None)
    assert story(found) == [ending(found)] and [event["event"] for event in timeline(found)] == ["began"]


def test_a_written_conversation_is_told_in_the_order_in_which_it_happened() -> None:
    """Turns have their moment; what somebody outside wrote comes behind the command that was noted just after it."""

    def turn(role: str, message: str, at: float, **more: Any) -> dict[str, Any]:
        return {"role": role, "message": message, "time_in_call_secs": int(at), "x_at_secs": at, **more}

    commands = [
        {"type": "takeover_begin", "by": "Ann", "seq": 3, "time_unix_secs": 1, "time_in_call_secs": 0.613},
        {"type": "human_message", "by": "Ann", "seq": 5, "time_unix_secs": 1, "time_in_call_secs": 0.722},
        {"type": "takeover_end", "by": "Ann", "seq": 7, "time_unix_secs": 1, "time_in_call_secs": 0.83},
    ]
    wrote = {"x_injected_by": {"type": "human_message", "by": "Ann"}}
    page = {"contextual_update_info": {"context_id": "", "is_superseded": False}}
    turns = [
        turn("agent", "Welcome", 0.004),
        turn("agent", "Ann 1", 0.721, **wrote),
        turn("user", "page 3", 0.84, **page),
        turn("user", "hey", 0.85),
        turn("agent", "I heard: hey", 0.86, x_timeline={"asked_secs": 0.851}),
    ]
    events = timeline(record(transcript=turns, metadata={"x_commands": commands}))
    assert [(event["at_secs"], event["event"], event["words"]) for event in events[1:-1]] == [
        (0.004, "agent", "Welcome"),
        (0.613, "command", "Ann took over"),
        (0.722, "command", "Ann wrote to the user"),
        (0.722, "agent", "Ann: Ann 1"),
        (0.83, "command", "Ann gave it back"),
        (0.84, "context", "page 3"),
        (0.85, "user", "hey"),
        (0.86, "agent", "I heard: hey"),
    ]
