from __future__ import annotations

import json

from router.surfaces.anthropic.models import listing, single


def test_all_are_on_one_page() -> None:
    page = json.loads(listing(iter(["chat", "code"])))
    assert (page["has_more"], page["first_id"], page["last_id"]) == (False, "chat", "code")
    assert [(each["type"], each["id"], each["display_name"]) for each in page["data"]] == [
        ("model", "chat", "chat"),
        ("model", "code", "code"),
    ]
    assert page["data"][0] == json.loads(single("chat"))


def test_a_page_may_be_empty() -> None:
    page = json.loads(listing([]))
    assert (page["data"], page["first_id"], page["last_id"]) == ([], None, None)
