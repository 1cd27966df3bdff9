"""What goes onto a tape comes back as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from parola import __version__
from parola.conversation import commands, events
from parola.conversation.events import Attachment, Event
from parola.conversation.guardrails import Guardrail, Trigger
from parola.conversation.mcp_tools import ListedTool
from parola.conversation.setup import ModelChoice
from parola.protocol import client_messages as client
from parola.providers.base import Alignment
from parola.session import tape
from parola.session.tape import EVENTS, Step, TapedConversation, taped
from tests.story import Story, client_tool, server_tool

ALIGNMENT = Alignment(("H", "i"), (0.0, 0.1), (0.1, 0.1))
PICTURE = Attachment("file_1", "cat.png", "image/png", {"type": "image_url", "image_url": {"url": "data:cat"}})
ONE_OF_EACH: list[Event] = [
    events.Started(),
    events.SpeechStarted(1.5),
    events.SpeechStopped(2.5),
    events.SpeechScored(0.25),
    events.TranscriptUpdated("Grüß Gott"),
    events.TurnEndPredicted(0.75),
    events.ListeningFailed("no model"),
    events.FilesShared("What is this?", (PICTURE,)),
    events.ReplyText(1, "Hi"),
    events.ToolCalled(1, "look_up", {"order": [7, None, {"a": True}]}),
    events.ModelFinished(1, "qwen", 10, 5, 4096),
    events.ModelFinished(1, "qwen", 10, 5, 4096, {"input": {"tokens": 10, "price": 0.5}}, "spare", ("It was slow.",)),
    events.ModelThinks(1, "The user said hi."),
    events.MetadataReturned(1, {"intent": ["greeting"]}),
    events.SentenceStarted(1, "Hi. "),
    events.ReplyAudio(1, b"\x00\xff\x80", 0.5, ALIGNMENT),
    events.SoundMade(b"\x00\xff\x80", 0.2),
    events.ReplyFinished(1),
    events.ReplyFailed(1, "llm_error", "It refused."),
    events.InvalidMessageReceived("missing_fields", "no"),
    events.InputStalled(60.0),
    events.ClientDisconnected(1006, "gone"),
    events.ClientResumed(),
    events.EndRequested("enough", 1011),
    events.AgentReady("x", Story().setup),
    events.AgentUnavailable("x", "There is no such agent."),
    events.ReplyWithheld(1),
    events.GuardrailTriggered(
        1, Trigger(Guardrail("custom", "No prices", prompt="No prices."), "custom", {"type": "llm"})
    ),
    events.KnowledgeRetrieved(1, {"retrieval_query": "soup", "chunks": []}),
    events.KnowledgeRetrieved(1, problem="too slow"),
    events.ToolAsked("x", {"type": "webhook", "url": "https://crm.example"}),
    events.ToolFinished("x", "42", response={"answer": [42]}, details={"type": "webhook"}),
    client.Pong(event_id=3),
    client.UserMessage(text=None),
    client.UserActivity(),
    client.ContextualUpdate(text="page 2", context_id="page"),
    client.ClientToolResult(tool_call_id="x", result={"a": [1, None]}, is_error=True, error_type="user_rejected"),
    client.Feedback(event_id=2, score=None),
    client.McpToolApprovalResult(tool_call_id="x", is_approved=True),
    events.Commanded(1, commands.Say("Hold on", role_label="crm"), "Ann"),
    events.Commanded(2, commands.SetVariables({"plan": "pro"}), "key"),
    events.Commanded(3, commands.AnswerTool(client.ClientToolResult(tool_call_id="x", result=[1])), "key"),
    events.OperatorCame("Ann"),
    events.OperatorLeft("Ann"),
    events.OperatorSpoke(b"\x00\xff", 0.2, "Ann"),
    events.OperatorSaid("Good morning", "Ann"),
    events.McpServerTried("mcp_1", True, (ListedTool("look_up", "Looks", {"type": "object"}),)),
]


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_every_event_comes_back_as_it_was(event: Event, tmp_path: Path):
    path = tmp_path / "one.jsonl"
    path.write_text(tape.head(Story().setup, 1.0) + "\n" + tape.line(Step(2.0, event)) + "\n")
    assert tape.read(path).steps == (Step(2.0, event),)


def test_no_event_is_forgotten():
    assert {type(event).__name__ for event in ONE_OF_EACH} == set(EVENTS)


def test_fields_that_newer_clients_send_are_kept(tmp_path: Path):
    event = client.UserMessage.model_validate({"text": "Hi", "mood": "good"})
    path = tmp_path / "one.jsonl"
    path.write_text(tape.head(Story().setup, 1.0) + "\n" + tape.line(Step(2.0, event)) + "\n")
    assert tape.read(path).steps[0].event == event


def test_a_taped_call_plays_again_exactly(tmp_path: Path):
    path = tmp_path / "call.jsonl"
    story = Story(tools=[client_tool("look_up")], first_message="Hello {{name}}", variables={"name": "Ada"})
    with path.open("w") as file:
        story.conversation = TapedConversation(story.setup, story.now, file)
        story.connects().agent_says(seconds=1).wait(2).asks("My order?")
        story.agent_calls(("look_up", {"order": 7}), saying="One moment", seconds=2).wait(1)
        story.client_answers("look_up", {"eta": "Friday"}).agent_says("It comes on Friday", seconds=3, alignment=True)
        story.wait(1).caller_speaks().falls_silent("Thanks").wait(1).hangs_up()
    played = tape.read(path)
    assert played.version == __version__ and played.began_at == 100.0
    assert [action for _, actions in played.play() for action in actions] == story.actions


def test_a_tape_cut_short_is_read_as_far_as_it_is_whole(tmp_path: Path):
    path = tmp_path / "cut.jsonl"
    path.write_text(
        tape.head(Story().setup, 1.0) + "\n" + tape.line(Step(1.0, events.Started())) + '\n{"now": 1.5, "ev'
    )
    assert tape.read(path).steps == (Step(1.0, events.Started()),)


def test_an_agent_that_forbids_recordings_is_not_taped(tmp_path: Path):
    for setup, exists in ((Story().setup, True), (replace(Story().setup, record_voice=False), False)):
        path = tmp_path / f"{exists}.jsonl"
        with taped(path, setup, 0.0) as conversation:
            conversation.handle(events.Started(), 0.0)
        assert path.exists() is exists


def test_secrets_are_not_on_the_tape():
    setup = replace(
        Story().setup,
        variables={"secret__key": "hush", "name": "Ada"},
        model=ModelChoice(custom_llm={"api_key": "hush"}, extra_body={"token": "hush"}),
        client_data={"dynamic_variables": {"secret__key": "hush"}},
        tools={"pay": server_tool("pay", api_schema={"request_headers": {"Authorization": "hush"}})},
    )
    written = tape.head(setup, 0.0)
    assert "hush" not in written and orjson.loads(written)["setup"]["variables"] == {"name": "Ada"}
