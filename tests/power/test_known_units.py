from __future__ import annotations

from pathlib import Path

import pytest

from router.config.load import load
from router.power.known_units import KnownUnits, KnownUnitsFile

POLICIES = sorted(path for path in Path("policies").glob("*.yaml") if ".cases." not in path.name)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda path: path.stem)
def test_a_backend_comes_back_as_it_was(tmp_path, policy):
    backends = load(policy).policy.backends
    KnownUnitsFile(tmp_path / "file").write(backends)
    assert KnownUnitsFile(tmp_path / "file").read() == backends


def test_the_file_is_private_and_written_only_when_something_changed(tmp_path):
    file, backends = KnownUnitsFile(tmp_path / "file"), load(POLICIES[0]).policy.backends
    file.write(backends)
    assert (tmp_path / "file").stat().st_mode & 0o077 == 0
    (tmp_path / "file").unlink()
    file.write(dict(backends))
    assert not (tmp_path / "file").exists()
    file.write({})
    assert file.read() == {}


def test_what_cannot_be_read_or_written_is_told(tmp_path, caplog):
    (tmp_path / "file").write_text("{")
    assert KnownUnitsFile(tmp_path / "file").read() == {}
    assert "not read" in caplog.text
    KnownUnitsFile(tmp_path / "missing" / "file").write({})
    assert "not kept" in caplog.text


def test_without_a_file_none_is_known():
    KnownUnits().write(load(POLICIES[0]).policy.backends)
    assert KnownUnits().read() == {}
