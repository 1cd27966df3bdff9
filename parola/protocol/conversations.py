"""Conversations as they are read back: the record, its summary in a list, and what goes with it.

Descriptions for ``/openapi.json``; the record itself is put together in ``api/conversation_record.py`` from what the
session stored (reference: rest-schemas.md §3).
"""

# ruff: noqa: RUF012 - pydantic copies mutable defaults

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from parola.protocol.documents import Answer, Asked, Between, JsonObject, Reading

ConversationStatus = Literal["initiated", "in-progress", "processing", "done", "failed"]


class ConversationError(Answer):
    code: int
    reason: str | None = None


class ConversationFeedback(Answer):
    type: Literal["thumbs", "rating"] | None = None
    overall_score: Literal["like", "dislike"] | None = None
    likes: int = 0
    dislikes: int = 0
    rating: int | None = None
    comment: str | None = None


class ConversationMetadata(Answer):
    start_time_unix_secs: int
    accepted_time_unix_secs: int | None = None
    call_duration_secs: int
    cost: int | None = None
    deletion_settings: JsonObject = {}
    feedback: ConversationFeedback = Field(default_factory=ConversationFeedback)
    authorization_method: str = "public"
    charging: JsonObject = {}
    termination_reason: str = ""
    error: ConversationError | None = None
    warnings: list[str] = []
    main_language: str | None = None
    text_only: bool = False
    conversation_initiation_source: str = "unknown"
    conversation_initiation_source_version: str | None = None
    timezone: str | None = None


class TranscriptTurn(Answer):
    role: Literal["user", "agent"]
    message: str | None = None
    tool_calls: list[JsonObject] = []
    tool_results: list[JsonObject] = []
    time_in_call_secs: int
    interrupted: bool = False


class ConversationResponse(Answer):
    """The record of one conversation; while it runs, as far as it has come."""

    agent_id: str
    agent_name: str | None = None
    conversation_id: str
    conversation_product: str = "agent"
    status: ConversationStatus
    user_id: str | None = None
    branch_id: str | None = None
    version_id: str | None = None
    metadata: ConversationMetadata
    analysis: JsonObject | None = None
    user_message_count: int
    agent_message_count: int
    visited_agents: list[JsonObject] = []
    conversation_initiation_client_data: JsonObject = {}
    environment: str = "production"
    has_audio: bool
    has_user_audio: bool
    has_response_audio: bool
    has_auxiliary_audio: bool
    transcript: list[TranscriptTurn]
    tag_ids: list[str] = []


class ConversationSummary(Answer):
    agent_id: str
    agent_name: str | None = None
    conversation_id: str
    start_time_unix_secs: int
    call_duration_secs: int
    message_count: int
    user_message_count: int
    agent_message_count: int
    status: ConversationStatus
    termination_reason: str = ""
    call_successful: Literal["success", "failure", "unknown"]
    transcript_summary: str | None = None
    rating: float | None = None


class ConversationsPage(Answer):
    conversations: list[ConversationSummary]
    next_cursor: str | None = None
    has_more: bool


class FeedbackRequest(Reading):
    """A thumb (``feedback``), or stars with words (``rating``, ``comment``), or those inside ``feedback``."""

    feedback: Literal["like", "dislike"] | None = None
    rating: Annotated[int, Between(1, 5)] | None = None
    comment: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flatten(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("feedback"), dict):
            return {**value, **value["feedback"], "feedback": value["feedback"].get("feedback")}
        return value

    @model_validator(mode="after")
    def _says_something(self) -> FeedbackRequest:
        if self.feedback is None and self.rating is None and self.comment is None:
            raise PydanticCustomError(
                "missing", 'Expected "feedback" (like or dislike), "rating" (1 to 5) or "comment"'
            )
        return self


class TimelineEvent(Answer):
    at_secs: float
    event: str
    words: str


class ConversationClose(Answer):
    """The close frame that ended a conversation, and whose it was."""

    code: int
    reason: str = ""
    by: Literal["client", "server", "crash"]
    status: Literal["done", "failed"]
    cause: str | None = Field(default=None, description="The kind of ending in one word; whoever ended it.")
    client_away: bool = Field(
        default=False, description="It is ours, and was not sent: the client's connection was lost."
    )


class WhyResponse(Answer):
    """The story of a conversation."""

    conversation_id: str
    status: ConversationStatus
    ending: str
    close: ConversationClose | None = None
    story: list[str]
    timeline: list[TimelineEvent]


class EvaluationRunRequest(Reading):
    """Which criterion is judged anew; null: of whichever scope, agent, branch."""

    evaluation_id: str
    scope: Literal["conversation", "agent"] | None = None
    evaluated_agent_id: str | None = None
    evaluated_branch_id: str | None = None


class SignedUrlResponse(Answer):
    signed_url: str


class SignedUrlRequest(Asked):
    """Body of ``POST /v1/x/signed-urls``."""

    agent_id: str | None = Field(default=None, min_length=1, description="With whom it opens conversations.")
    conversation_id: str | None = Field(default=None, description="The running conversation it lets somebody into.")
    attach: Literal["observer", "participant", "operator"] | None = Field(
        default=None, description="In which role, instead of opening a conversation."
    )
    ttl_secs: int = Field(default=900, ge=1, le=7 * 86400, description="How long it opens conversations.")
    single_use: bool = Field(default=False, description="It opens one conversation and no more.")
    user_id: str | None = Field(default=None, description="Who is talking, whatever the client says.")
    dynamic_variables: dict[str, str | int | float | bool] = Field(
        default={}, description="Their values, whatever the client says."
    )
    allowed_overrides: list[str] | None = Field(
        default=None,
        description="Paths (agent.language) or groups (tts) that the client may override, as far as the agent allows "
        "them; null: all of those.",
    )
    branch_id: str | None = None
    version_id: str | None = Field(default=None, description="The agent as it was in this version.")
    environment: str | None = None


class SignedUrlWithTerms(Answer):
    id: str
    signed_url: str
    expires_at: int = Field(description="Unix seconds.")


class TokenResponse(Answer):
    token: str
    conversation_id: str


class FileResponse(Answer):
    file_id: str


class LiveCountResponse(Answer):
    count: int


class WaveformResponse(Answer):
    duration_secs: float
    user: list[float]
    """The highest peak, 0 to 1, in each stretch; as many as were asked for."""
    agent: list[float]


class SearchHighlight(Answer):
    value: str
    is_hit: bool


class MessageFound(Answer):
    conversation_id: str
    agent_id: str
    agent_name: str | None = None
    transcript_index: int
    chunk_text: str
    chunk_highlights: list[SearchHighlight] | None = None
    score: float
    conversation_start_time_unix_secs: int


class MessagesSearchResponse(Answer):
    meta: JsonObject = {}
    results: list[MessageFound]
    next_cursor: str | None = None
    has_more: bool
