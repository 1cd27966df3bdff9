"""The front page of a dashboard: each day, how fast, how it ended, what to warn of."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from parola.store.overview import MOST_LATENCIES, OverviewQuery
from tests.api.conftest import call
from tests.api.test_conversations import change, keep, services

OVERVIEW = "/v1/x/overview"


def answered(seconds: float) -> dict[str, Any]:
    steps = {"end_of_turn": 0.25, "llm": seconds - 0.25, "total": seconds}
    return {"role": "agent", "message": "Yes", "x_timeline": {"latency_secs": steps}}


def test_it_has_the_shape_that_the_document_shows(client: TestClient) -> None:
    document = Path(__file__).parents[2] / "docs" / "observability.md"
    section = document.read_text(encoding="utf-8").partition("## At a glance")[2]
    block = section.partition("```json\n")[2].partition("```")[0]
    shown: dict[str, Any] = json.loads(block)
    keep(client, started_at=time.time(), document={"metadata": {"warnings": ["No such voice"]}})
    change(client, turns={1: answered(1.0)}, ended_at=time.time() + 1, termination_reason="Bye")
    assert shapes(client.get(OVERVIEW).json()) == shapes(shown)
    assert (
        f"newest {OverviewQuery(0.0).newest}\nconversations" in section and f"last {MOST_LATENCIES} answers" in section
    )


def shapes(document: Any) -> Any:
    """The keys at each place; of a list those of the first item."""
    if isinstance(document, dict):
        return {key: shapes(value) for key, value in document.items()}
    return [shapes(document[0])] if isinstance(document, list) else None


def test_an_empty_server_has_a_whole_overview(client: TestClient) -> None:
    found = client.get(OVERVIEW, params={"days": 3}).json()
    assert abs(found["generated_at_unix_secs"] - time.time()) < 60
    assert [day["calls"] for day in found["days"]] == [0, 0, 0]
    assert found["latency"] == {
        "conversations": 0,
        "turns": 0,
        "p50_secs": None,
        "p90_secs": None,
        "p95_secs": None,
        "p99_secs": None,
        "steps": {},
    }
    assert (found["live"], found["waiting_for_human"], found["endings"], found["warnings"]) == (0, 0, [], [])
    assert found["webhooks"] == {
        "endpoints": 0,
        "disabled": 0,
        "waiting": 0,
        "delivered": 0,
        "failed": 0,
        "oldest_waiting_secs": None,
    }


def test_only_answers_to_the_user_and_what_the_user_said_count(client: TestClient) -> None:
    greeting = answered(9.0)
    greeting["x_timeline"]["is_unasked"] = True
    silence = {"role": "user", "message": "...", "platform_event": "user_turn_timeout"}
    keep(client, started_at=time.time())
    change(client, turns={0: greeting, 1: {"role": "user", "message": "Hi"}, 2: answered(1.0), 3: silence, 4: greeting})
    latency = client.get(OVERVIEW).json()["latency"]
    assert (latency["turns"], latency["p99_secs"]) == (1, 1.0)
    assert client.get("/v1/convai/conversations/conv_1").json()["user_message_count"] == 1


def test_days_latencies_endings_and_warnings_of_what_was_said(client: TestClient) -> None:
    now = time.time()
    for n, (reason, status) in enumerate([("Bye: so long", "done"), ("Bye: farewell", "done"), ("Broken", "failed")]):
        keep(client, f"conv_{n}", started_at=now - n, status="in-progress")
        change(
            client,
            f"conv_{n}",
            turns={k: answered(1.0 + k / 10 + n) for k in range(10)},
            document={"metadata": {"warnings": ["No such model"] * (n != 1)}},
            status=status,
            ended_at=now - n + 90,
            termination_reason=reason,
        )
    keep(client, "conv_other", agent_id="agent_2", started_at=now - 50)
    found = client.get(OVERVIEW, params={"agent_id": "agent_1"}).json()
    assert len(found["days"]) == 14
    assert sum(day["calls"] for day in found["days"]) == 3
    assert sum(day["minutes"] for day in found["days"]) == 4.5
    assert sum(day["failed"] for day in found["days"]) == 1
    assert found["latency"] == {
        "conversations": 3,
        "turns": 30,
        "p50_secs": 2.4,
        "p90_secs": 3.6,
        "p95_secs": 3.8,
        "p99_secs": 3.9,
        "steps": {"end_of_turn": {"p50_secs": 0.25, "p95_secs": 0.25}, "llm": {"p50_secs": 2.15, "p95_secs": 3.55}},
    }
    assert found["endings"] == [
        {"status": "done", "termination_reason": "Bye", "count": 2},
        {"status": "failed", "termination_reason": "Broken", "count": 1},
    ]
    assert found["warnings"] == [{"message": "No such model", "count": 2, "last_conversation_id": "conv_0"}]
    assert sum(day["calls"] for day in client.get(OVERVIEW).json()["days"]) == 4


def test_a_day_begins_where_the_asker_says(client: TestClient) -> None:
    midnight = time.time() // 86_400 * 86_400
    keep(client, started_at=midnight - 600)
    days = client.get(OVERVIEW, params={"days": 3}).json()["days"]
    yesterday = datetime.fromtimestamp(midnight - 1, UTC).date().isoformat()
    assert [day for day in days if day["calls"]] == [{"date": yesterday, "calls": 1, "minutes": 0.0, "failed": 0}]
    further_east = client.get(OVERVIEW, params={"days": 3, "utc_offset_minutes": 60}).json()["days"]
    today = datetime.fromtimestamp(midnight, UTC).date().isoformat()
    assert [day["date"] for day in further_east if day["calls"]] == [today]
    assert client.get(OVERVIEW, params={"days": 0}).status_code == 422


def test_it_counts_how_webhooks_stand(client: TestClient) -> None:
    from parola.store.outbox import DeliveryRow

    now, outbox = time.time(), services(client).store.outbox
    far = now + 9999
    rows = [
        DeliveryRow("d1", "e1", "post_call_transcription", "webhook_1", "waiting", created_at=now - 60, due_at=far),
        DeliveryRow("d2", "e2", "post_call_transcription", "webhook_1", "waiting", created_at=now - 30, due_at=far),
        DeliveryRow("d3", "e3", "post_call_transcription", "webhook_1", "dead", created_at=now - 90),
    ]
    call(client, outbox.put, rows)
    found = client.get(OVERVIEW).json()["webhooks"]
    assert 60 <= found.pop("oldest_waiting_secs") < 90
    assert found == {"endpoints": 0, "disabled": 0, "waiting": 2, "delivered": 0, "failed": 1}
