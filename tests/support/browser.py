"""A headless Chromium that writes down what goes wrong on a page, and what pages ask for."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import ConsoleMessage, Locator, Page, async_playwright, expect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = "" if CHROMIUM else "needs chromium (on Debian: apt install chromium)"
MILLISECONDS = 60_000.0
"""Until a condition must be met; tests go on as soon as it is. A busy machine takes long to read a chart's script."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)
STANDARDS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"], "resultTypes": ["violations"]}


class Browser:
    """One page of a browser, looking at one control plane."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        """Errors and warnings, those of the Content-Security-Policy among them."""
        self.asked: list[str] = []
        """Addresses that pages asked for, in order."""
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("dialog", lambda dialog: dialog.accept())

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    async def open(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def sign_in(self, token: str) -> None:
        await self.open("/sign-in")
        await self.page.get_by_label("Token", exact=True).fill(token)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.sees("Sign out")

    async def become(self, cookie: str) -> None:
        """Signed in by a session's cookie, such as that of somebody whom only a provider of names could bring."""
        name, _, value = cookie.partition("=")
        await self.page.context.add_cookies([{"name": name, "value": value, "url": self.url}])

    async def address(self) -> str:
        return self.page.url.removeprefix(self.url)

    async def sees(self, text: str, within: str = "body") -> None:
        await expect(self.page.locator(within).first).to_contain_text(text)

    async def text(self, selector: str) -> str:
        return await self.page.locator(selector).first.inner_text()

    async def download(self, link: Locator) -> tuple[str, str]:
        """Name and text of the file that a click brings."""
        async with self.page.expect_download() as download:
            await link.click()
        file = await download.value
        return file.suggested_filename, await asyncio.to_thread((await file.path()).read_text)

    async def settled(self) -> None:
        """Waits until every number and every chart of the page is there."""
        await expect(self.page.locator("#live")).to_have_text("Live")
        await self.drawn()

    async def drawn(self) -> None:
        """The same of a page that nothing is told of as it happens: a member's."""
        for plot in await self.page.locator(".plot").all():
            await plot.scroll_into_view_if_needed()
            await expect(plot).to_have_attribute("data-drawn", "true")
        await expect(self.page.locator("[aria-busy=true]")).to_have_count(0)
        await expect(self.page.locator(".waiting")).to_have_count(0)
        await self.page.evaluate("scrollTo(0, 0)")

    async def width(self) -> int:
        """Of what is there, in pixels; more than the screen's means that it scrolls sideways."""
        return int(await self.page.evaluate("document.documentElement.scrollWidth"))

    async def barriers(self) -> list[str]:
        """What keeps people from using it, by axe-core's rules for WCAG 2.1 AA."""
        found = (await Axe().run(self.page, options=STANDARDS)).response["violations"]
        return [f"{each['id']}: {node['html'][:150]} {_why(node)}" for each in found for node in each["nodes"]]

    async def picture(self, path: Path) -> None:
        await self.page.screenshot(path=path, full_page=True, animations="disabled")


def _why(node: dict[str, Any]) -> str:
    return str(node.get("failureSummary", "")).partition("\n")[2].strip()


@asynccontextmanager
async def chromium(url: str, width: int = 1280, scheme: Any = "light", touch: bool = False) -> AsyncIterator[Browser]:
    """A fresh browser with a fresh profile."""
    expect.set_options(timeout=MILLISECONDS)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        context = await started.new_context(
            viewport={"width": width, "height": 844 if touch else 900},
            color_scheme=scheme,
            is_mobile=touch,
            has_touch=touch,
            locale="en-US",
            timezone_id="America/New_York",
        )
        context.set_default_timeout(MILLISECONDS)
        yield Browser(await context.new_page(), url)
        await started.close()


@asynccontextmanager
async def quiet(url: str, width: int = 1280, scheme: Any = "light", touch: bool = False) -> AsyncIterator[Browser]:
    """The same, in whose console nothing may go wrong."""
    async with chromium(url, width, scheme, touch) as browser:
        yield browser
        assert browser.complaints == []
