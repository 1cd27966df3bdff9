"""Delay against cut-off turns, as a small SVG: a curve for fixed silences, a point for each eagerness."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

PANEL_WIDTH, HEIGHT = 440, 400
LEFT, RIGHT, TOP, BOTTOM = 54, 20, 66, 56
DARK, GREY, LINE, CURVE, OWN = "#111827", "#6b7280", "#e5e7eb", "#64748b", "#b4232c"


@dataclass(frozen=True, slots=True)
class Point:
    name: str
    delay_ms: float
    cut_off_percent: float


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    silences: tuple[Point, ...]
    """By how much silence a fixed rule asks for."""
    own: tuple[Point, ...]
    """By eagerness."""


def drawn(panels: Sequence[Panel]) -> str:
    """The panels side by side. To the left is quicker, down is politer."""
    width = PANEL_WIDTH * len(panels)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" '
        'font-family="system-ui, DejaVu Sans, sans-serif" font-size="12">',
        "<title>Turns cut off against delay</title>",
        f'<rect width="{width}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<circle cx="{LEFT + 6}" cy="16" r="5" fill="{OWN}"/>',
        _text(LEFT + 18, 20, "Parola, by eagerness", "start", OWN),
        f'<circle cx="{LEFT + 176}" cy="16" r="3.5" fill="{CURVE}"/>',
        _text(LEFT + 186, 20, "a fixed silence, in seconds", "start", CURVE),
    ]
    for index, panel in enumerate(panels):
        lines += _panel(panel, index * PANEL_WIDTH)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _panel(panel: Panel, offset: int) -> Iterator[str]:
    everything = [*panel.silences, *panel.own]
    most_delay = 200 * math.ceil(max(point.delay_ms for point in everything) / 200)
    most_cut = max(5, 5 * math.ceil(max(point.cut_off_percent for point in everything) / 5))

    def x(delay_ms: float) -> float:
        return offset + LEFT + delay_ms / most_delay * (PANEL_WIDTH - LEFT - RIGHT)

    def y(percent: float) -> float:
        return HEIGHT - BOTTOM - percent / most_cut * (HEIGHT - TOP - BOTTOM)

    yield _text(offset + LEFT, TOP - 20, panel.title, "start", DARK, bold=True)
    for delay in range(0, most_delay + 1, 200):
        yield f'<line x1="{x(delay):.1f}" y1="{TOP}" x2="{x(delay):.1f}" y2="{y(0):.1f}" stroke="{LINE}"/>'
        yield _text(x(delay), HEIGHT - BOTTOM + 18, str(delay), "middle", GREY)
    for percent in range(0, most_cut + 1, 5 if most_cut <= 25 else 10 if most_cut <= 60 else 20):
        ends = f'x1="{x(0):.1f}" y1="{y(percent):.1f}" x2="{x(most_delay):.1f}" y2="{y(percent):.1f}"'
        yield f'<line {ends} stroke="{LINE}"/>'
        yield _text(x(0) - 8, y(percent) + 4, f"{percent} %", "end", GREY)
    yield _text(x(most_delay / 2), HEIGHT - 14, "turns cut off, by the median delay in ms", "middle", GREY)
    places = [(x(point.delay_ms), y(point.cut_off_percent), point.name) for point in panel.silences]
    path = " ".join(f"{left:.1f},{top:.1f}" for left, top, _ in places)
    yield f'<polyline points="{path}" fill="none" stroke="{CURVE}" stroke-width="1.5"/>'
    for index, (left, top, name) in enumerate(places):
        yield f'<circle cx="{left:.1f}" cy="{top:.1f}" r="3.5" fill="{CURVE}"/>'
        if index % 2 == 0:
            yield _text(left + 6, top - 7, name, "start", CURVE)
    for index, point in enumerate(panel.own):
        left, top = x(point.delay_ms), y(point.cut_off_percent)
        yield f'<circle cx="{left:.1f}" cy="{top:.1f}" r="5" fill="{OWN}"/>'
        if top > y(0) - 24:  # no room for the name below
            lift = 30 if index else 40
            yield f'<line x1="{left:.1f}" y1="{top:.1f}" x2="{left:.1f}" y2="{top - lift:.1f}" stroke="{OWN}"/>'
            yield _text(left - 4, top - lift + 6, point.name, "end", OWN, bold=True)
        else:
            yield _text(left, top + 19, point.name, "middle", OWN, bold=True)


def _text(x: float, y: float, words: str, anchor: str, colour: str, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{weight}>{words}</text>'
