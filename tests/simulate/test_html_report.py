from __future__ import annotations

import re
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from support.simulating import POLICY, POWER, ask, plan, played

from router.simulate.comparison import Move
from router.simulate.figures import FIGURES, outcome_of
from router.simulate.html_report import html_of
from router.simulate.report import SAID

UTC = ZoneInfo("UTC")
KEY = f'\nkeys: [{{name: app, sha256: "{"a" * 64}", budget: {{requests_per_day: 5}}}}]\n'


class Reads(HTMLParser):
    """Tags that are open, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: object) -> None:
        self.tags.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_report_is_one_file_that_says_that_it_is_simulated():
    outcome = outcome_of(played(plan(power=POWER), [ask(3.0 * number) for number in range(3000)]), "p.yaml")
    html = html_of(outcome, UTC)
    read = Reads(html)

    assert not read.open and SAID in read.text and "svg" in read.tags
    assert not re.search(r"https?://|src=|<script|url\(", html)
    assert all(name in read.text for name in FIGURES)


def test_two_policies_stand_side_by_side_and_names_are_no_markup():
    asked = [ask(60.0 * number, key="app", model="<b>" if number == 3 else "") for number in range(20)]
    outcome = outcome_of(played(plan(POLICY + KEY), asked), "p<i>.yaml")
    move = Move("gpu", "gpu-on", "", "gpu_off", 3, 1.0, 0.0, ("<script>",))
    html = html_of(outcome, UTC, replace(outcome, policy="q.yaml"), (move,), 17)
    read = Reads(html)

    assert not read.open and not read.tags & {"b", "i", "script"}
    assert "3 requests went elsewhere, 17 went where they went" in read.text
    assert "refused (gpu_off)" in read.text and "Limits that ran out" in read.text and "Not in the policy" in read.text


def test_much_time_is_put_together():
    outcome = outcome_of(played(plan(), [ask(0.0), ask(86_400.0 * 60)]), "p.yaml")

    assert len(outcome.curve) == 1441
    assert html_of(outcome, UTC).count("<rect") < 2000
