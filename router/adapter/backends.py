"""The policy's backends of kind litellm."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from router.core.policy import LitellmBackend, Policy, Served


class AdapterBackend(Struct, frozen=True):
    name: str
    models: frozenset[str]
    """litellm's names of the models that it may be asked for."""
    api_key: str | None = None
    """None leaves the search for credentials to litellm: the environment, or the machine's own identity."""
    api_base: str | None = None
    connect_timeout: float = 2.0
    read_timeout: float = 600.0
    """Longest silence, in seconds, before and inside a response."""
    fingerprint: str = ""
    """Of the policy's backend; the gateway sends that of the backend it means."""

    def __repr__(self) -> str:
        return f"AdapterBackend({self.name!r})"


def from_policy(policy: Policy, reveal: Callable[[str], str]) -> dict[str, AdapterBackend]:
    """The backends by name. `reveal` gives the secret behind `env:NAME` or `file:PATH`; what it raises is passed on."""
    return {
        name: _backend(name, backend, reveal)
        for name, backend in policy.backends.items()
        if isinstance(backend, LitellmBackend)
    }


def _backend(name: str, backend: LitellmBackend, reveal: Callable[[str], str]) -> AdapterBackend:
    served = [entry.model if isinstance(entry, Served) else entry for entry in backend.serves.values()]
    return AdapterBackend(
        name=name,
        models=frozenset(served),
        api_key=None if backend.api_key is None else reveal(backend.api_key),
        api_base=backend.api_base,
        connect_timeout=backend.connect_timeout,
        read_timeout=max(backend.first_byte_timeout, backend.answer_timeout, backend.idle_timeout),
        fingerprint=backend.fingerprint(),
    )
