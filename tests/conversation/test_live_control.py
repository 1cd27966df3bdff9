"""Commands from outside: a person takes over, somebody has something said, ends it, answers a tool."""

from __future__ import annotations

from typing import Any

import pytest

from parola.conversation.actions import (
    Acknowledge,
    NoteOperator,
    RunTool,
    Show,
    StartReply,
    StopReply,
    TransferToNumber,
)
from parola.conversation.commands import (
    AddContext,
    AnswerTool,
    BeginTakeover,
    CallNumber,
    Command,
    Commanded,
    EndCall,
    EndTakeover,
    OperatorCame,
    OperatorLeft,
    OperatorSaid,
    OperatorSpoke,
    Say,
    SetVariables,
    ShowTyping,
    UserSays,
)
from parola.conversation.events import ToolFinished
from parola.conversation.live_control import MOST_WAITING
from parola.conversation.takeover import GRACE_SECONDS, LONGEST_SECONDS
from parola.protocol.client_messages import ClientToolResult, UserMessage
from parola.protocol.server_messages import (
    AgentResponse,
    AgentResponseComplete,
    AgentResponseCorrection,
    AgentTyping,
    Audio,
    ExternalAgentConnected,
    ExternalAgentDisconnected,
    Interruption,
    UserTranscript,
)
from tests.conversation.relays import built_in
from tests.story import Story, client_tool, server_tool


class Controlled(Story):
    """A story with somebody who commands."""

    number = 0

    def commands(self, command: Command, by: str = "Ann") -> Controlled:
        self.number += 1
        self.tell(Commanded(self.number, command, by))
        return self

    @property
    def answer(self) -> Acknowledge:
        """To the last command."""
        return next(a for a in self.actions if isinstance(a, Acknowledge) and a.number == self.number)

    def takes_over(self) -> Controlled:
        return self.commands(BeginTakeover("Ann"))

    @property
    def thoughts(self) -> int:
        """How often the model was asked."""
        return sum(isinstance(a, StartReply) and a.request is not None for a in self.actions)


def began(**setup: Any) -> Controlled:
    story = Controlled(**setup)
    story.connects()
    return story


# -- takeover ---------------------------------------------------------------------------------------------------------


def test_a_person_takes_over_and_the_agent_stops_in_the_middle_of_a_word():
    story = began()
    story.asks("Read me the menu").agent_says("soup, fish, bread, cake", seconds=4)
    story.wait(2)
    story.takes_over()
    assert story.phase == "handed-over" and not story.answer.code
    assert [type(m) for m in story.latest] == [Interruption, AgentResponseCorrection, ExternalAgentConnected]


def test_what_the_user_says_meanwhile_is_kept_and_told_and_not_answered():
    story = began()
    story.takes_over()
    story.asks("Is anybody there?")
    assert story.latest == [UserTranscript(user_transcript="Is anybody there?", event_id=1)]
    assert story.told == [("user", "Is anybody there?")] and story.thoughts == 0


def test_what_the_person_writes_is_spoken_in_the_agents_voice_and_recorded_as_theirs():
    story = began()
    story.takes_over().commands(Say("Ann here, hello.", is_human=True, role_label="support"))
    assert story.replies[-1].verbatim == "Ann here, hello." and story.answer.event_id == 1
    story.agent_says(seconds=2)
    assert story.sent_of(AgentResponse) == [AgentResponse(agent_response="Ann here, hello.", event_id=1)]
    assert AgentResponseComplete(event_id=1) in story.latest
    turn = story.record[-1]
    assert (turn["role"], turn["message"], turn["source_medium"]) == ("agent", "Ann here, hello.", "text")
    assert turn["x_injected_by"] == {"type": "human_message", "by": "Ann", "role_label": "support"}
    story.wait(2)
    assert story.phase == "handed-over"


def test_the_person_is_interrupted_like_the_agent():
    story = began()
    story.takes_over().commands(Say("First this, then that, then more.", is_human=True))
    story.agent_says(seconds=4)
    story.wait(1)
    story.caller_speaks()
    assert isinstance(story.latest[0], Interruption) and story.phase == "handed-over"
    assert story.record[-1]["interrupted"] and story.record[-1]["x_injected_by"]["by"] == "Ann"


