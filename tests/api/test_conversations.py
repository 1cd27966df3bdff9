"""Conversations are read back as they were kept, live ones as far as they have come."""

from __future__ import annotations

import io
import tempfile
import threading
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from parola.api.services import Services
from parola.session import waveform
from parola.session.audio import AudioFormat
from parola.session.recording import Recorder
from parola.store.base import ConversationChange, ConversationRow, spool_of
from tests.api.conftest import call, create_agent

CONVERSATIONS = "/v1/convai/conversations"


def services(client: TestClient) -> Services:
    made: Services = client.app.state.services  # type: ignore[attr-defined]
    return made


def keep(client: TestClient, conversation_id: str = "conv_1", **fields: Any) -> None:
    row = {"agent_id": "agent_1", "status": "done", "started_at": 1000.4, "document": {}, **fields}
    call(client, services(client).store.conversations.create, ConversationRow(conversation_id, **row))


def change(client: TestClient, conversation_id: str = "conv_1", **fields: Any) -> None:
    call(client, services(client).store.conversations.write, conversation_id, ConversationChange(**fields))


def get(client: TestClient, conversation_id: str = "conv_1") -> dict[str, Any]:
    response = client.get(f"{CONVERSATIONS}/{conversation_id}")
    assert response.status_code == 200, response.text
    record: dict[str, Any] = response.json()
    return record


def test_a_record_has_every_required_field_and_what_the_session_stored(client: TestClient) -> None:
    keep(
        client,
        agent_name="Front desk",
        user_id="user_1",
        source="widget",
        text_only=True,
        document={
            "branch_id": "agtbrch_1",
            "environment": "staging",
            "metadata": {"main_language": "de", "x_new": {"a": 1}},
            "conversation_initiation_client_data": {"dynamic_variables": {"name": "Ann"}},
        },
    )
    turns = {0: {"role": "agent", "message": "Hi"}, 1: {"role": "user", "message": "Ho", "x": 1}}
    change(client, turns=turns, ended_at=1012.0, termination_reason="Bye", has_audio=True)
    record = get(client)
    assert record["agent_id"] == "agent_1"
    assert record["agent_name"] == "Front desk"
    assert record["conversation_id"] == "conv_1"
    assert record["status"] == "done"
    assert record["user_id"] == "user_1"
    assert (record["branch_id"], record["environment"]) == ("agtbrch_1", "staging")
    assert (record["user_message_count"], record["agent_message_count"]) == (1, 1)
    assert [{**told, **turn} for told, turn in zip(record["transcript"], turns.values(), strict=True)] == record[
        "transcript"
    ]
    assert [turn["id"] for turn in record["transcript"]] == ["conv_1_0", "conv_1_1"]
    assert record["analysis"] is None
    assert [record[f"has_{kind}audio"] for kind in ("", "user_", "response_", "auxiliary_")] == [
        True,
        True,
        True,
        False,
    ]
    assert record["conversation_initiation_client_data"]["dynamic_variables"] == {"name": "Ann"}
    metadata = record["metadata"]
    assert (metadata["start_time_unix_secs"], metadata["call_duration_secs"]) == (1000, 12)
    assert metadata["termination_reason"] == "Bye"
    assert metadata["error"] is None
    assert metadata["text_only"] is True
    assert metadata["conversation_initiation_source"] == "widget"
    assert (metadata["main_language"], metadata["x_new"]) == ("de", {"a": 1})


def test_a_live_conversation_is_shown_as_far_as_it_has_come(client: TestClient) -> None:
    keep(client, status="in-progress", started_at=time.time() - 60)
    change(client, turns={0: {"role": "agent", "message": "Hi", "time_in_call_secs": 0}})
    record = get(client)
    assert record["status"] == "in-progress"
    assert 59 <= record["metadata"]["call_duration_secs"] <= 65
    assert len(record["transcript"]) == 1


def test_conversations_are_listed_newest_first_and_filtered(client: TestClient) -> None:
    keep(
        client, "conv_1", started_at=1.0, ended_at=11.0, rating=5, document={"analysis": {"call_successful": "success"}}
    )
    keep(client, "conv_2", started_at=2.0, ended_at=5.0, agent_id="agent_2", text_only=True)
    keep(client, "conv_3", started_at=3.0, ended_at=3.0, status="failed", termination_reason="No model")

    def ids(query: str = "") -> list[str]:
        response = client.get(f"{CONVERSATIONS}?{query}")
        assert response.status_code == 200, response.text
        return [item["conversation_id"] for item in response.json()["conversations"]]

    assert ids() == ["conv_3", "conv_2", "conv_1"]
    assert ids("sort_direction=asc") == ["conv_1", "conv_2", "conv_3"]
    assert ids("agent_id=agent_2") == ["conv_2"]
    assert ids("text_only=true") == ["conv_2"]
    assert ids("call_start_after_unix=1&call_start_before_unix=3") == ["conv_2"]
    assert ids("call_duration_min_secs=5") == ["conv_1"]
    assert ids("rating_min=4&rating_max=5") == ["conv_1"]
    assert ids("exclude_statuses=failed&exclude_statuses=initiated") == ["conv_2", "conv_1"]
    assert ids("termination_reasons=No%20model") == ["conv_3"]
    assert ids("an_unknown_filter=1&another=2") == ["conv_3", "conv_2", "conv_1"]
    first = client.get(f"{CONVERSATIONS}?page_size=2").json()
    assert first["has_more"] is True
    assert ids(f"page_size=2&cursor={first['next_cursor']}") == ["conv_1"]


