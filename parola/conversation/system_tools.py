"""The tools that the conversation itself runs: what the model sees of them, and what each does.

``end_call`` and ``voicemail_detection`` end the call, ``skip_turn`` leaves the floor to the user,
``language_detection`` changes the language, ``transfer_to_agent`` the agent; ``transfer_to_number`` and
``play_keypad_touch_tone`` need a telephone. Each result is noted in the record with its own shape (reference:
rest-schemas.md §3, ``SysResult_*``); that of ``x_transfer_to_human``, which official clients do not know, as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from parola import endings
from parola.conversation.actions import PlayTones, SwitchLanguage, TransferToNumber
from parola.conversation.afterwards import HangUp, Transfer
from parola.conversation.handover import Handover, not_transferred
from parola.conversation.outgoing import Outgoing
from parola.conversation.tools import Tool, ToolCall
from parola.conversation.transcript import Transcript, UserEntry
from parola.conversation.variables import Variables
from parola.conversation.waiting_for_human import TRANSFER_TO_HUMAN, WaitForHuman, terms
from parola.protocol.server_messages import DtmfRequest
from parola.providers.base import ToolDefinition

LANGUAGE_TOOL = "language_detection"

FIRST_TURNS = 2
"""With ``only_at_conversation_start``, the language may be found out in so many turns of the user."""

TELEPHONE_SECONDS = 60.0
"""How long a telephone may take to transfer a call, or to play tones."""

_TONES = re.compile(r"[0-9*#wW]+")

_REASON = {"type": "string", "description": "Why"}


def _definition(name: str, description: str, required: tuple[str, ...] = (), **properties: Any) -> ToolDefinition:
    schema: dict[str, Any] = {"type": "object", "properties": {"reason": _REASON, **properties}}
    if required:
        schema["required"] = list(required)
    return ToolDefinition(name, description, schema)


def _text(description: str) -> dict[str, str]:
    return {"type": "string", "description": description}


_PLAIN = {
    "end_call": _definition(
        "end_call",
        "End the call, when the user wants to stop or everything has been said. Say goodbye first, or in `message`.",
        ("reason",),
        message=_text("Last words, spoken before the call ends"),
    ),
    "skip_turn": _definition("skip_turn", "Say nothing and wait for the user, for example when they ask for a moment."),
    LANGUAGE_TOOL: _definition(
        LANGUAGE_TOOL,
        "Switch to another language, when the user speaks it or asks for it. Call it before you answer in it.",
        ("reason", "language"),
        language=_text("The language to switch to"),
    ),
    "voicemail_detection": _definition(
        "voicemail_detection",
        "Call this when a voicemail system has answered instead of a person. Say nothing else: the call ends.",
        ("reason",),
    ),
    "play_keypad_touch_tone": _definition(
        "play_keypad_touch_tone",
        "Press keys of the telephone, for example to get through a phone menu or to dial an extension.",
        ("dtmf_tones",),
        dtmf_tones=_text("The keys, of 0-9, * and #; w waits half a second, W a second"),
    ),
    TRANSFER_TO_HUMAN: _definition(
        TRANSFER_TO_HUMAN,
        "Ask for a person to take over, when the user wants one or you cannot help. It may take a while until somebody "
        "comes, and it may be that nobody does: then you are told.",
        ("reason",),
        reason=_text("What the person should know: what the user wants, and why you cannot do it"),
        message_to_user=_text("What the user is told now, for example that somebody is being called"),
    ),
}


def definition(kind: str, config: Mapping[str, Any]) -> ToolDefinition | None:
    """What the model sees of a built-in tool as it is configured; None when there is no such tool."""
    transfers = [t for t in params(config).get("transfers") or () if isinstance(t, Mapping)]
    if kind == "transfer_to_agent":
        return _definition(
            kind,
            "Hand the conversation over to another agent, when its condition is met:\n" + _conditions(transfers),
            ("agent_number",),
            agent_number={
                "type": "integer",
                "description": "The number of the condition that is met",
                "enum": list(range(len(transfers))),
            },
        )
    if kind == "transfer_to_number":
        numbers = [number_of(transfer) for transfer in transfers]
        told = [
            {**transfer, "condition": f"{n}: {transfer.get('condition')}"}
            for n, transfer in zip(numbers, transfers, strict=True)
        ]
        messages = {"agent_message": _text("What the person who is called is told about the conversation")}
        if params(config).get("enable_client_message") is not False:
            messages["client_message"] = _text("What the user is told while they wait")
        return _definition(
            kind,
            "Transfer the call to a telephone number, when its condition is met:\n" + _conditions(told),
            ("transfer_number", *messages),
            transfer_number={"type": "string", "description": "The number to call", "enum": numbers},
            **messages,
        )
    return _PLAIN.get(kind)


def _conditions(transfers: list[Any]) -> str:
    return "\n".join(f"- {number}: {transfer.get('condition') or ''}" for number, transfer in enumerate(transfers))


def params(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """A system tool's ``params``."""
    found = config.get("params")
    return found if isinstance(found, Mapping) else {}


