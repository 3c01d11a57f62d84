from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.limits.limits import (
    Budgets,
    Limit,
    OverBudget,
    Verdict,
    all_limits,
    limits_of,
    refusal_of,
    warning_of,
    with_teams,
)
from router.core.limits.measures import SETTINGS
from router.core.limits.periods import Periods
from router.core.policy import Budget, Policy
from router.core.values import KeyGrant, Permits
from tests.core.conftest import Make

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 13, 59, 37, tzinfo=BERLIN).timestamp()


def budget(**fields: Any) -> Budget:
    return Budget.model_validate(fields)


@pytest.fixture
def policy(make: Make) -> Callable[..., Policy]:
    return lambda **sections: make.plan(**sections).policy


# --- the limits of a request


def test_nothing_limits_a_request_unless_the_policy_or_the_key_does(make: Make, policy: Callable[..., Policy]) -> None:
    assert limits_of(policy(), make.key(), "chat") == ()
    assert limits_of(policy(teams={"other": {"budget": {"usd_per_day": 1}}, "search": {}}), make.key(), "chat") == ()


def test_all_keys_the_team_and_the_key_limit_a_request_in_this_order(make: Make, policy: Callable[..., Policy]) -> None:
    sections = {"budget": {"usd_per_month": 2000}, "teams": {"search": {"budget": {"tokens_per_day": 7, "soft": 0.5}}}}
    key = make.key("app", budget=budget(concurrent_requests=3, on_budget_exhausted="local_only"))
    assert limits_of(policy(**sections), key, "chat") == (
        Limit("global", "all", "", "usd", "month", 2_000_000_000_000),
        Limit("team:search", "all", "", "tokens", "day", 7, soft=0.5),
        Limit("key:app", "all", "", "concurrent", "", 3, spare_local=True),
    )


def test_the_keys_budget_is_the_grants_wherever_that_comes_from(make: Make, policy: Callable[..., Policy]) -> None:
    digest = "a" * 64
    listed = policy(keys=[{"name": "app", "sha256": digest, "budget": {"usd_per_day": 1}}])
    assert limits_of(listed, make.key("app"), "chat") == ()


def test_sides_and_models_have_limits_of_their_own(make: Make, policy: Callable[..., Policy]) -> None:
    amounts = {"requests_per_day": 1, "local": {"requests_per_day": 2}, "cloud": {"requests_per_day": 3}}
    key = make.key("app", budget=budget(**amounts, models={"chat": {**amounts, "requests_per_day": 4}, "best": {}}))
    limits = limits_of(policy(), key, "chat")
    assert [(limit.model, limit.side, limit.amount) for limit in limits] == [
        ("", "all", 1),
        ("", "local", 2),
        ("", "cloud", 3),
        ("chat", "all", 4),
        ("chat", "local", 2),
        ("chat", "cloud", 3),
    ]
    assert limits_of(policy(), key, "best") == limits[:3]


EVERYTHING = {
    "usd_per_minute": ("usd", "minute", 2_500_000_000),
    "usd_per_day": ("usd", "day", 2_500_000_000),
    "usd_per_month": ("usd", "month", 2_500_000_000),
    "tokens_per_minute": ("tokens", "minute", 2),
    "tokens_per_day": ("tokens", "day", 2),
    "tokens_per_month": ("tokens", "month", 2),
    "requests_per_minute": ("requests", "minute", 2),
    "requests_per_day": ("requests", "day", 2),
    "concurrent_requests": ("concurrent", "", 2),
}


def test_every_amount_becomes_a_limit(make: Make, policy: Callable[..., Policy]) -> None:
    given = {name: 2.5 if name.startswith("usd") else 2 for name in EVERYTHING}
    limits = limits_of(policy(), make.key(budget=budget(**given)), "chat")
    assert [(limit.measure, limit.period, limit.amount) for limit in limits] == list(EVERYTHING.values())
    assert [limit.field for limit in limits] == list(EVERYTHING)
    known = set(Budget.model_fields) - {"local", "cloud", "models", "soft", "on_budget_exhausted"}
    assert known == set(EVERYTHING)


def test_nothing_may_be_allowed(make: Make, policy: Callable[..., Policy]) -> None:
    (limit,) = limits_of(policy(), make.key(budget=budget(cloud={"usd_per_day": 0})), "chat")
    assert (limit.side, limit.amount) == ("cloud", 0)


