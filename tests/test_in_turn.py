"""Work that takes a core: few pieces at a time, the same once, and not without end."""

from __future__ import annotations

import asyncio

import pytest

from parola.errors import TooMany
from parola.in_turn import InTurn
from tests.virtual_time import run


def test_one_at_a_time_the_same_once_and_of_too_many_the_rest_is_refused() -> None:
    async def story() -> None:
        turns = InTurn(1, most_waiting=1)
        done: list[str] = []

        async def work(what: str) -> str:
            begun = len(done)
            await asyncio.sleep(1.0)
            assert len(done) == begun, "one at a time"
            done.append(what)
            if what == "bad":
                raise ValueError(what)
            return what

        def ask(what: str) -> asyncio.Task[str]:
            return asyncio.ensure_future(turns.do(what, lambda: work(what)))

        first, leaver, second, joined = ask("a"), ask("a"), ask("b"), ask("b")
        await asyncio.sleep(0.5)
        leaver.cancel()
        with pytest.raises(TooMany) as refused:
            await ask("c")
        assert (refused.value.status, refused.value.code) == (429, "system_busy") and refused.value.retry_after_seconds
        assert await asyncio.gather(first, second, joined) == ["a", "b", "b"] and done == ["a", "b"]

        bad, worse = ask("bad"), ask("bad")
        for one in (bad, worse):
            with pytest.raises(ValueError, match="bad"):
                await one
        assert await ask("a") == "a", "asked for again it is done again"

    run(story())
