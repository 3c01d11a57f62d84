"""The same outcome as one HTML file that needs nothing else: tables, and charts as SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from zoneinfo import ZoneInfo

from router.simulate.comparison import Move
from router.simulate.figures import FIGURES, Figure, Hour, Outcome
from router.simulate.report import MOST_MOVES, SAID, number, place, said_of_versions, usd, when

_WIDTH, _HEIGHT, _LEFT = 920, 160, 80
_MOST_BARS = 460
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem;color:#1b1f24;"
    "background:#fff}table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .8rem .2rem 0;text-align:right;"
    "border-bottom:1px solid #e3e6ea}td:first-child,th:first-child{text-align:left}.said{background:#fff4d6;"
    "padding:.6rem 1rem;border-left:4px solid #d99b00}.bad{background:#fde8e8;color:#8f1d1d;"
    "padding:.6rem 1rem;border-left:4px solid #b42318}svg{max-width:100%;height:auto}small{color:#5b636d}"
)

Series = tuple[str, str, Callable[[Hour], float]]
"""Name, colour, and what of an hour."""


def html_of(
    outcome: Outcome, timezone: ZoneInfo, against: Outcome | None = None, moves: Sequence[Move] = (), same: int = 0
) -> str:
    """Names come from policies and from traffic: all of them are escaped."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>Simulated: {escape(outcome.policy)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>What would {escape(outcome.policy)} have cost?</h1>",
        f'<p class="said"><strong>{SAID}</strong></p>',
        f"<p>{number(outcome.figures['requests'])} requests of {when(outcome.begin, timezone)} to"
        f" {when(outcome.end, timezone)} ({escape(timezone.key)}), policy version {escape(outcome.version)}.</p>",
        *[f'<p class="bad" role="alert"><strong>{escape(warning)}.</strong></p>' for warning in outcome.warnings],
        *_charts(outcome, timezone),
        *_figures(outcome, against),
    ]
    if against is not None:
        parts += _moved(moves, same)
    parts += _backends(outcome)
    parts += _listed("Refused", "code", outcome.refusals.items())
    for backend, reasons in outcome.reasons.items():
        parts += _listed(f"Why {backend}", "reason", reasons.items())
    parts += _ran_out(outcome, timezone)
    if outcome.other_versions:
        parts.append(f"<p>{escape(said_of_versions(outcome))}.</p>")
    for what, names in outcome.unknown.items():
        parts += _listed(f"Not in the policy: {what}", what, names.items())
    return "\n".join([*parts, "</body></html>", ""])


def _charts(outcome: Outcome, timezone: ZoneInfo) -> Iterator[str]:
    hours = _joined(outcome.curve)
    requests: list[Series] = [("own", "#2f7d4f", lambda hour: hour.own), ("cloud", "#3b6fb6", lambda hour: hour.cloud)]
    money: list[Series] = [
        ("rent", "#8a6d3b", lambda hour: hour.usd_rent),
        ("bought", "#3b6fb6", lambda hour: hour.usd_bought),
    ]
    yield _chart("Requests", hours, timezone, number, requests)
    yield _chart("US dollars", hours, timezone, usd, money)


def _joined(hours: Sequence[Hour]) -> list[Hour]:
    """As many hours in one bar as there have to be."""
    each = -(-len(hours) // _MOST_BARS)
    groups = [hours[first : first + each] for first in range(0, len(hours), each)]
    return [
        Hour(
            group[0].at,
            sum(hour.own for hour in group),
            sum(hour.cloud for hour in group),
            sum(hour.refused for hour in group),
            sum(hour.usd_bought for hour in group),
            sum(hour.usd_rent for hour in group),
        )
        for group in groups
    ]


def _chart(
    title: str, hours: Sequence[Hour], timezone: ZoneInfo, show: Callable[[Figure], str], series: Sequence[Series]
) -> str:
    """Bars that stand on each other."""
    most = max(sum(value(hour) for _, _, value in series) for hour in hours) or 1.0
    width = (_WIDTH - _LEFT) / len(hours)
    bars = []
    for column, hour in enumerate(hours):
        top = float(_HEIGHT)
        for name, colour, value in series:
            height = _HEIGHT * value(hour) / most
            top -= height
            label = f"{when(hour.at, timezone)} {name} {show(value(hour))}"
            bars.append(
                f'<rect x="{_LEFT + column * width:.2f}" y="{top:.2f}" width="{max(0.3, width * 0.9):.2f}"'
                f' height="{height:.2f}" fill="{colour}"><title>{escape(label)}</title></rect>'
            )
    legend = " ".join(f'<tspan fill="{colour}">■ {name}</tspan>' for name, colour, _ in series)
    return (
        f"<h2>{title}</h2>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 40}" role="img" aria-label="{title} by time">'
        f'<text x="0" y="12" font-size="12">{escape(show(most))}</text>{"".join(bars)}'
        f'<text x="{_LEFT}" y="{_HEIGHT + 18}" font-size="12">{when(hours[0].at, timezone)}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 18}" font-size="12" text-anchor="end">{when(hours[-1].at, timezone)}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT + 36}" font-size="12">{legend}</text></svg>'
    )


def _figures(outcome: Outcome, against: Outcome | None) -> Iterator[str]:
    of = [outcome] if against is None else [outcome, against]
    rows = [
        [f"{name} <small>{escape(meaning)}</small>", *(_shown(name, each.figures[name]) for each in of)]
        for name, meaning in FIGURES.items()
    ]
    yield "<h2>Figures</h2>"
    yield from _table(["figure", *(escape(each.policy) for each in of)], rows)


def _shown(name: str, value: Figure) -> str:
    return escape(usd(value) if name.startswith("usd") else number(value))


def _moved(moves: Sequence[Move], same: int) -> Iterator[str]:
    moved = sum(move.requests for move in moves)
    yield f"<h2>{number(moved)} requests went elsewhere, {number(same)} went where they went</h2>"
    rows = [
        [
            f"{escape(place(move.backend))} ({escape(move.reason)})",
            f"{escape(place(move.against_backend))} ({escape(move.against_reason)})",
            number(move.requests),
            usd(move.usd),
            usd(move.against_usd),
            escape(", ".join(move.examples)),
        ]
        for move in moves[:MOST_MOVES]
    ]
    yield from _table(["here", "there", "requests", "bought here", "bought there", "such as"], rows)


def _backends(outcome: Outcome) -> Iterator[str]:
    names = list(next(iter(outcome.backends.values())))
    yield "<h2>Backends</h2>"
    rows = [[escape(name), *(_shown(each, of[each]) for each in names)] for name, of in outcome.backends.items()]
    yield from _table(["backend", *names], rows)


def _listed(title: str, of: str, items: Iterable[tuple[str, int]]) -> Iterator[str]:
    rows = [[escape(name), number(count)] for name, count in items]
    if rows:
        yield f"<h2>{escape(title)}</h2>"
        yield from _table([escape(of), "requests"], rows)


def _ran_out(outcome: Outcome, timezone: ZoneInfo) -> Iterator[str]:
    rows = [
        [escape(each.name), when(each.first, timezone), number(each.requests), number(each.refused)]
        for each in outcome.exhausted
    ]
    if rows:
        yield "<h2>Limits that ran out</h2>"
        yield from _table(["limit", "first", "requests", "refused"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"<table><tr>{''.join(f'<th>{each}</th>' for each in head)}</tr>"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{each}</td>' for each in row)}</tr>"
    yield "</table>"
