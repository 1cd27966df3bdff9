"""The agent, or somebody outside, asks for a person: who waits, what the user hears, how it ends."""

from __future__ import annotations

from typing import Any

import pytest

from parola.conversation.actions import Acknowledge, NoteHumanWait, NoteHumanWaitOver
from parola.conversation.commands import (
    AskForHuman,
    BeginTakeover,
    Command,
    Commanded,
    EndCall,
    EndTakeover,
    StopAskingForHuman,
)
from parola.protocol.client_messages import UserMessage
from parola.protocol.server_messages import AgentResponse, AgentToolResponse, ExternalAgentConnected
from tests.conversation.relays import built_in, results
from tests.story import Story

TOOL = "x_transfer_to_human"
PATIENT: dict[str, Any] = {"turn_timeout_seconds": -1.0}


class Desk(Story):
    """A story in which a person can be asked for."""

    number = 0

    def __init__(self, params: dict[str, Any] | None = None, **setup: Any) -> None:
        super().__init__(tools=[built_in(TOOL, **(params or {}))], **{**PATIENT, **setup})
        self.connects()

    def commands(self, command: Command, by: str = "Ann") -> Desk:
        self.number += 1
        self.tell(Commanded(self.number, command, by))
        return self

    @property
    def answer(self) -> Acknowledge:
        return next(a for a in self.actions if isinstance(a, Acknowledge) and a.number == self.number)

    @property
    def waits(self) -> list[NoteHumanWait | NoteHumanWaitOver]:
        return [a for a in self.actions if isinstance(a, NoteHumanWait | NoteHumanWaitOver)]

    def agent_wants_somebody(self, message: str = "I am calling somebody.") -> Desk:
        self.asks("I want to talk to a person")
        arguments = {"reason": "wants a refund", **({"message_to_user": message} if message else {})}
        self.agent_calls((TOOL, arguments))
        if self.replies[-1].verbatim:
            self.agent_says(seconds=1)
            self.wait(1)
        return self

    @property
    def thoughts(self) -> int:
        return sum(reply.request is not None for reply in self.replies)

    @property
    def notes(self) -> str:
        """What the model reads of the conversation itself."""
        return " ".join(str(m["content"]) for m in self.messages if m["role"] == "system")


def test_the_agent_asks_for_a_person_says_so_and_leaves_the_floor_to_the_user():
    desk = Desk().agent_wants_somebody()
    assert desk.waits == [NoteHumanWait("wants a refund", "agent", 120.0)]
    assert desk.sent_of(AgentResponse) == [AgentResponse(agent_response="I am calling somebody.", event_id=2)]
    assert desk.phase == "listening" and desk.thoughts == 1
    told = desk.sent_of(AgentToolResponse)
    assert [(m.tool_name, m.is_error) for m in told] == [(TOOL, False)]  # type: ignore[attr-defined]
    assert results(desk)[0]["result"] is None and "waited for up to 120 s" in results(desk)[0]["result_value"]


def test_without_words_of_its_own_the_waiting_message_is_said_or_the_agent_goes_on_itself():
    desk = Desk({"waiting_message": "One moment."}).agent_wants_somebody("")
    assert desk.told[-1] == ("agent", "One moment.") and desk.thoughts == 1
    desk = Desk().agent_wants_somebody("")
    assert desk.phase == "thinking" and desk.thoughts == 2 and "until somebody comes" in str(desk.messages).lower()


def test_meanwhile_the_agent_goes_on_answering_and_knows_that_nobody_has_come_yet():
    desk = Desk().agent_wants_somebody()
    desk.wait(8).asks("How long will it take?")
    desk.agent_calls((TOOL, {"reason": "again"}))
    assert len(desk.waits) == 1 and "nobody has come yet" in desk.tool_results[TOOL]
    assert desk.phase == "thinking", "it has said nothing yet"


def test_a_takeover_answers_it_and_the_agent_does_not_hear_that_nobody_came():
    desk = Desk().agent_wants_somebody()
    desk.wait(9).commands(BeginTakeover("Ann"))
    over = desk.waits[-1]
    assert isinstance(over, NoteHumanWaitOver) and (over.outcome, over.operator) == ("answered", "Ann")
    assert desk.latest == [ExternalAgentConnected()]
    desk.commands(EndTakeover()).wait(200)
    assert desk.thoughts == 1 and len(desk.waits) == 2, "what a person has answered waits no more"


