"""What the machine does to switch units, and who may change that.

Whoever edits the policy by the dashboard could otherwise have the gateway's machine run any program, or have its
credentials scale any workload. So what a driver acts on can be changed only in the file on disk; when it acts, and
within which limits, may be edited.
"""

from __future__ import annotations

from typing import Any

from router.core.policy import Policy
from router.core.power.policy import Power, SleepPower, limits


def acts_otherwise(before: Policy, after: Policy) -> str:
    """Which backend's driver would act on something else than before, in words; empty when none would."""
    for name, backend in after.backends.items():
        power = backend.power
        if power is None or isinstance(power, SleepPower):
            continue
        earlier = before.backends.get(name)
        if earlier is None or earlier.power is None or _acts_on(earlier.power) != _acts_on(power):
            return (
                f"backends.{name}.power would let this machine start, stop or scale something else than it does now: "
                "this can be changed only in the file itself, on the machine that serves it"
            )
    return ""


def _acts_on(power: Power) -> dict[str, Any]:
    return power.model_dump(exclude=set(limits()))
