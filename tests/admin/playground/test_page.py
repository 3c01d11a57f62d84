"""The playground in a real browser, through a real gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import expect
from support.browser import MISSING, Browser, quiet
from support.control import ADMIN, VIEWER
from support.pictured import on_every_screen, pictured
from support.scripted import silence
from support.waiting import until

pytestmark = [pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.timeout(600)]

CARD = "My card is 4111 1111 1111 1111: is that a Visa?"


@asynccontextmanager
async def signed_in(tried, token: str = ADMIN) -> AsyncIterator[Browser]:
    async with quiet(tried.plane.url) as browser:
        await browser.sign_in(token)
        await browser.open("/playground")
        yield browser


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


@on_every_screen
async def test_everybody_can_use_it_on_any_screen(screen, scheme, trying):
    tried = await trying()
    async with pictured(tried.plane.url, screen, scheme) as pictures:
        await pictures.browser.sign_in(ADMIN)
        await ask_both_sides(pictures.browser)
        await pictures.look("playground")


@on_every_screen
async def test_a_member_asks_with_a_key_of_their_team(screen, scheme, trying):
    tried = await trying("playground: {access: member}")
    async with pictured(tried.plane.url, screen, scheme) as pictures:
        browser = pictures.browser
        await browser.become(tried.plane.session_of("member", "ada", teams={"search"}))
        await ask_both_sides(browser)
        await expect(browser.page.locator("select[name=key] option")).to_have_text(["app (search)"])
        await expect(browser.page.get_by_role("link", name="How it was decided")).to_have_count(0)
        await pictures.look("playground-member")


async def ask_both_sides(browser: Browser) -> None:
    await browser.open("/playground")
    await browser.page.get_by_label("Prompt").fill(CARD)
    await browser.page.get_by_role("button", name="Send to both sides").click()
    await browser.sees("Done.", "#state")
    await expect(browser.page.locator("#answers .facts").first).to_contain_text("first token after")
