"""What has been said and done, kept once and shown twice: to the model as messages, to the record as turns.

The record's turns have the shape of ``TranscriptResponse`` (reference: rest-schemas.md §3), the messages that of
OpenAI chat. An interrupted reply is remembered as it was heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from parola.conversation.events import Attachment
from parola.conversation.nested_history import shortened
from parola.conversation.timeline import AgentTimeline, UserTimeline
from parola.conversation.tool_results import AWAITS_APPROVAL, IN_BACKGROUND, for_model
from parola.conversation.tools import ToolCall

SILENCE = "..."
"""What the model reads when the user said nothing and the agent speaks again."""


@dataclass(frozen=True, slots=True)
class AgentRef:
    """Who speaks: an agent, and where in its workflow."""

    agent_id: str
    branch_id: str | None = None
    node_id: str | None = None
    version_id: str | None = None


@dataclass(frozen=True, slots=True)
class Injected:
    """Who put something into a conversation from outside it, and how."""

    type: str
    by: str
    role_label: str = ""

    @property
    def record(self) -> dict[str, str]:
        """The record's ``x_injected_by``."""
        label = {"role_label": self.role_label} if self.role_label else {}
        return {"type": self.type, "by": self.by, **label}


BEGINNINGS = frozenset({"speech_started_secs", "first_audio_sent_secs"})
"""Points of ``x_timeline`` that say when a turn began. One without them has ``x_at_secs``."""


@dataclass(slots=True)
class UserEntry:
    text: str
    event_id: int
    at: float
    medium: Literal["audio", "text", "file"]
    files: tuple[Attachment, ...] = ()
    times: UserTimeline | None = None
    """None for what was written."""
    is_backchannel: bool = False
    """It left the floor to the agent: kept, and not shown to the model."""
    injected: Injected | None = None


@dataclass(slots=True)
class SilenceEntry:
    """The user's turn passed without a word."""

    at: float
    was_skipped: bool = False
    """The agent had left its own turn to the user before."""


@dataclass(slots=True)
class ContextEntry:
    """Background a client sent; superseded when the same ``context_id`` came again."""

    text: str
    at: float
    context_id: str | None = None
    is_superseded: bool = False
    injected: Injected | None = None


@dataclass(slots=True)
class AgentEntry:
    text: str
    event_id: int
    at: float
    heard: str | None = None
    """What reached the caller, when that is less than ``text``."""
    calls: list[ToolCall] = field(default_factory=list)
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    usage: Mapping[str, Any] = field(default_factory=dict)
    """Tokens by kind, with prices; empty when that was not told."""
    llm_override: str = ""
    """The ``llm`` that answered in place of the agent's own."""
    reasoning: str = ""
    """What the model thought, as far as somebody wanted to know."""
    has_reasoned: bool = False
    metrics: dict[str, float] = field(default_factory=dict)
    """Seconds, by the platform's names for them."""
    feedback: tuple[str, float] | None = None
    """``like`` or ``dislike``, and when."""
    times: AgentTimeline | None = None
    voices: Sequence[tuple[str | None, str]] = ()
    """The text by who says it: (label of a further voice, words)."""
    guardrails: list[Mapping[str, Any]] = field(default_factory=list)
    """Those that stopped it (``triggered_guardrails``)."""
    is_filler: bool = False
    """Said while the model was slow: the user heard it, the model need not know."""
    retrieval: Mapping[str, Any] | None = None
    """What was found for it, as the record has it."""
    used_document_ids: Sequence[str] = ()
    """Documents it relies on."""
    is_step: bool = False
    """The workflow moved on by itself: recorded, and not shown to the model, which did not ask for it."""
    agent: AgentRef | None = None
    injected: Injected | None = None
    """Somebody else put these words into its mouth."""

    @property
    def is_interrupted(self) -> bool:
        return self.heard is not None

    @property
    def is_worth_keeping(self) -> bool:
        """Something was said or done. A reply that was cut before a word of it left is not."""
        return bool(self.text or self.calls or self.guardrails)

    @property
    def said(self) -> str:
        return self.text if self.heard is None else self.heard

    @property
    def parts(self) -> list[tuple[str | None, str]]:
        """What was said by whom, as far as it was heard; empty when the agent used its own voice only."""
        if all(label is None for label, _ in self.voices):
            return []
        whole = "".join(text for _, text in self.voices)
        left = len(whole)
        if self.heard is not None:
            left = left - len(whole.lstrip()) + len(self.heard.removesuffix("..."))
        parts = []
        for label, text in self.voices:
            if said := text[:left].strip():
                parts.append((label, said))
            left = max(0, left - len(text))
        return parts


