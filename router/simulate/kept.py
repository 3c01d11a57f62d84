"""Whether a request may not leave by what was in force, whatever the policy that is played says of it.

A draft that widens a level permits by itself what it does: only the policy that it is compared with, or else what was
recorded, tells that a request leaves that may not.
"""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from router.core.cost.volume import hour_of_day
from router.core.decision.rules import applied
from router.core.sensitivity.gate import classify
from router.core.values import Plan, Route
from router.simulate.facts_of import FactsMaker
from router.simulate.requests import RecordedRequest

Keeps = Callable[[RecordedRequest, Route], bool]
"""Whether what was in force keeps a request from a backend of the played policy."""

_PERMITTED, _DENIED = "only-permitted", "egress_denied"


def kept_by_nothing(request: RecordedRequest, route: Route) -> bool:
    return False


class KeptBy:
    """By `plan`, with its levels, tags, keys and rules. A backend, and a zone, is what it is there under its name: to
    call the cloud one's own changes nothing, and what has another name is told by whether it is one's own."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._making = FactsMaker(plan)
        self._timezone = ZoneInfo(plan.policy.cost.timezone)
        self._clouds = frozenset([name for name, zone in plan.policy.zones.items() if not zone.owned])

    def __call__(self, request: RecordedRequest, route: Route) -> bool:
        outside = self._clouds.intersection(self._names(route))
        if route.owned and not outside:
            return False
        permitted = self._permitted(request)
        if permitted >= self._plan.zones:
            return False
        return not outside <= permitted or not (route.owned or self._clouds & permitted)

    def _names(self, route: Route) -> set[str]:
        backend = self._plan.policy.backends.get(route.backend)
        return {route.zone} if backend is None else {route.zone, backend.zone}

    def _permitted(self, request: RecordedRequest) -> frozenset[str]:
        plan, facts = self._plan, self._making.facts(request)
        gate = classify(plan, facts.labels, facts.key.permits)
        model = plan.models.get(facts.model)
        name, hour = facts.model if model is None else model.name, hour_of_day(request.at, self._timezone)
        zones = applied(plan, facts, name, gate.level, gate.tags, hour).zones
        return gate.zones if zones is None else gate.zones & zones


class KeptAsRecorded:
    """By whoever recorded it: the gate permitted nothing but an own backend, or no backend at all. `plan` says which
    are own ones."""

    def __init__(self, plan: Plan) -> None:
        policy = plan.policy
        self._own = frozenset([name for name, each in policy.backends.items() if policy.zones[each.zone].owned])

    def __call__(self, request: RecordedRequest, route: Route) -> bool:
        if route.owned:
            return False
        return request.reason == _DENIED or (request.reason == _PERMITTED and request.decided in self._own)