def test_afterwards_the_agent_goes_on_with_all_that_was_said():
    story = began()
    story.takes_over()
    story.asks("My order is late.")
    story.commands(Say("It comes on Friday.", is_human=True)).agent_says()
    story.wait(1)
    story.commands(EndTakeover())
    assert story.latest == [ExternalAgentDisconnected()] and story.thoughts == 0, "the person has answered"
    story.asks("And when on Friday?")
    asked = [(m["role"], m["content"]) for m in story.messages]
    assert [content for role, content in asked if role != "system"] == [
        "My order is late.",
        "It comes on Friday.",
        "And when on Friday?",
    ]
    assert [role for role, _ in asked] == ["system", "user", "assistant", "system", "user"]


def test_what_nobody_has_answered_the_agent_answers_when_it_is_back():
    story = began()
    story.takes_over()
    story.asks("Hello?")
    story.commands(EndTakeover())
    assert story.phase == "thinking" and story.asked_llm_with("Hello?")


def test_tools_that_run_are_finished_and_their_results_wait_for_the_agent():
    story = began(tools=[server_tool("fetch")])
    story.asks("Fetch it").agent_calls("fetch", saying="One moment.")
    story.takes_over()
    assert story.phase == "handed-over" and len(story.runs) == 1
    story.tool_finishes("fetch", "forty-two")
    assert story.thoughts == 1 and story.record[-1]["tool_results"][0]["result_value"] == "forty-two"
    story.commands(Say("I have it here.", is_human=True)).agent_says()
    story.wait(1)
    story.commands(EndTakeover())
    story.asks("So?")
    assert "forty-two" in str(story.messages)


def test_silence_ends_nothing_and_nobody_speaks_up_while_a_person_is_there():
    story = began(turn_timeout_seconds=3, silence_end_call_seconds=10, max_duration_seconds=60)
    story.takes_over()
    story.wait(600)
    assert story.close is None and story.replies == []
    story.commands(EndTakeover()).wait(3.5)
    assert story.thoughts == 1, "the clocks run again"


def test_the_time_of_the_person_does_not_count_for_the_longest_call():
    story = began(max_duration_seconds=60, turn_timeout_seconds=-1)
    story.wait(50)
    story.takes_over().wait(600)
    story.commands(EndTakeover()).wait(9)
    assert story.close is None
    story.wait(2)
    assert story.close is not None and story.close.reason == "Maximum duration reached"


def test_a_takeover_that_somebody_forgot_ends():
    story = began(max_duration_seconds=60)
    story.takes_over().wait(LONGEST_SECONDS + 61)
    assert story.close is not None


def test_nobody_speaks_for_a_person_who_has_not_taken_over():
    story = began()
    for command in (Say("Hello", is_human=True), ShowTyping(True), EndTakeover()):
        story.commands(command)
        assert story.answer.code == "takeover_is_off"


def test_typing_is_passed_on():
    story = began()
    story.takes_over().commands(ShowTyping(True, 3000))
    assert story.latest == [AgentTyping(is_typing=True, duration_ms=3000)]


def test_two_people_do_not_take_over_at_once():
    story = began()
    story.takes_over().takes_over()
    assert not story.answer.code, "the same person may ask again"
    story.commands(BeginTakeover("Bob"), "Bob")
    assert story.answer.code == "taken_over" and "Ann" in story.answer.problem


