"""A channel of Slack, by an incoming webhook."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from router.admin.alerts.targets.http_post import post
from router.admin.alerts.targets.places import url_of
from router.admin.alerts.targets.target import TooLong
from router.core.alerts.notices import Message
from router.core.alerts.policy import SlackTarget
from router.core.policy import Policy

LONGEST = 40_000
"""Characters of a text; Slack cuts off what is more. An escaped one counts as it is written."""


class Slack:
    def __init__(self, target: SlackTarget, policy: Policy, clock: Callable[[], float]) -> None:
        self._target, self._policy = target, policy

    async def send(self, message: Message) -> None:
        target = self._target
        headers = {"content-type": "application/json", "user-agent": "breakeven"}
        url = url_of(target.url, self._policy, private=target.private)
        await post(url, body_of(message), headers, target.timeout, private=target.private)


def body_of(message: Message) -> bytes:
    """One notice is cut. Raises TooLong for several that do not fit together."""
    text = escaped("\n\n".join(message.lines))
    if len(text) > LONGEST:
        if len(message.notices) > 1:
            raise TooLong(f"it has more than {LONGEST} characters")
        text = re.sub("&[a-z]*$", "", text[: LONGEST - 1]) + "…"
    return msgspec.json.encode({"text": text})


def escaped(text: str) -> str:
    """As Slack takes text that is no markup: a key that is called <!channel> calls nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
