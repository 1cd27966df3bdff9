"""``/v1/x/models``: what thinks, listens and speaks on this server, and how fast it does."""

from __future__ import annotations

import re

from fastapi import APIRouter

from parola.api.described import described
from parola.api.errors import checked
from parola.api.responses import Json, RawBody
from parola.api.services import Services, ServicesDep, needs_key
from parola.errors import Conflict, ProviderError, TooMany
from parola.protocol.server_models import Measured, MeasureRequest, ServerModels

router = APIRouter(prefix="/v1/x/models", tags=["models"], dependencies=[needs_key])

TRY_AGAIN_SECONDS = 10.0

_SECRETS = re.compile(r"(?<=://)[^/@\s]*@|(?<=\S)\?\S+=\S*")
"""What may stand in a service's address and is for its owner alone: user and password, the query."""


@router.get("", operation_id="x_models_get")
@described(response=ServerModels)
async def get(services: ServicesDep) -> Json:
    """What is configured and installed, what stands in for what, and how more is added. Services are asked whether they
    answer, which takes three seconds at most."""
    return Json(await services.registry.inventory())


@router.post("/measure", operation_id="x_models_measure")
@described(request=MeasureRequest, response=Measured)
async def measure(raw: RawBody, services: ServicesDep) -> Json:
    """Have a model do what a call has it do, four times, and say how long that took. One measurement at a time, for 30
    seconds at most, and none while people talk."""
    from parola.session import speed

    body = checked(MeasureRequest, raw)
    if services.measuring.locked():
        raise Conflict("A measurement is running: wait until it has ended.")
    if (busy := _busy(services)) is not None:
        raise TooMany(
            f"{busy}: a measurement now would be wrong, and would be in their way.",
            code="system_busy",
            retry_after_seconds=TRY_AGAIN_SECONDS,
        )
    async with services.measuring:
        try:
            return Json(await speed.measure(services.registry, body.kind, body.model))
        except ProviderError as error:
            raise ProviderError(error.provider, _SECRETS.sub("", error.message)) from None


def _busy(services: Services) -> str | None:
    """What the models have to do just now; None: nothing."""
    if (voices := services.live.count_by_medium()[0]) > 0:
        return f"{voices} voice conversation{'s are' if voices > 1 else ' is'} running"
    for name, queue in services.registry.queues.items():
        if queue.depth or queue.running:
            return f"The embedded model for {name} is at work"
    return None
