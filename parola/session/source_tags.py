"""The documents an answer relies on, as the model names them: ``<sources>id, id</sources>``, taken out of what is said.

Only when an agent asks for it (``conversation.source_attribution``). What looks like the beginning of the tag is held
back until it is known not to be.
"""

from __future__ import annotations

import re
from collections.abc import Collection

OPEN, CLOSE = "<sources>", "</sources>"

LONGEST = 2_000
"""Characters between the tags; a model that writes more has forgotten to close them, and the rest is not said."""

_SEPARATOR = re.compile(r"[\s,;]+")


class SourceTags:
    """Text goes in as it is written, what may be said comes out."""

    def __init__(self, known_ids: Collection[str]) -> None:
        """Ids that are none of ``known_ids`` are ignored."""
        self._known_ids = known_ids
        self._pending = ""
        self._inside: str | None = None
        self._named: dict[str, None] = {}

    @property
    def document_ids(self) -> tuple[str, ...]:
        """What was named so far, in order, each once."""
        return tuple(self._named)

    def add(self, text: str) -> str:
        """What of it, and of what was held back, may be said now."""
        said: list[str] = []
        self._pending += text
        while self._pending:
            if self._inside is not None:
                if not self._take_inside():
                    break
                continue
            begin = self._pending.find("<")
            if begin < 0:
                said.append(self._pending)
                self._pending = ""
                break
            said.append(self._pending[:begin])
            self._pending = self._pending[begin:]
            if self._pending.startswith(OPEN):
                self._pending = self._pending[len(OPEN) :]
                self._inside = ""
            elif OPEN.startswith(self._pending):
                break
            else:
                said.append(self._pending[0])
                self._pending = self._pending[1:]
        return "".join(said)

    def flush(self) -> str:
        """The text is over: what was held back. A tag that was not closed counts."""
        rest, self._pending = self._pending, ""
        if self._inside is not None:
            self._note(self._inside + rest)
            self._inside = None
            return ""
        return rest

    def _take_inside(self) -> bool:
        """Read on until the tag is closed; says whether it is."""
        assert self._inside is not None
        inside = self._inside + self._pending
        end = inside.find(CLOSE)
        if end < 0:
            self._inside, self._pending = inside[:LONGEST], ""
            return False
        self._note(inside[:end])
        self._inside, self._pending = None, inside[end + len(CLOSE) :]
        return True

    def _note(self, inside: str) -> None:
        for document_id in _SEPARATOR.split(inside):
            if document_id in self._known_ids:
                self._named[document_id] = None
