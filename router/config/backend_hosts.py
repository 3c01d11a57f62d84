"""Where each backend's requests may go: its own address, or its provider's hosts; nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from router.config.problems import Finding
from router.config.providers import PROVIDERS, Provider
from router.core.backend_kinds import Backend, LitellmBackend, Served
from router.core.policy import Policy

_UNKNOWN = Provider(())
_PORTS = {"http": 80, "https": 443}


def host_of(url: str) -> str:
    """`name:port` of an http or https URL."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    return f"{f'[{name}]' if ':' in name else name}:{parts.port or _PORTS.get(parts.scheme, 0)}"


def hosts_of(backend: Backend) -> tuple[str, ...]:
    """Patterns of the hosts that get a backend's requests and its key."""
    own = tuple(host_of(url) for url in backend.addresses())
    if not isinstance(backend, LitellmBackend):
        return own
    return (*own, *backend.hosts) or tuple(dict.fromkeys(host for each in providers_of(backend) for host in each.hosts))


def identity_hosts(backend: LitellmBackend) -> tuple[str, ...]:
    """Where a backend without a key gets the machine's own identity as one."""
    if backend.api_key is not None:
        return ()
    return tuple(dict.fromkeys(host for each in providers_of(backend) for host in each.identity))


def providers_of(backend: LitellmBackend) -> tuple[Provider, ...]:
    """Of its models."""
    return tuple(PROVIDERS.get(name, _UNKNOWN) for name in provider_names(backend))


def provider_names(backend: LitellmBackend) -> tuple[str, ...]:
    """As litellm names them; empty for a model without one."""
    return tuple(dict.fromkeys(_provider_name(entry) for entry in backend.serves.values()))


def find_unreachable(policy: Policy) -> Iterator[Finding]:
    """Backends of providers whose hosts nobody knows: their requests would be refused one by one."""
    for name, backend in policy.backends.items():
        if not isinstance(backend, LitellmBackend) or backend.api_base or backend.hosts:
            continue
        for model, entry in backend.serves.items():
            provider = _provider_name(entry)
            if provider and provider not in PROVIDERS:
                yield Finding(
                    ("backends", name, "serves", model),
                    f'where "{provider}" answers is not known here, and requests go to no host that is not named: add '
                    f'"hosts: [api.example.com]" with its API\'s host to backends.{name}, or api_base',
                )


def _provider_name(entry: str | Served) -> str:
    provider, slash, _ = (entry.model if isinstance(entry, Served) else entry).partition("/")
    return provider if slash else ""
