"""What is found in an agent before it is called."""

from __future__ import annotations

from typing import Literal

from parola.protocol.documents import Answer


class FindingResponse(Answer):
    level: Literal["error", "warning", "note"]
    path: str
    """Where in the agent; empty: the whole."""
    message: str


class LintResponse(Answer):
    findings: list[FindingResponse]
    errors: int
    warnings: int
    notes: int
