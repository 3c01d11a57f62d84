from __future__ import annotations

from support.audited import chain, note

from router.cli import main

LINES = chain([note(str(number)) for number in range(4)])


def test_to_standard_output_or_to_a_file_that_appears_whole(tmp_path, capfdbinary):
    source = tmp_path / "copy.jsonl"
    source.write_bytes(b"".join(line + b"\n" for line in LINES))
    assert main(["audit", "export", "--file", str(source)]) == 0
    assert capfdbinary.readouterr().out == source.read_bytes()
    assert main(["audit", "export", "--file", str(source), "--output", str(tmp_path / "none" / "x")]) == 1
    assert b"there is no folder" in capfdbinary.readouterr().err
