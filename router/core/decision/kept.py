"""Where what is asked of a kept object may go: to the one backend that has it, or nowhere.

It is decided as everything else is, for a model of that backend alone which costs nothing: so scope, gate, rules,
power, health and room are looked at in the same order, and a refusal is in the same words.
"""

from __future__ import annotations

from msgspec.structs import replace

from router.core.cost.timeline import always
from router.core.decision.decide import decide
from router.core.policy import Policy
from router.core.values import Decision, Facts, ModelPlan, Plan, PriceTier, Rates, Route, Snapshot, Tariff

_NOTHING = always(Tariff((PriceTier(0, Rates(0.0, 0.0, 0.0, 0.0)),)))
ALL = "all"


def keeper_of(policy: Policy, resource: str) -> str:
    """The backend that new objects go to; "" where the policy names none."""
    for name, backend in policy.backends.items():
        kept = getattr(backend, "resources", ())
        if kept == ALL or resource in kept:
            return name
    return ""


def decide_kept(facts: Facts, plan: Plan, snapshot: Snapshot, backend: str) -> Decision:
    """`facts.model` is what stands in records for what is asked for; `backend` is one of the policy's. A key's models
    do not matter: none is asked."""
    owner = plan.policy.backends[backend]
    route = Route(
        backend=backend,
        zone=owner.zone,
        owned=plan.policy.zones[owner.zone].owned,
        upstream_model="",
        endpoints=frozenset((facts.endpoint,)),
        modalities=facts.modalities,
        context=None,
        quality=None,
        prices=_NOTHING,
        stream_usage=False,
        powered=owner.power is not None,
    )
    model = ModelPlan(facts.model, (route,), 0.0, False)
    anyone = replace(facts, key=replace(facts.key, permits=replace(facts.key.permits, models=None)))
    return decide(anyone, replace(plan, models={facts.model: model}), snapshot)
