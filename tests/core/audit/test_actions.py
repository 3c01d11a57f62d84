from __future__ import annotations

import re

from router.core.audit.actions import ACTIONS


def test_every_action_says_what_happened_in_one_line():
    assert all(re.fullmatch(r"[a-z-]+(\.[a-z]+)?", name) and meaning for name, meaning in ACTIONS.items())
