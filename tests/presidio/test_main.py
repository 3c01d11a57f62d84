"""One question after the other on standard input; its answers to them are in test_analysis."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from support.presidio import need_presidio

import router

ROOT = str(Path(router.__file__).parent.parent)


def test_it_says_what_keeps_it_from_looking() -> None:
    command = [need_presidio(), "-P", "-m", "router.presidio", "--model", "en_core_web_nowhere", "--language", "en"]
    done = subprocess.run(
        [*command, "--entities", "PERSON"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={"PYTHONPATH": ROOT},
        timeout=90,
        check=True,
    )
    assert "'en_core_web_nowhere' is not installed for this Python" in json.loads(done.stdout)["unusable"]
