"""`env:NAME` and `file:PATH`: where the policy says that a secret is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import NoReturn

from router.config.bounded_files import read_regular
from router.config.problems import FieldPath, Finding
from router.core.policy import Policy
from router.core.power.policy import CommandPower, ProcessPower

MAX_BYTES = 64 * 1024
"""Of a file that holds a secret."""


class Secret:
    """A value that does not show itself: not in logs, messages, tracebacks or pickles."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __str__(self) -> str:
        return "(hidden)"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not to be stored")


class MissingSecretError(LookupError):
    """Names the reference, never the value."""


def resolve(reference: str, environment: Mapping[str, str] = os.environ) -> Secret:
    """The secret behind `env:NAME` or `file:PATH`; spaces and line ends around it are dropped.

    Raises MissingSecretError when it is not set, empty, unreadable, or could not be sent in a header.
    """
    kind, _, target = reference.partition(":")
    if kind == "env":
        value, hint = environment.get(target, ""), f"set the environment variable {target}"
    else:
        value, hint = _from_file(reference, target), f"write the secret to {target}"
    value = value.strip()
    if not value:
        raise MissingSecretError(f"{reference} is not set or empty: {hint}")
    if not (value.isascii() and value.isprintable()):
        raise MissingSecretError(f"{reference} holds line ends or characters that no HTTP header can carry")
    return Secret(value)


def _from_file(reference: str, target: str) -> str:
    try:
        content = read_regular(target, MAX_BYTES)
        if len(content) > MAX_BYTES:
            raise MissingSecretError(f"{reference} is larger than {MAX_BYTES} bytes: this is hardly a secret")
        return content.decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise MissingSecretError(f"{reference} cannot be read: {reason}") from None


def find_missing(policy: Policy, environment: Mapping[str, str] = os.environ) -> tuple[Finding, ...]:
    """Every secret that the policy names and that cannot be resolved."""
    findings = []
    for path, reference in _references(policy):
        try:
            resolve(reference, environment)
        except MissingSecretError as error:
            findings.append(Finding(path, str(error)))
    return tuple(findings)


def _references(policy: Policy) -> Iterator[tuple[FieldPath, str]]:
    for name, backend in policy.backends.items():
        if backend.api_key is not None:
            yield ("backends", name, "api_key"), backend.api_key
        if isinstance(backend.power, ProcessPower):
            yield from _in(("backends", name, "power", "launch", "env"), backend.power.launch.env)
        elif isinstance(backend.power, CommandPower):
            yield from _in(("backends", name, "power", "env"), backend.power.env)
    for name, target in () if policy.alerts is None else policy.alerts.targets.items():
        for path, reference in target.secrets():
            yield ("alerts", "targets", name, path), reference


def _in(path: FieldPath, variables: Mapping[str, str]) -> Iterator[tuple[FieldPath, str]]:
    return (((*path, name), value) for name, value in variables.items() if is_reference(value))


def is_reference(value: str) -> bool:
    """Whether a variable that a driver gives to programs says where a secret is kept, and is not the value itself."""
    return value.startswith(("env:", "file:"))
