"""What the scripted language model answers when it has to answer by a JSON schema, as after a call.

It judges nothing: what the script's ``analysis`` gives is said, in the place of the same name; anything else is
``unknown`` where the schema offers that, null where it may be, else a sentence that says that there is no model. The
summary and its title stay empty: that sentence is neither. A plain value stands for an object that has a ``result`` or
a ``value``. ``analysis.delay`` (seconds) and ``analysis.fail`` (a message) are for tests of what takes long and what
goes wrong.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from parola.providers.base import JSON

NOBODY = "No language model is configured: nobody has judged it."
OF_THE_CALL = ("transcript_summary", "call_summary_title")
BY_SCRIPT = "The script says so."


def answer_to(schema: Mapping[str, JSON], given: Mapping[str, JSON]) -> str:
    """A JSON object by ``schema`` with what ``given`` has of it."""
    return orjson.dumps(_filled(schema, given), default=dict).decode()


def _filled(schema: Mapping[str, JSON], given: JSON) -> JSON:
    properties = schema.get("properties")
    if properties is None:
        return _leaf(schema) if given is None else given
    judged = next((name for name in ("result", "value") if name in properties), None)
    if not isinstance(given, Mapping):
        given = {} if given is None or judged is None else {judged: given}
    if judged in given:
        given = {"rationale": BY_SCRIPT, **given}
    empty = {name: "" for name in OF_THE_CALL if name in properties}
    return {name: _filled(part, given.get(name, empty.get(name))) for name, part in properties.items()}


def _leaf(schema: Mapping[str, JSON]) -> JSON:
    kind, options = schema.get("type"), schema.get("enum") or ()
    if "unknown" in options:
        return "unknown"
    if isinstance(kind, list) and "null" in kind:
        return None
    return NOBODY if kind == "string" else {"boolean": False, "array": []}.get(str(kind), 0)
