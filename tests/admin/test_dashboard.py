"""The dashboard in a real browser."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Locator, Route, expect
from support.browser import MISSING, Browser, chromium
from support.control import ADMIN, API, GPU, NOON, POLICY, VIEWER, Plane
from support.recorded import settled, write
from support.reported import POWER, Power
from support.waiting import until

from router.admin.answers.backends import Circuit, Latency
from router.admin.answers.budgets import BudgetUse
from router.admin.answers.operations import WorkerReport
from router.admin.sources.interface import Course, Page, Seen, Sources, WorkerStatus
from router.cli import main
from router.config.load import version_of
from router.core.values import Cell, Usage
from router.ledger.record import Record
from router.ledger.redis_keys import pack_cell
from router.ledger.reports.totals import day_range, open_report

pytestmark = [pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.timeout(600)]

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
PAGES = {
    "worth": "/",
    "spend": "/spend",
    "month": "/spend?range=30d&by=team",
    "break-even": "/break-even",
    "operations": "/operations",
    "requests": "/requests",
    "request": "/requests?id=0003",
    "policy": "/policy",
    "sizing": "/?model=llama-3.1-8b&gpu=L40S&quantization=gptq&context=8192&concurrency=4&against=gpt-4o-mini",
}
SCREENS = {"desktop": 1280, "phone": 390}
HOSTILE = "<img src=x onerror=alert(1)>"
DAY = 86_400.0


def record_of(id: str, at: float = NOON, *, kind: str = "settled", **fields) -> Record:
    known = {"key": "app", "team": "search", "model": "chat", "backend": "api", "zone": "cloud", "level": "public"}
    figures = {
        "reason": "threshold-below",
        "status": 200,
        "attempts": 1,
        "input": 1200,
        "output": 340,
        "cost": 1_880_000,
    }
    times = {"sent": 1400, "first_byte": 310_000, "duration": 2_210_000}
    return Record(kind=kind, id=id, request=f"req_{id}", at=at, **(known | figures | times | fields))


RECORDS = [
    record_of("0004", NOON - 4),
    record_of(
        "0003",
        NOON - 9,
        backend="gpu",
        zone="local",
        level="restricted",
        reason="only-permitted",
        cost=0,
        counterfactual=1_880_000,
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
        cost=0,
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

    async def find(self, id: str) -> Record | None:
        return next((each for each in self.records if id in (each.id, each.request)), None)


class Reporting:
    async def statuses(self):
        gpu = Seen(waiting=3, running=12, kv_cache=0.62)
        states = [(NOON - 40, "open"), (NOON - 2985, "closed"), (NOON - 3000, "open")]
        changes = [Circuit(at=at, state=state, why="connection refused") for at, state in states]
        api = Seen(healthy=False, why="3 of the last 4 requests failed", changes=changes)
        return [
            WorkerStatus(
                report=WorkerReport(id=name, seen=NOON, policy="0123456789ab"), backends={"gpu": gpu, "api": api}
            )
            for name in ("worker-1", "worker-2")
        ]


class Measured:
    window = 900

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
                name="team search: usd_per_month",
                charged=1_000_000,
                note="$1.000000 of what is used was lent to workers whose machine is lost.",
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

    async def uses_of(self, scopes, now: float):
        return [use for use in await self.uses(now) if use.scope in scopes]


SWITCHED = POLICY.replace("cost: {usd_per_hour: 1.0},", f"cost: {{usd_per_hour: 1.0}}, {POWER}")
"""The policy, with a GPU that is switched."""


def sources() -> Sources:
    return Sources(workers=Reporting(), budgets=Limits(), records=Kept(), meters=Measured(), power=Power())


@pytest.fixture
async def dashboard(start, policy) -> AsyncIterator[Plane]:
    policy.write_text(SWITCHED)
    plane = await start(sources())
    following = asyncio.create_task(plane.control.desk.follow())
    yield plane
    following.cancel()


@pytest.fixture
async def browser(dashboard) -> AsyncIterator[Browser]:
    """Signed in by nobody. Nothing may go wrong in its console, and nothing may be asked of anybody else."""
    async with chromium(dashboard.url) as one:
        yield one
        assert one.complaints == []
        assert [url for url in one.asked if not url.startswith((dashboard.url + "/", "data:", "blob:"))] == []


@pytest.fixture
async def admin(browser) -> Browser:
    """Signed in, and on the page of what was spent."""
    await browser.sign_in(ADMIN)
    await browser.open("/spend")
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
        usage = Usage(input=9000 * hour % 50_000, cached=800, output=2100)
        await settle(GPU, NOON - hour * 3600, usage=usage, counterfactual=20_000)
    await settle(API, usage=Usage(input=12_000, cached=0, output=3400), cost=1_234_567)
    await settle(Cell("api", "cloud", "chat", "legal", "bot"), usage=Usage(input=700, output=90), cost=2_000_000)
    await settle(Cell("api", "cloud", HOSTILE, "search", HOSTILE), usage=Usage(input=10, output=2), cost=7)


def usd(nano: float) -> str:
    return f"${nano / 1e9:,.2f}"


@pytest.fixture
def counted(session_valkey):
    """`await counted(days, team="search")`: what the ledger itself has for the last days, in micro-USD."""

    async def cost(days: int, **wanted: str) -> int:
        last = date(2026, 11, 25)
        async with open_report(session_valkey) as report:
            rows = await report.days(day_range((last - timedelta(days=days - 1)).isoformat(), last.isoformat()))
        return sum(row.cost for row in rows if all(getattr(row.cell, name) == value for name, value in wanted.items()))

    return cost


# --- signing in


async def test_the_keyboard_is_enough_to_sign_in_and_to_reach_the_content(browser):
    await browser.open("/")
    page = browser.page
    await expect(page.get_by_label("Token", exact=True)).to_be_focused()
    await page.keyboard.type(ADMIN)
    await page.keyboard.press("Enter")
    await browser.sees("Sign out")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()


async def test_who_is_on_a_link_with_the_keyboard_stays_there_when_numbers_change(settle, admin):
    today = admin.page.locator("#glance a").first
    await today.focus()
    await settle(API, cost=1_000_000)
    await expect(admin.page.locator("#account tr").first).to_contain_text("$1.00")
    await expect(today).to_be_focused()
    await admin.page.keyboard.press("Tab")
    await admin.page.keyboard.press("Enter")
    await expect(admin.page.locator("#glance a").nth(1)).to_be_focused()
    assert await admin.address() == "/spend?range=7d"


async def test_a_wrong_token_is_told_and_signing_out_ends_it(browser):
    await browser.open("/sign-in")
    await browser.page.get_by_label("Token", exact=True).fill("guessed")
    await browser.page.keyboard.press("Enter")
    await browser.sees("This token is not right.", "[role=alert]")
    await browser.sign_in(VIEWER)
    await browser.page.get_by_role("button", name="Sign out").click()
    await expect(browser.page.get_by_label("Token", exact=True)).to_be_visible()
    await browser.open("/policy")
    assert await browser.address() == "/sign-in?next=%2Fpolicy"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_chosen_theme_goes_before_the_systems_on_every_page_and_in_charts(scheme, traffic, dashboard):
    other = {"light": "dark", "dark": "light"}[scheme]
    async with chromium(dashboard.url, 1280, scheme) as browser:
        await browser.sign_in(ADMIN)
        await browser.open("/spend")
        await browser.settled()
        ground, ink = await colours(browser), await axis_colour(browser)
        for _ in range({"light": 1, "dark": 2}[other]):
            await browser.page.get_by_role("button", name="Theme: ").click()
        await browser.sees(other.capitalize(), "#theme")
        assert await colours(browser) != ground
        await expect(browser.page.locator("#tokens .xtick text").first).not_to_have_css("fill", ink)
        await browser.open("/requests")
        await browser.sees(other.capitalize(), "#theme")
        assert await colours(browser) != ground
        await browser.page.evaluate("localStorage.removeItem('breakeven-theme')")
        await browser.open("/sign-in")
        assert await colours(browser) == ground
        assert browser.complaints == []


async def colours(browser: Browser) -> str:
    return str(await browser.page.evaluate("getComputedStyle(document.body).backgroundColor"))


async def axis_colour(browser: Browser) -> str:
    text = browser.page.locator("#tokens .xtick text").first
    return str(await text.evaluate("each => getComputedStyle(each).fill"))


async def test_pages_of_a_gateway_whose_backends_pretend_say_so(start, settings, admin):
    await expect(admin.page.locator("#simulated-backends")).to_be_hidden()
    pretending = await start(given=msgspec.structs.replace(settings, simulated=True))
    async with chromium(pretending.url) as browser:
        await browser.sign_in(ADMIN)
        for path in ("/", "/spend", "/policy"):
            await browser.open(path)
            await browser.sees("SIMULATED: the backends only pretend", "#simulated-backends")
            await expect(browser.page.locator("#simulated-backends")).to_be_visible()


async def test_on_a_phone_a_row_is_a_card_that_names_what_it_says(traffic, dashboard):
    async with chromium(dashboard.url, 390, touch=True) as browser:
        await browser.sign_in(ADMIN)
        await browser.open("/spend")
        row = browser.page.get_by_role("row", name="api")
        cost = row.get_by_role("cell").filter(has_text="$").first
        assert await cost.evaluate("each => getComputedStyle(each, '::before').content") == '"Cost"'
        name, figure = await row.get_by_role("rowheader").bounding_box(), await cost.bounding_box()
        assert name and figure and figure["y"] >= name["y"] + name["height"]


# --- spend


async def test_numbers_are_the_ledgers_to_the_cent_for_every_range_and_team(traffic, admin, counted):
    page = admin.page
    glance = page.locator("#glance a")
    for at, days in enumerate((1, 7, 30, 25)):
        await expect(glance.nth(at).locator(".amount")).to_have_text(usd(await counted(days)))
    await expect(page.locator("#account tr").first).to_contain_text(usd(await counted(1)))

    await glance.filter(has_text="30 days").click()
    await expect(page.locator("#account tr").first).to_contain_text(usd(await counted(30)))
    await choose_teams(page, "search")
    await expect(page.locator("#account tr").first).to_contain_text(usd(await counted(30, team="search")))
    await expect(glance.first.locator(".amount")).to_have_text(usd(await counted(1, team="search")))
    await page.get_by_role("group", name="Group by").get_by_role("link", name="Backend").click()
    row = page.get_by_role("row", name="api")
    await expect(row).to_contain_text(usd(await counted(30, team="search", backend="api")))


async def test_the_address_holds_the_view(traffic, admin):
    page = admin.page
    await page.locator("#glance a", has_text="7 days").click()
    await page.get_by_role("group", name="Group by").get_by_role("link", name="Team").click()
    await page.get_by_role("link", name="legal").click()
    assert await admin.address() == "/spend?range=7d&by=team&team=legal"
    await admin.sees("team legal: 1 request for $2.00", "#sentence")
    await page.reload()
    await admin.sees("team legal: 1 request for $2.00", "#sentence")
    await expect(page.locator("#team summary")).to_have_text("Team legal")
    await expect(page.locator("#tokens figcaption")).not_to_contain_text("Threshold")  # which is for all teams
    await page.go_back()
    await expect(page.locator("#team summary")).to_have_text("Team All teams")
    await page.get_by_role("textbox", name="From").fill("2026-11-24")
    await admin.sees("Nov 24 to Nov 25", "#sentence")
    assert await admin.address() == "/spend?range=7d&from=2026-11-24&by=team"
    await page.get_by_role("button", name="Clear").click()
    assert await admin.address() == "/spend?range=7d&by=team"


async def choose_teams(page, *names: str) -> None:
    """Ticks them, with the list open."""
    if await page.locator("#team").get_attribute("open") is None:
        await page.locator("#team summary").click()
    for name in names:
        await page.locator("#team").get_by_role("checkbox", name=name, exact=True).check()


async def test_several_teams_are_added_up_and_the_link_to_them_can_be_kept(traffic, settle, admin, counted):
    await settle(Cell("api", "cloud", "chat", "sales", "bot"), usage=Usage(input=700, output=90), cost=5_000_000)
    page, amount = admin.page, admin.page.locator("#account tr").first
    await admin.open("/spend?range=7d")
    await choose_teams(page, "legal", "sales")
    assert await admin.address() == "/spend?range=7d&team=legal&team=sales"
    await admin.sees("legal and sales: 2 requests for $7.00", "#sentence")
    await expect(page.locator("#team").get_by_role("checkbox", name="sales")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#team summary")).to_be_focused()
    await page.reload()
    await expect(page.locator("#team summary")).to_have_text("Team legal and sales")
    await expect(amount).to_contain_text(usd(await counted(7, team="legal") + await counted(7, team="sales")))
    await page.get_by_role("group", name="Group by").get_by_role("link", name="Key").click()
    await expect(page.locator("#rows tbody tr")).to_have_count(1)  # which both have
    await choose_teams(page, "search")
    await expect(page.locator("#team summary")).to_have_text("Team 3 teams")
    await expect(amount).to_contain_text(usd(await counted(7)))
    await admin.open("/requests?team=legal&team=sales")
    await expect(page.locator("#team summary")).to_have_text("Team legal and sales")


async def test_a_member_of_several_teams_sees_them_together_or_some_of_them(traffic, settle, dashboard, browser):
    await settle(Cell("api", "cloud", "chat", "sales", "bot"), usage=Usage(input=700, output=90), cost=5_000_000)
    await browser.become(dashboard.session_of("member", "ada", teams={"legal", "sales"}))
    await browser.open("/spend?by=team")
    await browser.sees("legal and sales: 2 requests for $7.00", "#sentence")
    await browser.page.locator("#team summary").click()
    await browser.page.locator("#team").get_by_role("checkbox", name="legal").uncheck()
    await browser.sees("team sales: 1 request for $5.00", "#sentence")
    assert await browser.address() == "/spend?by=team&team=sales"
    await expect(browser.page.locator("#team").get_by_role("checkbox")).to_have_count(2)


async def test_what_a_lost_machine_was_lent_is_explained_where_its_limit_is(admin):
    await admin.sees("team search: usd_per_month: $1.000000 of what is used was lent to workers", "#budgets-notes")
    assert await admin.page.locator("#budgets-notes p").count() == 1


async def test_tiles_say_how_a_period_compares_with_the_one_before(settle, admin, counted):
    for back, dollars in ((9, 6), (8, 2), (2, 1), (0, 3)):  # today at last: that is what open pages are told of
        await settle(API, cost=dollars * 1_000_000, at=NOON - back * DAY)
    tiles = admin.page.locator("#glance li")
    await expect(tiles.nth(1)).to_contain_text("50% less than the 7 days before")
    await expect(tiles.nth(0)).not_to_contain_text("yesterday")  # on which nothing was spent
    await expect(tiles.nth(2)).not_to_contain_text("than the 30 days before")


async def test_the_month_says_where_it_is_going(traffic, dashboard, admin):
    forecast = (await dashboard.get("/api/spend?range=month")).json["forecast"]
    paid = forecast["bought_micro_usd"] + forecast["rent_micro_usd"]
    await admin.sees(f"about {usd(paid * 1000)} by Nov 30", "#glance")
    await admin.page.locator("#glance a", has_text="This month").click()
    bought = usd(forecast["bought_micro_usd"] * 1000)
    await admin.sees(f"By Nov 30, as the days so far went: about {bought} bought", "#account")


async def test_tables_sort_and_come_as_csv(traffic, admin):
    page = admin.page
    await admin.open("/spend?by=team")
    names = page.locator("#rows tbody th")
    await expect(names).to_have_text(["legal", "search"])
    await page.get_by_role("button", name="Requests").click()
    await expect(names).to_have_text(["search", "legal"])
    await expect(page.get_by_role("columnheader", name="Requests")).to_have_attribute("aria-sort", "descending")
    await page.get_by_role("button", name="Requests").click()
    await expect(names).to_have_text(["legal", "search"])
    _, text = await admin.download(page.locator("#rows").get_by_role("link", name="CSV"))
    lines = text.splitlines()
    assert lines[0].startswith("team,zone,requests") and lines[1].startswith("legal,,1,")
    await admin.open("/requests")
    name, text = await admin.download(page.get_by_role("button", name="CSV"))
    assert name == "requests.csv"
    assert "no_permitted_backend" in text and text.count("\n") == 1 + len(RECORDS)


async def test_what_is_spent_now_appears_by_itself(dashboard, settle, admin):
    today = admin.page.locator("#glance .amount").first
    await expect(today).to_have_text("$0.00")
    await settle(API, cost=4_210_000)
    await expect(today).to_have_text("$4.21")
    await expect(admin.page.get_by_role("row", name="api")).to_contain_text("$4.21")
    await settle(API, cost=1_000_000)
    await expect(today).to_have_text("$5.21")
    await expect(admin.page.get_by_role("row", name="api")).to_contain_text("$5.21")


async def test_numbers_do_not_wait_for_the_charts_script(traffic, admin):
    await admin.settled()
    addresses = [url.removeprefix(admin.url) for url in admin.asked]
    addresses = addresses[addresses.index("/spend") :]
    script = next(at for at, url in enumerate(addresses) if url.startswith("/assets/plotly"))
    for numbers in ("/api/spend", "/api/budgets"):  # the first time: the page asks again whenever something changes
        assert next(at for at, url in enumerate(addresses) if url.startswith(numbers)) < script
    await admin.page.route("**/plotly*", lambda route: route.abort())
    await admin.page.reload()
    await admin.sees("The table below has the numbers.", "#tokens")
    await admin.sees("$3.23", "#glance")
    await admin.page.locator("#tokens summary").click()
    await expect(admin.page.locator("#tokens tbody tr")).to_have_count(13)
    admin.complaints.clear()  # the browser tells of what was kept from it


@pytest.mark.parametrize(
    "query",
    ["", "?range=7d&by=team", "?by=key&team=search&team=&team=x%26y&model=chat", "?from=2026-11-01&to=2026-11-02"],
)
async def test_what_spend_asks_for_is_asked_once(traffic, admin, query):
    await admin.open(f"/spend{query}")
    await admin.settled()
    addresses = [url.removeprefix(admin.url) for url in admin.asked]
    addresses = addresses[len(addresses) - addresses[::-1].index(f"/spend{query}") :]
    api = [url for url in addresses if url.startswith("/api/") and not url.startswith("/api/events")]
    assert sorted(url.partition("?")[0] for url in api) == [
        "/api/budgets", "/api/session", "/api/spend", "/api/spend/glance"
    ], api  # fmt: skip


@pytest.mark.parametrize(
    ("path", "script", "asked"),
    [
        ("/spend?range=7d&by=zone", "spend.js", "/api/spend?range=7d&by=zone"),
        ("/requests", "requests.js", "/api/requests?limit=100"),
        ("/policy", "policy.js", "/api/policy"),
    ],
)
async def test_it_is_asked_for_before_the_modules_are_there(traffic, admin, path, script, asked):
    await admin.page.route(f"**/{script}*", lambda route: route.abort())
    async with admin.page.expect_request(f"**{asked}"):
        await admin.page.goto(f"{admin.url}{path}")
    admin.complaints.clear()  # the browser tells of what was kept from it


@pytest.fixture
def ninety_days(valkey) -> None:
    """50 keys of 7 teams that used 10 models on each of them."""
    days = [(date(2026, 11, 25) - timedelta(days=back)).isoformat() for back in range(90)]
    figures = msgspec.msgpack.encode([1000, 1, 2_000_000, 300_000, 400_000, 5_000_000, 6_000_000, 0, 0, 0])
    cells = [
        Cell("api", "cloud", f"model-{n % 10}", f"team-{n // 10 % 7}", f"application-{n // 10}") for n in range(500)
    ]
    fields = {pack_cell(cell): figures for cell in cells}
    for day in days:
        valkey.hset(f"be:{{ledger}}:day:{day}", mapping=fields)


def forget_sums(valkey) -> None:
    """Nobody has looked at any day."""
    for name in valkey.keys("be:{ledger}:summed:*"):
        valkey.delete(name)


def sent_by(valkey) -> int:
    """Bytes so far."""
    return int(valkey.info("stats")["total_net_output_bytes"])


async def test_no_page_of_a_large_gateway_asks_redis_for_a_megabyte(ninety_days, dashboard, valkey, admin):
    pages = ("/keys", "/teams", "/alerts", "/report", "/audit", "/playground", "/spend?range=90d&by=team")
    taken = {}
    for path in (*PAGES.values(), *pages, "/spend?range=90d&by=key"):
        forget_sums(valkey)
        before = sent_by(valkey)
        await admin.open(path)
        await admin.settled()
        taken[path] = sent_by(valkey) - before
    await expect(admin.page.locator("#rows tbody tr")).to_have_count(50)
    assert {path: size for path, size in taken.items() if size >= 1_000_000} == {}


async def test_nor_does_one_of_a_members(ninety_days, dashboard, valkey, browser):
    await browser.become(dashboard.session_of("member", "ada", teams={"team-3", "team-4", "team-5"}))
    taken = {}
    several, one = "/spend?range=90d&by=key", "/spend?range=90d&by=key&team=team-3"
    for path in ("/keys", "/teams", "/playground", "/spend?range=90d", several, one):
        forget_sums(valkey)
        before = sent_by(valkey)
        await browser.open(path)
        await browser.sees("ada", "#who")
        await expect(browser.page.locator("[aria-busy=true], .waiting")).to_have_count(0)
        taken[path] = sent_by(valkey) - before
    await expect(browser.page.locator("#rows tbody tr")).to_have_count(7)
    assert {path: size for path, size in taken.items() if size >= 1_000_000} == {}


async def test_a_ledger_that_cannot_be_read_is_told_and_asked_again(start, settings, valkey):
    lost = msgspec.structs.replace(settings, redis="unix:///nowhere/valkey.sock")
    plane = await start(given=lost)
    async with chromium(plane.url) as browser:
        await browser.sign_in(ADMIN)
        await browser.sees("The ledger cannot be read now", "#sentence [role=alert]")
        await browser.open("/spend")
        await browser.sees("The ledger cannot be read now", "#account [role=alert]")
        await browser.sees("The ledger cannot be read now", "#notice")
        async with browser.page.expect_request("**/api/spend*"):
            await browser.page.locator("#account").get_by_role("button", name="Try again").click()
        await browser.open("/operations")
        await browser.sees("not reachable", "#ledger")
        await browser.open("/break-even")
        await browser.sees("The ledger cannot be read now", "#sentence")


async def test_what_nobody_reports_is_said_and_not_shown_as_zero(start):
    plane = await start()
    async with chromium(plane.url) as browser:
        await browser.sign_in(ADMIN)
        await browser.sees("No traffic yet", "#sentence")
        await browser.open("/spend")
        await browser.sees("no traffic", "#sentence")
        await browser.sees("No traffic in this view", "#rows")
        await browser.sees("This gateway keeps no budgets", "#budgets")
        await browser.open("/operations")
        await browser.sees("No worker reports, so the backends' states are not known.", "#sentence")
        await browser.open("/requests")
        await browser.sees("This gateway keeps no records", "#list")
        assert browser.complaints == []


# --- worth it?


async def test_the_first_page_says_what_own_gpus_saved_or_lost_and_what_would_be(traffic, dashboard, admin):
    await admin.page.get_by_role("link", name="Worth it?").click()
    answer = (await dashboard.get("/api/worth")).json
    month = answer["this_month"]
    assert answer["sentence"] == month["sentence"]
    await admin.sees(answer["sentence"], "#sentence")
    await admin.sees(answer["past_gpu"].replace("`", ""), "#past-gpu")
    for name in ("cloud_alone", "bought", "rent_busy", "rent_idle", "net"):
        await admin.sees(usd(month[f"{name}_micro_usd"] * 1000).replace("$-", "\u2212$"), "#months")
    await admin.sees("nine times in ten between", "#forecast")
    await admin.sees(answer["now"]["sentence"], "#supposed")
    asked = {"usd_per_hour": 0.25, "volume": 3, "units": 2}
    for label, value in zip(("GPU price", "Volume", "Number of units"), asked.values(), strict=True):
        await admin.page.get_by_label(label).fill(str(value))
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    supposed = (await dashboard.get(f"/api/worth/suppose?{query}")).json
    await admin.sees(supposed["sentence"], "#supposed")
    assert supposed["sentence"].startswith("With 2 GPUs at $0.25 an hour and 3 times this volume a month would ")
    await admin.page.get_by_role("button", name="As it is now").click()
    await admin.sees(answer["now"]["sentence"], "#supposed")
    await admin.page.emulate_media(media="print")
    await expect(admin.page.get_by_role("navigation")).to_be_hidden()
    await expect(admin.page.locator("#suppose")).to_be_hidden()
    await expect(admin.page.locator("#sentence")).to_be_visible()


# --- break-even and operations


async def test_the_break_even_says_in_a_sentence_whether_the_gpu_is_worth_it(traffic, dashboard, admin):
    await admin.open("/break-even")
    answer = (await dashboard.get("/api/breakeven")).json
    await admin.sees(answer["sentence"], "#sentence")
    await admin.sees("$24.00", "#tiles")
    for term in answer["terms"]:
        await admin.sees(term["name"], "#terms")
    await admin.sees(f"{answer['load'] * 100:.1f}%", "#tiles")


async def test_operations_tell_what_is_not_well(traffic, admin):
    await admin.open("/operations")
    await admin.sees("Not well: api.", "#sentence")
    api = admin.page.get_by_role("article", name="Backend api")
    await expect(api).to_contain_text("3 of the last 4 requests failed")
    await api.get_by_text("opened 2 times").click()
    await expect(api.get_by_role("listitem")).to_have_count(6)  # three, as two workers saw them
    await expect(api.get_by_role("listitem").first).to_contain_text("opened (connection refused)")
    gpu = admin.page.get_by_role("article", name="Backend gpu")
    for text in ("3 waiting, 12 running", "62%", "820 ms", "95 ms"):
        await expect(gpu).to_contain_text(text)
    await admin.sees("1.9 ms", "#gateway")
    await admin.sees("worker-2", "#gateway")


async def test_a_gpu_is_switched_after_somebody_was_asked_whether_it_is_meant(dashboard, admin):
    await admin.open("/operations")
    gpu = admin.page.get_by_role("article", name="Backend gpu")
    for text in ("A unit would save $2.40", "Unit 1 is stopped when", "Its last start failed: exited with status 1"):
        await expect(gpu).to_contain_text(text)
    await gpu.get_by_role("button", name="Keep off").click()
    await admin.sees("Keep gpu off?", "#sure")
    await admin.page.get_by_role("button", name="Leave it").click()
    assert dashboard.control.sources.power.orders == []
    await gpu.get_by_role("button", name="Keep off").click()
    await admin.page.locator("#give-order").click()
    await expect(admin.page.locator("#sure")).to_be_hidden()
    ((backend, order, who),) = dashboard.control.sources.power.orders
    assert (backend, order) == ("gpu", "off") and who.startswith("admin (page")


async def test_a_viewer_sees_why_and_switches_nothing(browser):
    await browser.sign_in(VIEWER)
    await browser.open("/operations")
    gpu = browser.page.get_by_role("article", name="Backend gpu")
    await expect(gpu).to_contain_text("A unit would save $2.40")
    await expect(gpu.get_by_role("button", name="Keep off")).to_have_count(0)


# --- requests


async def test_a_request_opens_to_the_explanation_that_the_command_prints(dashboard, admin):
    page = admin.page
    await page.get_by_role("link", name="Requests", exact=True).click()
    await page.locator("#list").get_by_role("link").nth(1).click()
    await expect(page.get_by_role("heading", name="Why it went to gpu")).to_be_focused()
    assert await admin.address() == "/requests?id=0003"
    printed = (await dashboard.get("/api/requests/0003")).json["explanation"]["text"]
    assert "kept by cost order" in printed
    await expect(page.locator("pre.terminal")).to_have_text(printed)
    await admin.sees("The egress gate permits only own GPUs.", ".steps .chosen")
    await page.get_by_role("button", name="Close").click()
    await expect(page.locator("#list").get_by_role("link").nth(1)).to_be_focused()
    await page.go_back()
    await admin.sees("Why it went to gpu", "#detail")
    await admin.open("/requests?id=gone")
    await admin.sees("No record of this request is kept", "#detail")
    admin.complaints.clear()  # the browser tells of every 404


async def test_requests_come_by_themselves_until_paused_and_are_filtered(dashboard, admin):
    page, records = admin.page, dashboard.control.sources.records.records
    await admin.open("/requests")
    rows = page.locator("#list tbody tr")
    await expect(rows).to_have_count(4)
    records.insert(0, record_of("0005", NOON + 1))
    await expect(rows).to_have_count(5)
    await page.get_by_label("Only failed").check()
    await expect(rows).to_have_count(1)
    assert await admin.address() == "/requests?failed=true"
    await page.get_by_label("Only failed").uncheck()
    await expect(rows).to_have_count(5)
    await page.get_by_role("button", name="Pause").click()
    async with page.expect_event("console") as _:
        records.insert(0, record_of("0006", NOON + 2))
        await page.evaluate(
            "new EventSource('/api/events').addEventListener('requests', "
            "(event) => event.data.includes('0006') && console.info('told'))"
        )
    await expect(rows).to_have_count(5)
    await page.get_by_role("button", name="Go on").click()
    await expect(rows).to_have_count(6)


async def test_hostile_names_are_text_everywhere(traffic, dashboard, admin):
    dialogs: list[str] = []
    admin.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    for path, place in {
        "/spend?by=model": "#rows",
        "/spend?by=key": "#rows",
        "/requests": "#list",
        "/requests?id=0001": "#detail",
    }.items():
        await admin.open(path)
        await admin.sees(HOSTILE, place)
    await admin.open("/spend?model=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    await admin.sees(f"model {HOSTILE}: 1 request", "#sentence")
    assert await admin.page.locator("img:not([src*=icon])").count() == 0 and dialogs == []


# --- policy

BROKEN = SWITCHED.replace("threshold_tokens_per_day: 500000", "threshold_tokens_per_day: many")
CHEAPEST = SWITCHED.replace("strategy: threshold, threshold_tokens_per_day: 500000", "strategy: cheapest")


async def test_a_broken_draft_is_marked_where_it_is_then_mended_applied_and_rolled_back(dashboard, admin):
    page = admin.page
    await admin.open("/policy")
    text, apply = page.get_by_role("textbox", name="Draft"), page.get_by_role("button", name="Apply")
    await expect(text).to_have_value(SWITCHED)
    await expect(apply).to_be_disabled()

    await text.fill(BROKEN)
    line = 1 + next(at for at, each in enumerate(BROKEN.splitlines()) if "many" in each)
    problem = (await dashboard.post("/api/policy/check", {"text": BROKEN})).json["problems"][0]
    assert problem["line"] == line
    await expect(page.locator("#problems button")).to_contain_text(f"Line {line}: {problem['field']}")
    await admin.sees(problem["message"], "#problems")
    await expect(page.locator("#gutter .marked")).to_have_text([str(line)])
    await expect(text).to_have_attribute("aria-invalid", "true")
    await expect(apply).to_be_disabled()
    await page.locator("#problems button").click()
    await expect(text).to_be_focused()
    assert await text.evaluate("(text) => text.value.slice(0, text.selectionStart).split('\\n').length") == line

    await text.fill(CHEAPEST + "retry: {attempts: 1}\n")
    await admin.sees("Good; 1 warning", "#verdict")
    await admin.sees("with 1 attempt no second backend", "#problems .warning")

    await text.fill(CHEAPEST)
    await admin.sees("Good", "#verdict")
    await expect(page.locator("#gutter .marked")).to_have_count(0)
    await admin.sees("+cost: {strategy: cheapest", "#diff")
    await page.get_by_label("Sensitivity that the request states").fill("restricted")
    await page.get_by_role("button", name="Explain").click()
    await admin.sees("The egress gate permits only own GPUs.", "#explanation")
    assert dashboard.policy.read_text() == SWITCHED

    await page.get_by_placeholder("Why, for the history").fill("prices fell")
    await apply.click()
    await admin.sees("is written to the file", "#outcome")
    assert dashboard.policy.read_text() == CHEAPEST
    await admin.sees("prices fell", "#history")
    await expect(apply).to_be_disabled()

    first = page.locator("#history li").last
    await first.get_by_text("What is different").click()
    await expect(first.locator(".diff")).to_contain_text("-cost: {strategy: threshold")
    await first.get_by_role("button", name="Roll back to this").click()
    await page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    await expect(text).to_have_value(SWITCHED)
    await admin.sees("rolled back to", "#history")
    assert dashboard.policy.read_text() == SWITCHED


async def test_what_is_typed_before_the_file_has_come_is_kept(admin):
    typed = asyncio.Event()

    async def late(route):
        await asyncio.wait_for(typed.wait(), 60)
        await route.continue_()

    page = admin.page
    await page.route("**/api/policy", late)
    await admin.open("/policy")
    text = page.get_by_role("textbox", name="Draft")
    await text.fill(CHEAPEST)
    typed.set()
    await expect(page.get_by_role("button", name="Apply")).to_be_enabled()
    await expect(text).to_have_value(CHEAPEST)


async def test_a_file_with_other_line_ends_is_no_draft_and_keeps_them(dashboard, admin):
    ended = {text: text.replace("\n", "\r\n").encode() for text in (SWITCHED, CHEAPEST)}
    dashboard.policy.write_bytes(ended[SWITCHED])
    await until(lambda: dashboard.control.desk.content == ended[SWITCHED])
    await admin.open("/policy")
    text, apply = await draft_of(admin), admin.page.get_by_role("button", name="Apply")
    await admin.sees("Good", "#verdict")
    await expect(admin.page.get_by_role("button", name="Discard")).to_be_disabled()
    await expect(apply).to_be_disabled()
    await text.fill(CHEAPEST)
    await apply.click()
    await admin.sees("is written to the file", "#outcome")
    assert dashboard.policy.read_bytes() == ended[CHEAPEST]


async def test_a_file_that_changed_meanwhile_is_not_written_over(dashboard, admin):
    page = admin.page
    await admin.open("/policy")
    text, apply = await draft_of(admin), page.get_by_role("button", name="Apply")
    await text.fill(CHEAPEST)
    await admin.sees("Good", "#verdict")
    edited = SWITCHED + "# by somebody else\n"
    dashboard.policy.write_text(edited)
    await apply.click()
    await admin.sees("The policy was changed meanwhile", "#outcome")
    assert dashboard.policy.read_text() == edited
    await page.get_by_role("button", name="Go on from the new version").click()
    await admin.sees("The draft is kept.", "#outcome")
    await expect(text).to_have_value(CHEAPEST)
    await expect(apply).to_be_enabled()
    await apply.click()
    await admin.sees("is written to the file", "#outcome")
    assert dashboard.policy.read_text() == CHEAPEST
    admin.complaints.clear()  # the browser tells of the 412


async def test_an_editor_applies_over_an_edit_that_was_refused_and_is_told_what_the_file_holds(dashboard, browser):
    page, broken = browser.page, SWITCHED + "nonsense: [\n"
    dashboard.policy.write_text(broken)
    await until(lambda: not dashboard.control.desk.state().reload.adopted)
    await browser.become(dashboard.session_of("editor", "eve"))
    await browser.open("/policy")
    text, apply = await draft_of(browser), page.get_by_role("button", name="Apply")
    await browser.sees("The file holds another one", "#sentence")
    await browser.sees("Applying replaces that edit", "#note")
    await expect(text).to_have_value(SWITCHED)
    await text.fill(CHEAPEST)
    await browser.sees("Good", "#verdict")
    await apply.click()
    await browser.sees("is written to the file", "#outcome")
    assert dashboard.policy.read_text() == CHEAPEST
    await browser.sees("was never in force", "#history")
    hidden = page.locator(f'#history li[data-version="{version_of(broken.encode())}"]')
    await expect(hidden.get_by_role("button")).to_have_count(0)
    await expect(hidden.get_by_text("What is different")).to_have_count(0)


BARE = re.sub(r"(?m)^sensitivity:.*\n", "", SWITCHED)


async def test_who_rolls_back_to_what_protects_less_is_told_what_is_lost(dashboard, admin):
    page = admin.page
    for text in (BARE, SWITCHED):
        seen = (await dashboard.get("/api/policy")).json["text_version"]
        await dashboard.post("/api/policy/apply", {"text": text}, headers={"if-match": seen})
        await until(lambda text=text: dashboard.control.desk.content == text.encode())
    await admin.open("/policy")
    bare = page.locator(f'#history li[data-version="{version_of(BARE.encode())}"]')
    await bare.get_by_role("button", name="Roll back to this").click()
    await admin.sees("sensitivity is in the policy in force, and missing here", "#sure")
    await page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    await admin.sees("is written to the file", "#outcome")
    assert dashboard.policy.read_text() == BARE


async def changed_meanwhile(admin: Browser, dashboard: Plane, mine: str, theirs: str) -> Locator:
    """A draft that was refused, because somebody else wrote the file."""
    await admin.open("/policy")
    text = await draft_of(admin)
    await text.fill(mine)
    await admin.sees("Good", "#verdict")
    dashboard.policy.write_text(theirs)
    await admin.page.get_by_role("button", name="Apply").click()
    await admin.page.get_by_role("button", name="Merge with the new version").click()
    admin.complaints.clear()  # the browser tells of the 412
    return text


async def test_two_edits_of_a_file_are_put_together_with_their_comments(dashboard, admin):
    page = admin.page
    theirs = "# by somebody else\n" + SWITCHED + "retry: {attempts: 4}  # more\n"
    text = await changed_meanwhile(admin, dashboard, CHEAPEST, theirs)
    both = "# by somebody else\n" + CHEAPEST + "retry: {attempts: 4}  # more\n"
    await expect(text).to_have_value(both)
    await admin.sees("nothing in them contradicts", "#merged")
    await page.get_by_text("What was changed in the file meanwhile").click()
    await admin.sees("+# by somebody else", "#merged")
    await page.get_by_role("button", name="Apply").click()
    await admin.sees("is written to the file", "#outcome")
    assert dashboard.policy.read_text() == both
    await expect(page.locator("#merging")).to_be_hidden()


async def test_what_contradicts_is_asked_and_cannot_be_applied_before(dashboard, admin):
    page = admin.page
    text = await changed_meanwhile(admin, dashboard, CHEAPEST, LOCAL)
    await admin.sees("1 place left where you and the file contradict each other", "#merged")
    await expect(text).to_have_value(re.compile("<<<<<<< your draft"))
    await admin.sees("a merge was not finished here", "#problems")
    await expect(page.get_by_role("button", name="Apply")).to_be_disabled()
    assert await admin.barriers() == []
    await admin.picture(ARTIFACTS / "merging.png")

    await page.get_by_role("button", name="Back to my draft as it was").click()
    await expect(text).to_have_value(CHEAPEST)
    await expect(page.locator("#merging")).to_be_hidden()
    assert dashboard.policy.read_text() == LOCAL


@pytest.mark.parametrize("choice", ["Keep mine", "Take the file's", "Keep both"])
async def test_a_contradiction_is_settled_by_a_choice(choice, dashboard, admin):
    page = admin.page
    mine, theirs = SWITCHED.replace("version: 1\n", "version: 1  # mine\n"), "# one\n# two\n" + SWITCHED
    text = await changed_meanwhile(admin, dashboard, mine, theirs.replace("version: 1\n", "version: 1  # theirs\n"))
    lines = {"Keep mine": "version: 1  # mine\n", "Take the file's": "# one\n# two\nversion: 1  # theirs\n"}
    lines["Keep both"] = "".join(lines.values())
    await page.get_by_role("button", name=choice).click()
    await expect(text).to_have_value(lines[choice] + SWITCHED.removeprefix("version: 1\n"))
    await admin.sees("are one text", "#merged")


async def draft_of(here: Browser) -> Locator:
    """Where it is typed, once what is in force stands there: not even a browser's driver types in between."""
    box = here.page.get_by_role("textbox", name="Draft")
    await expect(box).not_to_have_value("")
    return box


