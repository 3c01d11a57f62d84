"""A model of a policy to try it with, where nobody names one."""

from __future__ import annotations

from router.core.name_patterns import STAR, is_pattern
from router.core.policy import Policy


def example_model(policy: Policy) -> str:
    """The first that the policy names, or else a name that its first pattern takes."""
    first = next(iter(policy.models))
    return next((name for name in policy.models if not is_pattern(name)), first.replace(STAR, "model"))