def number_of(transfer: Mapping[str, Any]) -> str:
    """Where a ``PhoneNumberTransfer`` leads: a number, a SIP address or the variable that holds one."""
    destination = transfer.get("transfer_destination")
    if not isinstance(destination, Mapping):
        return str(transfer.get("phone_number") or "")
    if destination.get("type", "").endswith("dynamic_variable"):
        name = destination.get("phone_number") or destination.get("sip_uri") or ""
        return "{{" + str(name).strip("{} ") + "}}"
    return str(destination.get("phone_number") or destination.get("sip_uri") or "")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A call's result: what the model reads, and what the record says of it."""

    text: str
    result: Mapping[str, Any] | None = None
    is_error: bool = False
    error_type: str = ""
    is_called: bool = True


class SystemTools:
    """Runs them, for one conversation."""

    __slots__ = ("_handover", "_has_switched", "_human", "_out", "_transcript", "_variables")

    def __init__(
        self, out: Outgoing, transcript: Transcript, variables: Variables, handover: Handover, human: WaitForHuman
    ) -> None:
        self._out = out
        self._transcript = transcript
        self._variables = variables
        self._handover = handover
        self._human = human
        self._has_switched = False

    def run(self, call: ToolCall, tool: Tool, event_id: int, now: float) -> Outcome | None:
        """The result; None when it comes later."""
        reason = str(call.arguments.get("reason") or "")
        match tool.name:
            case "end_call":
                message = str(call.arguments.get("message") or "").strip()
                said = endings.AGENT_ENDED
                call.then = HangUp(f"{said}: {reason.strip()}" if reason.strip() else said, message)
                result = {"result_type": "end_call_success", "status": "success", "reason": reason, "message": message}
                return Outcome("The call ends after these words.", result)
            case "voicemail_detection":
                message = self._variables.fill_in(str(params(tool.config).get("voicemail_message") or ""), now).strip()
                call.then = HangUp(endings.VOICEMAIL, message, is_message=True)
                return Outcome(
                    "The call ends.", _success("voicemail_detection_success", voicemail_message=message, reason=reason)
                )
            case "skip_turn":
                text = "Skipped: the agent waits for the user."
                return Outcome(text, _success("skip_turn_success", reason=reason))
            case "language_detection":
                return self._switch_language(call, tool, reason)
            case "transfer_to_agent":
                return self._transfer_to_agent(call, tool, now)
            case "transfer_to_number":
                return self._transfer_to_number(call, tool, now)
            case "play_keypad_touch_tone":
                return self._play_tones(call, tool, reason, event_id, now)
            case "x_transfer_to_human":
                return self._transfer_to_human(call, tool, reason, now)
            case _:
                return Outcome(f'There is no built-in tool "{tool.name}".', None, True, "unknown_tool", False)

    def _switch_language(self, call: ToolCall, tool: Tool, reason: str) -> Outcome:
        if (language := call.language) is None:
            known = ", ".join(tool.languages)
            message = f'This agent does not speak "{call.arguments.get("language")}". Its languages: {known}.'
            return Outcome(message, None, True, "unknown_language")
        turns = sum(isinstance(entry, UserEntry) and not entry.is_backchannel for entry in self._transcript.entries)
        if params(tool.config).get("only_at_conversation_start") and turns > FIRST_TURNS and not self._has_switched:
            message = f"The language is settled after {FIRST_TURNS} turns of the user: go on in the present one."
            return Outcome(message, None, True, "too_late")
        self._has_switched = True
        self._out.ask(SwitchLanguage(language))
        text = f"The conversation goes on in the language '{language}': answer in it."
        return Outcome(text, _success("language_detection_success", reason=reason, language=language))

    def _transfer_to_agent(self, call: ToolCall, tool: Tool, now: float) -> Outcome | None:
        transfers = [t for t in params(tool.config).get("transfers") or () if isinstance(t, Mapping)]
        asked = call.arguments.get("agent_number")
        number = int(asked) if isinstance(asked, int | float) or (isinstance(asked, str) and asked.isdigit()) else -1
        if not 0 <= number < len(transfers):
            message = f"Expected an agent_number from 0 to {len(transfers) - 1}, got {asked!r}."
            return Outcome(message, not_transferred(self._handover.setup, message), True, "unknown_agent", False)
        self._handover.ask(call, Transfer.of(transfers[number]), now)
        return None

    def numbers(self, tool: Tool, now: float) -> dict[str, Mapping[str, Any]]:
        """The transfers of ``transfer_to_number``, by where they lead."""
        transfers = [t for t in params(tool.config).get("transfers") or () if isinstance(t, Mapping)]
        return {self._variables.fill_in(number_of(t), now): t for t in transfers}

    def _transfer_to_number(self, call: ToolCall, tool: Tool, now: float) -> Outcome | None:
        by_number = self.numbers(tool, now)
        asked = self._variables.fill_in(str(call.arguments.get("transfer_number") or ""), now)
        if asked not in by_number:
            message = f"Expected a transfer_number out of {', '.join(by_number) or 'none'}, got {asked!r}."
            return Outcome(message, number_not_reached(message), True, "unknown_number", False)
        says = {key: str(call.arguments.get(key) or "") for key in ("client_message", "agent_message")}
        self.call_number(call, asked, by_number[asked], now, **says)
        return None

    def call_number(
        self,
        call: ToolCall,
        number: str,
        transfer: Mapping[str, Any],
        now: float,
        *,
        client_message: str = "",
        agent_message: str = "",
    ) -> None:
        """Have the telephone transfer the call; ``call`` is pending until it has."""
        call.timeout_at = now + TELEPHONE_SECONDS
        self._out.ask(
            TransferToNumber(
                call.call_id,
                number,
                str(transfer.get("transfer_type") or "conference"),
                client_message,
                agent_message,
                transfer,
            )
        )

    def _transfer_to_human(self, call: ToolCall, tool: Tool, reason: str, now: float) -> Outcome:
        """Nobody is waited for here: what comes of it, the model is told as it comes."""
        call.words = str(call.arguments.get("message_to_user") or "").strip()
        if self._human.is_on:
            call.leaves_floor = bool(call.words) or self._human.silences_agent
            seconds = self._human.lasted(now)
            return Outcome(f"A person was asked for {seconds:.0f} s ago already; nobody has come yet.")
        wanted, _ = terms(tool.config)
        call.words = call.words or self._variables.fill_in(wanted.waiting_message, now).strip()
        self._human.begins(reason, "agent", wanted, now)
        call.leaves_floor = bool(call.words) or self._human.silences_agent
        text = f"A person has been asked for, and is waited for up to {wanted.wait_timeout_secs:g} s."
        if self._human.silences_agent:
            return Outcome(f"{text} You say nothing until then.")
        return Outcome(f"{text} Until somebody comes, go on with the user; do not ask for a person again.")

    def _play_tones(self, call: ToolCall, tool: Tool, reason: str, event_id: int, now: float) -> Outcome | None:
        tones = str(call.arguments.get("dtmf_tones") or "")
        if not _TONES.fullmatch(tones):
            message = f"Expected keys out of 0-9, *, #, w and W, got {tones!r}."
            return Outcome(message, tones_not_played(message), True, "invalid_tones", False)
        if self._out.is_asked_for("dtmf_request"):
            self._out.send(DtmfRequest(dtmf_tones=tones, tool_call_id=call.call_id, event_id=event_id))
            return Outcome(f"Pressed {tones}.", _success("play_dtmf_success", dtmf_tones=tones, reason=reason))
        call.timeout_at = now + TELEPHONE_SECONDS
        out_of_band = params(tool.config).get("use_out_of_band_dtmf") is not False
        self._out.ask(PlayTones(call.call_id, tones, is_out_of_band=out_of_band))
        return None


def telephone_result(call: ToolCall, message: str, *, is_error: bool) -> Mapping[str, Any] | None:
    """The record's ``result`` of what a telephone was asked for, when it gives none of its own."""
    kind = call.tool.name if call.tool is not None else ""
    if is_error:
        if kind == "transfer_to_number":
            return number_not_reached(message)
        return tones_not_played(message) if kind == "play_keypad_touch_tone" else None
    if kind == "play_keypad_touch_tone":
        tones = str(call.arguments.get("dtmf_tones") or "")
        return _success("play_dtmf_success", dtmf_tones=tones, reason=str(call.arguments.get("reason") or ""))
    return None


def number_not_reached(why: str) -> dict[str, Any]:
    return {"result_type": "transfer_to_number_error", "status": "error", "error": why, "details": None}


def tones_not_played(why: str) -> dict[str, Any]:
    return {"result_type": "play_dtmf_error", "status": "error", "error": why, "details": None}


def _success(result_type: str, **about: Any) -> dict[str, Any]:
    return {"result_type": result_type, "status": "success", **about}