async def test_a_request_is_tried_on_the_traffic_that_there_is(traffic, dashboard, admin):
    page = admin.page
    now = (await dashboard.get("/api/breakeven")).json
    assert now["window_tokens"] > 0 and not now["mix_is_assumed"]
    await admin.open("/policy")
    await draft_of(admin)
    tokens = page.get_by_label("Tokens in the window")
    await expect(tokens).to_have_value(str(now["window_tokens"]))
    await admin.sees("tokens in the last 24 hours", "#live-volume")
    async with page.expect_request("**/api/policy/explain") as asked:
        await page.get_by_role("button", name="Explain").click()
    body = (await asked.value).post_data_json
    assert body["tokens"] == now["window_tokens"]
    assert body["mix"] == {name: now["mix"][name] for name in ("cached", "output")}
    await admin.sees("It goes on", "#explanation")
    await tokens.fill("5")
    async with page.expect_request("**/api/policy/explain") as asked:
        await page.get_by_role("button", name="Explain").click()
    assert (await asked.value).post_data_json["tokens"] == 5


async def test_a_viewer_tries_drafts_and_applies_none(browser):
    await browser.sign_in(VIEWER)
    await browser.open("/policy")
    await browser.sees("You are signed in as a viewer", "#note")
    await (await draft_of(browser)).fill(CHEAPEST)
    await browser.sees("Good", "#verdict")
    await browser.sees("+cost: {strategy: cheapest", "#diff")
    await expect(browser.page.get_by_role("button", name="Apply")).to_be_disabled()


