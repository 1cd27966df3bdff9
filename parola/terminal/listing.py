"""Tables that fit: what matters less is left out where a terminal is narrow; what is not read on a screen is whole."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table


class Listing:
    """Rows under names of columns. ``less``: columns that may be missing, the first to go first."""

    def __init__(self, *columns: str, less: Sequence[str] = ()) -> None:
        self._columns = columns
        self._less = less
        self._rows: list[tuple[str, ...]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add_row(self, *cells: str) -> None:
        """One row; cells may have markup."""
        self._rows.append(cells)

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
