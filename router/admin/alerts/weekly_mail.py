"""The report of a week as HTML, for mail: no script, no address of anything, nothing that mail programs leave out."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from router.core.alerts.weekly import Week, to_decide
from router.core.cost.worth import dollars

_CELL = "padding:4px 12px 4px 0;border-bottom:1px solid #ccc"
_FONT = "font-family:system-ui,sans-serif;max-width:640px;color:#111;background:#fff;padding:16px"


def html_of(week: Week) -> str:
    """Names of teams and backends come from outside: they are text."""
    decide = to_decide(week)
    items = "".join(f"<li>{escape(each)}</li>" for each in decide)
    teams = [
        (each.team, f"{each.requests:,}", dollars(each.bought), dollars(each.rent), dollars(each.bought_before))
        for each in week.teams
    ]
    hours = [(name, f"{hours:,.1f}") for name, hours in week.hours_on]
    return "".join(
        (
            f'<!doctype html><html lang="en"><body><div style="{_FONT}">',
            f"<h1>{escape(week.first)} to {escape(week.last)}</h1>",
            f"<p><strong>{escape(week.sentence)}</strong> {escape(week.beside_before)}</p>",
            "<h2>To decide</h2>",
            f"<ul>{items}</ul>" if decide else "<p>Nothing.</p>",
            _table("By team", ("Team", "Requests", "Bought", "Rent", "Bought the week before"), teams),
            _table("Hours on", ("Backend", "Hours"), hours),
            "</div></body></html>",
        )
    )


def _table(title: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    lines = _row("th", heads) + "".join(_row("td", row) for row in rows)
    return f"<h2>{escape(title)}</h2><table>{lines}</table>"


def _row(cell: str, values: tuple[str, ...]) -> str:
    cells = "".join(f'<{cell} align="left" style="{_CELL}">{escape(each)}</{cell}>' for each in values)
    return f"<tr>{cells}</tr>"
