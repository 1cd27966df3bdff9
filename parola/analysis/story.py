"""Why a conversation went as it did and ended as it ended, in sentences and as a timeline: pure, from its record.

For everybody who has to explain a call: who called, what was slow, what failed, who hung up. It works for a
conversation that runs, that was refused, and that a killed server left, because each of them has a record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from parola.store.outbox import DeliveryRow

SHOWN = 60
"""Characters of what somebody said."""

LEAST_SECONDS = 0.01
"""What took less is not told as slow."""

MOST_OF_A_KIND = 3
"""Failures and warnings that are told one by one."""

STEPS = {
    "end_of_turn": "waiting for the user to finish",
    "retrieval": "searching the documents",
    "llm": "the language model",
    "sentence": "the language model, until its first sentence",
    "tts": "the voice",
    "tools": "tools, and the model that asked for them",
    "send": "sending",
}

DEEDS = {
    "takeover_begin": "took over",
    "takeover_end": "gave it back",
    "takeover_lapsed": "was away for too long and lost it",
    "human_message": "wrote to the user",
    "human_speech": "spoke to the user",
    "agent_message": "had the agent say something",
    "user_message": "wrote in the user's place",
    "contextual_update": "told the agent something",
    "variables": "set variables",
    "tool_result": "answered a tool",
    "transfer_to_number": "asked for a transfer of the call",
    "waiting_for_human_begin": "asked for a person",
    "waiting_for_human_end": "called off that a person was asked for",
    "end": "ended it",
}
"""What somebody outside the call had done in it, by ``x_commands``' types."""

LOST_CODE = 1006
"""Of a close without a close frame."""

NOTED_WITHIN_SECONDS = 0.25

MOST_DEEDS = 8
"""Of one person, told one by one."""

Record = Mapping[str, Any]


def story(record: Record, deliveries: Sequence[DeliveryRow] = ()) -> list[str]:
    """About ten sentences. ``record`` is a conversation's record as the API gives it."""
    if record["status"] == "initiated":
        return [_announced(record)]
    return [
        *_beginning(record),
        *_course(record),
        *_slowest(record),
        *_interruptions(record),
        *_tools(record),
        *_connections(record),
        *_human_waits(record),
        *_others(record),
        *_warnings(record),
        ending(record),
        *_analysis(record),
        *_webhooks(record, deliveries),
    ]


