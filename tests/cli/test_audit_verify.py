from __future__ import annotations

import json

import pytest
from support.audited import anchor_of, chain, note, receipt_note, record_line

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
    first, _, last = said.splitlines()
    assert verify(LINES, "--anchor", anchor) == (0, f"{first}\n{last}\n")


def test_what_is_wrong_is_told_with_the_entry(verify):
    status, said = verify([LINES[0], *LINES[2:]])
    assert status == 1 and said.splitlines()[1] == "2: entries are missing: 2"
    status, said = verify(LINES[:2], "--anchor", str(anchor_of(LINES)))
    assert status == 1 and "the chain ends with 2" in said


def test_the_same_as_json(verify):
    status, said = verify(LINES, "--json")
    assert status == 0
    told = json.loads(said)
    assert (told["whole"], told["entries"], told["anchor"], told["findings"]) == (True, 4, str(anchor_of(LINES)), [])
    assert (told["receipts"]["minutes"], told["never"], told["records"]) == (0, [], None)
    status, said = verify([], "--json", "--anchor", str(anchor_of(LINES)))
    assert status == 1 and json.loads(said)["findings"][0]["seq"] == 4


def test_nothing_is_not_well(verify):
    assert verify([]) == (1, "The audit has no entries.\nThere are no receipts of requests.\n")


def test_an_anchor_that_is_none_is_refused(verify, capsys):
    with pytest.raises(SystemExit) as ended:
        verify(LINES, "--anchor", "twelve")
    assert ended.value.code == 2 and "64 hex digits" in capsys.readouterr().err


# --- receipts


def test_that_nothing_of_a_level_left_is_shown(verify):
    refused = record_line(kind="refused", zone="", local=False)
    status, said = verify(chain([receipt_note(record_line(), refused)]), "--never", "restricted")
    assert status == 0
    assert "Receipts of 1 minute from 2026-05-20T10:00Z to 2026-05-20T10:00Z: 2 records." in said
    assert said.endswith("restricted: 1 to local (own); 1 refused: none left.\n")


def test_one_that_left_is_not_well(verify):
    out = record_line(zone="cloud", local=False, captive=False)
    status, said = verify(chain([receipt_note(record_line(), out)]), "--never", "restricted", "--never", "phi")
    assert status == 1 and "1: requests of 2026-05-20T10:00Z: 1 of phi went to cloud, which is not own" in said
    assert "restricted: 1 to cloud (NOT OWN); 1 to local (own); 0 refused: 1 LEFT." in said
    status, said = verify(chain([receipt_note(out)]), "--never", "phi", "--json")
    assert status == 1 and json.loads(said)["never"][0]["left"] == 1


def test_a_level_or_tag_that_nothing_knows_is_not_well(verify):
    status, said = verify(chain([receipt_note(record_line())]), "--never", "restriced")
    assert status == 1
    assert "no receipt has a level or tag restriced; there are: phi, restricted. Did you mean restricted?" in said


def test_gaps_and_requests_without_a_level_are_told(verify):
    killed = record_line(kind="held", sensitivity="", tags=[], zone="cloud", local=False, captive=False)
    status, said = verify(chain([receipt_note(killed), note("m", "egress.gap", new={"entries": 4})]))
    assert status == 0
    assert "1 time records were gone before a receipt" in said and "1 that went to zones that are not own" in said


def test_an_export_of_records_is_held_against_the_receipts(verify, tmp_path):
    lines = [record_line(request_id=f"r{number}") for number in range(3)]
    lines[2]["time"] = "2026-05-20T10:01:00.000000Z"
    file = tmp_path / "records.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    entries = chain([receipt_note(*lines[:2])])
    status, said = verify(entries, "--records", str(file))
    assert status == 0 and "2 of 3 records of the export are in receipts, exactly as they are." in said
    assert "Not checked: 1 behind 2026-05-20T10:00Z: there is no receipt of them yet." in said
    lines[1]["zone"] = "cloud"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    status, said = verify(entries, "--records", str(file))
    assert status == 1 and "0 of 3 records" in said and "are not those that its receipt was made of" in said
    file.write_text("")
    status, said = verify(entries, "--records", str(file))
    assert status == 1 and "nothing to check" in said


def test_how_far_receipts_reach_is_said_since_a_record_that_is_missing_behind_that_is_not_noticed(verify, tmp_path):
    lines = [record_line(request_id=f"r{number}") for number in range(4)]
    for late in lines[2:]:
        late["time"] = "2026-05-20T10:01:00.000000Z"
    entries, file = chain([receipt_note(*lines[:2])]), tmp_path / "records.jsonl"
    for kept in (lines, lines[:3], lines[:2]):  # those that are left out have no receipt yet
        file.write_text("".join(f"{json.dumps(line)}\n" for line in kept))
        status, said = verify(entries, "--records", str(file))
        assert status == 0
        assert "Covered are records to the end of 2026-05-20T10:00Z; receipts reach no further yet." in said
        assert "Behind that one that is missing, or was changed, is not noticed." in said
    told = json.loads(verify(entries, "--records", str(file), "--json")[1])["records"]
    assert (told["covered_to"], told["receipts_to"]) == ("2026-05-20T10:00Z", "2026-05-20T10:00Z")
    entries = chain([receipt_note(*lines[:2]), receipt_note(*lines[2:], minute="2026-05-20T10:01Z")])
    status, said = verify(entries, "--records", str(file))
    assert status == 0 and "to the end of 2026-05-20T10:00Z; the export ends there." in said
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines[1:]))
    status, said = verify(entries, "--records", str(file))
    assert "to the end of 2026-05-20T10:01Z; receipts reach no further yet." in said


def test_a_file_that_holds_no_records_says_which_line(verify, tmp_path, capsys):
    file = tmp_path / "records.jsonl"
    file.write_text('{"time": 1}\n')
    assert verify(LINES, "--records", str(file))[0] == 2
