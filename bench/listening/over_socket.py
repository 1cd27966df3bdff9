"""Some of the calls once more, over a real socket and in real time: does the jumping clock tell the truth?

The server is the product as a user would start it; the caller is the same, behind a WebSocket client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

import websockets

from bench.listening.scenarios import Case
from bench.listening.scoring import Row, over_agent, turn
from bench.listening.stage import Call, Caller, Observed, Rules, Stage, document
from bench.server import parola
from parola.session.transport import Disconnected

CALLS = (
    *("allison/as-dialed", "austen/amiable", "dickens/heaven", "allison/area-code", "robot/do-something"),
    *("allison/terribly-wrong", "cough 1", "male: Stop."),
)


def chosen(played: Mapping[str, Sequence[Case]]) -> list[Case]:
    """The calls of ``CALLS``, once in each kind of scenario that has them."""
    found: dict[tuple[str, str], Case] = {}
    for listed in played.values():
        for case in listed:
            options = case.scenario.options
            if case.name in CALLS and not ({"same", "pause", "decibels"} & set(options)):
                found.setdefault((case.name, case.scenario.kind), case)
    return list(found.values())


def compared(cases: Sequence[Case], stage: Stage, rules: Rules) -> Iterator[Row]:
    """Each call both ways; the jumping clock's with the models charged, as a real socket charges them."""
    is_warm = False
    with parola(None, "--preload") as server:
        for case in [*cases[:1], *cases]:
            target = server.create_agent({"name": "bench", "conversation_config": _config(case.call, rules)})
            address = f"ws://127.0.0.1:{target.port}{target.path}"
            real = asyncio.run(_call(case.call, address))
            if not is_warm:  # the first call waits for the models
                is_warm = True
                continue
            stage.clock.charged = True
            jumped = stage.play(case.call, rules, case.voice)
            stage.clock.charged = False
            yield {
                "what": "socket",
                "scenario": case.scenario.name,
                "call": case.name,
                **_figures("socket", case, real),
                **_figures("bench", case, jumped),
            }


def _config(call: Call, rules: Rules) -> object:
    return document(call, rules, "heart")["conversation_config"]


def _figures(name: str, case: Case, seen: Observed) -> Row:
    if case.scenario.kind == "turn":
        scored = turn(case, seen)
        seconds, came = scored.decision_seconds, "cut off" if scored.was_cut_off else "whole"
    else:
        over = over_agent(case, seen)
        seconds, came = over.interruption_seconds, over.outcome
    return {f"{name}_came": came, f"{name}_ms": None if seconds is None else round(1000 * seconds)}


async def _call(call: Call, address: str) -> Observed:
    caller = Caller(call)
    async with websockets.connect(address, max_size=None) as socket:
        await socket.send('{"type":"conversation_initiation_client_data"}')
        listening = asyncio.create_task(_listen(socket, caller))
        while not isinstance(frame := await caller.receive(), Disconnected):
            await socket.send(frame)
        listening.cancel()
    return caller.observed()


async def _listen(socket: websockets.ClientConnection, caller: Caller) -> None:
    async for frame in socket:
        await caller.send(str(frame))
