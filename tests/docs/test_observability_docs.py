"""What docs/observability.md says of metrics, alerts and settings is what the server has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from parola.api.measurements import Family, families
from parola.app import create_app
from parola.config import Settings, load
from parola.tracing import spans, tracer
from tests.docs.snippets import block, blocks
from tests.docs.test_docs import rows

DOCUMENT = (Path(__file__).parents[2] / "docs" / "observability.md").read_text(encoding="utf-8")

SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


@pytest.fixture(scope="module")
def metrics() -> dict[str, Family]:
    services = create_app(Settings(ephemeral=True, otlp_endpoint="http://127.0.0.1:4318")).state.services
    return {family.name: family for family in families(services)}


def test_every_metric_is_in_the_table_with_its_kind_and_labels(metrics: dict[str, Family]) -> None:
    named = [row for row in rows(DOCUMENT) if row[0].startswith("`parola_")]
    told = {row[0].strip("`"): (row[1], tuple(re.findall(r"`(\w+)`", row[2]))) for row in named}
    assert len(told) == len(named), "each once"
    assert told == {name: (family.kind, family.labels) for name, family in metrics.items()}


def test_names_follow_the_conventions_of_prometheus(metrics: dict[str, Family]) -> None:
    for name, family in metrics.items():
        assert re.fullmatch(r"parola_[a-z_]+", name) and not name.endswith(("_total", "_count", "_sum", "_bucket"))
        assert family.kind != "histogram" or name.endswith(("_seconds", "_windows")), f"{name}: in which unit?"
        assert family.help.endswith("."), name


def expressions() -> list[str]:
    _, rules = blocks("observability.md", "yaml", 2)
    alerts: list[dict[str, Any]] = [rule for group in yaml.safe_load(rules)["groups"] for rule in group["rules"]]
    assert all(
        set(rule) == {"alert", "expr", "for", "annotations"} and rule["annotations"]["summary"] for rule in alerts
    )
    questions = block("observability.md", "promql")
    return [rule["expr"] for rule in alerts] + [
        line for line in questions.splitlines() if line and not line.startswith("#")
    ]


@pytest.mark.parametrize("expression", expressions())
def test_alerts_and_questions_ask_for_what_there_is(expression: str, metrics: dict[str, Family]) -> None:
    series = {name + suffix: family for name, family in metrics.items() for suffix in SUFFIXES[family.kind]}
    asked = re.findall(r"(parola_\w+)(?:\{([^}]*)\})?", expression)
    assert asked
    labels = {"le"} | {label for name, _ in asked for label in series[name].labels}
    for name, matchers in asked:
        assert set(re.findall(r"(\w+)!?=~?\"", matchers)) <= set(series[name].labels), name
    for grouped in re.findall(r"by \(([^)]*)\)", expression):
        assert {label.strip() for label in grouped.split(",")} <= labels, expression
    assert expression.count("(") == expression.count(")")


def test_the_settings_can_be_loaded(tmp_path: Path) -> None:
    example = block("observability.md", "toml")
    (tmp_path / "parola.toml").write_text(example, encoding="utf-8")
    settings = load(file=tmp_path / "parola.toml", environ={}).settings
    assert settings.otlp_sample_ratio == 0.25
    tracer.Collector(settings, lambda: None)  # type: ignore[arg-type, return-value]


def test_its_figures_are_those_of_the_code() -> None:
    said = " ".join(DOCUMENT.split())
    assert f"a queue of {tracer.MOST_WAITING} for one task that sends at most {tracer.MOST_AT_ONCE} at a time" in said
    assert f"cut at {spans.MOST_BYTES} bytes" in said
    assert (tracer.FIRST_PAUSE_SECONDS, tracer.LONGEST_PAUSE_SECONDS) == (1, 60) and "1, 2, 4 … 60 seconds" in said
