from __future__ import annotations

import os
import stat
from pathlib import Path

from router.ledger.journal.disk import Disk
from router.ledger.journal.folder import LOCK_NAME, folders, is_retired, make_folder, mark_retired, remove_folder, take


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_is_its_owners_alone_and_locked_when_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir(mode=0o755)
    folder, lock = make_folder(Disk(), tmp_path / "journal")
    assert (mode(tmp_path / "journal"), mode(folder), mode(folder / LOCK_NAME)) == (0o700, 0o700, 0o600)
    assert list(folders(tmp_path / "journal")) == [folder]
    assert take(folder) is None
    os.close(lock)


def test_a_lock_is_free_again_once_its_holder_has_closed_it(tmp_path: Path) -> None:
    folder, lock = make_folder(Disk(), tmp_path)
    os.close(lock)
    again = take(folder)
    assert again is not None and take(folder) is None
    os.close(again)


def test_a_folder_that_is_gone_cannot_be_taken(tmp_path: Path) -> None:
    folder, lock = make_folder(Disk(), tmp_path)
    remove_folder(folder)
    assert take(folder) is None
    assert not folder.exists() and list(folders(tmp_path)) == []
    os.close(lock)


def test_a_lock_whose_file_was_replaced_is_not_the_folders(tmp_path: Path, monkeypatch) -> None:
    """Between opening and locking it somebody removed the folder, and a new one has its name."""
    folder, lock = make_folder(Disk(), tmp_path)
    os.close(lock)

    def replaced(fd: int, operation: int) -> None:
        (folder / LOCK_NAME).unlink()
        (folder / LOCK_NAME).touch()

    monkeypatch.setattr("router.ledger.journal.folder.fcntl.flock", replaced)
    assert take(folder) is None


def test_a_retired_folder_says_so(tmp_path: Path) -> None:
    folder, lock = make_folder(Disk(), tmp_path)
    assert not is_retired(folder)
    mark_retired(Disk(), folder)
    assert is_retired(folder)
    os.close(lock)


def test_no_folder_has_no_writers(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    assert list(folders(tmp_path)) == [] == list(folders(tmp_path / "none"))
