"""The dashboard in a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.browser import MISSING, Browser, chromium
from support.control import ADMIN, API, GPU, NOON, VIEWER, Plane

from router.admin.answers import BudgetUse, Latency, RequestRecord, WorkerReport
from router.admin.sources import Course, Page, Seen, Sources, WorkerStatus
from router.core.values import Cell, Usage

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
PAGES = {
    "spend": "/",
    "break-even": "/break-even",
    "operations": "/operations",
    "requests": "/requests",
    "policy": "/policy",
}
SCREENS = {"desktop": 1280, "phone": 390}
HOSTILE = "<img src=x onerror=alert(1)>"
DAY = 86_400.0


def record_of(id: str, at: float = NOON, **fields) -> RequestRecord:
    known = {"key": "app", "team": "search", "model": "chat", "backend": "api", "zone": "cloud", "level": "public"}
    figures = {
        "reason": "threshold-below",
        "status": 200,
        "attempts": 1,
        "input": 1200,
        "output": 340,
        "cost_micro_usd": 1880,
    }
    times = {"sent_ms": 1.4, "first_byte_ms": 310.0, "duration_ms": 2210.0}
    return RequestRecord(id=id, request=f"req_{id}", at=at, **(known | figures | times | fields))


RECORDS = [
    record_of("0004", NOON - 4),
    record_of(
        "0003",
        NOON - 9,
        backend="gpu",
        zone="local",
        level="restricted",
        reason="only-permitted",
        cost_micro_usd=0,
        counterfactual_micro_usd=1880,
    ),
    record_of(
        "0002",
        NOON - 31,
        kind="refused",
        backend="",
        zone="",
        level="restricted",
        reason="no_permitted_backend",
        status=503,
        error=True,
        cost_micro_usd=0,
        detail="the GPU is full",
    ),
    record_of("0001", NOON - 60, model=HOSTILE, key=HOSTILE, stream=True),
]


class Kept:
    available = True

    def __init__(self) -> None:
        self.records = list(RECORDS)

    async def page(self, query) -> Page:
        wanted = [
            each for each in self.records if query.model in (None, each.model) and (not query.failed or each.error)
        ]
        return Page(wanted[: query.limit])

    async def find(self, id: str) -> RequestRecord | None:
        return next((each for each in self.records if id in (each.id, each.request)), None)


class Reporting:
    async def statuses(self):
        gpu = Seen(waiting=3, running=12, kv_cache=0.62)
        api = Seen(healthy=False, why="3 of the last 4 requests failed")
        return [
            WorkerStatus(
                report=WorkerReport(id=name, seen=NOON, policy="0123456789ab"), backends={"gpu": gpu, "api": api}
            )
            for name in ("worker-1", "worker-2")
        ]

    async def openings(self):
        return {"api": [NOON - 40, NOON - 3000]}


class Measured:
    async def courses(self):
        return {
            "gpu": Course(
                latency=Latency(820.0, 2400.0, 4100.0), first_byte=Latency(95.0, 240.0, 610.0), retry_rate=0.004
            )
        }

    async def overhead(self):
        return Latency(0.8, 1.9, 4.2)

    async def metrics(self):
        return ()


class Limits:
    available = True

    async def uses(self, now: float):
        return [
            BudgetUse(
                scope="team:search",
                measure="usd",
                period="month",
                amount=50_000_000,
                used=41_200_000,
                held=900_000,
                left=7_900_000,
                soft=0.8,
            ),
            BudgetUse(
                scope="key:app",
                measure="tokens",
                period="day",
                amount=2_000_000,
                used=310_000,
                held=4000,
                left=1_686_000,
            ),
            BudgetUse(
                scope="global",
                side="cloud",
                measure="usd",
                period="day",
                amount=20_000_000,
                used=20_000_000,
                held=0,
                left=0,
            ),
        ]


def sources() -> Sources:
    return Sources(workers=Reporting(), budgets=Limits(), records=Kept(), meters=Measured())


@pytest.fixture(scope="session")
def driver(tmp_path_factory) -> Iterator:
    with chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture
async def dashboard(start, driver) -> Plane:
    return await start(sources())


@pytest.fixture
async def browser(dashboard, driver):
    """Looks at a control plane, signed in by nobody; nothing may have gone wrong in its console."""
    one = Browser(driver, dashboard.url)
    await one.dress(SCREENS["desktop"], "light")
    await one.open("/sign-in")
    await asyncio.to_thread(driver.delete_all_cookies)
    await one.complaints(), await one.asked()
    yield one
    assert await one.complaints() == []
    assert [url for url in await one.asked() if not url.startswith((dashboard.url, "data:", "blob:", "chrome:"))] == []
    await one.open("/sign-in")


@pytest.fixture
async def admin(browser) -> Browser:
    return await signed_in(browser, ADMIN)


async def signed_in(browser: Browser, token: str) -> Browser:
    await browser.open("/sign-in")
    await browser.type("#token", token)
    await browser.click("button", "Sign in")
    await browser.see("Sign out")
    return browser


@pytest.fixture
async def traffic(dashboard, settle):
    """A month of it, more by day than by night, with today's known to the cent."""
    for back in range(25, 0, -1):
        for hour in (9, 14, 20):
            at = NOON - back * DAY + (hour - 12) * 3600
            much = 40_000 + 9000 * ((back * 7 + hour) % 11)
            await settle(
                GPU, at, usage=Usage(input=much, cached=much // 4, output=much // 5), cost=0, counterfactual=much * 2
            )
            await settle(
                API, at + 60, usage=Usage(input=much // 2, cached=0, output=much // 9), cost=much, counterfactual=0
            )
    for hour in range(1, 12):
        await settle(
            GPU, NOON - hour * 3600, usage=Usage(input=9000 * hour % 50_000, cached=800, output=2100), cost=0, counterfactual=20_000
        )
    await settle(API, usage=Usage(input=12_000, cached=0, output=3400), cost=1_234_567, counterfactual=0)
    await settle(
        Cell("api", "cloud", "chat", "legal", "bot"), usage=Usage(input=700, cached=0, output=90), cost=2_000_000, counterfactual=0
    )
    await settle(Cell("api", "cloud", HOSTILE, "search", HOSTILE), usage=Usage(input=10, cached=0, output=2), cost=7, counterfactual=0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
async def test_pictures_of_every_page(screen, scheme, traffic, browser):
    ARTIFACTS.mkdir(exist_ok=True)
    await browser.dress(SCREENS[screen], scheme)
    await browser.open("/sign-in")
    await browser.picture(ARTIFACTS / f"sign-in-{screen}-{scheme}.png")
    await signed_in(browser, ADMIN)
    for name, path in {**PAGES, "month": "/?range=30d&by=team", "request": "/requests?id=0003"}.items():
        await browser.open(path)
        await browser.see("Live")
        await browser.drawn()
        await browser.picture(ARTIFACTS / f"{name}-{screen}-{scheme}.png")
        assert await browser.script("return document.documentElement.scrollWidth") <= SCREENS[screen]
