"""`breakeven demo`: a whole gateway between two pretended backends, and a recorded day of traffic through it.

Everything between the traffic and the backends is what `breakeven serve` runs. The clock is the real one: a day's
requests are sent within a minute or two, and count as today's.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

from router.app.child_process import PYTHON, ChildProcess
from router.app.data_dir import take_data_dir
from router.app.demo_history import DAYS, history, seed
from router.app.demo_policy import CLOUD_MODEL, CONTEXT, GPU, LOCAL_MODEL, Switch, demo_policy, make_senders
from router.app.demo_reporter import DemoReporter
from router.app.settings import ServeSettings
from router.app.supervisor import STOP_PATIENCE, CannotServe, Served, Supervisor, exit_code
from router.config.load import load
from router.core.cost.volume import day_of
from router.core.power.states import Phase
from router.core.power.terms import Order
from router.ledger.power import PowerBook, open_power
from router.ledger.reports.totals import day_range
from router.ledger.server.embedded import EmbeddedServer, running_url
from router.simulate.day import recorded_day
from router.simulate.replay import MOST_AT_ONCE, replay
from router.simulate.traffic import asks

GRACE_SECONDS = 5.0
SWITCH_SECONDS = 60.0
"""Until a unit that was ordered off is off: a busy machine takes longer."""
LISTENING = "listening on "
QUICK = ("--tokens-per-second", "20000", "--first-token", "0.02", "--context", str(CONTEXT))
"""A day that takes two minutes needs backends that are as much faster than real ones; the GPU has room for all."""
PRETENDED: Mapping[str, tuple[str, ...]] = {
    "local": ("--kind", "vllm", "--model", LOCAL_MODEL, "--slots", str(MOST_AT_ONCE), "--kv-tokens", "4000000", *QUICK),
    "cloud": ("--kind", "openai", "--model", CLOUD_MODEL, *QUICK),
}

log = logging.getLogger("breakeven.demo")


class DemoSettings(Struct, frozen=True):
    port: int = 8080
    admin_port: int = 8081
    data_dir: str = ""
    """Empty for a temporary one, which is removed at the end."""
    day: float = 100.0
    """Seconds that the day takes."""
    once: bool = False
    """End when the day is over."""


def run(settings: DemoSettings) -> int:
    """Until Ctrl-C, or the day's end with `once`. Returns the exit code."""
    demo = Demo(settings)
    return exit_code(demo.play()) or demo.failed


class Demo:
    def __init__(self, settings: DemoSettings) -> None:
        self._settings = settings
        self._senders = make_senders()
        self._supervisor: Supervisor | None = None
        self._data_dir = Path()
        self.failed = 0

    async def play(self) -> None:
        """Raises what serving raises."""
        with tempfile.TemporaryDirectory(prefix="breakeven-demo-", ignore_cleanup_errors=True) as made:
            switch = Switch(Path(made))
            switch.make()
            async with _pretended(switch) as urls:
                policy = _written(Path(made, "demo-policy.yaml"), demo_policy(urls, self._senders, switch))
                data_dir = self._settings.data_dir or str(Path(made, "data"))
                self._data_dir = Path(data_dir)
                _say(_introduction(data_dir, removed=not self._settings.data_dir))
                await _remember(self._data_dir, policy)
                self._supervisor = Supervisor(self._serving(policy, data_dir), self._day)
                await self._supervisor.serve()

    def _serving(self, policy: str, data_dir: str) -> ServeSettings:
        return ServeSettings(
            policy=policy,
            accept_policy=True,
            port=self._settings.port,
            admin_port=self._settings.admin_port,
            data_dir=data_dir,
            grace=GRACE_SECONDS,
            shown_key=self._senders[0].key,
            simulated=True,
        )

    async def _day(self, served: Served) -> None:
        """What follows the greeting."""
        assert self._supervisor is not None
        try:
            await self._replay(served)
            await self._switch_off()
        except Exception:  # a defect of ours, which must not leave a demo that shows nothing
            log.exception("the day was not replayed")
            self.failed = 1
        if self._settings.once or self.failed:
            self._supervisor.stop()
        else:
            _say(f"The dashboard stays up: {served.dashboard}. Ctrl-C ends the demo.")

    async def _replay(self, served: Served) -> None:
        day = recorded_day()
        _say(_invitation(len(day), self._settings.day))
        narrator = DemoReporter(await asyncio.to_thread(load, served.policy), _say)
        narrator.begin()
        await replay(served.url, asks(day, self._senders), self._settings.day, narrator.hear)
        narrator.end()
        self.failed = 0 if narrator.answers else 1

    async def _switch_off(self) -> None:
        """The day is over: nobody needs the GPU until a request comes that may go nowhere else."""
        url = running_url(self._data_dir)
        if url is None:
            return
        async with open_power(url) as book:
            await book.order(GPU, Order.OFF, "the demo")
            async with asyncio.timeout(SWITCH_SECONDS):
                await _until_off(book)
            await book.order(GPU, Order.AUTO, "the demo")
        _say("SWITCHED OFF: nobody needs the GPU now, so its rent ends. A restricted request would switch it on again.")


