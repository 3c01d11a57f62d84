"""The variables that a policy gives to programs, with what its references stand for."""

from __future__ import annotations

from collections.abc import Mapping

from router.config.secrets import is_reference, resolve


def resolved(variables: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The policy's variables with the values that its references stand for, and those values, which no message may
    repeat. Raises MissingSecretError."""
    secrets = {name: resolve(value).reveal() for name, value in variables.items() if is_reference(value)}
    return {**variables, **secrets}, tuple(secrets.values())
