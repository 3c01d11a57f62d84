"""Where a target is, once what the policy only refers to is known."""

from __future__ import annotations

from urllib.parse import urlsplit

from router.admin.alerts.targets.target import NotDelivered
from router.config.alert_targets import is_own_address, is_place, misplaced
from router.config.secrets import MissingSecretError, is_reference, resolve
from router.core.policy import Policy


def secret_of(reference: str) -> str:
    """Raises NotDelivered."""
    try:
        return resolve(reference).reveal()
    except MissingSecretError as missing:
        raise NotDelivered(str(missing)) from None


def url_of(url: str, policy: Policy, signed_with: str = "", *, private: bool = False) -> str:
    """The address. Raises NotDelivered also where the policy does not permit one that is kept as a secret: whoever may
    name a secret on the dashboard does not write an address of the own network in the policy by that."""
    if not is_reference(url):
        return url
    found = secret_of(url)
    if not is_place(found):
        raise NotDelivered(f"{url} holds no address that begins with https:// or http://")
    wrong = misplaced(policy, url, found, signed_with)
    if wrong:
        raise NotDelivered(wrong)
    if not private and is_own_address(urlsplit(found).hostname or ""):
        raise NotDelivered(f"{url} leads into an own network: private: true permits that")
    return found
