"""Commands from outside the call: what each does, and when it is refused.

Words that somebody has the agent say, or the user seem to say, wait for the floor like anybody's: they are kept here
until the agent is silent and the user is not speaking.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from parola.conversation import ending
from parola.conversation.actions import Acknowledge, Show
from parola.conversation.agent_side import AgentSide
from parola.conversation.agent_turn import AgentTurn
from parola.conversation.commands import (
    AddContext,
    AnswerTool,
    BeginTakeover,
    CallNumber,
    Command,
    Commanded,
    EndCall,
    EndTakeover,
    OperatorSaid,
    OperatorSpoke,
    Say,
    SetVariables,
    ShowTyping,
    UserSays,
    kind_of,
)
from parola.conversation.phases import Phase
from parola.conversation.transcript import AgentEntry, Injected, UserEntry
from parola.protocol.client_messages import ClientToolResult
from parola.protocol.server_messages import AgentResponse, AgentTyping, Audio

MOST_WAITING = 20
"""Messages that wait for the floor; more are refused."""

TRANSFER = "transfer_to_number"

IGNORED = "x_tool_result_ignored"


class Refused(Exception):
    """A command that does not hold: a code for programs, a sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Waiting:
    """Words that are to be said, and by whose command."""

    number: int
    command: Say | UserSays
    by: str

    @property
    def injected(self) -> Injected:
        return Injected(kind_of(self.command), self.by, self.command.role_label)


