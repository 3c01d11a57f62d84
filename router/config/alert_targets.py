"""Targets of alerts: that those which are named exist, and to which hosts their secrets may be sent.

That is the same rule as for backends. What signs or signs in is bound to the hosts that `secrets` names for it. An
address that is a secret names its host itself, and goes to no other; `secrets` can narrow it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from router.config.backend_hosts import host_of
from router.config.problems import FieldPath, Finding, listing, suggest
from router.config.secrets import is_reference
from router.core.alerts.observation import CONDITIONS
from router.core.alerts.policy import AppriseTarget, MailTarget, Target, WebhookTarget
from router.core.alerts.routes import targets_of
from router.core.host_patterns import covers
from router.core.policy import Policy

_PLACE = re.compile(r"https?://[^\s/?#@]+(/[^\s#]*)?")


def is_place(value: str) -> bool:
    return _PLACE.fullmatch(value) is not None


def find_broken_targets(policy: Policy) -> Iterator[Finding]:
    """Targets that are named and not there, and those whose secret may not go where they are."""
    alerts = policy.alerts
    for index, each in enumerate(() if alerts is None else alerts.send):
        for number, name in enumerate(each.to):
            yield from _unknown(name, policy, ("alerts", "send", index, "to", number))
    for number, name in enumerate(() if alerts is None or alerts.report is None else alerts.report.to):
        yield from _unknown(name, policy, ("alerts", "report", "to", number))
    yield from _unbound(policy)


def _unknown(name: str, policy: Policy, path: FieldPath) -> Iterator[Finding]:
    targets = () if policy.alerts is None else policy.alerts.targets
    if name not in targets:
        yield Finding(path, f'there is no target "{name}"{suggest(name, targets)} targets: {listing(targets)}')


def _unbound(policy: Policy) -> Iterator[Finding]:
    for name, target in () if policy.alerts is None else policy.alerts.targets.items():
        path: FieldPath = ("alerts", "targets", name)
        if isinstance(target, WebhookTarget) and not is_reference(target.url):
            yield from _bound(policy, target.secret, host_of(target.url), (*path, "secret"))
        elif isinstance(target, MailTarget) and target.password is not None:
            yield from _bound(
                policy, target.password, f"{_in_brackets(target.host)}:{target.port}", (*path, "password")
            )
        elif isinstance(target, AppriseTarget) and _name(target.url) not in policy.secrets:
            yield Finding(
                (*path, "url"),
                f"where {target.url} leads to is not known here, and nothing is sent to a host that is not named: add "
                f"to the policy's file: secrets: {{{_name(target.url)}: [api.example.com]}} with its hosts",
            )


def _bound(policy: Policy, reference: str, host: str, path: FieldPath) -> Iterator[Finding]:
    if not _may_go(policy, reference, host):
        yield Finding(path, _refusal(policy, reference, host))


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def misplaced(policy: Policy, reference: str, url: str, signed_with: str = "") -> str:
    """Why an address that is kept as a secret is no place for it, or for what signs; empty when it is one. The address
    itself is not told."""
    named = policy.secrets.get(_name(reference))
    if named and not covers(named, host_of(url)):
        return f"{reference} leads to a host that `secrets` does not name for it"
    if signed_with and not _may_go(policy, signed_with, host_of(url)):
        return (
            f"{signed_with} may not be used for the host that {reference} leads to: name that host for it in `secrets`"
        )
    return ""


def leads_inward(before: Policy, after: Policy) -> str:
    """Which target would lead into the own network and did not before, in words; empty when none would.

    Whoever edits the policy on the dashboard could otherwise have this machine call its neighbours.
    """
    known = {} if before.alerts is None else before.alerts.targets
    for name, target in () if after.alerts is None else after.alerts.targets.items():
        host = _host_written(target)
        if (target.private or (host and is_own_address(host))) and known.get(name) != target:
            return (
                f"alerts.targets.{name} would lead into the own network: "
                "this can be changed only in the file itself, on the machine that serves it"
            )
    return ""


def is_own_address(host: str) -> bool:
    """Whether what is written is an address that is not public, or this machine's name."""
    try:
        return not ip_address(host.strip("[]").partition("%")[0]).is_global
    except ValueError:
        return host.lower() == "localhost"


def _host_written(target: Target) -> str:
    """Empty where it is kept as a secret."""
    if isinstance(target, MailTarget):
        return target.host
    return "" if is_reference(target.url) else urlsplit(target.url).hostname or ""


def advice(policy: Policy) -> Iterator[Finding]:
    """What is valid of targets, and is probably not meant."""
    alerts = policy.alerts
    if alerts is None:
        return
    told = {name for condition in CONDITIONS for name in targets_of(condition, alerts)}
    told |= set() if alerts.report is None else set(alerts.report.to)
    for name, target in alerts.targets.items():
        path: FieldPath = ("alerts", "targets", name)
        host, plain = _host_written(target), _is_plain(target)
        if plain and host and not is_own_address(host):
            yield Finding((*path, plain), "what it is told can be read on its way: use TLS")
        if name not in told:
            yield Finding(path, "it is told of nothing: no entry of alerts.send names it, and alerts.report neither")


def _is_plain(target: Target) -> str:
    """The setting by which it is reached without TLS; empty where there is none."""
    if isinstance(target, MailTarget):
        return "tls" if target.tls == "none" else ""
    return "url" if target.url.startswith("http:") else ""


def _may_go(policy: Policy, reference: str, host: str) -> bool:
    return covers(policy.secrets.get(_name(reference), ()), host)


def _refusal(policy: Policy, reference: str, host: str) -> str:
    name = _name(reference)
    hosts = ", ".join(f'"{each}"' for each in dict.fromkeys((*policy.secrets.get(name, ()), host)))
    return (
        f"{reference} may not be used for {host}: a secret goes only to hosts that are named for it; "
        f"add to the policy's file: secrets: {{{name}: [{hosts}]}}"
    )


def _name(reference: str) -> str:
    return reference.partition(":")[2]
