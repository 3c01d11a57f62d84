"""What a valid policy permits, and is probably not what its author meant."""

from __future__ import annotations

from router.core.policy import Policy


def advice(policy: Policy) -> tuple[str, ...]:
    """Sentences for people, each with the setting that it is about."""
    return tuple(_no_time_for_another(policy))


def _no_time_for_another(policy: Policy) -> list[str]:
    """Backends that may use up the time of those that would take over."""
    found = []
    retry = policy.retry
    shared = {name for model in policy.models.values() if len(model.backends) > 1 for name in model.backends}
    if shared and retry.attempts == 1:
        found.append("retry.attempts: with 1 attempt no second backend is ever tried")
    for name in sorted(shared):
        backend = policy.backends[name]
        longest = backend.connect_timeout + backend.first_byte_timeout
        if longest >= retry.deadline:
            found.append(
                f"backends.{name}: connect_timeout and first_byte_timeout ({longest:g} s) leave nothing of"
                f" retry.deadline ({retry.deadline:g} s) for a second backend: shorten them, or raise the deadline"
            )
    return found