@given(st.decimals(0, 9_000_000, places=10))
def test_money_is_rounded_down_to_whole_nano_usd(make: Make, usd: Decimal) -> None:
    written = float(usd)
    (limit,) = limits_of(make.plan().policy, make.key(budget=budget(usd_per_day=written)), "chat")
    assert limit.amount == (Decimal(str(written)) * 1_000_000_000).to_integral_value(ROUND_FLOOR)


@pytest.mark.parametrize(
    ("usd", "nano_usd"), [(0.57, 570_000_000), (4.35, 4_350_000_000), (0.0000000019, 1), (9e6, 9 * 10**15)]
)
def test_money_without_dust(make: Make, usd: float, nano_usd: int) -> None:
    (limit,) = limits_of(make.plan().policy, make.key(budget=budget(usd_per_day=usd)), "chat")
    assert limit.amount == nano_usd


def test_limits_are_remembered_by_key_and_model(make: Make, policy: Callable[..., Policy]) -> None:
    budgets = Budgets(policy(budget={"models": {"chat": {"usd_per_day": 1}}}))
    key = make.key("app")
    limits = budgets.of(key, "chat")
    assert len(limits) == 1
    assert budgets.of(key, "chat") is limits
    assert budgets.of(key, "best") == ()


def test_a_key_that_was_given_another_budget_has_other_limits(make: Make, policy: Callable[..., Policy]) -> None:
    budgets = Budgets(policy())
    assert budgets.of(make.key("app", budget=budget(usd_per_day=1)), "chat")[0].amount == 1_000_000_000
    assert budgets.of(make.key("app", budget=budget(usd_per_day=2)), "chat")[0].amount == 2_000_000_000
    assert budgets.of(make.key("app"), "chat") == ()


def test_what_is_remembered_has_an_end(make: Make, policy: Callable[..., Policy]) -> None:
    budgets = Budgets(policy(budget={"usd_per_day": 1}))
    first = budgets.of(make.key("app"), "chat")
    key = make.key("app")
    for number in range(10_000):
        budgets.of(key, str(number))
    assert budgets.of(key, "0") == first


# --- names


def limit(**changes: Any) -> Limit:
    fields: dict[str, Any] = {
        "scope": "key:search-app",
        "side": "all",
        "model": "",
        "measure": "usd",
        "period": "month",
        "amount": 200_000_000_000,
    }
    return Limit(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "name", "counter"),
    [
        ({}, "key search-app: usd_per_month", "key:search-app|all||usd"),
        ({"scope": "global", "side": "cloud"}, "global: usd_per_month (cloud)", "global|cloud||usd"),
        (
            {"scope": "team:a:b", "side": "local", "model": "chat", "measure": "tokens", "period": "day"},
            "team a:b: tokens_per_day (model chat, local)",
            "team:a:b|local|chat|tokens",
        ),
        (
            {"model": "chat", "measure": "concurrent", "period": ""},
            "key search-app: concurrent_requests (model chat)",
            "key:search-app|all|chat|concurrent",
        ),
    ],
)
def test_names_for_people_and_for_the_ledger(changes: dict[str, Any], name: str, counter: str) -> None:
    assert (limit(**changes).name, limit(**changes).counter) == (name, counter)


NAMES = st.text(alphabet="a|%7C25", max_size=6)


@given(st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES))
def test_names_never_share_a_counter(one: tuple[str, str], other: tuple[str, str]) -> None:
    counters = [limit(scope=f"key:{key}", model=model).counter for key, model in (one, other)]
    assert (counters[0] == counters[1]) == (one == other)
    assert all(counter.count("|") == 3 for counter in counters)


# --- refusals


def refused(used: int, held: int, asked: int, **changes: Any) -> OverBudget:
    return refusal_of(Verdict(limit(**changes), used, held, asked), NOW, Periods(BERLIN), "max_tokens")