# --- writing a draft


async def test_the_draft_is_coloured_line_by_line_as_it_is_typed(admin):
    page = admin.page
    await admin.open("/policy")
    text = await draft_of(admin)
    await expect(page.locator("#ink .ink-key", has_text="strategy")).to_have_text("strategy")
    await text.fill("# why\nversion: 1\nzones: {local: {owned: true}}\n")
    await expect(page.locator("#ink > span")).to_have_text(["# why", "version: 1", "zones: {local: {owned: true}}", ""])
    await expect(page.locator("#ink .ink-comment")).to_have_text("# why")
    await expect(page.locator("#ink .ink-word")).to_have_text("true")
    await expect(page.locator("#ink .ink-number")).to_have_text("1")


async def test_of_a_long_text_the_lines_in_sight_are_coloured(admin):
    page = admin.page
    await admin.open("/policy")
    text = await draft_of(admin)
    long = "".join(f"# line {number}\n" for number in range(1, 3001)) + "version: 1"
    await text.evaluate("(text, value) => { text.value = value; text.dispatchEvent(new Event('input')); }", long)
    await text.press("Control+End")
    await expect(page.locator("#ink .ink-key")).to_have_text("version")
    shown = page.locator("#ink > span")
    assert await shown.count() < 300
    ink, typed = await shown.last.bounding_box(), await text.bounding_box()
    assert typed["y"] < ink["y"] < typed["y"] + typed["height"]


