from __future__ import annotations

import pytest
from support.audited import chain, note

from router.core.audit.entry import Actor, read_entry
from router.core.audit.search import Search, summary

ORDER, RECEIPT = map(
    read_entry,
    chain(
        [
            note("gpu", old={"order": "auto"}, new={"order": "on"}, note="for the demo"),
            note("2026-05-20T10:00Z", "egress.receipt", actor=Actor("gw1", "", "gateway", "gw1")),
        ]
    ),
)


@pytest.mark.parametrize(
    "wanted",
    [
        Search(),
        Search(who="ANN"),
        Search(who="10.0.0.9"),
        Search(who="page"),
        Search(action="power.order"),
        Search(action="power"),
        Search(subject="GP"),
        Search(text="demo"),
        Search(text="auto"),
    ],
)
def test_what_is_found(wanted):
    assert wanted.matches(ORDER)


@pytest.mark.parametrize(
    "wanted", [Search(who="bob"), Search(action="key"), Search(subject="api"), Search(text="secret")]
)
def test_what_is_not(wanted):
    assert not wanted.matches(ORDER)


def test_receipts_are_shown_where_they_are_asked_for():
    assert not Search().matches(RECEIPT)
    assert Search(receipts=True).matches(RECEIPT) and Search(action="egress.receipt").matches(RECEIPT)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({"order": "auto"}, {"order": "on"}, "order: auto -> on"),
        ({"a": 1, "same": 2}, {"b": [3], "same": 2}, "a: 1 -> -, b: - -> [3]"),
        (None, {"keys": 2, "sha256": "ab" * 32}, "keys: 2, sha256: abababababab"),
        ("low", "high", "low -> high"),
        (None, None, ""),
        ({"order": "on"}, None, '{"order": "on"}'),
    ],
)
def test_one_line_says_what_changed(old, new, said):
    (entry,) = map(read_entry, chain([note(old=old, new=new)]))
    assert summary(entry) == said
    (entry,) = map(read_entry, chain([note(old=old, new=new, note="why")]))
    assert summary(entry) == "; ".join(filter(None, (said, "why")))