def test_a_month_that_is_spent() -> None:
    refusal = refused(198_200_000_000, 1_950_000_000, 2_000_000_000)
    assert (refusal.status, refusal.type, refusal.code) == (429, "insufficient_quota", "insufficient_quota")
    assert not refusal.retryable
    assert refusal.retry_after == datetime(2026, 12, 1, tzinfo=BERLIN).timestamp() - NOW
    assert refusal.message == (
        "The key 'search-app' is limited to $200.00 per month (usd_per_month): $198.20 used, $1.95 held by running"
        " requests, and this request may take $2.00. The month ends on 2026-12-01 at 00:00 (Europe/Berlin)."
        " Whoever runs this gateway can raise the limit."
    )


def test_a_day_that_is_spent() -> None:
    refusal = refused(990, 0, 20, scope="team:search", side="cloud", measure="tokens", period="day", amount=1000)
    assert (refusal.code, refusal.retryable) == ("insufficient_quota", False)
    assert refusal.retry_after == datetime(2026, 11, 26, tzinfo=BERLIN).timestamp() - NOW
    assert refusal.message == (
        "The team 'search' is limited to 1,000 tokens per day in the cloud (tokens_per_day): 990 used, 0 held by"
        " running requests, and this request may take 20. The day ends on 2026-11-26 at 00:00 (Europe/Berlin)."
        " Whoever runs this gateway can raise the limit."
    )


def test_a_minute_that_is_used_up() -> None:
    refusal = refused(600, 3, 1, scope="global", measure="requests", period="minute", amount=600)
    assert (refusal.type, refusal.code, refusal.retryable) == ("requests", "rate_limit_exceeded", True)
    assert refusal.retry_after == 23.0
    assert refusal.message == (
        "All keys together are limited to 600 requests per minute (requests_per_minute): 600 used, 3 held by running"
        " requests. The minute ends in 23 s."
    )


def test_too_many_at_the_same_time() -> None:
    refusal = refused(0, 1, 1, measure="concurrent", period="", amount=1, model="chat", side="local")
    assert (refusal.type, refusal.code, refusal.retryable) == ("requests", "rate_limit_exceeded", True)
    assert refusal.retry_after == 1.0
    assert refusal.message == (
        "The key 'search-app' is limited to 1 request at the same time on own backends for the model 'chat'"
        " (concurrent_requests): 1 running. Running requests hold the rest, and give back what they do not use:"
        " try again in a moment."
    )


@pytest.mark.parametrize("period", ["minute", "day", "month"])
def test_what_is_only_held_may_be_free_in_a_moment(period: str) -> None:
    refusal = refused(500, 450, 100, measure="tokens", period=period, amount=1000)
    assert (refusal.type, refusal.code, refusal.retryable) == ("tokens", "rate_limit_exceeded", True)
    assert refusal.retry_after == 1.0
    assert "Running requests hold the rest" in refusal.message


@pytest.mark.parametrize("period", ["minute", "day", "month"])
def test_a_request_that_is_larger_than_the_limit_need_not_wait(period: str) -> None:
    refusal = refused(0, 0, 1001, measure="tokens", period=period, amount=1000)
    assert (refusal.code, refusal.retryable, refusal.retry_after) == ("insufficient_quota", False, None)
    assert "The request alone may take more than the limit" in refusal.message
    assert "a smaller max_tokens may" in refusal.message


@pytest.mark.parametrize(("measure", "period"), [("requests", "minute"), ("concurrent", "")])
def test_a_limit_of_nothing_admits_nobody_ever(measure: str, period: str) -> None:
    refusal = refused(0, 0, 1, measure=measure, period=period, amount=0)
    assert (refusal.code, refusal.retryable, refusal.retry_after) == ("insufficient_quota", False, None)
    assert "limited to 0 requests" in refusal.message
    assert "That admits no request at all" in refusal.message


@pytest.mark.parametrize(
    ("nano_usd", "shown"),
    [
        (0, "$0.00"),
        (1, "$0.000000001"),
        (1_000, "$0.000001"),
        (30_000_000, "$0.03"),
        (12_340_000, "$0.01234"),
        (999_999_000, "$0.999999"),
        (1_000_000_000, "$1.00"),
        (1_234_567_890_000, "$1,234.57"),
    ],
)
def test_money_is_shown_in_dollars(nano_usd: int, shown: str) -> None:
    assert f": {shown} used," in refused(nano_usd, 0, 10**13, amount=10**12).message


LIMITS = st.builds(
    lambda setting, amount: limit(measure=setting[0], period=setting[1], amount=amount),
    st.sampled_from([setting for setting in SETTINGS if setting[1]]),
    st.integers(0, 1000),
)


