"""`breakeven audit`: what its actions have in common."""

from __future__ import annotations

import pytest
from support.audited import anchor_of, chain, note

from router.cli import main
from router.ledger.redis_keys import AUDIT_KEY

LINES = chain([note("gpu", new={"order": "on"}), note("gpu", new={"order": "off"})])


def test_a_ledger_that_cannot_be_reached_says_so(capsys):
    assert main(["audit", "list", "--redis", "redis://127.0.0.1:1/0"]) == 1
    assert capsys.readouterr().err.startswith("breakeven audit list: ")


def test_a_url_that_is_none_is_an_argument_that_cannot_be_used(capsys):
    assert main(["audit", "verify", "--redis", "ftp://x"]) == 2
    assert capsys.readouterr().err.startswith("breakeven audit verify: ")


def test_from_the_ledger_to_a_file_and_back(books, tmp_path, capsys):
    """What is exported is what was written, byte for byte, and verifies without the ledger."""
    books.client.rpush(AUDIT_KEY, *LINES)
    file = tmp_path / "audit.jsonl"
    assert main(["audit", "export", "--output", str(file), "--redis", books.url]) == 0
    assert file.read_bytes() == b"".join(line + b"\n" for line in LINES)
    assert file.stat().st_mode & 0o777 == 0o600
    assert main(["audit", "anchor", "--redis", books.url]) == 0
    anchor = capsys.readouterr().out.strip()
    assert anchor == str(anchor_of(LINES))
    assert main(["audit", "verify", "--file", str(file), "--anchor", anchor]) == 0


@pytest.mark.parametrize("action", ["list", "verify", "export", "anchor"])
def test_a_file_that_is_not_there_is_named(action, tmp_path, capsys):
    assert main(["audit", action, "--file", str(tmp_path / "none")]) == 1
    assert f"{tmp_path / 'none'}: no such file" in capsys.readouterr().err
