"""What a webhook tool asks: from its config, the model's arguments and the variables to a request."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parola.conversation import webhook_tool
from parola.outbound.locators import Locators
from parola.store.base import SecretRow
from parola.store.memory import MemoryStore
from parola.tools.request import REDACTED, CannotCall, WebhookRequest, webhook_request


class Open:
    """A seal that hides nothing."""

    def open(self, sealed: bytes) -> str:
        return sealed.decode()


def made(api_schema: dict[str, Any], arguments: dict[str, Any] | None = None, **variables: Any) -> WebhookRequest:
    async def make() -> WebhookRequest:
        store = MemoryStore()
        await store.secrets.put(SecretRow("sec_1", "key", b"Bearer s3cr3t-value", 0.0))
        return await webhook_request(api_schema, arguments or {}, variables, Locators(store, Open()))

    return asyncio.run(make())


def refusal(api_schema: dict[str, Any], arguments: dict[str, Any] | None = None, **variables: Any) -> str:
    with pytest.raises(CannotCall) as refused:
        made(api_schema, arguments, **variables)
    return refused.value.message


def body(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, **more}
    return {"url": "https://a.example/", "method": "POST", "request_body_schema": schema}


TEXT = {"type": "string", "description": "a text"}


def test_every_part_of_a_request_is_filled_from_its_source() -> None:
    request = made(
        {
            "url": "https://{{tenant}}.example.org/agents/{agent}/book?v=2",
            "method": "POST",
            "path_params_schema": {"agent": {"type": "string", "dynamic_variable": "system__agent_id"}},
            "query_params_schema": {"properties": {"q": TEXT, "n": {"type": "integer", "constant_value": 3}}},
            "request_headers": {
                "X-Plain": "for {{name}}",
                "X-Variable": {"variable_name": "name"},
                "Authorization": {"secret_id": "sec_1"},
                "X-Hidden": {"variable_name": "secret__token"},
            },
            "request_body_schema": {
                "type": "object",
                "required": ["slot"],
                "properties": {
                    "slot": TEXT,
                    "caller": {"type": "string", "dynamic_variable": "name"},
                    "age": {"type": "integer", "dynamic_variable": "age"},
                    "vip": {"type": "boolean", "dynamic_variable": "vip"},
                    "source": {"type": "string", "constant_value": "voice"},
                    "zero": {"type": "integer", "constant_value": 0},
                    "never": {"type": "string", "description": "x", "is_omitted": True},
                    "conversation_id": {"type": "string", "is_system_provided": True},
                    "unset": {"type": "string", "dynamic_variable": "nobody_set_it"},
                    "nested": {"type": "object", "properties": {"note": TEXT, "kind": {"constant_value": "n"}}},
                },
            },
        },
        {"slot": "2026-01-01T10:00", "q": "a b&c=d", "nested": {"note": "hi"}},
        tenant="acme",
        system__agent_id="agent/1 ü",
        system__conversation_id="conv_1",
        name="Ann",
        age="41",
        vip="true",
        secret__token="hush-hush",
    )
    assert request.url == "https://acme.example.org/agents/agent%2F1%20%C3%BC/book?v=2&q=a%20b%26c%3Dd&n=3"
    assert request.headers == {
        "Content-Type": "application/json",
        "X-Plain": "for Ann",
        "X-Variable": "Ann",
        "Authorization": "Bearer s3cr3t-value",
        "X-Hidden": "hush-hush",
    }
    assert request.body == (
        b'{"slot":"2026-01-01T10:00","caller":"Ann","age":41,"vip":true,"source":"voice","zero":0,'
        b'"conversation_id":"conv_1","nested":{"note":"hi","kind":"n"}}'
    )
    details = request.details
    assert details["headers"]["Authorization"] == details["headers"]["X-Hidden"] == REDACTED
    assert details["path_params"] == {"agent": "agent/1 ü"} and details["query_params"] == {"q": "a b&c=d", "n": "3"}
    assert "s3cr3t" not in str(details) and "hush" not in str(details)


def test_the_model_sees_only_what_it_has_to_fill_in() -> None:
    api_schema = {
        "url": "https://a.example/{id}",
        "method": "POST",
        "path_params_schema": {"id": TEXT},
        "query_params_schema": {"properties": {"page": {"type": "integer", "description": "page"}}},
        "request_body_schema": {
            "type": "object",
            "required": ["id", "agent"],
            "properties": {
                "id": TEXT,
                "agent": {"type": "string", "dynamic_variable": "system__agent_id"},
                "all_ours": {"type": "object", "properties": {"x": {"constant_value": 1}}},
                "lines": {"type": "array", "description": "lines", "items": {"type": "string", "description": "one"}},
                "whole": {"type": "array", "dynamic_variable": "cart", "items": TEXT},
            },
        },
    }
    definition = webhook_tool.definition("look", "Looks.", api_schema)
    assert definition.parameters == {
        "type": "object",
        "properties": {
            "path_id": TEXT,
            "page": {"type": "integer", "description": "page"},
            "body_id": TEXT,
            "lines": {"type": "array", "description": "lines", "items": {"type": "string", "description": "one"}},
        },
        "required": ["path_id", "body_id"],
    }
    request = made(api_schema, {"path_id": "p", "body_id": "b", "lines": ["x"]}, system__agent_id="a", cart='["y"]')
    assert request.url == "https://a.example/p"
    assert request.body == b'{"id":"b","agent":"a","all_ours":{"x":1},"lines":["x"],"whole":["y"]}'


def test_objects_and_arrays_come_whole_from_variables_or_constants() -> None:
    shape = {"type": "object", "properties": {"x": TEXT}}
    request = made(
        body(
            {
                "text": shape | {"dynamic_variable": "as_text"},
                "value": shape | {"dynamic_variable": "as_value"},
                "fixed": {"type": "array", "items": TEXT, "constant_value": [1, {"a": 2}]},
            }
        ),
        as_text='{"x": "1"}',
        as_value={"x": [2]},
    )
    assert request.body == b'{"text":{"x":"1"},"value":{"x":[2]},"fixed":[1,{"a":2}]}'
    assert "expected object in the variable, got 'no json'" in refusal(
        body({"o": shape | {"dynamic_variable": "v"}}), v="no json"
    )
    whole = {"url": "https://a.example/", "method": "PUT", "request_body_schema": shape | {"dynamic_variable": "all"}}
    assert made(whole, all='{"x": "y"}').body == b'{"x":"y"}'


def test_a_form_is_a_form() -> None:
    api_schema = body({"a": TEXT, "list": {"type": "array", "description": "l", "items": TEXT}})
    request = made(api_schema | {"content_type": "application/x-www-form-urlencoded"}, {"a": "1 &", "list": ["x", "y"]})
    assert request.body == b"a=1+%26&list=x&list=y"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_get_has_no_body() -> None:
    assert made(body({"a": TEXT}) | {"method": "GET"}, {"a": "1"}).body is None


def test_only_allowed_values_go_out() -> None:
    leaf = TEXT | {"allowed_values": {"dynamic_variable": "mine"}}
    for mine in (["A-1", "A-2"], '["A-1", "A-2"]', "A-1, A-2"):
        assert made(body({"order": leaf}), {"order": "A-2"}, mine=mine).body == b'{"order":"A-2"}'
        assert "Allowed: A-1, A-2" in refusal(body({"order": leaf}), {"order": "B-7"}, mine=mine)
    assert "the variable is empty" in refusal(body({"order": leaf}), {"order": "A-1"})


def test_required_constraints_hold() -> None:
    names = dict.fromkeys(("phone", "mail", "first", "last"), TEXT)
    constraints = {"any_of": [{"required": ["phone"]}, {"required": ["first", "last"]}]}
    api_schema = body(names, required_constraints=constraints)
    assert made(api_schema, {"phone": "1"}).body == b'{"phone":"1"}'
    assert made(api_schema, {"first": "A", "last": "B"}).body
    assert "at least one of: phone; first and last" in refusal(api_schema, {"first": "A"})
    told = webhook_tool.definition("t", "Finds.", api_schema).description
    assert told == "Finds. Give at least one of: phone; first and last."
    every = body(names, required_constraints={"all_of": [{"required": ["mail"]}]})
    assert "expected mail" in refusal(every, {"phone": "1"})


@pytest.mark.parametrize(
    ("api_schema", "variables", "why"),
    [
        ({"url": "https://a.example/{id}", "path_params_schema": {"id": {"constant_value": ".."}}}, {}, "another addr"),
        ({"url": "https://a.example/{id}", "path_params_schema": {}}, {}, "nothing gave {id} a value"),
        ({"url": "https://{{t}}.example/"}, {"t": "evil.com/"}, "is none"),
        ({"url": "https://{{t}}.example/"}, {"t": "user@evil.com"}, "is none"),
        ({"url": "https://a.example/{{t}}"}, {}, "the variable t is not set"),
        ({"url": "https://a.example/{{secret__t}}"}, {"secret__t": "x"}, "headers only"),
        (body({"x": {"type": "string", "dynamic_variable": "secret__t"}}), {"secret__t": "x"}, "headers only"),
        (body({"x": {"type": "string", "dynamic_variable": "t"}}, required=["x"]), {}, "the variable t is not set"),
        (body({"x": {"type": "integer", "dynamic_variable": "t"}}), {"t": "four"}, "expected integer"),
        (
            {"url": "https://a.example/", "request_headers": {"X": {"variable_name": "t"}}},
            {"t": "a\r\nY: b"},
            "without control characters, got one with U+000D",
        ),
        ({"url": "https://a.example/", "request_headers": {"X": "a\x7f"}}, {}, "without control characters"),
        ({"url": "https://a.example/", "request_headers": {"a b": "c"}}, {}, "expected the name of an HTTP header"),
        ({"url": "https://a.example/", "method": "TRACE"}, {}, "expected GET, POST"),
    ],
)
def test_what_cannot_be_asked_is_not_asked(api_schema: dict[str, Any], variables: dict[str, Any], why: str) -> None:
    assert why in refusal(api_schema, **variables)


def test_headers_that_say_how_a_message_is_sent_are_not_the_tools_to_say() -> None:
    theirs = {"content-type": "application/vnd.x+json", "Host": "b.example", "Content-Length": "5", "EXPECT": "x"}
    schema = {**body({}), "request_headers": theirs}
    assert made(schema).headers == {"content-type": "application/vnd.x+json"}


def test_a_value_that_looks_like_a_placeholder_is_none() -> None:
    api_schema = {"url": "https://a.example/{a}/{b}", "path_params_schema": {"a": TEXT, "b": TEXT}}
    assert made(api_schema, {"a": "{b}", "b": "{{x}}"}, x="no").url == "https://a.example/%7Bb%7D/%7B%7Bx%7D%7D"


def test_a_variable_may_be_the_whole_base_address_and_in_a_path_it_is_one_segment() -> None:
    assert made({"url": "{{base}}/x/{{y}}"}, base="http://127.0.0.1:9/v1", y="a/b?c").url == (
        "http://127.0.0.1:9/v1/x/a%2Fb%3Fc"
    )


def test_credentials_in_an_address_are_not_shown() -> None:
    assert made({"url": "https://user:pass@a.example/"}).details["url"] == f"https://{REDACTED}@a.example/"


def test_time_outs_are_brought_into_their_range_with_a_warning() -> None:
    warnings: list[str] = []
    asked = (None, 5, 300, 1, 1000)
    seconds = [webhook_tool.timeout_seconds({"name": "t", "response_timeout_secs": s}, warnings) for s in asked]
    assert seconds == [20, 5, 300, 5, 300] and len(warnings) == 2
