"""`decide`, remembered: most requests ask what was asked a moment ago.

A decision depends on few things, and those are its question. As long as no backend's state changes, an equal
question has an equal answer, but for figures in the sentences for people, which are those of the first time.

Who asks is part of the question as what the key permits, and never as its name: a key that is made anew under an old
name may be allowed less. It is compared by content, whole, so that thousands of keys that permit the same share their
answers, and an answer that outlives its key is one that no other key gets unless it permits just that. Only where
rules name teams or keys is it part of the question which of these asks. No sentence of a decision names its key.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping

from router.core.cost.order import volume_bands
from router.core.cost.strategies import STRATEGIES, LooksAt
from router.core.decision.decide import decide
from router.core.name_patterns import is_pattern
from router.core.values import BackendState, Decision, Facts, Label, ModelPlan, Plan, Rates, Snapshot

MOST = 4096
"""Questions that are remembered: labels come from clients, so there is no end to them."""
_LONGEST_LABEL = 1024
"""Characters of its level and tags together."""


class DecisionCache:
    """Decisions of one plan. It holds nothing but answers that `decide` would give again."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._band = volume_bands(plan)
        self._answers: dict[Hashable, Decision] = {}
        self._states: Mapping[str, BackendState] = {}
        self._shortest = math.inf
        whens = [rule.when for rule in plan.policy.rules]
        self._teams = frozenset([when.team for when in whens if when.team is not None])
        self._keys = frozenset([when.key for when in whens if when.key is not None])
        by_request = STRATEGIES[plan.policy.cost.strategy].looks_at is LooksAt.REQUEST
        self._by_price = frozenset([name for name, model in plan.models.items() if _price_sends_it_home(model)])
        taken = any(is_pattern(name) and _price_sends_it_home(model) for name, model in plan.models.items())
        by_request = by_request or taken or any(map(_price_decides, plan.models.values()))
        self._always = by_request or _rules_look_at_volume(plan)
        self._off = self._always or bool(self._by_price)

    def decide(self, facts: Facts, snapshot: Snapshot) -> Decision:
        if self._off and (self._always or facts.model in self._by_price):
            return decide(facts, self._plan, snapshot)
        if snapshot.backends is not self._states:
            self._look_at(snapshot.backends)
        question = self._question(facts, snapshot)
        found = self._answers.get(question)
        if found is not None:
            return found
        answer = decide(facts, self._plan, snapshot)
        if self._is_worth_it(facts):
            if len(self._answers) >= MOST:
                self._answers.clear()
            self._answers[question] = answer
        return answer

    def _is_worth_it(self, facts: Facts) -> bool:
        """Names that the policy does not have come from clients, and are as long as these like."""
        known = len(facts.model) <= _LONGEST_LABEL and facts.model in self._plan.models
        return known and all(map(_is_short, facts.labels))

    def _question(self, facts: Facts, snapshot: Snapshot) -> Hashable:
        """All that `decide` looks at. The size matters only to a request that is too long for some backend."""
        prompt, answer, key = facts.input_tokens // 2, facts.longest_answer, facts.key
        return (
            facts.endpoint,
            facts.model,
            key.permits,
            key.team if key.team in self._teams else "",
            key.name if key.name in self._keys else "",
            facts.labels,
            facts.modalities,
            facts.quality_floor,
            facts.fetch,
            facts.pinned,
            facts.uses,
            (prompt, answer) if prompt + answer > self._shortest else None,
            snapshot.previous,
            snapshot.hour,
            snapshot.cloud_blocked,
            snapshot.untranslated,
            self._band(snapshot),
        )

    def _look_at(self, states: Mapping[str, BackendState]) -> None:
        self._states = states
        self._answers.clear()
        declared = [route.context for model in self._plan.models.values() for route in model.routes]
        known = [
            context for context in (*declared, *(state.context for state in states.values())) if context is not None
        ]
        self._shortest = min(known, default=math.inf)


def _is_short(label: Label) -> bool:
    return len(label.tags) <= _LONGEST_LABEL and sum(map(len, (label.level or "", *label.tags))) <= _LONGEST_LABEL


def _rules_look_at_volume(plan: Plan) -> bool:
    """Whether a rule has a cost strategy of its own that looks at the volume or at prices."""
    overrides = [rule.cost for rule in plan.policy.rules if rule.cost is not None]
    return any(cost.strategy is None or STRATEGIES[cost.strategy].looks_at is not LooksAt.NOTHING for cost in overrides)


def _price_sends_it_home(model: ModelPlan) -> bool:
    """Whether the request's size decides between the cloud and own units that are on: not where these cost nothing."""
    tariffs = [
        window.value
        for route in model.routes
        if route.owned and route.powered
        for period in route.prices.periods
        for window in period.windows
    ]
    return any(any(_costs(tier.rates) for tier in tariff.tiers) for tariff in tariffs)


def _costs(rates: Rates) -> bool:
    return rates.input > 0 or rates.output > 0 or rates.request > 0


def _price_decides(model: ModelPlan) -> bool:
    """Whether the order of candidates depends on the request's size: then prices are compared for every request."""
    owned = sum(route.owned for route in model.routes)
    return owned > 1 or len(model.routes) - owned > 1
