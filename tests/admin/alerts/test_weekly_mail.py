"""The report as mail."""

from __future__ import annotations

import re

from router.admin.alerts.weekly_mail import html_of
from router.core.alerts.weekly import TeamWeek, Week
from router.core.cost.net import Net

USD = 1_000_000_000
WEEK = Week(
    first="2026-11-16", last="2026-11-22", requests=1, net=Net(500 * USD, 100 * USD, 200 * USD), before=Net(0, 0, 0)
)


def test_names_from_outside_are_text_and_nothing_is_loaded():
    team = TeamWeek("<img src=x onerror=alert(1)>", 5, 10.0, 2.0, 8.0)
    html = html_of(Week(**{name: getattr(WEEK, name) for name in WEEK.__struct_fields__} | {"teams": [team]}))
    assert "&lt;img src=x" in html and "<img" not in html
    assert not re.search(r"<script|href=|src='|src=\"|url\(", html)
    assert "<td" in html and "$10" in html


def test_a_week_without_teams_and_decisions():
    html = html_of(WEEK)
    assert "<p>Nothing.</p>" in html and "<table" not in html and "own GPUs saved $200" in html
    decided = html_of(Week(**{name: getattr(WEEK, name) for name in WEEK.__struct_fields__} | {"refused_edit": True}))
    assert "<li>The policy&#x27;s file" in decided
