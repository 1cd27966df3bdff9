"""The small machines by themselves: values in, values out."""

from __future__ import annotations

import pytest

from parola.conversation.actions import ForgetSpeech, Send
from parola.conversation.agent_turn import AgentTurn, Stage
from parola.conversation.deadlines import Deadlines
from parola.conversation.ending import failed
from parola.conversation.events import ListeningFailed, SpeechStarted, SpeechStopped, ToolCalled, TranscriptUpdated
from parola.conversation.hearing import MOST_FAILURES, Hearing
from parola.conversation.outgoing import Outgoing
from parola.conversation.reply import Playback, Reply, Sentence, broken_off
from parola.conversation.setup import Setup
from parola.conversation.tool_rounds import Tools
from parola.conversation.transcript import AgentEntry, AgentRef, Transcript
from parola.conversation.turn_taking import PATIENCE, Floor, UserTurn
from parola.conversation.variables import Variables
from parola.protocol.server_messages import ClientEventFilter, Ping
from parola.providers.base import Alignment
from tests.story import client_tool, system_tool

EVERYTHING = ClientEventFilter(None, text_only=False)


def outgoing(transcript: Transcript | None = None) -> Outgoing:
    return Outgoing("conv_machines", EVERYTHING, transcript or Transcript(AgentRef("agent_machines"), 0.0))


# -- deadlines --------------------------------------------------------------------------------------------------------


def test_deadlines_come_in_their_order_and_once():
    deadlines = Deadlines()
    deadlines.set("ping", 3.0)
    deadlines.set("tool", 1.0)
    deadlines.set("llm", 2.0)
    deadlines.set("llm", 5.0)
    assert deadlines.next == 1.0
    assert deadlines.pop_due(0.9) is None
    assert [deadlines.pop_due(4.0) for _ in range(3)] == ["tool", "ping", None]
    assert "llm" in deadlines and deadlines.next == 5.0


def test_deadlines_can_be_cleared_all_but_a_few():
    deadlines = Deadlines()
    for name in ("ping", "tool", "llm"):
        deadlines.set(name, 1.0)
    deadlines.clear("tool", "silence")
    deadlines.keep("ping")
    assert "ping" in deadlines and "llm" not in deadlines and "tool" not in deadlines
    deadlines.keep()
    assert deadlines.next is None


# -- the floor --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("floor", "to_text", "to_speech", "keeps"),
    [
        (Floor(), False, False, False),
        (Floor(is_busy=True), True, True, False),
        (Floor(is_busy=True, was_sent=True), True, True, False),
        (Floor(is_busy=True, is_protected=True), False, False, True),
        (Floor(is_busy=True, client_can_be_cut=False), True, True, False),
        (Floor(is_busy=True, was_sent=True, client_can_be_cut=False), True, False, True),
    ],
)
def test_who_the_agent_yields_the_floor_to(floor: Floor, to_text: bool, to_speech: bool, keeps: bool):
    assert (floor.yields_to_text, floor.yields_to_speech, floor.keeps_from_speech) == (to_text, to_speech, keeps)


def test_a_user_turn_ends_when_silence_and_typing_are_over():
    turn = UserTurn(PATIENCE["normal"])
    assert turn.ends_at is None and not turn.has_begun
    turn.speech_started(1.0)
    assert turn.ends_at is None and not turn.has_spoken_for(0.8, 1.75) and turn.has_spoken_for(0.75, 1.75)
    turn.speech_stopped(2.0)
    assert (
        turn.ends_at == 2.5
        and turn.has_spoken_for(1.0, 9.0)
        and not turn.has_spoken_for(1.1, 9.0)
        and not turn.is_waiting_to_be_taken
    )
    assert turn.transcribed(" Hello ", 2.2) and turn.text == "Hello" and turn.is_waiting_to_be_taken
    turn.held_until = 4.0
    assert turn.ends_at == 4.0
    turn.clear()
    assert turn == UserTurn(PATIENCE["normal"])


# -- hearing ----------------------------------------------------------------------------------------------------------


