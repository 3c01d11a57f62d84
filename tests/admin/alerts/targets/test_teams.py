"""What Teams gets."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.alerting import MESSAGE, NOTICE, plan_of_targets

from router.admin.alerts.targets.registry import sender_of
from router.admin.alerts.targets.target import TooLong
from router.admin.alerts.targets.teams import LARGEST, body_of
from router.core.alerts.notices import Message


def test_more_than_teams_takes_goes_in_parts_and_one_alone_is_cut():
    long = replace(NOTICE, title=f"key {'検' * 200}", text="used in the month\n" * 3)
    with pytest.raises(TooLong, match="28000 bytes"):
        body_of(Message("m", 0.0, [long] * 50))
    assert len(body_of(Message("m", 0.0, [long] * 25))) <= LARGEST
    for endless in (replace(NOTICE, text="検" * 40_000), replace(NOTICE, title="\x01" * 40_000, text="x\n" * 20_000)):
        cut = body_of(Message("m", 0.0, [endless]))
        assert LARGEST / 4 < len(cut) <= LARGEST and "…" in cut.decode()


async def test_it_gets_a_card_of_plain_text(receiver, monkeypatch):
    monkeypatch.setenv("TEAMS_URL_OF_TESTS", receiver.url)
    policy = plan_of_targets("chat: {kind: teams, url: 'env:TEAMS_URL_OF_TESTS', private: true}").policy
    await sender_of("chat", policy, lambda: 0.0).send(MESSAGE)
    over = replace(NOTICE, state="resolved", title="**bold**", text="one\n\ntwo")
    receiver.answers = [202]
    await sender_of("chat", policy, lambda: 0.0).send(Message("m", 0.0, [over]))
    first, second = (
        [run["text"] for block in each.json["attachments"][0]["content"]["body"] for run in block["inlines"]]
        for each in receiver.received
    )
    assert first == ["Half of it", "$1 of $2"] and second == ["Resolved: **bold**", "one", "two"]
    card = receiver.received[0].json["attachments"][0]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert {block["type"] for block in card["content"]["body"]} == {"RichTextBlock"}  # which is no Markdown
