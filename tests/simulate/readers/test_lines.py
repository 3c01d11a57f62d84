"""Lines of files, whole or damaged."""

from __future__ import annotations

import gzip
import io
import os
import tracemalloc
from pathlib import Path

import pytest
from support.traces import AZURE, MOONCAKE, sizes, written

from router.simulate.readers.malformed import Malformed
from router.simulate.readers.registry import read


def test_columns_may_have_any_order_other_delimiters_and_empty_lines(tmp_path: Path) -> None:
    text = "GeneratedTokens;x;TIMESTAMP;ContextTokens\n44;a;2023-11-16T18:15:46+01:00;374\n\n"
    assert sizes(list(read(written(tmp_path, text)))) == [(1700154946.0, 374, 44)]
    assert len(list(read(written(tmp_path, "\n" + MOONCAKE + "\n \n")))) == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            gzip.compress((AZURE + "\r\n2023-11-16 18:15:51,1,2" * 1000).encode())[:-20],
            "the compressed file ends here or is damaged",
        ),
        (AZURE.encode().replace(b"396", b"\xff\xfe6"), "is no text in UTF-8"),
        (b"PAR1 and nothing more", "it is no whole file of Parquet"),
        (b"{" + b" " * 5_000_000, "the line is longer than"),
    ],
    ids=["half a gzip", "another encoding", "half a Parquet", "no line at all"],
)
def test_a_damaged_file_is_no_shorter_one(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        list(read(written(tmp_path, content)))


@pytest.mark.parametrize("packed", [False, True])
def test_another_encoding_is_told_with_the_line_that_has_it(tmp_path: Path, packed: bool) -> None:
    lines = ["TIMESTAMP,ContextTokens,GeneratedTokens,who", *["2023-11-16 18:15:46,374,44,zo\u00e9"] * 20_000]
    content = "\n".join(lines).encode() + b"\n2023-11-16 18:15:46,374,44,zo\xe9\n"
    with pytest.raises(Malformed, match=r":20002: b'\\xe9\\n' is no text in UTF-8"):
        list(read(written(tmp_path, gzip.compress(content) if packed else content)))
    assert len(list(read(written(tmp_path, "\n".join(lines))))) == 20_000


def test_what_is_no_file_is_refused_before_it_is_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, why in ((pipe, "it is no regular file: write what comes out of a pipe"), (tmp_path, "Is a directory")):
        with pytest.raises(OSError, match=why) as caught:
            list(read(path))
        assert caught.value.filename == str(path)


def test_without_pyarrow_parquet_is_said_to_need_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(Malformed, match=r"breakeven\[parquet\]"):
        list(read(written(tmp_path, b"PAR1")))


def test_a_parquet_that_breaks_on_the_way(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    columns = {"timestamp": list(range(100_000)), "input_length": [5] * 100_000, "output_length": [None] + [6] * 99_999}
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer, compression="none", use_dictionary=False)
    with pytest.raises(Malformed, match=r":1: column output_length: nothing is not a number"):
        list(read(written(tmp_path, buffer.getvalue())))
    damaged = bytearray(buffer.getvalue())
    damaged[4:40] = b"\xff" * 36
    with pytest.raises(Malformed, match="it is no whole file of Parquet"):
        list(read(written(tmp_path, bytes(damaged))))


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Twenty times as many lines need no more: a few hundred kilobytes for what reads, and one line."""
    peaks = []
    for lines in (2_000, 40_000):
        path = written(tmp_path, MOONCAKE * (lines // 2))
        tracemalloc.start()
        assert sum(1 for _ in read(path)) == lines
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]
