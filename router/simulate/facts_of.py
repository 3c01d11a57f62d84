"""From a recorded request to the facts that decisions are made on, under a policy that it may never have seen."""

from __future__ import annotations

from collections import Counter

from router.core.name_patterns import is_pattern
from router.core.reading import Reading
from router.core.values import Facts, KeyGrant, Label, Permits, Plan
from router.simulate.requests import RecordedRequest

_BYTES_PER_ESTIMATED_TOKEN = 3
_BODY_BYTES = 256
"""Of what stands around a prompt."""
_MOST = 100_000
RECORDED = "recorded"
"""Source of a label."""


class FactsMaker:
    """Remembers what many requests have in common. `unknown` counts what the policy does not have: names of models, of
    keys and of levels."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._grants = {grant.name: grant for grant in plan.keys.values()}
        self._others: dict[tuple[str, str], KeyGrant] = {}
        self._labels: dict[tuple[str, tuple[str, ...]], tuple[Label, ...]] = {}
        self._model = next((name for name in plan.policy.models if not is_pattern(name)), "")
        self.versions = Counter[str]()
        """Of the policies that decided then, where these are others."""
        self.unknown: dict[str, Counter[str]] = {"model": Counter(), "key": Counter(), "level": Counter()}

    def facts(self, request: RecordedRequest) -> Facts:
        if request.policy and request.policy != self._plan.version:
            self.versions[request.policy] += 1
        return Facts(
            endpoint=request.endpoint,
            model=self._model_of(request),
            key=self._grant(request),
            labels=self._labels_of(request),
            input_tokens=request.estimated_input or request.input,
            max_output_tokens=request.limit,
            modalities=request.modalities,
            quality_floor=request.quality,
        )

    def _model_of(self, request: RecordedRequest) -> str:
        if not request.model:
            return self._model
        if request.model not in self._plan.models:
            self._count("model", request.model)
        return request.model

    def _grant(self, request: RecordedRequest) -> KeyGrant:
        """A key that the policy does not have is one that allows everything: what it was allowed is known to nobody."""
        grant = self._grants.get(request.key)
        if grant is not None:
            return grant
        if request.key and self._grants:
            self._count("key", request.key)
        who = request.key, request.team
        grant = self._others.get(who)
        if grant is None:
            if len(self._others) >= _MOST:
                self._others.clear()
            name, team = request.key or "nobody", request.team or "default"
            grant = self._others[who] = KeyGrant(name, team, Permits())
        return grant

    def _labels_of(self, request: RecordedRequest) -> tuple[Label, ...]:
        if not request.level and not request.tags:
            return self._plan.default_labels
        if request.level and self._plan.levels and request.level not in self._plan.levels:
            self._count("level", request.level)
        what = request.level, request.tags
        labels = self._labels.get(what)
        if labels is None:
            if len(self._labels) >= _MOST:
                self._labels.clear()
            labels = self._labels[what] = (Label(request.level or None, request.tags, RECORDED),)
        return labels

    def _count(self, what: str, name: str) -> None:
        counts = self.unknown[what]
        if name in counts or len(counts) < 100:
            counts[name] += 1


def reading_of(request: RecordedRequest, facts: Facts) -> Reading:
    """As far as holds look at it. How long a body was is not recorded: three bytes a token, as the estimate has it, and
    what stands around them."""
    estimate = facts.input_tokens
    return Reading(
        model=facts.model,
        stream=request.stream,
        wants_usage=None,
        max_output_tokens=request.limit,
        input_tokens=estimate,
        modalities=facts.modalities,
        unreadable=(),
        labels=(),
        model_span=(0, 0),
        options_span=None,
        input_bound=max(request.input, _BYTES_PER_ESTIMATED_TOKEN * estimate + _BODY_BYTES),
        answers=1,
    )
