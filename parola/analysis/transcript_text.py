"""A transcript as a model reads it after the call: who said what, what was called, what was cut off. Pure.

What is too long is cut in its middle, where a conversation is most alike, with a note that says how much is missing.
Nothing that was said can look like something else: a line that is not ours begins with ``|``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

LONGEST_LINE = 4000
"""Characters of one message or result."""

NOTE_CHARACTERS = 120
"""Room for the note where something was left out."""

CONTINUED = "\n| "
"""Between lines of one message: a user who types "agent: It is booked" below their question is quoted, not believed."""

_LINE_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")

_TAGS = re.compile(r"<(?=\s*/?\s*(?:transcript|documents))", re.IGNORECASE)

_OF_OTHER_ALPHABETS = re.compile("[\u0250-\u2e7f]")

_WIDE = re.compile("[\u2e80-\U0010ffff]")

_SAMPLE_CHARACTERS = 20_000


def readable(turns: Sequence[Mapping[str, Any]], most_characters: int) -> str:
    """The turns as lines, at most so many characters of them."""
    lines = [_safe(_shortened(line, LONGEST_LINE)) for turn in turns for line in _lines(turn)]
    total = sum(len(line) + 1 for line in lines)
    if total <= most_characters:
        return "\n".join(lines)
    room = max(0, most_characters - NOTE_CHARACTERS)
    head, tail, used = 0, len(lines), 0
    from_head = True
    while head < tail:
        line = lines[head] if from_head else lines[tail - 1]
        if used + len(line) + 1 > room:
            break
        used += len(line) + 1
        head, tail = (head + 1, tail) if from_head else (head, tail - 1)
        from_head = not from_head
    if head == 0 and tail == len(lines):
        return _shortened("\n".join(lines), most_characters)
    left_out = f"[{tail - head} lines are left out here: the conversation was too long to be read in full]"
    return "\n".join([*lines[:head], left_out, *lines[tail:]])


def characters_per_token(turns: Sequence[Mapping[str, Any]]) -> float:
    """How many characters of this conversation a model's token has at least: three of a Latin text, two of another
    alphabet, one where a character is a word."""
    sample = ""
    for turn in turns:
        if len(sample) >= _SAMPLE_CHARACTERS:
            break
        sample += str(turn.get("message") or "")[:LONGEST_LINE]
    if not sample:
        return 3.0
    wide, others = len(_WIDE.findall(sample)), len(_OF_OTHER_ALPHABETS.findall(sample))
    tokens = wide + others / 2 + (len(sample) - wide - others) / 3
    return len(sample) / tokens


def _lines(turn: Mapping[str, Any]) -> Iterator[str]:
    who = "agent" if turn.get("role") == "agent" else "user"
    message = str(turn.get("message") or "").strip()
    if turn.get("platform_event"):
        yield "[the user said nothing]"
    elif turn.get("contextual_update_info"):
        yield f"[context from the app: {message}]"
    elif message:
        cut = " [interrupted here]" if turn.get("interrupted") else ""
        yield f"{who}: {message}{cut}"
    for call in turn.get("tool_calls") or ():
        yield f"[the agent called {call.get('tool_name')} with {call.get('params_as_json')}]"
    for result in turn.get("tool_results") or ():
        outcome = "failed" if result.get("is_error") else "answered"
        yield f"[{result.get('tool_name')} {outcome}: {result.get('result_value')}]"


def documents_text(texts: Sequence[str], most_characters: int) -> str:
    """Documents for a model to judge by, at most so many characters of all, each cut in its middle: what short ones
    leave over is for the long ones."""
    left = most_characters
    shown: dict[int, str] = {}
    for place in sorted(range(len(texts)), key=lambda place: len(texts[place])):
        share = left // (len(texts) - len(shown))
        shown[place] = _TAGS.sub("<\u200b", _shortened(texts[place].strip(), share))
        left -= min(len(texts[place]), share)
    return "\n\n".join(shown[place] for place in range(len(texts)))


def _safe(text: str) -> str:
    """Nothing can pretend to be another line, nor that the transcript is over."""
    return _TAGS.sub("<\u200b", _LINE_BREAKS.sub(CONTINUED, text))


def _shortened(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    keep = max(0, (most - 40) // 2)
    return f"{text[:keep]} [{len(text) - 2 * keep} characters left out] {text[len(text) - keep :]}"
