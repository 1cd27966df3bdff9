"""What a line of the log says, and what it leaves out; which levels and formats there are."""

from __future__ import annotations

import ast
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from parola import logs
from parola.config import load
from parola.errors import InvalidRequest, ProviderError
from parola.outbound.guard import AddressRefused
from tests.virtual_time import run

ROOT = Path(__file__).parents[1]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    logs.configure("debug", "json")
    yield capsys
    logs.configure("warning")
    logs.load()


def read(lines: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in lines.readouterr().err.splitlines()]


def test_a_line_says_which_conversation_and_an_exception_only_its_kind_and_place(lines):
    async def story() -> None:
        logs.about(conversation_id="conv_1", agent_id="agent_1")
        try:
            try:
                raise KeyError("a word")
            except KeyError as error:
                raise ValueError("my number is 12") from error
        except ValueError:
            logs.logger("here").exception("failed", agent_id="agent_2")

    run(story())
    (line,) = read(lines)
    assert (line["conversation_id"], line["agent_id"], line["event"]) == ("conv_1", "agent_2", "failed")
    assert re.fullmatch(r"ValueError at .*test_logs.py:\d+ in story, after KeyError at .*", line["exception"])
    logs.logger("here").info("later")
    (line,) = read(lines)
    assert "conversation_id" not in line


def test_libraries_log_without_what_they_put_in(lines):
    log = logging.Logger("asyncio")
    log.addHandler(logs.LibraryLogs())
    log.error("Task exception was never retrieved\nfuture: <Task ValueError('a word')>")
    log.warning("cannot read %s", "a word")
    assert [line["text"] for line in read(lines)] == ["Task exception was", "cannot read %s"]


def test_of_an_error_the_log_has_what_is_ours():
    assert logs.reason(ProviderError("stt", "answered: a word")) == "stt failed"
    assert logs.reason(ModuleNotFoundError("No module named 'x.y'", name="x.y")) == "ModuleNotFoundError: x.y"
    assert logs.reason(ProviderError("stt", "answered: a word", logged="answered 400")) == "answered 400"
    failed = ProviderError("stt", "answered: a word")
    failed.__cause__ = ValueError("a word")
    assert logs.reason(failed) == "stt failed (ValueError)"
    assert logs.reason(AddressRefused("http://a.word is refused")) == "address_refused"
    assert (
        logs.reason(ConnectionRefusedError(111, "Connection refused")) == "ConnectionRefusedError: Connection refused"
    )
    assert logs.reason(ValueError("a word")) == "ValueError"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("LOG_LEVEL", "verbose", 'log_level: expected "debug", "info", "warning" or "error", got "verbose".'),
        ("LOG_FORMAT", "xml", 'log_format: expected "text" or "json", got "xml".'),
        ("OTLP_SAMPLE_RATIO", "2", "otlp_sample_ratio: expected 0 to 1, got 2."),
        ("OTLP_SAMPLE_RATIO", "some", 'PAROLA_OTLP_SAMPLE_RATIO: expected a number, got "some".'),
    ],
)
def test_a_setting_that_cannot_be_is_an_error_that_says_what_can(name: str, value: str, problem: str):
    with pytest.raises(InvalidRequest, match=re.escape(problem)):
        load(environ={f"PAROLA_{name}": value})


def test_the_variables_of_opentelemetry_are_read_where_ours_are_not_set():
    standard = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318",
        "OTEL_EXPORTER_OTLP_HEADERS": "a=1,b=2",
        "OTEL_SERVICE_NAME": "desk",
    }
    settings = load(environ=standard).settings
    assert (settings.otlp_endpoint, settings.otlp_service_name) == ("http://otel:4318", "desk")
    assert settings.otlp_headers == ("a=1", "b=2")
    assert load(environ={**standard, "PAROLA_OTLP_ENDPOINT": "http://own:4318"}).settings.otlp_endpoint.endswith(
        "own:4318"
    )


LOGGED = [
    (file.relative_to(ROOT), call)
    for file in sorted((ROOT / "parola").rglob("*.py"))
    for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("log.")
]


def test_nobody_logs_the_message_of_an_error():
    """It may quote what somebody said: ``logs.reason`` says what may be told."""
    assert len(LOGGED) > 50
    for file, call in LOGGED:
        for keyword in call.keywords:
            told = ast.unparse(keyword.value)
            allowed = file.name == "postgres.py" and "error.orig" in told  # what the database says of an extension
            assert allowed or not re.search(r"\bstr\(|\.message\b", told), f"{file}:{call.lineno}: {told}"
