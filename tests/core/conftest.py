"""Builders for the values that core works on.

Unless a test says otherwise there is one model, "chat", on "gpu" (owned, zone local) and "openai" (zone cloud).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from router.core.cost.pricing import marginal
from router.core.cost.timeline import always
from router.core.decision.facts import default_labels
from router.core.policy import Policy
from router.core.values import (
    BackendState,
    Facts,
    GpuFigures,
    KeyGrant,
    Label,
    Mixture,
    ModelPlan,
    Permits,
    Plan,
    PriceTier,
    Rates,
    Route,
    Snapshot,
    Tariff,
)

GPT_4O_MINI = Rates(input=0.15, output=0.60, cached_input=0.075, cache_write=0.15)
FREE = Rates(input=0.0, output=0.0, cached_input=0.0, cache_write=0.0)
L40S = GpuFigures(fixed_usd_per_day=24 * 1.09, variable_usd_per_million=0.0, capacity_tokens_per_day=None)


class Make:
    """Every method takes only what the test is about."""

    gpt_4o_mini = GPT_4O_MINI
    free = FREE
    l40s = L40S

    def route(self, backend: str = "gpu", **changes: Any) -> Route:
        """Owned and free in zone local for names that start with "gpu", gpt-4o-mini in zone cloud for all others."""
        owned = changes.pop("owned", backend.startswith("gpu"))
        rates = changes.pop("rates", FREE if owned else GPT_4O_MINI)
        tiers = changes.pop("tiers", (PriceTier(0, rates),))
        of_vllm = changes.pop("kind", "vllm" if owned else "openai") == "vllm"
        fields: dict[str, Any] = {
            "backend": backend,
            "zone": "local" if owned else "cloud",
            "owned": owned,
            "upstream_model": "llama" if owned else "gpt-4o-mini",
            "endpoints": frozenset({"chat", "completions"}),
            "modalities": frozenset({"text"}),
            "context": None,
            "quality": 0.9,
            "prices": always(Tariff(tiers)),
            "stream_usage": True,
            "ends_at_context": of_vllm,
            "counts_while_streaming": of_vllm,
        }
        return Route(**(fields | changes))

    def model(self, routes: Sequence[Route], name: str = "chat", quality_floor: float = 0.0) -> ModelPlan:
        clouds = [route for route in routes if not route.owned]
        return ModelPlan(name, tuple(routes), quality_floor, 0 < len(clouds) < len(routes))

    def key(self, name: str = "app", **changes: Any) -> KeyGrant:
        """`changes` are fields of the grant or of what it permits."""
        permits = {field: changes.pop(field) for field in Permits.__struct_fields__ if field in changes}
        return KeyGrant(name, **({"team": "search", "permits": Permits(**permits)} | changes))

    def facts(self, **changes: Any) -> Facts:
        fields: dict[str, Any] = {
            "endpoint": "chat",
            "model": "chat",
            "key": self.key(),
            "labels": (),
            "input_tokens": 100,
            "max_output_tokens": None,
            "modalities": frozenset({"text"}),
        }
        return Facts(**(fields | changes))

    def label(self, level: str | None = None, *tags: str, source: str = "header") -> Label:
        return Label(level, tags, source)

    def snapshot(self, backends: Mapping[str, BackendState] | None = None, tokens: int = 0, **changes: Any) -> Snapshot:
        """`tokens` is the volume of the window, as uncached input."""
        return Snapshot(backends=backends or {}, **({"seen": Mixture(input=tokens)} | changes))

    def plan(
        self,
        routes: Sequence[Route] | None = None,
        models: Sequence[ModelPlan] | None = None,
        aliases: Mapping[str, str] | None = None,
        gpu: GpuFigures = L40S,
        **sections: Any,
    ) -> Plan:
        """`sections` are those of a policy file: sensitivity, rules, cost."""
        models = models or [self.model(routes or [self.route("gpu"), self.route("openai")])]
        policy = Policy.model_validate(_policy_file(models) | sections)
        levels = {} if policy.sensitivity is None else policy.sensitivity.levels
        by_name = {model.name: model for model in models}
        clouds = [route for model in models if model.eligible for route in model.routes if not route.owned]
        cheapest = min(clouds, key=lambda route: marginal(route, 3, 1, 0), default=None)
        reference = None if cheapest is None else cheapest.prices.at(0).tiers[0].rates
        return Plan(
            version="0123456789ab",
            policy=policy,
            models=by_name | {alias: by_name[name] for alias, name in (aliases or {}).items()},
            keys={},
            zones=frozenset(policy.zones),
            levels=tuple(levels),
            level_zones=tuple(frozenset(zones) for zones in levels.values()),
            default_labels=default_labels(policy.sensitivity),
            gpu=gpu,
            cloud_reference=always(reference),
        )


def _policy_file(models: Sequence[ModelPlan]) -> dict[str, Any]:
    routes = [(model.name, route) for model in models for route in model.routes]
    return {
        "version": 1,
        "zones": {"local": {"owned": True}, "cloud": {}} | {route.zone: {"owned": route.owned} for _, route in routes},
        "backends": {
            route.backend: {
                "zone": route.zone,
                "kind": "vllm" if route.ends_at_context else "openai",
                "url": "http://127.0.0.1:1/v1",
                "serves": {name: route.upstream_model},
            }
            for name, route in routes
        },
        "models": {model.name: {"backends": [route.backend for route in model.routes]} for model in models},
    }


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()
