from __future__ import annotations

from support.audited import chain, note

from router.cli import main

LINES = chain([note(str(number)) for number in range(4)])


def test_nothing_that_is_broken_or_empty_gets_an_anchor(tmp_path, capsys):
    file = tmp_path / "audit.jsonl"
    for lines, why in (([], "there are no entries"), (LINES[1:], "the chain is not whole")):
        file.write_bytes(b"".join(line + b"\n" for line in lines))
        assert main(["audit", "anchor", "--file", str(file)]) == 1
        printed = capsys.readouterr()
        assert printed.out == "" and why in printed.err
