"""Signed URLs that somebody made with terms: kept until they are used up, revoked or expired. The URL carries only the
id; the terms stay here, sealed, because they may hold secrets.

That such a URL is still good is that its row is still there: a URL for one conversation is taken out by whoever comes
first, a revoked one by its owner.
"""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from parola.api.credentials import Vault
from parola.store.base import DocumentRow, Store

if TYPE_CHECKING:
    from parola.session.bound import Bound

KIND = "signed_url"

TIDIED_AT_ONCE = 50
"""So many rows are looked at for those that have expired, whenever one is added."""


class SignedUrlGrants:
    """The terms by id."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    async def keep(
        self, url_id: str, agent_id: str, bound: Bound, *, expires_at: float, single_use: bool, key_id: str | None
    ) -> None:
        sealed = b64encode(self._vault.seal(orjson.dumps(asdict(bound)).decode())).decode()
        document: dict[str, Any] = {
            "agent_id": agent_id,
            "expires_at": expires_at,
            "single_use": single_use,
            "key_id": key_id,
            "sealed": sealed,
        }
        now = time.time()
        await self._store.documents.put(DocumentRow(url_id, KIND, url_id, document, now, now))
        await self._tidy(now)

    async def revoke(self, url_id: str) -> bool:
        """False: there was none any more."""
        return await self._store.documents.delete(KIND, url_id)

    async def take(self, url_id: str) -> Bound | None:
        """The terms of a URL that somebody opens; None: it has been used, or revoked."""
        row = await self._store.documents.get(KIND, url_id)
        if row is None or (row.document["single_use"] and not await self.revoke(url_id)):
            return None
        from parola.session.bound import Bound

        kept = orjson.loads(self._vault.open(b64decode(row.document["sealed"])))
        allowed = kept.pop("allowed_overrides")
        return Bound(**kept, allowed_overrides=None if allowed is None else tuple(allowed))

    async def _tidy(self, now: float) -> None:
        oldest = await self._store.documents.page(KIND, page_size=TIDIED_AT_ONCE, ascending=True)
        for row in oldest.items:
            if row.document["expires_at"] < now:
                await self.revoke(row.document_id)