class LiveControl(AgentSide):
    """What others than the two who talk can have a conversation do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._words: deque[Waiting] = deque()
        self._said: tuple[AgentTurn, Waiting] | None = None
        """What was said last by command, and the turn it was said in."""
        self._has_telephone = self.setup.has_telephone

    # -- what the user's side does ------------------------------------------------------------------------------------

    def _user_said(self, entry: UserEntry, now: float) -> None:
        """A user turn is complete."""
        raise NotImplementedError

    # -- commands -----------------------------------------------------------------------------------------------------

    def _commanded(self, event: Commanded, now: float) -> None:
        try:
            if self.phase is Phase.ENDING and not (isinstance(event.command, EndCall) and event.command.is_immediate):
                raise Refused("conversation_is_ending", "The conversation is ending: nothing more is taken in.")
            self._perform(event, event.command, now)
        except Refused as refused:
            self._out.ask(Acknowledge(event.number, code=refused.code, problem=refused.message))

    def _perform(self, event: Commanded, command: Command, now: float) -> None:
        match command:
            case Say(is_human=True, operator=operator):
                self._needs_holder(operator or event.by, now)
                self._take_words(Waiting(event.number, command, self._takeover.operator or event.by), now)
                return
            case Say() | UserSays():
                self._take_words(Waiting(event.number, command, event.by), now)
                return
            case AddContext():
                self._drop_guess()
                injected = Injected(kind_of(command), event.by, command.role_label)
                added = self.transcript.add_context(command.text, now, command.context_id, injected)
                self._out.record(*added)
            case BeginTakeover():
                self._begin_takeover(command.operator or event.by, event.by, now)
            case EndTakeover():
                self._end_takeover(event, command, now)
                return
            case ShowTyping():
                self._needs_holder(event.by, now)
                self._out.send(AgentTyping(is_typing=command.is_typing, duration_ms=command.duration_ms))
            case SetVariables():
                self._set_variables(command.values, now)
            case AnswerTool():
                call = self._tools.take_result(command.result, now)
                if call is None:
                    self._too_late(command.result, event.by)
                    raise Refused(
                        "tool_call_not_pending",
                        f"No client tool call {command.result.tool_call_id} waits for an answer: there is none of this "
                        "id, or it has been answered, or its time has passed.",
                    )
                self._calls_answered([call], now)
            case CallNumber():
                self._call_number(command, now)
            case EndCall():
                self._out.ask(Acknowledge(event.number))
                self._end_by_command(command, Injected(kind_of(command), event.by), now)
                return
        self._out.ask(Acknowledge(event.number))

    def _needs_holder(self, name: str, now: float) -> None:
        """Only who has taken over may do it."""
        if refused := self.refusal_of(name):
            raise refused
        self._takeover.acted(name, now)

    def is_held_by(self, name: str) -> bool:
        """This person has taken over."""
        return self._takeover.is_held_by(name)

    def is_awaiting(self, name: str) -> bool:
        """They have taken over, are gone, and may come back."""
        return self._takeover.is_awaiting(name)

    def refusal_of(self, name: str) -> Refused | None:
        """Why this person may not speak to the user; None: they may."""
        if not self._takeover.is_on:
            return Refused("takeover_is_off", "The agent has the conversation: a person has to take it over first.")
        if not self._takeover.is_held_by(name):
            holder = self._takeover.operator or "Somebody"
            return Refused("taken_over", f"{holder} has taken over: {name or 'somebody else'} cannot act for them.")
        return None

    def _too_late(self, result: ClientToolResult, by: str = "client") -> None:
        """Somebody answers a call that has its result, or that nobody made: those who watch see that."""
        calls = (call for entry in self.transcript.entries if isinstance(entry, AgentEntry) for call in entry.calls)
        call = next((call for call in calls if call.call_id == result.tool_call_id), None)
        if call is not None and call.tool is not None and not call.tool.expects_response:
            return  # official clients answer those too
        about = {"tool_call_id": result.tool_call_id, "by": by}
        self._out.ask(Show({"type": IGNORED, f"{IGNORED}_event": about}))

    # -- words --------------------------------------------------------------------------------------------------------

    def _take_words(self, words: Waiting, now: float) -> None:
        command = words.command
        if len(self._words) >= MOST_WAITING:
            raise Refused("too_many_waiting", f"{MOST_WAITING} messages wait to be said already.")
        if command.interrupts:
            if self._floor(now).yields_to_text:
                self._interrupt(now)
            self._words.appendleft(words)
        else:
            self._words.append(words)
        self._deliver_words(now)
        if any(one is words for one in self._words):
            self._out.ask(Acknowledge(words.number, is_waiting=True))

    def _deliver_words(self, now: float) -> None:
        """Say what waits, as far as the floor is free; whoever asks has to look afterwards whether it still is."""
        while self._words and self.phase is not Phase.ENDING:
            words, turn = self._words[0], self._speaking.turn
            if isinstance(words.command, UserSays) and (turn is None or turn.is_cut):
                self._words.popleft()
                self._deliver_of_user(words, now)
            elif turn is not None or self._user.has_begun:
                return
            else:
                self._words.popleft()
                self._deliver(words, now)

    def _deliver_of_user(self, words: Waiting, now: float) -> None:
        if self._user.is_waiting_to_be_taken and (spoken := self._hearing.take(now, "text")):
            self._hearing.keep(spoken)
        entry = UserEntry(words.command.text, self._out.next_event_id(), now, "text", injected=words.injected)
        self._out.ask(Acknowledge(words.number, event_id=entry.event_id))
        self._user_said(entry, now)

    def _deliver(self, words: Waiting, now: float) -> None:
        """Have it said. The user may cut it, as anything the agent says."""
        command = words.command
        assert isinstance(command, Say)
        self._drop_guess()
        self._speaking.drop_held()
        self._cut_short = None
        if command.is_human:
            self._owes_answer = False
        self._silence.agent_takes_floor(answers_user=command.is_human)
        turn = self._speaking.begin_turn(answers_user=False, injected=words.injected)
        self._said = (turn, words)
        self._out.ask(Acknowledge(words.number, event_id=turn.event_id))
        self._say(command.text, now)

    def _keep_unsaid(self, turn: AgentTurn) -> None:
        """A turn is cut. Words that nobody has got anything of are said afterwards."""
        if self._said is not None and self._said[0] is turn and not turn.was_sent:
            self._words.appendleft(self._said[1])
        self._said = None

    # -- a person takes over ------------------------------------------------------------------------------------------

    def _begin_takeover(self, operator: str, by: str, now: float) -> None:
        if self._takeover.is_on:
            if operator and operator != self._takeover.operator:
                raise Refused("taken_over", f"{self._takeover.operator or 'Somebody'} has taken over already.")
            self._takeover.acted(operator, now)
            return
        self._drop_guess()
        self._cut_short = None
        if self._speaking.turn is not None:
            self._leave_floor_to_person(self._speaking.turn, now)
        self._takeover.begins(operator, by, now)
        self._enter(Phase.LISTENING)
        self._deliver_words(now)

    def _leave_floor_to_person(self, turn: AgentTurn, now: float) -> None:
        """The agent stops where it is. What its tools give is kept for it."""
        is_unanswered = turn.answers_user and (not turn.was_sent or self._speaking.held is not None)
        self._tools.abandon_wishes()
        if not self._speaking.is_done(now):
            self._speaking.cut(now, is_interruption=True)
        round_ = self._tools.leave_running(now)
        self._unread(round_)
        self._owes_answer |= is_unanswered or (round_ is not None and not round_.skips_turn)
        self._keep_unsaid(turn)
        self._deadlines.clear("playback")
        self._speaking.turn = None

    def _end_takeover(self, event: Commanded, command: EndTakeover, now: float) -> None:
        refused, forced_from = self.refusal_of(command.operator or event.by), ""
        if refused is not None:
            if not command.is_forced or not self._takeover.is_on:
                raise refused
            forced_from = self._takeover.operator
        self._out.ask(Acknowledge(event.number, forced_from=forced_from))
        self._takeover.ends(now)
        self._agent_has_it_back(now)

    def _operator_left(self, name: str, now: float) -> None:
        if self.phase is not Phase.ENDING:
            self._takeover.left(name, now)

    def _operator_did_not_return(self, now: float) -> None:
        self._takeover.lapses(now)
        self._agent_has_it_back(now)

    def _agent_has_it_back(self, now: float) -> None:
        self._silence.user_was_heard(now)
        if self._speaking.turn is None:
            self._give_user_floor(now, answered=True)

    def _operator_spoke(self, event: OperatorSpoke, now: float) -> None:
        """Passed on as it comes; not while words they wrote are being spoken, and only of who has taken over."""
        if self._takeover.is_held_by(event.by) and self.phase is Phase.HANDED_OVER:
            self._speaking.playback.queue(now, event.seconds)
            self._takeover.was_heard(event.by)
            self._out.send(Audio(audio_base_64=event.audio, event_id=self._takeover.audio_id()))

    def _operator_said(self, event: OperatorSaid, now: float) -> None:
        """The words of that: kept, and told to the client, which has heard them. They are known a moment later, when
        the person may have handed back already: then they are kept, and told if the agent has not begun to speak."""
        whose = None if self.phase is Phase.ENDING else self._takeover.whose_words(event.by)
        if whose is None:
            return
        is_on = self._takeover.is_held_by(event.by)
        if is_on:
            self._owes_answer = False
        injected = Injected("human_speech", whose)
        turn = self._speaking.turn  # words they wrote are being spoken: nothing may overtake those
        event_id = self._takeover.audio_id() if turn is None or turn.is_cut else turn.event_id
        at = now if event.began_at is None else min(event.began_at, now)
        self._out.record(self.transcript.add(AgentEntry(event.text, event_id, at, injected=injected)))
        if is_on or turn is None:
            self._out.send(AgentResponse(agent_response=event.text, event_id=event_id))

    # -- the rest -----------------------------------------------------------------------------------------------------

    def _set_variables(self, values: Mapping[str, Any], now: float) -> None:
        reserved = [name for name in values if name.startswith("system__")]
        if reserved:
            raise Refused("reserved_variable", f"{', '.join(reserved)}: variables of the system cannot be set.")
        self._drop_guess()
        for name, value in values.items():
            self._variables.assign(name, value, now)

    def _call_number(self, command: CallNumber, now: float) -> None:
        tool = self.setup.tools.get(TRANSFER)
        if tool is None or tool.type != "system":
            raise Refused("not_configured", f"This agent has no tool {TRANSFER}: there is no number to transfer to.")
        numbers = self._tools.system.numbers(tool, now)
        if command.number not in numbers:
            known = ", ".join(numbers) or "none"
            raise Refused(
                "not_configured", f"Expected one of the numbers of {TRANSFER} ({known}), got {command.number!r}."
            )
        if not self._has_telephone:
            raise Refused(
                "not_a_telephone_call",
                f"This conversation is not a telephone call: it cannot be transferred to {command.number}.",
            )
        if self._tools.round is not None:
            raise Refused("busy", "The agent is waiting for its tools: try again when they are done.")
        if not self._speaking.is_done(now):
            self._interrupt(now)
        arguments = {
            "transfer_number": command.number,
            "client_message": command.client_message,
            "agent_message": command.agent_message,
        }
        self._silence.agent_takes_floor(answers_user=False)
        turn = self._speaking.begin_turn(answers_user=False)
        self._enter(Phase.THINKING)
        self._call_here(turn, {tool.name: tool}, now, arguments=arguments)
        if self._takeover.is_on and self._speaking.turn is not None:
            self._leave_floor_to_person(self._speaking.turn, now)
            self._enter(Phase.LISTENING)

    def _end_by_command(self, command: EndCall, injected: Injected, now: float) -> None:
        how = ending.commanded(command.reason)
        farewell = command.farewell.strip()
        turn = self._speaking.turn
        if command.is_immediate:
            self._end(how, now)
        elif farewell:
            self._tools.give_up(now)
            self._drop_guess()
            if not self._speaking.is_done(now):
                self._interrupt(now)
            self._speaking.begin_turn(injected=injected)
            self._say_goodbye(how, farewell, now)
        elif turn is None or not turn.was_sent or self._speaking.is_done(now) or self._speaking.held is not None:
            self._end(how, now)
        else:
            self._tools.give_up(now)
            self._say_goodbye(how, "", now)
            if turn.current is None:
                self._deadlines.set("playback", self._speaking.playback.ends_at)