@dataclass(slots=True)
class LateResultEntry:
    """A call that ran in the background has its result. Shown to the model here; the record has it at the call."""

    call: ToolCall
    at: float


@dataclass(slots=True)
class NoteEntry:
    """What the model should know of the conversation itself; not in the record."""

    text: str
    at: float


Entry = UserEntry | SilenceEntry | ContextEntry | AgentEntry | LateResultEntry | NoteEntry


class Transcript:
    """The entries in order. Times are monotonic seconds; ``started_at`` is the conversation's zero."""

    def __init__(self, agent: AgentRef, started_at: float) -> None:
        self.entries: list[Entry] = []
        self.agent = agent
        """Who has the conversation."""
        self._started_at = started_at

    def add(self, entry: Entry) -> int:
        """Append; returns the entry's index."""
        if isinstance(entry, AgentEntry):
            entry.agent = self.agent
        self.entries.append(entry)
        return len(self.entries) - 1

    def agent_entry(self, index: int) -> AgentEntry:
        entry = self.entries[index]
        assert isinstance(entry, AgentEntry)
        return entry

    def add_context(self, text: str, at: float, context_id: str | None, injected: Injected | None = None) -> list[int]:
        """Background from the client: it replaces what came under the same id. Returns the indexes that changed."""
        changed = []
        for index, entry in enumerate(self.entries):
            match entry:
                case ContextEntry(context_id=str(older), is_superseded=False) if older == context_id:
                    entry.is_superseded = True
                    changed.append(index)
        return [*changed, self.add(ContextEntry(text, at, context_id, injected=injected))]

    def rate(self, event_id: int, score: str | None, at: float) -> list[int]:
        """Rate the reply of this event id, or take the rating back. Returns the indexes that changed."""
        index = self._rated(event_id)
        if index is None:
            return []
        entry = self.agent_entry(index)
        entry.feedback = None if score is None else (score, at)
        return [index] if entry.is_worth_keeping else []

    def _rated(self, event_id: int) -> int | None:
        """The agent entry that a rating of this event id means: the last one with content."""
        found: int | None = None
        for index, entry in enumerate(self.entries):
            if (
                isinstance(entry, AgentEntry)
                and entry.event_id == event_id
                and (found is None or entry.is_worth_keeping)
            ):
                found = index
        return found

    def agent_turns(self, *, of_agent: bool = False, of_node: bool = False) -> int:
        """How often the agent has spoken, or done something; only those of the present agent, or of its node."""
        now = self.agent
        return len(
            {
                e.event_id
                for e in self.entries
                if isinstance(e, AgentEntry)
                and e.is_worth_keeping
                and not e.is_step
                and (not of_agent or (e.agent is not None and e.agent.agent_id == now.agent_id))
                and (not of_node or (e.agent is not None and e.agent.node_id == now.node_id))
            }
        )

    @property
    def last_of_agent(self) -> str:
        """What the agent said last, as far as it was heard."""
        return next((e.said for e in reversed(self.entries) if isinstance(e, AgentEntry) and e.said), "")

    def last_agent_index(self) -> int | None:
        """Where the agent's last entry stands."""
        return next((i for i in range(len(self.entries) - 1, -1, -1) if isinstance(self.entries[i], AgentEntry)), None)

    def last_before(self, event_id: int) -> str:
        """The same, before the agent's turn of this id."""
        entries = (e for e in reversed(self.entries) if isinstance(e, AgentEntry) and e.event_id < event_id)
        return next((entry.said for entry in entries if entry.said), "")

    def has_said(self, event_id: int) -> bool:
        """The agent has said something in its turn of this id."""
        return any(isinstance(e, AgentEntry) and e.event_id == event_id and bool(e.said) for e in self.entries)

    @property
    def user_has_spoken(self) -> bool:
        return any(isinstance(entry, UserEntry) for entry in self.entries)

    # -- for the model ------------------------------------------------------------------------------------------------

    def messages(self, files_in_memory: int) -> list[dict[str, Any]]:
        """Chat messages, without the system prompt. Only the last ``files_in_memory`` files are shown whole."""
        total = sum(len(entry.files) for entry in self.entries if isinstance(entry, UserEntry))
        forgotten = max(0, total - files_in_memory)
        messages: list[dict[str, Any]] = []
        for entry in self.entries:
            match entry:
                case UserEntry(is_backchannel=True) | AgentEntry(is_filler=True) | AgentEntry(is_step=True):
                    pass
                case UserEntry():
                    hidden = min(forgotten, len(entry.files))
                    forgotten -= hidden
                    messages.append({"role": "user", "content": _user_content(entry, hidden)})
                case SilenceEntry():
                    messages.append({"role": "user", "content": SILENCE})
                case NoteEntry():
                    messages.append({"role": "system", "content": entry.text})
                case ContextEntry(is_superseded=False):
                    messages.append({"role": "system", "content": f"Context update: {entry.text}"})
                case AgentEntry():
                    messages.extend(_agent_messages(entry))
                case LateResultEntry(call=call):
                    messages.extend(_late_result(call))
        return messages

    def history(self) -> str:
        """``system__conversation_history`` (reference: webhooks.md §7)."""
        entries: list[dict[str, Any]] = []
        for entry in self.entries:
            match entry:
                case UserEntry():
                    entries.append({"role": "user", "message": entry.text})
                case AgentEntry():
                    if entry.said:
                        entries.append({"role": "agent", "message": entry.said})
                    if entry.calls:
                        requests = [
                            {"tool_name": c.name, "params_as_json": shortened(orjson.dumps(c.arguments).decode())}
                            for c in entry.calls
                        ]
                        entries.append({"role": "agent", "tool_requests": requests})
                        results = [
                            {"tool_name": c.name, "result_value": shortened(c.result)}
                            for c in entry.calls
                            if c.result is not None
                        ]
                        entries.append({"role": "tool", "tool_results": results})
        return orjson.dumps({"x-elevenlabs-history": True, "entries": entries}).decode()

    # -- for the record -----------------------------------------------------------------------------------------------

    @property
    def has_user_spoken(self) -> bool:
        """Or typed; silence says nothing."""
        return any(isinstance(entry, UserEntry) for entry in self.entries)

    def turn(self, index: int) -> dict[str, Any]:
        """One entry as the record keeps it."""
        entry = self.entries[index]
        turn: dict[str, Any] = {
            "role": "agent" if isinstance(entry, AgentEntry) else "user",
            "message": None,
            "tool_calls": [],
            "tool_results": [],
            "feedback": None,
            "time_in_call_secs": self._seconds(entry.at),
            "conversation_turn_metrics": None,
            "interrupted": False,
            "original_message": None,
        }
        match entry:
            case UserEntry():
                turn |= {"message": entry.text, "source_medium": entry.medium, "source_event_id": entry.event_id}
                if entry.is_backchannel:
                    turn["ignored_as_backchannel"] = True
                if entry.times is not None:
                    turn["x_timeline"] = entry.times.record(self._started_at)
                if entry.files:
                    turn["file_inputs"] = [
                        {"file_id": f.file_id, "original_filename": f.name, "mime_type": f.mime_type, "file_url": ""}
                        for f in entry.files
                    ]
            case SilenceEntry():
                turn |= {
                    "message": SILENCE,
                    "platform_event": "skip_turn_wait_elapsed" if entry.was_skipped else "user_turn_timeout",
                }
            case ContextEntry():
                info = {"context_id": entry.context_id or "", "is_superseded": entry.is_superseded}
                turn |= {"message": entry.text, "source_medium": "text", "contextual_update_info": info}
            case AgentEntry():
                turn |= self._agent_turn(entry)
        match entry:
            case UserEntry(injected=Injected() as who) | ContextEntry(injected=Injected() as who):
                turn["x_injected_by"] = who.record
            case AgentEntry(injected=Injected() as who):
                medium = "audio" if who.type == "human_speech" else "text"
                turn |= {"x_injected_by": who.record, "source_medium": medium}
        if not BEGINNINGS.intersection(turn.get("x_timeline", ())):
            turn["x_at_secs"] = round(max(0.0, entry.at - self._started_at), 3)
        return turn

    def _agent_turn(self, entry: AgentEntry) -> dict[str, Any]:
        turn: dict[str, Any] = {
            "message": entry.said or None,
            "agent_metadata": _metadata(entry.agent or self.agent),
            "interrupted": entry.is_interrupted,
            "original_message": entry.text if entry.is_interrupted else None,
            "source_event_id": entry.event_id,
            "tool_calls": [tool_call(call) for call in entry.calls],
            "tool_results": [tool_result(call) for call in entry.calls if call.result is not None],
        }
        if parts := entry.parts:
            seconds = self._seconds(entry.at)
            turn["multivoice_message"] = {
                "parts": [{"text": text, "voice_label": name, "time_in_call_secs": seconds} for name, text in parts]
            }
        if entry.model:
            turn["producing_llm"] = entry.model
        if entry.llm_override:
            turn["llm_override"] = entry.llm_override
        if entry.has_reasoned:
            turn["reasoned"] = True
        if entry.reasoning:
            turn["reasoning"] = [{"summary": entry.reasoning.strip(), "provider_redact": False}]
        if entry.input_tokens or entry.output_tokens:
            usage: Mapping[str, Any] = entry.usage or {
                "input": {"tokens": entry.input_tokens},
                "output_total": {"tokens": entry.output_tokens},
            }
            turn["llm_usage"] = {"model_usage": {entry.model: usage}}
        if entry.retrieval is not None:
            turn["rag_retrieval_info"] = dict(entry.retrieval)
        if entry.used_document_ids:
            turn["used_static_kb_document_ids"] = list(entry.used_document_ids)
        if entry.metrics:
            metrics = {name: {"elapsed_time": round(seconds, 4)} for name, seconds in entry.metrics.items()}
            turn["conversation_turn_metrics"] = {"metrics": metrics}
        if entry.guardrails:
            turn["triggered_guardrails"] = list(entry.guardrails)
        if entry.times is not None:
            turn["x_timeline"] = entry.times.record(self._started_at)
        if entry.feedback is not None:
            score, at = entry.feedback
            turn["feedback"] = {"score": score, "time_in_call_secs": self._seconds(at)}
        return turn

    def _seconds(self, at: float) -> int:
        return max(0, int(at - self._started_at))


