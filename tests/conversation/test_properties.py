"""What holds in every conversation, whatever happens and whenever.

Hypothesis plays the caller, the ear, the driver and the clock. The driver keeps its contract (facts of a reply in
order, one transcript for each pause) but is slow, and sends facts of replies long gone; the client sends anything at
any time. ``Story`` checks each step; what is checked here needs the whole conversation.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from parola.conversation.actions import (
    Acknowledge,
    FetchAgent,
    ForgetSpeech,
    NoteHumanWait,
    NoteHumanWaitOver,
    PlayTones,
    Record,
    RunTool,
    Send,
    StartReply,
    StartSound,
    StopReply,
    StopSound,
    StopTool,
    TranscribeNow,
    TransferToNumber,
)
from parola.conversation.backchannels import IgnoreTerms
from parola.conversation.commands import (
    AddContext,
    AnswerTool,
    AskForHuman,
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
    StopAskingForHuman,
    UserSays,
)
from parola.conversation.events import (
    AgentReady,
    AgentUnavailable,
    Attachment,
    ClientDisconnected,
    ClientResumed,
    EndRequested,
    Event,
    FilesShared,
    GuardrailTriggered,
    InputStalled,
    InvalidMessageReceived,
    KnowledgeRetrieved,
    ListeningFailed,
    McpServerTried,
    ModelFinished,
    ModelThinks,
    ReplyAudio,
    ReplyFailed,
    ReplyFinished,
    ReplyText,
    ReplyWithheld,
    SentenceStarted,
    SoundMade,
    SpeechScored,
    SpeechStarted,
    SpeechStopped,
    ToolCalled,
    ToolFinished,
    TranscriptUpdated,
    TurnEndPredicted,
)
from parola.conversation.fillers import SoftTimeout
from parola.conversation.guardrails import Guardrail, Trigger
from parola.conversation.mcp_tools import ListedTool, McpServer
from parola.conversation.tools import Mock, Mocking
from parola.conversation.turn_taking import BargeIn
from parola.protocol.client_messages import (
    ClientToolResult,
    ContextualUpdate,
    Feedback,
    McpToolApprovalResult,
    Pong,
    UserActivity,
    UserMessage,
)
from parola.protocol.server_messages import AgentToolRequest, AgentToolResponse, ClientToolCall, McpToolCall
from tests.conversation.relays import built_in
from tests.story import Story, client_tool, server_tool, system_tool

ORDER = {"message": "Bye.", "order": "7", "dtmf_tones": "1", "agent_number": 0}
NEEDS_ORDER = {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}
FOUND = [{"dynamic_variable": "found", "value_path": "a"}]
TOOLS = (
    client_tool("look_up", timeout=5),
    client_tool("save", timeout=2, interruption="disable_during_tool"),
    client_tool("pay", timeout=3, interruption="disable_during_tool_and_turn"),
    client_tool("show", expects_response=False),
    client_tool("dig", timeout=8, execution_mode="async"),
    server_tool("fetch", timeout=5, pre_tool_speech="off", tool_call_sound="typing", tool_call_sound_behavior="always"),
    server_tool("order", timeout=3, execution_mode="post_tool_speech", parameters=NEEDS_ORDER),
    server_tool("search", timeout=9, execution_mode="async", assignments=FOUND),
    replace(server_tool("mocked", execution_mode="async", assignments=FOUND), mocking=Mocking((Mock((), '{"a": 2}'),))),
    built_in("play_keypad_touch_tone", suppress_turn_after_dtmf=True),
    system_tool("skip_turn"),
    system_tool("end_call"),
    built_in("transfer_to_number", transfers=[{"phone_number": "+1555", "condition": "always"}]),
    built_in("x_transfer_to_human", wait_timeout_secs=9, waiting_message="Wait.", waiting_message_interval_secs=5),
    built_in("transfer_to_agent", transfers=[{"agent_id": "agent_other", "transfer_message": "One moment."}]),
)
SERVERS = tuple(
    McpServer.of(name, {"name": name, "approval_policy": policy, "url": "https://x", **config})
    for name, policy, config in (
        ("asks", "require_approval_all", {}),
        ("trusts", "auto_approve_all", {"execution_mode": "post_tool_speech"}),
        ("waits", "require_approval_all", {"execution_mode": "async"}),
    )
)
LISTED = {server.server_id: (ListedTool(f"{server.server_id}_it"),) for server in SERVERS}
TOOL_NAMES = [tool.name for tool in TOOLS] + ["unknown", "notify_condition_1_met", *(f"{name}_it" for name in LISTED)]
GUARDRAILS = (
    Guardrail("custom", "kind", ends_call=False),
    Guardrail("custom", "careful", "blocking", ends_call=False),
    Guardrail("prompt_injection", "prompt_injection"),
)


def _way(source: str, target: str, condition: str = "") -> dict[str, Any]:
    kind = {"type": "llm", "condition": condition} if condition else {"type": "unconditional"}
    return {"source": source, "target": target, "forward_condition": kind}


WORKFLOW = {
    "nodes": {
        "start": {"type": "start"},
        "hello": {"type": "say", "message": {"type": "literal", "text": "Hello."}, "wait_for_user_response": True},
        "desk": {"type": "override_agent", "additional_prompt": "At the desk.", "entry_behavior": "auto"},
        "state": {"type": "update_state", "updates": []},
        "back": {"type": "override_agent", "additional_prompt": "In the back.", "entry_behavior": "wait_for_user"},
        "ask": {"type": "say", "message": {"type": "prompt", "prompt": "Say goodbye."}},
        "end": {"type": "end", "outcome": "success"},
    },
    "edges": {
        "1": _way("start", "hello"),
        "2": _way("hello", "desk"),
        "3": _way("desk", "state", "anything"),
        "4": _way("state", "back"),
        "5": _way("back", "ask"),
        "6": _way("ask", "end"),
    },
}
"""Through every kind of node that needs nobody else."""


@dataclass
class Making:
    """A reply the driver is performing."""

    number: int
    verbatim: str
    is_begun: bool = False
    is_model_finished: bool = False
    text: str = ""
    spoken: int = 0


@dataclass
class World:
    """Everything around the conversation, and what it remembers of it."""

    story: Story
    making: dict[int, Making] = field(default_factory=dict)
    """Replies that are being made, oldest first: one that is said, and one that is held back."""
    is_speaking: bool = False
    owed_transcripts: int = 0
    owes_partial: bool = False
    is_sounding: bool = False
    owes_prediction: bool = False
    turn_words: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    """Everything the user said or wrote that the conversation was told; each word is unique."""
    numbers: list[int] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    """Calls that the driver runs."""
    fetches: list[FetchAgent] = field(default_factory=list)
    """Agents that were asked for and are not there yet."""
    commands: int = 0
    said: list[str] = field(default_factory=list)
    """What was accepted to be said by command; each is unique."""
    waits: str | None = None
    """A person is waited for, and the agent ``answers`` or is ``silent`` until then."""
    telephones: list[str] = field(default_factory=list)
    """Calls that a telephone was asked for."""
    _count: int = 0

    def word(self) -> str:
        self._count += 1
        return f"word{self._count}."

    @property
    def is_over(self) -> bool:
        return self.story.close is not None

    def tell(self, *events: Event) -> None:
        for event in events:
            self.story.tell(event)
            self._perform()

    def wait(self, seconds: float) -> None:
        until = round(self.story.now + seconds, 6)
        while not self.is_over:
            deadline = self.story.conversation.next_deadline
            assert deadline is not None
            if deadline > until:
                break
            self.story.wait(max(0.0, deadline - self.story.now) + 1e-6)  # it rounds to a millionth
            self._perform()
        self.story.now = max(self.story.now, until)

    def _perform(self) -> None:
        """Do what the last step asked for, as the driver would."""
        for action in self.story.step:
            match action:
                case StartReply():
                    assert len(self.making) < 2, "more than one beside the one that is held back"
                    assert action.reply not in self.numbers
                    assert action.verbatim or not self.is_taken_over, "a person has the conversation"
                    assert not self.is_away or self.story.setup.text_only, "nobody would hear it"
                    is_silenced = self.waits == "silent" and action.request is not None
                    assert not is_silenced, "the agent is silent while a person is waited for"
                    self.numbers.append(action.reply)
                    self.making[action.reply] = Making(action.reply, action.verbatim)
                    if action.request is not None:
                        check_messages(action.request.messages)
                case StopReply():
                    assert action.reply in self.making, "stopped what does not run"
                    del self.making[action.reply]
                case RunTool():
                    assert action.call_id not in self.running
                    self.running.append(action.call_id)
                case StopTool():
                    assert action.call_id in self.running, "stopped what does not run"
                    self.running.remove(action.call_id)
                case StartSound():
                    assert not self.is_sounding
                    self.is_sounding = True
                case StopSound():
                    assert self.is_sounding
                    self.is_sounding = False
                case NoteHumanWait():
                    assert self.waits is None and not self.is_taken_over, "nobody else is needed"
                    self.waits = "silent" if action.agent_is_silent else "answers"
                case NoteHumanWaitOver():
                    assert self.waits is not None, "nobody was waited for"
                    assert (action.outcome == "answered") == self.is_taken_over
                    self.waits = None
                case FetchAgent():
                    self.fetches.append(action)
                case PlayTones() | TransferToNumber():
                    self.telephones.append(action.call_id)
                case TranscribeNow():
                    self.owes_partial = True
                case ForgetSpeech():
                    self.turn_words, self.owed_transcripts = [], 0
                    self.owes_partial = self.owes_prediction = False

    # -- what may happen; each does nothing when it cannot happen now -------------------------------------------------

    def speech(self, choice: int) -> None:
        if self.is_speaking:
            self.is_speaking = False
            self.owed_transcripts += 1
            self.owes_partial, self.owes_prediction = False, True
            self.tell(SpeechStopped(self.story.now))
        else:
            self.is_speaking = True
            self.owes_prediction = False
            self.tell(SpeechStarted(self.story.now - 0.09))

    def hearing(self, choice: int) -> None:
        if self.owes_partial:
            self.owes_partial = False
            partial = ("", "mhm", "but wait")[choice % 3]
            self.tell(TranscriptUpdated(" ".join([*self.turn_words, partial]), is_partial=True))
            return
        if self.owes_prediction and choice % 3 == 0:
            self.owes_prediction = False
            self.tell(TurnEndPredicted(choice / 120))
            return
        if not self.owed_transcripts:
            return
        self.owed_transcripts -= 1
        if choice % 8 == 0:
            self.tell(ListeningFailed("the ear failed"))
            return
        if choice % 8 == 7:
            self.turn_words.append("mhm")
        elif choice % 8 > 2:
            word = self.word()
            self.words.append(word)
            self.turn_words.append(word)
        self.tell(TranscriptUpdated(" ".join(self.turn_words)))

    def writing(self, choice: int) -> None:
        word = self.word()
        if choice % 4 == 0:
            self.tell(UserMessage(text=None))
        elif choice % 4 == 1:
            self.words.append(word)
            self.tell(FilesShared(word, (Attachment("f", "f.png", "image/png", {"type": "image_url"}),)))
        else:
            self.words.append(word)
            self.tell(UserMessage(text=word))

    def around(self, choice: int) -> None:
        if self.is_sounding and choice % 2:
            self.tell(SoundMade(b"\0\0", 0.2))
            return
        match choice % 7:
            case 0:
                self.tell(UserActivity())
            case 1:
                self.tell(ContextualUpdate(text="context", context_id=None if choice % 2 else "c"))
            case 2:
                self.tell(Feedback(event_id=choice % 9, score=("like", "dislike", None)[choice % 3]))
            case 3:
                self.tell(Pong(event_id=choice % 5))
            case 4 if choice % 3:
                server = SERVERS[choice % len(SERVERS)].server_id
                self.tell(McpServerTried(server, choice % 11 != 0, LISTED[server]))
            case 4:
                self.tell(McpToolApprovalResult(tool_call_id="x", is_approved=True))
            case 5:
                self.tell(SpeechScored(choice / 100))
            case _:
                self.tell(ListeningFailed("the detector failed"), TranscriptUpdated(" ".join(self.turn_words)))

    def reply(self, choice: int) -> None:
        """The reply gets on by one fact."""
        if not self.making:
            return
        making = list(self.making.values())[choice % len(self.making)]
        number = making.number
        unspoken = making.text[making.spoken :]
        if not making.is_model_finished:
            if making.verbatim:
                making.text, making.is_model_finished = making.verbatim, True
                self.tell(ReplyText(number, making.verbatim), ModelFinished(number))
            elif choice % 5 == 4 and not making.is_begun:
                self.tell(KnowledgeRetrieved(number, {"chunks": []}))
            elif choice % 30 == 2:
                self.tell(ModelThinks(number, "Hm."))
            elif choice % 4 == 0:
                making.is_model_finished = True
                self.tell(ModelFinished(number, "model", 10, 5, 100 if choice % 8 else 0))
            elif choice % 4 == 1:
                name = TOOL_NAMES[choice % len(TOOL_NAMES)]
                self.tell(ToolCalled(number, name, *((ORDER, "") if choice % 5 else ({}, '{"order'))))
            elif choice % 4 == 2 or not unspoken or self.story.setup.text_only:
                making.text += "Some words. "
                self.tell(ReplyText(number, "Some words. "))
            else:
                self._speak(making, unspoken)
            making.is_begun = True
        elif unspoken and not self.story.setup.text_only and choice % 2:
            self._speak(making, unspoken)
        else:
            del self.making[number]
            self.tell(ReplyFinished(number))

    def _speak(self, making: Making, text: str) -> None:
        making.spoken += len(text)
        self.tell(SentenceStarted(making.number, text))
        if making.number in self.making:
            self.tell(ReplyAudio(making.number, b"\0\0", 0.6))

    def late(self, choice: int) -> None:
        """A fact of a reply that was stopped or has finished."""
        over = [number for number in self.numbers if number not in self.making]
        if not over:
            return
        number = over[choice % len(over)]
        facts: list[Event] = [
            ReplyText(number, "late"),
            ToolCalled(number, "look_up", {}),
            ModelFinished(number, "model", 1, 1, 9),
            SentenceStarted(number, "late"),
            ReplyAudio(number, b"\0\0", 5.0),
            ReplyFinished(number),
            ReplyFailed(number, "llm_error", "late"),
        ]
        before = len(self.story.actions)
        self.tell(facts[choice % len(facts)])
        assert len(self.story.actions) == before, "a late fact had a consequence"

    def tool_result(self, choice: int) -> None:
        if self.running and choice % 2:
            call_id = self.running.pop(choice % len(self.running))
            is_error = choice % 7 == 0
            facts: dict[str, Any] = {"is_error": is_error, "raw_error": "HTTP 500"} if is_error else {}
            self.tell(ToolFinished(call_id, '{"a": 1}', response={"a": 1}, **facts))
            return
        calls = [m.tool_call_id for m in self.story.sent_of(ClientToolCall)]
        call_id = calls[choice % len(calls)] if calls and choice % 5 else "unknown"
        result = ("done", {"a": 1}, None, [1], 3.5, "")[choice % 6]
        error_type = "user_rejected" if choice % 11 == 0 else None
        self.tell(
            ClientToolResult(tool_call_id=call_id, result=result, is_error=choice % 7 == 0, error_type=error_type)
        )

    def approving(self, choice: int) -> None:
        """Somebody answers for a call of an MCP server, asked or not, once or twice."""
        asked = [m.tool_call_id for m in self.story.sent_of(McpToolCall) if m.state == "awaiting_approval"]  # type: ignore[attr-defined]
        if asked:
            self.tell(McpToolApprovalResult(tool_call_id=asked[-1 - choice % len(asked)], is_approved=choice % 3 > 0))

    @property
    def is_taken_over(self) -> bool:
        return self.story.conversation._takeover.is_on

    def commanding(self, choice: int) -> None:
        """Somebody outside commands something."""
        self.command((choice // 3) % 15, choice % 3)

    def command(self, what: int, choice: int) -> None:
        commands: list[Command | OperatorSpoke | OperatorSaid | OperatorCame | OperatorLeft] = [
            BeginTakeover("Ann"),
            BeginTakeover("Bob"),
            EndTakeover(is_forced=choice == 2),
            Say(self.word().replace("word", "say"), is_human=choice < 2, interrupts=choice == 1),
            Say(self.word().replace("word", "say"), interrupts=choice == 1),
            UserSays(self.word(), interrupts=choice > 0),
            AddContext("context", "c" if choice else None),
            ShowTyping(choice > 0),
            SetVariables({"system__time": 1} if choice == 2 else {"found": choice}),
            CallNumber("+1555" if choice else "+1"),
            OperatorSpoke(b"\0\0", 0.3, ("Ann", "Bob")[choice - 1]) if choice else OperatorSaid("I am Ann.", "Ann"),
            AnswerTool(self.story.result_of(self._client_call(choice), "from outside")),
            AskForHuman("help", ("", "Wait.")[choice % 2], 6.0, "silent" if choice else "answers"),
            StopAskingForHuman(),
            OperatorCame("Ann") if choice else OperatorLeft("Ann"),
        ]
        command = commands[what]
        if isinstance(command, OperatorSpoke | OperatorSaid | OperatorCame | OperatorLeft):
            self.tell(command)
            return
        self.give(command)

    def give(self, command: Command) -> None:
        self.commands += 1
        self.tell(Commanded(self.commands, command, "key"))
        told = [a for a in self.story.actions if isinstance(a, Acknowledge) and a.number == self.commands]
        assert told, "every command is answered"
        if not told[0].code:
            if isinstance(command, Say):
                self.said.append(command.text)
            elif isinstance(command, UserSays):
                self.words.append(command.text)

    def _client_call(self, choice: int) -> str:
        calls = [m.tool_call_id for m in self.story.sent_of(ClientToolCall)]
        return calls[-1] if calls and choice else "unknown"

    def telephone(self, choice: int) -> None:
        if self.telephones:
            self.tell(ToolFinished(self.telephones.pop(), "Done.", is_error=choice % 3 == 0))

    def judging(self, choice: int) -> None:
        """A guardrail finds something in a reply: one that is made, or was."""
        guardrail = GUARDRAILS[0 if choice % 20 else -1]
        numbers = list(self.making) if choice % 2 else self.numbers
        if not numbers:
            return
        number = numbers[-1 - choice % min(3, len(numbers))]
        making = self.making.get(number)
        if making is not None and making.verbatim:
            return
        if making is not None and not making.is_model_finished and choice % 5 == 0:
            self.tell(ReplyWithheld(number))
            return
        self.tell(GuardrailTriggered(number, Trigger(guardrail, guardrail.kind, {})))

    def connection(self, choice: int) -> None:
        """It breaks, and the client is back; or the client comes over another one."""
        if self.is_away or choice % 5 == 0:
            if not self.is_away:
                self.tell(ClientDisconnected(4001, "another connection"))
            if not self.is_over:
                self.tell(ClientResumed())
        else:
            self.tell(ClientDisconnected(1006))

    @property
    def is_away(self) -> bool:
        return self.story.conversation._absence.is_on

    def failing(self, choice: int) -> None:
        match choice % 40:
            case 0:
                self.tell(InvalidMessageReceived("invalid_message", "nonsense"))
            case 1:
                self.tell(InputStalled(60))
            case 2 | 3:
                self.tell(ClientDisconnected(1006, "gone"))
            case 4 | 5:
                self.tell(EndRequested("the operator says so"))
            case 8 | 9 | 10 | 11:
                self.give(EndCall("enough", ("", "Goodbye.")[choice % 2], is_immediate=choice % 40 == 8))
            case 6 | 7 if self.making:
                number = next(iter(self.making))
                del self.making[number]
                self.tell(ReplyFailed(number, "llm_error", "the model failed"))

    def agent(self, choice: int) -> None:
        """Another agent is ready, or cannot be had; maybe when nobody waits for it any more."""
        if not self.fetches:
            return
        request = self.fetches.pop(choice % len(self.fetches))
        if choice % 5 == 0:
            self.tell(AgentUnavailable(request.call_id, "nobody"))
            return
        present, transfer = self.story.conversation.setup, request.transfer
        if transfer.is_subagent:
            setup = replace(present, node_id=transfer.node_id, prompt=f"You are {transfer.node_id}.")
        else:
            setup = replace(present, agent_id="agent_other", node_id=None, workflow={}, first_message="Other here.")
        self.tell(AgentReady(request.call_id, setup))

    def settle(self) -> None:
        """Everybody finishes what they were doing; then nothing more is owed to anybody."""
        for _ in range(60):
            if self.is_over:
                return
            if self.is_away:
                self.tell(ClientResumed())
            elif self.is_speaking:
                self.speech(0)
            elif self.is_taken_over and self.story.phase != "ending":
                self.give(EndTakeover())
            elif self.waits == "silent" and self.story.phase != "ending":
                self.give(StopAskingForHuman())
            elif self.fetches:
                self.agent(1)
            elif self.telephones:
                self.telephone(1)
            elif self.owed_transcripts:
                self.owed_transcripts -= 1
                self.tell(TranscriptUpdated(" ".join(self.turn_words)))
            elif self.making:
                self._finish_reply(next(iter(self.making.values())))
            else:
                if self.running:
                    self.tell(ToolFinished(self.running.pop(), "done"))
                self.wait(2.1)  # longer than typing, or a silence, keeps a turn open
                is_quiet = not self.making and not self.running
                if is_quiet and self.story.phase == "listening" and not self.turn_words:
                    return
        raise AssertionError(f"never comes to rest: {self.story.phase}")

    def _finish_reply(self, making: Making) -> None:
        number = making.number
        if not making.is_model_finished:
            making.is_model_finished = True
            if making.verbatim:
                making.text = making.verbatim
            self.tell(*([ReplyText(number, making.verbatim)] if making.verbatim else []), ModelFinished(number))
        unspoken = making.text[making.spoken :]
        if unspoken and not self.story.setup.text_only and number in self.making:
            self._speak(making, unspoken)
        if number in self.making:
            del self.making[number]
            self.tell(ReplyFinished(number))


def check_messages(messages: Any) -> None:
    """Chat messages are well-formed: each assistant's calls are followed by exactly their results."""
    waiting: list[str] = []
    seen: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            assert waiting and message["tool_call_id"] == waiting.pop(0)
            assert isinstance(message["content"], str)
            continue
        assert not waiting, f"no result for {waiting} before {message}"
        assert message["role"] in ("system", "user", "assistant")
        assert message["content"] or message.get("tool_calls")
        for call in message.get("tool_calls", ()):
            assert call["id"] not in seen
            seen.add(call["id"])
            waiting.append(call["id"])
    assert not waiting


