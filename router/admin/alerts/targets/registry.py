"""The kinds of target by their section of the policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from router.admin.alerts.targets.apprise import Apprise
from router.admin.alerts.targets.mail import Mail
from router.admin.alerts.targets.slack import Slack
from router.admin.alerts.targets.target import Sender
from router.admin.alerts.targets.teams import Teams
from router.admin.alerts.targets.webhook import Webhook
from router.core.alerts.policy import AppriseTarget, MailTarget, SlackTarget, TeamsTarget, WebhookTarget
from router.core.policy import Policy

KINDS: Mapping[type, Callable[[Any, Policy, Callable[[], float]], Sender]] = {
    WebhookTarget: Webhook,
    SlackTarget: Slack,
    TeamsTarget: Teams,
    MailTarget: Mail,
    AppriseTarget: Apprise,
}


def sender_of(name: str, policy: Policy, clock: Callable[[], float]) -> Sender:
    """Raises KeyError for a target that the policy does not name."""
    if policy.alerts is None:
        raise KeyError(name)
    target = policy.alerts.targets[name]
    return KINDS[type(target)](target, policy, clock)
