"""The policy's backends behind the adapter: those of kind litellm, and others for surfaces that they do not speak."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from router.config.backend_hosts import host_of, hosts_of, identity_hosts
from router.core.backend_kinds import Backend, LitellmBackend, Served
from router.core.name_patterns import closest, filled
from router.core.policy import Policy
from router.litellm_adapter.confined import NOWHERE, Destination

NO_KEY = "none"
"""What a server gets that is not the provider's own and that the policy has no key for."""


class AdapterBackend(Struct, frozen=True):
    name: str
    models: Mapping[str, str]
    """litellm's names of the models that it may be asked for, by what they are asked for as."""
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
    drop_unsupported: bool = False
    """What its provider cannot do is left out, and not refused."""
    chat_only: bool = False
    """It is asked in chat whatever the provider of that name has: a server may speak no more of the dialect."""

    @property
    def reach(self) -> tuple[str, ...]:
        """Hosts that connections are made to."""
        proxy = self.destination.proxy
        return self.destination.hosts if proxy is None else (host_of(proxy),)

    def called(self, asked: str) -> str | None:
        """litellm's name of a model; None of one that it may not be asked for."""
        found = closest(self.models, asked)
        return None if found is None else filled(self.models[found], found, asked)

    def __repr__(self) -> str:
        return f"AdapterBackend({self.name!r})"


def from_policy(policy: Policy, reveal: Callable[[str], str]) -> dict[str, AdapterBackend]:
    """The backends by name and number of the replica: `claude/0`. `reveal` gives the secret behind `env:NAME` or
    `file:PATH`; what it raises is passed on."""
    return {
        f"{name}/{place}": made
        for name, backend in policy.backends.items()
        for place, made in enumerate(_made(name, backend, policy.zones[backend.zone].proxy, reveal))
    }


def _made(name: str, backend: Backend, proxy: str | None, reveal: Callable[[str], str]) -> Iterator[AdapterBackend]:
    served = [entry.model if isinstance(entry, Served) else entry for entry in backend.serves.values()]
    timeout = max(backend.first_byte_timeout, backend.answer_timeout, backend.idle_timeout)
    if isinstance(backend, LitellmBackend):
        yield AdapterBackend(
            name=name,
            models={model: model for model in served},
            api_key=_api_key(backend, reveal),
            api_base=backend.api_base,
            connect_timeout=backend.connect_timeout,
            read_timeout=timeout,
            fingerprint=backend.fingerprint(),
            destination=Destination((*hosts_of(backend), *identity_hosts(backend)), proxy),
            drop_unsupported=backend.drop_unsupported,
        )
    elif backend.dialect:
        key = NO_KEY if backend.api_key is None else reveal(backend.api_key)
        for url in backend.replicas():
            yield AdapterBackend(
                name=name,
                models={model: f"{backend.dialect}/{model}" for model in served},
                api_key=key,
                api_base=backend.adapter_url(url),
                connect_timeout=backend.connect_timeout,
                read_timeout=timeout,
                fingerprint=backend.fingerprint(),
                destination=Destination((host_of(url),), proxy),
                chat_only=True,
            )


def _api_key(backend: LitellmBackend, reveal: Callable[[str], str]) -> str | None:
    if backend.api_key is not None:
        return reveal(backend.api_key)
    # Otherwise litellm would take the provider's key from the environment and send it to an address of another's.
    return NO_KEY if backend.api_base is not None and not identity_hosts(backend) else None
