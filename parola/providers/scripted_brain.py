"""What the scripted language model says without a script: an agent made for a hosted model, on a server that has none.

It is deterministic and does not pretend. A farewell ends the call; a message that names or paraphrases a tool calls
it, with what the message obviously holds filled in; a question that shares words with the prompt is answered with the
prompt's sentences; anything else is told that there is no model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from parola.providers.base import JSON, ModelRequest, ToolCallRequested, ToolDefinition
from parola.providers.scripted_text import (
    LONGEST_MESSAGE,
    Turn,
    normalised,
    numbers_in,
    plain_quotes,
    quoted,
    reading_of,
    sentence,
    text_of,
    trimmed,
)

Improvised = tuple[str, tuple[ToolCallRequested, ...]]
"""What to say, and what to call after that."""

_FAREWELLS = tuple(
    f" {words} "
    for words in (
        *("bye", "goodbye", "good bye", "see you", "hang up", "end the call", "end this call", "that is all"),
        *("thats all", "nothing else", "talk to you later", "have a nice day", "have a good day"),
    )
)
_SYSTEM_TOOLS = frozenset(
    ("end_call", "skip_turn", "language_detection", "voicemail_detection", "play_keypad_touch_tone")
)
_STOP_WORDS = frozenset(
    "a about after all also am an and any are as at be been but by can could did do does for from get give go had "
    "has have he hello help her here hey hi his how i if in into is it its just know like ll let lets make may me "
    "might more much my need no not now of ok okay on one or our out please re say see she should show so some "
    "tell than thank thanks that thats the their them then there these they this to too up us ve want was we were "
    "what whats when where which who whose why will with would yes you your".split()
)
_GENERIC = frozenset("call check create do fetch find get list lookup make run send set show tool update use".split())
_QUESTION = re.compile(
    r"^\W*(?:what|whats|when|where|which|who|whose|why|how|is|are|do|does|did|can|could|will|would|may|should|"
    r"tell me|i need to know|i want to know|i would like to know)\b",
    re.IGNORECASE,
)
_INSTRUCTION = re.compile(
    r"^(?:you|your|always|never|do|don't|be|use|if|when|answer|keep|speak|respond|reply|ask|help|act|start|greet|"
    r"only|make|stay|avoid|remember|call|say|tell|provide|offer|once|after|before)\b",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PLACE = re.compile(
    r"\b(?:in|at|for|near|from|to)\s+((?:(?!(?:in|on|at|for|and|with|next|this|today|tomorrow|please)\b)[\w'-]+\s?)+)",
    re.I,
)
_WHEN = re.compile(
    r"\b(?:(?:next|this|on)\s+)?(?:today|tonight|tomorrow|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b"
    r"|\b\d{4}-\d{2}-\d{2}\b|\b(?:at\s+)?\d{1,2}(?::\d{2})?\s*(?:am|pm|o'clock)\b|\b\d{1,2}:\d{2}\b",
    re.IGNORECASE,
)


def improvise(request: ModelRequest, turn: Turn) -> Improvised:
    """An answer from nothing but the prompt and the tools."""
    if turn.rounds:
        return reading_of(request.messages, turn.rounds[-1]), ()
    if turn.is_silent:
        return "Are you still there?", ()
    text = plain_quotes(turn.user[:LONGEST_MESSAGE])
    words = f" {normalised(text)} "
    if any(farewell in words for farewell in _FAREWELLS):
        offered = any(tool.name == "end_call" for tool in request.tools)
        calls = (ToolCallRequested("end_call", {"reason": "The user said goodbye."}),) if offered else ()
        return "Goodbye!", calls
    if (tool := _meant(text, request.tools)) is not None:
        return _use(tool, text)
    if found := _found_in_prompt(text, request.messages):
        return found, ()
    return f"You said: {quoted(text)}. No language model is configured; parola doctor tells how to add one.", ()


def _stems(text: str) -> list[str]:
    """The words that carry meaning, each once, without their commonest endings."""
    stems = []
    for word in normalised(text.replace("_", " ")).split():
        if word in _STOP_WORDS or (len(word) < 3 and not word.isdigit()):
            continue
        for ending in ("ing", "ies", "es", "ed", "s"):
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                word = word[: -len(ending)] + ("y" if ending == "ies" else "")
                break
        stems.append(word.rstrip("e") or word)
    return list(dict.fromkeys(stems))


def _meant(text: str, tools: Sequence[ToolDefinition]) -> ToolDefinition | None:
    """The tool that a message names or paraphrases."""
    said = set(_stems(text)) | {w.rstrip("e") for w in normalised(text).split() if w in _GENERIC}
    best, best_score = None, 1.5
    for tool in tools:
        if tool.name in _SYSTEM_TOOLS:
            continue
        name = re.sub(r"(?<=[a-z])(?=[A-Z])|[-_]+", " ", tool.name)
        own = [stem for stem in _stems(name) if stem not in _GENERIC]
        named = len(own) + 1 if own and said.issuperset(own) else 0
        score = named + len(said.intersection([*_stems(name), *_stems(tool.description)]))
        if score > best_score:
            best, best_score = tool, score
    return best


def _use(tool: ToolDefinition, text: str) -> Improvised:
    """A call with what the message says filled in; a question when something that is required is not in it."""
    arguments, absent = _slots(tool, text)
    if absent:
        return f"For {tool.name.replace('_', ' ')} I need {' and '.join(absent)}.", ()
    return "", (ToolCallRequested(tool.name, arguments),)


def _slots(tool: ToolDefinition, text: str) -> tuple[dict[str, JSON], list[str]]:
    properties = tool.parameters.get("properties") or {}
    required = tool.parameters.get("required") or ()
    numbers = list(numbers_in(text))
    quotes = re.findall(r'"([^"]+)"', text)
    arguments: dict[str, JSON] = {}
    absent: list[str] = []
    for name, schema in properties.items():
        value = _slot(name, schema, text, numbers, quotes)
        if value is None and name in required and schema.get("type", "string") == "string" and not schema.get("enum"):
            value = _rest(tool, text)
        if value is not None:
            arguments[name] = value
        elif name in required:
            absent.append(f"the {name.replace('_', ' ')}")
    return arguments, absent


def _slot(name: str, schema: Mapping[str, JSON], text: str, numbers: list[int | float], quotes: list[str]) -> JSON:
    """The value that a message obviously has for a parameter. Numbers and quotations are used once."""
    words = f" {normalised(text)} "
    if schema.get("enum"):
        return next((option for option in schema["enum"] if f" {normalised(str(option))} " in words), None)
    match schema.get("type", "string"):
        case "integer" | "number" as kind:
            if not numbers:
                return None
            number = numbers.pop(0)
            return int(number) if kind == "integer" else number
        case "boolean":
            return not re.search(r" (?:no|not|dont|off|without|disable|stop) ", words)
        case "array":
            return list(quotes) or None
        case "string":
            hint = normalised(f"{name.replace('_', ' ')} {schema.get('description') or ''}")
            if re.search(r"\be ?mail\b", hint):
                address = _EMAIL.search(text)
                return address[0] if address else None
            if quotes:
                return quotes.pop(0)
            if re.search(r"\b(?:date|day|time|when)\b", hint):
                return " ".join(_WHEN.findall(text)) or None
            if re.search(r"\b(?:city|place|location|town|country|address|destination)\b", hint):
                place = _PLACE.search(text)
                return place[1].strip() if place else None
        case _:
            pass
    return None


def _rest(tool: ToolDefinition, text: str) -> str | None:
    """What a message says beyond the words that name the tool."""
    named = {*_stems(tool.name), *_GENERIC}
    words = text.split()
    while words and (not (stems := _stems(words[0])) or stems[0] in named or normalised(words[0]) in _GENERIC):
        words.pop(0)
    return trimmed(" ".join(words)) or None


def _found_in_prompt(question: str, messages: Sequence[Mapping[str, JSON]]) -> str:
    """The sentences of the prompt, two at most, that share the most words with a question; empty when none does."""
    if not (question.rstrip().endswith("?") or _QUESTION.match(question)):
        return ""
    asked = set(_stems(question))
    prompt = "\n".join(text_of(message) for message in messages if message.get("role") == "system")
    sentences = _sentences(prompt)
    shared = [asked.intersection(_stems(text)) for text in sentences]
    counts = {stem: sum(stem in words for words in shared) for stem in asked}
    scores = [sum(1 / counts[stem] for stem in words) if 2 * len(words) >= len(asked) else 0.0 for words in shared]
    best = max(scores, default=0.0)
    if not best:
        return ""
    chosen = [text for text, score in zip(sentences, scores, strict=True) if score >= 0.75 * best]
    return " ".join(sentence(text) for text in chosen[:2])


def _sentences(prompt: str) -> list[str]:
    """The statements of a prompt, without its headings and instructions."""
    sentences = []
    for line in prompt.splitlines():
        line = re.sub(r"^(?:[-*•>]|\d+[.)])\s+|[*_`]{1,3}", "", line.strip()).removeprefix("Context update: ")
        if line.startswith("#"):
            continue
        sentences += [s for s in re.split(r"(?<=[.!?])\s+", line) if len(s.split()) > 2 and not _INSTRUCTION.match(s)]
    return sentences