def hearing() -> tuple[Hearing, Deadlines, Outgoing]:
    deadlines, out = Deadlines(), outgoing()
    setup = Setup(conversation_id="conv_1", agent_id="agent_1")
    return Hearing(setup, out, Transcript(AgentRef("agent_1"), 0.0), deadlines), deadlines, out


def test_hearing_waits_for_the_barge_in_then_the_silence_then_the_words():
    ear, deadlines, out = hearing()
    ear.speech_started(SpeechStarted(1.0))
    assert deadlines.next == 1.2 and not ear.is_over(1.1)
    assert ear.speech_stopped(SpeechStopped(2.0), 2.0), "nobody has looked at it yet"
    assert deadlines.next == 2.5
    assert not ear.is_over(2.5) and "transcript" in deadlines
    assert ear.transcribed(TranscriptUpdated("Hello"), 2.6) and ear.is_over(2.6)
    taken = ear.take(2.6)
    assert taken is not None and taken.text == "Hello" and out.take() == [ForgetSpeech()] and deadlines.next is None
    assert not ear.transcribed(TranscriptUpdated("Hello again"), 2.7)


def test_hearing_is_deaf_after_failures_in_a_row():
    ear, _, _ = hearing()
    ear.speech_started(SpeechStarted(1.0))
    failures = [ear.failed(ListeningFailed("no")) for _ in range(MOST_FAILURES - 1)]
    ear.transcribed(TranscriptUpdated("Hello"), 1.5)
    failures += [ear.failed(ListeningFailed("no")) for _ in range(MOST_FAILURES)]
    assert failures == [False] * (2 * MOST_FAILURES - 2) + [True]


# -- what was heard ---------------------------------------------------------------------------------------------------


def test_playback_has_no_gaps_and_waits_for_late_audio():
    playback = Playback(client_can_be_cut=True)
    assert [playback.queue(0.0, 1.0), playback.queue(0.0, 1.0), playback.queue(5.0, 1.0)] == [0.0, 1.0, 5.0]
    assert playback.ends_at == 6.0
    assert playback.cut(5.25) == 5.25 and playback.ends_at == 5.25


def test_a_client_that_cannot_be_cut_plays_to_the_end():
    playback = Playback(client_can_be_cut=False)
    playback.queue(0.0, 4.0)
    assert playback.cut(1.0) == 4.0 and playback.ends_at == 4.0


def test_a_sentence_without_alignment_is_spoken_evenly_and_heard_in_whole_words():
    sentence = Sentence("one two three four", is_complete=True)
    sentence.play(10.0, 4.0, None)
    heard = {at: sentence.text[: sentence.heard_characters(at)].strip() for at in (9.0, 10.5, 11.7, 12.0, 13.9, 14.0)}
    assert heard == {9.0: "", 10.5: "", 11.7: "one two", 12.0: "one two", 13.9: "one two three", 14.0: sentence.text}


def test_the_length_of_a_sentence_still_being_spoken_is_guessed():
    sentence = Sentence("a" * 14 + " " + "b" * 15)
    sentence.play(0.0, 0.5, None)
    assert sentence.heard_characters(0.5) == 0, "half a second is no fifteen letters"
    sentence.play(0.5, 0.5, None)
    assert sentence.heard_characters(1.0) == 15


def test_alignment_is_believed_before_arithmetic():
    sentence = Sentence(" hi you", is_complete=True)
    sentence.play(0.0, 2.0, Alignment(tuple("hi you"), (0.0, 0.1, 0.2, 1.5, 1.6, 1.7), (0.1,) * 6))
    assert [sentence.heard_characters(at) for at in (0.15, 1.0, 1.55, 1.75)] == [3, 4, 4, 7]


def test_a_gap_in_the_audio_is_not_speech():
    sentence = Sentence("one two three four", is_complete=True)
    sentence.play(0.0, 2.0, None)
    sentence.play(10.0, 2.0, None)
    assert sentence.heard_characters(9.9) == sentence.heard_characters(2.0)


@pytest.mark.parametrize(
    ("heard", "written"),
    [("", ""), ("soup, fish,", "soup, fish..."), ("Once.", "Once..."), ("Really?", "Really?..."), (" - ", "")],
)
def test_how_a_text_that_breaks_off_is_written(heard: str, written: str):
    assert broken_off(heard) == written


