"""The playground in a real browser, through a real gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import MISSING, Browser, chromium
from support.control import ADMIN, VIEWER
from support.scripted import silence
from support.waiting import until

pytestmark = [pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.timeout(600)]

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
SCREENS = {"desktop": 1280, "phone": 390}
CARD = "My card is 4111 1111 1111 1111: is that a Visa?"


@asynccontextmanager
async def signed_in(tried, token: str = ADMIN, **screen) -> AsyncIterator[Browser]:
    async with chromium(tried.plane.url, **screen) as browser:
        await browser.open("/sign-in")
        await browser.page.get_by_label("Token", exact=True).fill(token)
        await browser.page.get_by_role("button", name="Sign in").click()
        await browser.sees("Sign out")
        await browser.open("/playground")
        yield browser
        assert browser.complaints == []


async def test_an_answer_is_shown_with_all_that_is_known_of_it(trying):
    tried = await trying()
    async with signed_in(tried) as browser:
        page = browser.page
        await page.get_by_label("Prompt").fill("Where is the Louvre?")
        await page.get_by_role("button", name="Send", exact=True).click()
        await browser.sees("Done.", "#state")
        await expect(page.locator(".answer")).to_have_text("Paris.")
        for told in ("gpu · local", "local-first", "public", "11 in, 7 out", "$0.00", "first token after"):
            await browser.sees(told, "#answers dl")
        await page.get_by_role("link", name="How it was decided").click()
        await browser.sees("Why it went to gpu", "#detail")


async def test_both_sides_are_asked_next_to_each_other(trying):
    tried = await trying()
    async with signed_in(tried) as browser:
        page = browser.page
        await page.get_by_label("Prompt").fill("Where is the Louvre?")
        await page.get_by_role("button", name="Send to both sides").click()
        await browser.sees("Done.", "#state")
        await browser.sees("gpu · local", "[data-side=own]")
        await browser.sees("api · cloud", "[data-side=cloud]")
        assert tried.received == {"gpu": 1, "api": 1}


async def test_what_may_not_leave_is_asked_of_own_gpus_alone_and_the_page_says_why(trying):
    tried = await trying()
    async with signed_in(tried) as browser:
        page = browser.page
        await page.get_by_label("Prompt").fill(CARD)
        await page.get_by_role("button", name="Send to both sides").click()
        await browser.sees("Done.", "#state")
        await browser.sees("gpu · local", "[data-side=own]")
        await browser.sees("nowhere", "[data-side=cloud]")
        await expect(page.locator("[data-side=cloud] .problem")).to_contain_text("zone")
        assert tried.received == {"gpu": 1, "api": 0}


async def test_cancel_ends_it_at_the_backend(trying):
    tried = await trying()
    tried.backends["gpu"].default = silence()
    async with signed_in(tried) as browser:
        page = browser.page
        await page.get_by_label("Prompt").fill("Tell me everything.")
        await page.get_by_role("button", name="Send", exact=True).click()
        await until(lambda: tried.received["gpu"] == 1)
        await page.get_by_role("button", name="Cancel").click()
        await browser.sees("the backend is asked no more", "#state")
        await until(lambda: any(each.detail == "the client left" for each in tried.gateway.ledger.records))


async def test_a_whole_body_is_sent_as_it_is_and_what_is_none_is_said(trying):
    tried = await trying()
    async with signed_in(tried) as browser:
        page = browser.page
        await page.get_by_label("A whole body in JSON").check()
        await page.get_by_role("textbox", name="Body").fill("{")
        await page.get_by_role("button", name="Send", exact=True).click()
        await browser.sees("This is no JSON object", "#state")
        body = '{"model": "chat", "stream": true, "messages": [{"role": "user", "content": "<b>hi</b>"}], "seed": 7}'
        await page.get_by_role("textbox", name="Body").fill(body)
        await page.get_by_role("button", name="Send", exact=True).click()
        await browser.sees("Done.", "#state")
        assert b'"seed":7' in tried.backends["gpu"].received.replace(b" ", b"")


async def test_who_may_not_is_told_so(trying):
    tried = await trying()
    async with signed_in(tried, VIEWER) as browser:
        await browser.sees("from the role editor on; yours is viewer", "#refused")
        await expect(browser.page.locator("#attempt")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
async def test_everybody_can_use_it_on_any_screen(screen, scheme, trying):
    ARTIFACTS.mkdir(exist_ok=True)
    tried = await trying()
    async with signed_in(tried, width=SCREENS[screen], scheme=scheme, touch=screen == "phone") as browser:
        await browser.page.get_by_label("Prompt").fill(CARD)
        await browser.page.get_by_role("button", name="Send to both sides").click()
        await browser.sees("Done.", "#state")
        await browser.settled()
        await browser.picture(ARTIFACTS / f"playground-{screen}-{scheme}.png")
        assert await browser.barriers() == []
        assert await browser.width() <= SCREENS[screen]
