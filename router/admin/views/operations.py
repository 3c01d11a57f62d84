"""What runs and how: backends, workers, the ledger, budgets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeVar

from router.admin.answers.backends import BackendReport, Circuit
from router.admin.answers.budgets import Budgets
from router.admin.answers.operations import LedgerReport, Operations
from router.admin.answers.outcome import Health
from router.admin.answers.power import PowerOrdered, PowerReport
from router.admin.answers.spend import Figures
from router.admin.errors import ApiError, ledger_lost
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.keys.foreign_names import foreign_names
from router.admin.ledger_session import timezone_of
from router.admin.request_types import PowerOrder
from router.admin.sources.interface import Course, Seen
from router.admin.views.spend import figures_of
from router.core.cost.volume import day_of
from router.core.power.terms import Order
from router.core.resilience.worker_status import count_versions
from router.core.values import Plan
from router.ledger.errors import LedgerUnavailable
from router.ledger.reports.account import owned_zones, read_account
from router.ledger.reports.totals_by_dimension import Look
from router.upstream.probes import PROBES

N = TypeVar("N", int, float)
State = Literal["healthy", "degraded", "unhealthy", "off", "unknown"]
SHOWN_CHANGES = 50
TOGETHER_SECONDS = 2.0
"""Workers hear of an opened circuit within so long."""


async def health(control: HandlerContext, ask: HandlerRequest) -> Health:
    return Health()


async def budgets(control: HandlerContext, ask: HandlerRequest) -> Budgets:
    book = control.sources.budgets
    try:
        if ask.asker.teams is None:
            return Budgets(list(await book.uses(control.clock())), book.available)
        return Budgets(list(await book.uses_of(await _own_scopes(control, ask), control.clock())), book.available)
    except LedgerUnavailable as error:
        raise ledger_lost(error) from None


async def _own_scopes(control: HandlerContext, ask: HandlerRequest) -> frozenset[str]:
    """The teams that whoever asks sees, and their keys, less what is another team's name, too. Raises ApiError."""
    async with control.books.open() as report:
        stored = await report.stored_keys()
    owners = [(key.team, key.name) for key in control.desk.plan.policy.keys]
    owners += [(key.team, key.name) for key in stored]
    own = {name for team, name in owners if ask.asker.sees(team)} - await foreign_names(control, ask.asker, owners)
    return frozenset({*(f"team:{team}" for team in ask.asker.teams or ()), *(f"key:{name}" for name in own)})


async def backends(control: HandlerContext, ask: HandlerRequest) -> Operations:
    """Answers while the ledger is lost, too: that is when it is looked at."""
    return await operations_of(control)


async def operations_of(control: HandlerContext) -> Operations:
    plan, sources = control.desk.plan, control.sources
    why = await control.books.why_lost()
    used = {} if why else await _used_today(control, plan)
    units: Mapping[str, PowerReport] = {}
    try:
        statuses = await sources.workers.statuses()
        units = await sources.power.units() if switched(plan) else {}
    except LedgerUnavailable as error:
        why, statuses = why or str(error), ()
    courses = await sources.meters.courses()
    live = [status for status in statuses if not status.report.silent]
    return Operations(
        backends=[
            backend_report(
                plan,
                name,
                [status.backends[name] for status in live if name in status.backends],
                used.get(name, Figures()),
                courses.get(name, Course()),
                power=units.get(name),
                unlisted=sources.models.unlisted.get(name, ()),
            )
            for name in plan.policy.backends
        ],
        workers=[status.report for status in statuses],
        reporting=bool(live),
        overhead=await sources.meters.overhead(),
        window_seconds=sources.meters.window,
        policies=count_versions(status.report.policy for status in live),
        ledger=LedgerReport(not why, why),
        policy=control.desk.state(),
    )