def test_the_persons_own_voice_goes_out_as_audio_with_ids_of_its_own():
    story = began()
    story.tell(OperatorSpoke(b"\0\0", 0.2, "Ann"))
    assert story.sent_of(Audio) == [], "nobody has taken over"
    story.takes_over()
    story.tell(OperatorSpoke(b"\0\0", 0.2, "Ann"), OperatorSpoke(b"\1\0", 0.2, "Ann"))
    story.asks("Who is that?")
    story.tell(OperatorSpoke(b"\2\0", 0.2, "Ann"))
    assert [a.event_id for a in story.sent_of(Audio)] == [1, 1, 3]  # type: ignore[attr-defined]
    story.tell(OperatorSaid("I am Ann.", "Ann"))
    assert story.latest == [AgentResponse(agent_response="I am Ann.", event_id=3)]
    assert story.record[-1]["x_injected_by"] == {"type": "human_speech", "by": "Ann"}
    assert story.record[-1]["source_medium"] == "audio"
    story.commands(EndTakeover())
    assert story.thoughts == 0, "the person has answered"


def test_what_the_person_said_stands_in_the_record_where_they_began_to_say_it():
    story = began()
    story.takes_over()
    began_at = story.now
    story.wait(3.5)
    story.tell(OperatorSaid("I am Ann.", "Ann", began_at))
    turn = story.record[-1]
    assert turn["x_at_secs"] == pytest.approx(began_at - 100.0, abs=0.001), "the story begins at 100"
    assert turn["time_in_call_secs"] == int(began_at - 100.0)
    story.tell(OperatorSaid("And I go on.", "Ann"))
    assert story.record[-1]["x_at_secs"] - turn["x_at_secs"] == pytest.approx(3.5), "unknown: it has just been said"


def test_the_persons_last_words_are_kept_though_they_are_known_only_when_the_agent_is_back():
    story = began()
    story.takes_over()
    story.tell(OperatorSpoke(b"\0\0", 0.2, "Ann")).commands(EndTakeover())
    story.tell(OperatorSaid("I give you back.", "Ann"))
    assert story.latest == [AgentResponse(agent_response="I give you back.", event_id=1)]
    assert story.record[-1]["x_injected_by"] == {"type": "human_speech", "by": "Ann"}
    story.tell(OperatorSaid("Nobody heard this.", "Ann"))
    assert story.record[-1]["message"] == "I give you back.", "only what the caller has heard is written"


# -- several people ---------------------------------------------------------------------------------------------------


def test_only_who_has_taken_over_is_heard_and_words_are_whose_voice_it_was():
    story = began()
    story.takes_over()
    story.tell(OperatorSpoke(b"\0\0", 0.2, "Bob"), OperatorSaid("I am Bob.", "Bob"))
    assert story.sent_of(Audio) == [] and story.record == [], "nothing of Bob reaches the caller, or the record"
    story.tell(OperatorSpoke(b"\0\0", 0.2, "Ann")).commands(EndTakeover())
    story.commands(BeginTakeover(), "Bob")
    story.tell(OperatorSpoke(b"\0\0", 0.2, "Bob"), OperatorSaid("Ann says goodbye.", "Ann"))
    story.tell(OperatorSaid("Bob says hello.", "Bob"))
    assert [(turn["message"], turn["x_injected_by"]["by"]) for turn in story.record] == [
        ("Ann says goodbye.", "Ann"),
        ("Bob says hello.", "Bob"),
    ]


@pytest.mark.parametrize("command", [EndTakeover(), Say("I say so.", is_human=True), ShowTyping(True)])
def test_nobody_acts_for_the_person_who_has_taken_over(command: Command):
    story = began()
    story.takes_over().commands(command, "Bob")
    assert story.answer.code == "taken_over" and story.answer.problem == (
        "Ann has taken over: Bob cannot act for them."
    )
    assert story.phase == "handed-over" and story.replies == []


def test_a_takeover_is_ended_by_force_and_it_is_known_whose_it_was():
    story = began()
    story.commands(EndTakeover(is_forced=True), "Bob")
    assert story.answer.code == "takeover_is_off"
    story.takes_over().commands(EndTakeover(is_forced=True), "Bob")
    assert not story.answer.code and story.answer.forced_from == "Ann" and story.phase == "listening"
    story.takes_over().commands(EndTakeover(is_forced=True))
    assert not story.answer.code and story.answer.forced_from == "", "it was hers"