async def test_settings_are_suggested_and_taken_with_the_keyboard(admin):
    page = admin.page
    await admin.open("/policy")
    text, offers = await draft_of(admin), page.get_by_role("listbox", name="Suggestions")
    await expect(page.locator("#hint")).to_contain_text("Ctrl+Space")
    await expect(text).not_to_have_value("")  # the file's text must not come in the place of what is typed
    await text.fill("cost:\n  hysteresis: 0.2\n  ")
    await text.press("Control+ ")
    await expect(offers.get_by_role("option", name="strategy")).to_have_attribute("aria-selected", "true")
    await expect(offers.get_by_role("option", name="hysteresis")).to_have_count(0)
    assert await admin.barriers() == []
    await admin.picture(ARTIFACTS / "suggestions.png")
    await text.press("Escape")
    await expect(offers).to_be_hidden()

    await text.press_sequentially("str")
    await expect(offers.get_by_role("option")).to_have_count(1)
    await expect(offers.get_by_role("option", name="strategy")).to_have_attribute("aria-selected", "false")
    await text.press("ArrowDown")
    await text.press("Enter")
    await expect(text).to_have_value("cost:\n  hysteresis: 0.2\n  strategy: ")
    await text.press("Control+ ")
    await text.press_sequentially("break")
    await text.press("ArrowDown")
    await text.press("Tab")
    await expect(text).to_have_value("cost:\n  hysteresis: 0.2\n  strategy: breakeven")
    await expect(text).to_be_focused()
    await expect(page.locator("#ink .ink-key", has_text="strategy")).to_have_count(1)
    await expect(page.locator("#hint")).to_contain_text("cost.strategy How the order of backends is chosen.")
    await text.press("Control+z")
    await expect(text).not_to_have_value("cost:\n  hysteresis: 0.2\n  strategy: breakeven")


