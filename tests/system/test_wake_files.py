from __future__ import annotations

import os
from pathlib import Path

from router.system.wake_files import WakeFiles


def test_what_was_asked_for_is_found_until_it_is_old(tmp_path: Path) -> None:
    files = WakeFiles(tmp_path / "wakes")
    assert files.take() == frozenset()
    files.ask("gpu")
    files.ask("a/b %")
    assert files.take() == {"gpu", "a/b %"}
    for each in (tmp_path / "wakes").iterdir():
        os.utime(each, (0, 0))
    assert files.take() == frozenset()
    files.ask("gpu")
    assert files.take() == {"gpu"}


def test_a_folder_that_cannot_be_used_is_nobodys_wish(tmp_path: Path) -> None:
    (tmp_path / "wakes").write_text("a file")
    files = WakeFiles(tmp_path / "wakes")
    files.ask("gpu")
    assert files.take() == frozenset()
