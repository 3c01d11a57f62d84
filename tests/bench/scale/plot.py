"""A curve as an SVG file: a logarithmic axis for what grows, and one line for each column that is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from tests.bench.scale.results import Curve

_WIDTH, _HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 40, 48
_COLOURS = ("#1f6feb", "#bf5700", "#2da44e")
_STEPS = 4
_FONT = 'font-family="sans-serif" font-size="12"'


def svg(curve: Curve) -> str:
    xs = [_log(point.x) for point in curve.points]
    lines = [[point.values[column] for point in curve.points] for column in range(curve.drawn)]
    top = _round_up(max(max(line) for line in lines))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" {_FONT}>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="18" font-size="14" font-weight="bold">{escape(curve.title)}</text>',
        *_grid(top),
        *_ticks(curve, xs),
    ]
    for number, line in enumerate(lines):
        parts += _line(curve.columns[number], number, xs, line, top)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _grid(top: float) -> list[str]:
    found = []
    for step in range(_STEPS + 1):
        y = _y(top * step / _STEPS, top)
        found.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" stroke="#d0d7de"/>')
        found.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * step / _STEPS:,.4g}</text>')
    return found


def _ticks(curve: Curve, xs: Sequence[float]) -> list[str]:
    labels = [
        f'<text x="{_x(x, xs):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{point.x:,.4g}</text>'
        for x, point in zip(xs, curve.points, strict=True)
    ]
    return [*labels, f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(curve.x)}</text>']


def _line(name: str, number: int, xs: Sequence[float], values: Sequence[float], top: float) -> list[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    at = [(_x(x, xs), _y(value, top)) for x, value in zip(xs, values, strict=True)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in at]
    place = _LEFT + 8 + 220 * number
    legend = f'<text x="{place}" y="34" fill="{colour}">{escape(name)}</text>'
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>', *dots, legend]


def _log(x: float) -> float:
    """Nothing stands where one does."""
    return math.log10(max(x, 1.0))


def _x(x: float, xs: Sequence[float]) -> float:
    span = (max(xs) - min(xs)) or 1.0
    return _LEFT + 20 + (x - min(xs)) / span * (_WIDTH - _LEFT - _RIGHT - 40)


def _y(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM)


def _round_up(value: float) -> float:
    """To one, two or five times a power of ten."""
    power = 10 ** math.floor(math.log10(value)) if value > 0 else 1
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)
