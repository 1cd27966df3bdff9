"""The second profile: what a user waits for with the embedded speech models and the scripted language model.

Here the models run on the server's own processor, so the whole wait is measured: from the last sound of the user to
the first sound of the agent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from bench import load, speech
from bench.analysis import embedded_figures
from bench.caller import Script, Times
from bench.machine import Watch
from bench.plan import Plan
from bench.profile_fakes import SETTLE_SECONDS, Row, health, idle
from bench.server import DEMO_AGENT, parola

WARM_UP = Times(turns_end=4.0)
"""The first call loads the models; it is not counted."""


def measure(plan: Plan) -> Iterator[Row]:
    """One row for each number of callers."""
    pcm, speaker = speech.load()
    yield {"what": "speech", "speaker": speaker, "seconds": round(len(pcm) / 32000, 2)}
    with parola(None) as server:
        yield idle(server)
        agent = server.create_agent(DEMO_AGENT)
        asyncio.run(load.run(agent, Script.spoken("voice", pcm, WARM_UP), 1))
        for count in plan.embedded_callers:
            watch = Watch(server.tree, None)
            script = Script.spoken("voice", pcm, plan.voice_times(count))
            outcome = asyncio.run(load.run(agent, script, count, watch))
            server.check()
            turns = [turn for call in outcome.calls for turn in call.turns]
            yield {"what": "embedded", "n": count, **embedded_figures(turns), **health(outcome), **watch.row}
            time.sleep(SETTLE_SECONDS)
