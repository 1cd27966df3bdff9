"""How handlers reach what the process has (``process.py``), who asks, and what is needed to ask."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from parola.api.access import needs, needs_key, open_to_all
from parola.api.auth import CALLER, Caller, address_of
from parola.api.process import Services

__all__ = ["CallerDep", "Services", "ServicesDep", "needs", "needs_key", "open_to_all"]


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]


def _caller(request: Request) -> Caller:
    caller: Caller | None = request.scope.get(CALLER)
    return caller or Caller(address=address_of(request.scope))


CallerDep = Annotated[Caller, Depends(_caller)]
"""Who asks."""