def test_a_summary_has_every_required_field(client: TestClient) -> None:
    document = {"analysis": {"call_successful": "success", "transcript_summary": "Short."}}
    keep(client, ended_at=1010.0, rating=3, document=document, agent_messages=2, user_messages=1)
    (item,) = client.get(CONVERSATIONS).json()["conversations"]
    assert item["start_time_unix_secs"] == 1000
    assert item["call_duration_secs"] == 10
    assert item["message_count"] == 3
    assert item["call_successful"] == "success"
    assert item["rating"] == 3
    assert item["transcript_summary"] is None
    (item,) = client.get(f"{CONVERSATIONS}?summary_mode=include").json()["conversations"]
    assert item["transcript_summary"] == "Short."


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"feedback": "like"}, {"type": "thumbs", "overall_score": "like", "likes": 1, "rating": None}),
        ({"feedback": "dislike"}, {"type": "thumbs", "overall_score": "dislike", "dislikes": 1}),
        ({"rating": 4, "comment": "Good"}, {"type": "rating", "rating": 4, "comment": "Good", "overall_score": None}),
        ({"feedback": {"rating": 2}}, {"type": "rating", "rating": 2}),
    ],
)
def test_feedback_is_kept_in_both_forms(client: TestClient, said: dict[str, Any], kept: dict[str, Any]) -> None:
    keep(client)
    assert client.post(f"{CONVERSATIONS}/conv_1/feedback", json=said).status_code == 200
    feedback = get(client)["metadata"]["feedback"]
    assert kept.items() <= feedback.items()


def test_the_last_feedback_replaces_the_one_before(client: TestClient) -> None:
    keep(client)
    client.post(f"{CONVERSATIONS}/conv_1/feedback", json={"rating": 1, "comment": "Bad"})
    client.post(f"{CONVERSATIONS}/conv_1/feedback", json={"feedback": "like"})
    assert get(client)["metadata"]["feedback"] == {
        "type": "thumbs",
        "overall_score": "like",
        "likes": 1,
        "dislikes": 0,
        "rating": None,
        "comment": None,
    }


@pytest.mark.parametrize("said", [{}, {"feedback": "meh"}, {"rating": 6}, {"rating": 0}, {"feedback": 1}])
def test_feedback_that_says_nothing_is_422(client: TestClient, said: dict[str, Any]) -> None:
    keep(client)
    response = client.post(f"{CONVERSATIONS}/conv_1/feedback", json=said)
    assert response.status_code == 422
    assert isinstance(response.json()["detail"], list)


def test_a_deleted_conversation_is_gone(client: TestClient) -> None:
    keep(client)
    assert client.delete(f"{CONVERSATIONS}/conv_1").json() == {}
    assert client.get(f"{CONVERSATIONS}/conv_1").status_code == 404
    assert client.delete(f"{CONVERSATIONS}/conv_1").status_code == 404


