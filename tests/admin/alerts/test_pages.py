"""The pages of alerts and of the week, in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect
from support.alerting import SECRET, alerting, observation
from support.browser import MISSING, Browser, quiet
from support.control import ADMIN, API, GPU, NOON, VIEWER, Plane
from support.pictured import on_every_screen, pictured

from router.admin.answers.budgets import BudgetUse
from router.admin.sources.interface import Sources
from router.core.alerts.observation import Seen
from router.core.alerts.states import moves
from router.core.values import Cell

pytestmark = [pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.timeout(300)]

HOSTILE = "<img src=x onerror=alert(1)>"
DAY = 86_400.0


class Limits:
    available = True

    async def uses(self, now: float):
        given = {"scope": "team:search", "measure": "usd", "period": "month", "held": 0, "left": 0}
        near = BudgetUse(**given, amount=50_000_000, used=47_000_000, name="team search: usd_per_month")
        return [near, BudgetUse(**given, amount=50_000_000, used=1, name="team legal: usd_per_month")]


@pytest.fixture
async def plane(start, policy, receiver) -> Plane:
    policy.write_text(alerting(receiver.url, "  report: {day: mon, to: [ops]}\n"))
    return await start(Sources(budgets=Limits()))


@pytest.fixture
async def told(plane, settle, rent) -> None:
    """One alert that fires, one that is over, a message that failed, and a week."""
    book = plane.control.alerts.ledger
    for seen in (
        observation(key="limit|1", title="key app: usd_per_day: limit reached", severity="critical"),
        observation(key="limit|2", title=HOSTILE, text=HOSTILE, subject=HOSTILE),
        observation(Seen.GOOD, key="limit|2", text="It answers again."),
    ):
        look = await book.look()
        made = moves(look.kept, [seen], (), look.now, lambda: "c1")
        await book.write(look, [(move, ["ops"]) for move in made])
    message = await book.take("ops", "me", 60, 0)
    await book.end("ops", "me", message, "failed", 300, "answered with 500")
    await settle(API, NOON - DAY, cost=30_000_000)
    await settle(Cell("api", "cloud", "chat", HOSTILE, "bot"), NOON - 3 * DAY, cost=12_340_000)
    await settle(GPU, NOON - 2 * DAY, cost=0, counterfactual=4_000_000)
    await rent({"busy": 10_000_000, "idle": 55_000_000}, "2026-11-23")


@pytest.fixture
async def browser(plane, told) -> AsyncIterator[Browser]:
    async with quiet(plane.url) as one:
        yield one


async def test_what_is_wrong_what_was_told_and_what_is_near_is_shown_as_text(browser):
    await browser.sign_in(ADMIN)
    await browser.open("/alerts")
    await browser.sees("1 alert now. Not delivered to ops.", "#sentence")
    await browser.sees("key app: usd_per_day: limit reached", "#firing")
    await browser.sees("team search: usd_per_month: 94%", "#near")
    await expect(browser.page.locator("#near")).not_to_contain_text("legal")
    await browser.sees("1 failure since the last delivery", "#targets")
    await browser.sees("answered with 500", "#targets")
    await browser.sees(HOSTILE, "#history")
    assert SECRET not in await browser.text("body")


async def test_the_button_sends_a_test_and_says_how_it_went(browser, receiver):
    await browser.sign_in(ADMIN)
    await browser.open("/alerts")
    receiver.answers = [200, 503]
    button = browser.page.get_by_role("button", name="Send a test")
    await button.click()
    await browser.sees("The test arrived at ops.", "#tested")
    assert receiver.told("test") == ["A test of this target"]
    await button.click()
    await browser.sees("did not arrive at ops: answered with 503", "#tested")


async def test_viewers_look_and_have_no_button(browser):
    await browser.sign_in(VIEWER)
    await browser.open("/alerts")
    await browser.sees("Not delivered to ops", "#sentence")
    await expect(browser.page.get_by_role("button", name="Send a test")).to_have_count(0)


async def test_operations_tells_of_them_too(browser):
    await browser.sign_in(ADMIN)
    await browser.open("/operations")
    await browser.sees("1 alert now", "#alerts")
    await browser.sees("ops: 1 failure, answered with 500", "#alerts")


async def test_the_week_is_shown_with_what_there_is_to_decide(browser):
    await browser.sign_in(ADMIN)
    await browser.open("/report")
    await browser.sees("Last week the own GPUs lost $61", "#sentence")
    await browser.sees("It is sent every Monday.", "#range")
    await browser.sees("gpu lost $61", "#decide")
    await browser.sees("team search: usd_per_month is 94% used", "#decide")
    await browser.sees(HOSTILE, "#teams")
    await expect(browser.page.get_by_role("row", name="search")).to_contain_text("$30.00")


@on_every_screen
async def test_there_are_no_barriers_and_nothing_is_cut_off(plane, told, screen, scheme):
    async with pictured(plane.url, screen, scheme) as pictures:
        await pictures.browser.sign_in(ADMIN)
        for name in ("alerts", "report", "operations"):
            await pictures.browser.open(f"/{name}")
            await pictures.browser.settled()
            await pictures.look(name)
