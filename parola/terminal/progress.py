"""How far long work has come: a bar on standard error while it lasts, and nothing where nobody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from parola.terminal import printing
from parola.terminal.plain import visible

Update = Callable[..., None]
"""``update(done=…, total=…, what=…)``, each when it is known."""


@contextmanager
def progress(what: str, total: float | None = None, *, is_count: bool = True) -> Iterator[Update]:
    """A bar that is gone when the block is left, with the time it has taken. Without ``total`` it counts; without
    ``is_count`` it shows the share alone."""
    if not printing.err.is_terminal or printing.err.is_dumb_terminal:
        yield lambda **_: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    amount = MofNCompleteColumn() if is_count else TaskProgressColumn()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=20), amount, TimeElapsedColumn())
    with Progress(*columns, console=printing.err, transient=True) as bars:
        task = bars.add_task(what, total=total)

        def update(*, done: float | None = None, total: float | None = None, what: str | None = None) -> None:
            bars.update(task, completed=done, total=total, description=None if what is None else visible(what))

        yield update
