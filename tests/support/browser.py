"""A headless Chromium, driven from async tests: every step waits for what it needs, and for nothing else."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from selenium.common.exceptions import (
    ElementNotInteractableException,
    JavascriptException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

T = TypeVar("T")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = (
    "" if CHROMIUM and DRIVER else "needs chromium and chromedriver (on Debian: apt install chromium chromium-driver)"
)
SECONDS = 15.0
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--lang=en-US",
)
UNREADY = (NoSuchElementException, StaleElementReferenceException, ElementNotInteractableException, JavascriptException)


@contextmanager
def chromium(profile: Path) -> Iterator[Chrome]:
    """A fresh one, until the block ends."""
    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(executable_path=DRIVER))
    try:
        driver.set_page_load_timeout(SECONDS)
        yield driver
    finally:
        driver.quit()


class Browser:
    """One browser, looking at one control plane. Selectors are CSS; texts are parts of what is shown."""

    def __init__(self, driver: Chrome, url: str) -> None:
        self.driver = driver
        self.url = url

    # --- doing

    async def open(self, path: str) -> None:
        await asyncio.to_thread(self.driver.get, self.url + path)

    async def click(self, selector: str, text: str = "") -> None:
        await self.when(lambda: self._found(selector, text).click() or True)

    async def choose(self, selector: str, text: str) -> None:
        await self.when(lambda: Select(self._found(selector)).select_by_visible_text(text) or True)

    async def type(self, selector: str, text: str) -> None:
        def typed() -> bool:
            field = self._found(selector)
            field.clear()
            field.send_keys(text)
            return True

        await self.when(typed)

    async def write(self, selector: str, text: str) -> None:
        """Puts a long text into a field as if it was pasted."""
        script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true}))"
        await self.when(lambda: self.driver.execute_script(script, self._found(selector), text) or True)

    async def press(self, *keys: str) -> None:
        await asyncio.to_thread(ActionChains(self.driver).send_keys(*keys).perform)

    # --- seeing

    async def see(self, text: str, within: str = "body") -> None:
        """Waits until it is shown."""
        await self.when(lambda: text in self._found(within).text, lambda: f"{text!r} in {self._text(within)!r}")

    async def gone(self, selector: str) -> None:
        await self.when(lambda: not any(each.is_displayed() for each in self._all(selector)))

    async def text(self, selector: str) -> str:
        return await self.when(lambda: self._found(selector).text)

    async def texts(self, selector: str) -> list[str]:
        return await asyncio.to_thread(lambda: [each.text for each in self._all(selector)])

    async def attribute(self, selector: str, name: str) -> str | None:
        return await self.when(lambda: (self._found(selector).get_attribute(name),))[0]

    async def script(self, code: str, *arguments: Any) -> Any:
        return await asyncio.to_thread(self.driver.execute_script, code, *arguments)

    async def address(self) -> str:
        return (await asyncio.to_thread(lambda: self.driver.current_url)).removeprefix(self.url)

    async def drawn(self) -> None:
        """Waits for every chart of the page, and for what it loads."""
        await self.script("document.querySelectorAll('.plot').forEach((each) => each.scrollIntoView())")
        still = "return document.querySelector('.plot:not([data-drawn]), [aria-busy=true], .waiting')"
        await self.when(lambda: self.driver.execute_script(f"{still} === null"))
        await self.script("scrollTo(0, 0)")

    async def when(self, condition: Callable[[], T], otherwise: Callable[[], str] = lambda: "") -> T:
        waiting = WebDriverWait(self.driver, SECONDS, poll_frequency=0.05, ignored_exceptions=UNREADY)
        try:
            return await asyncio.to_thread(waiting.until, lambda _: condition())
        except Exception as error:
            raise AssertionError(f"not seen: {otherwise()}; {await asyncio.to_thread(self._text, 'body')}") from error

    # --- looking back

    async def complaints(self) -> list[str]:
        """What the console says since the last call: errors and violations of the Content-Security-Policy."""
        entries = await asyncio.to_thread(self.driver.get_log, "browser")
        return [each["message"] for each in entries if each["level"] in ("SEVERE", "WARNING")]

    async def asked(self) -> list[str]:
        """Addresses that pages asked for since the last call."""
        entries = await asyncio.to_thread(self.driver.get_log, "performance")
        messages = [json.loads(each["message"])["message"] for each in entries]
        return [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]

    async def dress(self, width: int, scheme: str) -> None:
        """A screen of that width, in light or dark."""
        phone = width < 600
        metrics = {"width": width, "height": 844 if phone else 900, "deviceScaleFactor": 1, "mobile": phone}
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await asyncio.to_thread(self._command, "Emulation.setDeviceMetricsOverride", metrics)
        await asyncio.to_thread(self._command, "Emulation.setEmulatedMedia", {"features": features})

    async def picture(self, path: Path) -> None:
        """The whole page, as a PNG."""
        import base64

        found = await asyncio.to_thread(
            self._command, "Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png"}
        )
        path.write_bytes(base64.b64decode(found["data"]))

    def _command(self, name: str, arguments: dict[str, Any]) -> Any:
        return self.driver.execute_cdp_cmd(name, arguments)

    def _all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def _found(self, selector: str, text: str = "") -> WebElement:
        for each in self._all(selector):
            if text in each.text:
                return each
        raise NoSuchElementException(f"{selector} with {text!r}")

    def _text(self, selector: str) -> str:
        return "\n".join(each.text for each in self._all(selector))
