from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.power.drivers.process import NAME
from router.power.drivers.programs import end_all, last_run


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A backend's folder; what still runs there at the end is ended."""
    unit = tmp_path / "unit"
    yield unit
    for name in (NAME, "switch", "look"):
        with contextlib.suppress(OSError):
            if found := last_run(unit, name):
                end_all(found)
