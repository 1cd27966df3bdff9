"""Work for one model: in turns, the urgent first, none of it for nobody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from parola.providers.fair_queue import FairQueue
from tests.virtual_time import run


class Model:
    """Work that lasts until it is let go, so that a test decides what waits behind it."""

    def __init__(self, threads: int = 1) -> None:
        self.queue = FairQueue("model", threads)
        self.done: list[str] = []
        self.threads: set[int] = set()
        self._tasks: list[asyncio.Task[str]] = []

    def ask(self, name: str, due_in: float = 0.0) -> asyncio.Task[str]:
        """``ann 1`` is a piece of work for Ann."""
        work = self.queue.run(name.split()[0], self._work, name, due_in_seconds=due_in)
        self._tasks.append(asyncio.get_running_loop().create_task(work))
        return self._tasks[-1]

    def _work(self, name: str) -> str:
        self.done.append(name)
        self.threads.add(threading.get_ident())
        return name

    async def all_done(self) -> list[str]:
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.queue.close()
        return self.done


async def begun(model: Model) -> threading.Event:
    """A piece of work of Zoe's that occupies the only thread until the event is set."""
    let_go = threading.Event()
    loop = asyncio.get_running_loop()
    running = loop.create_future()

    def work() -> None:
        loop.call_soon_threadsafe(running.set_result, None)
        let_go.wait()

    model._tasks.append(loop.create_task(model.queue.run("zoe", work)))  # type: ignore[arg-type]
    await running
    return let_go


@asynccontextmanager
async def busy(model: Model) -> AsyncIterator[None]:
    """Somebody's work occupies the only thread for as long as the block lasts, on a clock that jumps."""
    await model.queue.run("zoe", str)
    model.queue.running += 1
    yield
    model.queue.running -= 1
    model.queue._begin_next(asyncio.get_running_loop())


async def asked(model: Model, *names: str) -> None:
    for name in names:
        model.ask(name)
        await asyncio.sleep(0)


def story(tell: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(tell())


def test_one_long_winded_caller_does_not_starve_the_others():
    async def tell() -> list[str]:
        model = Model()
        let_go = await begun(model)
        await asked(model, "ann 1", "ann 2", "ann 3", "ann 4", "bob 1", "eve 1", "bob 2")
        let_go.set()
        return await model.all_done()

    assert story(tell) == ["ann 1", "bob 1", "eve 1", "ann 2", "bob 2", "ann 3", "ann 4"]


def test_who_comes_back_stands_behind_those_who_wait():
    async def tell() -> list[str]:
        model = Model()

        async def talks(name: str) -> None:
            for number in (1, 2, 3):
                await model.ask(f"{name} {number}")

        let_go = await begun(model)
        calls = asyncio.gather(talks("ann"), talks("bob"))
        await asyncio.sleep(0)
        let_go.set()
        await calls
        return await model.all_done()

    assert story(tell) == ["ann 1", "bob 1", "ann 2", "bob 2", "ann 3", "bob 3"]


def test_what_is_not_due_lets_others_go_first():
    async def tell() -> list[str]:
        model = Model()
        let_go = await begun(model)
        model.ask("ann 2", due_in=60)
        model.ask("bob 2", due_in=60)
        await asked(model, "eve 1")
        let_go.set()
        return await model.all_done()

    assert story(tell) == ["eve 1", "ann 2", "bob 2"]


def test_what_has_become_due_waits_no_longer():
    async def tell() -> list[str]:
        model = Model()
        async with busy(model):
            model.ask("ann 2", due_in=1)
            await asyncio.sleep(2)
            await asked(model, "eve 1")
        return await model.all_done()

    assert run(tell()) == ["ann 2", "eve 1"]


def test_work_that_is_given_up_while_it_waits_is_never_done():
    async def tell() -> list[str]:
        model = Model()
        let_go = await begun(model)
        given_up = model.ask("ann 1")
        await asked(model, "bob 1")
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        assert model.queue.depth == 1
        let_go.set()
        return await model.all_done()

    assert story(tell) == ["bob 1"]


def test_work_that_is_given_up_while_it_runs_keeps_its_thread_until_it_is_done():
    async def tell() -> list[str]:
        model = Model()
        let_go = await begun(model)
        model._tasks[0].cancel()
        await asyncio.gather(model._tasks[0], return_exceptions=True)
        await asked(model, "bob 1")
        assert (model.queue.running, model.done) == (1, [])
        let_go.set()
        return await model.all_done()

    assert story(tell) == ["bob 1"]


def test_a_failure_is_raised_to_who_asked_and_to_nobody_else():
    async def tell() -> list[str]:
        model = Model()
        with pytest.raises(ZeroDivisionError):
            await model.queue.run("ann", lambda: 1 // 0)
        await asked(model, "bob 1")
        return await model.all_done()

    assert story(tell) == ["bob 1"]


def test_as_many_threads_work_as_it_was_given():
    async def tell() -> int:
        queue = FairQueue("model", 3)
        together = threading.Barrier(3, timeout=10)
        await asyncio.gather(*(queue.run(name, together.wait) for name in "abc"))
        assert queue.running == 0 and queue.ran.count == 3
        queue.close()
        return together.n_waiting

    assert story(tell) == 0


def test_how_late_work_begins_is_known_while_it_waits_and_forgotten_when_it_is_over():
    async def tell() -> list[float]:
        model = Model()
        loop = asyncio.get_running_loop()
        async with busy(model):
            model.ask("ann 1")
            model.ask("bob 2", due_in=1)
            await asyncio.sleep(2)
            late = [model.queue.lateness(loop.time())]
        await asyncio.gather(*model._tasks)
        late.append(model.queue.lateness(loop.time()))
        await asyncio.sleep(6)
        late.append(model.queue.lateness(loop.time()))
        await model.all_done()
        return late

    assert run(tell()) == [2.0, 1.0, 0.0]  # on average of zoe, ann and bob: 0, 2 and 1 s


def test_what_waits_when_the_server_stops_is_cancelled():
    async def tell() -> list[str]:
        model = Model()
        let_go = await begun(model)
        waiting = model.ask("ann 1")
        await asyncio.sleep(0)
        model.queue.close()
        let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return model.done

    assert story(tell) == []
