"""Pages as people see them: on each screen, in light and dark, pictured, without barriers, and nowhere too wide."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.browser import Browser, quiet

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
SCREENS = {"desktop": 1280, "phone": 390}


def on_every_screen(test: Any) -> Any:
    """Runs a test with each `screen` and `scheme`."""
    for name, values in (("screen", list(SCREENS)), ("scheme", ["light", "dark"])):
        test = pytest.mark.parametrize(name, values)(test)
    return test


class Pictured:
    def __init__(self, browser: Browser, screen: str, scheme: str) -> None:
        self.browser = browser
        self._screen, self._scheme = screen, scheme
        self._wrong: list[str] = []

    async def look(self, name: str) -> None:
        """Leaves a picture; what is wrong is told once all were taken."""
        ARTIFACTS.mkdir(exist_ok=True)
        await self.browser.picture(ARTIFACTS / f"{name}-{self._screen}-{self._scheme}.png")
        self._wrong += [f"{name}: {each}" for each in await self.browser.barriers()]
        width = await self.browser.width()
        if width > SCREENS[self._screen]:
            self._wrong.append(f"{name}: {width} pixels wide")

    def check(self) -> None:
        assert not self._wrong, "\n".join(self._wrong)


@asynccontextmanager
async def pictured(url: str, screen: str, scheme: str) -> AsyncIterator[Pictured]:
    """A browser with that screen. In the end nothing may have been wrong."""
    async with quiet(url, SCREENS[screen], scheme, touch=screen == "phone") as browser:
        pictures = Pictured(browser, screen, scheme)
        yield pictures
        pictures.check()
