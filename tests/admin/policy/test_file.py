"""Writing the file: whole, with its mode, and with errors that say what to do."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from router.admin.policy import file as policy_file
from router.admin.policy.file import NotWritten, is_writable, write_policy


@pytest.fixture
def path(tmp_path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text("old")
    path.chmod(0o640)
    return path


def test_the_file_is_replaced_and_keeps_its_mode(path):
    before = path.stat().st_ino
    write_policy(path, b"new")
    assert path.read_text() == "new" and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.stat().st_ino != before and [each.name for each in path.parent.iterdir()] == ["policy.yaml"]


def test_a_link_stays_one(path, tmp_path):
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    write_policy(link, b"new")
    assert link.is_symlink() and path.read_text() == "new"


def failing(number: int):
    def replace(self, target):
        raise OSError(number, os.strerror(number))

    return replace


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.EROFS, "read-only file system: edit it where it comes from"),
        (errno.EBUSY, "mount its directory instead"),
        (errno.EACCES, "may not be written by the gateway's user"),
        (errno.ENOSPC, "cannot be written: No space left"),
    ],
)
def test_what_fails_leaves_the_old_file_and_nothing_beside_it(number, says, path, monkeypatch):
    monkeypatch.setattr(policy_file.Path, "replace", failing(number))
    with pytest.raises(NotWritten, match=says):
        write_policy(path, b"new")
    assert path.read_text() == "old" and len(list(path.parent.iterdir())) == 1


def test_a_read_only_file_is_left_alone(path, monkeypatch):
    monkeypatch.setattr(policy_file.os, "access", lambda *_: False)
    assert not is_writable(path)
    with pytest.raises(NotWritten, match="may not be written"):
        write_policy(path, b"new")
    assert path.read_text() == "old"


def test_a_file_of_ours_is_writable(path):
    assert is_writable(path)
