"""The page of the audit in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect
from support.audited import anchor_of, chain, note, receipt_note, record_line
from support.browser import MISSING, Browser, quiet
from support.control import ADMIN, VIEWER, Plane
from support.pictured import on_every_screen, pictured

from router.core.audit.entry import Actor
from router.ledger.redis_keys import AUDIT_KEY

pytestmark = [pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.timeout(600)]

HOSTILE = "<img/src=x/onerror=alert(1)>"
LINES = chain(
    [
        *(note(f"unit-{number}", old={"order": "auto"}, new={"order": "on"}) for number in range(60)),
        note(HOSTILE, "key.make", actor=Actor(HOSTILE, "admin", "page", "10.0.0.9"), new={"team": "search"}),
        receipt_note(record_line()),
        note("app", "key.revoke", actor=Actor("bob", "", "command", "host7"), note="x" * 400),
    ]
)


@pytest.fixture
async def dashboard(plane, valkey) -> Plane:
    valkey.rpush(AUDIT_KEY, *LINES)
    return plane


@pytest.fixture
async def browser(dashboard) -> AsyncIterator[Browser]:
    async with quiet(dashboard.url) as one:
        yield one


async def test_entries_come_page_by_page_and_a_search_finds_them(browser):
    await browser.sign_in(ADMIN)
    await browser.page.get_by_role("navigation").get_by_role("link", name="Audit").click()
    rows = browser.page.locator("#list tbody tr")
    await expect(rows).to_have_count(50)
    assert "sign-in" in await rows.first.inner_text()
    await browser.page.get_by_role("button", name="Show earlier ones").click()
    await expect(rows).to_have_count(63)
    await browser.page.get_by_role("searchbox", name="Search").fill("onerror")
    await expect(rows).to_have_count(1)
    assert HOSTILE in await rows.first.inner_text()
    await browser.page.wait_for_url("**/audit?text=onerror")
    await browser.page.get_by_role("searchbox", name="Search").fill("")
    await browser.page.get_by_label("What").select_option("egress.receipt")
    await expect(rows).to_have_count(1)
    await browser.page.locator("#list details").click()
    await browser.sees('"records": 1', "#list")


async def test_all_of_it_is_a_file_that_verifies(browser):
    await browser.sign_in(ADMIN)
    await browser.open("/audit")
    await expect(browser.page.locator("#anchor")).to_contain_text(f"{len(LINES) + 1}:")
    async with browser.page.expect_download() as started:
        await browser.page.get_by_role("link", name="Export all").click()
    path = await (await started.value).path()
    assert path.read_bytes().splitlines()[: len(LINES)] == LINES and anchor_of(LINES).seq == len(LINES)


async def test_a_viewer_is_not_led_there(browser):
    await browser.sign_in(VIEWER)
    await browser.sees("Viewer", "#who")
    await expect(browser.page.get_by_role("navigation").get_by_role("link", name="Audit")).to_have_count(0)


@on_every_screen
async def test_the_page_is_readable_for_everybody_and_pictured(screen, scheme, dashboard):
    async with pictured(dashboard.url, screen, scheme) as pictures:
        browser = pictures.browser
        await browser.sign_in(ADMIN)
        await browser.open("/audit?receipts=true")
        await expect(browser.page.locator("#list tbody tr")).to_have_count(50)
        await browser.settled()
        await pictures.look("audit")
        await browser.page.locator("#list details").nth(1).click()
        await pictures.look("audit-open")
        await browser.open("/audit?text=nothing-like-this")
        await browser.sees("No entries here", "#list")
        await pictures.look("audit-empty")