def test_a_recording_is_served_whole_and_in_ranges(client: TestClient) -> None:
    keep(client, has_audio=True)
    recording = services(client).store.recording_path("conv_1")
    recording.write_bytes(b"0123456789")
    whole = client.get(f"{CONVERSATIONS}/conv_1/audio")
    assert whole.headers["content-type"] == "audio/mpeg"
    assert whole.content == b"0123456789"
    part = client.get(f"{CONVERSATIONS}/conv_1/audio", headers={"range": "bytes=2-4"})
    assert part.status_code == 206
    assert part.content == b"234"
    assert part.headers["content-range"] == "bytes 2-4/10"
    changed = {"range": "bytes=2-4", "if-range": '"another"'}
    assert client.get(f"{CONVERSATIONS}/conv_1/audio", headers=changed).content == b"0123456789"
    same = {"range": "bytes=2-4", "if-range": whole.headers["etag"]}
    assert client.get(f"{CONVERSATIONS}/conv_1/audio", headers=same).status_code == 206
    head = client.head(f"{CONVERSATIONS}/conv_1/audio")
    assert (head.content, head.headers["content-length"], head.headers["accept-ranges"]) == (b"", "10", "bytes")
    beyond = client.get(f"{CONVERSATIONS}/conv_1/audio", headers={"range": "bytes=99-"})
    assert beyond.status_code == 416 and beyond.headers["content-range"] == "bytes */10"
    assert beyond.json()["detail"] == {
        "status": "range_not_satisfiable",
        "message": 'Range: expected a part of the 10 bytes that there are, got "bytes=99-".',
    }
    for ignored in ("items=0-1", "bytes=5-2", "bytes=abc", "bytes=", "bytes=--1", "bytes=0-1,5-2", "bytes"):
        answer = client.get(f"{CONVERSATIONS}/conv_1/audio", headers={"range": ignored})
        assert (answer.status_code, answer.content) == (200, b"0123456789"), ignored
    declared = client.get("/openapi.json").json()["paths"]
    assert {"200", "206", "416"} <= set(declared[CONVERSATIONS + "/{conversation_id}/audio"]["get"]["responses"])
    messages = declared["/v1/x/conversations/{conversation_id}/messages"]["post"]["responses"]
    assert messages["200"]["content"] == messages["202"]["content"]
    run = declared[CONVERSATIONS + "/{conversation_id}/analysis/run"]["post"]["responses"]
    assert run["502"]["content"]["application/json"]["schema"]["$ref"].endswith("/Refusal")


def test_a_recording_comes_in_stereo_and_as_a_wav(client: TestClient) -> None:
    keep(client, has_audio=True)
    recording = services(client).store.recording_path("conv_1")
    recorder = Recorder(spool_of(recording), AudioFormat.parse("pcm_16000"), started_at=0.0)
    recorder.user_spoke(b"\0\0" * 16000, now=1.0)
    recorder.close()
    url = f"{CONVERSATIONS}/conv_1/audio"
    assert client.get(url).headers["content-type"] == "audio/mpeg"
    stereo = client.get(url, params={"x_channels": 2})
    assert stereo.status_code == 200 and len(stereo.content) > 1.9 * len(client.get(url).content)
    for channels in (1, 2):
        answer = client.get(url, params={"x_format": "wav", "x_channels": channels})
        assert answer.headers["content-type"] == "audio/wav"
        with wave.open(io.BytesIO(answer.content)) as file:
            assert (file.getnchannels(), file.getframerate()) == (channels, 16000)
            assert abs(file.getnframes() / 16000 - 1.0) < 0.2
    assert sorted(file.name for file in recording.parent.iterdir()) == [
        *("conv_1.mp3", "conv_1.peaks", "conv_1.stereo.mp3"),
    ]
    assert client.get(url, params={"x_format": "ogg"}).status_code == 422
    client.delete(f"{CONVERSATIONS}/conv_1")
    assert list(recording.parent.iterdir()) == []


def test_a_recording_is_drawn(client: TestClient) -> None:
    keep(client, has_audio=True)
    recorder = Recorder(
        spool_of(services(client).store.recording_path("conv_1")), AudioFormat.parse("pcm_16000"), started_at=0.0
    )
    recorder.user_spoke(b"\x00\x40" * 8000, now=0.5)
    recorder.user_spoke(b"\x00\x00" * 8000, now=1.0)
    recorder.close()
    url = "/v1/x/conversations/conv_1/waveform"
    assert client.get(url, params={"points": 4}).json() == {
        "duration_secs": 1.0,
        "user": [0.5, 0.5, 0.0, 0.0],
        "agent": [0.0, 0.0, 0.0, 0.0],
    }
    assert len(client.get(url).json()["user"]) == 2000
    assert client.get(url, params={"points": 0}).status_code == 422


def test_a_recording_is_measured_once_however_many_draw_it(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(client, has_audio=True)
    recorder = Recorder(
        spool_of(services(client).store.recording_path("conv_1")), AudioFormat.parse("pcm_16000"), started_at=0.0
    )
    recorder.user_spoke(b"\x00\x40" * 16000, now=1.0)
    recorder.close()
    measure, measured, both_asked = waveform.measured, [], threading.Event()

    def noted(spool: Path) -> waveform.Peaks:
        measured.append(spool)
        assert both_asked.wait(30)
        return measure(spool)

    kept = waveform.kept_peaks
    asked: list[Path] = []

    def asks(recording: Path) -> waveform.Peaks | None:
        asked.append(recording)
        if len(asked) >= 5:  # each of the four, and the one who measures
            both_asked.set()
        return kept(recording)

    monkeypatch.setattr(waveform, "measured", noted)
    monkeypatch.setattr(waveform, "kept_peaks", asks)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(client.get, ["/v1/x/conversations/conv_1/waveform?points=2"] * 4))
    assert [answer.json()["user"] for answer in answers] == [[0.5, 0.5]] * 4 and len(measured) == 1


