"""What a signed URL has settled before the client says anything: it wins over what the client sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from parola.conversation.overrides import ALSO, FIELDS, FREE, paths
from parola.errors import ConversationRefused
from parola.protocol.client_messages import ConversationInitiationClientData

EXTRA_BODY = "custom_llm_extra_body"


@dataclass(frozen=True, slots=True)
class Bound:
    user_id: str | None = None
    dynamic_variables: Mapping[str, Any] = field(default_factory=dict)
    allowed_overrides: tuple[str, ...] | None = None
    """Paths (``agent.language``) or beginnings of paths (``tts``) that the client may override, as far as the agent
    allows them; None: what the agent allows."""
    environment: str | None = None

    def applied(self, client_data: ConversationInitiationClientData) -> ConversationInitiationClientData:
        """The client's first message as it counts. Raises ``ConversationRefused``: an override is not in the list."""
        self._check(client_data)
        settled: dict[str, Any] = {}
        if self.user_id is not None:
            settled["user_id"] = self.user_id
        if self.dynamic_variables:
            settled["dynamic_variables"] = {**client_data.dynamic_variables, **self.dynamic_variables}
        if self.environment is not None:
            settled["environment"] = self.environment
        return client_data.model_copy(update=settled) if settled else client_data

    def _check(self, client_data: ConversationInitiationClientData) -> None:
        if self.allowed_overrides is None:
            return
        wanted = [path for path in paths(client_data.conversation_config_override) if ALSO.get(path, path) in FIELDS]
        if client_data.custom_llm_extra_body:
            wanted.append(EXTRA_BODY)
        for path in wanted:
            if ALSO.get(path, path) not in FREE and not self._allows(path):
                raise ConversationRefused(
                    1008,
                    "override_error",
                    f"Override for field '{path}' is not allowed by the signed URL; it allows "
                    f"{', '.join(self.allowed_overrides) or 'none'} (allowed_overrides).",
                    reason=f"Override for field '{path}' is not allowed by the signed URL.",
                )

    def _allows(self, path: str) -> bool:
        return any(
            spelling == allowed or spelling.startswith(f"{allowed}.")
            for spelling in (path, ALSO.get(path, path))
            for allowed in self.allowed_overrides or ()
        )


def unknown_overrides(names: tuple[str, ...]) -> list[str]:
    """Those that are no path, and no beginning of one."""
    known = {*FIELDS, *ALSO, EXTRA_BODY}
    return [name for name in names if name not in known and not any(path.startswith(f"{name}.") for path in known)]
