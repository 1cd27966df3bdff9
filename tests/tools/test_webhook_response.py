"""What becomes of a tool's answer."""

from __future__ import annotations

import orjson
import pytest

from parola.tools.response import MOST_SHOWN_BYTES, called_back, for_model, understood

ORDER = orjson.dumps(
    {"data": [{"id": 1, "card": {"number": "4111", "brand": "visa"}}, {"id": 2}], "next": None, "total": 2}
)


def seen(mode: str, *filters: str) -> str:
    return for_model(understood(200, ORDER, "application/json"), {"mode": mode, "filters": list(filters)})


def test_a_filter_lets_through_what_it_names_and_nothing_else() -> None:
    assert seen("all", "total") == ORDER.decode()
    assert seen("allow", "total", "data.id") == '{"data":[{"id":1},{"id":2}],"total":2}'
    assert seen("allow", "data.card.brand") == '{"data":[{"card":{"brand":"visa"}}]}'
    assert seen("allow", "data.0.id") == '{"data":[{"id":1}]}'
    assert seen("allow", "data.card") == '{"data":[{"card":{"number":"4111","brand":"visa"}}]}'
    assert seen("allow", "absent.path") == seen("allow") == "{}"
    assert seen("hide_all") == "The tool succeeded."


def test_a_filter_does_not_let_through_what_it_cannot_read() -> None:
    page = understood(200, b"<p>card 4111</p>", "text/html")
    assert "4111" not in for_model(page, {"mode": "allow", "filters": ["data"]})


@pytest.mark.parametrize(
    ("body", "content_type", "text", "is_json"),
    [
        (b'{"a": 1}', "text/plain", '{"a": 1}', True),
        (b'{"a": 1', "application/json", '{"a": 1', False),
        (b"<html>Hi</html>", "text/html; charset=utf-8", "<html>Hi</html>", False),
        ("für".encode("latin-1"), "text/plain; charset=latin-1", "für", False),
        (b"\xff\xfe", "text/plain", "\ufffd\ufffd", False),
        (b"hi", "text/plain; charset=klingon", "hi", False),
        (b"42", "", "42", True),
        (b"", "", "", False),
        (b"\x89PNG", "image/png", "[4 bytes of type image/png: not readable as text]", False),
    ],
)
def test_a_body_is_json_or_text_or_only_mentioned(body: bytes, content_type: str, text: str, is_json: bool) -> None:
    answer = understood(200, body, content_type)
    assert (answer.text, answer.is_json) == (text, is_json)


def test_a_long_answer_is_cut_and_says_so() -> None:
    shown = for_model(understood(200, b"x" * 100_000, "text/plain"), None)
    assert len(shown.encode()) <= 64 * 1024 and shown.startswith("x" * MOST_SHOWN_BYTES)
    assert shown.endswith(f"[cut here: the answer has 100000 bytes, this is the first {MOST_SHOWN_BYTES}]")


def test_secrets_that_an_answer_repeats_do_not_come_through() -> None:
    answer = understood(200, b'{"headers": {"Authorization": "Bearer s3cr3t"}}', "application/json", ["s3cr3t"])
    assert answer.json == {"headers": {"Authorization": "Bearer <REDACTED>"}}


def test_a_tool_may_say_that_its_result_comes_later() -> None:
    assert understood(202, b'{"status": "pending", "poll_after": 5}', "application/json").is_pending
    assert not understood(200, b'{"status": "pending"}', "application/json").is_pending
    assert not understood(202, b"accepted", "text/plain").is_pending


def test_a_callback_brings_a_result_or_a_failure() -> None:
    done = called_back(b'{"booked": 7}', "application/json")
    assert done.is_success and done.json == {"booked": 7}
    failed = called_back(b'{"is_error": true, "error": "full"}', "application/json")
    assert not failed.is_success and failed.failure == "full"
    assert called_back(b"x" * 2_000_000, "text/plain").is_cut