def test_what_was_written_in_a_chat_was_read():
    assert Reply(1, 0, 0.0, is_spoken=False, text="Hello ").heard(0.0) == "Hello"


# -- the agent's turn -------------------------------------------------------------------------------------------------


def test_a_turn_can_go_on_under_its_id_only_while_nobody_drew_another():
    transcript = Transcript(AgentRef("agent_machines"), 0.0)
    out = outgoing(transcript)
    stage = Stage(out, transcript, Playback(True), text_only=False, streams_parts=False)
    turn = AgentTurn(stage)
    assert turn.event_id == 1 and turn.can_go_on
    turn.cut(0.0, is_interruption=True)
    assert not turn.can_go_on and out.take() == [], "nothing had been sent"
    other = AgentTurn(stage)
    out.next_event_id()
    assert not other.can_go_on


# -- tools ------------------------------------------------------------------------------------------------------------


def tools() -> tuple[Tools, Transcript, Deadlines]:
    transcript, deadlines = Transcript(AgentRef("agent_machines"), 0.0), Deadlines()
    transcript.add(AgentEntry("", 1, 0.0))
    known = {tool.name: tool for tool in (client_tool("look_up", timeout=5), system_tool("end_call"))}
    setup = Setup("conv_machines", "agent_machines", tools=known)
    variables = Variables(setup, transcript, 0.0)
    return Tools(setup, outgoing(transcript), transcript, deadlines, variables), transcript, deadlines


def test_wishes_become_calls_when_they_run():
    machine, transcript, deadlines = tools()
    assert machine.run(0.0, 0) is None
    machine.wanted(ToolCalled(1, "look_up", {}), 0, 1, 0.0)
    assert transcript.agent_entry(0).calls == [] and not machine.is_running
    machine.run(1.0, 0)
    assert len(transcript.agent_entry(0).calls) == 1 and machine.is_running and deadlines.next == 6.0
    assert machine.run(1.0, 0) is None, "a round runs once"
    machine.time_out(6.0)
    assert not machine.is_running and deadlines.next is None
    assert machine.finish() is not None and machine.round is None


def test_wishes_that_never_ran_are_abandoned_without_a_trace():
    machine, transcript, _ = tools()
    machine.wanted(ToolCalled(1, "look_up", {}), 0, 1, 0.0)
    machine.abandon_wishes()
    assert machine.round is None and transcript.agent_entry(0).calls == []


def test_a_refused_round_ends_no_call():
    machine, transcript, _ = tools()
    machine.wanted(ToolCalled(1, "end_call", {"message": "Bye"}), 0, 1, 0.0)
    round_ = machine.run(0.0, 10)
    assert round_ is not None and round_.is_refused and round_.ending_call is None and round_.then is None
    assert [call.error_type for call in transcript.agent_entry(0).calls] == ["not_called"]


# -- going out --------------------------------------------------------------------------------------------------------


def test_call_ids_look_random_and_are_the_same_every_time():
    one, two = outgoing(), outgoing()
    assert one.next_call_id("a") == two.next_call_id("a") != one.next_call_id("a")


def test_nothing_is_sent_to_a_client_that_has_gone():
    out = outgoing()
    out.send(Ping(event_id=1))
    out.is_hushed = True
    out.send(Ping(event_id=2))
    assert out.take() == [Send(Ping(event_id=1))] and out.take() == []


def test_a_failure_says_the_same_to_everybody():
    how = failed(1008, "value_error", "It makes no sense.")
    assert how.error is not None and how.error.code == how.close.code == 1008
    assert how.close.reason == how.close.termination_reason == how.error.message == "It makes no sense."
    assert how.close.status == "failed" and how.close.error == {"code": 1008, "reason": "It makes no sense."}


def test_what_a_provider_says_is_for_the_record():
    how = failed(1002, "llm_error", "http://models.internal answered 401.")
    assert how.error is not None and how.error.message == how.close.reason == "The language model failed."
    assert how.close.termination_reason == "http://models.internal answered 401."
