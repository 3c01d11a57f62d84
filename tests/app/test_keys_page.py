"""A key from its making to its end, in a real browser and through a real gateway."""

from __future__ import annotations

import asyncio
import time

import pytest
from playwright.async_api import expect
from support.browser import MISSING, chromium

pytestmark = [pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.timeout(300)]

ADMIN = "admin-token-of-these-tests"


async def test_a_key_is_made_on_the_page_used_within_its_budget_and_refused_within_a_second(serve, policy):
    policy.write_text(policy.read_text() + "server: {stored_keys: true}\n")
    serving = serve(policy, environment={"BREAKEVEN_ADMIN_TOKEN": ADMIN})

    def status(secret: str) -> int:
        return serving.ask({"authorization": f"Bearer {secret}"}, max_tokens=1).status

    async with chromium(serving.admin_url) as browser:
        page = browser.page
        await browser.open("/sign-in")
        await page.get_by_label("Token", exact=True).fill(ADMIN)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("link", name="Keys", exact=True).click()
        await page.get_by_role("button", name="Make a key").click()
        await page.get_by_label("Name").fill("batch")
        await page.get_by_role("textbox", name="Team").fill("search")
        await page.get_by_role("button", name="Add a limit").click()
        await page.get_by_label("Limit", exact=True).select_option("requests_per_day")
        await page.get_by_label("Amount").fill("2")
        await page.get_by_role("button", name="Make it").click()
        secret = await page.get_by_label("The key", exact=True).input_value()
        await browser.sees("1 worker takes it within a second", "#sheet")
        await page.get_by_role("button", name="I have it").click()
        assert secret not in await page.content()

        deadline = time.monotonic() + 20
        while await asyncio.to_thread(status, secret) == 401:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        assert [await asyncio.to_thread(status, secret) for _ in range(2)] == [200, 429]
        await page.get_by_role("link", name="batch").click()
        await expect(page.get_by_role("table", name="Limits")).to_contain_text("requests a day")
        await expect(page.get_by_role("row", name="key batch")).to_contain_text("100% spent")
        await expect(page.locator("#detail")).not_to_contain_text("not lately")

        await page.get_by_role("button", name="Revoke").click()
        await page.locator("#sheet").get_by_role("button", name="Revoke").click()
        await expect(page.locator("#detail")).to_contain_text("revoked")
        revoked = time.monotonic()
        while await asyncio.to_thread(status, secret) != 401:
            assert time.monotonic() < revoked + 20
            await asyncio.sleep(0.05)
        await expect(page.get_by_role("row", name="batch")).to_contain_text("revoked")
        assert browser.complaints == []
    kept = [path.read_bytes() for path in serving.data_dir.parent.rglob("*") if path.is_file()]
    assert kept and not any(secret.encode() in content for content in kept)
