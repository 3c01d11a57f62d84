from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from router.config.compile import compile_plan
from router.config.load import plan_of
from router.config.prices import context_table, price_table
from router.config.warnings import advice, warnings_of
from router.core.policy import Policy
from router.core.values import Plan

DIGEST = "0" * 63


def plan_with(**sections: Any) -> Plan:
    policy = Policy.model_validate({"version": 1, "zones": {"cloud": {}, "local": {"owned": True}}, **sections})
    now = datetime(2026, 11, 1, tzinfo=UTC)
    return compile_plan(policy, "v", price_table(policy, now)[0], context_table(policy))


def backend(zone: str = "cloud", served: Any = "gpt-4o-mini", **settings: Any) -> dict[str, Any]:
    return {"zone": zone, "kind": "openai", "url": "http://127.0.0.1:1/v1", "serves": {"chat": served}, **settings}


def told(**sections: Any) -> list[tuple[str, str]]:
    names = sections.setdefault("backends", {"api": backend()})
    sections.setdefault("models", {"chat": {"backends": list(names)}})
    return [(".".join(map(str, each.path)), each.message) for each in advice(plan_with(**sections))]


# --- time


def policy(count: int = 2, retry: dict[str, Any] | None = None, **settings: str) -> dict[str, Any]:
    names = ["one", "two"][:count]
    return {"backends": {name: backend(**settings if name == "one" else {}) for name in names}, "retry": retry or {}}


def test_a_policy_that_leaves_time_needs_no_advice() -> None:
    assert told(**policy()) == []


@pytest.mark.parametrize(
    ("settings", "retry"),
    [
        ({"first_byte_timeout": "120s"}, {"deadline": "120s"}),
        ({"first_byte_timeout": "600s"}, {}),
        ({"connect_timeout": "9s", "first_byte_timeout": "32s"}, {"deadline": "40s"}),
    ],
)
def test_a_backend_that_may_use_up_the_deadline_is_named(settings: dict[str, str], retry: dict[str, str]) -> None:
    [(where, why)] = told(**policy(retry=retry, **settings))
    assert where == "backends.one"
    assert why.startswith("connect_timeout and first_byte_timeout (")
    assert "retry.deadline (" in why


def test_a_backend_that_has_no_other_beside_it_may_take_all_the_time() -> None:
    assert told(**policy(1, {"deadline": "10s"}, first_byte_timeout="60s")) == []


@pytest.mark.parametrize(("seconds", "warned"), [("60s", True), ("61s", False)])
def test_a_start_that_no_request_can_wait_for_is_named(seconds: str, warned: bool) -> None:
    commands = {what: {"run": ["true"]} for what in ("start", "stop", "look")}
    gpu = backend("local", power={"driver": "command", "start_time": "60s", **commands}, cost={"usd_per_hour": 1.0})
    found = told(backends={"gpu": gpu}, retry={"deadline": seconds})
    assert [where for where, why in found if "retry.deadline (60 s)" in why] == [
        "backends.gpu.power.start_time"
    ] * warned


def test_one_attempt_is_none_for_the_second_backend() -> None:
    assert told(**policy(retry={"attempts": 1})) == [
        ("retry.attempts", "with 1 attempt no second backend is ever tried")
    ]


# --- names


def keys(*teams: str | None) -> list[dict[str, str]]:
    given = [{} if team is None else {"team": team} for team in teams]
    return [{"name": f"key-{n}", "sha256": f"{DIGEST}{n}", **each} for n, each in enumerate(given)]


BUDGET = {"budget": {"usd_per_day": 5}}


def test_a_team_that_no_section_names_limits_nobody() -> None:
    found = told(keys=keys("search", "serch"), teams={"search": BUDGET})
    assert [where for where, _ in found] == ["keys.1.team"]
    assert 'teams has no "serch"' in found[0][1] and 'did you mean "search"?' in found[0][1]


def test_a_team_that_is_listed_without_a_budget_is_meant() -> None:
    assert told(keys=keys("search", "guests"), teams={"search": BUDGET, "guests": {}}) == []
    assert len(told(keys=keys("search", "guests"), teams={"search": BUDGET})) == 1


def test_a_key_without_a_team_or_a_policy_without_teams_needs_no_advice() -> None:
    assert told(keys=keys("search", None), teams={"search": BUDGET}) == []
    assert told(keys=keys("search", "guests")) == []


def test_a_budget_of_nobody() -> None:
    found = told(keys=keys("search"), teams={"search": BUDGET, "agents": BUDGET})
    assert [where for where, _ in found] == ["teams.agents"]
    assert told(keys=keys("search"), teams={"search": {}, "agents": {}}, server={"stored_keys": True}) == []


