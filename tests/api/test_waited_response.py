"""Who waits for the agent's answer gets that, or hears why there is none: never what somebody else had said."""

from __future__ import annotations

from typing import Any

import pytest

from parola.api.commanding import _gather
from parola.session.event_log import EventLog
from tests.virtual_time import run

ASKED, MINE = 3, 4
"""The event id of the question, and of the agent's own answer."""


def result(kind: str, event_id: int | None = None) -> tuple[str, dict[str, Any]]:
    about = {"type": kind, "ok": True} | ({} if event_id is None else {"event_id": event_id})
    return "internal", {"type": "x_command_result", "x_command_result_event": about}


def sent(kind: str, event_id: int, **more: Any) -> tuple[str, dict[str, Any]]:
    return "to_client", {"type": kind, f"{kind}_event": {"event_id": event_id, **more}}


def said(event_id: int, words: str) -> list[tuple[str, dict[str, Any]]]:
    return [sent("agent_response", event_id, agent_response=words), sent("agent_response_complete", event_id)]


TYPED = ("from_client", {"type": "user_message", "text": "client types"})
SPOKEN = ("to_client", {"type": "user_transcript", "user_transcription_event": {"event_id": 6, "user_transcript": "x"}})


@pytest.mark.parametrize(
    ("happened", "words", "why"),
    [
        (said(MINE, "My answer"), ["My answer"], "silent"),
        ([result("agent_message", 5), *said(5, "agent cuts"), *said(7, "My answer")], ["My answer"], "silent"),
        ([result("takeover_begin"), result("human_message", 5), *said(5, "human says")], [], "taken_over"),
        ([result("user_message", 5), *said(6, "To the other")], [], "superseded"),
        ([TYPED, *said(6, "To the client")], [], "superseded"),
        ([SPOKEN, *said(7, "To the client")], [], "superseded"),
        ([sent("interruption", MINE)], [], "interrupted"),
        ([sent("agent_response_complete", MINE)], [], "silent"),
        ([], [], "ended"),
    ],
)
def test_the_response_is_the_answer_to_these_words(happened: Any, words: list[str], why: str) -> None:
    async def story() -> None:
        log, found = EventLog(), list[str]()
        log.add("from_client", "client", TYPED[1])  # before the question was put in
        log.add(*("internal", "crm"), result("user_message", ASKED)[1])
        for direction, event in happened:
            log.add(direction, "somebody", event)
        log.close("over", 1000)
        assert await _gather(log, 0, ASKED, True, found) == why and found == words

    run(story())


def test_who_has_the_agent_say_something_gets_those_words() -> None:
    async def story() -> None:
        log, found = EventLog(), list[str]()
        for direction, event in (result("agent_message", ASKED), *said(ASKED, "Good news")):
            log.add(direction, "crm", event)  # type: ignore[arg-type]
        await _gather(log, 0, ASKED, False, found)
        assert found == ["Good news"]

    run(story())
