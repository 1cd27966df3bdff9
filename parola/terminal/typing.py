"""Lines that a person types at a terminal: edited, with those before at hand, while the agent's words appear above."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from parola.terminal import printing
from parola.terminal.plain import visible

LEAST_ROWS = 6
"""What a reply under way leaves of the screen."""


class Interrupted(Exception):
    """Ctrl-C was pressed."""


class Typing:
    """``line`` gives one line after the other while the block lasts, then None at ctrl-D; raises ``Interrupted``.

    ``words`` is the reply under way, asked for whenever the screen is drawn; ``changed`` draws it. What was typed is
    remembered until the block is left, and nowhere kept. ``commands`` are completed by the tabulator key."""

    def __init__(self, words: Callable[[], str], commands: Sequence[str]) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import WordCompleter
        from prompt_toolkit.output import ColorDepth

        self._words = words
        self._within = ExitStack()
        self._session: Any = PromptSession(
            message=self._message,
            completer=WordCompleter(list(commands), sentence=True),
            complete_while_typing=False,
            color_depth=ColorDepth.DEPTH_1_BIT if printing.out.no_color else None,
            interrupt_exception=Interrupted,
        )

    def __enter__(self) -> Self:
        from prompt_toolkit.patch_stdout import patch_stdout

        self._within.enter_context(patch_stdout(raw=True))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._within.close()

    async def line(self) -> str | None:
        """The next line; None when there will be no more."""
        try:
            return str(await self._session.prompt_async())
        except EOFError:
            return None

    def changed(self) -> None:
        """The reply under way has grown, or is over."""
        self._session.app.invalidate()

    def _message(self) -> Any:
        words = visible(self._words())
        you = [("bold ansigreen", "you"), ("", "    ")]
        if not words:
            return you
        size = self._session.output.get_size()
        most = max(40, (size.rows - LEAST_ROWS) * size.columns // 2)
        shown = words if len(words) <= most else f"…{words[-most:]}"
        return [("bold ansicyan", "agent"), ("", f"  {shown}\n"), *you]