def tool_call(call: ToolCall) -> dict[str, Any]:
    """``TranscriptToolCall``."""
    return {
        "type": call.type,
        "request_id": call.call_id,
        "tool_name": call.name,
        "params_as_json": orjson.dumps(call.arguments).decode(),
        "tool_has_been_called": call.is_called,
        "tool_id": call.tool.tool_id if call.tool else None,
        "tool_details": call.details,
    }


def tool_result(call: ToolCall) -> dict[str, Any]:
    """A result as the record has it; those of tools that run here have a ``result`` of their own shape."""
    result: dict[str, Any] = {
        "type": call.type,
        "request_id": call.call_id,
        "tool_name": call.name,
        "result_value": call.result,
        "is_error": call.is_error,
        "tool_has_been_called": call.is_called,
        "tool_latency_secs": round((call.finished_at or call.called_at) - call.called_at, 3),
        "error_type": call.error_type,
        "raw_error_message": call.raw_error,
        "dynamic_variable_updates": list(call.updates),
    }
    if call.type in ("system", "workflow"):
        result["result"] = call.outcome
    return result


def _metadata(agent: AgentRef) -> dict[str, Any]:
    metadata: dict[str, Any] = {"agent_id": agent.agent_id}
    if agent.branch_id is not None:
        metadata["branch_id"] = agent.branch_id
    if agent.node_id is not None:
        metadata["workflow_node_id"] = agent.node_id
    if agent.version_id is not None:
        metadata["version_id"] = agent.version_id
    return metadata


