"""The real ledger against the plainest one, over random histories."""

from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.memory_ledger import MemoryLedger

from router.core.limits.counters import NO_COUNTERS, Hold
from router.core.values import Cell, Settlement, Usage
from router.ledger.client.group_commit import GroupCommitLedger
from router.ledger.reports.totals import open_report

BERLIN = ZoneInfo("Europe/Berlin")
CELLS = (Cell("gpu", "local", "chat", "search", "app"), Cell("openai", "cloud", "chat", "sales", "bot"))
DAYS = [f"2026-05-{day}" for day in range(20, 32)]

requests = st.integers(0, 4)
amounts = st.integers(0, 10_000)
usages = st.builds(
    lambda uncached, cached, output, estimated: Usage(uncached + cached, cached, 0, output, estimated),
    *(amounts, amounts, amounts, st.booleans()),
)
outcomes = st.tuples(st.sampled_from(CELLS), usages, amounts, amounts, st.booleans(), st.booleans())
steps = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), requests, st.sampled_from(CELLS), amounts, st.booleans()),
        st.tuples(st.sampled_from(["settle", "record"]), requests, outcomes),
        st.tuples(st.just("release"), requests),
        st.tuples(st.just("flush")),
        st.tuples(st.just("pass"), st.sampled_from([1, 30, 2000])),
    ),
    max_size=30,
)


class History:
    """Plays steps on one ledger. A request keeps its id and its time of arrival."""

    def __init__(self, ledger: GroupCommitLedger | MemoryLedger, clock, prefix: str) -> None:
        self.ledger, self.clock, self.prefix = ledger, clock, prefix
        self.arrived: dict[int, tuple[str, float]] = {}
        self.reserved: set[int] = set()
        self.recorded: set[int] = set()

    def arrival(self, request: int) -> tuple[str, float]:
        if request not in self.arrived:
            self.arrived[request] = (
                f"{int((self.clock.now + 900) // 60) + 1:08d}{self.prefix}{request}",
                self.clock.now,
            )
        return self.arrived[request]

    async def play(self, step) -> None:
        match step:
            case ("reserve", request, cell, amount, eligible):
                id, at = self.arrival(request)
                if self.clock.now < at + 900 and request not in self.reserved | self.recorded:
                    self.reserved.add(request)
                    await self.ledger.reserve(Hold(id, cell, at, 900.0, amount, 2 * amount, 3 * amount, eligible))
            case ("settle" | "record" as kind, request, (cell, usage, cost, counterfactual, error, eligible)):
                id, at = self.arrival(request)
                settlement = Settlement(id, cell, at, usage, cost, counterfactual, error, eligible)
                if kind == "settle":
                    self.ledger.settle(settlement)
                elif request not in self.reserved | self.recorded:  # that is for requests without a hold
                    self.recorded.add(request)
                    self.ledger.record(settlement, NO_COUNTERS)
            case ("release", request):
                self.ledger.release(self.arrival(request)[0])
            case ("flush",):
                await self.ledger.flush()
            case ("pass", minutes):
                await self.ledger.flush()
                self.clock.now += minutes * 60
                await self.ledger.sweep()


@given(steps)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
async def test_any_history_gives_the_same_totals(server, clock, steps):
    server.client.flushall()
    clock.now = 1_779_267_600.0
    real, plain = (
        GroupCommitLedger(server.url, timezone=BERLIN, clock=clock, timeout=5, owned=["local"]),
        MemoryLedger(timezone=BERLIN, clock=clock),
    )
    await real.start()
    try:
        histories = History(real, clock, "x"), History(plain, clock, "x")
        for step in steps:
            began = clock.now
            for history in histories:
                clock.now = began
                await history.play(step)
        await real.flush()
        async with open_report(server.url) as report:
            for day in DAYS:
                assert await report.days([day]) == plain.rows([day])
        await real.sweep()
        for window in ("today", "yesterday", "trailing_24h"):
            assert real.volume.seen(window, clock.now) == plain.volume.seen(window, clock.now)
        assert sum(server.client.hlen(key) for key in server.client.keys("be:*:hold:*")) == len(plain.holds)
    finally:
        await real.close()
