"""What Slack gets."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
from support.alerting import MESSAGE, NOTICE, plan_of_targets

from router.admin.alerts.targets.registry import sender_of
from router.admin.alerts.targets.slack import LONGEST, body_of
from router.admin.alerts.targets.target import TooLong
from router.core.alerts.notices import Message


def test_more_than_slack_takes_goes_in_parts_and_one_alone_is_cut():
    long = replace(NOTICE, text="<" * 5_000)
    with pytest.raises(TooLong, match="40000 characters"):
        body_of(Message("m", 0.0, [long] * 2))
    text = json.loads(body_of(Message("m", 0.0, [replace(long, text="&" * 30_000)])))["text"]
    assert len(text) <= LONGEST and text.endswith("&amp;…"), "no escape is cut in two"


async def test_it_gets_the_lines_as_text(receiver, monkeypatch):
    monkeypatch.setenv("SLACK_URL_OF_TESTS", receiver.url)
    policy = plan_of_targets("chat: {kind: slack, url: 'env:SLACK_URL_OF_TESTS', private: true}").policy
    await sender_of("chat", policy, lambda: 0.0).send(MESSAGE)
    (got,) = receiver.received
    assert got.json == {"text": "Half of it\n$1 of $2"} and got.headers["content-type"] == "application/json"


def test_what_a_key_is_called_is_no_markup():
    hostile = Message("m", 0.0, [replace(NOTICE, title="key <!channel> & co")])
    assert json.loads(body_of(hostile))["text"].startswith("key &lt;!channel&gt; &amp; co")