@pytest.mark.parametrize("teams", [{}, {"search": {}, "serch": {}}])
def test_two_teams_that_look_like_one(teams: dict[str, Any]) -> None:
    [(where, why)] = told(keys=keys("search", "serch"), teams=teams)
    assert where == ("teams.serch" if teams else "keys.1.team")
    assert 'the teams "search" and "serch" look like one' in why


def test_rules_for_stored_keys() -> None:
    rules = [
        {"name": "a", "when": {"team": "serch"}, "zones": ["cloud"]},
        {"name": "b", "when": {"key": "anybody"}, "zones": ["cloud"]},
    ]
    found = told(keys=keys("search"), rules=rules, server={"stored_keys": True})
    assert [where for where, _ in found] == ["rules.0.when.team"]
    assert 'did you mean "search"?' in found[0][1]


# --- what backends are asked


@pytest.mark.parametrize(
    ("pattern", "upstream", "warned"),
    [("gpt-*", "*", True), ("gpt-*", "gpt-*", False), ("hosted/*", "*", False), ("*", "*", False)],
)
def test_a_pattern_that_loses_the_beginning_of_names(pattern: str, upstream: str, warned: bool) -> None:
    priced = {"model": upstream, "price": {"input": 1, "output": 2}}
    api = backend() | {"serves": {pattern: priced}}
    found = told(backends={"api": api}, models={pattern: {"backends": ["api"]}})
    assert [where for where, _ in found] == [f"backends.api.serves.{pattern}"] * warned
    assert not warned or 'asks for `5` when `gpt-5` is asked: write "gpt-*"' in found[0][1]


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://api.openai.com/", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1", ""),
        ("https://api.deepseek.com", ""),
    ],
)
def test_an_address_that_is_hardly_a_base_url(url: str, meant: str) -> None:
    found = told(backends={"api": backend() | {"url": url}})
    assert [where for where, _ in found] == ["backends.api.url"] * bool(meant)
    assert not meant or found[0][1].endswith(f": did you mean {meant}?")


# --- prices


def priced(**price: float) -> dict[str, Any]:
    return {"backends": {"api": backend(served={"model": "mine", "price": {"input": 1, "output": 2} | price})}}


@pytest.mark.parametrize(
    ("field", "given", "says"),
    [
        ("input", 0.00000015, "if it is per token, write 0.15"),
        ("output", 0.0006, "if it is per thousand tokens, write 0.6"),
        ("cached_input", 0.0000000005, "prices are in USD per million tokens"),
        ("cache_write", 5000, "prices are in USD per million tokens"),
        ("request", 11, "$11 for each request"),
    ],
)
def test_a_price_that_nobody_asks(field: str, given: float, says: str) -> None:
    [(where, why)] = told(**priced(**{field: given}))
    assert where == f"backends.api.serves.chat.price.{field}"
    assert says in why


@pytest.mark.parametrize("price", [{}, {"input": 0}, {"input": 0.005, "output": 1500}, {"request": 0.01}])
def test_prices_that_somebody_asks(price: dict[str, float]) -> None:
    assert told(**priced(**price)) == []


@pytest.mark.parametrize(
    ("model", "endpoints", "price", "says"),
    [
        ("mine", ["speech"], {}, "if they are paid per million characters, give `characters`, else `audio_output`"),
        ("mine", ["speech"], {"characters": 15}, ""),
        ("mine", ["speech", "chat"], {"audio_output": 64}, ""),
        ("dall-e-9", ["images"], {}, "per picture, give `image`, else `image_output`"),
        ("dall-e-9", ["images"], {"images": {"hd": 0.08}}, ""),
        ("mine", ["rerank"], {}, ""),
        ("mine", ["rerank"], {"input": 0, "output": 0}, "per 1,000 searches, give `searches`, else `input`"),
        ("mine", ["rerank"], {"input": 0, "output": 0, "request": 0.002}, ""),
        ("mine", ["rerank"], {"input": 0, "output": 0, "searches": 2}, ""),
        ("mine", ["chat"], {}, ""),
        ("mine", None, {}, ""),
        ("gpt-4o-mini-tts", ["speech"], {}, ""),
        ("whisper-1", ["translations"], {}, "per second of sound, give `second`, else `audio_input`"),
        ("whisper-1", None, {}, "the published price is 0.0001 USD per second of sound: give `second`"),
        ("whisper-1", None, {"second": 0.0001}, ""),
        ("tts-1", None, {}, "the published price is 15 USD per million characters: give `characters`"),
    ],
)
def test_a_price_by_tokens_of_what_is_paid_by_something_else(
    model: str, endpoints: list[str] | None, price: dict[str, Any], says: str
) -> None:
    served = {"model": model, "endpoints": endpoints, "price": {"input": 1, "output": 2} | price}
    found = told(backends={"api": backend(served=served)})
    assert [(where, says in why) for where, why in found] == (
        [("backends.api.serves.chat.price", True)] if says else []
    )
    assert told(backends={"gpu": backend("local", served)}) == []


