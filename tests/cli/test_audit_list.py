from __future__ import annotations

import json

import pytest
from support.audited import chain, note

from router.cli import main
from router.core.audit.entry import Actor

LINES = chain(
    [
        note("gpu", old={"order": "auto"}, new={"order": "on"}),
        note("app", "key.revoke", actor=Actor("bob", "", "command", "host7")),
        note("2026-05-20T10:00Z", "egress.receipt", actor=Actor("gw1", "", "gateway", "gw1")),
    ]
)


@pytest.fixture
def listed(tmp_path, capsys):
    def run(*options: str) -> tuple[int, str, str]:
        file = tmp_path / "audit.jsonl"
        file.write_bytes(b"".join(line + b"\n" for line in LINES) + b"broken\n")
        status = main(["audit", "list", "--file", str(file), *options])
        return status, *capsys.readouterr()

    return run


def test_latest_first_without_receipts(listed):
    status, out, err = listed()
    assert status == 0 and "1 lines are not entries" in err
    assert [line.split() for line in out.splitlines()] == [
        ["entry", "at", "who", "from", "action", "subject", "what"],
        ["2", "2026-05-20", "10:00:00Z", "bob", "command", "host7", "key.revoke", "app"],
        [
            "1",
            "2026-05-20",
            "10:00:00Z",
            "ann",
            "(admin)",
            "page",
            "10.0.0.9",
            "power.order",
            "gpu",
            "order:",
            "auto",
            "->",
            "on",
        ],
    ]


def test_what_is_asked_for(listed):
    assert [each["seq"] for each in json.loads(listed("--json", "--receipts")[1])] == [3, 2, 1]
    assert [each["seq"] for each in json.loads(listed("--json", "--limit", "1")[1])] == [2]
    assert [each["seq"] for each in json.loads(listed("--json", "--what", "power")[1])] == [1]
    assert listed("--who", "nobody")[1] == "No entries.\n"


def test_an_action_that_is_none_says_which_there_are(listed):
    status, _, err = listed("--what", "melt")
    assert status == 2 and "there is no action 'melt'; there are: gateway.start, policy.apply" in err
