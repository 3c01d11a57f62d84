"""What a worker knows now. The only mutable thing that requests share, besides the fleet and the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from router.core.cost.preference import Side
from router.core.cost.volume import hour_of_day, quarter_of
from router.core.decision.cache import DecisionCache
from router.core.decision.grounds import StateNotes
from router.core.limits.counters import CounterSets, Reached
from router.core.limits.estimate import Bounds, bounds_of, replaced
from router.core.limits.limits import with_teams
from router.core.limits.periods import Ids, Periods
from router.core.limits.reserve import HoldMaker
from router.core.policy import Budget
from router.core.resilience.retry import retry_budget
from router.core.sensitivity.detectors import compile_detectors
from router.core.values import BackendState, Plan, Snapshot
from router.gateway.active_policy import ActivePolicy
from router.gateway.auth import Keyring
from router.gateway.detector_memory import new_memory
from router.gateway.entity_client import EntityClient
from router.gateway.held_answers import HeldAnswers
from router.ledger.interface import Ledger
from router.upstream.adapter_status import AdapterStatus
from router.upstream.fleet import Fleet

_ANSWERS = 2
"""The share of `server.max_held_bytes` that answers may take beside the requests."""


class WorkerState:
    """`clock` gives seconds since the epoch. `serving` is replaced as a whole by `adopt`, `keyring` by whoever knows
    the keys."""

    def __init__(self, plan: Plan, fleet: Fleet, ledger: Ledger, clock: Callable[[], float]) -> None:
        self.fleet = fleet
        self.ledger = ledger
        self.clock = clock
        self.side = Side.CLOUD
        self.notes = StateNotes()
        self.cloud_price: float | None = None
        self.playground_secret = ""
        """Shared with the control plane, see `core.playground`; empty where there is none."""
        self.untranslated = ""
        """Why nothing can be translated, see `Snapshot`."""
        self.adapter: AdapterStatus | None = None
        """None where nobody keeps one."""
        self.entities = EntityClient("")
        """Asks the process that looks for what detectors call entities; where none runs, nobody answers."""
        self.unlisted: Mapping[str, tuple[str, ...]] = {}
        """Models that the policy has backends serve and that these do not list, by backend."""
        self.keyring = Keyring({})
        self._bounds: tuple[str, Bounds] | None = None
        self._warned: dict[tuple[str, str], str] = {}
        self.answers = HeldAnswers(0)
        """What is kept of answers; at most half as much as of requests."""
        self.adopt(plan)

    def adopt(self, plan: Plan) -> None:
        """Serve by this plan from now on; the fleet has taken over its backends already."""
        policy = plan.policy
        self.answers.most = policy.server.max_held_bytes // _ANSWERS
        sought = policy.sensitivity.detectors if policy.sensitivity else ()
        detectors = compile_detectors(sought, new_memory(), plan.own_patterns)
        self.timezone = ZoneInfo(policy.cost.timezone)
        holding = HoldMaker(plan, CounterSets(policy, Periods(self.timezone)), self._learned(plan))
        self.serving = ActivePolicy(plan, DecisionCache(plan), detectors, self.fleet.backends, holding)
        self.ledger.retime(
            self.timezone,
            policy.ledger.retain_days,
            retain_requests=policy.ledger.retain_requests,
            owned=[name for name, zone in policy.zones.items() if zone.owned],
        )
        self.retry_budget = retry_budget(policy.retry.budget)
        self._quarter = self._hour_now = -1

    def limit_teams(self, budgets: Mapping[str, Budget]) -> None:
        """Requests that come from now on are limited by these budgets, too, of teams that the policy does not name.

        Those under way keep the counters that they were held against.
        """
        policy = with_teams(self.plan.policy, budgets)
        self.serving.holding.counter_sets = CounterSets(policy, Periods(self.timezone))

    def _learned(self, plan: Plan) -> Bounds:
        """What was learned of a model's answers outlives a reload after which its name stands for the same models."""
        policy = plan.policy
        if self._bounds is None or self._bounds[0] != policy.ledger.holds:
            self._bounds = policy.ledger.holds, bounds_of(policy)
        else:
            self._bounds[1].forget(replaced(self.serving.plan.models, plan.models))
        return self._bounds[1]

    def warns_first(self, reached: Reached, now: Ids) -> bool:
        """Whether this worker warns of a soft limit for the first time in its period."""
        limit = reached.limit
        period = str({"minute": now.minute, "day": now.day, "month": now.month}.get(limit.period, now.day))
        if self._warned.get((limit.counter, limit.period)) == period:
            return False
        self._warned[limit.counter, limit.period] = period
        return True

    @property
    def plan(self) -> Plan:
        return self.serving.plan

    def snapshot(self, now: float, backends: Mapping[str, BackendState]) -> Snapshot:
        """`backends` are the fleet's states, as the request that is to be decided sees them."""
        return Snapshot(
            backends=backends,
            seen=self.ledger.volume.seen(self.plan.policy.cost.window, now),
            previous=self.side,
            hour=self._hour(now),
            at=now,
            cloud_price=self.cloud_price,
            cloud_blocked=self._cloud_blocked(),
            untranslated=self.untranslated,
        )

    def _hour(self, now: float) -> int:
        """Remembered for its quarter of an hour: no zone's hours begin elsewhere."""
        quarter = quarter_of(now)
        if quarter != self._quarter:
            self._quarter, self._hour_now = quarter, hour_of_day(now, self.timezone)
        return self._hour_now

    def _cloud_blocked(self) -> str:
        if self.ledger.available or self.plan.policy.ledger.on_loss == "allow":
            return ""
        return f"the ledger cannot be reached ({self.ledger.why}), so spending cannot be counted"