@pytest.mark.parametrize(
    ("price", "says"),
    [
        ({"input": 2.5, "output": 10}, ""),
        ({"input": 0.0025, "output": 10}, "where 2.5 is published: if it is per thousand tokens, write 2.5"),
        ({"input": 2.5, "output": 1200}, "where 10 is published: prices are in USD per million tokens"),
    ],
)
def test_a_price_far_from_the_published_one(price: dict[str, float], says: str) -> None:
    served = {"model": "gpt-4o", "price": price}
    found = told(backends={"api": backend(served=served)})
    assert [says in why for _, why in found] == ([True] if says else [])
    assert told(backends={"gpu": backend("local", served)}) == []


@pytest.mark.parametrize(
    ("cost", "says"),
    [
        ({"usd_per_hour": 0.00044}, "if it is per second, write 1.584"),
        ({"usd_per_hour": 1160}, "if it is per month, write 1.58904"),
        ({"usd_per_hour": 1, "usd_per_million_tokens": 0.0000002}, "hardly what power costs: if it is per token"),
        ({"usd_per_hour": 0, "usd_per_million_tokens": 0.05}, ""),
        ({"purchase_usd": 30}, "if it is in thousands of USD, write 30000"),
        ({"usd_per_hour": 1, "watts": 0.7, "usd_per_kwh": 0.3}, "if it is in kW, write 700"),
        ({"usd_per_hour": 1, "watts": 700, "usd_per_kwh": 30}, "if it is in cents, write 0.3"),
        ({"usd_per_hour": 1, "ops_usd_per_day": 90_000}, "if it is per year, write 246.575"),
        ({"purchase_usd": 30_000, "watts": 700, "usd_per_kwh": 0.3, "ops_usd_per_day": 90}, ""),
    ],
)
def test_what_a_gpu_costs(cost: dict[str, float], says: str) -> None:
    found = told(backends={"gpu": backend("local", cost=cost), "api": backend()}, cost={"strategy": "local_first"})
    assert [says in why for _, why in found] == ([True] if says else [])


# --- the volume


def sided(threshold: int, rent: float = 1.0, **cost: Any) -> dict[str, Any]:
    """The break-even is at 12 M tokens for each dollar per hour."""
    gpu = backend("local", cost={"usd_per_hour": rent})
    api = backend(served={"model": "mine", "price": {"input": 2, "output": 2}})
    return {
        "backends": {"gpu": gpu, "api": api},
        "cost": {"strategy": "threshold", "threshold_tokens_per_day": threshold} | cost,
    }


@pytest.mark.parametrize(
    ("threshold", "says"), [(120_000, "100 times below"), (121_000, ""), (1_000_000_000, ""), (1_200_000_000, "above")]
)
def test_a_threshold_far_off_the_break_even(threshold: int, says: str) -> None:
    found = told(**sided(threshold))
    assert [says in why and "the break-even of 12 M" in why for _, why in found] == ([True] if says else [])


def test_a_threshold_that_nobody_looks_at_or_that_nothing_can_be_said_of() -> None:
    assert told(**sided(1, strategy="breakeven")) == []
    assert told(**sided(1, rent=0)) == []
    assert told(cost={"strategy": "threshold", "threshold_tokens_per_day": 1}) == []


def test_a_threshold_is_not_looked_at_where_all_own_units_are_switched() -> None:
    policy = sided(12_000_000)
    policy["backends"]["gpu"]["power"] = {"driver": "sleep"}
    [(where, why)] = told(**policy)
    assert where == "cost.threshold_tokens_per_day" and "not looked at" in why
    assert told(**policy | {"cost": {"strategy": "breakeven"}}) == []


def test_a_threshold_of_a_rule() -> None:
    rule = {"name": "r", "when": {"model": "chat"}, "cost": {"strategy": "threshold", "threshold_tokens_per_day": 1000}}
    [(where, _)] = told(**sided(12_000_000), rules=[rule])
    assert where == "rules.0.cost.threshold_tokens_per_day"


# --- where


def test_a_warning_has_its_line() -> None:
    sections = {"version": 1, "zones": {"cloud": {}}} | policy(retry={"attempts": 1})
    text = yaml.safe_dump(sections | {"models": {"chat": {"backends": ["one", "two"]}}})
    [warning] = warnings_of(text.encode(), "p.yaml", plan_of(text.encode(), "p.yaml", now=datetime.now(UTC)))
    line = text.splitlines().index("  attempts: 1") + 1
    assert str(warning) == f"p.yaml:{line}:13: retry.attempts: with 1 attempt no second backend is ever tried"
