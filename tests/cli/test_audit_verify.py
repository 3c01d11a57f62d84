from __future__ import annotations

import json

import pytest
from support.audited import anchor_of, chain, note

from router.cli import main

LINES = chain([note(str(number)) for number in range(4)])


@pytest.fixture
def verify(tmp_path, capsys):
    """Exit status and what was printed, of these lines."""

    def run(lines: list[bytes], *options: str) -> tuple[int, str]:
        file = tmp_path / "audit.jsonl"
        file.write_bytes(b"".join(line + b"\n" for line in lines))
        status = main(["audit", "verify", "--file", str(file), *options])
        return status, capsys.readouterr().out

    return run


def test_a_chain_that_is_whole(verify):
    anchor = str(anchor_of(LINES))
    status, said = verify(LINES)
    assert status == 0
    assert said.startswith(f"The chain is whole: 4 entries, each follows the one before. Its anchor is {anchor}")
    assert "No anchor was given" in said
    assert verify(LINES, "--anchor", anchor) == (0, said.partition("\n")[0] + "\n")


def test_what_is_wrong_is_told_with_the_entry(verify):
    status, said = verify([LINES[0], *LINES[2:]])
    assert status == 1 and said.splitlines()[1] == "2: entries are missing: 2"
    status, said = verify(LINES[:2], "--anchor", str(anchor_of(LINES)))
    assert status == 1 and "the chain ends with 2" in said


def test_the_same_as_json(verify):
    status, said = verify(LINES, "--json")
    assert status == 0
    assert json.loads(said) == {"whole": True, "entries": 4, "anchor": str(anchor_of(LINES)), "findings": []}
    status, said = verify([], "--json", "--anchor", str(anchor_of(LINES)))
    assert status == 1 and json.loads(said)["findings"][0]["seq"] == 4


def test_nothing_is_not_well(verify):
    assert verify([]) == (1, "The audit has no entries.\n")


def test_an_anchor_that_is_none_is_refused(verify, capsys):
    with pytest.raises(SystemExit) as ended:
        verify(LINES, "--anchor", "twelve")
    assert ended.value.code == 2 and "64 hex digits" in capsys.readouterr().err
