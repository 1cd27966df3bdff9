"""Delay against cut-off turns, as a small SVG: a curve for fixed silences, a point for each eagerness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 70, 30, 30, 60
GREY, BLUE, RED = "#6b7280", "#9ca3af", "#b4232c"


@dataclass(frozen=True, slots=True)
class Point:
    name: str
    delay_ms: float
    cut_off_percent: float


@dataclass(frozen=True, slots=True)
class Curve:
    name: str
    points: tuple[Point, ...]


def drawn(curve: Curve, points: Sequence[Point]) -> str:
    """The picture. To the left is quicker, down is politer: a point below the curve is better than any silence."""
    everything = [*curve.points, *points]
    most_delay = 200 * math.ceil(max(point.delay_ms for point in everything) / 200 + 0.25)
    most_cut = max(5, 5 * math.ceil(max(point.cut_off_percent for point in everything) / 5))

    def x(point: Point) -> float:
        return LEFT + point.delay_ms / most_delay * (WIDTH - LEFT - RIGHT)

    def y(point: Point) -> float:
        return HEIGHT - BOTTOM - point.cut_off_percent / most_cut * (HEIGHT - TOP - BOTTOM)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for delay in range(0, most_delay + 1, 200):
        place = x(Point("", delay, 0))
        lines.append(f'<line x1="{place:.1f}" y1="{TOP}" x2="{place:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#e5e7eb"/>')
        lines.append(_text(place, HEIGHT - BOTTOM + 20, str(delay), "middle", GREY))
    step = 5 if most_cut <= 30 else 10 if most_cut <= 60 else 20
    for percent in range(0, most_cut + 1, step):
        place = y(Point("", 0, percent))
        lines.append(f'<line x1="{LEFT}" y1="{place:.1f}" x2="{WIDTH - RIGHT}" y2="{place:.1f}" stroke="#e5e7eb"/>')
        lines.append(_text(LEFT - 10, place + 4, f"{percent} %", "end", GREY))
    caption = "median delay from the last sound to the end of the turn, ms"
    lines.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, caption, "middle", "#111827"))
    lines.append(_text(LEFT, TOP - 10, "turns cut off", "start", "#111827"))
    path = " ".join(f"{x(point):.1f},{y(point):.1f}" for point in curve.points)
    lines.append(f'<polyline points="{path}" fill="none" stroke="{BLUE}" stroke-width="2"/>')
    for index, point in enumerate(curve.points):
        lines.append(f'<circle cx="{x(point):.1f}" cy="{y(point):.1f}" r="3.5" fill="{BLUE}"/>')
        if index % 2 == 0 or index == len(curve.points) - 1:
            lines.append(_text(x(point) + 4, y(point) - 9, point.name, "start", GREY))
    for point in points:
        lines.append(f'<circle cx="{x(point):.1f}" cy="{y(point):.1f}" r="6" fill="{RED}"/>')
        lines.append(_text(x(point), y(point) - 12, point.name, "middle", RED, bold=True))
    lines.append(f'<circle cx="{WIDTH - 190}" cy="{TOP + 14}" r="6" fill="{RED}"/>')
    lines.append(_text(WIDTH - 176, TOP + 18, "Parola, by eagerness", "start", RED))
    lines.append(f'<circle cx="{WIDTH - 190}" cy="{TOP + 36}" r="3.5" fill="{BLUE}"/>')
    lines.append(_text(WIDTH - 176, TOP + 40, curve.name, "start", GREY))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _text(x: float, y: float, words: str, anchor: str, colour: str, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{weight}>{words}</text>'
