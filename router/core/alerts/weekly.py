"""The report of a week: what it has, when it is due, and what there is to decide.

Savings are net = cloud alone - bought - rent, as `core.cost.net` has them: the same as on "Worth it?".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from router.core.alerts.gpu import GpuNet
from router.core.cost.net import Net
from router.core.cost.verdict import verdict
from router.core.cost.worth import dollars
from router.core.money import in_usd

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LATE_HOURS = 12
"""A gateway that was off at the time sends it within so long; later nobody waits for it."""
_NEAR = 0.8
_MOST_NEAR = 10
"""Budgets that are named."""
_WORTH_TELLING = 1.0
"""USD."""


class TeamWeek(Struct, frozen=True):
    """USD; `team` comes from outside."""

    team: str
    requests: int
    bought: float
    rent: float
    """Its share of the rent of units that worked."""
    bought_before: float
    """In the week before."""


class NearLimit(Struct, frozen=True):
    name: str
    share: float


class Week(Struct, frozen=True, kw_only=True):
    first: str
    last: str
    """Local dates of its first and last day."""
    requests: int
    net: Net
    """In nano-USD."""
    before: Net
    """Of the week before."""
    teams: Sequence[TeamWeek] = ()
    """Dearest first."""
    gpus: Sequence[GpuNet] = ()
    hours_on: Sequence[tuple[str, float]] = ()
    """Of each own backend, over all of its units."""
    near: Sequence[NearLimit] = ()
    """Limits, fullest first."""
    past_gpu: str = ""
    """What was bought past a GPU whose rent ran, in a sentence; empty where nothing was."""
    refused_edit: bool = False

    @property
    def sentence(self) -> str:
        return verdict("last week", self.net)

    @property
    def beside_before(self) -> str:
        """How it compares, in a sentence; empty where there is nothing to compare with."""
        now, then = in_usd(self.net.bought + self.net.rent), in_usd(self.before.bought + self.before.rent)
        if not then:
            return ""
        change = now - then
        more = "more" if change >= 0 else "less"
        return f"That is {dollars(abs(change))} {more} than in the week before ({dollars(then)})."


def due(day: str, hour: int, now: float, zone: ZoneInfo) -> str:
    """The local date on which the report is sent that is due now; empty when none is."""
    local = datetime.fromtimestamp(now, zone)
    back = (local.weekday() - DAYS.index(day)) % 7
    date = (local - timedelta(days=back)).date()
    at = datetime(date.year, date.month, date.day, hour, tzinfo=zone).timestamp()
    return date.isoformat() if at <= now < at + LATE_HOURS * 3600 else ""


def to_decide(week: Week) -> list[str]:
    """One sentence for each thing that somebody can do something about; empty when there is none."""
    return list(_decisions(week))


def _decisions(week: Week) -> Iterator[str]:
    for gpu in week.gpus:
        net = gpu.net.net
        if net is not None and in_usd(net) <= -_WORTH_TELLING:
            kept = f" {gpu.could_not_leave:,} requests could not leave and needed it." if gpu.could_not_leave else ""
            yield (
                f"{gpu.backend} lost {dollars(-in_usd(net))}: keep it off, let the policy switch it (`power`), or send"
                f" it more of the traffic.{kept}"
            )
    if week.past_gpu:
        yield week.past_gpu
    for limit in week.near[:_MOST_NEAR]:
        if limit.share >= _NEAR:
            yield f"{limit.name} is {limit.share:.0%} used: raise it, or let it end there."
    if week.refused_edit:
        yield "The policy's file was not taken over: `breakeven check` says what is wrong with it."


def text_of(week: Week) -> str:
    """For people, in plain text."""
    lines = [f"{week.sentence} {week.beside_before}".strip(), ""]
    decide = to_decide(week)
    lines += ["To decide:", *(f"- {each}" for each in decide)] if decide else ["There is nothing to decide."]
    if week.teams:
        lines += ["", "By team:"]
        lines += [
            f"- {each.team}: {dollars(each.bought + each.rent)}, {each.requests:,} requests" for each in week.teams
        ]
    if week.hours_on:
        lines += ["", "Hours on:", *(f"- {name}: {hours:,.1f} h" for name, hours in week.hours_on)]
    return "\n".join(lines)
