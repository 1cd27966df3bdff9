"""The protocol below our messages, by the cases of the Autobahn test suite; and secrets that are seen nowhere."""

from __future__ import annotations

from soak import canaries, frames


async def test_the_websocket_cases_of_autobahn_pass() -> None:
    verdict = await frames.run(is_quick=True)
    assert not verdict.failed, verdict.failed
    assert (verdict.passed, verdict.cases) == (246, 247)
    assert [one.partition(":")[0] for one in verdict.upstream] == list(frames.UPSTREAM)


async def test_secrets_are_seen_nowhere() -> None:
    found = await canaries.run()
    assert len(found.values) > 10 and found.looked_at > 100_000
    assert not found.found, "\n".join(found.found)