async def _until_off(book: PowerBook) -> None:
    while True:
        kept = (await book.look()).kept.get(GPU)
        if kept is not None and kept.state.phase is Phase.OFF:
            return
        await asyncio.sleep(0.2)


async def _remember(data_dir: Path, policy: str) -> None:
    """Thirty days before this one, in a ledger that has none yet."""
    if (data_dir / "appendonlydir").exists():
        return
    plan, now = await asyncio.to_thread(load, policy), time.time()
    timezone = ZoneInfo(plan.policy.cost.timezone)
    today = date.fromisoformat(day_of(now, timezone))
    days = day_range((today - timedelta(days=DAYS)).isoformat(), (today - timedelta(days=1)).isoformat())
    past = await asyncio.to_thread(history, plan, recorded_day(), days, timezone)
    os.close(take_data_dir(data_dir))  # made, and closed to others
    server = EmbeddedServer(data_dir)
    try:
        await seed(await asyncio.to_thread(server.start), plan, past, now)
    finally:
        await asyncio.to_thread(server.stop)


@asynccontextmanager
async def _pretended(switch: Switch) -> AsyncIterator[dict[str, str]]:
    """Base URLs of the pretended backends, by zone. Raises CannotServe."""
    switched = {"local": ("--switch", str(switch.file)), "cloud": ()}
    children = {zone: _backend(zone, (*arguments, *switched[zone])) for zone, arguments in PRETENDED.items()}
    running = [asyncio.create_task(child.run_forever()) for child in children.values()]
    try:
        try:
            await asyncio.gather(*(child.until_ready() for child in children.values()))
        except ChildProcessError as ended:
            raise CannotServe(f"{ended}; see the log above") from None
        urls = {zone: child.ready_line.removeprefix(LISTENING).rstrip("/") for zone, child in children.items()}
        for zone, child in children.items():
            child.from_now_on("--port", urls[zone].rpartition(":")[2])
        yield {zone: f"{url}/v1" for zone, url in urls.items()}
    finally:
        await asyncio.gather(*(child.stop(STOP_PATIENCE) for child in children.values()))
        await asyncio.gather(*running)


def _backend(zone: str, arguments: Sequence[str]) -> ChildProcess:
    command = [*PYTHON, "router.simulate", *arguments]
    return ChildProcess(f"simulated {zone} backend", command, ready=lambda line: line.startswith(LISTENING))


def _written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def _introduction(data_dir: str, *, removed: bool) -> str:
    kept = "removed when the demo ends" if removed else "kept"
    return (
        "DEMO: both backends are SIMULATED. No model runs, nothing leaves this machine and nothing is charged.\n"
        f"Prices and volumes are real ones. The demo's data is in {data_dir} ({kept}).\n"
    )


def _invitation(requests: int, seconds: float) -> str:
    return (
        f"Now a day of traffic is replayed in {seconds:g} seconds: {requests:,} requests, sampled from published\n"
        "production distributions (ServeGen). The clock is the real one, so all of it counts as today's volume.\n"
        "The GPU is off at first. Watch it being switched on, here and on the dashboard, which has thirty days that\n"
        "were made up before this one.\n"
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
