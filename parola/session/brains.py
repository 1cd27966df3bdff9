"""Who thinks in a conversation: the agent's model, and the models that are asked when it fails.

The order of ``backup_llm_config`` (reference: rest-schemas.md §1): ``override`` names its models; ``default`` means
the owner's, the setting ``backup_llms``; ``disabled`` none. Names lead to models as an agent's ``llm`` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from parola.conversation.setup import Setup
from parola.errors import ConversationRefused, ParolaError
from parola.outbound.locators import Locators, ValueNotFound
from parola.providers.registry import SCRIPTED_NAMES, Registry
from parola.session.accounts import Accounts
from parola.session.replying import Brain
from parola.session.thinking import Cascade, Mind

if TYPE_CHECKING:
    from parola.tools.auth import AuthConnections

CUSTOM = "custom-llm"
API_TYPES = ("chat_completions", "responses")
"""How a custom LLM can be asked. What the third of the field, ``websocket``, says on its socket is not published."""


NO_SCRIPT = (
    "The agent answers by a script and has none: it repeats what it is told. Rules go into "
    "agent.prompt.x_script (/docs/models#no-model-at-all)."
)
NO_MODEL = (
    "No language model is configured: set PAROLA_LLM_BASE_URL and PAROLA_LLM_MODEL. Until then the agent repeats what "
    "it is told (/docs/models)."
)


class Choice(Protocol):
    """The part of what the registry chose that is needed to tell of it."""

    @property
    def warning(self) -> str | None: ...
    @property
    def is_scriptless(self) -> bool: ...


async def brain_for(
    setup: Setup,
    registry: Registry,
    locators: Locators,
    backup_llms: Sequence[str] = (),
    accounts: Accounts | None = None,
    auth: AuthConnections | None = None,
) -> Brain:
    """The models for a conversation. Raises ``ConversationRefused`` when a secret or variable that the agent's own
    endpoint needs does not exist."""
    choice = setup.model
    own, warnings = await _mind(choice.llm, setup, registry, locators, auth)
    minds = [own]
    for llm in _order(choice.backup, backup_llms):
        mind, troubles = await _mind(llm, setup, registry, locators, auth)
        if any((mind.model, mind.name) == (other.model, other.name) for other in minds):
            if choice.backup.get("preference") == "override" and llm != choice.llm:
                warnings.append(f"Backup LLM '{llm}' leads to a model that is asked already; it is left out.")
            continue
        warnings += troubles
        minds.append(mind)
    cascade = Cascade(minds, choice.cascade_timeout_seconds, accounts)
    return Brain(cascade, own.name, own.error_type, "; ".join(warnings) or None)


def about_model(chosen: Choice, llm: str, *, is_named: bool, has_script: bool) -> str | None:
    """What the owner should know about the choice of an agent's own model; None: nothing. ``is_named``: the agent names
    it, and did not only get the hosted platform's default; ``has_script``: it brings rules."""
    if chosen.is_scriptless and not has_script:
        return NO_SCRIPT if llm in SCRIPTED_NAMES else NO_MODEL
    return chosen.warning if is_named else None


def _order(backup: Mapping[str, Any], backup_llms: Sequence[str]) -> Sequence[str]:
    match backup.get("preference", "default"):
        case "override":
            return [str(llm) for llm in backup.get("order") or ()]
        case "disabled":
            return ()
        case _:
            return backup_llms


async def _authorized(located: Any, locators: Locators, auth: AuthConnections | None) -> dict[str, str]:
    """What an auth connection adds to the model's requests. Raises ``ConversationRefused``."""
    assert auth is not None, "whoever opens conversations has them"
    try:
        return await auth.headers(await locators.connection_id(located))
    except ParolaError as error:
        told = "The agent's own language model cannot be asked: its auth connection gives no credentials."
        raise ConversationRefused(1008, "value_error", f"{told} {error.message}", reason=told) from None


async def _mind(
    llm: str, setup: Setup, registry: Registry, locators: Locators, auth: AuthConnections | None
) -> tuple[Mind, list[str]]:
    custom = setup.model.custom_llm if llm == CUSTOM else None
    key, headers = "", {}
    warnings: list[str] = []
    if custom is not None:
        kind = custom.get("api_type") or "chat_completions"
        if kind not in API_TYPES:
            message = f"custom_llm.api_type: expected {' or '.join(API_TYPES)}, got '{kind}', which is not known here."
            raise ConversationRefused(1008, "value_error", message)
        try:
            key = await locators.value(custom.get("api_key"), setup.variables)
            for name, value in (custom.get("request_headers") or {}).items():
                headers[name] = await locators.value(value, setup.variables)
        except ValueNotFound as error:
            raise ConversationRefused(1008, "value_error", error.message) from None
        if located := custom.get("auth_connection"):
            headers |= await _authorized(located, locators, auth)
    chosen = registry.language_model(llm, custom, api_key=key, headers=headers)
    about = chosen.warning
    if llm == setup.model.llm:
        about = about_model(chosen, llm, is_named=setup.model.is_named, has_script=bool(setup.model.script))
    if about:
        warnings.append(about)
    error_type = "llm_error" if custom is None else "custom_llm_error"
    return Mind(chosen.provider, chosen.model, llm, error_type), warnings
