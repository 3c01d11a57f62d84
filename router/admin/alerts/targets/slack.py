"""A channel of Slack, by an incoming webhook."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from router.admin.alerts.targets.http_post import post
from router.admin.alerts.targets.places import url_of
from router.core.alerts.notices import Message
from router.core.alerts.policy import SlackTarget
from router.core.policy import Policy


class Slack:
    def __init__(self, target: SlackTarget, policy: Policy, clock: Callable[[], float]) -> None:
        self._target, self._policy = target, policy

    async def send(self, message: Message) -> None:
        target = self._target
        headers = {"content-type": "application/json", "user-agent": "breakeven"}
        url = url_of(target.url, self._policy, private=target.private)
        await post(url, body_of(message), headers, target.timeout, private=target.private)


def body_of(message: Message) -> bytes:
    return msgspec.json.encode({"text": escaped("\n\n".join(message.lines))})


def escaped(text: str) -> str:
    """As Slack takes text that is no markup: a key that is called <!channel> calls nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