def test_a_backend_takes_over_for_somebody_and_both_may_act():
    story = began()
    story.commands(BeginTakeover("Ann"), "crm")
    story.commands(ShowTyping(True), "crm").commands(ShowTyping(True), "Ann")
    assert not story.answer.code
    story.tell(OperatorSpoke(b"\0\0", 0.2, "crm"), OperatorSaid("Hello.", "crm"))
    assert story.record[-1]["x_injected_by"]["by"] == "Ann"
    story.commands(EndTakeover("Bob"), "crm")
    assert story.answer.code == "taken_over", "said for Bob, who has not taken over"
    story.commands(Say("Hi.", is_human=True, operator="Bob"), "crm")
    assert story.answer.code == "taken_over"
    story.commands(EndTakeover(), "crm")
    assert not story.answer.code


def notes(story: Story) -> list[NoteOperator]:
    return [action for action in story.actions if isinstance(action, NoteOperator)]


def test_a_person_who_is_gone_loses_the_conversation_after_a_while_and_the_agent_answers():
    story = began()
    story.tell(OperatorCame("Ann")).takes_over()
    story.tell(OperatorLeft("Ann"))
    story.asks("Hello? Is somebody there?")
    story.wait(GRACE_SECONDS - 5)
    assert story.phase == "handed-over" and story.thoughts == 0
    story.wait(5)
    assert story.asked_llm_with("Hello? Is somebody there?")
    assert story.sent_of(ExternalAgentDisconnected) and "left without handing back" in str(story.messages)
    assert notes(story) == [NoteOperator("left", "Ann", GRACE_SECONDS), NoteOperator("lapsed", "Ann", GRACE_SECONDS)]
    story.commands(EndTakeover())
    assert story.answer.code == "takeover_is_off"


def test_a_person_who_comes_back_in_time_keeps_it():
    story = began()
    story.tell(OperatorCame("Ann")).takes_over()
    story.tell(OperatorLeft("Ann")).wait(20)
    story.tell(OperatorCame("Bob")).wait(5)
    story.tell(OperatorCame("Ann")).wait(600)
    assert story.phase == "handed-over" and notes(story)[-1] == NoteOperator("back", "Ann", 25.0)
    story.tell(OperatorLeft("Ann")).wait(GRACE_SECONDS - 1)
    story.commands(Say("My line is bad.", is_human=True)).agent_says(seconds=1)
    story.wait(GRACE_SECONDS - 2)
    assert story.phase == "handed-over", "who acts without a socket is not gone"
    story.wait(3)
    assert story.phase == "listening"


def test_a_takeover_without_a_socket_has_nobody_who_could_leave():
    story = began()
    story.tell(OperatorCame("Bob")).commands(BeginTakeover("Ann"), "crm")
    story.tell(OperatorLeft("Bob")).wait(600)
    assert story.phase == "handed-over" and notes(story) == []


def test_who_took_over_without_a_socket_keeps_it_when_one_of_their_name_comes_and_goes():
    story = began()
    story.commands(BeginTakeover("Ann"), "crm").wait(10)
    for name in ("Ann", "crm"):
        story.tell(OperatorCame(name)).commands(ShowTyping(True), name).tell(OperatorLeft(name)).wait(600)
    assert story.phase == "handed-over" and notes(story) == []
    story.commands(EndTakeover(), "crm")
    story.tell(OperatorCame("Ann")).takes_over().tell(OperatorLeft("Ann")).wait(GRACE_SECONDS)
    assert story.phase == "listening", "the next takeover is judged by itself"


def test_who_leaves_while_the_last_words_are_said_changes_nothing():
    story = began()
    story.tell(OperatorCame("Ann")).takes_over().commands(EndCall(farewell="Goodbye."))
    story.tell(OperatorLeft("Ann")).wait(600)
    assert story.close is not None and notes(story) == []


# -- in a chat --------------------------------------------------------------------------------------------------------


def test_in_a_chat_what_the_person_writes_is_there_at_once():
    story = began(text_only=True)
    story.takes_over().commands(Say("One.", is_human=True)).commands(Say("Two.", is_human=True))
    assert [m.agent_response for m in story.sent_of(AgentResponse)] == ["One.", "Two."]  # type: ignore[attr-defined]


