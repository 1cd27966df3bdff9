"""What a client has seen survives a power cut, and so does what is owed for it: the server is killed in the middle of
conversations, again and again, while whoever is told of them fails half of the time. ``make soak`` does it longer."""

from __future__ import annotations

from soak.kills import run

CYCLES = 10


async def test_kills_under_load_lose_no_turn_no_end_no_webhook_and_no_analysis():
    counts = await run(CYCLES)
    assert not counts.lost, "\n".join(counts.lost)
    assert counts.kills >= CYCLES
    assert counts.acknowledged_turns > 10 * CYCLES, "the calls were too short to prove anything"
    assert counts.webhook_failures > CYCLES and counts.by_voice > 0