@given(
    st.builds(Verdict, LIMITS, *[st.integers(0, 1000)] * 2, st.integers(1, 1000)),
    st.integers(int(NOW), int(NOW) + 400 * 86_400),
)
def test_waiting_as_told_helps_if_nothing_else_happens(verdict: Verdict, now: int) -> None:
    periods = Periods(BERLIN)
    refusal = refusal_of(verdict, now, periods, "max_tokens")
    period = verdict.limit.period
    if refusal.retry_after is None:
        assert verdict.asked > verdict.limit.amount
        return
    assert refusal.retry_after > 0
    turned = now + refusal.retry_after == periods.end(period, now)  # type: ignore[arg-type]
    assert (0 if turned else verdict.used) + verdict.asked <= verdict.limit.amount
    assert refusal.retryable == (refusal.code == "rate_limit_exceeded") == (not turned or period == "minute")


# --- warnings


@pytest.mark.parametrize(
    ("used", "held", "warning"),
    [
        (0, 0, ""),
        (159_999_999_999, 0, ""),
        (160_000_000_000, 0, "key search-app: usd_per_month 80 % used"),
        (171_999_999_999, 0, "key search-app: usd_per_month 85 % used"),
        (159_000_000_000, 13_000_000_000, "key search-app: usd_per_month 86 % used or held"),
        (210_000_000_000, 0, "key search-app: usd_per_month 105 % used"),
    ],
)
def test_a_warning_is_given_from_the_soft_limit_on(used: int, held: int, warning: str) -> None:
    assert warning_of(limit(), used, held) == warning


def test_nothing_is_never_nearly_used_up() -> None:
    assert warning_of(limit(amount=0), 0, 0) == ""


def test_a_warning_can_wait_for_the_end() -> None:
    assert warning_of(limit(soft=1.0), 199_999_999_999, 0) == ""
    assert warning_of(limit(soft=1.0), 200_000_000_000, 0) == "key search-app: usd_per_month 100 % used"


def test_a_grant_without_a_budget_is_as_before() -> None:
    assert KeyGrant("app", "search", Permits()).budget is None


def test_every_limit_is_listed_once(make: Make, policy: Callable[..., Policy]) -> None:
    listed = policy(
        budget={"usd_per_month": 10},
        teams={"search": {"budget": {"cloud": {"tokens_per_day": 5}}}, "sales": {}},
    )
    limited = make.key("app", budget=budget(requests_per_day=3, models={"chat": {"requests_per_day": 1}}))
    assert all_limits(listed, [limited, make.key("free"), limited]) == (
        Limit("global", "all", "", "usd", "month", 10_000_000_000),
        Limit("team:search", "cloud", "", "tokens", "day", 5),
        Limit("key:app", "all", "", "requests", "day", 3),
        Limit("key:app", "all", "chat", "requests", "day", 1),
    )
    assert all_limits(policy(), []) == ()


def test_the_limit_of_a_pattern_is_of_all_that_it_takes_together(make: Make, policy: Callable[..., Policy]) -> None:
    key = make.key("app", budget=budget(models={"gpt-*": {"usd_per_day": 1}, "gpt-4o": {"usd_per_day": 2}}))
    found = [(limit.model, limit.amount) for limit in limits_of(policy(), key, "gpt-4o")]
    assert found == [("gpt-*", 10**9), ("gpt-4o", 2 * 10**9)]
    assert [limit.model for limit in limits_of(policy(), key, "gpt-5")] == ["gpt-*"]
    assert not limits_of(policy(), key, "chat")


def test_a_policy_limits_teams_that_it_does_not_name_by_what_is_given(
    make: Make, policy: Callable[..., Policy]
) -> None:
    listed = policy(teams={"search": {"budget": {"usd_per_day": 1}}, "free": {}})
    given = {name: budget(usd_per_day=9) for name in ("search", "free", "sales")}
    limited = with_teams(listed, given)
    assert [limits_of(limited, make.key(team=team), "chat") for team in ("free", "other")] == [(), ()]
    ((search,), (sales,)) = (limits_of(limited, make.key(team=team), "chat") for team in ("search", "sales"))
    assert (search.amount, sales.amount) == (1_000_000_000, 9_000_000_000)
    assert with_teams(listed, {}) is listed