async def _used_today(control: HandlerContext, plan: Plan) -> dict[str, Figures]:
    """Today's figures by backend; nothing when the ledger is lost just now."""
    try:
        async with control.books.open() as report:
            timezone = await timezone_of(report, plan.policy.cost.timezone)
            today = day_of(control.clock(), timezone)
            owned = await owned_zones(report, plan.policy)
            account, _ = await read_account(report, [today], Look(names=False), today, owned)
    except ApiError:
        return {}
    rents = {name: net.rent for name, net in account.by(lambda row: row.cell.backend).items()}
    rows = account.rows[0]
    return {name: figures_of([r for r in rows if r.cell.backend == name], owned, rent) for name, rent in rents.items()}


def switched(plan: Plan) -> frozenset[str]:
    """Backends whose units are switched."""
    return frozenset(name for name, backend in plan.policy.backends.items() if backend.power is not None)


async def order_power(control: HandlerContext, ask: HandlerRequest) -> PowerOrdered:
    given: PowerOrder = ask.body
    if given.backend not in switched(control.desk.plan):
        raise ApiError(400, "unknown_backend", f"the policy has no backend {given.backend!r} with a power section")
    try:
        power = (await control.sources.power.units()).get(given.backend)
        old, new = {"order": "auto" if power is None else power.order}, {"order": given.order}
        async with control.audit.changing(ask.asker.actor, "power.order", given.backend, old=old, new=new):
            await control.sources.power.order(given.backend, Order(given.order), ask.asker.name)
    except LedgerUnavailable as error:
        raise ledger_lost(error) from None
    return PowerOrdered(given.backend, given.order)


def backend_report(
    plan: Plan,
    name: str,
    seen: Sequence[Seen],
    used: Figures,
    course: Course,
    *,
    power: PowerReport | None = None,
    unlisted: Sequence[str] = (),
) -> BackendReport:
    backend = plan.policy.backends[name]
    probed = seen if backend.kind in PROBES else ()
    bad = [each for each in seen if not each.healthy]
    off = [each.off for each in seen if each.off]
    full = [each for each in seen if each.full]
    changes = [change for each in seen for change in each.changes]
    return BackendReport(
        name=name,
        zone=backend.zone,
        local=plan.policy.zones[backend.zone].owned,
        kind=backend.kind,
        state=state_of(seen),
        why=bad[0].why if bad else off[0] if off else "",
        full=bool(full),
        load=full[0].load if full else "",
        waiting=_most(each.waiting for each in probed),
        running=_most(each.running for each in probed),
        kv_cache=_most(each.kv_cache for each in probed),
        inflight=sum(each.inflight for each in seen),
        openings=openings_of(changes)[:SHOWN_CHANGES],
        changes=latest(changes)[:SHOWN_CHANGES],
        replicas=[replica for each in seen for replica in each.replicas],
        requests=used.requests,
        errors=used.errors,
        error_rate=used.errors / used.requests if used.requests else None,
        retry_rate=course.retry_rate,
        latency=course.latency,
        first_byte=course.first_byte,
        recent_requests=course.requests,
        recent_error_rate=course.error_rate,
        power=power,
        unlisted=list(unlisted),
    )


def latest(changes: Iterable[Circuit]) -> list[Circuit]:
    return sorted(changes, key=lambda each: each.at, reverse=True)


def openings_of(changes: Iterable[Circuit]) -> list[float]:
    """When circuits opened, latest first. Workers tell each other, so theirs open together: that counts once."""
    found: list[float] = []
    for change in latest(changes):
        if change.state == "open" and (not found or found[-1] - change.at > TOGETHER_SECONDS):
            found.append(change.at)
    return found


def state_of(seen: Sequence[Seen]) -> State:
    if not seen:
        return "unknown"
    if all(each.off for each in seen):
        return "off"
    healthy = sum(each.healthy for each in seen)
    if healthy == len(seen):
        return "healthy"
    return "degraded" if healthy else "unhealthy"


def _most(values: Iterable[N | None]) -> N | None:
    """Every worker sees the same backend; the highest figure is the latest one that matters."""
    return max((value for value in values if value is not None), default=None)