def _was_followed(word: str, record: dict[int, Any]) -> bool:
    """The workflow had words for it that need no model."""
    said = next((index for index, turn in record.items() if word in (turn["message"] or "").split()), len(record))
    return any(
        index > said
        and turn["role"] == "agent"
        and (turn["message"] or turn["interrupted"])
        and "workflow_node_id" in turn["agent_metadata"]
        for index, turn in record.items()
    )


def _was_answered_by_person(word: str, record: dict[int, Any]) -> bool:
    said = next((index for index, turn in record.items() if word in (turn["message"] or "").split()), len(record))
    return any(
        index > said and (turn.get("x_injected_by") or {}).get("type") in ("human_message", "human_speech")
        for index, turn in record.items()
    )


def check_end(world: World) -> None:
    story = world.story
    assert story.close is None or world.waits is None, "the call is over, and on the list of those who wait"
    record = {action.index: action.turn for action in story.actions if isinstance(action, Record)}
    spoken = [turn["original_message"] or turn["message"] or "" for turn in record.values() if "x_injected_by" in turn]
    if story.close is None:
        assert all(any(said in text for text in spoken) for said in world.said), "accepted, but never said"
    stored = " ".join(turn["message"] or "" for turn in record.values() if turn["role"] == "user").split()
    kept = sorted(w for w in stored if w.startswith("word"))
    # What was commanded and still waited for the floor when the call ended was never said.
    assert set(kept) <= set(world.words) and len(set(kept)) == len(kept), "stored, but not said, or twice"
    waiting = {one.command.text for one in story.conversation._words} if story.close is not None else set()
    assert set(world.words) - set(kept) <= waiting, "said, but not stored"
    if story.close is None:
        asked = str([reply.request.messages for reply in story.replies if reply.request is not None][-1:])
        ignored = str([turn["message"] for turn in record.values() if turn.get("ignored_as_backchannel")])
        for word in world.words:
            was_answered = word in asked or _was_followed(word, record) or _was_answered_by_person(word, record)
            assert word in ignored or was_answered, f"{word} was never answered"
    for turn in record.values():
        called = [call["request_id"] for call in turn["tool_calls"]]
        results = [result["request_id"] for result in turn["tool_results"]]
        if story.close is not None:
            assert called == results, "every call has one result"
        assert set(results) <= set(called) and len(set(results)) == len(results)
    requests = [m.tool_call_id for m in story.sent_of(AgentToolRequest)]
    assert len(set(requests)) == len(requests)
    told = [m.tool_call_id for m in story.sent_of(AgentToolResponse)]
    assert len(set(told)) == len(told) and set(told) <= set(requests)
    for send in story.actions:
        if isinstance(send, Send) and isinstance(send.message, AgentToolResponse):
            assert send.message.tool_name != "end_call" or story.close is not None