def _user_content(entry: UserEntry, hidden: int) -> str | list[dict[str, Any]]:
    if not entry.files:
        return entry.text
    parts: list[dict[str, Any]] = [{"type": "text", "text": entry.text}] if entry.text else []
    for position, file in enumerate(entry.files):
        if position < hidden:
            parts.append({"type": "text", "text": f"[file {file.name}, no longer shown]"})
        else:
            parts.append(dict(file.content))
    return parts


def _agent_messages(entry: AgentEntry) -> Iterable[dict[str, Any]]:
    # The model reads its own voices' labels again, or it would forget to write them.
    voiced = " ".join(text if label is None else f"<{label}>{text}</{label}>" for label, text in entry.parts)
    message: dict[str, Any] = {"role": "assistant", "content": voiced or entry.said}
    if entry.calls:
        message["tool_calls"] = [_call_message(call, _id_for_model(call)) for call in entry.calls]
    if entry.said or entry.calls:
        yield message
    for call in entry.calls:
        content = for_model(call)
        if call.is_background:
            content = AWAITS_APPROVAL if call.awaits_approval else IN_BACKGROUND
        yield {"role": "tool", "tool_call_id": _id_for_model(call), "content": content}


def _late_result(call: ToolCall) -> Iterable[dict[str, Any]]:
    """A result is data and has to stand in a ``tool`` message, which has to follow a call: it is shown as if the model
    had asked for it now."""
    call_id = f"{_id_for_model(call)}_late"
    yield {"role": "assistant", "content": "", "tool_calls": [_call_message(call, call_id)]}
    yield {"role": "tool", "tool_call_id": call_id, "content": for_model(call)}


def _call_message(call: ToolCall, call_id: str) -> dict[str, Any]:
    function = {"name": call.name, "arguments": orjson.dumps(call.arguments).decode()}
    return {"id": call_id, "type": "function", "function": function}


def _id_for_model(call: ToolCall) -> str:
    """Without the tool's name: OpenAI takes ids of at most 40 characters."""
    return call.call_id.rpartition("_")[2]