async def test_enter_is_the_end_of_a_line_while_nothing_is_chosen_and_tab_leaves(admin):
    page = admin.page
    await admin.open("/policy")
    text = await draft_of(admin)
    await text.fill("")
    await text.press_sequentially("co")
    await expect(page.get_by_role("option", name="cost")).to_be_visible()
    await text.press("Enter")
    await expect(text).to_have_value("co\n")
    await text.press_sequentially("co")
    await expect(page.get_by_role("option", name="cost")).to_be_visible()
    await text.press("Tab")
    await expect(text).not_to_be_focused()
    await expect(page.get_by_role("listbox")).to_be_hidden()


async def test_a_suggestion_is_taken_with_the_mouse_and_a_setting_explained_under_it(admin):
    page = admin.page
    await admin.open("/policy")
    text = await draft_of(admin)
    await text.fill("cost: {")
    await text.press("Control+ ")
    await page.get_by_role("option", name="threshold_tokens_per_day").click()
    await expect(text).to_have_value("cost: {threshold_tokens_per_day: ")
    await text.hover(position={"x": 90, "y": 20})
    await expect(page.get_by_role("tooltip")).to_contain_text("Below this volume the cloud is preferred")
    assert await admin.barriers() == []
    await admin.picture(ARTIFACTS / "explained-setting.png")
    await page.mouse.move(5, 5)
    await expect(page.locator("#tip")).to_be_hidden()


