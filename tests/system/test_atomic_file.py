from __future__ import annotations

import os
import resource
import stat
from pathlib import Path

import pytest

from router.system.atomic_file import ORDINARY, replace_file, replacing


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file.json"
    path.write_bytes(b"before")
    return path


def test_until_the_block_ends_the_file_is_what_it_was(path: Path) -> None:
    with replacing(path) as file:
        file.write(b"now")
        file.flush()
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"now"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_block_that_raises_leaves_the_file_and_nothing_beside_it(path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), replacing(path) as file:
        file.write(b"now")
        raise error
    assert path.read_bytes() == b"before"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_renamed_leaves_nothing_beside_it(path: Path) -> None:
    folder = path.with_name("folder")
    folder.mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(folder, b"now")
    assert sorted(path.parent.iterdir()) == [path, folder]


def test_the_last_of_two_that_write_at_once_wins(path: Path) -> None:
    with replacing(path) as first, replacing(path) as second:
        first.write(b"first")
        second.write(b"second")
    assert path.read_bytes() == b"first"


def test_it_is_the_owners_alone_unless_said_otherwise(path: Path) -> None:
    path.chmod(0o644)
    replace_file(path, b"now")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_others_may_is_up_to_the_umask(path: Path) -> None:
    previous = os.umask(0o027)
    try:
        replace_file(path, b"now", mode=ORDINARY)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_what_is_to_last_is_on_disk_before_its_name_is_and_its_name_afterwards(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []

    def fsync(handle: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(handle).st_mode), path.read_bytes()))

    monkeypatch.setattr(os, "fsync", fsync)
    with replacing(path, durable=True) as file:
        file.write(b"now")
    assert synced == [(False, b"before"), (True, b"now")]


def test_a_disk_that_takes_no_more_is_told_with_the_file(path: Path) -> None:
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, allowed[1]))
    try:
        with pytest.raises(OSError) as told:
            replace_file(path, b"now")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
    assert told.value.filename == str(path) and told.value.strerror
    assert path.read_bytes() == b"before"
    assert list(path.parent.iterdir()) == [path]
