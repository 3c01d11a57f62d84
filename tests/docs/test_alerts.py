"""The page on alerts: its snippet verifies what is really sent."""

from __future__ import annotations

import json
from typing import Any

from router.admin.alerts.targets.webhook import body_of, signature
from router.core.alerts.notices import Message, Notice
from router.core.alerts.observation import CONDITIONS
from tests.docs.markdown import ROOT, blocks

PAGE = (ROOT / "docs" / "alerts.md").read_text()
NOTICE = Notice(
    id="c-firing",
    at=1,
    state="firing",
    condition="limit",
    severity="warning",
    subject="s",
    title="t",
    text="x",
    since=1,
)
BODY = body_of(Message("m1", 1.0, [NOTICE]))


def on_the_page(language: str) -> str:
    (found,) = [block.text for block in blocks(language) if block.place.startswith("docs/alerts.md")]
    return found


def test_the_snippet_takes_what_is_signed_and_nothing_else():
    names: dict[str, Any] = {}
    exec(on_the_page("python"), names)
    at = 1_795_604_400
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": str(at),
        "webhook-signature": signature("the secret", "m1", at, BODY),
    }
    verified = names["verified"]
    assert verified("the secret", headers, BODY, at + 10)
    assert not verified("another", headers, BODY, at)
    assert not verified("the secret", headers, BODY + b" ", at)
    assert not verified("the secret", headers | {"webhook-id": "m2"}, BODY, at)
    assert not verified("the secret", headers | {"webhook-timestamp": str(at + 1)}, BODY, at)
    assert not verified("the secret", headers, BODY, at + 301)


def test_the_example_has_the_fields_that_are_sent():
    shown, sent = json.loads(on_the_page("json")), json.loads(BODY)
    assert shown.keys() == sent.keys() and shown["alerts"][0].keys() == sent["alerts"][0].keys()


def test_every_condition_that_is_told_is_explained():
    assert {name for name in CONDITIONS if f"| `{name}` |" not in PAGE} == set()
