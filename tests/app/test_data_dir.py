"""One gateway to a data directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from router.app.data_dir import DataDirUnusable, runtime_dir, take_data_dir


def test_it_is_private_and_for_one_at_a_time(tmp_path):
    folder = tmp_path / "not" / "there yet"
    lock = take_data_dir(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with pytest.raises(DataDirUnusable, match=r"in use by another Breakeven.*--data-dir"):
        take_data_dir(folder)
    os.close(lock)
    os.close(take_data_dir(folder))


def test_a_path_that_is_no_directory(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirUnusable, match="cannot be used: Not a directory"):
        take_data_dir(tmp_path / "file" / "below")


def test_sockets_go_elsewhere_when_the_path_is_too_long_for_them(tmp_path):
    assert runtime_dir(Path("/short")) == Path("/short")
    elsewhere = runtime_dir(tmp_path / ("long" * 30))
    assert elsewhere.is_dir() and len(str(elsewhere)) < 80
    elsewhere.rmdir()


def test_what_an_earlier_version_left_open_is_closed(tmp_path):
    folder = tmp_path / "data" / "appendonlydir"
    folder.mkdir(parents=True)
    (folder / "appendonly.aof").write_text("x")
    for path, mode in ((tmp_path / "data", 0o755), (folder, 0o755), (folder / "appendonly.aof", 0o644)):
        path.chmod(mode)
    os.close(take_data_dir(tmp_path / "data"))
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data", folder, folder / "appendonly.aof")]
    assert modes == [0o700, 0o700, 0o600]
