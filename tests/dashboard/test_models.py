"""Models: what works here, how fast it is, which names lead to it, and how others are added."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Keep
from tests.wire.servers import ServerProcess

SETTINGS = """
[llm.default]
provider = "scripted"

[llm.small]
base_url = "http://127.0.0.1:9/v1"
model = "qwen3:1.7b"

[mapping.llm]
"gpt-4o" = "small"
"claude-*" = "default"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One with a language model that cannot be reached, and names that lead somewhere."""
    folder = tmp_path_factory.mktemp("models")
    settings = folder / "parola.toml"
    settings.write_text(SETTINGS)
    with ServerProcess("--data", str(folder / "data"), "--config", str(settings)) as server:
        yield server


def test_models_are_measured_looked_up_and_added(page: Page, models_dir: Path, keep: Keep) -> None:
    page.goto("/dashboard/models")
    thinks = page.get_by_role("region", name="Thinks")
    expect(thinks.get_by_text("Not reached")).to_be_visible()
    expect(thinks.get_by_role("button", name="Measure qwen3:1.7b")).to_be_disabled()
    speaks = page.get_by_role("region", name="Speaks")
    expect(speaks.get_by_text("Apache-2.0")).to_be_visible()
    speaks.get_by_role("button", name="Measure Embedded model").click()
    expect(speaks.get_by_text("than real time")).to_be_visible()
    thinks.get_by_role("button", name="Measure Script").click()
    expect(thinks.get_by_text("Answers at once")).to_be_visible()
    keep("models")

    page.get_by_role("tab", name="Names").click()
    page.get_by_label("Search names").fill("claude-opus-4")
    expect(page.get_by_role("table", name="Names").get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("cell", name="claude-*")).to_be_visible()
    page.get_by_label("Search names").fill("")
    keep("models-names")

    page.get_by_role("tab", name="Add models").click()
    page.get_by_text("vLLM", exact=True).click()
    expect(page.get_by_text("vllm serve")).to_be_visible()
    page.get_by_role("button", name="Detects speech").click()
    expect(page.get_by_text('voice_activity = "silero"')).to_be_visible()
    keep("models-add")
