"""What may still be written to a conversation whose words were deleted: nothing that was said.

A webhook that was on its way, a tool that answers late, an analysis that was asked for: what was begun before the
words were deleted may end after it. Stores ask here, in the transaction that writes, so that none of it comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from parola.store.base import ConversationChange
from parola.store.pages import Document

DELETED_AT = "deleted_transcript_at_time_unix_secs"
"""In ``metadata.deletion_settings`` of a conversation: when its words were deleted."""


def is_erased(document: Mapping[str, Any]) -> bool:
    """Whether the words of the conversation with this document were deleted."""
    metadata = document.get("metadata")
    settings = metadata.get("deletion_settings") if isinstance(metadata, Mapping) else None
    return isinstance(settings, Mapping) and settings.get(DELETED_AT) is not None


def after_erasure(change: ConversationChange) -> ConversationChange:
    """What may be kept of a change that comes when the words are gone: how it is sorted and rated, what is still to be
    deleted, what it cost."""
    kept: Document = {}
    given = change.document or {}
    if "tag_ids" in given:
        kept["tag_ids"] = given["tag_ids"]
    metadata = given.get("metadata")
    if isinstance(metadata, Mapping):
        kept_metadata: Document = {}
        if isinstance(settings := metadata.get("deletion_settings"), Mapping):
            # Who read the record before it was erased does not know that it was.
            stale = {key for key, value in settings.items() if value is None and key.startswith("deleted_")}
            kept_metadata["deletion_settings"] = {key: settings[key] for key in settings if key not in stale}
        if isinstance(feedback := metadata.get("feedback"), Mapping):
            kept_metadata["feedback"] = {**feedback, "comment": None}
        if isinstance(charging := metadata.get("charging"), Mapping):
            kept_metadata["charging"] = charging
        if kept_metadata:
            kept["metadata"] = kept_metadata
    return replace(change, turns={}, document=kept or None, termination_reason=None, has_audio=None)
