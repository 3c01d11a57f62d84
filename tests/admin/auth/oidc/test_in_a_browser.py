"""Signing in with a provider in a real browser: its cookies, its redirects, its rules about sites."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect
from support.browser import MISSING, Browser, chromium
from support.control import VIEWER

from tests.admin.test_dashboard import ARTIFACTS

pytestmark = [pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.timeout(600)]


@pytest.fixture
async def browser(plane) -> AsyncIterator[Browser]:
    async with chromium(plane.url) as one:
        yield one
        assert one.complaints == []


async def test_by_the_button_to_the_page_that_was_wanted_and_out_again(browser, provider):
    """The provider is another site to the browser: `localhost` beside `127.0.0.1`."""
    provider.asks = True
    await browser.open("/requests?model=chat")
    assert await browser.address() == "/sign-in?next=%2Frequests%3Fmodel%3Dchat"
    await browser.page.get_by_role("link", name="Sign in with Example").click()
    await browser.page.get_by_role("link", name="Let me in").click()
    await browser.sees("Sign out")
    assert await browser.address() == "/requests?model=chat"
    await expect(browser.page.locator("#who")).to_have_text("anna · Admin")
    assert any(url.startswith(f"{provider.issuer}/authorize?") for url in browser.asked)
    back = next(at for at, url in enumerate(browser.asked) if "/sign-in/callback?" in url)
    assert not [url for url in browser.asked[back + 1 :] if "/sign-in" in url], "its cookie came at once"
    await browser.page.get_by_role("button", name="Sign out").click()
    await browser.sees("Sign in with Example")
    await browser.open("/spend")
    await browser.sees("Sign in with Example")


async def test_who_is_signed_in_comes_through_a_link_from_elsewhere(browser, provider):
    """Such a link comes without the session's cookie."""
    await browser.open("/sign-in")
    await browser.page.get_by_role("link", name="Sign in with Example").click()
    await browser.sees("Sign out")
    link = f'<a href="{browser.url}/requests?model=chat">here</a>'
    provider.before = lambda path: provider.page(link) if path == "/mail" else None
    await browser.page.goto(f"{provider.issuer}/mail")
    await browser.page.get_by_role("link", name="here").click()
    await browser.sees("Sign out")
    assert await browser.address() == "/requests?model=chat"


async def test_a_token_leads_to_the_page_that_was_wanted_too(browser):
    await browser.open("/requests?model=chat")
    await browser.page.get_by_label("Token", exact=True).fill(VIEWER)
    await browser.page.get_by_role("button", name="Sign in").click()
    await browser.sees("Sign out")
    assert await browser.address() == "/requests?model=chat"


async def test_without_a_group_the_page_says_what_to_ask_for(browser, provider):
    provider.user["groups"] = ["cafeteria"]
    await browser.open("/sign-in")
    await browser.page.get_by_role("link", name="Sign in with Example").click()
    await browser.sees("Ask the administrator of this gateway to give one of them a role", "#problem")
    assert await browser.barriers() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("screen", "width"), [("desktop", 1280), ("phone", 390)])
async def test_the_page_is_for_everybody(scheme, screen, width, plane, provider):
    async with chromium(plane.url, width, scheme, touch=screen == "phone") as browser:
        await browser.open("/sign-in")
        await browser.sees("Sign in with Example")
        assert await browser.barriers() == [] and await browser.width() <= width
        await browser.picture(ARTIFACTS / f"sign-in-named-{screen}-{scheme}.png")
        provider.before = lambda path: provider.broken()
        plane.clock.now += 3600
        await browser.open("/sign-in?problem=no_role")
        await browser.sees("Example cannot be used now: it answers with status 503.")
        assert await browser.barriers() == [] and await browser.width() <= width
        await browser.picture(ARTIFACTS / f"sign-in-trouble-{screen}-{scheme}.png")


async def test_an_editor_is_told_what_changing_the_policy_means(browser, provider):
    provider.user["groups"] = ["policy-editors"]
    await browser.open("/policy")
    await browser.page.get_by_role("link", name="Sign in with Example").click()
    await expect(browser.page.locator("#who")).to_have_text("anna · Editor")
    await expect(browser.page.locator("#note")).to_contain_text(
        "backends at any address, zones and levels, keys by their hash"
    )
    assert await browser.barriers() == []


async def test_a_member_is_shown_what_is_for_members(browser, provider):
    provider.user["groups"] = ["search-devs"]
    await browser.open("/sign-in")
    await browser.page.get_by_role("link", name="Sign in with Example").click()
    await expect(browser.page.locator("#who")).to_have_text("anna · Member")
    await expect(browser.page.locator("#who")).to_have_attribute("title", re.compile("your own teams"))
    assert await browser.address() == "/teams"
    await expect(browser.page.get_by_role("link", name="Keys")).to_be_visible()
    await expect(browser.page.get_by_role("link", name="Policy")).to_be_hidden()
    await expect(browser.page.locator("#live")).to_be_hidden()
    await expect(browser.page.locator("[aria-busy=true]")).to_have_count(0)
    assert await browser.barriers() == []
    assert browser.complaints == []
    await browser.open("/policy")
    await browser.sees("This page is not for your role")
    browser.complaints.clear()  # that the page was refused