def test_of_two_who_take_it_at_once_one_wins_and_the_other_is_told_who():
    desk = Desk().agent_wants_somebody()
    desk.commands(BeginTakeover("Ann")).commands(BeginTakeover("Bob"), by="Bob")
    assert (desk.answer.code, desk.answer.problem) == ("taken_over", "Ann has taken over already.")
    assert [w.operator for w in desk.waits if isinstance(w, NoteHumanWaitOver)] == ["Ann"]


def test_when_nobody_comes_in_time_the_agent_is_told_and_speaks():
    desk = Desk({"wait_timeout_secs": 20}).agent_wants_somebody()
    desk.wait(18.9)
    assert desk.phase == "listening" and len(desk.waits) == 1
    desk.wait(0.2)
    assert desk.phase == "thinking" and "No person has come within 20 s" in desk.notes
    assert desk.waits[-1] == NoteHumanWaitOver("timed_out", 20.0)


def test_the_user_is_told_again_that_they_wait_and_is_not_hung_up_on_for_being_silent():
    params = {"wait_timeout_secs": 60, "waiting_message": "Still calling.", "waiting_message_interval_secs": 10}
    desk = Desk(params, silence_end_call_seconds=15.0).agent_wants_somebody()
    desk.wait(9).agent_says(seconds=1).wait(10)
    assert [m for _, m in desk.told].count("Still calling.") == 1
    assert desk.record[-1]["x_injected_by"] == {"type": "waiting_message", "by": "agent"}
    desk.agent_says(seconds=1).wait(5)
    assert desk.close is None, "silent for longer than the 15 s"
    desk.commands(StopAskingForHuman()).wait(14.9)
    assert desk.close is None
    desk.wait(0.2)
    assert desk.close is not None and desk.close.cause == "silence", "the clock begins anew"


def test_an_agent_that_is_to_be_silent_is_and_answers_when_nobody_came():
    desk = Desk({"agent_while_waiting": "silent", "wait_timeout_secs": 30}).agent_wants_somebody()
    desk.asks("Are you still there?")
    assert desk.phase == "listening" and desk.thoughts == 1
    desk.tell(UserMessage(text="Hello?"))
    assert desk.thoughts == 1
    desk.wait(30)
    assert desk.thoughts == 2 and desk.asked_llm_with("I want to talk to a person", "Are you still there?", "Hello?")


@pytest.mark.parametrize("silent", ["silent", None])
def test_somebody_outside_asks_for_a_person(silent: Any):
    desk = Desk()
    desk.commands(AskForHuman("angry", "Somebody is coming.", 40.0, silent), by="crm")
    assert desk.waits == [NoteHumanWait("angry", "crm", 40.0, agent_is_silent=bool(silent))]
    assert not desk.answer.code and desk.answer.event_id == 1
    desk.agent_says(seconds=1).wait(1)
    assert desk.told == [("agent", "Somebody is coming.")]
    desk.commands(AskForHuman("angrier")).asks("Good.")
    assert len(desk.waits) == 1 and desk.thoughts == (0 if silent else 1)
    desk.commands(StopAskingForHuman())
    assert desk.waits[-1] == NoteHumanWaitOver("withdrawn", desk.now - 100.0)
    assert desk.thoughts == 1 and (silent is None or "Go on yourself" in desk.notes)


def test_what_does_not_hold():
    desk = Desk().commands(StopAskingForHuman())
    assert desk.answer.code == "not_waiting_for_human"
    desk.commands(BeginTakeover("Ann")).commands(AskForHuman("x"), by="Bob")
    assert (desk.answer.code, desk.answer.problem) == ("taken_over", "Ann has the conversation already.")
    assert desk.waits == []


def test_a_call_that_ends_waits_no_more():
    desk = Desk().agent_wants_somebody()
    desk.wait(5).hangs_up()
    over = desk.waits[-1]
    assert isinstance(over, NoteHumanWaitOver) and over.outcome == "abandoned"
    desk = Desk().agent_wants_somebody().commands(EndCall(farewell="Goodbye."))
    assert desk.phase == "ending" and isinstance(desk.waits[-1], NoteHumanWaitOver), "nobody could take it over now"


def test_settings_that_do_not_fit_are_told_and_the_defaults_count():
    from parola.conversation.toolbox import tools_of
    from parola.protocol.agents import ConversationalConfig

    warnings: list[str] = []
    broken = {"type": "system", "name": TOOL, "params": {"wait_timeout_secs": 1}}
    config = ConversationalConfig.model_validate({"agent": {"prompt": {"tools": [broken]}}})
    assert TOOL in tools_of(config, {}, warnings)
    assert "params.wait_timeout_secs" in warnings[0] and "It waits as if nothing were set." in warnings[0]