MOVES = (
    ("speech", 4),
    ("hearing", 4),
    ("writing", 2),
    ("around", 2),
    ("reply", 10),
    ("late", 1),
    ("tool_result", 3),
    ("failing", 1),
    ("agent", 3),
    ("approving", 2),
    ("telephone", 1),
    ("judging", 1),
    ("commanding", 3),
    ("connection", 1),
)
moves = st.tuples(
    st.sampled_from([name for name, weight in MOVES for _ in range(weight)]),
    st.integers(0, 120),
    st.sampled_from([0.0, 0.0, 0.1, 0.3, 0.6, 1.5, 4.0, 9.0]),
)
scripts = st.one_of(st.lists(moves, max_size=12), st.lists(moves, min_size=20, max_size=70))
"""Short ones find what a single event breaks, and shrink well; long ones get somewhere."""
setups = st.fixed_dictionaries(
    {},
    optional={
        "first_message": st.just("Welcome."),
        "first_message_is_protected": st.just(True),
        "text_only": st.just(True),
        "turn_timeout_seconds": st.sampled_from([-1.0, 2.5, 5.0]),
        "silence_end_call_seconds": st.just(8.0),
        "max_duration_seconds": st.sampled_from([5.0, 20.0, 1000.0]),
        "max_duration_message": st.just("Time is up."),
        "initial_wait_seconds": st.just(3.0),
        "resume_window_seconds": st.sampled_from([6.0, 30.0]),
        "speculates": st.just(True),
        "workflow": st.just(WORKFLOW),
        "mcp_servers": st.just(SERVERS),
        "soft_timeout": st.sampled_from(
            [SoftTimeout(1.0, ("Hm.", "Let me see."), most=2), SoftTimeout(0.5, is_generated=True)]
        ),
        "barge_in": st.sampled_from(
            [
                BargeIn(ignore_terms=IgnoreTerms(("mhm",))),
                BargeIn(min_words=2),
                BargeIn(backchannels=IgnoreTerms(("mhm",))),
                BargeIn(resumes=False),
            ]
        ),
        "client_events": st.sampled_from(
            [["audio", "agent_response", "user_transcript"], ["agent_chat_response_part", "interruption"]]
        ),
    },
)


@settings(max_examples=800, deadline=None)
@given(setup=setups, script=scripts)
def test_whatever_happens_the_promises_hold(setup: dict[str, Any], script: list[tuple[str, int, float]]) -> None:
    world = World(Story(tools=TOOLS, **setup))
    world.story.connects()
    world._perform()
    for move, choice, seconds in script:
        if world.is_over:
            break
        if world.story.setup.text_only and move in ("speech", "hearing"):
            move = "writing"
        getattr(world, move)(choice)
        if not world.is_over:
            world.wait(seconds)
    world.settle()
    check_end(world)


@given(event=st.sampled_from([UserMessage(text="hi"), SpeechStarted(1.0), ClientDisconnected(1000), UserActivity()]))
def test_nothing_happens_after_the_end(event: Event) -> None:
    story = Story().connects().hangs_up()
    assert story.tell(event).step == [] and story.wait(1000).step == []