# -- words ------------------------------------------------------------------------------------------------------------


def test_words_wait_until_the_agent_has_been_heard():
    story = began()
    story.asks("Hello").agent_says("Hi there.", seconds=2)
    story.commands(Say("Please hold the line."))
    assert story.answer.is_waiting and story.answer.event_id is None
    story.wait(2)
    assert story.replies[-1].verbatim == "Please hold the line."
    assert [a.event_id for a in story.step if isinstance(a, Acknowledge)] == [3]
    story.agent_says(seconds=1)
    assert story.record[-1]["x_injected_by"] == {"type": "agent_message", "by": "Ann"}


def test_words_may_cut_the_agent():
    story = began()
    story.asks("Hello").agent_says("Hi there, my friend.", seconds=3)
    story.wait(1)
    story.commands(Say("Stop, a correction.", interrupts=True))
    assert isinstance(story.latest[0], Interruption) and story.replies[-1].verbatim == "Stop, a correction."


def test_words_do_not_cut_the_user_and_come_before_the_answer():
    story = began()
    story.begins_to_speak()
    story.commands(Say("By the way."))
    assert story.answer.is_waiting
    story.wait(1)
    story.falls_silent("What is it?").wait(0.5)
    assert story.replies[-1].verbatim == "By the way."
    story.agent_says(seconds=1)
    story.wait(1)
    assert story.asked_llm_with("What is it?")


def test_words_cut_before_anybody_got_any_of_them_are_said_afterwards():
    story = began()
    story.commands(Say("Important."))
    story.types("Wait")
    story.agent_says(seconds=1)
    assert story.sent_of(AgentResponse) == [AgentResponse(agent_response="Important.", event_id=3)]


def test_a_message_for_the_user_is_answered_and_shown_to_the_client():
    story = began()
    story.commands(UserSays("Where is my parcel?", role_label="crm"))
    assert story.latest == [UserTranscript(user_transcript="Where is my parcel?", event_id=1)]
    assert story.answer.event_id == 1 and story.asked_llm_with("Where is my parcel?")
    assert story.record[-1]["x_injected_by"] == {"type": "user_message", "by": "Ann", "role_label": "crm"}
    assert story.record[-1]["source_medium"] == "text"


def test_a_message_for_the_user_need_not_interrupt():
    story = began()
    story.asks("Hello").agent_says("Hi there.", seconds=2)
    story.commands(UserSays("And goodbye", interrupts=False)).wait(1)
    assert story.told[-1] == ("agent", "Hi there.")
    story.wait(1)
    assert story.asked_llm_with("Hello", "And goodbye")


def test_only_so_many_words_wait():
    story = began()
    story.begins_to_speak()
    for _ in range(MOST_WAITING):
        story.commands(Say("More."))
        assert not story.answer.code
    story.commands(Say("More."))
    assert story.answer.code == "too_many_waiting"


def test_context_is_kept_with_who_gave_it():
    story = began()
    story.commands(AddContext("The user is on page 3.", "page"))
    assert story.record[-1]["x_injected_by"] == {"type": "contextual_update", "by": "Ann"}
    story.asks("Where am I?")
    assert "page 3" in str(story.messages)


# -- the rest ---------------------------------------------------------------------------------------------------------


def test_the_call_ends_when_the_farewell_has_been_heard():
    story = began()
    story.asks("Hello").agent_says("Hi there, my friend.", seconds=3)
    story.commands(EndCall("closing time", "We are closing. Goodbye."))
    assert story.phase == "ending" and story.replies[-1].verbatim == "We are closing. Goodbye."
    story.agent_says(seconds=2)
    assert story.close is None
    story.wait(2)
    assert story.close is not None and story.close.termination_reason == "closing time"
    assert story.record[-1]["x_injected_by"] == {"type": "end", "by": "Ann"}


