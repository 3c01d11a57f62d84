"""Alerts over HTTP: what fires, what was told, how it goes with each target, and a test of one."""

from __future__ import annotations

import secrets

from router.admin.alerts.answers import (
    AlertsAnswer,
    BackendHours,
    FiringAlert,
    TargetReport,
    TeamReport,
    TestAlert,
    Tested,
    ToldAlert,
    WeekAnswer,
)
from router.admin.alerts.books import AlertBooks, read_reports
from router.admin.alerts.targets.registry import sender_of
from router.admin.alerts.targets.target import NotDelivered
from router.admin.alerts.week import Weeks
from router.admin.errors import ApiError, ledger_lost
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.core.alerts.notices import Message, Notice
from router.core.alerts.observation import CONDITIONS
from router.core.alerts.policy import Alerts
from router.core.alerts.routes import targets_of
from router.core.alerts.states import Alert, Phase
from router.core.alerts.weekly import Week, to_decide
from router.core.money import in_usd
from router.ledger.alerts import AlertBook, LaneReport
from router.ledger.errors import LedgerUnavailable

SHOWN = 100


async def alerts(control: HandlerContext, ask: HandlerRequest) -> AlertsAnswer:
    """Answers while the ledger is lost, too: that is when it is looked at."""
    given = control.desk.plan.policy.alerts
    books, why = await _readable(control.alerts)
    kept: list[Alert] = []
    told: list[Notice] = []
    for book in books:
        kept += (await book.look()).kept.values()
        told += await book.told(SHOWN)
    reports = await read_reports(books, given.targets if given else ())
    firing = [each for each in kept if each.phase in (Phase.FIRING, Phase.SETTLING)]
    return AlertsAnswer(
        on=given is not None,
        ledger=why,
        firing=[_firing(each) for each in sorted(firing, key=lambda each: -each.fired)],
        history=[_told(each) for each in sorted(told, key=lambda each: -each.at)[:SHOWN]],
        targets=[_target(name, given, found) for name, found in reports.items()] if given else [],
    )


async def _readable(books: AlertBooks) -> tuple[list[AlertBook], str]:
    """Those that can be read, and why the ledger's cannot."""
    try:
        await books.ledger.look()
    except LedgerUnavailable as error:
        return [books.local], str(error)
    return [books.ledger, books.local], ""


def _firing(alert: Alert) -> FiringAlert:
    return FiringAlert(
        condition=alert.condition,
        subject=alert.subject,
        severity=alert.severity,
        title=alert.title,
        text=alert.text,
        since=alert.fired,
        settling=alert.phase is Phase.SETTLING,
    )


def _told(notice: Notice) -> ToldAlert:
    return ToldAlert(
        at=notice.at,
        state=notice.state,
        condition=notice.condition,
        subject=notice.subject,
        severity=notice.severity,
        title=notice.title,
        text=notice.text,
    )


def _target(name: str, alerts: Alerts, report: LaneReport) -> TargetReport:
    target = alerts.targets[name]
    return TargetReport(
        name=name,
        kind=target.kind,
        conditions=[each for each in CONDITIONS if name in targets_of(each, alerts)],
        quiet=target.quiet,
        delivered=report.delivered or None,
        failed=report.failed or None,
        failures=report.failures,
        why=report.why if report.failures else "",
        waiting=report.waiting,
        dropped=report.dropped,
        dropped_why=report.dropped_why,
    )


async def test(control: HandlerContext, ask: HandlerRequest) -> Tested:
    """Sends one message now, beside all that waits."""
    given: TestAlert = ask.body
    policy, now = control.desk.plan.policy, control.clock()
    try:
        sender = sender_of(given.target, policy, control.clock)
    except KeyError:
        raise ApiError(400, "unknown_target", f"the policy has no target {given.target!r} of alerts") from None
    # Not a change, and wanted most while the ledger is lost: it may be noted afterwards.
    await control.audit.later(ask.asker.actor, "alert.test", given.target)
    id = secrets.token_hex(16)
    notice = Notice(
        id=f"{id}-test",
        at=now,
        state="test",
        condition="test",
        severity="warning",
        subject=given.target,
        title="A test of this target",
        text="Nothing is wrong: somebody has pressed the button on the dashboard.",
        since=now,
    )
    try:
        await sender.send(Message(id, now, [notice]))
    except NotDelivered as error:
        return Tested(given.target, False, str(error))
    return Tested(given.target, True)


async def report(control: HandlerContext, ask: HandlerRequest) -> WeekAnswer:
    plan = control.desk.plan
    weeks = Weeks(control.books, control.sources.budgets)
    try:
        week = await weeks.last(plan, control.clock(), refused_edit=not control.desk.state().reload.adopted)
    except LedgerUnavailable as error:
        raise ledger_lost(error) from None
    given = plan.policy.alerts
    return answer_of(week, "" if given is None or given.report is None else given.report.day)


def answer_of(week: Week, sent: str) -> WeekAnswer:
    net = week.net
    return WeekAnswer(
        first=week.first,
        last=week.last,
        sentence=week.sentence,
        compared=week.beside_before,
        requests=week.requests,
        cloud_alone_usd=None if net.cloud_alone is None else in_usd(net.cloud_alone),
        bought_usd=in_usd(net.bought),
        rent_usd=in_usd(net.rent),
        net_usd=None if net.net is None else in_usd(net.net),
        teams=[
            TeamReport(
                team=each.team,
                requests=each.requests,
                bought_usd=each.bought,
                rent_usd=each.rent,
                bought_before_usd=each.bought_before,
            )
            for each in week.teams
        ],
        hours_on=[BackendHours(name, hours) for name, hours in week.hours_on],
        decide=to_decide(week),
        sent=sent,  # type: ignore[arg-type]
    )
