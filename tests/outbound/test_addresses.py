"""An address is told without what may be a secret in it, whoever tells it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from parola.config import Loaded, ProviderSettings, Settings
from parola.errors import ProviderError
from parola.outbound.addresses import joined, shown, told
from parola.outbound.guard import AddressRefused, Guard
from parola.outbound.http import Connections, Endpoint
from parola.terminal import doctor, settings
from parola.terminal.serve import _state

SECRET = "http://user:SECRETU@127.0.0.1:9/v1?api_key=SECRETQ#SECRETF"


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        (SECRET, "http://127.0.0.1:9/v1"),
        ("https://SECRETU@api.example.com", "https://api.example.com"),
        ("https://api.example.com/@ada/v1?a=SECRETQ", "https://api.example.com/@ada/v1"),
        ("https://user:SEC@RETU@[::1]:80/x", "https://[::1]:80/x"),
        ("https://user:pass?SECRETU@api.example.com/", "https://user"),
        ("https://user:SECRETU#x@api.example.com/", "https://user"),
        ("//user:SECRETU@host/x", "//host/x"),
        ("http://[SECRETless", "http://[SECRETless"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_credentials_and_query(address: str, seen: str) -> None:
    assert shown(address) == seen


def test_what_a_library_says_of_an_address_is_told_without_them_too() -> None:
    said = f"Client error '401 Unauthorized' for url '{SECRET}'\nSee https://example.com/401?x=SECRETX."
    assert told(ValueError(said)) == (
        "Client error '401 Unauthorized' for url 'http://127.0.0.1:9/v1'\nSee https://example.com/401"
    )
    assert told(OSError()) == "OSError"


def test_the_query_of_a_service_stays_behind_its_paths() -> None:
    assert joined("http://h/v1/?key=k", "/models") == "http://h/v1/models?key=k"
    assert joined("http://h/v1/models?key=k", "/models", "v=2") == "http://h/v1/models?key=k&v=2"


def test_a_provider_that_is_not_there_is_named_without_its_secrets() -> None:
    async def ask(url: str) -> ProviderError:
        connections = Connections(Guard(allows_local=True))
        try:
            endpoint = Endpoint(ProviderSettings("openai", base_url=url), "/chat/completions", connections, "llm")
            with pytest.raises(ProviderError) as raised:
                async with endpoint.post(b"{}"):
                    pass
            return raised.value
        finally:
            await connections.aclose()

    for url in (SECRET, SECRET.replace("9/v1", "99999/v1")):
        error = asyncio.run(ask(url))
        assert "127.0.0.1" in error.message and "SECRET" not in error.message + error.logged


@pytest.mark.parametrize("url", [SECRET.replace("http:", "ftp:"), "http://user:SECRETU @h/", "http://u:SECRETU@/x"])
def test_an_address_that_is_refused_is_named_without_them(url: str) -> None:
    with pytest.raises(AddressRefused) as raised:
        Guard().check_url(url)
    assert "SECRET" not in raised.value.message


def test_banner_settings_and_doctor_do_not_tell_them(capsys: pytest.CaptureFixture[str]) -> None:
    llm = {"default": ProviderSettings("openai", base_url=SECRET, model="m")}
    scripted = {"default": ProviderSettings("scripted")}
    with_secrets = replace(Settings(), llm=llm, stt=scripted, tts=scripted, otlp_endpoint=SECRET)
    settings.show(Loaded(with_secrets, {}))
    found: Any = asyncio.run(doctor._probe("llm", "default", llm["default"]))
    shown_to_all = "\n".join([*_state(with_secrets), capsys.readouterr().out, found.text])
    assert shown_to_all.count("127.0.0.1:9/v1") >= 4 and "SECRET" not in shown_to_all
