"""The break-even: `core` computes it, this brings it what the ledger has seen."""

from __future__ import annotations

from router.admin.answers.break_even import BreakEvenAnswer, Share, Term
from router.admin.answers.spend import Lines
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.ledger_session import HOUR_SECONDS, timezone_of
from router.core.cost.breakeven import (
    MIX_COUNTS_FROM,
    Shares,
    break_even,
    break_even_at,
    price_of_traffic,
    shares,
)
from router.core.cost.order import volume_bands
from router.core.cost.passed_by import PassedBy, past_gpu_sentence, sent_past
from router.core.cost.preference import BreakEven
from router.core.cost.strategies import STRATEGIES
from router.core.cost.volume import seen_in
from router.core.cost.worth import sentence, worth
from router.core.policy import Cost, Window
from router.core.values import Mixture, Plan, Rates, Row, Snapshot
from router.ledger.reports.totals import Report
from router.ledger.reports.totals_by_dimension import Look

_PRICE = "Cloud price of the requests of the last 24 hours, each at its own cheapest route"
FORMULA = "N* = F / (c - v), with c = share_input·p_input + share_cached·p_cached + share_output·p_output"

_BY_BACKEND = Look(("backend",), names=False)


async def breakeven(control: HandlerContext, ask: HandlerRequest) -> BreakEvenAnswer:
    plan, now = control.desk.plan, control.clock()
    async with control.books.open() as report:
        timezone = await timezone_of(report, plan.policy.cost.timezone)
        buckets = await report.volume()
        rows = await last_day(report, now)
    windows: tuple[Window, ...] = ("today", "trailing_24h", plan.policy.cost.window)
    today, trailing, window = (seen_in(buckets, each, now, timezone) for each in windows)
    return answer_of(
        plan=plan,
        today=today,
        trailing=trailing,
        window=window,
        now=now,
        past=sent_past(plan, rows),
        price=price_of_traffic(rows),
    )


async def price_now(report: Report, now: float) -> float | None:
    """`price_of_traffic` of the last 24 hours, as routing takes it."""
    return price_of_traffic(await last_day(report, now))


async def last_day(report: Report, now: float) -> list[Row]:
    """Of the 24 hours up to the present one."""
    hour = int(now // HOUR_SECONDS)
    return [row for tally in await report.hours_by(_BY_BACKEND, range(hour - 23, hour + 1), hour) for row in tally.rows]


async def line_to_draw(plan: Plan, report: Report, now: float) -> Lines:
    """The threshold, the break-even of the real mix, and the capacity, in tokens a day."""
    cost = plan.policy.cost
    timezone = await timezone_of(report, cost.timezone)
    mix = shares(seen_in(await report.volume(), cost.window, now, timezone), cost.mix)
    terms = terms_of(plan, mix, now, await price_now(report, now))
    return Lines(
        threshold_tokens_per_day=_threshold(cost),
        break_even_tokens_per_day=None if terms is None else terms.tokens_per_day,
        capacity_tokens_per_day=plan.gpu.capacity_tokens_per_day,
    )


def terms_of(plan: Plan, mix: Shares, now: float, price: float | None = None) -> BreakEven | None:
    """At the price of the traffic, or, where that is not known, the prices of `now`; None when no model is served by
    both sides."""
    cloud = plan.cloud_reference.at(now)
    if cloud is None:
        return None
    return break_even(plan.gpu, cloud, mix) if price is None else break_even_at(plan.gpu, price)


def _threshold(cost: Cost) -> int | None:
    return cost.threshold_tokens_per_day if STRATEGIES[cost.strategy].takes_threshold else None


def answer_of(
    plan: Plan,
    today: Mixture,
    trailing: Mixture,
    window: Mixture,
    now: float,
    past: PassedBy | None = None,
    price: float | None = None,
) -> BreakEvenAnswer:
    """`price` is that of the traffic, see `price_of_traffic`. The mix is that of the window which the policy's strategy
    looks at."""
    cost, gpu = plan.policy.cost, plan.gpu
    mix = shares(window, cost.mix)
    terms = terms_of(plan, mix, now, price)
    at_volume = None if terms is None else worth(terms, trailing.total)
    band = volume_bands(plan)(Snapshot({}, seen=window, at=now, cloud_price=price))
    return BreakEvenAnswer(
        sentence=sentence(terms, trailing.total),
        past_gpu=past_gpu_sentence(plan, past, now),
        fixed_usd_per_day=gpu.fixed_usd_per_day,
        cloud_usd_per_million=None if terms is None else terms.cloud_usd_per_million,
        local_usd_per_million=gpu.variable_usd_per_million,
        break_even_tokens_per_day=None if terms is None else terms.tokens_per_day,
        reachable=terms is not None and terms.reachable,
        capacity_tokens_per_day=gpu.capacity_tokens_per_day,
        load=trailing.total / gpu.capacity_tokens_per_day if gpu.capacity_tokens_per_day else None,
        today_tokens=today.total,
        trailing_tokens=trailing.total,
        window=cost.window,
        window_tokens=window.total,
        mix=Share(mix.input, mix.cached, mix.output),
        mix_is_assumed=window.total < MIX_COUNTS_FROM,
        gpu_usd_per_day=gpu.fixed_usd_per_day if at_volume is None else at_volume.gpu_usd_per_day,
        cloud_usd_per_day=None if at_volume is None else at_volume.cloud_usd_per_day,
        strategy=cost.strategy,
        threshold_tokens_per_day=_threshold(cost),
        band=None if band is None else str(band),
        formula=FORMULA,
        price_is_assumed=price is None,
        terms=_terms(plan.cloud_reference.at(now) if price is None else None, plan, terms, mix),
    )


def _terms(rates: Rates | None, plan: Plan, terms: BreakEven | None, mix: Shares) -> list[Term]:
    known = (
        []
        if rates is None
        else [
            Term("p_input", "Cloud price of uncached input", rates.input, "USD per million tokens"),
            Term("p_cached", "Cloud price of cached input", rates.cached_input, "USD per million tokens"),
            Term("p_output", "Cloud price of output", rates.output, "USD per million tokens"),
        ]
    )
    price = None if terms is None else terms.cloud_usd_per_million
    return [
        Term("F", "Fixed cost of the own GPUs", plan.gpu.fixed_usd_per_day, "USD per day"),
        Term("c", _PRICE if rates is None else "Blended cloud price", price, "USD per million tokens"),
        Term("v", "Variable cost of the own GPUs", plan.gpu.variable_usd_per_million, "USD per million tokens"),
        Term("share_input", "Uncached input, share of all tokens", mix.input, ""),
        Term("share_cached", "Cached input, share of all tokens", mix.cached, ""),
        Term("share_output", "Output, share of all tokens", mix.output, ""),
        *known,
        Term("N*", "Break-even", None if terms is None else terms.tokens_per_day, "tokens per day"),
    ]
