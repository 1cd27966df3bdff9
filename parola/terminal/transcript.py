"""A conversation as it happens, on the screen: words appear while they are said, and what is final stays. Piped, there
are whole lines only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.markup import escape

from parola.terminal import printing


class Transcript:
    """Takes the frames of a conversation.

    On a terminal the words of a reply are printed as they come, and what the user seems to say is shown until it is
    certain. Where a person types, ``on_change`` is set, and takes that over: it is told that ``partial``, the reply
    under way, has changed, and nothing but whole lines is printed."""

    def __init__(self) -> None:
        self.on_change: Callable[[], None] | None = None
        self._is_live = printing.out.is_terminal and not printing.out.is_dumb_terminal
        self.partial = ""
        self._is_open = False
        """A reply's line has been begun."""
        self._is_guessing = False

    def frame(self, frame: dict[str, Any]) -> None:
        """Show what a person wants to see of it."""
        match frame["type"]:
            case "agent_chat_response_part":
                self._part(frame["text_response_part"])
            case "agent_response":
                self._reply(frame)
            case "tentative_user_transcript":
                self._guess(frame["tentative_user_transcription_event"]["user_transcript"])
            case "audio":
                pass
            case _:
                self._closed()
                printing.frame(frame)

    def note(self, text: str) -> None:
        """Something about the conversation, beside what is said in it."""
        self._closed()
        printing.out.print(f"[dim]       {escape(text)}[/]", soft_wrap=True)

    def end(self) -> None:
        """Nothing more will come."""
        self._closed()

    def _part(self, part: dict[str, Any]) -> None:
        if not self._is_live or part["type"] == "stop":
            return
        if part["type"] == "start":
            self.partial = ""
        self.partial += part["text"]
        if self.on_change is not None:
            self.on_change()
        elif part["text"]:
            if not self._is_open:
                printing.out.print("[bold cyan]agent[/]  ", end="")
                self._is_open = True
            printing.out.print(escape(part["text"]), end="", soft_wrap=True)

    def _reply(self, frame: dict[str, Any]) -> None:
        is_shown = self._is_open and self.partial.strip() == frame["agent_response_event"]["agent_response"].strip()
        self._closed()
        if not is_shown:
            printing.frame(frame)

    def _guess(self, text: str) -> None:
        """What the user seems to say, on one line that is written over."""
        if not self._is_live or self.on_change is not None:
            return
        self._closed()
        width = max(8, printing.out.width - 9)
        shown = text if len(text) <= width else f"…{text[1 - width :]}"
        printing.out.print(f"[dim]you …  {escape(shown)}[/]", end="\r", soft_wrap=True)
        self._is_guessing = True

    def _closed(self) -> None:
        """What was begun is ended: a reply's line stays, a guess is wiped away."""
        if self._is_guessing:
            self._is_guessing = False
            printing.out.print(" " * (printing.out.width - 1), end="\r", soft_wrap=True)
        if self._is_open:
            self._is_open = False
            printing.out.print()
        if self.partial:
            self.partial = ""
            if self.on_change is not None:
                self.on_change()
