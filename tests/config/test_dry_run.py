from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.config.dry_run import DryRun, attempt, grant_named
from router.config.load import load
from router.core.cost.breakeven import Shares
from router.core.reading import BadBody
from router.core.values import Plan

POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: vllm, url: http://127.0.0.1:1/v1, serves: {chat: m}, cost: {usd_per_hour: 1}}
  api: {zone: cloud, kind: openai, url: http://127.0.0.1:2/v1, serves: {chat: {model: m, price: {input: 1, output: 2}}}}
models: {chat: {backends: [gpu, api]}}
sensitivity:
  levels: {public: [local, cloud], restricted: [local]}
  default: public
  detectors: [{find: [credit_card], raise_to: restricted}]
cost: {strategy: threshold, threshold_tokens_per_day: 1000}
keys: [{name: home, sha256: "%s", zones: [local]}]
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY % ("0" * 64))
    return load(path)


def body(text: str = "hello") -> bytes:
    return json.dumps({"model": "chat", "messages": [{"role": "user", "content": text}]}).encode()


def backends(plan: Plan, trial: DryRun) -> list[str]:
    return [candidate.route.backend for candidate in attempt(plan, trial)[1].candidates]


def test_the_volume_decides_as_it_would_for_a_request(plan: Plan) -> None:
    assert backends(plan, DryRun(body())) == ["api", "gpu"]
    assert backends(plan, DryRun(body(), tokens=2000)) == ["gpu", "api"]


def test_the_break_even_is_at_the_price_of_the_traffic_where_it_is_known(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        (POLICY % ("0" * 64)).replace("strategy: threshold, threshold_tokens_per_day: 1000", "strategy: breakeven")
    )
    dear = load(path)
    assert backends(dear, DryRun(body(), tokens=3_000_000)) == ["api", "gpu"]
    assert backends(dear, DryRun(body(), tokens=3_000_000, cloud_price=9.0)) == ["gpu", "api"]


def test_the_mix_that_was_seen_decides_at_which_volume_the_own_gpu_is_worth_it(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        (POLICY % ("0" * 64)).replace("strategy: threshold, threshold_tokens_per_day: 1000", "strategy: breakeven")
    )
    plan = load(path)
    of_output, of_input = Shares(input=0, cached=0, output=1), Shares(input=1, cached=0, output=0)
    assert backends(plan, DryRun(body(), tokens=20_000_000, mix=of_output)) == ["gpu", "api"]
    assert backends(plan, DryRun(body(), tokens=20_000_000, mix=of_input)) == ["api", "gpu"]


def test_backends_are_as_they_are_said_to_be(plan: Plan) -> None:
    assert backends(plan, DryRun(body(), down=("api",))) == ["gpu"]
    assert backends(plan, DryRun(body(), ledger_lost=True)) == ["gpu"]


def test_what_is_off_is_waited_for_by_what_may_not_leave(plan: Plan) -> None:
    assert backends(plan, DryRun(body(), off=("gpu",))) == ["api"]
    _, decision = attempt(plan, DryRun(body("card 4111 1111 1111 1111"), off=("gpu",)))
    assert [each.route.backend for each in decision.waiting] == ["gpu"] and decision.until_on


def test_content_headers_and_keys_count(plan: Plan) -> None:
    assert backends(plan, DryRun(body("card 4111 1111 1111 1111"))) == ["gpu"]
    assert backends(plan, DryRun(body(), headers={"X-Breakeven-Sensitivity": "restricted"})) == ["gpu"]
    home = grant_named(plan, "home")
    assert home is not None and backends(plan, DryRun(body(), key=home)) == ["gpu"]
    assert grant_named(plan, "nobody") is None


def test_a_body_that_cannot_be_decided_on_is_told(plan: Plan) -> None:
    with pytest.raises(BadBody):
        attempt(plan, DryRun(b"[]"))
