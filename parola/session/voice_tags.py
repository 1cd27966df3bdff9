"""Who says what: an agent with several voices wraps words in ``<label>…</label>``, and the tags are never shown.

Tags come in pieces like all a model writes; what may become a tag is held back until it is one, or is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Stretch = tuple[str | None, str]
"""(the label of a voice or None for the agent's own, words)"""


class VoiceTags:
    """Feed it text; it gives back the words and whose they are. Only the labels that exist are tags."""

    __slots__ = ("_held", "_label", "_labels", "_pattern", "_tags")

    def __init__(self, labels: Iterable[str] = ()) -> None:
        self._labels = {_key(label): label for label in labels}
        names = "|".join(r"\s+".join(map(re.escape, label.split())) for label in self._labels)
        self._pattern = re.compile(rf"<(/?)({names})\s*>", re.IGNORECASE) if names else None
        self._tags = [tag for label in self._labels for tag in (f"<{label}>", f"</{label}>")]
        self._label: str | None = None
        self._held = ""

    def add(self, text: str) -> list[Stretch]:
        """The words that can be spoken and shown now."""
        if self._pattern is None:
            return [(None, text)] if text else []
        text = self._held + text
        self._held = ""
        opened = text.rfind("<")
        if opened >= 0 and any(tag.startswith(_key(text[opened:])) for tag in self._tags if ">" not in text[opened:]):
            text, self._held = text[:opened], text[opened:]
        return self._cut(text, self._pattern)

    def flush(self) -> list[Stretch]:
        """What was held back and will not become a tag any more."""
        text, self._held = self._held, ""
        return [(self._label, text)] if text else []

    def _cut(self, text: str, pattern: re.Pattern[str]) -> list[Stretch]:
        stretches: list[Stretch] = []
        end = 0
        for match in pattern.finditer(text):
            if match.start() > end:
                stretches.append((self._label, text[end : match.start()]))
            end = match.end()
            self._label = None if match[1] else self._labels[_key(match[2])]
        if end < len(text):
            stretches.append((self._label, text[end:]))
        return stretches


def _key(label: str) -> str:
    return " ".join(label.casefold().split())