async def test_what_is_asked_for_before_the_schema_is_there_is_suggested_once_it_is(admin):
    page, come = admin.page, asyncio.Event()

    async def late(route: Route) -> None:
        await come.wait()
        await route.continue_()

    await page.route("**/api/policy/schema", late)
    await admin.open("/policy")
    text, offers = await draft_of(admin), page.get_by_role("listbox", name="Suggestions")
    await text.fill("cost: {")
    await text.press("Control+ ")
    await expect(offers).to_be_hidden()
    come.set()
    await expect(offers.get_by_role("option", name="strategy")).to_have_attribute("aria-selected", "true")
    await expect(page.locator("#hint")).to_contain_text("cost")
    await text.press("Enter")
    await expect(text).not_to_have_value("cost: {")


async def test_without_the_schema_a_draft_is_typed_as_ever(admin):
    page = admin.page
    await page.route("**/api/policy/schema", lambda route: route.abort())
    await admin.open("/policy")
    text = await draft_of(admin)
    await text.fill(CHEAPEST)
    await text.press("Control+ ")
    await admin.sees("Good", "#verdict")
    await expect(page.get_by_role("listbox")).to_be_hidden()
    admin.complaints.clear()  # the browser tells of what was aborted


PLACES = {
    "version: 1\nco": ([], "co", "key", ["version"]),
    "cost:\n  str": (["cost"], "str", "key", []),
    "cost: {strategy: che": (["cost", "strategy"], "che", "value", []),
    "cost: {strategy: x, ": (["cost"], "", "key", ["strategy"]),
    "sensitivity:\n  detectors:\n    - {find: [iban], ": (["sensitivity", "detectors", 0], "", "key", ["find"]),
    "sensitivity:\n  detectors:\n  - find: [iban, cr": (["sensitivity", "detectors", 0, "find", 1], "cr", "value", []),
    "sensitivity:\n  detectors:\n    - find: [iban]\n    - ": (["sensitivity", "detectors", 1], "", "key", []),
    "backends:\n  gpu:\n    zone: local\n  ap": (["backends"], "ap", "key", ["gpu"]),
    "backends:\n  gpu: {zone: local,\n    ki": (["backends", "gpu"], "ki", "key", ["zone"]),
    'backends:\n  "gpu": # own\n\n    # it\n    ki': (["backends", "gpu"], "ki", "key", []),
    "rules:\n- name: x\n  when:\n    ta": (["rules", 0, "when"], "ta", "key", []),
    "rules:\n- name: x\ncos": ([], "cos", "key", ["rules"]),
}