@pytest.mark.parametrize("what", ["/v1/convai/conversations/conv_1/audio", "/v1/x/conversations/conv_1/waveform"])
def test_a_conversation_without_audio_says_so(client: TestClient, what: str) -> None:
    assert client.get(what).json()["detail"]["status"] == "document_not_found"
    keep(client)
    response = client.get(what)
    assert response.status_code == 404
    assert "no audio" in response.json()["detail"]["message"]


def test_live_conversations_are_counted(client: TestClient) -> None:
    assert client.get("/v1/convai/analytics/live-count?agent_id=agent_1").json() == {"count": 0}
    assert client.get("/v1/convai/analytics/live-count").json() == {"count": 0}


# -- files ----------------------------------------------------------------------------------------------------------


def upload(client: TestClient, name: str = "menu.txt", content: bytes = b"soup", mime: str = "text/plain") -> Any:
    return client.post(f"{CONVERSATIONS}/conv_1/files", files={"file": (name, content, mime)})


def test_a_file_is_shared_read_and_taken_back(client: TestClient) -> None:
    keep(client, status="in-progress")
    file_id = upload(client, "ménu.txt").json()["file_id"]
    got = client.get(f"{CONVERSATIONS}/conv_1/files/{file_id}")
    assert got.content == b"soup"
    assert got.headers["content-type"].startswith("text/plain")
    assert got.headers["content-disposition"] == "attachment; filename*=utf-8''m%C3%A9nu.txt"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert client.get(f"{CONVERSATIONS}/conv_2/files/{file_id}").status_code == 404
    assert client.delete(f"{CONVERSATIONS}/conv_1/files/{file_id}").json() == {"file_id": file_id}
    assert client.get(f"{CONVERSATIONS}/conv_1/files/{file_id}").status_code == 404


def test_a_file_that_was_spoken_of_stays(client: TestClient) -> None:
    keep(client, status="in-progress")
    file_id = upload(client).json()["file_id"]
    change(client, turns={0: {"role": "user", "message": "Look", "file_inputs": [{"file_id": file_id}]}})
    assert client.delete(f"{CONVERSATIONS}/conv_1/files/{file_id}").status_code == 409


@pytest.mark.parametrize(("status", "code"), [("initiated", 200), ("in-progress", 200), ("done", 409), ("failed", 409)])
def test_files_are_shared_while_a_conversation_runs(client: TestClient, status: str, code: int) -> None:
    keep(client, status=status)
    assert upload(client).status_code == code


def test_files_of_other_kinds_and_sizes_are_refused(client: TestClient) -> None:
    keep(client, status="in-progress")
    kind = upload(client, "a.exe", b"MZ", "application/x-msdownload")
    assert kind.status_code == 422
    assert "application/x-msdownload" in kind.json()["detail"]["message"]
    assert upload(client, content=b"x" * (20 * 1024 * 1024)).status_code == 200
    assert upload(client, content=b"x" * (20 * 1024 * 1024 + 1)).status_code == 422
    assert upload(client, content=b"x" * (21 * 1024 * 1024)).status_code == 413
    assert client.post(f"{CONVERSATIONS}/conv_1/files", json={}).status_code == 422


def test_what_a_zero_retention_agent_is_sent_never_touches_the_disk(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rollover(_: Any) -> None:
        raise AssertionError("written to a temporary file")

    forgets = create_agent(client, platform_settings={"privacy": {"zero_retention_mode": True}})
    keep(client, status="in-progress", agent_id=forgets)
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", rollover)
    refused = upload(client, content=b"x" * (20 * 1024 * 1024))
    assert refused.status_code == 400 and "zero retention" in refused.json()["detail"]["message"]


def test_an_agent_can_forbid_files_and_limit_them(client: TestClient) -> None:
    forbids = create_agent(client, conversation_config={"conversation": {"file_input": {"enabled": False}}})
    keep(client, status="in-progress", agent_id=forbids)
    assert upload(client).status_code == 400
    limits = create_agent(
        client, conversation_config={"conversation": {"file_input": {"max_files_per_conversation": 1}}}
    )
    keep(client, status="in-progress", agent_id=limits)
    assert [upload(client).status_code, upload(client).status_code] == [200, 429]


def test_a_record_is_read_as_opentelemetry(client: TestClient) -> None:
    keep(client)
    change(client, turns={0: {"role": "user", "message": "Hi", "time_in_call_secs": 1}}, ended_at=1012.0)
    told = client.get(f"{CONVERSATIONS}/conv_1?format=opentelemetry").json()
    spans = told["otlp_traces"]["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert [span["name"] for span in spans] == ["elevenlabs.conversation", "elevenlabs.recv.user_transcript"]
    assert told["transcript"] == [] and told["status"] == "done"
    assert client.get(f"{CONVERSATIONS}/conv_1?format=xml").status_code == 422
