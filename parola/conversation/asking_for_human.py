"""What a conversation does while it waits for a person: see ``waiting_for_human``."""

from __future__ import annotations

from typing import Any

from parola.conversation.actions import Acknowledge
from parola.conversation.agent_turn import AgentTurn
from parola.conversation.commands import AskForHuman, Command, Commanded, Say, StopAskingForHuman
from parola.conversation.ending import Ending
from parola.conversation.live_control import Refused, Waiting
from parola.conversation.phases import Phase
from parola.conversation.resuming import Resuming
from parola.conversation.transcript import Injected, NoteEntry, UserEntry
from parola.conversation.waiting_for_human import TRANSFER_TO_HUMAN, terms

WAITING_MESSAGE = "waiting_message"
"""Whose words those are, in the record: nobody's but the agent's config."""


class AskingForHuman(Resuming):
    """A conversation that may wait for a person."""

    # -- commands -----------------------------------------------------------------------------------------------------

    def _perform(self, event: Commanded, command: Command, now: float) -> None:
        match command:
            case AskForHuman():
                self._ask_for_human(event, command, now)
            case StopAskingForHuman():
                self._stop_asking_for_human(event, now)
            case _:
                super()._perform(event, command, now)

    def _ask_for_human(self, event: Commanded, command: AskForHuman, now: float) -> None:
        if self._takeover.is_on:
            raise Refused("taken_over", f"{self._takeover.operator or 'Somebody'} has the conversation already.")
        is_new = not self._human.is_on
        if words := command.message_to_user.strip():
            self._take_words(Waiting(event.number, Say(words), event.by), now)
        else:
            self._out.ask(Acknowledge(event.number))
        if not is_new:
            return
        tool = self.setup.tools.get(TRANSFER_TO_HUMAN)
        wanted: dict[str, Any] = {
            "wait_timeout_secs": command.wait_seconds,
            "agent_while_waiting": command.agent_while_waiting,
        }
        changed = {name: value for name, value in wanted.items() if value is not None}
        found = terms(tool.config if tool is not None else {})[0].model_copy(update=changed)
        self._drop_guess()
        self._human.begins(command.reason, event.by, found, now)
        why = f" ({command.reason.strip()})" if command.reason.strip() else ""
        self._note("Somebody has asked for a person to take over this conversation from you" + why + ".", now)

    def _stop_asking_for_human(self, event: Commanded, now: float) -> None:
        if not self._human.is_on:
            raise Refused("not_waiting_for_human", "The conversation waits for nobody.")
        self._human.ends("withdrawn", now)
        self._out.ask(Acknowledge(event.number))
        self._note("No person will come any more: the wish for one was withdrawn. Go on yourself.", now)
        self._silence.user_was_heard(now)
        if self._is_free:
            self._give_user_floor(now, answered=True)

    def _note(self, text: str, now: float) -> None:
        self.transcript.add(NoteEntry(text, now))

    @property
    def _is_free(self) -> bool:
        """Nobody speaks, and nobody is about to."""
        return self.phase is Phase.LISTENING and self._speaking.turn is None and not self._user.has_begun

    # -- how it ends --------------------------------------------------------------------------------------------------

    def _begin_takeover(self, operator: str, by: str, now: float) -> None:
        super()._begin_takeover(operator, by, now)
        self._human.ends("answered", now, operator)

    def _nobody_came(self, now: float) -> None:
        """The time is up: the agent is told, and speaks as soon as it may."""
        seconds = self._human.lasted(now)
        self._human.ends("timed_out", now)
        self._drop_guess()
        self._note(f"No person has come within {seconds:.0f} s. Tell the user, and go on yourself.", now)
        self._silence.user_was_heard(now)
        was_owed, self._owes_answer = self._owes_answer, True
        if self._is_free:
            self._answer(now, answers_user=was_owed)

    def _say_goodbye(self, how: Ending, last_words: str, now: float) -> None:
        self._human.ends("abandoned", now)
        super()._say_goodbye(how, last_words, now)

    def _end(self, how: Ending, now: float) -> None:
        self._human.ends("abandoned", now)
        super()._end(how, now)

    # -- meanwhile ----------------------------------------------------------------------------------------------------

    def _remind(self, now: float) -> None:
        """Tell the user that they still have to wait, unless somebody speaks."""
        self._human.remind_later(now)
        if not self._is_free or self._owes_answer_soon or self._absence.is_on or now < self._user.held_until:
            return
        self._drop_guess()
        self._cut_short = None
        self._silence.agent_takes_floor(answers_user=False)
        self._speaking.begin_turn(answers_user=False, injected=Injected(WAITING_MESSAGE, "agent"))
        self._say(self._variables.fill_in(self._human.terms.waiting_message, now), now)

    @property
    def _owes_answer_soon(self) -> bool:
        return self._owes_answer and not self._human.silences_agent

    def _answer(self, now: float, to: UserEntry | None = None, *, answers_user: bool = True) -> None:
        if not self._human.silences_agent:  # else it is owed
            super()._answer(now, to, answers_user=answers_user)

    def _think(self, turn: AgentTurn, now: float, to: UserEntry | None = None) -> None:
        if self._human.silences_agent:
            self._speaking.drop_held()
            self._owes_answer = True
            self._turn_told(turn, now)
        else:
            super()._think(turn, now, to)