async def test_where_the_caret_is_in_the_policy(admin):
    await admin.open("/policy")
    (address,) = {url for url in admin.asked if "/yaml-lines.js" in url}
    known = await admin.page.evaluate(
        "async ([address, texts]) => { const { placeOf } = await import(address);"
        " return [...texts.map((text) => placeOf(text, text.length)), placeOf('a: 1 # b', 7)]; }",
        [address, list(PLACES)],
    )
    assert [(each["path"], each["typed"], each["wants"], each["keys"]) for each in known[:-1]] == list(PLACES.values())
    assert known[-1] is None


async def test_pieces_of_a_line_are_the_line_whatever_it_is(admin):
    await admin.open("/policy")
    (address,) = {url for url in admin.asked if "/yaml-lines.js" in url}
    lines = [
        "",
        "  - {a: [b, \"c: d\"], 'e''f': 2s} # g",
        "url: http://x:1/v1?a#b",
        "a: |-",
        "\"open: 'x",
        "%@`*&!-5: é\t\u200b",
    ]
    pieces = await admin.page.evaluate(
        "async ([address, lines]) => { const { piecesOf } = await import(address); return lines.map(piecesOf); }",
        [address, lines],
    )
    assert ["".join(text for _, text in each) for each in pieces] == lines
    assert ["comment", "# g"] in pieces[1] and ["key", "'e''f'"] in pieces[1] and ["number", "2s"] in pieces[1]
    assert pieces[2] == [["key", "url"], ["mark", ":"], ["space", " "], ["plain", "http://x:1/v1?a#b"]]


# --- a draft on the last days

LOCAL = POLICY.replace("strategy: threshold, threshold_tokens_per_day: 500000", "strategy: local_first")
LOCAL = LOCAL.replace("team: search,", "team: search, budget: {requests_per_day: 1000},")


@pytest.fixture
def recorded(valkey) -> None:
    """Six days of requests, all answered by the cloud."""
    write(valkey, [settled(NOON - 6 * DAY + 25.0 * n, n, API, version_of(SWITCHED.encode())) for n in range(20_000)])


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.fixture
def few(valkey) -> None:
    """Of an older release."""
    write(valkey, [settled(NOON - 2 * DAY + 60.0 * n, n, API, "") for n in range(1000)])


