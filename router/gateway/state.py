"""What a worker knows now. The only mutable thing that requests share, besides the fleet and the ledger."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from router.core.detectors import Detectors, compile_detectors
from router.core.recall import Recall
from router.core.retry import retry_budget
from router.core.values import Plan, Side, Snapshot
from router.core.volume import hour_of_day
from router.ledger.commit import Ledger
from router.upstream.fleet import Fleet


class State:
    """`clock` gives seconds since the epoch. `plan` is replaced as a whole by `adopt`."""

    def __init__(self, plan: Plan, fleet: Fleet, ledger: Ledger, clock: Callable[[], float]) -> None:
        self.fleet = fleet
        self.ledger = ledger
        self.clock = clock
        self.side = Side.CLOUD
        self.adopt(plan)

    def adopt(self, plan: Plan) -> None:
        """Requests that are under way keep the plan that they began with."""
        policy = plan.policy
        self.plan = plan
        self.recall = Recall(plan)
        self.timezone = ZoneInfo(policy.cost.timezone)
        self.ledger.retime(self.timezone, policy.ledger.retain_days)
        self.detectors: Detectors = compile_detectors(policy.sensitivity.detectors if policy.sensitivity else ())
        self.retry_budget = retry_budget(policy.retry.budget)

    def snapshot(self, now: float) -> Snapshot:
        return Snapshot(
            backends=self.fleet.states,
            seen=self.ledger.volume.seen(self.plan.policy.cost.window, now),
            previous=self.side,
            hour=hour_of_day(now, self.timezone),
            cloud_blocked=self._cloud_blocked(),
        )

    def _cloud_blocked(self) -> str:
        if self.ledger.available or self.plan.policy.ledger.on_loss == "allow":
            return ""
        return f"the ledger cannot be reached ({self.ledger.why}), so spending cannot be counted"
