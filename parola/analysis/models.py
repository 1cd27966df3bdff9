"""Who reads a conversation after it has ended: the agent's ``analysis_llm`` where that leads to a model of this server,
else the model the agent spoke with, else the backups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from parola.outbound.locators import Locators
from parola.providers.base import LanguageModel

CUSTOM = "custom-llm"
SCRIPTED = "scripted"


class Chosen(Protocol):
    @property
    def provider(self) -> LanguageModel: ...
    @property
    def model(self) -> str: ...
    @property
    def warning(self) -> str | None: ...


class Models(Protocol):
    """The part of the registry that is needed here."""

    def language_model(
        self,
        llm: str,
        custom_llm: Mapping[str, Any] | None = None,
        api_key: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Chosen: ...


@dataclass(frozen=True, slots=True)
class Analyst:
    """A model, and what to ask it for."""

    model: LanguageModel
    name: str

    @property
    def is_real(self) -> bool:
        return self.model.name != SCRIPTED


def prompt_of(agent: Mapping[str, Any]) -> Mapping[str, Any]:
    """An agent's ``conversation_config.agent.prompt``."""
    config = agent.get("conversation_config") or {}
    prompt: Mapping[str, Any] = (config.get("agent") or {}).get("prompt") or {}
    return prompt


def is_real(agent: Mapping[str, Any], models: Models) -> bool:
    """Whether there is a model that can read, and not only follow a script."""
    llm = _analysis_llm(agent)
    if llm and _of_this_server(llm, models) is not None:
        return models.language_model(llm).provider.name != SCRIPTED
    prompt = prompt_of(agent)
    own = str(prompt.get("llm") or "")
    if own == CUSTOM and (prompt.get("custom_llm") or {}).get("url"):
        return True
    return models.language_model(own).provider.name != SCRIPTED


async def analysts(
    agent: Mapping[str, Any],
    llm: str,
    models: Models,
    locators: Locators,
    variables: Mapping[str, Any],
    backup_llms: Sequence[str],
) -> list[Analyst]:
    """Who is asked, in this order, until one answers. ``llm``: who was named for this question; empty: the agent's
    analysis model. Raises ``ValueNotFound`` when a secret of the agent's own endpoint does not exist."""
    found = [_of_this_server(name, models) for name in (llm, _analysis_llm(agent)) if name]
    prompt = prompt_of(agent)
    own = str(prompt.get("llm") or "")
    custom = prompt.get("custom_llm") if own == CUSTOM else None
    key, headers = "", {}
    if custom:
        key = await locators.value(custom.get("api_key"), variables)
        for name, value in (custom.get("request_headers") or {}).items():
            headers[name] = await locators.value(value, variables)
    found.append(_analyst(models.language_model(own, custom, api_key=key, headers=headers)))
    if (prompt.get("backup_llm_config") or {}).get("preference") != "disabled":
        found += [_analyst(models.language_model(name)) for name in backup_llms]
    return list({(id(one.model), one.name): one for one in found if one is not None}.values())


def _analysis_llm(agent: Mapping[str, Any]) -> str:
    return str((agent.get("platform_settings") or {}).get("analysis_llm") or "")


def _of_this_server(llm: str, models: Models) -> Analyst | None:
    """The model a name leads to; None where only the default would stand in for it."""
    if llm == CUSTOM:
        return None
    chosen = models.language_model(llm)
    return None if chosen.warning else _analyst(chosen)


def _analyst(chosen: Chosen) -> Analyst:
    return Analyst(chosen.provider, chosen.model)
