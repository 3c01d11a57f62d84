"""To which hosts each secret may be sent.

Whoever edits the policy, by the dashboard or by a pull request, could point a backend at a machine of his own and
collect its key. So a secret goes to the hosts that `secrets` names for it and, without an entry, to a known provider's
own hosts alone. Only the file on disk can add to that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from router.config.backend_hosts import host_of, hosts_of, provider_names
from router.config.problems import Finding
from router.config.providers import PROVIDERS, key_names
from router.core.backend_kinds import Backend, LitellmBackend
from router.core.host_patterns import covers
from router.core.policy import Policy

_BY_KEY: Mapping[str, tuple[str, ...]] = {
    key: provider.hosts for name, provider in PROVIDERS.items() for key in key_names(name)
}
_BY_IDENTITY: Mapping[str, tuple[str, ...]] = {
    name: provider.hosts for name, provider in PROVIDERS.items() if provider.identity
}
_EVERY_PROVIDER = tuple(
    dict.fromkeys(host for provider in PROVIDERS.values() for host in provider.hosts if "*" not in host)
)
"""Where customers have hosts of their own, as at Azure, a stranger could have one too."""


def permitted_hosts(policy: Policy, secret: str) -> tuple[str, ...]:
    """Patterns of the hosts that a secret may go to. `secret` is its variable's name or its file's path."""
    return policy.secrets.get(secret) or _BY_KEY.get(secret) or _BY_IDENTITY.get(secret) or _EVERY_PROVIDER


def find_unbound(policy: Policy) -> Iterator[Finding]:
    """Backends whose secret may not go where they are."""
    for name, backend in policy.backends.items():
        for secret, reference in _secrets_of(backend):
            permitted = permitted_hosts(policy, secret)
            refused = [host for host in _receivers(policy, backend) if not covers(permitted, host)]
            if refused:
                hosts = ", ".join(f'"{host}"' for host in dict.fromkeys((*policy.secrets.get(secret, ()), *refused)))
                yield Finding(
                    ("backends", name, "api_key" if backend.api_key else "kind"),
                    f"{reference} may not be sent to {refused[0]}: a secret goes only to hosts that are named for it, "
                    f"or to its provider's own; add to the policy's file: secrets: {{{secret}: [{hosts}]}}",
                )


def widened(before: Policy, after: Policy) -> str:
    """Which secret may go to more hosts than before, in words; empty when none may."""
    for secret, hosts in after.secrets.items():
        permitted = permitted_hosts(before, secret)
        if not all(covers(permitted, host) for host in hosts):
            return (
                f"secrets.{secret} would let that secret go to more hosts than it may now: "
                "this can be changed only in the file itself, on the machine that serves it"
            )
    removed = (secret for secret in before.secrets if secret not in after.secrets)
    for secret in removed:
        if not all(covers(before.secrets[secret], host) for host in permitted_hosts(after, secret)):
            return (
                f"without secrets.{secret} that secret may go to other hosts than it may now: "
                "this can be changed only in the file itself, on the machine that serves it"
            )
    return ""


def _secrets_of(backend: Backend) -> Iterator[tuple[str, str]]:
    """Names of what is sent to a backend to say who asks, and how messages call them."""
    if backend.api_key is not None:
        yield backend.api_key.partition(":")[2], backend.api_key
    elif isinstance(backend, LitellmBackend):
        for name in provider_names(backend):
            if name in _BY_IDENTITY:
                yield name, f"this machine's identity at {name}"


def _receivers(policy: Policy, backend: Backend) -> Iterator[str]:
    """Hosts that see what is sent, as patterns. A proxy sees it where there is no TLS."""
    yield from hosts_of(backend)
    proxy = policy.zones[backend.zone].proxy if backend.zone in policy.zones else None
    if proxy is not None and any(address.startswith("http:") for address in backend.addresses()):
        yield host_of(proxy)
