"""Tables that fit: what matters less is left out where a terminal is narrow; what is not read on a screen is whole."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text


class Listing:
    """Rows under names of columns. ``less``: columns that may be missing, the first to go first."""

    def __init__(self, *columns: str, less: Sequence[str] = ()) -> None:
        self._columns = columns
        self._less = less
        self._rows: list[tuple[str | Text, ...]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add_row(self, *cells: str | Text) -> None:
        """One row. Text is printed as it is; what is to have colours of ours is a ``Text``."""
        self._rows.append(tuple(escape(cell) if isinstance(cell, str) else cell for cell in cells))

    def fitting(self, console: Console) -> Table:
        """As a table for this console."""
        gone: set[str] = set()
        unbounded = console.options.update(max_width=10_000)
        for name in (None, *self._less):
            if name is not None:
                gone.add(name)
            table = self._table(gone)
            # A table never measures wider than the console it is for.
            if Measurement.get(console, unbounded, table).maximum <= console.width:
                break
        return table

    def _table(self, gone: set[str]) -> Table:
        kept = [index for index, name in enumerate(self._columns) if name not in gone]
        table = Table(box=None, pad_edge=False, header_style="bold")
        for index in kept:
            table.add_column(self._columns[index], overflow="fold")
        for row in self._rows:
            table.add_row(*(row[index] for index in kept))
        return table
