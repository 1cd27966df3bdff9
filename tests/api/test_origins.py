"""Which pages may talk to an agent."""

from __future__ import annotations

import pytest

from parola.api.origins import is_allowed, is_in_network


@pytest.mark.parametrize(
    ("origin", "entry", "allowed"),
    [
        ("https://app.example", "app.example", True),
        ("https://App.Example/", "app.example", True),
        ("http://localhost:3000", "localhost:3000", True),
        ("http://localhost:3001", "localhost:3000", False),
        ("https://app.example:8443", "app.example", False),
        ("https://sub.app.example", "app.example", False),
        ("https://app.example", "app.example.evil", False),
        ("https://a.b.example", "*.example", True),
        ("https://example", "*.example", False),
        ("https://evilexample", "*.example", False),
        ("https://a.example:8443", "*.example", False),
        ("https://a.example:8443", "*.example:8443", True),
        ("http://10.1.2.3:3000", "10.1.0.0/16", True),
        ("http://10.2.2.3", "10.1.0.0/16", False),
        ("http://10.1.evil.example", "10.1.0.0/16", False),
        ("http://[fd00::5]:80", "fd00::/8", True),
        ("http://10.1.2.3", "10.1.0.0/99", False),
        ("null", "app.example", False),
        ("null", "", False),
    ],
)
def test_an_entry_is_exact_unless_it_is_a_wildcard_or_a_network(origin: str, entry: str, allowed: bool) -> None:
    assert is_allowed(origin, ["unrelated.example", entry]) is allowed


def test_there_may_be_more_than_ten_entries() -> None:
    hosts = [f"app{n}.example" for n in range(200)]
    assert is_allowed("https://app199.example", hosts)


def test_a_client_without_an_origin_may_come_from_a_listed_network() -> None:
    assert is_in_network("10.1.9.9", ["app.example", "10.1.0.0/16"])
    assert not is_in_network("10.2.9.9", ["10.1.0.0/16", "10.2.9.9"])
    assert not is_in_network("testclient", ["10.1.0.0/16"])
