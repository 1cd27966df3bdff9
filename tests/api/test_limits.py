"""Every limit in force can be asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from parola.api.limits import CONSTANTS, constant

PAROLA = Path(__file__).parents[2] / "parola"

ADDRESSES = {where for names in CONSTANTS.values() for where in names.values()}


@pytest.mark.parametrize("where", sorted(ADDRESSES))
def test_every_limit_is_the_constant_that_enforces_it(where: str) -> None:
    value = constant(where)
    for number in value if isinstance(value, tuple) else (value,):
        assert isinstance(number, int | float)
        assert number > 0


@pytest.mark.parametrize("folder", ["knowledge/formats.py", "webhooks/retry.py", "tools/response.py"])
def test_no_limit_of_these_is_forgotten(folder: str) -> None:
    """The files whose constants are all limits that somebody outside can run into."""
    module = folder.removesuffix(".py").replace("/", ".")
    inside = {"knowledge.formats:MOST_ENTRIES", "knowledge.formats:MOST_DEPTH"}
    named = re.findall(r"^((?:MOST|GIVE_UP|THEN|PAUSES)_[A-Z_]+)\b.*=", (PAROLA / folder).read_text(), re.MULTILINE)
    assert named
    assert {f"{module}:{name}" for name in named} - inside <= ADDRESSES


def test_the_answer_has_the_settings_too(client: TestClient) -> None:
    told = client.get("/v1/x/limits").json()
    assert told["limits"]["requests_per_address"] == 600
    assert told["limits"]["starts_per_agent"] is None
    assert told["audit_retention_days"] == 365
    assert told["webhooks"]["retry_pauses_secs"] == [30, 120, 480, 1800]
    assert told["ping_secs"] == told["socket"]["ping_secs"] == 10
    assert set(CONSTANTS) <= set(told)
