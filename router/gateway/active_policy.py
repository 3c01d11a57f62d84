"""One policy in force, with everything that was made from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from router.core.decision.cache import DecisionCache
from router.core.limits.reserve import HoldMaker
from router.core.redaction import Secrets
from router.core.sensitivity.detectors import Detectors
from router.core.sensitivity.entities import entity_search
from router.core.values import Plan
from router.gateway.dimensions import dimensions_named
from router.upstream.fleet import BackendRuntime


class ActivePolicy:
    """One policy in force. A request keeps the one that it began with: after a reload the same name may stand for
    another machine, in another zone."""

    __slots__ = ("backends", "detectors", "dimensions", "entities", "holding", "plan", "recall", "secrets")

    def __init__(
        self,
        plan: Plan,
        recall: DecisionCache,
        detectors: Detectors,
        backends: Mapping[str, BackendRuntime],
        holding: HoldMaker,
    ) -> None:
        self.plan: Final = plan
        self.recall: Final = recall
        self.detectors: Final = detectors
        self.backends: Final = backends
        self.holding: Final = holding
        self.entities: Final = entity_search(plan)
        self.dimensions: Final = dimensions_named(plan.policy.ledger.dimensions)
        replicas = [replica for backend in backends.values() for replica in backend.replicas]
        self.secrets: Final = Secrets({replica.pool.target.credential for replica in replicas})
        """What backends are sent as their credentials: none of them may tell any."""
