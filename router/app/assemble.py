"""A plan -> the backends of the fleet, with addresses and credentials."""

from __future__ import annotations

import ssl

from router.config.secrets import resolve
from router.core.backend_kinds import Backend, LitellmBackend
from router.core.values import Plan
from router.upstream.fleet import BackendSpec
from router.upstream.probes import PROBES
from router.upstream.target import Target, target_of_socket, target_of_url


def backend_specs(plan: Plan, adapter_socket: str, tls: ssl.SSLContext) -> list[BackendSpec]:
    """Raises MissingSecretError when a credential cannot be resolved."""
    policy = plan.policy
    return [
        BackendSpec(
            name=name,
            backend=backend,
            targets=_targets(name, backend, policy.zones[backend.zone].proxy or "", adapter_socket, tls),
            adapted=_adapted(name, backend, adapter_socket),
            health=policy.health,
            powered=backend.power is not None,
            probed=backend.kind in PROBES,
        )
        for name, backend in policy.backends.items()
    ]


def _targets(name: str, backend: Backend, proxy: str, adapter_socket: str, tls: ssl.SSLContext) -> tuple[Target, ...]:
    if isinstance(backend, LitellmBackend):
        return (target_of_socket(name, backend.zone, adapter_socket, backend.fingerprint()),)
    api_key = resolve(backend.api_key).reveal() if backend.api_key else None
    return tuple(
        target_of_url(
            name,
            backend.zone,
            url,
            api_key,
            tls,
            proxy=proxy,
            key_header=backend.key_header,
            key_scheme=backend.key_scheme,
        )
        for url in backend.replicas()
    )


def _adapted(name: str, backend: Backend, adapter_socket: str) -> tuple[Target, ...]:
    if not backend.translated:
        return ()
    fingerprint, zone = backend.fingerprint(), backend.zone
    numbers = range(len(backend.replicas()))
    return tuple(target_of_socket(name, zone, adapter_socket, fingerprint, number) for number in numbers)
