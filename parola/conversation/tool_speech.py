"""What is said before a tool is called (``pre_tool_speech``; reference: webhooks.md §6.2).

The model is told. When it has to speak and writes nothing before the call, a sentence is said for it; when it has to
be silent and writes all the same, what nobody has heard of it yet is dropped (``AgentTurn.swallow``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from parola.conversation.setup import Setup
from parola.conversation.system_tools import LANGUAGE_TOOL
from parola.conversation.tools import Tool
from parola.conversation.transcript import AgentEntry, Transcript
from parola.providers.base import ToolDefinition

ANNOUNCE = "Before you call this tool, tell the user in one short sentence what you are about to do."
BE_SILENT = "Call this tool without writing anything before the call."

ANNOUNCEMENTS = {
    "en": "One moment, please.",
    "de": "Einen Moment, bitte.",
    "fr": "Un instant, s'il vous plaît.",
    "es": "Un momento, por favor.",
    "it": "Un momento, per favore.",
    "pt": "Um momento, por favor.",
    "nl": "Een ogenblik, alstublieft.",
    "pl": "Chwileczkę, proszę.",
    "hi": "एक क्षण रुकिए।",
    "ja": "少々お待ちください。",
}
"""By language. In another one the agent says what it says while its model is slow."""


def offered(tools: Iterable[Tool]) -> tuple[ToolDefinition, ...]:
    """The tools as the model sees them."""
    return tuple(_definition(tool) for tool in tools)


def _definition(tool: Tool) -> ToolDefinition:
    hint = {"force": ANNOUNCE, "off": BE_SILENT}.get(tool.rules.speech)
    if hint is None:
        return tool.definition
    return replace(tool.definition, description=f"{tool.definition.description} {hint}".strip())


def announcements(setup: Setup, transcript: Transcript) -> Mapping[str, str]:
    """For each tool that must not be called without a word: what is said when the model says nothing."""
    forced = [name for name, tool in setup.tools.items() if tool.rules.speech == "force"]
    if not forced or setup.text_only:
        return {}
    words = ANNOUNCEMENTS.get(_language(setup, transcript)[:2]) or setup.soft_timeout.message("", 0)
    return dict.fromkeys(forced, words) if words.strip() else {}


def _language(setup: Setup, transcript: Transcript) -> str:
    """The one that is spoken now: the agent's, or what was switched to last."""
    for entry in reversed(transcript.entries):
        if isinstance(entry, AgentEntry):
            for call in reversed(entry.calls):
                if call.name == LANGUAGE_TOOL and not call.is_error and call.language is not None:
                    return call.language
    return setup.language
