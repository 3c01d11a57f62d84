"""Every page of the dashboard in a real browser: how long until its numbers and tables are there, the first time."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping

from playwright.sync_api import Browser, sync_playwright

from router.ledger.redis_keys import PREFIX
from router.ledger.reports.periods import DAY_SUMS
from router.ledger.reports.totals_by_dimension import NAMES_FIELD
from tests.bench.scale.gateway import Gateway
from tests.bench.scale.results import ColdPage

PAGES: Mapping[str, tuple[str, ...]] = {
    "admin": (
        "/",
        "/spend?range=90d",
        "/spend?range=90d&by=team",
        "/spend?range=90d&by=key",
        "/break-even",
        "/operations",
        "/requests",
        "/policy",
        "/keys",
        "/teams",
        "/alerts",
        "/report",
        "/audit",
        "/playground",
    ),
    "member": ("/spend?range=90d", "/spend?range=90d&by=key", "/keys", "/teams", "/playground"),
}
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
_PATIENCE_MS = 60_000.0
_ADDING_UP = 600.0
"""Seconds: it leaves nine tenths of the time to others, and takes longer where they take the CPUs."""
_READY = """() => {
  const busy = document.querySelector("[aria-busy=true], .waiting:not(.plot .waiting)");
  const who = document.querySelector("#who")?.textContent;
  return who && !busy && performance.now();
}"""


def measure(gateway: Gateway) -> Iterator[ColdPage]:
    """Nothing is kept in the browser. Days and hours that are over were added up before, as they are wherever a gateway
    runs."""
    _await_past_totals(gateway)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise FileNotFoundError("chromium is missing (on Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for who, paths in PAGES.items():
            for path in paths:
                yield _look(browser, gateway, who, path)
        browser.close()


def _await_past_totals(gateway: Gateway) -> None:
    """They come latest first, so that the first day is the last one to be there."""
    first = min(name.decode().rpartition(":")[2] for name in gateway.ledger.scan_iter(f"{PREFIX}day:*", 1000))
    deadline = time.monotonic() + _ADDING_UP
    while not gateway.ledger.hexists(DAY_SUMS + first, NAMES_FIELD):
        if time.monotonic() > deadline:
            raise TimeoutError("days that are over were not added up")
        time.sleep(0.2)


def _look(browser: Browser, gateway: Gateway, who: str, path: str) -> ColdPage:
    context = browser.new_context(extra_http_headers={"cookie": gateway.people[who]})
    context.set_default_timeout(_PATIENCE_MS)
    try:
        page = context.new_page()
        before, cpu = _sent(gateway), gateway.control_cpu()
        page.goto(f"http://127.0.0.1:{gateway.admin_port}{path}", wait_until="commit")
        ready = page.wait_for_function(_READY, polling="raf").json_value()
        control, ledger = (1000 * (now - then) for now, then in zip(gateway.control_cpu(), cpu, strict=True))
        return ColdPage(who, path, float(ready), (_sent(gateway) - before) / 1000, control, ledger)
    finally:
        context.close()


def _sent(gateway: Gateway) -> int:
    """Bytes that the ledger's server has sent so far."""
    return int(gateway.ledger.info("stats")["total_net_output_bytes"])
