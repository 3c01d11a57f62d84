"""Request records, and the decision behind one of them, explained as `breakeven explain` does."""

from __future__ import annotations

import asyncio
from functools import partial

from msgspec.structs import replace

from router.admin.answers.requests import Explanation, RequestDetail, Requests
from router.admin.errors import ApiError, ledger_lost
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.ledger_session import timezone_of
from router.admin.record_type import shown
from router.admin.request_types import RequestsQuery
from router.admin.sources.interface import Page
from router.admin.views.breakeven import price_now
from router.config.dry_run import NOBODY, grant_named
from router.core.cost.preference import Side
from router.core.cost.volume import hour_of_day, seen_in
from router.core.decision.decide import decide
from router.core.decision.explain import explain, explain_data
from router.core.values import Decision, Facts, KeyGrant, Label, Mixture, Plan, Snapshot
from router.ledger.errors import LedgerUnavailable
from router.ledger.record import Record

ASSUMED = (
    "Records hold no content: what the request said of its sensitivity and what detectors found are one label here.",
    "Every backend is taken to have been healthy and free.",
    "The volume and the price of the traffic are the present ones.",
)
OTHER_POLICY = "The policy that was in force then is not known any more: the explanation is by the one in force now."
KEY_GONE = "Its key is not in the policy any more: one that allows everything is taken instead."


async def requests(control: HandlerContext, ask: HandlerRequest) -> Requests:
    records = control.sources.records
    page = await page_of(control, ask)
    return Requests(
        requests=[shown(each) for each in page.records],
        before=page.before,
        available=records.available,
        looked_back_to=page.reached or None,
        dimensions=list(control.desk.plan.policy.ledger.dimensions),
    )


async def page_of(control: HandlerContext, ask: HandlerRequest) -> Page:
    """What is searched for beyond the newest records is looked for in a process of its own."""
    query: RequestsQuery = ask.query
    records = control.sources.records
    try:
        page = await records.page(query)
        if page.before is None or len(page.records) >= query.limit:
            return page
        rest = replace(query, before=page.before, limit=query.limit - len(page.records))
        found = await control.aside.run(partial(records.search, rest))
        return Page([*page.records, *found.records], found.before, found.reached)
    except LedgerUnavailable as error:
        raise ledger_lost(error) from None


async def request(control: HandlerContext, ask: HandlerRequest) -> RequestDetail:
    id = ask.request.match_info["id"]
    try:
        record = await control.sources.records.find(id)
    except LedgerUnavailable as error:
        raise ledger_lost(error) from None
    if record is None:
        raise ApiError(404, "unknown_request", "no record of this request is kept (any more)")
    return await detail_of(control, record)


async def detail_of(control: HandlerContext, record: Record) -> RequestDetail:
    desk = control.desk
    decided_by = desk.history.at(record.at)
    plan = await asyncio.to_thread(desk.plan_of_version, decided_by) if decided_by else None
    assumed = list(ASSUMED) if plan is not None else [*ASSUMED, OTHER_POLICY]
    plan = plan or desk.plan
    if grant_named(plan, record.key) is None and plan.keys:
        assumed.append(KEY_GONE)
    facts = facts_of(record, plan)
    decision = decide(facts, plan, await _snapshot(control, plan, record))
    return RequestDetail(
        record=shown(record),
        explanation=explanation_of(decision, facts, plan),
        decided_by=decided_by,
        in_force=desk.plan.version,
        agrees=_agrees(record, decision),
        assumed=assumed,
    )


def facts_of(record: Record, plan: Plan) -> Facts:
    """What the record tells of the request."""
    level = record.level or None
    labels = (Label(level, tuple(record.tags), "record"),) if level or record.tags else plan.default_labels
    return Facts(
        endpoint=record.endpoint or "chat",
        model=record.model,
        key=_key(record, plan),
        labels=labels,
        input_tokens=record.input,
        max_output_tokens=None,
        modalities=frozenset({"text"}),
    )


def _key(record: Record, plan: Plan) -> KeyGrant:
    return grant_named(plan, record.key) or NOBODY


async def _snapshot(control: HandlerContext, plan: Plan, record: Record) -> Snapshot:
    try:
        async with control.books.open() as report:
            timezone = await timezone_of(report, plan.policy.cost.timezone)
            seen = seen_in(await report.volume(), plan.policy.cost.window, control.clock(), timezone)
            hour = hour_of_day(record.at, timezone)
            price = await price_now(report, control.clock())
            return Snapshot({}, seen=seen, previous=_side(record, plan), hour=hour, at=record.at, cloud_price=price)
    except ApiError:
        return Snapshot({}, seen=Mixture(), previous=_side(record, plan), at=record.at)


def _side(record: Record, plan: Plan) -> Side:
    """Where it went is the best guess at what was preferred."""
    zone = plan.policy.zones.get(record.zone)
    return Side.LOCAL if zone is not None and zone.owned else Side.CLOUD


def _agrees(record: Record, decision: Decision) -> bool:
    if decision.refusal is not None:
        return record.kind == "refused" and record.reason == decision.refusal.code
    first = (decision.candidates or decision.waiting)[0]
    return first.route.backend == record.backend


def explanation_of(decision: Decision, facts: Facts, plan: Plan) -> Explanation:
    data = explain_data(decision, facts, plan)
    named = {each["backend"] for each in data["backends"]}
    return Explanation(
        text=explain(decision, facts, plan),
        decision=data,
        not_backends_of_the_model=[name for name in plan.policy.backends if name not in named],
    )
