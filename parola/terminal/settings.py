"""``parola config``: the settings in force and where each came from; secrets are masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from parola.config import LimitSettings, Loaded, ProviderSettings
from parola.outbound.addresses import shown
from parola.store.address import without_password
from parola.terminal import printing

SECRET = frozenset({"master_key"})


def show(loaded: Loaded) -> None:
    table = printing.table("setting", "value", "from")
    for field in fields(loaded.settings):
        value = getattr(loaded.settings, field.name)
        if field.name in SECRET and value:
            value = "****"
        if field.name == "otlp_headers":
            value = tuple(f"{entry.partition('=')[0]}=****" for entry in value)
        if field.name == "database_url" and value:
            value = without_password(value)
        if field.name == "otlp_endpoint":
            value = shown(value)
        source = loaded.sources.get(field.name, "default")
        if isinstance(value, LimitSettings):
            for limit in fields(value):
                table.add_row(f"{field.name}.{limit.name}", _text(getattr(value, limit.name)), source)
        elif isinstance(value, Mapping):
            for name, entry in value.items():
                table.add_row(f"{field.name}.{name}", _text(entry), source)
        else:
            table.add_row(field.name, _text(value), source)
    printing.listed(table)


def _text(value: Any) -> str:
    match value:
        case ProviderSettings():
            parts = [value.provider, shown(value.base_url), value.model, value.voice]
            if value.api_key:
                parts.append("api_key=****")
            return " ".join(part for part in parts if part)
        case Mapping():
            return ", ".join(f"{name} → {target}" for name, target in value.items())
        case tuple():
            return ", ".join(map(str, value)) or "-"
        case bool():
            return str(value).lower()
        case None | "":
            return "-"
        case _:
            return str(value)
