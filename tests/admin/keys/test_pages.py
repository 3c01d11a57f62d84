"""The page of keys in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect
from support.browser import MISSING, Browser, quiet
from support.control import ADMIN, API, POLICY, VIEWER, Plane
from support.pictured import on_every_screen, pictured

from router.admin.sources.interface import Sources
from router.admin.sources.limits import LedgerBudgets

pytestmark = [pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.timeout(600)]

HOSTILE = "<img/src=x/onerror=alert(1)>"
NAMES = ["batch", "مفتاح-الدفعة", "🔑" * 30, "x" * 128, HOSTILE]
BUDGET = {"usd_per_month": 5, "cloud": {"usd_per_day": 1}, "models": {"chat": {"local": {"tokens_per_day": 9}}}}


@pytest.fixture
async def dashboard(start, policy, session_valkey, settle) -> Plane:
    policy.write_text(POLICY + "server: {stored_keys: true}\n")
    plane = await start(Sources(budgets=LedgerBudgets(session_valkey, lambda: plane.control.desk.plan)))
    for name in NAMES:
        made = await plane.post("/api/keys", {"name": name, "team": "search", "budget": BUDGET, "models": ["chat"]})
        assert made.status == 200, made.body
    await settle(API, cost=4_210_000)
    none = {"if-match": "none"}
    made = await plane.ask("PUT", "/api/teams/sales/budget", ADMIN, none, json={"budget": BUDGET})
    assert made.status == 200, made.body
    return plane


@pytest.fixture
async def browser(dashboard) -> AsyncIterator[Browser]:
    async with quiet(dashboard.url) as one:
        yield one


async def test_names_from_outside_are_text_and_a_search_finds_them(browser):
    await browser.sign_in(ADMIN)
    await browser.open("/keys")
    names = browser.page.locator("#list tbody th")
    await expect(names).to_have_count(1 + len(NAMES))
    assert set(await names.all_inner_texts()) == {"app", *NAMES}
    await browser.page.get_by_role("searchbox", name="Search").fill("الدفعة")
    await expect(names).to_have_text([NAMES[1]])
    await browser.page.wait_for_url("**/keys?search=*")
    await browser.page.reload()
    await expect(names).to_have_text([NAMES[1]])


WIDEST = "W" * 128


async def test_the_longest_names_make_no_page_wider_than_the_screen(dashboard):
    made = await dashboard.post("/api/keys", {"name": WIDEST, "team": WIDEST, "budget": BUDGET})
    key = made.json["key"]["id"]
    async with quiet(dashboard.url, 360, touch=True) as browser:
        await browser.sign_in(ADMIN)
        for path in (f"/keys?id={key}", f"/teams?team={WIDEST}", f"/spend?team={WIDEST}"):
            await browser.open(path)
            await expect(browser.page.locator("main")).to_contain_text(WIDEST)
            await browser.settled()
            assert await browser.width() <= 360, path
    async with quiet(dashboard.url) as browser:
        await browser.become(dashboard.session_of("member", "anna", [WIDEST]))
        await browser.open("/spend?team=legal")
        await browser.sees(f"yours are: {WIDEST}")
        assert await browser.width() <= 1280
        browser.complaints.clear()  # the browser tells of the 404s


async def test_an_edit_keeps_what_was_not_touched_and_a_conflict_says_so(dashboard, browser):
    await browser.sign_in(ADMIN)
    await browser.open("/keys?search=batch&source=ledger")
    page = browser.page
    await page.get_by_role("link", name="batch").click()
    await page.get_by_role("button", name="Edit").click()
    await page.get_by_role("checkbox", name="All zones").uncheck()
    await page.get_by_role("checkbox", name="local", exact=True).check()
    (key,) = (await dashboard.get("/api/keys?search=batch&source=ledger")).json["keys"]
    await page.get_by_role("button", name="Save").click()
    await browser.sees("chat; in local", "#detail")
    (edited,) = (await dashboard.get("/api/keys?search=batch&source=ledger")).json["keys"]
    assert (edited["zones"], edited["models"], edited["budget"]) == (["local"], ["chat"], BUDGET)

    await page.get_by_role("button", name="Edit").click()
    await page.get_by_role("checkbox", name="All zones").check()
    other = {"if-match": edited["version"]}
    assert (await dashboard.ask("PUT", f"/api/keys/{key['id']}", ADMIN, other, json={"models": []})).status == 200
    await page.get_by_role("button", name="Save").click()
    await browser.sees("was changed by somebody else meanwhile", "#sheet [role=alert]")
    await browser.sees("It is now: no model; budget: no limit; it never ends.", "#sheet [role=alert]")
    await browser.sees("no model", "#detail")
    await page.get_by_role("button", name="Save").click()  # what was typed, from what it is now
    await expect(page.locator("#sheet")).to_be_hidden()
    (settled,) = (await dashboard.get("/api/keys?search=batch&source=ledger")).json["keys"]
    assert (settled["zones"], settled["models"], settled["budget"]) == (None, ["chat"], BUDGET)
    browser.complaints.clear()  # the browser tells of the 412


async def test_a_team_that_somebody_else_changed_can_be_changed_and_removed_without_beginning_anew(dashboard, browser):
    await browser.sign_in(ADMIN)
    await browser.open("/teams?team=sales")
    page = browser.page

    async def by_somebody_else(budget: dict) -> None:
        seen = {"if-match": (await dashboard.get("/api/teams/sales")).json["version"]}
        path = "/api/teams/sales/budget"
        assert (await dashboard.ask("PUT", path, ADMIN, seen, json={"budget": budget})).status == 200

    await page.get_by_role("button", name="Edit its budget").click()
    await by_somebody_else({"usd_per_day": 7})
    await page.get_by_role("button", name="Save").click()
    await browser.sees("It is now: usd_per_day 7.", "#sheet [role=alert]")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#sheet")).to_be_hidden()
    assert (await dashboard.get("/api/teams/sales")).json["budget"] == BUDGET
    await page.get_by_role("button", name="Remove its budget").click()
    await by_somebody_else({"usd_per_day": 8})
    await page.get_by_role("button", name="Remove it", exact=True).click()
    await browser.sees("It is now: usd_per_day 8.", "#sheet [role=alert]")
    said = await browser.text("#sheet [role=alert]")
    assert "you typed" not in said and "load it again" not in said
    await page.get_by_role("button", name="Remove it", exact=True).click()
    await expect(page.locator("#sheet")).to_be_hidden()
    browser.complaints.clear()  # the browser tells of the 412s


async def test_a_team_that_was_all_its_budget_gets_another_though_somebody_else_removed_that(dashboard, browser):
    await browser.sign_in(ADMIN)
    await browser.open("/teams?team=sales")
    page = browser.page
    await page.get_by_role("button", name="Edit its budget").click()
    seen = {"if-match": (await dashboard.get("/api/teams/sales")).json["version"]}
    assert (await dashboard.ask("DELETE", "/api/teams/sales/budget", ADMIN, seen)).status == 200
    assert (await dashboard.get("/api/teams/sales")).status == 404, "no key and nothing else names it"
    await page.get_by_role("button", name="Save").click()
    await browser.sees("It is now: without a budget.What you typed is kept.", "#sheet [role=alert]")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#sheet")).to_be_hidden()
    assert (await dashboard.get("/api/teams/sales")).json["budget"] == BUDGET
    browser.complaints.clear()  # the browser tells of the 412 and of the 404


async def test_a_team_gets_a_budget_and_loses_it(dashboard, browser):
    await browser.sign_in(ADMIN)
    await browser.open("/teams")
    page = browser.page
    await page.get_by_role("link", name="search").click()
    await page.get_by_role("button", name="Set a budget").click()
    await page.get_by_role("button", name="Save").click()
    await browser.sees("This budget would have no limit", "#sheet [role=alert]")
    await page.get_by_role("button", name="Add a limit").click()
    await page.get_by_label("Amount").fill("5")
    await page.get_by_role("button", name="Save").click()
    await browser.sees("$0.79", "#detail")
    await expect(page.locator("#list tbody tr", has_text="search")).to_contain_text("$0.79 of $5.00 a month")
    assert (await dashboard.get("/api/teams/search")).json["budget"] == {"usd_per_month": 5}
    await page.get_by_role("button", name="Remove its budget").click()
    await page.get_by_role("button", name="Remove it", exact=True).click()
    await browser.sees("The team has no budget.", "#detail")
    await page.get_by_role("link", name="app", exact=True).click()
    await browser.sees("the policy, where it is edited", "#detail")
    browser.complaints.clear()  # the browser tells of the 400


async def test_a_viewer_looks_and_changes_nothing(browser):
    await browser.sign_in(VIEWER)
    await browser.open("/keys?search=batch&source=ledger")
    await browser.page.get_by_role("link", name="batch").click()
    await browser.sees("Its requests", "#detail")
    await expect(browser.page.get_by_role("button", name="Make a key")).to_have_count(0)
    await expect(browser.page.get_by_role("button", name="Revoke")).to_have_count(0)


CLOSINGS = {
    "its button": "find('#sheet button.quiet').click()",
    "the page's own code": "find('#sheet').close()",
    "the page is left, and may be kept by the browser": "dispatchEvent(new PageTransitionEvent('pagehide'))",
}


@pytest.mark.parametrize("way", CLOSINGS)
async def test_a_secret_is_gone_from_the_page_at_once_however_it_is_closed(way, browser):
    """Before the browser does anything else, also what was shown after a rotation."""
    await rotate_and_show(browser)
    assert "bk-" in await browser.page.content()
    left = f"const find = (selector) => document.querySelector(selector); {CLOSINGS[way]}; await null"
    content = await browser.page.evaluate(f"async () => {{ {left}; return document.documentElement.outerHTML; }}")
    assert "shown only this once" not in content and "bk-" not in content


async def test_a_secret_is_gone_after_escape_and_what_is_opened_next_stays(browser):
    await rotate_and_show(browser)
    await browser.page.keyboard.press("Escape")
    assert "bk-" not in await browser.page.content()
    await browser.page.get_by_role("button", name="Make a key").click()
    await expect(browser.page.get_by_label("Name")).to_be_visible()


async def rotate_and_show(browser: Browser) -> None:
    """A key that takes another's place, as it is shown this once."""
    await browser.sign_in(ADMIN)
    await browser.open("/keys?search=batch&source=ledger")
    await browser.page.get_by_role("link", name="batch").click()
    await browser.page.get_by_role("button", name="Rotate").click()
    await browser.page.locator("#sheet").get_by_role("button", name="Rotate").click()
    await browser.sees("it is shown only this once", "#sheet")


