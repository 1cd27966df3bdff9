"""What an API key may be allowed to do, by our names and by those of the hosted platform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from parola.errors import InvalidRequest

ANY: Final = "any"
"""Any key will do."""

ADMIN: Final = "admin"

SCOPES: Mapping[str, str] = {
    "agents:read": "see agents, tools, documents, models and voices",
    "agents:write": "change agents, tools and documents",
    "conversations:read": "see records and recordings; of a running conversation what its record has by now",
    "conversations:write": "change and delete records",
    "conversations:start": "make signed URLs, and talk to private agents with the key itself",
    "monitor": "watch and hear a conversation while it runs",
    "inject": "speak into a running conversation, take it over, end it",
    "webhooks:read": "see webhooks and their deliveries",
    "webhooks": "see and change webhooks and their deliveries",
    "secrets": "keep, replace and delete secrets and auth connections; no value is ever shown",
    "keys": "make, rotate and delete API keys with at most its own scopes",
    "audit": "read the audit log",
    ADMIN: "everything, members and settings too",
}
"""What a key may be allowed to do. A key without a list of scopes may do everything."""

_IMPLIED = {"webhooks": ("webhooks:read",)}
"""What a scope is good for besides itself."""

HOSTED: Mapping[str, tuple[str, ...]] = {
    "convai_read": ("agents:read", "conversations:read"),
    "convai_write": ("agents:write", "conversations:write", "conversations:start", "inject", "secrets"),
    "workspace_read": ("webhooks:read",),
    "workspace_write": ("webhooks", "secrets"),
    "webhooks_write": ("webhooks",),
    "voices_read": ("agents:read",),
    "models_read": ("agents:read",),
    "pronunciation_dictionaries_read": ("agents:read",),
    "pronunciation_dictionaries_write": ("agents:write",),
    "create_user_api_key": ("keys",),
    "service_account_write": ("keys",),
    "audit_log_read": ("audit",),
    "conversation_privacy_manage": ("conversations:write",),
    "user_read": (),
}
"""Permissions by the names of the hosted platform, which are understood too."""


def read_scopes(names: Iterable[str]) -> tuple[str, ...]:
    """Scopes by our names or the hosted ones, in the order of ``SCOPES``. Raises ``InvalidRequest``."""
    wanted: set[str] = set()
    for name in names:
        if name in SCOPES:
            wanted.add(name)
        elif name in HOSTED:
            wanted.update(HOSTED[name])
        else:
            raise InvalidRequest(f'Expected one of the scopes {", ".join(SCOPES)}, got "{name}".')
    return tuple(scope for scope in SCOPES if scope in wanted)


ROLES: Mapping[str, tuple[str, ...] | None] = {
    "admin": None,
    "editor": tuple(scope for scope in SCOPES if scope not in ("keys", "audit", ADMIN)),
    "viewer": ("agents:read", "conversations:read"),
}
"""What the keys of a member may do at most; None: everything."""


def granted(scopes: Iterable[str]) -> frozenset[str]:
    """These scopes and all that they are good for."""
    return frozenset(one for scope in scopes for one in (scope, *_IMPLIED.get(scope, ())))


def is_within(scopes: Iterable[str] | None, most: Iterable[str] | None) -> bool:
    """Whether a key with ``scopes`` may do no more than one with ``most``; None is everything."""
    if most is None or ADMIN in (most := tuple(most)):
        return True
    return scopes is not None and set(scopes) <= granted(most)
