"""The loop that jumps: what tests of the session stand on."""

import asyncio
import time

from tests.virtual_time import run


def test_an_hour_of_waiting_takes_no_time():
    async def story() -> list[float]:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(3600)
        return [loop.time()]

    began = time.monotonic()
    assert run(story()) == [3600.0]
    assert time.monotonic() - began < 5


def test_things_happen_in_the_order_of_their_times():
    async def story() -> list[tuple[str, float]]:
        loop, told = asyncio.get_running_loop(), []

        async def say(word: str, after: float) -> None:
            await asyncio.sleep(after)
            told.append((word, loop.time()))

        await asyncio.gather(say("third", 3), say("first", 1), say("second", 2))
        return told

    assert run(story()) == [("first", 1.0), ("second", 2.0), ("third", 3.0)]


def test_time_stands_still_while_a_thread_works():
    async def story() -> float:
        loop = asyncio.get_running_loop()
        timer = asyncio.create_task(asyncio.sleep(100))
        await asyncio.to_thread(sum, range(100_000))
        at = loop.time()
        timer.cancel()
        return at

    assert run(story()) == 0.0
