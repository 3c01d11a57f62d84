"""The process that looks for entities, as the supervisor starts it; its answers are in test_presidio_keeper."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest
from support.presidio import need_presidio

import router
from router.app.child_process import PYTHON
from router.app.presidio_settings import PresidioSettings

pytestmark = pytest.mark.timeout(900)  # importing it takes long on a machine that is busy
ROOT = str(Path(router.__file__).parent.parent)


def ended(python: str, fed: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [python, "-P", "-m", "router.app.presidio_process"]
    return subprocess.run(command, input=fed, capture_output=True, env={"PYTHONPATH": ROOT}, timeout=90, check=False)


def test_it_ends_with_a_supervisor_that_is_gone_before_it_knows_what_to_do() -> None:
    done = ended(PYTHON[0], b"")
    assert (done.returncode, done.stdout) == (0, b"")


def test_it_says_what_keeps_it_from_looking(tmp_path: Path) -> None:
    settings = PresidioSettings(str(tmp_path / "p.sock"), "en_core_web_nowhere", "en", ("PERSON",))
    done = ended(need_presidio(), msgspec.json.encode(settings) + b"\n")
    assert done.returncode == 1 and done.stdout == b""
    assert b"presidio cannot look for PERSON: the spaCy pipeline 'en_core_web_nowhere' is not installed" in done.stderr
