"""Webhooks as they are configured and looked after (reference: rest.md §3.4, webhooks.md §4)."""

# ruff: noqa: RUF012 - pydantic copies mutable defaults

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from parola.outbound import request_headers
from parola.protocol.documents import Answer, Asked, Between, CheckedAs, JsonObject, ValueOrLocator

WebhookEvent = Literal[
    "transcript",
    "audio",
    "call_initiation_failure",
    "answering_machine_detection",
    "unredacted_transcript",
    "unredacted_audio",
]

Channel = Literal["phone", "web"]


def _http_url(value: object) -> object:
    """The scheme must stand there; what follows may be a template."""
    if isinstance(value, str) and not value.startswith(("https://", "http://")):
        raise PydanticCustomError(
            "url_scheme", 'Expected a URL that begins with "https://" or "http://", got "{came}"', {"came": value}
        )
    return value


WebhookUrl = Annotated[str, BeforeValidator(_http_url)]


def _header_name(name: str) -> str:
    if not request_headers.is_name(name):
        expected = "Expected the name of an HTTP header: letters, digits and any of !#$%&'*+-.^_`|~"
        raise PydanticCustomError("header_name", expected)
    if name.lower() in request_headers.WEBHOOKS:
        raise PydanticCustomError("header_name", "Expected a header that this server does not set itself")
    return name


def _header_value(value: ValueOrLocator | None) -> ValueOrLocator | None:
    if isinstance(value, str) and (found := request_headers.control_character(value)):
        expected = "Expected a value without control characters, and this has {found}"
        raise PydanticCustomError("header_value", expected, {"found": found})
    return value


HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[ValueOrLocator, AfterValidator(_header_value)]


class WebhookSettings(Asked):
    auth_type: Literal["hmac"] = "hmac"
    name: str = Field(min_length=1)
    webhook_url: WebhookUrl
    request_headers: dict[HeaderName, HeaderValue | None] | None = None


class WebhookRequest(Asked):
    """Body of ``POST /v1/workspace/webhooks``."""

    settings: Annotated[JsonObject, CheckedAs(WebhookSettings)]


class WebhookCreated(Answer):
    webhook_id: str
    webhook_secret: str = Field(description="Shown this once.")


class WebhookUpdate(Asked):
    """Body of ``PATCH /v1/workspace/webhooks/{webhook_id}``."""

    is_disabled: bool
    name: str = Field(min_length=1)
    retry_enabled: bool | None = None
    request_headers: dict[HeaderName, HeaderValue | None] | None = None
    events: list[str] | None = None
    webhook_url: WebhookUrl | None = None


class WebhookUsage(Answer):
    usage_type: str


class WebhookCircuit(Answer):
    state: Literal["closed", "open", "half_open"]
    failures: int = Field(description="In a row.")
    probe_at_unix_secs: int | None = Field(description="While it is open: when one message is tried.")


class WebhookResponse(Answer):
    name: str
    webhook_id: str
    webhook_url: str
    is_disabled: bool
    is_auto_disabled: bool = Field(description="Never true here: see `x_circuit`.")
    created_at_unix: int
    auth_type: Literal["hmac"]
    usage: list[WebhookUsage] | None = None
    events: list[str] | None = None
    most_recent_failure_error_code: int | None = None
    most_recent_failure_timestamp: int | None = None
    x_circuit: WebhookCircuit


class WebhooksResponse(Answer):
    webhooks: list[WebhookResponse]


class StatusResponse(Answer):
    status: str


class RotationRequest(Asked):
    """Body of ``POST /v1/x/webhooks/{webhook_id}/rotate-secret``."""

    overlap_secs: Annotated[int, Between(0, 30 * 86_400)] = Field(
        default=86_400, description="For so long messages are signed with the old secret too."
    )


class RotationResponse(WebhookCreated):
    previous_secret_valid_until_unix: int


class WebhookDelivery(Answer):
    delivery_id: str
    event_id: str
    type: str
    webhook_id: str | None
    status: Literal["held", "waiting", "delivered", "dead", "skipped"]
    reason: str
    conversation_id: str | None
    agent_id: str | None
    created_at_unix_secs: float
    next_attempt_at_unix_secs: float | None
    ended_at_unix_secs: float | None
    attempt_count: int
    last_status_code: int | None


class WebhookDeliveriesPage(Answer):
    deliveries: list[WebhookDelivery]
    next_cursor: str | None = None
    has_more: bool


class WebhookAttempt(Answer):
    at: float = Field(description="Unix seconds.")
    status_code: int | None
    reason: str
    seconds: float
    answer: str | None = Field(
        description="The beginning of the answer's body, or what went wrong; null: the key may not read it."
    )


class WebhookDeliveryDetails(WebhookDelivery):
    body: str | None = Field(description="The message, if it was made; null for a recording.")
    attempts: list[WebhookAttempt]


class WebhookTestRequest(Asked):
    """Body of ``POST /v1/x/webhooks/{webhook_id}/test``; without ``types`` each is sent."""

    types: (
        list[
            Literal[
                "post_call_transcription",
                "post_call_transcription_otel",
                "post_call_audio",
                "call_initiation_failure",
            ]
        ]
        | None
    ) = None


class WebhookTestResponse(Answer):
    deliveries: list[WebhookDeliveryDetails]


# -- /v1/convai/settings ----------------------------------------------------------------------------------------------


class FurtherEndpoint(Asked):
    webhook_id: str
    events: list[WebhookEvent] | None = None
    transcript_format: Literal["json", "opentelemetry"] | None = None
    exclude_transcript: bool | None = None


class ConvAiWebhooks(Asked):
    post_call_webhook_id: str | None = None
    events: list[WebhookEvent] | None = None
    transcript_format: Literal["json", "opentelemetry"] | None = None
    exclude_transcript: bool | None = None
    send_audio: bool | None = Field(default=None, deprecated=True)
    x_endpoints: list[FurtherEndpoint] | None = Field(
        default=None, description="Further endpoints, each with its own events."
    )


class PreCallWebhook(Asked):
    """``conversation_initiation_client_data_webhook``."""

    url: WebhookUrl
    request_headers: dict[HeaderName, HeaderValue] = {}
    x_channels: list[Channel] = Field(default=["phone"], description="For which conversations it is asked.")
    x_timeout_secs: Annotated[float, Between(0.1, 30)] = 5.0
    x_on_failure: Literal["proceed", "reject"] = "proceed"


class ConvAiSettingsUpdate(Asked):
    """Body of ``PATCH /v1/convai/settings``: what is left out stays."""

    conversation_initiation_client_data_webhook: Annotated[JsonObject, CheckedAs(PreCallWebhook)] | None = None
    webhooks: Annotated[JsonObject, CheckedAs(ConvAiWebhooks)] | None = None
    can_use_mcp_servers: bool | None = None
    rag_retention_period_days: Annotated[int, Between(1, 30)] | None = None
    conversation_embedding_retention_days: Annotated[int, Between(1, 365)] | None = None
    default_livekit_stack: Literal["standard", "static"] | None = None


class ConvAiSettingsResponse(Answer):
    conversation_initiation_client_data_webhook: PreCallWebhook | None
    webhooks: ConvAiWebhooks
    can_use_mcp_servers: bool
    rag_retention_period_days: int
    conversation_embedding_retention_days: int | None
    default_livekit_stack: Literal["standard", "static"]
