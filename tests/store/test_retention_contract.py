"""What is planned to be deleted is due in its time, and what is erased is gone, in every store."""

from dataclasses import replace

import pytest

from parola.errors import NotFound
from parola.store.base import ConversationChange, ConversationRow, FileRow, Store

ROW = ConversationRow("c1", "a", "done", 100.0, {"metadata": {"warnings": ["canary"]}}, user_id="u", has_audio=True)


async def test_what_has_ended_is_due_in_its_time_and_the_longest_waiting_first(store: Store):
    for name in ("c1", "c2", "c3"):
        await store.conversations.create(replace(ROW, conversation_id=name))
    await store.conversations.create(replace(ROW, conversation_id="live", status="in-progress"))
    await store.retention.plan(["c1", "c2", "live", "nobody"], 50.0)
    await store.retention.plan(["c3"], 10.0)
    assert await store.retention.due(9.0, 5) == []
    assert await store.retention.due(60.0, 2) == ["c3", "c1"]
    await store.retention.plan(["c1"], 99.0)
    await store.retention.keep(["c3"])
    assert await store.retention.due(60.0, 5) == ["c2"]


async def test_words_are_erased_without_the_audio_and_the_audio_without_the_words(store: Store):
    await store.conversations.create(ROW)
    await store.conversations.write("c1", ConversationChange(turns={0: {"role": "user", "message": "canary"}}))
    await store.files.put(FileRow("f1", "c1", "x.txt", "text/plain", 1, 1.0), b"x")
    await store.retention.plan(["c1"], 1.0)
    recording = store.recording_path("c1")
    recording.write_bytes(b"mp3")
    events = recording.with_suffix(".events.jsonl")
    events.write_bytes(b"canary")

    await store.retention.erase("c1", {"metadata": {}}, words=True, audio=False)
    row = await store.conversations.get("c1")
    assert row is not None and row.user_id is None and row.has_audio and row.document == {"metadata": {}}
    assert await store.conversations.turns("c1") == [] and await store.files.get("f1") is None
    assert recording.is_file() and not events.is_file()
    assert await store.retention.due(60.0, 5) == []

    await store.retention.erase("c1", {}, words=False, audio=True)
    row = await store.conversations.get("c1")
    assert row is not None and not row.has_audio and not recording.is_file()


async def test_what_was_begun_before_the_words_were_deleted_and_ends_after_brings_none_back(store: Store):
    await store.conversations.create(ROW)
    await store.conversations.write("c1", ConversationChange(turns={0: {"role": "user", "message": "canary"}}))
    erased = {"metadata": {"deletion_settings": {"deleted_transcript_at_time_unix_secs": 5, "delete_audio": False}}}
    await store.retention.erase("c1", erased, words=True, audio=False)
    late = ConversationChange(
        turns={0: {"role": "user", "message": "canary"}, 7: {"role": "agent", "message": "canary"}},
        termination_reason="end_call tool was called: canary",
        rating=4,
        document={
            "analysis": {"transcript_summary": "canary"},
            "tag_ids": ["t"],
            "metadata": {
                "warnings": ["canary"],
                "charging": {"analysis": 2},
                "feedback": {"rating": 4, "comment": "canary"},
                "deletion_settings": {"deleted_transcript_at_time_unix_secs": None, "delete_audio": True},
            },
        },
    )
    await store.conversations.write("c1", late)
    await store.conversations.conclude("c1", late, [])
    with pytest.raises(NotFound):
        await store.files.put(FileRow("f1", "c1", "x.txt", "text/plain", 1, 1.0), b"canary")
    assert await store.files.content("f1") is None
    row = await store.conversations.get("c1")
    assert "canary" not in repr(row) and await store.conversations.turns("c1") == []
    assert (
        row is not None
        and row.rating == 4
        and row.has_audio
        and row.document
        == {
            "tag_ids": ["t"],
            "metadata": {
                "charging": {"analysis": 2},
                "feedback": {"rating": 4, "comment": None},
                "deletion_settings": {"deleted_transcript_at_time_unix_secs": 5, "delete_audio": True},
            },
        }
    )