async def try_draft(admin: Browser) -> None:
    await admin.open("/policy")
    await (await draft_of(admin)).fill(LOCAL)
    await admin.page.get_by_role("button", name="Try the draft on the last 7 days").click()


async def test_a_draft_is_tried_on_the_last_days_with_the_figures_of_the_command(
    recorded, session_valkey, tmp_path, monkeypatch, capsys, admin
):
    page = admin.page
    await try_draft(admin)
    await expect(page.locator("#simulating output")).to_contain_text(re.compile(r"[1-9]\d?%"))
    await expect(page.get_by_role("progressbar", name="How much of the traffic")).to_be_visible()
    await admin.sees("The draft would have cost", "#simulated")
    await expect(page.locator("#simulating")).to_be_hidden()

    monkeypatch.chdir(tmp_path)
    (tmp_path / "draft.yaml").write_text(LOCAL)
    await page.get_by_text("The same in a shell").click()
    export, simulate = (line.split()[1:] for line in (await admin.text("#simulated .terminal")).splitlines())
    assert await asyncio.to_thread(main, [*export, "--redis", session_valkey]) == 0
    assert await asyncio.to_thread(main, [*simulate, "--json"]) == 0
    draft = json.loads(capsys.readouterr().out)
    present = draft["against"]
    for label, name in (("Net cost", "usd"), ("Rent of own GPUs", "usd_rent"), ("In hindsight", "usd_hindsight")):
        row = page.locator("#simulated tr", has=page.get_by_role("rowheader", name=label))
        for column, figures in enumerate((present["figures"], draft["figures"])):
            shown = "–" if figures[name] is None else f"${figures[name]:,.2f}"  # noqa: RUF001
            await expect(row.locator("td").nth(column)).to_have_text(shown)
    await admin.sees(f"{draft['exhausted'][0]['name']}: first on Nov", "#simulated dl")
    await expect(page.locator("#left .badge")).to_have_text(["0", "0"])
    first = page.locator("#simulated").get_by_role("region", name="Requests that move").locator("tbody tr").first
    await expect(first).to_contain_text(f"{draft['moved'][0]['backend']} ({draft['moved'][0]['reason']})")
    await expect(first).to_contain_text(draft["moved"][0]["examples"][0])


async def test_cancelling_ends_the_process(recorded, dashboard, admin):
    simulations = dashboard.control.simulations
    await try_draft(admin)
    await admin.sees("requests read so far", "#simulating")
    pid = simulations.pid
    os.kill(pid, signal.SIGSTOP)  # so that it is not done before the button is pressed
    await admin.page.get_by_role("button", name="Cancel").click()
    await admin.sees("Cancelled", "#simulated")
    await until(lambda: gone(pid))
    await expect(admin.page.get_by_role("button", name="Try the draft")).to_be_enabled()


async def test_a_page_that_is_left_takes_the_process_along(recorded, dashboard, admin):
    await try_draft(admin)
    await admin.sees("requests read so far", "#simulating")
    pid = dashboard.control.simulations.pid
    os.kill(pid, signal.SIGSTOP)
    await admin.open("/requests")
    await until(lambda: gone(pid))


async def test_what_cannot_be_tried_is_said_with_its_line(admin):
    page = admin.page
    await try_draft(admin)
    await admin.sees("There is nothing to try it on", "#simulated")
    await page.get_by_role("textbox", name="Draft").fill(BROKEN)
    await page.get_by_role("button", name="Try the draft").click()
    await admin.sees("The draft has problems.", "#simulated")
    await page.locator("#simulated").get_by_role("button", name="Line").click()
    await expect(page.get_by_role("textbox", name="Draft")).to_be_focused()
    admin.complaints.clear()  # the browser tells of the 422


# --- which card


async def test_the_calculator_says_what_the_command_says(traffic, admin, dashboard):
    page = admin.page
    await admin.open("/")
    await page.get_by_role("combobox", name="Model").select_option("llama-3.1-8b")
    await page.get_by_role("combobox", name="Card").select_option("L40S")
    await page.get_by_role("combobox", name="Compare with").fill("gpt-4o-mini")
    await page.get_by_role("button", name="Work it out").click()
    await admin.sees("fits 1 x L40S", "#sized")
    assert "model=llama-3.1-8b&gpu=L40S&quantization=awq&context=4096" in await admin.address()
    query = "model=llama-3.1-8b&gpu=L40S&quantization=awq&against=gpt-4o-mini"
    told = (await dashboard.get(f"/api/sizing?{query}")).json["sizing"]
    (option,) = told["options"]
    for text in (
        f"{option['weights_gib']:.1f} GiB",
        f"{option['conversations']:.1f}",
        f"${option['cost']['low']['usd_per_million_at_full_load']:.4f}".rstrip("0"),
        "Quality of awq weights: none known.",
        "Beats it from",
        f"model: {option['launch']['model']}",
    ):
        await admin.sees(text, "#sized")
    await page.get_by_role("combobox", name="Weights").select_option("gptq")
    await page.get_by_role("button", name="Work it out").click()
    await admin.sees("Quality of gptq weights: 97.9 on MMLU", "#sized")
    await page.get_by_role("combobox", name="Compare with").fill("gpt-4o-minni")
    await page.get_by_role("button", name="Work it out").click()
    await admin.sees("the price list has no such model; did you mean gpt-4o-mini?", "#sized")
    await page.go_back()
    await admin.sees("fits 1 x L40S", "#sized")
    admin.complaints.clear()  # the browser tells of the 400


# --- everybody can use it


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
async def test_every_page_is_readable_for_everybody_and_pictured(screen, scheme, few, traffic, dashboard):
    ARTIFACTS.mkdir(exist_ok=True)
    async with chromium(dashboard.url, SCREENS[screen], scheme, touch=screen == "phone") as browser:
        await browser.open("/sign-in")
        barriers = await browser.barriers()
        await browser.picture(ARTIFACTS / f"sign-in-{screen}-{scheme}.png")
        await browser.sign_in(ADMIN)
        for name, path in PAGES.items():
            await browser.open(path)
            await browser.settled()
            await browser.picture(ARTIFACTS / f"{name}-{screen}-{scheme}.png")
            barriers += [f"{name}: {each}" for each in await browser.barriers()]
            assert await browser.width() <= SCREENS[screen], name
            if screen == "phone":
                await browser.page.set_viewport_size({"width": 360, "height": 740})
                assert await browser.width() <= 360, name
                await browser.page.set_viewport_size({"width": 390, "height": 844})
        await try_draft(browser)
        await browser.sees("The draft would have cost", "#simulated")
        await browser.page.get_by_text("The same in a shell").click()
        await browser.picture(ARTIFACTS / f"simulated-{screen}-{scheme}.png")
        barriers += await browser.barriers()
        assert await browser.width() <= SCREENS[screen], "simulated"
        await browser.page.get_by_role("textbox", name="Draft").fill(BROKEN)
        await browser.sees("1 problem", "#verdict")
        await browser.page.get_by_role("button", name="Explain").click()
        await browser.sees("The draft has problems", "#explanation")
        await browser.picture(ARTIFACTS / f"broken-{screen}-{scheme}.png")
        barriers += await browser.barriers()
        assert not barriers, "\n".join(barriers)
        assert browser.complaints == []
