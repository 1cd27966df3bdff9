"""What the widget is told about an agent, and who may ask (reference: rest.md §2.2)."""

from __future__ import annotations

import time
from typing import Any

from fastapi import Request

from parola.api.origins import is_allowed
from parola.api.services import Services
from parola.errors import Unauthorized
from parola.protocol.agents import AgentPlatformSettings, ConversationalConfig
from parola.protocol.documents import JsonObject
from parola.store.base import AgentRow

DEFAULTS: JsonObject = {
    "variant": "full",
    "placement": "bottom-right",
    "expandable": "never",
    "avatar": {"type": "orb", "color_1": "#2792dc", "color_2": "#9ce6e6"},
    "feedback_mode": "none",
    "end_feedback": None,
    "bg_color": "#ffffff",
    "text_color": "#000000",
    "btn_color": "#000000",
    "btn_text_color": "#ffffff",
    "border_color": "#e1e1e1",
    "focus_color": "#000000",
    "border_radius": None,
    "btn_radius": None,
    "action_text": None,
    "start_call_text": None,
    "end_call_text": None,
    "expand_text": None,
    "listening_text": None,
    "speaking_text": None,
    "shareable_page_text": None,
    "shareable_page_show_terms": True,
    "terms_text": None,
    "terms_html": None,
    "terms_key": None,
    "show_avatar_when_collapsed": False,
    "disable_banner": False,
    "override_link": None,
    "markdown_link_allowed_hosts": [],
    "markdown_link_include_www": True,
    "markdown_link_allow_http": True,
    "mic_muting_enabled": True,
    "transcript_enabled": True,
    "text_input_enabled": True,
    "conversation_mode_toggle_enabled": False,
    "default_expanded": False,
    "always_expanded": False,
    "dismissible": False,
    "show_agent_status": False,
    "show_conversation_id": True,
    "strip_audio_tags": True,
    "syntax_highlight_theme": None,
    "text_contents": {},
    "styles": {},
    "show_resize_button": True,
    "supports_text_only": True,
}
"""Served when the agent says nothing; never stored."""

NOT_SERVED = ("custom_avatar_path", "language_selector")

_PRESET_FIELDS = ("text_contents", "terms_text", "terms_html", "terms_key")


async def admit(agent: AgentRow, request: Request, services: Services, signature: str | None) -> None:
    """An agent with ``enable_auth`` shows itself to holders of a signed URL or a key, and to listed origins.

    Raises ``Unauthorized``.
    """
    auth = AgentPlatformSettings.model_validate(agent.document.get("platform_settings") or {}).auth
    if not auth.enable_auth:
        return
    if is_allowed(request.headers.get("origin") or "", [item.hostname.lower() for item in auth.allowlist]):
        return
    if signature is not None:
        claims = services.credentials.verify(signature, time.time())
        if claims.agent_id == agent.agent_id:
            return
        raise Unauthorized("The signed URL is for another agent.")
    key = request.headers.get("xi-api-key")
    if not key:
        raise Unauthorized("This agent needs a signed URL: expected conversation_signature, got none.")
    services.keys.require(await services.keys.caller(key), "agents:read")


def widget_config(document: JsonObject) -> JsonObject:
    """The stored widget settings over the defaults, and what the widget must know about languages."""
    config = ConversationalConfig.model_validate(document.get("conversation_config") or {})
    platform = AgentPlatformSettings.model_validate(document.get("platform_settings") or {})
    stored: JsonObject = (document.get("platform_settings") or {}).get("widget") or {}
    shown = {key: value for key, value in stored.items() if value is not None and key not in NOT_SERVED}
    can_choose = platform.widget.language_selector and platform.overrides.allows("agent.language")
    languages = dict.fromkeys([config.agent.language, *config.language_presets])
    return {
        **DEFAULTS,
        **shown,
        "language": config.agent.language,
        "supported_language_overrides": list(languages) if can_choose else None,
        "language_presets": {
            language: _preset(config, platform, language)
            for language in dict.fromkeys([*config.language_presets, *platform.widget.language_presets])
        },
        "text_only": config.conversation.text_only,
        "first_message": config.agent.first_message or None,
        "use_rtc": False,
        "file_input_config": config.conversation.file_input.model_dump(),
    }


def _preset(config: ConversationalConfig, platform: AgentPlatformSettings, language: str) -> JsonObject:
    texts = platform.widget.language_presets.get(language, {})
    return {"first_message": _first_message(config, language), **{name: texts.get(name) for name in _PRESET_FIELDS}}


def _first_message(config: ConversationalConfig, language: str) -> Any:
    preset = config.language_presets.get(language)
    if preset is None:
        return None
    own = (preset.overrides.get("agent") or {}).get("first_message")
    if own is None and preset.first_message_translation is not None:
        return preset.first_message_translation.text
    return own
