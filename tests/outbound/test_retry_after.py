"""What somebody wrote into `Retry-After`: a time to wait, or nothing."""

from __future__ import annotations

import pytest

from parola.outbound.retry_after import retry_after_seconds

NOW = 1_000_000_000.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("20", 20.0),
        ("0", 0.0),
        ("Sun, 09 Sep 2001 01:47:00 GMT", 20.0),
        (None, None),
        ("Sun, 09 Sep 2001 01:46:00 GMT", None),
    ],
)
def test_a_number_or_a_date_that_is_to_come(header: str | None, seconds: float | None):
    assert retry_after_seconds(header, NOW) == seconds


@pytest.mark.parametrize(
    "header",
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 -0000",
        "Mon, 01 Jan 9999 00:00:00 +9999999999",
        "1 2 3 4 5 6 7",
        "nan",
        "inf",
        "-5",
        "",
        "soon",
        "5; x",
        "\x00",
        "9" * 5000,
    ],
)
def test_nonsense_is_none(header: str):
    assert retry_after_seconds(header, NOW) is None
