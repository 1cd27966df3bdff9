"""The agent in the document is kept as it says; the recording is read as the example reads it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from parola.app import create_app
from parola.config import Settings
from parola.privacy.entities import DETECTORS, UNKNOWN
from parola.privacy.policy import Policy
from parola.privacy.reaping import BATCH, EVERY_SECONDS
from parola.session.audio import AudioFormat
from parola.session.recording import Recorder
from parola.store.base import ConversationRow, spool_of
from tests.api.conftest import Registry, call
from tests.docs.snippets import block

DOCS = Path(__file__).parents[2] / "docs"
PRIVACY = (DOCS / "privacy.md").read_text(encoding="utf-8")
RECORDINGS = (DOCS / "recordings.md").read_text(encoding="utf-8")


def test_the_agent_of_the_document_means_what_it_says() -> None:
    privacy = json.loads(block("privacy.md", "json"))
    app = create_app(Settings(ephemeral=True), registry=Registry())
    with TestClient(app, base_url="http://127.0.0.1:8400") as client:
        created = client.post("/v1/convai/agents/create", json={"conversation_config": {}, **privacy})
        agent_id = created.json()["agent_id"]
        store = app.state.services.store
        call(client, store.conversations.create, ConversationRow("conv_1", agent_id, "done", 1000.0, {}))
        call(client, store.retention.keep, ["conv_1"])
        assert client.patch(f"/v1/convai/agents/{agent_id}", json=privacy).status_code == 200
        record = client.get("/v1/convai/conversations/conv_1").json()
    told = record["metadata"]["deletion_settings"]
    assert told["deletion_time_unix_secs"] == 1000 + 30 * 86400
    assert told["delete_transcript_and_pii"] and told["delete_audio"]
    policy = Policy.of(privacy, Settings())
    assert policy.redacts and policy.entities == ("email_address", "financial_id") and not policy.zero_retention


def test_every_kind_stands_in_the_document_where_it_belongs() -> None:
    table, others = PRIVACY.split("Nothing here recognises the others")
    table = table.partition("## Redaction")[2]
    assert set(re.findall(r"^\| `([a-z_.]+)` \|", table, re.MULTILINE)) == {one.kind for one in DETECTORS}
    for kind in UNKNOWN:
        head, _, last = kind.rpartition(".")
        assert f"`{kind}`" in others or (head == "location" and last.removeprefix("location_").split("_")[0] in others)
    assert EVERY_SECONDS == 60.0 and f"deletes {BATCH} conversations" in PRIVACY


def test_the_example_takes_a_recording_apart() -> None:
    app = create_app(Settings(ephemeral=True), registry=Registry())
    with TestClient(app, base_url="http://127.0.0.1:8400") as client:
        store = app.state.services.store
        row = ConversationRow("conv_1", "a", "done", 1000.0, {}, has_audio=True)
        call(client, store.conversations.create, row)
        recorder = Recorder(spool_of(store.recording_path("conv_1")), AudioFormat.parse("pcm_16000"), started_at=0.0)
        tone = (8000 * np.sin(np.arange(16000) * 0.2)).astype(np.int16).tobytes()
        recorder.user_spoke(tone, now=2.0)
        recorder.close()
        example: dict[str, Any] = {}
        exec(block("recordings.md", "python"), example)
        user, agent = example["sides"](client, "conv_1")
    assert max(user[16000:]) > 5000 and max(agent) < 500