def test_without_a_farewell_what_is_being_said_is_heard_to_its_end():
    story = began()
    story.asks("Hello").agent_says("Hi there, my friend.", seconds=3)
    story.commands(EndCall("enough")).wait(2.9)
    assert story.close is None
    story.commands(Say("One more thing"))
    assert story.answer.code == "conversation_is_ending"
    story.wait(0.2)
    assert story.close is not None and story.close.code == 1000


@pytest.mark.parametrize("command", [EndCall("now", is_immediate=True), EndCall("now")])
def test_a_silent_call_ends_at_once(command: EndCall):
    story = began()
    story.commands(command)
    assert story.close is not None and story.close.termination_reason == "now"


def test_variables_hold_from_the_next_step_and_those_of_the_system_cannot_be_set():
    story = began(prompt="Your customer is {{name}}.", variables={"name": "nobody"})
    story.commands(SetVariables({"name": "Zoe"}))
    story.asks("Hello")
    request = story.replies[-1].request
    assert request is not None and request.messages[0]["content"] == "Your customer is Zoe."
    story.commands(SetVariables({"name": "Eve", "system__time": "noon"}))
    assert story.answer.code == "reserved_variable" and "system__time" in story.answer.problem


def test_whoever_answers_a_client_tool_first_counts():
    story = began(tools=[client_tool("look_up")])
    story.asks("Look it up").agent_calls("look_up")
    result = ClientToolResult(tool_call_id=story.call_id("look_up"), result="from the backend")
    story.commands(AnswerTool(result), "backend")
    assert not story.answer.code and story.tool_results == {"look_up": "from the backend"}
    story.client_answers("look_up", "from the client")
    assert story.step[0] == Show(
        {
            "type": "x_tool_result_ignored",
            "x_tool_result_ignored_event": {"tool_call_id": result.tool_call_id, "by": "client"},
        }
    )
    story.commands(AnswerTool(result), "backend")
    assert story.answer.code == "tool_call_not_pending"
    ignored = [action.event for action in story.step if isinstance(action, Show)]
    assert [event["x_tool_result_ignored_event"]["by"] for event in ignored] == ["backend"]


def test_what_is_no_telephone_call_is_not_transferred_and_goes_on():
    tool = built_in("transfer_to_number", transfers=[{"phone_number": "+1555", "condition": "always"}])
    story = began(tools=[tool])
    story.commands(CallNumber("+1555"), "Zed")
    assert (story.answer.code, story.step) == ("not_a_telephone_call", [story.answer])


def test_a_call_goes_to_a_number_that_the_agent_may_call():
    tool = built_in("transfer_to_number", transfers=[{"phone_number": "+1555", "condition": "always"}])
    story = began(tools=[tool], has_telephone=True)
    story.commands(CallNumber("+1666"))
    assert story.answer.code == "not_configured" and "+1555" in story.answer.problem
    story.commands(CallNumber("+1555", agent_message="A caller for you"))
    asked = next(a for a in story.actions if isinstance(a, TransferToNumber))
    assert (asked.number, asked.agent_message) == ("+1555", "A caller for you") and story.phase == "waiting"
    story.tell(ToolFinished(asked.call_id, "Connected."))
    assert story.phase == "thinking" and story.record[-1]["tool_calls"][0]["tool_name"] == "transfer_to_number"


def test_an_agent_without_numbers_transfers_to_none():
    story = began()
    story.commands(CallNumber("+1555"))
    assert story.answer.code == "not_configured" and "transfer_to_number" in story.answer.problem


def test_those_who_watch_see_what_the_client_did_not_ask_for():
    story = began(client_events=["audio"])
    story.asks("Hello").agent_says("Hi.")
    shown = [a.event["type"] for a in story.actions if isinstance(a, Show)]
    assert "user_transcript" in shown and "agent_response" in shown and "agent_response_complete" in shown


def test_a_reply_that_was_being_made_is_stopped():
    story = began()
    story.asks("Hello")
    story.takes_over()
    assert StopReply(1) in story.step and not any(isinstance(a, RunTool) for a in story.step)
    story.tell(UserMessage(text="Are you there?"))
    assert story.thoughts == 1
