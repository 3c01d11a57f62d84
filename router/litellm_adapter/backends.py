"""The policy's backends of kind litellm."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from router.config.backend_hosts import host_of, hosts_of, identity_hosts
from router.core.backend_kinds import LitellmBackend, Served
from router.core.policy import Policy
from router.litellm_adapter.confined import NOWHERE, Destination

NO_KEY = "none"
"""What a server gets that is not the provider's own and that the policy has no key for."""


class AdapterBackend(Struct, frozen=True):
    name: str
    models: frozenset[str]
    """litellm's names of the models that it may be asked for."""
    api_key: str | None = None
    """None leaves the search for credentials to litellm, for the provider's own hosts: the environment, or the
    machine's own identity."""
    api_base: str | None = None
    connect_timeout: float = 2.0
    read_timeout: float = 600.0
    """Longest silence, in seconds, before and inside a response."""
    fingerprint: str = ""
    """Of the policy's backend; the gateway sends that of the backend it means."""
    destination: Destination = NOWHERE
    """Where its requests may go, and its own identity's too if it has no key."""

    @property
    def reach(self) -> tuple[str, ...]:
        """Hosts that connections are made to."""
        proxy = self.destination.proxy
        return self.destination.hosts if proxy is None else (host_of(proxy),)

    def __repr__(self) -> str:
        return f"AdapterBackend({self.name!r})"


def from_policy(policy: Policy, reveal: Callable[[str], str]) -> dict[str, AdapterBackend]:
    """The backends by name. `reveal` gives the secret behind `env:NAME` or `file:PATH`; what it raises is passed on."""
    return {
        name: _backend(name, backend, policy.zones[backend.zone].proxy, reveal)
        for name, backend in policy.backends.items()
        if isinstance(backend, LitellmBackend)
    }


def _backend(name: str, backend: LitellmBackend, proxy: str | None, reveal: Callable[[str], str]) -> AdapterBackend:
    served = [entry.model if isinstance(entry, Served) else entry for entry in backend.serves.values()]
    return AdapterBackend(
        name=name,
        models=frozenset(served),
        api_key=_api_key(backend, reveal),
        api_base=backend.api_base,
        connect_timeout=backend.connect_timeout,
        read_timeout=max(backend.first_byte_timeout, backend.answer_timeout, backend.idle_timeout),
        fingerprint=backend.fingerprint(),
        destination=Destination((*hosts_of(backend), *identity_hosts(backend)), proxy),
    )


def _api_key(backend: LitellmBackend, reveal: Callable[[str], str]) -> str | None:
    if backend.api_key is not None:
        return reveal(backend.api_key)
    # Otherwise litellm would take the provider's key from the environment and send it to an address of another's.
    return NO_KEY if backend.api_base is not None and not identity_hosts(backend) else None
