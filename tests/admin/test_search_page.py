"""The page of requests as a search, in a real browser: by whom a request was for, by a time, beyond the newest ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import expect
from support.browser import MISSING, Browser, chromium, quiet
from support.control import ADMIN, API, GPU, NOON, POLICY, Plane
from support.pictured import on_every_screen, pictured
from support.recorded import settled, write

from router.admin.sources.interface import Sources
from router.admin.sources.records import AT_FIRST, LedgerRecords
from router.core.values import RequestOutcome

pytestmark = [pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.timeout(600)]

LATER = 2_000_000_000.0
"""Than whatever a real ledger writes here: a stream's ids only grow."""


@pytest.fixture
async def plane(start, policy, session_valkey, settle) -> Plane:
    """Two requests for one user, one for another."""
    policy.write_text(f"{POLICY}\nledger: {{dimensions: [user, metadata.project]}}\n")
    plane = await start(Sources(records=LedgerRecords(session_valkey)))
    for number, (user, cell, cost) in enumerate((("u-1", API, 400), ("u-2", API, 300), ("u-1", GPU, 0))):
        course = RequestOutcome(f"req_{number}", dimensions=(f"user={user}", "metadata.project=apollo"), status=200)
        await settle(cell, NOON - 3600 * number, cost=cost, course=course)
    return plane


@pytest.fixture
async def browser(plane) -> AsyncIterator[Browser]:
    async with quiet(plane.url) as one:
        await one.sign_in(ADMIN)
        yield one


def rows(browser: Browser):
    return browser.page.locator("#list tbody tr")


async def test_a_search_is_an_address_and_the_address_is_the_search(browser):
    page = browser.page
    await browser.open("/requests")
    await expect(rows(browser)).to_have_count(3)
    await page.get_by_label("User").fill("u-1")
    await page.get_by_label("User").press("Enter")
    await expect(rows(browser)).to_have_count(2)
    await page.get_by_label("From").fill("2026-11-25T05:30")  # in New York, where the browser is
    await page.get_by_label("From").press("Tab")
    await expect(rows(browser)).to_have_count(1)
    assert parse_qs(urlsplit(await browser.address()).query) == {"user": ["u-1"], "from": ["2026-11-25T10:30:00Z"]}
    await browser.sees("All that is kept was looked through.", "#reached")
    await page.reload()
    await expect(rows(browser)).to_have_count(1)
    await expect(page.get_by_label("From")).to_have_value("2026-11-25T05:30")
    await page.get_by_role("button", name="Clear").click()
    await expect(rows(browser)).to_have_count(3)
    assert await browser.address() == "/requests"


async def test_a_link_to_the_view_can_be_copied_and_it_is_said_where_it_cannot(browser):
    page = browser.page
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await browser.open("/requests?status=200&user=u-1")
    await page.get_by_role("button", name="Copy link").click()
    await browser.sees("The link is copied.", "#told")
    assert await page.evaluate("navigator.clipboard.readText()") == f"{browser.url}/requests?status=200&user=u-1"
    await page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    await page.get_by_role("button", name="Copied").click()
    await browser.sees("take the link from its address bar", "#told")


async def test_one_request_leads_to_all_for_the_same_user(browser):
    await browser.open("/requests?id=req_1")
    await browser.page.locator("#detail").get_by_role("link", name="user=u-2").click()
    await expect(rows(browser)).to_have_count(1)
    assert await browser.address() == "/requests?user=u-2"


async def test_what_is_old_is_found_beyond_the_newest(browser, valkey):
    write(valkey, (settled(LATER + number / 1000, number, API, "") for number in range(3, AT_FIRST + 500)))
    await browser.open("/requests?search=req_0")
    await expect(rows(browser)).to_have_count(1)


async def test_spend_by_user_and_by_project_leads_to_the_requests(browser):
    page = browser.page
    await browser.open("/spend")
    await page.get_by_role("group", name="Group by").get_by_role("link", name="User").click()
    await expect(page.get_by_role("row", name="u-1")).to_contain_text("2")
    await browser.sees("Users are counted from the request records", "#rows-notes")
    await page.get_by_role("link", name="u-1").click()
    await expect(rows(browser)).to_have_count(2)
    assert await browser.address() == "/requests?user=u-1"
    await browser.open("/spend?by=metadata.project")
    await page.get_by_role("link", name="apollo").click()
    await expect(rows(browser)).to_have_count(3)
    assert await browser.address() == "/requests?metadata=project%3Dapollo"


async def test_what_is_not_kept_is_not_asked_for(start, session_valkey, settle):
    await settle(API)
    plain = await start(Sources(records=LedgerRecords(session_valkey)))
    async with chromium(plain.url) as browser:
        await browser.sign_in(ADMIN)
        await browser.open("/requests")
        await expect(rows(browser)).to_have_count(1)
        await expect(browser.page.get_by_label("User")).to_be_hidden()
        await expect(browser.page.get_by_label("Metadata")).to_be_hidden()


@on_every_screen
async def test_everybody_can_use_it_on_any_screen(screen, scheme, plane):
    async with pictured(plane.url, screen, scheme) as pictures:
        await pictures.browser.sign_in(ADMIN)
        for name, path in (("search", "/requests?user=u-1"), ("by-user", "/spend?by=user")):
            await pictures.browser.open(path)
            await pictures.browser.settled()
            await pictures.look(name)
