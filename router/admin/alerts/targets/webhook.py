"""JSON to an address of one's own, signed as Standard Webhooks has it (https://www.standardwebhooks.com).

The signature is HMAC-SHA256 over `id.timestamp.body`, so that a receiver knows who wrote it and when, and which
message it is: one that is sent again has the same id.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable

import msgspec

from router.admin.alerts.targets.http_post import post
from router.admin.alerts.targets.places import secret_of, url_of
from router.core.alerts.notices import Message
from router.core.alerts.policy import WebhookTarget
from router.core.policy import Policy

ENCODED_SECRET = "whsec_"  # noqa: S105 - what such secrets begin with


class Webhook:
    def __init__(self, target: WebhookTarget, policy: Policy, clock: Callable[[], float]) -> None:
        self._target, self._policy, self._clock = target, policy, clock

    async def send(self, message: Message) -> None:
        target = self._target
        body, at = body_of(message), int(self._clock())
        headers = {
            "content-type": "application/json",
            "user-agent": "breakeven",
            "webhook-id": message.id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(secret_of(target.secret), message.id, at, body),
        }
        url = url_of(target.url, self._policy, target.secret, private=target.private)
        await post(url, body, headers, target.timeout, private=target.private)


def body_of(message: Message) -> bytes:
    """The same each time that this message is sent."""
    alerts = [
        {
            "id": each.id,
            "state": each.state,
            "condition": each.condition,
            "severity": each.severity,
            "subject": each.subject,
            "title": each.title,
            "text": each.text,
            "since": each.since,
            "at": each.at,
        }
        for each in message.notices
    ]
    return msgspec.json.encode({"version": 1, "id": message.id, "created": message.created, "alerts": alerts})


def signature(secret: str, id: str, at: int, body: bytes) -> str:
    signed = f"{id}.{at}.".encode() + body
    digest = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def key_of(secret: str) -> bytes:
    """What begins with `whsec_` is base64; anything else is taken as it is."""
    if secret.startswith(ENCODED_SECRET):
        try:
            return base64.b64decode(secret.removeprefix(ENCODED_SECRET), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
