"""A channel of Microsoft Teams, by the webhook of a workflow that posts cards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from router.admin.alerts.targets.http_post import post
from router.admin.alerts.targets.places import url_of
from router.admin.alerts.targets.target import TooLong
from router.core.alerts.notices import Message, Notice
from router.core.alerts.policy import TeamsTarget
from router.core.policy import Policy

LARGEST = 28_000
"""Bytes of a message; Teams refuses more than 28 KB."""


class Teams:
    def __init__(self, target: TeamsTarget, policy: Policy, clock: Callable[[], float]) -> None:
        self._target, self._policy = target, policy

    async def send(self, message: Message) -> None:
        target = self._target
        headers = {"content-type": "application/json", "user-agent": "breakeven"}
        url = url_of(target.url, self._policy, private=target.private)
        await post(url, body_of(message), headers, target.timeout, private=target.private)


def body_of(message: Message) -> bytes:
    """One notice is cut. Raises TooLong for several that do not fit together."""
    body = _body(message)
    if len(body) > LARGEST and len(message.notices) > 1:
        raise TooLong(f"it has more than {LARGEST} bytes")
    longest = LARGEST
    while len(body) > LARGEST:
        longest //= 2
        body = _body(replace(message, notices=[_cut(each, longest) for each in message.notices]))
    return body


def _cut(notice: Notice, longest: int) -> Notice:
    """To as many characters of title and of text."""
    title, text = (each if len(each) <= longest else f"{each[:longest]}…" for each in (notice.title, notice.text))
    return replace(notice, title=title, text=text)


def _body(message: Message) -> bytes:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [block for notice in message.notices for block in _blocks(notice)],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return msgspec.json.encode({"type": "message", "attachments": [attachment]})


def _blocks(notice: Notice) -> list[dict[str, Any]]:
    """Runs of text, which are no Markdown as blocks of text are."""
    state = "Resolved: " if notice.state == "resolved" else ""
    title = {"type": "TextRun", "text": f"{state}{notice.title}", "weight": "bolder"}
    return [
        {"type": "RichTextBlock", "inlines": [title]},
        *(
            {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": line}]}
            for line in notice.text.splitlines()
            if line
        ),
    ]
