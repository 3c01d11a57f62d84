from __future__ import annotations

import re
from pathlib import Path

import router
from router.core.audit.actions import ACTIONS


def test_every_action_says_what_happened_in_one_line():
    assert all(re.fullmatch(r"[a-z-]+(\.[a-z]+)?", name) and meaning for name, meaning in ACTIONS.items())


def test_every_action_is_noted_somewhere():
    package = Path(router.__file__).parent
    texts = [path.read_text() for path in package.rglob("*.py") if path.name != "actions.py"]
    assert [name for name in ACTIONS if not any(f'"{name}"' in text for text in texts)] == []
