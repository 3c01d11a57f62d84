"""One policy in force, with everything that was made from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from router.core.decision.cache import DecisionCache
from router.core.limits.reserve import HoldMaker
from router.core.sensitivity.detectors import Detectors
from router.core.values import Plan
from router.upstream.fleet import BackendRuntime


class ActivePolicy:
    """One policy in force. A request keeps the one that it began with: after a reload the same name may stand for
    another machine, in another zone."""

    __slots__ = ("backends", "detectors", "holding", "plan", "recall")

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
