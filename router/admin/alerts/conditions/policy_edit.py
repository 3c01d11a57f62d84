"""An edit of the policy's file that this gateway refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from router.admin.policy.answers import PolicyState
from router.core.alerts.observation import ConditionName, Observation
from router.core.alerts.policy import Alerts
from router.core.alerts.policy_edit import observed
from router.core.values import Plan


class PolicyRefused:
    name: ConditionName = "policy_refused"
    every = 1.0

    def __init__(self, gateway: str, state: Callable[[], PolicyState]) -> None:
        self._gateway, self._state = gateway, state

    async def look(self, plan: Plan, alerts: Alerts, now: float) -> Sequence[Observation] | None:
        reload = self._state().reload
        return [observed(self._gateway, reload.version, "" if reload.adopted else where_of(self._state()))]


def where_of(state: PolicyState) -> str:
    """Which lines and fields are wrong: not what they hold."""
    problems = state.reload.problems
    if not problems:
        return "It may not be served here."
    first, others = problems[0], len(problems) - 1
    place = f"line {first.line}" + (f" ({first.field})" if first.field else "") if first.line else "the file"
    return f"It has {len(problems)} problem{'s' if others else ''}, {'the first' if others else 'which is'} in {place}."
