"""What a worker knows beside its policy: the ledger's loss, the hour, warnings given, and what answers have taught."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from support.gateway import POLICY

from router.config.load import load
from router.core.limits.counters import Reached
from router.core.limits.estimate import Tokens
from router.core.limits.periods import Ids

WORST = Tokens(1_000_000, 1_000_000)
DAY = 86_400


def taught(state: Any, model: str = "chat") -> Tokens:
    """What a request holds now, out of the worst."""
    return state.serving.holding.bounds.bound(model, 100, WORST)


@pytest.fixture
def reload(gateway, tmp_path):
    """`reload(old, new)`: the policy changed so, and in force."""

    def change(old: str, new: str) -> None:
        path = tmp_path / "policy.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        gateway.adopt(load(path))

    return change


async def test_a_policys_own_patterns_are_compiled_before_it_is_taken_over(gateway, tmp_path, monkeypatch):
    """That takes up to seconds, in which the worker's loop would answer nobody."""
    path = tmp_path / "policy.yaml"
    found, own = "{find: [credit_card, us_ssn], raise_to: restricted}", "{pattern: PRJ-1, name: project, tag: own}"
    text = (
        path.read_text()
        .replace(found, own)
        .replace("  default: public\n", "  default: public\n  tags: {own: [local]}\n")
    )
    path.write_text(text)
    plan = load(path)
    monkeypatch.setattr("router.core.sensitivity.own.patterns.hyperscan", None)
    gateway.adopt(plan)
    (label,) = gateway.state.serving.detectors.scan(["about PRJ-123456"])
    assert label.source == "detector project"


async def test_without_the_ledger_the_cloud_is_closed_unless_the_policy_lets_it(gateway, reload):
    state = gateway.state
    assert state.snapshot(state.clock(), {}).cloud_blocked == ""
    gateway.ledger.available, gateway.ledger.why = False, "connection refused"
    assert "connection refused" in state.snapshot(state.clock(), {}).cloud_blocked
    reload("version: 1\n", "version: 1\nledger: {on_loss: allow}\n")
    assert state.snapshot(state.clock(), {}).cloud_blocked == ""


async def test_the_hour_is_that_of_the_policys_time_zone(gateway, reload):
    state = gateway.state
    assert [state.snapshot(at, {}).hour for at in (0, 3599, 3600, DAY - 1, DAY)] == [0, 0, 1, 23, 0]
    reload("strategy: local_first", "strategy: local_first, timezone: Asia/Kolkata")
    assert [state.snapshot(at, {}).hour for at in (DAY, DAY + 1799, DAY + 1800)] == [5, 5, 6]


async def test_the_snapshot_has_the_backends_that_it_is_given_and_where_traffic_goes_now(gateway):
    state, seen = gateway.state, {"gpu": object()}
    snapshot = state.snapshot(state.clock(), seen)
    assert snapshot.backends is seen and snapshot.previous is state.side


def reached(counter: str, period: str) -> Any:
    return Reached(SimpleNamespace(counter=counter, period=period), 90, 0)


@pytest.mark.parametrize(
    ("period", "same", "next"),
    [
        ("minute", Ids(7, "2026-03-02", "2026-03"), Ids(8, "2026-03-02", "2026-03")),
        ("day", Ids(8, "2026-03-02", "2026-03"), Ids(8, "2026-03-03", "2026-03")),
        ("month", Ids(8, "2026-03-03", "2026-03"), Ids(8, "2026-04-01", "2026-04")),
    ],
)
async def test_a_soft_limit_is_warned_of_once_in_its_period(gateway, period, same, next):
    warns, first = gateway.state.warns_first, Ids(7, "2026-03-02", "2026-03")
    assert [warns(reached("a", period), now) for now in (first, same, next, next)] == [True, False, True, False]
    assert warns(reached("b", period), next), "another limit has warnings of its own"


async def test_what_answers_taught_outlives_a_reload(gateway, reload):
    for _ in range(200):
        gateway.state.serving.holding.bounds.learn("chat", 100, 100, 5000)
    before = taught(gateway.state)
    assert 5000 <= before.output < WORST.output
    reload("local_first", "cloud_first")
    assert taught(gateway.state) == before


async def test_a_name_that_stands_for_another_model_has_everything_to_learn(gateway, reload):
    new = taught(gateway.state)
    for _ in range(200):
        gateway.state.serving.holding.bounds.learn("chat", 100, 100, 5000)
    assert taught(gateway.state) != new
    reload("tiny-llama", "large-llama")
    assert taught(gateway.state) == new


async def test_holding_the_worst_case_can_be_turned_on_and_off_again(gateway, reload):
    new = taught(gateway.state)
    assert new != WORST
    reload("version: 1\n", "version: 1\nledger: {holds: worst_case}\n")
    assert taught(gateway.state) == WORST
    reload("holds: worst_case", "holds: learned")
    assert taught(gateway.state) == new


async def test_the_ledger_learns_which_zones_are_owned_and_how_long_to_keep(serve, monkeypatch):
    gateway = await serve(POLICY)
    told: list[tuple[Any, ...]] = []

    def retime(timezone, retain_days, *, retain_requests, owned) -> None:
        told.append((str(timezone), retain_days, retain_requests, list(owned)))

    monkeypatch.setattr(gateway.ledger, "retime", retime)
    plan = gateway.state.plan
    gateway.state.adopt(plan)
    ledger = plan.policy.ledger
    assert told == [("UTC", ledger.retain_days, ledger.retain_requests, ["local"])]
