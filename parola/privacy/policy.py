"""What may be kept of an agent's conversations, and for how long: the agent's wish and the server's, as one value.

Read from ``platform_settings.privacy`` and ``dtmf_input_settings`` (reference: rest-schemas.md §2) and the settings
``zero_retention`` and ``retention_days``. A conversation keeps the policy it began under in its document
(``x_privacy``), so that later changes of an agent do not change what was promised before, unless the agent says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from parola.config import Settings
from parola.store.pages import Document

DAY_SECONDS = 86_400

KEY = "x_privacy"
"""Where a conversation's document says under which policy it is kept."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The default keeps everything for ever."""

    zero_retention: bool = False
    """Nothing of what was said is written anywhere."""
    retention_days: int = -1
    """Days after its beginning when a conversation is deleted; -1: never."""
    deletes_transcript: bool = False
    """What is deleted then: the transcript and what else says who called and what about."""
    deletes_audio: bool = False
    redacts: bool = False
    """Whether personal details are taken out before anything is stored."""
    entities: tuple[str, ...] = ()
    """The kinds of details, as in ``conversation_history_redaction.entities``; empty: all that are known here."""
    excluded_data: tuple[str, ...] = ()
    """Items of data collection whose values are kept as they are."""
    hides_keys: bool = False
    """Whether keys that are pressed on a telephone are taken out."""
    names: tuple[str, ...] = ()
    """The names of people that are known in a conversation. Never written down."""

    @classmethod
    def of(cls, agent: Mapping[str, Any], settings: Settings) -> Policy:
        """The policy for new conversations of the agent with this document."""
        privacy = _object(_object(agent.get("platform_settings")).get("privacy"))
        redaction = _object(privacy.get("conversation_history_redaction"))
        call = _object(_object(agent.get("conversation_config")).get("conversation"))
        days = privacy.get("retention_days")
        if not isinstance(days, int) or isinstance(days, bool) or days < 0:
            days = settings.retention_days
        transcript, audio = privacy.get("delete_transcript_and_pii") is True, privacy.get("delete_audio") is True
        if days >= 0 and not transcript and not audio:
            # Whoever sets a number of days and names nothing expects that nothing remains.
            transcript = audio = True
        return cls(
            zero_retention=settings.zero_retention or privacy.get("zero_retention_mode") is True,
            retention_days=days,
            deletes_transcript=days >= 0 and transcript,
            deletes_audio=days >= 0 and audio,
            redacts=redaction.get("enabled") is True,
            entities=_texts(redaction.get("entities")),
            excluded_data=_texts(redaction.get("excluded_data_collection_ids")),
            hides_keys=_object(call.get("dtmf_input_settings")).get("redact_input") is True,
        )

    @property
    def keeps_all(self) -> bool:
        """Nothing is left out of what is written; what is deleted later is another matter."""
        return not self.zero_retention and not self.redacts and not self.hides_keys

    def also(self, other: Policy) -> Policy:
        """The policy of a conversation that another agent joined: of what is written, the stricter wins. When it is
        deleted was settled when it began."""
        if other.keeps_all:
            return self
        both_name_kinds = self.redacts and self.entities and other.entities
        entities = tuple(dict.fromkeys((*self.entities, *other.entities))) if both_name_kinds else ()
        return replace(
            self,
            zero_retention=self.zero_retention or other.zero_retention,
            redacts=self.redacts or other.redacts,
            entities=entities if self.redacts and other.redacts else (self if self.redacts else other).entities,
            excluded_data=tuple(set(self.excluded_data) & set(other.excluded_data))
            if self.redacts and other.redacts
            else (self if self.redacts else other).excluded_data,
            hides_keys=self.hides_keys or other.hides_keys,
        )

    def kept_as_long_as(self, other: Policy) -> Policy:
        """The policy with the other's date of deletion."""
        return replace(
            self,
            retention_days=other.retention_days,
            deletes_transcript=other.deletes_transcript,
            deletes_audio=other.deletes_audio,
        )

    def deletes_at(self, started_at: float) -> float | None:
        """Unix seconds; None: never."""
        return None if self.retention_days < 0 else started_at + self.retention_days * DAY_SECONDS

    # -- in a conversation's document ---------------------------------------------------------------------------------

    def written(self) -> Document:
        """As a conversation's document keeps it."""
        return {
            "zero_retention": self.zero_retention,
            "redacts": self.redacts,
            "entities": list(self.entities),
            "excluded_data": list(self.excluded_data),
            **({"hides_keys": True} if self.hides_keys else {}),
        }

    def wished(self) -> Document:
        """The same with its date of deletion, for a conversation whose agent is in no store; empty when all is kept for
        ever."""
        if self.keeps_all and self.retention_days < 0:
            return {}
        deletes = {"deletes_transcript": self.deletes_transcript, "deletes_audio": self.deletes_audio}
        return {KEY: {**self.written(), "retention_days": self.retention_days, **deletes}}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Policy:
        """Of a conversation's document, as far as it says what may be written."""
        kept = _object(document.get(KEY))
        return cls(
            zero_retention=kept.get("zero_retention") is True,
            redacts=kept.get("redacts") is True,
            entities=_texts(kept.get("entities")),
            excluded_data=_texts(kept.get("excluded_data")),
            hides_keys=kept.get("hides_keys") is True,
            retention_days=int(kept.get("retention_days", -1)),
            deletes_transcript=kept.get("deletes_transcript") is True,
            deletes_audio=kept.get("deletes_audio") is True,
        )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()