@on_every_screen
async def test_the_pages_are_readable_for_everybody_and_pictured(screen, scheme, dashboard):
    async with pictured(dashboard.url, screen, scheme) as pictures:
        browser, look = pictures.browser, pictures.look
        await browser.sign_in(ADMIN)
        await browser.open("/keys")
        await expect(browser.page.locator("#list tbody tr")).to_have_count(1 + len(NAMES))
        await browser.settled()
        await look("keys")
        await browser.open("/keys?search=batch&source=ledger")
        await browser.page.get_by_role("link", name="batch").click()
        await browser.sees("Spent this month", "#detail")
        await look("key")
        await browser.page.get_by_role("button", name="Edit").click()
        await look("key-edit")
        await browser.page.get_by_role("button", name="Leave it").click()
        await browser.page.get_by_role("button", name="Rotate").click()
        await browser.page.locator("#sheet").get_by_role("button", name="Rotate").click()
        await browser.sees("it is shown only this once", "#sheet")
        await look("key-secret")
        await browser.open("/teams")
        await expect(browser.page.locator("#list tbody tr")).to_have_count(2)
        await browser.settled()
        await look("teams")
        await browser.page.get_by_role("link", name="sales").click()
        await browser.sees("Its keys", "#detail")
        await look("team")
        await browser.page.get_by_role("button", name="Edit its budget").click()
        await look("team-edit")


@on_every_screen
async def test_a_member_finds_their_own_on_every_screen(screen, scheme, dashboard):
    async with pictured(dashboard.url, screen, scheme) as pictures:
        await pictures.browser.become(dashboard.session_of("member", "ada", teams={"search"}))
        for name, text in (("keys", "batch"), ("teams", "search"), ("spend", "$4.21")):
            await pictures.browser.open(f"/{name}")
            await pictures.browser.sees(text, "main")
            await pictures.browser.drawn()
            await pictures.look(f"{name}-member")
