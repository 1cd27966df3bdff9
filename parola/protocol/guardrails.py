"""``platform_settings.guardrails``: what an agent must not say, and what follows (reference: rest-schemas.md §2)."""

# ruff: noqa: RUF012 - pydantic copies mutable defaults

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from parola.protocol.documents import Between, Reading

ExecutionMode = Literal["streaming", "blocking"]
"""``streaming``: judged while it is said, and cut. ``blocking``: judged before a word of it is said."""


class TriggerAction(Reading):
    """What happens: the call ends, or the agent answers again, told what was wrong."""

    type: Literal["end_call", "retry"] = "end_call"
    feedback: str | None = None


class Switch(Reading):
    is_enabled: bool = False


class ContentThreshold(Switch):
    threshold: Annotated[float, Between(0, 1)] | Literal["low", "medium", "high"] = 0.3


class ContentConfig(Reading):
    sexual: ContentThreshold = Field(default_factory=ContentThreshold)
    violence: ContentThreshold = Field(default_factory=ContentThreshold)
    harassment: ContentThreshold = Field(default_factory=ContentThreshold)
    self_harm: ContentThreshold = Field(default_factory=ContentThreshold)
    profanity: ContentThreshold = Field(default_factory=ContentThreshold)
    religion_or_politics: ContentThreshold = Field(default_factory=ContentThreshold)
    medical_and_legal_information: ContentThreshold = Field(default_factory=ContentThreshold)


class ContentGuardrail(Reading):
    execution_mode: ExecutionMode = "streaming"
    config: ContentConfig = Field(default_factory=ContentConfig)
    trigger_action: TriggerAction = Field(default_factory=TriggerAction)


class CustomGuardrailConfig(Switch):
    name: Annotated[str, Field(min_length=1, max_length=500)]
    prompt: Annotated[str, Field(min_length=1, max_length=10_000)]
    execution_mode: ExecutionMode = "streaming"
    model: str = ""
    history_message_count: Annotated[int, Between(0, 100)] = 0
    trigger_action: TriggerAction = Field(default_factory=TriggerAction)
    evaluate_full_response_only: bool = False


class CustomGuardrailsConfig(Reading):
    configs: list[CustomGuardrailConfig] = []


class CustomGuardrail(Reading):
    config: CustomGuardrailsConfig = Field(default_factory=CustomGuardrailsConfig)


class GuardrailsV1(Reading):
    """All of an agent's guardrails; off unless they are switched on."""

    version: str = "1"
    focus: Switch = Field(default_factory=Switch)
    prompt_injection: Switch = Field(default_factory=Switch)
    content: ContentGuardrail = Field(default_factory=ContentGuardrail)
    custom: CustomGuardrail = Field(default_factory=CustomGuardrail)
