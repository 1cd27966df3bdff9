"""``/metrics``: what Prometheus reads, and who may."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from parola.config import Settings
from parola.metrics import LAG_SECONDS, Histogram, Metrics
from parola.providers.fair_queue import FairQueue
from tests.api.conftest import Registry, call, create_agent

PATH = "/metrics"


def read(client: TestClient, **headers: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by its name and labels."""
    answer = client.get(PATH, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def sample(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def metrics_of(client: TestClient) -> Metrics:
    metrics: Metrics = client.app.state.services.metrics  # type: ignore[attr-defined]
    return metrics


def test_a_conversation_is_counted_while_it_runs_and_when_it_has_ended(client: TestClient):
    config = {"conversation": {"text_only": True}, "agent": {"prompt": {"llm": "scripted"}}}
    agent_id = create_agent(client, conversation_config=config, platform_settings={"call_limits": {}})
    live = sample("parola_live_conversations", medium="text")
    assert read(client)[live] == 0
    metrics_of(client).ended[("done", "1000", "agent")] += 2
    metrics_of(client).turns_answered += 3
    found = read(client)
    assert found[sample("parola_conversations_ended_total", status="done", code="1000", reason="agent")] == 2
    assert found[sample("parola_turns_answered_total")] == 3
    assert found[sample("parola_conversations_processing")] == 0
    assert found[sample("parola_waiting_conversations")] == 0
    assert agent_id


def test_the_lag_of_the_event_loop_is_counted_from_the_start(client: TestClient):
    metrics = metrics_of(client)
    metrics.loop_lag.observe(0.0149)
    found = read(client)
    below = [found[sample("parola_loop_lag_seconds_bucket", le=str(bound))] for bound in LAG_SECONDS]
    assert below == sorted(below)
    assert found[sample("parola_loop_lag_seconds_bucket", le="0.015")] >= 1
    assert found[sample("parola_loop_lag_seconds_bucket", le="+Inf")] == found[sample("parola_loop_lag_seconds_count")]


def test_every_model_has_its_queue(client: TestClient, monkeypatch):
    queue = FairQueue("stt", 2)
    monkeypatch.setattr(Registry, "queues", {"stt": queue})
    call(client, queue.run, "somebody", str)
    found = read(client)
    assert found[sample("parola_model_threads", model="stt")] == 2
    assert found[sample("parola_model_queue_depth", model="stt")] == 0
    assert found[sample("parola_model_wait_seconds_count", model="stt")] == 1
    assert found[sample("parola_model_work_seconds_count", model="stt")] == 1
    queue.close()


def test_it_is_read_with_a_key_where_everything_is(start, settings: Settings):
    client = start(replace(settings, auth="required"))
    assert client.get(PATH).status_code == 401
    _, owner = call(client, client.app.state.services.keys.create, "owner")
    asked = {"name": "Prometheus", "scopes": []}  # as docs/observability.md has it
    key = client.post("/v1/x/api-keys", json=asked, headers={"xi-api-key": owner}).json()["api_key"]
    assert read(client, authorization=f"Bearer {key}")
    assert read(client, **{"xi-api-key": key})
    assert client.get("/v1/convai/agents", headers={"xi-api-key": key}).status_code == 401


def test_a_value_falls_into_the_first_bucket_that_holds_it():
    histogram = Histogram((1, 2))
    for value in (0.5, 1, 1.5, 3):
        histogram.observe(value)
    assert (histogram.counts, histogram.count, histogram.total) == ([2, 1, 1], 4, 6.0)