def _beginning(record: Record) -> Iterator[str]:
    metadata = record["metadata"]
    who = record.get("user_id") or "Somebody"
    agent = record.get("agent_name") or record.get("agent_id")
    started = datetime.fromtimestamp(metadata["start_time_unix_secs"], tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    medium = "by text" if metadata.get("text_only") else "by voice"
    source = metadata.get("conversation_initiation_source")
    by = "" if source in (None, "unknown") else f" with {source}"
    yield f"{who} called {agent} {medium}{by} at {started} ({_plain(metadata.get('authorization_method'))})."
    if waited := metadata.get("queue_wait_secs"):
        yield f"The caller waited {waited:.1f} s for a place."


def _course(record: Record) -> Iterator[str]:
    seconds = record["metadata"]["call_duration_secs"]
    if was_refused(record):
        return
    users, agents = record.get("user_message_count") or 0, record.get("agent_message_count") or 0
    lasted = "has lasted" if record["status"] == "in-progress" else "lasted"
    if (record["metadata"].get("features_usage") or {}).get("pii_zrm_agent"):
        yield f"It {lasted} {_length(seconds)}. What was said is kept nowhere (zero retention)."
        return
    said = "the user said something" if users else "the agent said something" if agents else "nothing was said"
    if users or agents:
        said += f" {_times(users or agents)}"
    if users and agents:
        said += f", the agent {_times(agents)}"
    agent_ids = [ref.get("agent_id") for ref in record.get("visited_agents") or ()]
    moved = f"; it went through {len(agent_ids)} agents: {', '.join(map(str, agent_ids))}" if len(agent_ids) > 1 else ""
    yield f"It {lasted} {_length(seconds)}: {said}{moved}."


def _slowest(record: Record) -> Iterator[str]:
    """The answer that took longest from the user's last sound, and which part of it."""
    found: list[tuple[float, Record, str]] = []
    asked: Mapping[str, Any] = {}
    for turn in record.get("transcript") or ():
        times: Mapping[str, Any] = turn.get("x_timeline") or {}
        if turn.get("contextual_update_info"):
            continue
        if turn.get("role") == "user":
            asked = times
            continue
        if times.get("is_unasked"):
            continue
        steps: dict[str, float] = dict(times.get("latency_secs") or {})
        if turn.get("role") == "agent" and steps.pop("total", 0):
            stopped, closed = asked.get("speech_stopped_secs"), asked.get("closed_secs")
            began = times.get("asked_secs")
            if not steps.get("end_of_turn") and stopped is not None and closed is not None and began is not None:
                # The model was asked once more, with the results: the user has waited since they stopped.
                steps |= {"end_of_turn": closed - stopped, "tools": max(0.0, began - closed)}
            asked = {}
            name, seconds = max(steps.items(), key=lambda step: step[1])
            found.append((sum(steps.values()), turn, f"{seconds:.2f} s of that was {STEPS.get(name, name)}"))
            continue
        metrics = (turn.get("conversation_turn_metrics") or {}).get("metrics") or {}
        first = metrics.get("convai_llm_service_ttfb")
        if turn.get("role") == "agent" and first:
            found.append((first["elapsed_time"], turn, "that was the language model, until its first word"))
    if found:
        seconds, turn, why = max(found, key=lambda one: one[0])
        if seconds < LEAST_SECONDS:
            return
        yield f"The slowest answer took {seconds:.2f} s at the server, at {_at(turn)} ({_quoted(turn)}): {why}."


def _interruptions(record: Record) -> Iterator[str]:
    cut = [turn for turn in record.get("transcript") or () if turn.get("interrupted") and not _cut_by_end(record, turn)]
    if cut:
        moments = ", ".join(_clock((t.get("x_timeline") or {}).get("interrupted_secs", _seconds(t))) for t in cut[:8])
        heard = _quoted(cut[-1])
        yield f"The agent was interrupted {_times(len(cut))}, at {moments}; the last heard of it was {heard}."


def _cut_by_end(record: Record, turn: Record) -> bool:
    """Whether it was not the user who cut in: the conversation ended while this was said."""
    if record["status"] in ("initiated", "in-progress") or turn is not (record.get("transcript") or [None])[-1]:
        return False
    at = (turn.get("x_timeline") or {}).get("interrupted_secs")
    # The length is stored in whole seconds, rounded.
    return at is not None and float(at) > float(record["metadata"]["call_duration_secs"]) - 1


def _tools(record: Record) -> Iterator[str]:
    results = [(turn, r) for turn in record.get("transcript") or () for r in turn.get("tool_results") or ()]
    asked = [call for turn in record.get("transcript") or () for call in turn.get("tool_calls") or ()]
    steps = {call.get("request_id") for call in asked if call.get("type") == "workflow"}
    results = [(turn, r) for turn, r in results if r.get("is_error") or r.get("request_id") not in steps]
    calls = sum(call.get("type") != "workflow" for call in asked) + sum(
        r.get("request_id") in steps for _, r in results
    )
    failed = [(turn, result) for turn, result in results if result.get("is_error")]
    if not calls:
        return
    slowest = max((r.get("tool_latency_secs") or 0.0 for _, r in results), default=0.0)
    took = f", the slowest in {slowest:.2f} s" if slowest >= LEAST_SECONDS else ""
    open_calls = f"; {calls - len(results)} without a result" if calls > len(results) else ""
    yield f"Tools were called {_times(calls)}{took}; {len(failed) or 'none'} of them failed{open_calls}."
    for turn, result in failed[:MOST_OF_A_KIND]:
        kind = _plain(result.get("error_type")) or "failed"
        why = result.get("raw_error_message") or result.get("result_value") or ""
        yield f"  {result.get('tool_name')} at {_at(turn)} ({kind}): {_short(why)}"


def _connections(record: Record) -> Iterator[str]:
    """Where the client's connection was lost, and how it came back."""
    for lost, back in _losses(record):
        fate = "and the client did not come back" if back is None else f"and it was back after {back['away_secs']:g} s"
        yield f"The client's connection was lost at {_clock(_moment(lost))} (code {lost.get('code')}), {fate}."


def _losses(record: Record) -> list[tuple[Record, Record | None]]:
    """Each loss, and the return after it; the last ones, when there were many."""
    events: list[Record] = list(record["metadata"].get("x_connections") or ())
    pairs = [
        (one, next((two for two in events[index + 1 : index + 2] if two["type"] == "x_connection_resumed"), None))
        for index, one in enumerate(events)
        if one["type"] == "x_connection_lost"
    ]
    return pairs[-MOST_OF_A_KIND:]


def _moment(event: Record) -> float:
    return float(event.get("time_in_call_secs") or 0)


def _human_waits(record: Record) -> Iterator[str]:
    """When a person was asked for, and whether one came."""
    for wait in record["metadata"].get("x_waiting_for_human") or ():
        by = str(wait.get("by") or "")
        who = "the agent" if by == "agent" else _name(by)
        why = f" ({_short(wait['reason'])})" if wait.get("reason") else ""
        yield f"At {_clock(_moment(wait))} {who} asked for a person{why}: {_fate_of_wait(record, wait)}."


def _fate_of_wait(record: Record, wait: Record) -> str:
    seconds = f"{float(wait.get('waited_secs') or 0):.0f} s"
    match wait.get("outcome"):
        case "answered":
            return f"{_name(str(wait.get('operator') or ''))} came after {seconds}"
        case "timed_out":
            return f"nobody came within {seconds}"
        case "withdrawn":
            return f"it was called off after {seconds}"
        case "abandoned":
            return f"the call ended after {seconds}, and nobody had come"
    return "nobody has come yet" if record["status"] == "in-progress" else "nobody had come when it ended"


def _others(record: Record) -> Iterator[str]:
    """Who else acted in it: backends, and people who looked after it."""
    by: dict[str, list[str]] = {}
    for at, who, deed in _deeds(record):
        by.setdefault(who, []).append(f"{deed} at {_clock(at)}")
    for who, deeds in by.items():
        more = f" and {len(deeds) - MOST_DEEDS} times more" if len(deeds) > MOST_DEEDS else ""
        yield f"From outside, {who} {', '.join(deeds[:MOST_DEEDS])}{more}."
    left_out: Mapping[str, int] = record["metadata"].get("x_commands_left_out") or {}
    if left_out:
        kinds = ", ".join(f"{count} × {_plain(kind)}" for kind, count in left_out.items())
        yield f"The record does not name all that was done from outside; it leaves out: {kinds}."


def _deeds(record: Record) -> list[tuple[float, str, str]]:
    """(seconds into the conversation, by whom, what), in order."""
    begun = record["metadata"]["start_time_unix_secs"]
    found = [
        (float(one.get("time_in_call_secs", one["time_unix_secs"] - begun)), _doer(one), _deed(one))
        for one in record["metadata"].get("x_commands") or ()
    ]
    for at, turn in _moments(record):
        if (told := turn.get("x_injected_by") or {}).get("type") == "human_speech":
            found.append((at, _name(str(told.get("by") or "")), DEEDS["human_speech"]))
    return sorted(found, key=lambda one: one[0])


def _doer(command: Record) -> str:
    """The person in whose name it was commanded, and the key that did it if that is another."""
    by, person = str(command.get("by") or ""), str(command.get("operator") or "")
    if person and by in ("", "local", person):
        return person
    return f"{person} (by {_name(by)})" if person else _name(by)


def _deed(command: Record) -> str:
    if forced_from := command.get("forced_from"):
        return f"took it away from {_name(str(forced_from))}"
    return DEEDS.get(str(command["type"]), _plain(command["type"]))


def _name(who: str) -> str:
    if who.startswith("local-"):
        return f"somebody without a key ({who})"
    return {"": "somebody", "local": "somebody without a key"}.get(who, who)


def _warnings(record: Record) -> Iterator[str]:
    warnings = list(dict.fromkeys(record["metadata"].get("warnings") or ()))
    for warning in warnings[:MOST_OF_A_KIND]:
        yield f"Warning: {warning}"
    if len(warnings) > MOST_OF_A_KIND:
        yield f"… and {len(warnings) - MOST_OF_A_KIND} more warnings in the record."


def _announced(record: Record) -> str:
    """Of a conversation that only has its id: what its metadata says of a caller is not known yet."""
    agent = record.get("agent_name") or record.get("agent_id")
    announced = datetime.fromtimestamp(record["metadata"]["start_time_unix_secs"], tz=UTC)
    return f"A conversation with {agent} was announced at {announced:%Y-%m-%d %H:%M:%S UTC}; nobody has called yet."


def ending(record: Record) -> str:
    """Who ended it, why, and with which close frame."""
    metadata, status = record["metadata"], record["status"]
    if status == "initiated":
        return _announced(record)
    if status == "in-progress":
        return "It still runs."
    close: Mapping[str, Any] = metadata.get("x_close") or {}
    reason = _sentence(metadata.get("termination_reason") or close.get("reason") or "No reason was stored")
    frame = f"close {close['code']}" if close.get("code") is not None else "no close frame is known"
    if close.get("reason"):
        frame += f" “{close['reason']}”"
    if was_refused(record):
        return f"It was refused before it began: {reason} ({frame})"
    if close.get("by") == "crash":
        last = next((_at(turn) for turn in reversed(record.get("transcript") or ())), None)
        known = f"The last thing stored of it is from {last}." if last else "Nothing was stored of it."
        return f"The server was killed or crashed while it ran; no close frame was sent. {known}"
    left = "The connection to the client was lost" if _was_cut_off(close) else "The client hung up"
    if close.get("by") != "client":
        away = " The client was away, and was not told." if close.get("client_away") else ""
        return f"{_who_ended(record)}: {reason} ({frame}){away}"
    match close.get("cause"):
        case "client":
            return f"{left}: {reason} ({frame})"
        case "client_lost":
            return f"The client was waited for in vain: {reason} ({frame})"
        case None:  # a record from before there were causes
            losses = _losses(record)
            is_awaited = bool(losses) and losses[-1][1] is None
            return f"{'The client was waited for in vain' if is_awaited else left}: {reason} ({frame})"
    return f"{_who_ended(record)}: {reason} {left} during the last words. ({frame})"


def _was_cut_off(close: Record) -> bool:
    """The client sent no close frame: its connection broke."""
    return close.get("by") == "client" and close.get("code") == LOST_CODE


def _who_ended(record: Record) -> str:
    metadata = record["metadata"]
    cause = (metadata.get("x_close") or {}).get("cause")
    has_failed = record["status"] == "failed" or bool(metadata.get("error"))
    commands: Sequence[Record] = metadata.get("x_commands") or ()
    if cause == "agent" or (cause is None and _agent_hung_up(record)):
        return "The agent ended it"
    if cause == "command":
        by = next((f" by {_doer(one)}" for one in reversed(commands) if one.get("type") == "end"), "")
        return f"It was ended from outside{by}"
    if cause is None and not has_failed and commands and commands[-1].get("type") == "end":
        return f"It was ended from outside by {_doer(commands[-1])}"
    return "The server ended it after a failure" if has_failed else "The server ended it"


def _agent_hung_up(record: Record) -> bool:
    names = [
        result.get("tool_name")
        for turn in record.get("transcript") or ()
        for result in turn.get("tool_results") or ()
        if not result.get("is_error")
    ]
    return bool(names) and names[-1] in ("end_call", "voicemail_detection")


def was_refused(record: Record) -> bool:
    """It never began: what would have been its first frame was its close."""
    close: Mapping[str, Any] = record["metadata"].get("x_close") or {}
    return record["status"] == "failed" and bool(close.get("refused"))


def _analysis(record: Record) -> Iterator[str]:
    analysis = record.get("analysis")
    if record["status"] == "processing":
        yield "It is being analysed."
    elif analysis and not analysis.get("x_error"):
        judged = {
            name: result.get("result") for name, result in (analysis.get("evaluation_criteria_results") or {}).items()
        }
        criteria = f" ({', '.join(f'{name}: {result}' for name, result in judged.items())})" if judged else ""
        title = f" “{analysis['call_summary_title']}”" if analysis.get("call_summary_title") else ""
        yield f"The analysis says {analysis.get('call_successful')}{criteria}{title}."


def _webhooks(record: Record, deliveries: Sequence[DeliveryRow]) -> Iterator[str]:
    if record["status"] in ("initiated", "in-progress"):
        return
    for delivery in deliveries:
        if delivery.status == "skipped" and delivery.reason == "not_configured":
            continue
        attempts = len(delivery.attempts)
        where = f" to {delivery.endpoint}" if delivery.endpoint else ""
        match delivery.status:
            case "delivered":
                fate = f"was delivered at attempt {attempts}" if attempts else "was delivered"
            case "skipped":
                fate = f"was not sent: {_plain(delivery.reason)}"
            case "dead":
                fate = f"was given up after {attempts} attempts: {_plain(delivery.reason)}"
            case "held":
                fate = "is held until the conversation has ended"
            case _:
                fate = f"is on its way, {attempts} attempt{'' if attempts == 1 else 's'} so far"
                fate += f", the last one: {_plain(delivery.reason)}" if delivery.reason else ""
        yield f"The webhook {delivery.type}{where} {fate}."


# -- the timeline -----------------------------------------------------------------------------------------------------


def timeline(record: Record) -> list[dict[str, Any]]:
    """What happened when: ``at_secs`` into the conversation, ``event``, and a few words."""
    events: list[dict[str, Any]] = [_event(0.0, "began", str(record["metadata"].get("authorization_method") or ""))]
    commanded: list[dict[str, Any]] = []
    for began_at, turn in _moments(record):
        at = max(began_at, _commanded_at(record, turn, began_at))
        times: Mapping[str, Any] = turn.get("x_timeline") or {}
        if turn.get("message"):
            told = turn.get("x_injected_by") or {}
            whose = f"{_name(str(told.get('by') or ''))}: " if told else ""
            said = _event(at, _kind(turn), whose + _short(turn["message"]))
            (commanded if told and told.get("type") != "human_speech" else events).append(said)
        results = {result.get("request_id"): result for result in turn.get("tool_results") or ()}
        for call in turn.get("tool_calls") or ():
            result = results.get(call.get("request_id")) or {}
            outcome = "failed" if result.get("is_error") else "answered" if result else "has no result"
            took = f" in {result['tool_latency_secs']:.2f} s" if result.get("tool_latency_secs") else ""
            kind = "workflow" if call.get("type") == "workflow" else "tool"
            events.append(_event(at, kind, f"{call.get('tool_name')} {outcome}{took}"))
        if times.get("interrupted_secs") is not None and not _cut_by_end(record, turn):
            events.append(_event(times["interrupted_secs"], "interruption", f"heard: {_short(turn.get('message'))}"))
    events += [_event(at, "command", f"{who} {deed}") for at, who, deed in _deeds(record)]
    events += commanded  # of the same moment: first the command, then what came of it
    for wait in record["metadata"].get("x_waiting_for_human") or ():
        events.append(_event(_moment(wait), "person asked for", _fate_of_wait(record, wait)))
    for lost, back in _losses(record):
        events.append(_event(_moment(lost), "connection lost", f"code {lost.get('code')}"))
        if back is not None:
            events.append(_event(_moment(back), "connection resumed", f"after {back['away_secs']:g} s"))
    if record["status"] not in ("initiated", "in-progress"):
        close: Mapping[str, Any] = record["metadata"].get("x_close") or {}
        whose = f"by {close.get('by', 'nobody knows whom')}"
        if _was_cut_off(close):
            whose = "the client's connection was lost"
        elif close.get("client_away"):
            whose += ", while the client was away"
        words = f"{close.get('code', '')} {close.get('reason') or ''} ({whose})"
        events.append(_event(float(record["metadata"]["call_duration_secs"]), "close", words.strip()))
    began, *rest = events
    # The length of a conversation is stored in whole seconds: its end comes last all the same.
    last = [rest.pop()] if rest and rest[-1]["event"] == "close" else []
    return [began, *sorted(rest, key=lambda event: event["at_secs"]), *last]


def _kind(turn: Record) -> str:
    """Whose turn it is; ``context`` when it is nobody's: an application let the agent know something."""
    return "context" if turn.get("contextual_update_info") else str(turn.get("role"))


def _commanded_at(record: Record, turn: Record, at: float) -> float:
    """When it was noted that a turn of ``at`` was commanded, which is a moment after it happened: the command has to
    come first all the same. 0 when nobody commanded it."""
    told = turn.get("x_injected_by") or {}
    moments = (
        float(one.get("time_in_call_secs") or 0)
        for one in record["metadata"].get("x_commands") or ()
        if one.get("type") == told.get("type")
    )
    return max((moment for moment in moments if at < moment <= at + NOTED_WITHIN_SECONDS), default=0.0)


def _moments(record: Record) -> Iterator[tuple[float, Record]]:
    """Every turn, and when it began. Of some only the whole second is known: they keep their place among the others."""
    turns: Sequence[Record] = record.get("transcript") or ()
    known = [_began(turn) for turn in turns]
    before = 0.0
    for place, turn in enumerate(turns):
        at = known[place]
        if at is None:
            after = next((moment for moment in known[place:] if moment is not None), _seconds(turn))
            at = max(before, min(_seconds(turn), after))
        before = at
        yield at, turn


def _began(turn: Record) -> float | None:
    times: Mapping[str, Any] = turn.get("x_timeline") or {}
    began: float | None = times.get("speech_started_secs", times.get("first_audio_sent_secs", turn.get("x_at_secs")))
    return began


def _event(at: float, event: str, words: str) -> dict[str, Any]:
    return {"at_secs": round(float(at), 3), "event": event, "words": words}


# -- words ------------------------------------------------------------------------------------------------------------


def _seconds(turn: Record) -> float:
    return float(turn.get("time_in_call_secs") or 0)


def _at(turn: Record) -> str:
    return _clock(_seconds(turn))


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _length(seconds: float) -> str:
    return f"{_clock(seconds)} min" if seconds >= 1 else "less than a second"


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _quoted(turn: Record) -> str:
    return f"“{_short(turn.get('message'))}”" if turn.get("message") else "without a word"


def _short(text: Any) -> str:
    said = " ".join(str(text or "").split())
    return said if len(said) <= SHOWN else said[: SHOWN - 1] + "…"


def _plain(code: Any) -> str:
    return str(code or "").replace("_", " ")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
