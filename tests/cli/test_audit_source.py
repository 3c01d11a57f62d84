from __future__ import annotations

import argparse

import pytest

from router.cli.audit_source import read_lines


def args(file: str) -> argparse.Namespace:
    return argparse.Namespace(file=file, redis="", data_dir=None)


def test_a_file_is_read_line_by_line_and_bytes_stay_as_they_are(tmp_path):
    (tmp_path / "a").write_bytes(b'{"a":"\xc3\xbc"}\n{}\r\n\n{"torn')
    found: list[bytes] = []
    read_lines(args(str(tmp_path / "a")), found.append)
    assert found == [b'{"a":"\xc3\xbc"}', b"{}\r", b"", b'{"torn']


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path):
    with pytest.raises(OSError, match="none"):
        read_lines(args(str(tmp_path / "none")), print)
