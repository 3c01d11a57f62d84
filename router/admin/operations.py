"""What runs and how: backends, workers, the ledger, budgets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeVar

from router.admin.answers import BackendReport, Budgets, Figures, Health, LedgerReport, Operations
from router.admin.books import timezone_of
from router.admin.control import Ask, Control
from router.admin.errors import ApiError, ledger_lost
from router.admin.sources import Course, Seen
from router.admin.spend import figures_of, owned_zones
from router.core.values import Plan
from router.core.volume import day_of
from router.ledger.errors import LedgerUnavailable
from router.ledger.sums import Look

N = TypeVar("N", int, float)
State = Literal["healthy", "degraded", "unhealthy", "unknown"]


async def health(control: Control, ask: Ask) -> Health:
    return Health()


async def budgets(control: Control, ask: Ask) -> Budgets:
    book = control.sources.budgets
    try:
        return Budgets(list(await book.uses(control.clock())), book.available)
    except LedgerUnavailable as error:
        raise ledger_lost(error) from None


async def backends(control: Control, ask: Ask) -> Operations:
    """Answers while the ledger is lost, too: that is when it is looked at."""
    return await operations_of(control)


async def operations_of(control: Control) -> Operations:
    plan, sources = control.desk.plan, control.sources
    why = await control.books.why_lost()
    used = {} if why else await _used_today(control, plan)
    try:
        statuses = await sources.workers.statuses()
        openings = await sources.workers.openings()
        courses, overhead = await sources.meters.courses(), await sources.meters.overhead()
    except LedgerUnavailable as error:
        why, statuses, openings, courses, overhead = why or str(error), (), {}, {}, None
    return Operations(
        backends=[
            backend_report(
                plan,
                name,
                [status.backends[name] for status in statuses if name in status.backends],
                openings.get(name, ()),
                used.get(name, Figures()),
                courses.get(name, Course()),
            )
            for name in plan.policy.backends
        ],
        workers=[status.report for status in statuses],
        reporting=bool(statuses),
        overhead=overhead,
        ledger=LedgerReport(not why, why),
        policy=control.desk.state(),
    )


async def _used_today(control: Control, plan: Plan) -> dict[str, Figures]:
    """Today's figures by backend; nothing when the ledger is lost just now."""
    try:
        async with control.books.open() as report:
            timezone = await timezone_of(report, plan.policy.cost.timezone)
            today = day_of(control.clock(), timezone)
            (tally,) = await report.days_by(Look(), [today], today)
    except ApiError:
        return {}
    owned = owned_zones(plan)
    names = {row.cell.backend for row in tally.rows}
    return {name: figures_of([r for r in tally.rows if r.cell.backend == name], owned) for name in names}


def backend_report(
    plan: Plan, name: str, seen: Sequence[Seen], openings: Sequence[float], used: Figures, course: Course
) -> BackendReport:
    backend = plan.policy.backends[name]
    bad = [each for each in seen if not each.healthy]
    full = [each for each in seen if each.full]
    return BackendReport(
        name=name,
        zone=backend.zone,
        local=plan.policy.zones[backend.zone].owned,
        kind=backend.kind,
        state=state_of(seen),
        why=bad[0].why if bad else "",
        full=bool(full),
        load=full[0].load if full else "",
        waiting=_most(each.waiting for each in seen),
        running=_most(each.running for each in seen),
        kv_cache=_most(each.kv_cache for each in seen),
        openings=list(openings),
        requests=used.requests,
        errors=used.errors,
        error_rate=used.errors / used.requests if used.requests else None,
        retry_rate=course.retry_rate,
        latency=course.latency,
        first_byte=course.first_byte,
    )


def state_of(seen: Sequence[Seen]) -> State:
    if not seen:
        return "unknown"
    healthy = sum(each.healthy for each in seen)
    if healthy == len(seen):
        return "healthy"
    return "degraded" if healthy else "unhealthy"


def _most(values: Iterable[N | None]) -> N | None:
    """Every worker sees the same backend; the highest figure is the latest one that matters."""
    return max((value for value in values if value is not None), default=None)
