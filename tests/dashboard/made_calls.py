"""Conversations as a server would have kept them, made without holding them: one with everything in it, and one of two
hours with 5,000 events. Written straight into a data folder, before a server opens it.

    python -m tests.dashboard.made_calls FOLDER
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from parola.session.mixing import Mp3, Track
from parola.store.base import ConversationChange, ConversationRow, events_of, stereo_of
from parola.store.sql import SqlStore

RICH = "conv_made_rich"
LONG = "conv_made_long"
STARTED_AT = 1_795_200_000.0

Turn = dict[str, Any]


async def make(folder: Path, *, hours: float = 2.0, events: int = 5000) -> None:
    """Both conversations."""
    store = SqlStore(folder)
    await store.open()
    try:
        turns, audio = rich()
        await _keep(store, RICH, turns, audio, seconds=62, metadata=RICH_METADATA, analysis=RICH_ANALYSIS, copies=1)
        _log(store, RICH, turns, most=400)
        minutes = int(hours * 60)
        turns, audio = long(minutes)
        await _keep(store, LONG, turns, audio, seconds=minutes * 60, metadata={}, analysis=None, copies=minutes)
        _log(store, LONG, turns, most=events)
    finally:
        await store.aclose()


async def _keep(
    store: SqlStore,
    conversation_id: str,
    turns: list[Turn],
    audio: tuple[np.ndarray, np.ndarray],
    *,
    seconds: int,
    metadata: Mapping[str, Any],
    analysis: Mapping[str, Any] | None,
    copies: int,
) -> None:
    close = {"x_close": {"code": 1000, "reason": "The agent ended the call", "by": "server", "status": "done"}}
    document: dict[str, Any] = {"metadata": {**close, "main_language": "en", "charging": CHARGING, **metadata}}
    if analysis is not None:
        document["analysis"] = dict(analysis)
    row = ConversationRow(
        conversation_id,
        "agent_demo",
        "in-progress",
        STARTED_AT if conversation_id == RICH else STARTED_AT - 9000,
        document,
        agent_name="Trattoria Parola (demo)",
        user_id="user_4711",
        source="python_sdk",
    )
    await store.conversations.create(row)
    change = ConversationChange(
        turns=dict(enumerate(turns)),
        status="done",
        ended_at=row.started_at + seconds,
        termination_reason="The agent ended the call",
        has_audio=True,
        rating=4 if conversation_id == RICH else None,
    )
    await store.conversations.write(conversation_id, change)
    user, agent = audio
    path = store.recording_path(conversation_id)
    for file, channels in ((path, (user + agent,)), (stereo_of(path), (user, agent))):
        _encode(file, *channels)
        # Frames of an MP3 may stand behind each other as often as one likes: nobody encodes two hours for a test.
        file.write_bytes(file.read_bytes() * copies)


def _encode(path: Path, *channels: Track) -> None:
    with Mp3(path, len(channels)) as encoded:
        encoded.add(*channels)
    encoded.keep()


# -- what is said -----------------------------------------------------------------------------------------------------


def user(
    began: float, stopped: float, text: str, *, verdict: str = "finished", wait: float = 0.45, **more: Any
) -> Turn:
    """A turn of the user, by voice: its words are there 0.3 s after the last sound."""
    words = {"finished": "closed", "unfinished": "open", "spelling": "spelling"}.get(verdict, "plain")
    verdicts: list[dict[str, Any]] = [
        {
            "at_secs": stopped + 0.19,
            "verdict": "silence",
            "wait_secs": 0.5,
            "turn_probability": None,
            "wording": "none",
        },
        {"at_secs": stopped + 0.24, "verdict": verdict, "wait_secs": wait, "turn_probability": 0.93, "wording": "none"},
        {"at_secs": stopped + 0.3, "verdict": verdict, "wait_secs": wait, "turn_probability": 0.93, "wording": words},
    ]
    times = {
        "speech_started_secs": began,
        "speech_stopped_secs": stopped,
        "transcribed_secs": round(stopped + 0.3, 3),
        "closed_secs": round(stopped + max(wait, 0.3), 3),
        "closed_because": verdict,
        "verdicts": [{**one, "at_secs": round(one["at_secs"], 3)} for one in verdicts],
    }
    turn = {"role": "user", "message": text, "time_in_call_secs": int(began), "source_medium": "audio"}
    return {**turn, "x_timeline": times, **more}


def agent(after: Turn | None, text: str, *, llm: float, voice: float, asked: float | None = None, **more: Any) -> Turn:
    """An answer to a turn of the user, with what the model and the voice took; ``asked``: it answers nobody."""
    times = (after or {}).get("x_timeline") or {}
    stopped, closed = times.get("speech_stopped_secs"), times.get("closed_secs")
    start = closed if asked is None else asked
    assert start is not None
    sent = start + llm + 0.06 + voice + 0.004
    steps = {"end_of_turn": closed - stopped if closed and stopped and asked is None else 0.0, "llm": llm}
    steps |= {"sentence": 0.06, "tts": voice, "send": 0.004}
    steps = {name: round(seconds, 3) for name, seconds in steps.items()}
    timeline = {
        "asked_secs": start,
        "first_token_secs": start + llm,
        "first_sentence_secs": start + llm + 0.06,
        "tts_first_byte_secs": start + llm + 0.06 + voice,
        "first_audio_sent_secs": sent,
    }
    told = {name: round(at, 3) for name, at in timeline.items()} | more.pop("times", {})
    told |= {"is_speculative": False, "latency_secs": {**steps, "total": round(sum(steps.values()), 3)}}
    turn = {"role": "agent", "message": text, "time_in_call_secs": int(sent), "producing_llm": "llama-3.3-70b"}
    return {"agent_metadata": {"agent_id": "agent_demo"}, **turn, "x_timeline": told, **more}


def tool(name: str, params: Mapping[str, Any], result: Any, seconds: float, **more: Any) -> dict[str, Any]:
    """``tool_calls`` and ``tool_results`` of a turn with one call."""
    known = {"type": more.pop("type", "webhook"), "request_id": f"{name}_1", "tool_name": name}
    call = {**known, "params_as_json": orjson.dumps(params).decode(), "tool_has_been_called": True}
    told = {"result_value": orjson.dumps(result).decode(), "is_error": False, "tool_latency_secs": seconds}
    return {"tool_calls": [call], "tool_results": [{**known, **told, "tool_has_been_called": True, **more}]}


def rich() -> tuple[list[Turn], tuple[np.ndarray, np.ndarray]]:
    """A minute in which everything happens, and how it sounds."""
    hello = agent(None, "Hello Ann, this is Trattoria Parola. How can I help you?", llm=0.01, voice=0.3, asked=0.1)
    table = user(4.6, 7.1, "Hi, I would like to book a table for tomorrow evening.")
    many = agent(
        table,
        "With pleasure. For how many people, and at what",
        llm=0.21,
        voice=0.16,
        interrupted=True,
        original_message="With pleasure. For how many people, and at what time? We are open until ten.",
        times={"interrupted_secs": 11.2},
    )
    four = user(11.0, 13.4, "Four people, at seven. And do you have vegan dishes?", verdict="unsure", wait=0.8)
    asks = agent(four, "Let me look.", llm=0.34, voice=0.14, **tool("find_table", {"guests": 4, "at": "19:00"},
                 {"table": 12, "is_free": True}, 1.42))  # fmt: skip
    found = agent(
        None,
        "Table twelve is free at seven. And yes: gnocchi al pomodoro, grilled vegetables and the risotto are vegan.",
        llm=0.62,
        voice=0.19,
        asked=16.9,
        rag_retrieval_info={
            "chunks": [
                {"document_id": "doc_menu", "chunk_id": "chunk_7", "vector_distance": 0.21},
                {"document_id": "doc_menu", "chunk_id": "chunk_9", "vector_distance": 0.34},
            ],
            "embedding_model": "e5_mistral_7b_instruct",
            "retrieval_query": "vegan dishes",
            "rag_latency_secs": 0.031,
            "used_chunk_ids": ["chunk_7"],
        },
    )
    mhm = user(20.5, 20.9, "Mhm.", ignored_as_backchannel=True)
    mhm["x_timeline"] |= {"closed_because": "backchannel"}
    number = user(26.0, 31.5, "Great. My number is 0 1 7 1, 2 3 4 5 5, 6 7.", verdict="spelling", wait=1.6)
    failed = agent(
        number,
        "One moment.",
        llm=0.4,
        voice=0.15,
        **tool("save_booking", {"phone": "0171234556 7"}, "", 2.0, is_error=True, error_type="timeout",
               raw_error_message="The tool did not answer within 2 s."),
    )  # fmt: skip
    sorry = agent(
        None, "I could not save that just now. I will ask a colleague.", llm=0.5, voice=0.2, asked=36.6,
        **tool("x_transfer_to_human", {"reason": "The booking could not be saved."}, {"status": "waiting"}, 0.01,
               type="system"),
    )  # fmt: skip
    person = agent(
        None, "Ben here. I have written your booking down: table twelve, four people, at seven.", llm=0.001, voice=0.2,
        asked=45.0, x_injected_by={"type": "human_message", "by": "Ben", "role_label": ""}, source_medium="text",
    )  # fmt: skip
    thanks = user(51.2, 52.6, "Wonderful, that's all. Thank you!")
    bye = agent(
        thanks, "You are welcome. See you tomorrow!", llm=0.9, voice=0.41,
        **tool("end_call", {"reason": "The user said goodbye."}, {"status": "success"}, 0.0, type="system"),
    )  # fmt: skip
    turns = [hello, table, many, four, asks, found, mhm, number, failed, sorry, person, thanks, bye]
    heard = [(4.6, 7.1), (11.0, 13.4), (20.5, 20.9), (26.0, 27.4), (28.0, 29.3), (29.9, 31.5), (51.2, 52.6)]
    spoken = [
        (0.5, 4.0),
        (8.0, 11.2),
        (14.8, 15.7),
        (17.8, 24.6),
        (33.8, 34.6),
        (37.4, 41.0),
        (45.3, 50.2),
        (54.5, 56.9),
    ]
    return turns, (_sound(heard, 62, 1), _sound(spoken, 62, 2))


RICH_METADATA: dict[str, Any] = {
    "feedback": {"type": "rating", "overall_score": None, "likes": 0, "dislikes": 0, "rating": 4,
                 "comment": "Quick and friendly, only the number took long."},
    "warnings": ["The tool save_booking did not answer within 2 s."],
    "x_commands": [
        {"type": "takeover_begin", "by": "Ben", "time_in_call_secs": 43, "time_unix_secs": int(STARTED_AT) + 43},
        {"type": "human_message", "by": "Ben", "time_in_call_secs": 45, "time_unix_secs": int(STARTED_AT) + 45},
        {"type": "takeover_end", "by": "Ben", "time_in_call_secs": 50, "time_unix_secs": int(STARTED_AT) + 50},
    ],
    "x_waiting_for_human": [{"time_in_call_secs": 37, "by": "agent", "reason": "The booking could not be saved.",
                             "outcome": "answered", "operator": "Ben", "waited_secs": 6.0}],
}  # fmt: skip

RICH_ANALYSIS: dict[str, Any] = {
    "call_successful": "success",
    "call_success_score": 0.85,
    "call_summary_title": "A table for four, tomorrow at seven",
    "transcript_summary": "Ann booked a table for four for tomorrow at seven and asked for vegan dishes. The booking "
    "could not be saved by the agent; a colleague wrote it down.",
    "evaluation_criteria_results": {
        "booked": {"criteria_id": "booked", "result": "success",
                   "rationale": 'A colleague confirmed it: "table twelve, four people, at seven".'},
        "polite": {"criteria_id": "polite", "result": "success", "rationale": "Friendly throughout.", "score": 7,
                   "max_score": 10, "scoring_mode": "numeric_uniform"},
        "upsell": {"criteria_id": "upsell", "result": "failure", "rationale": "No menu was offered."},
    },
    "data_collection_results": {
        "guests": {"data_collection_id": "guests", "value": 4, "rationale": 'The user said "Four people, at seven".',
                   "json_schema": {"type": "integer", "description": "How many people come"}},
        "is_vegan": {"data_collection_id": "is_vegan", "value": True, "rationale": "They asked for vegan dishes.",
                     "json_schema": {"type": "boolean"}},
        "allergies": {"data_collection_id": "allergies", "value": None, "rationale": "None were named.",
                      "json_schema": {"type": "string"}},
    },
}  # fmt: skip

CHARGING: dict[str, Any] = {
    "llm_price": 0.00412,
    "llm_usage": {
        "irreversible_generation": {
            "model_usage": {"llama-3.3-70b": {"input": {"tokens": 5120, "price": 0.00302},
                                              "output_total": {"tokens": 412, "price": 0.0011}}}
        },
        "initiated_generation": {
            "model_usage": {"llama-3.3-70b": {"input": {"tokens": 5904, "price": 0.00347},
                                              "output_total": {"tokens": 431, "price": 0.00115}}}
        },
    },
    "tts_usage": {"primary_tts_model": "hibari", "total_audio_output_seconds": 25.4, "total_characters": 402},
    "asr_usage": {"asr_model": "moonshine", "total_transcription_calls": 6, "total_audio_input_seconds": 12.2},
}  # fmt: skip


def long(minutes: int) -> tuple[list[Turn], tuple[np.ndarray, np.ndarray]]:
    """A minute of questions and answers, again and again, none like the other; and how one minute sounds."""
    chance = random.Random(7)
    turns: list[Turn] = []
    for minute in range(minutes):
        for place in range(4):
            at = minute * 60 + place * 15
            verdict, wait = chance.choice([("finished", 0.45), ("silence", 0.5), ("unsure", 0.8), ("spelling", 1.6)])
            asked = user(
                at + 1.0, at + 4.0, f"Question {len(turns)}: {chance.choice(QUESTIONS)}", verdict=verdict, wait=wait
            )
            answer = agent(
                asked, chance.choice(ANSWERS), llm=chance.lognormvariate(-1.2, 0.5), voice=chance.uniform(0.1, 0.4)
            )
            if chance.random() < 0.1:
                answer |= {
                    "interrupted": True,
                    "original_message": f"{answer['message']} There is more to say about it.",
                }
                answer["x_timeline"]["interrupted_secs"] = at + 11.0
            if chance.random() < 0.15:
                answer |= tool("find_table", {"guests": chance.randint(1, 9)}, {"table": 3}, round(chance.random(), 3))
            turns += [asked, answer]
    heard = [(15.0 * place + 1, 15.0 * place + 4) for place in range(4)]
    spoken = [(15.0 * place + 5.2, 15.0 * place + 12) for place in range(4)]
    return turns, (_sound(heard, 60, 3), _sound(spoken, 60, 4))


QUESTIONS = (
    "What are your opening hours on a holiday?",
    "Could you tell me which of your dishes are without gluten, and whether children get smaller ones?",
    "And on Sundays?",
    "I would like to change my booking, please. It was for four people and it should be for six now.",
)
ANSWERS = (
    "We are open from Tuesday to Sunday, from noon to ten in the evening. On Mondays we are closed.",
    "Yes, of course.",
    "The gnocchi, the risotto and all of the salads. Children get half of everything for half of the price, and a "
    "scoop of ice cream afterwards if they have eaten up. Shall I book a table for you?",
)


def _sound(spans: list[tuple[float, float]], seconds: int, seed: int) -> np.ndarray:
    """Something that looks like speech: noise in syllables, 16 kHz."""
    chance = np.random.default_rng(seed)
    pcm = np.zeros(seconds * 16000)
    for began, ended in spans:
        samples = np.arange(int((ended - began) * 16000))
        time = samples / 16000
        syllables = np.clip(np.sin(2 * np.pi * 4.1 * time) + 0.55 * np.sin(2 * np.pi * 1.3 * time + seed), 0.02, None)
        tone = np.sin(2 * np.pi * (130 + 40 * seed) * time) + 0.4 * chance.standard_normal(samples.size)
        first = int(began * 16000)
        pcm[first : first + samples.size] = tone * syllables * 4500 * chance.uniform(0.7, 1)
    return np.clip(pcm, -30000, 30000).astype(np.float32)


# -- the event log ----------------------------------------------------------------------------------------------------


def _log(store: SqlStore, conversation_id: str, turns: list[Turn], *, most: int) -> None:
    """What came and went, as far as it follows from the turns; filled up to ``most`` with partial transcripts."""
    began = STARTED_AT if conversation_id == RICH else STARTED_AT - 9000
    told: list[tuple[float, str, str, dict[str, Any]]] = [
        (0.0, "from_client", "client", {"type": "conversation_initiation_client_data", "dynamic_variables": {}}),
        (0.0, "to_client", "agent", {"type": "conversation_initiation_metadata",
         "conversation_initiation_metadata_event": {"conversation_id": conversation_id}}),
    ]  # fmt: skip
    each = max(1, (most - 2) // len(turns))
    for number, turn in enumerate(turns):
        at = turn["x_timeline"].get("closed_secs") or turn["x_timeline"]["first_audio_sent_secs"]
        words = str(turn["message"]).split()
        for part in range(each - 1):
            text = " ".join(words[: 1 + part * len(words) // each])
            event = {"type": "tentative_user_transcript",
                     "tentative_user_transcription_event": {"user_transcript": text, "event_id": number}}  # fmt: skip
            told.append((at - 0.2 * (each - part), "internal", "server", event))
        kind, key = ("user_transcript", "user_transcription") if turn["role"] == "user" else ("agent_response",) * 2
        told.append(
            (at, "to_client", "agent", {"type": kind, f"{key}_event": {kind: turn["message"], "event_id": number}})
        )
    told.sort(key=lambda one: one[0])
    while len(told) < most:
        told.append((told[-1][0], "internal", "server", {"type": "x_note", "number": len(told)}))
    lines = [
        orjson.dumps({"seq": seq, "at": round(began + at, 3), "direction": direction, "by": by, "event": event})
        for seq, (at, direction, by, event) in enumerate(told[:most], 1)
    ]
    events_of(store.recording_path(conversation_id)).write_bytes(b"\n".join(lines) + b"\n")


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1])))
