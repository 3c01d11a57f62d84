"""Requests that were recorded, through the rules of a policy, in virtual time.

Nothing decides here: `core.decision` says where a request may go, `core.waiting` who is next, `core.limits` what may be
spent, `core.power` which units are on, `core.cost` what it costs. What is simulated is what these look at: backends,
their queues and their starts, see `server_model`, and a driver that does what it is told.

Left out: backends that fail, and so retries; what several workers do not know of each other; clients that give up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from router.core.cost.breakeven import price_of_traffic
from router.core.cost.preference import Side
from router.core.cost.pricing import compared
from router.core.cost.strategies import STRATEGIES
from router.core.cost.volume import hour_of_day, quarter_of
from router.core.cost.volume_tracker import VolumeTracker
from router.core.decision.cache import DecisionCache
from router.core.limits.amounts import used_by
from router.core.limits.counters import CounterSets, Hold, on_own_backends
from router.core.limits.counting import Counting
from router.core.limits.estimate import bounds_of
from router.core.limits.limits import Verdict, refusal_of
from router.core.limits.periods import Periods
from router.core.limits.reserve import HoldMaker
from router.core.limits.terms import cell_of
from router.core.power.cards import turn_of
from router.core.power.demand import DEMAND_SECONDS, Demand, demand_of, share_left
from router.core.power.units import ALONE, Turn
from router.core.values import BackendState, Candidate, Cell, Decision, Facts, Plan, Route, Settlement, Snapshot, Usage
from router.core.waiting import Place, Queues
from router.simulate.backends import Replica, SimulatedBackend
from router.simulate.books import HOUR, Books
from router.simulate.facts_of import FactsMaker, reading_of
from router.simulate.kept import Keeps, kept_by_nothing
from router.simulate.powered_units import PoweredUnits
from router.simulate.rent_meter import LOOK_SECONDS, RentMeter
from router.simulate.requests import RecordedRequest
from router.simulate.server_model import Work
from router.simulate.shape import Shape
from router.simulate.slots import Slots
from router.simulate.virtual_time import VirtualTime

FULL, CUT = "backends_full", "cut-at-stop"
"""Codes of requests that waited in vain, and that still ran when units were stopped."""
PRICE_SECONDS = 30.0
"""Between two looks at what the cloud charges for the traffic."""


class Job:
    """One request on its way."""

    __slots__ = (
        *("backend", "candidate", "decision", "facts", "hold", "input", "output", "place", "queues", "replica"),
        *("request", "sent", "sides", "wanted"),
    )

    def __init__(self, request: RecordedRequest, facts: Facts, decision: Decision) -> None:
        self.request = request
        self.facts = facts
        self.decision = decision
        self.input = request.input
        self.output = request.output
        self.candidate: Candidate | None = None
        self.backend: SimulatedBackend | None = None
        self.replica: Replica | None = None
        self.hold: Hold | None = None
        self.sides = 0
        self.sent = 0.0
        self.place: Place[Job] | None = None
        self.queues: tuple[str, ...] = ()
        self.wanted = ""


Fate = Callable[[RecordedRequest, str, str, float], None]
"""What became of a request: the backend that answered, or "" and the code of the refusal as its reason; and the cost
in micro-USD."""


def _nobody(request: RecordedRequest, backend: str, reason: str, cost: float) -> None:
    """Nobody wants to know."""


class Simulation:
    """`shapes` says how each backend is, by name. `tell` is called with what became of each request. `look_seconds` are
    between two looks at demand: of the gateway's controller, where nothing else is said. `keeps` says which requests
    may not leave by what was in force; what the plan itself says of it counts always."""

    def __init__(
        self,
        plan: Plan,
        shapes: Mapping[str, Shape],
        begin: float,
        tell: Fate = _nobody,
        look_seconds: float = DEMAND_SECONDS,
        keeps: Keeps = kept_by_nothing,
    ) -> None:
        policy = plan.policy
        self.plan = plan
        self.begin = self.end = begin
        self.time = VirtualTime(begin)
        self.timezone = ZoneInfo(policy.cost.timezone)
        self.books = Books(VolumeTracker(self.timezone))
        self.slots = Slots()
        self.making = FactsMaker(plan)
        self.counting = Counting()
        self._periods = Periods(self.timezone)
        self._holding = HoldMaker(plan, CounterSets(policy, self._periods), bounds_of(policy))
        self._cache = DecisionCache(plan)
        self._cells: dict[tuple[str, str, int], Cell] = {}
        self._tell = tell
        self._keeps = keeps
        self._side = Side.CLOUD
        self._quarter = self._hour = -1
        self._looks_at_price = STRATEGIES[policy.cost.strategy].needs_gpu_cost
        self._price: float | None = None
        self._price_at = 0.0
        self._queues = Queues[Job]()
        self._looking = False
        self._rent_at: dict[str, float] = {}
        self._inflight = 0
        self._answers = self._outputs = 0
        """Answers so far, and their tokens."""
        self._minute = 0
        self._states: Mapping[str, BackendState] = {}
        self._stale = True
        self._dirty = False
        self.backends = {
            name: SimulatedBackend(
                name,
                backend,
                policy.health,
                shapes[name],
                self.time,
                done=self._answered,
                changed=self._changed,
            )
            for name, backend in policy.backends.items()
        }
        self._probed = [each for each in self.backends.values() if each.backend.kind == "vllm"]
        self.units = {
            name: PoweredUnits(
                name, each.backend, self.timezone, each.shape, self.time, due=self._step_due, look_seconds=look_seconds
            )
            for name, each in self.backends.items()
            if each.powered
        }
        self._wanted: dict[str, int] = {}
        self.meters = {
            name: RentMeter(each.backend, self.timezone, begin, self._units_of(name))
            for name, each in self.backends.items()
            if each.backend.cost is not None
        }
        # A backend sees what those with a lower rent leave: they look first, as the controller has it.
        self._by_rent = sorted(self.units.values(), key=lambda each: each.terms.usd_per_hour)
        for units in self._by_rent:
            self._step_due(units.name)
        if any(self._is_always_on(name) for name in self.meters):
            self.time.at(begin, self._look_at_rent)

    def _units_of(self, name: str) -> int:
        return self.units[name].terms.units if name in self.units and self.units[name].saves_rent else 1

    def _is_always_on(self, name: str) -> bool:
        """Putting a model to sleep frees a card's memory, and not its rent."""
        return name not in self.units or not self.units[name].saves_rent

    # --- requests

    def run(self, requests: Iterable[RecordedRequest]) -> None:
        """Of which the times ascend; then all that is still under way comes to its end."""
        for request in requests:
            self.take(request)
        self.finish()

    def take(self, request: RecordedRequest) -> None:
        """The next one: its time is not before that of the last one."""
        self.time.until(request.at)
        if self._dirty:
            self._wake()
        self._arrive(request)

    def finish(self) -> None:
        while (self._inflight or len(self._queues)) and self.time.next():
            self._wake()
        self.end = self.time.now
        for name, units in self.units.items():
            if name in self.meters and units.saves_rent:
                self.meters[name].switched(units.state, self.end)
        self._look_at_rent(None)
        for meter in self.meters.values():
            meter.end(self.end)

    def _arrive(self, request: RecordedRequest) -> None:
        now = self.time.now
        self.books.requests += 1
        for backend in self._probed:
            backend.probe(now)
        facts = self.making.facts(request)
        job = Job(request, facts, self._decide(facts, self._queues.for_newcomers(self.states)))
        if request.input == 0 and request.estimated_input:
            self._guess(job)
        self._go(job)

    def _guess(self, job: Job) -> None:
        """Nothing was sent of it when it was recorded: it is taken to be as long as its estimate, and its answer as
        long as others were so far, within its own limit."""
        self.books.guessed += 1
        job.input = job.request.estimated_input
        usual = self._outputs // self._answers if self._answers else 0
        job.output = usual if job.request.limit is None else min(usual, job.request.limit)

    def _decide(self, facts: Facts, states: Mapping[str, BackendState]) -> Decision:
        now = self.time.now
        snapshot = Snapshot(
            backends=states,
            seen=self.books.volume.seen(self.plan.policy.cost.window, now),
            previous=self._side,
            hour=self._hour_of(now),
            at=now,
            cloud_price=self._price_of_traffic(now),
        )
        decision = self._cache.decide(facts, snapshot)
        self._side = decision.side
        return decision

    def _hour_of(self, now: float) -> int:
        quarter = quarter_of(now)
        if quarter != self._quarter:
            self._quarter, self._hour = quarter, hour_of_day(now, self.timezone)
        return self._hour

    def _price_of_traffic(self, now: float) -> float | None:
        if self._looks_at_price and now >= self._price_at:
            self._price_at = now + PRICE_SECONDS
            self._price = price_of_traffic(self.books.last_day(now))
        return self._price

    def _go(self, job: Job) -> None:
        decision = job.decision
        if decision.refusal is not None:
            if decision.wakes:
                self._want(decision.wakes)
            self._refuse(job, decision.refusal.code)
        elif decision.waiting:
            self._wait(job)
        elif self._admit(job):
            self._send(job)

    def _send(self, job: Job) -> None:
        """To the first candidate with a free slot: there is one, or it would not have been decided."""
        for candidate in job.decision.candidates:
            backend = self.backends[candidate.route.backend]
            replica = backend.pick()
            if replica is not None:
                request, now = job.request, self.time.now
                job.candidate, job.backend, job.replica, job.sent = candidate, backend, replica, now
                if now > request.at:
                    self.books.waited += 1
                    self.books.waits.add(int(1000 * (now - request.at)))
                self._inflight += 1
                work = Work(job, job.input - request.cached, job.input + job.output, job.output)
                backend.take(replica, work)
                return
        raise AssertionError("a backend that has room has a slot")

    # --- limits

    def _admit(self, job: Job) -> bool:
        """Whether limits let it go on, with the candidates that they leave."""
        key, model, now = job.facts.key, job.decision.model, job.request.at
        counters = self._holding.counter_sets.of(key, model, now)
        if job.hold is not None or not counters.all:
            return True
        self._forget_counters(now)
        reading = reading_of(job.request, job.facts)
        hold = self._holding.hold(
            id="", at=now, request="", decision=job.decision, key=key, reading=reading, states=self._states
        )
        admission = self.counting.admission(hold)
        if admission.verdict is not None:
            self.books.ran_out(admission.verdict.limit.name, self.time.now, refused=not admission.sides)
            if not admission.sides:
                self._refuse(job, _code(admission.verdict, now, self._periods))
                return False
            left = on_own_backends(job.decision.candidates, admission.verdict)
            job.decision = _with_candidates(job.decision, left)
        self.counting.hold(hold, admission.sides)
        job.hold, job.sides = hold, admission.sides
        return True

    def _forget_counters(self, now: float) -> None:
        """Minutes that are over, now and then: requests of them may be under way for a while."""
        minute = int(now // 60)
        if minute < self._minute + 60:
            return
        for key, _ in list(self.counting.kept):
            kind, _, period = key.removeprefix("limit:").partition(":")
            if kind == "minute" and int(period) < minute - 60:
                self.counting.forget(key)
        self._minute = minute

    # --- waiting

    def _wait(self, job: Job) -> None:
        now, decision = self.time.now, job.decision
        names = [candidate.route.backend for candidate in decision.waiting]
        limits = {name: self.backends[name].backend.capacity for name in names}
        if job.place is None:
            job.place = Place(self._queues, job.request.at + self.plan.policy.retry.deadline)
        if decision.until_on:
            rest = min([self.backends[name].starts_in() for name in names])
            job.place.allow(now, rest + max([limit.queue_timeout for limit in limits.values()]))
            if decision.wakes:
                self._want(decision.wakes)
        queues = tuple(job.place.open_to(now, limits))
        if not queues or job.place.until <= now:
            self._refuse(job, "gpu_off" if decision.until_on else FULL)
            return
        if decision.until_on and decision.wakes:
            job.wanted = decision.wakes
            self._wanted[job.wanted] = self._wanted.get(job.wanted, 0) + 1
        job.queues = queues
        self._queues.join(job.place.ticket, queues, job)
        self.time.at(job.place.until, self._give_up, (job, queues))
        if not self._looking and self._probed:
            self._looking = True
            self.time.at(now + self.plan.policy.health.probe_interval, self._look)

    def _look(self, _: None) -> None:
        """Probes tell those who wait that there is room, whether or not they say anything else than before."""
        for backend in self._probed:
            backend.probe(self.time.now)
        self._dirty = True
        self._looking = bool(len(self._queues))
        if self._looking:
            self.time.at(self.time.now + self.plan.policy.health.probe_interval, self._look)
        self._wake()

    def _give_up(self, about: tuple[Job, tuple[str, ...]]) -> None:
        job, queues = about
        if job.queues is not queues:
            return  # it waits no more, or again
        self._leave(job)
        self._dirty = True
        self._refuse(job, "gpu_off" if job.decision.until_on else FULL)

    def _leave(self, job: Job) -> None:
        assert job.place is not None
        self._queues.leave(job.place.ticket, job.queues)
        job.queues = ()
        if job.wanted:
            self._wanted[job.wanted] -= 1
            job.wanted = ""

    def _changed(self) -> None:
        self._stale = self._dirty = True

    def _wake(self) -> None:
        """Let those look again for whom there may be room, as long as that changes anything."""
        while self._dirty:
            self._dirty = False
            if not len(self._queues):
                return
            for job in self._queues.first(self._headroom, lambda each: True):
                if not job.queues:
                    continue
                self._leave(job)
                if job.hold is None:
                    job.decision = self._decide(job.facts, self.states)
                self._go(job)

    def _headroom(self, name: str) -> int:
        if self.states[name].rests:
            return 1 << 30
        return self.backends[name].headroom()

    @property
    def states(self) -> Mapping[str, BackendState]:
        """The same object as long as they are the same: decisions are remembered by it."""
        if self._stale:
            self._stale = False
            states = {name: backend.state() for name, backend in self.backends.items()}
            if states != self._states:
                self._states = states
        return self._states

    # --- answers

    def _answered(self, work: Work) -> None:
        job: Job = work.about
        request, candidate, backend, replica = job.request, job.candidate, job.backend, job.replica
        assert candidate is not None and backend is not None and replica is not None
        now = self.time.now
        self._inflight -= 1
        if replica.server.room or replica.server.waiting:
            replica.probe(now)
        backend.left(replica)
        self._dirty = self._dirty or len(self._queues) > 0
        route = candidate.route
        usage = Usage(job.input, request.cached, 0, job.output)
        self._answers += 1
        self._outputs += job.output
        cost, nano = self._settle(job, route, usage)
        books, own = self.books, route.owned
        books.first_bytes[own].add(int(1000 * (work.began - request.at)))
        books.durations[own].add(int(1000 * (now - request.at)))
        books.answer(route.backend, candidate.reason, request.at, own, nano)
        books.assumed_price += route.guessed_price
        if not self._may_be_in(job, route):
            books.left += 1
        self._tell(request, route.backend, candidate.reason, cost)
        if self._dirty:
            self._wake()

    def _settle(self, job: Job, route: Route, usage: Usage) -> tuple[float, int]:
        request, decision = job.request, job.decision
        others = decision.alternatives
        exact, exact_other = compared(others, route, usage, job.sent)
        where = route.backend, decision.model, id(job.facts.key)
        cell = self._cells.get(where)
        if cell is None:
            cell = self._cells[where] = cell_of(route, decision.model, job.facts.key)
        cost, other = self._holding.costs.whole(cell, exact), self._holding.others.whole(cell, exact_other)
        done = Settlement(
            "",
            cell,
            request.at,
            usage,
            cost,
            other,
            error=False,
            eligible=others.eligible,
            local=route.owned,
            captive=others.captive,
        )
        self.books.settle(done)
        if others.eligible:
            self.slots.add(request.at, usage.total, other if route.owned else cost)
        hold = job.hold
        if hold is not None:
            self.counting.hold(hold, job.sides, -1)
            self.counting.use(hold.counters, route.owned, used_by(done))
            self._holding.bounds.learn(decision.model, job.facts.input_tokens, usage.input, usage.output)
        return exact, cost

    def _may_be_in(self, job: Job, route: Route) -> bool:
        """By what decided, by the level and tags that were recorded alone, and by what was in force."""
        request = job.request
        if route.zone not in job.decision.permitted or self._keeps(request, route):
            return False
        return not (request.level or request.tags) or self._is_labelled_for(request, route)

    def _is_labelled_for(self, request: RecordedRequest, route: Route) -> bool:
        plan = self.plan
        section = plan.policy.sensitivity
        if section is None:
            return True
        if request.level in plan.levels and route.zone not in plan.level_zones[plan.levels.index(request.level)]:
            return False
        return all(route.zone in section.tags[tag] for tag in request.tags if tag in section.tags)

    def _refuse(self, job: Job, code: str) -> None:
        self.books.refuse(code, job.request.at)
        if job.hold is not None:
            self.counting.hold(job.hold, job.sides, -1)
        self._tell(job.request, "", code, 0.0)

    # --- units

    def _want(self, name: str) -> None:
        if name in self.units:
            self._wanted[name] = self._wanted.get(name, 0)
            self.units[name].asked = True
            self.units[name].soon()

    def _step_due(self, name: str) -> None:
        """A look at what one backend's units could have served, and a step of them, as far as these are due."""
        units, now = self.units[name], self.time.now
        if units.looks:
            units.look(self._demand(units))
        changed = units.steps and self._step(units)
        if name in self.meters and units.saves_rent and (changed or now >= self._rent_at.get(name, 0.0)):
            self._rent_at[name] = now + LOOK_SECONDS
            self.meters[name].switched(units.state, now)
        self._wake()

    def _step(self, units: PoweredUnits) -> bool:
        """Whether it was one to another phase, or gave a command."""
        backend, known = self.backends[units.name], units.state
        waiting = self._wanted.get(units.name, 0) or int(units.asked)
        units.asked = False
        before = units.answering
        power = units.step(backend.inflight, waiting, self._turn(units))
        if before and units.present < before and not units.state.serves:
            self._cut(backend)
        backend.told(power, units.answering)
        seen = known.phase, known.costing, known.claim
        if units.card is not None and seen != (units.state.phase, units.state.costing, units.state.claim):
            for other in self._by_rent:
                if other.card == units.card and other is not units:
                    other.soon()
        return units.changed

    def _demand(self, units: PoweredUnits) -> Demand:
        """A backend sees what those with a lower rent, or named before it, cannot serve."""
        left: dict[str, float] = {}
        for each in self._by_rent:
            if each is units:
                break
            left |= {model: left.get(model, 1.0) * each.leaves for model in each.models}
        hour = int(self.time.now // HOUR)
        first = int(min(units.counted_at or self.time.now, self.time.now) // HOUR) - 1
        totals = {each: self.books.hours.get(each, {}) for each in range(first, hour + 1)}
        share = share_left(totals, units.models, left) if left else 1.0
        return demand_of(units.counted, totals, units.models, units.counted_for(), share)

    def _turn(self, units: PoweredUnits) -> Turn:
        if units.card is None:
            return ALONE
        return turn_of(units.name, {n: each.now for n, each in self.units.items() if each.card == units.card})

    def _cut(self, backend: SimulatedBackend) -> None:
        """What still ran when its units went."""
        for work in backend.stop():
            self._inflight -= 1
            self.books.cut += 1
            self._refuse(work.about, CUT)

    def _look_at_rent(self, _: None) -> None:
        for name, meter in self.meters.items():
            if self._is_always_on(name):
                meter.always_on(self.time.now, busy=self.backends[name].inflight > 0)
        self.time.at(self.time.now + LOOK_SECONDS, self._look_at_rent)


def _code(verdict: Verdict, now: float, periods: Periods) -> str:
    return refusal_of(verdict, now, periods, "max_tokens").code


def _with_candidates(decision: Decision, candidates: tuple[Candidate, ...]) -> Decision:
    return replace(decision, candidates=candidates)
