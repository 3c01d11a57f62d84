"""The policy that somebody applied on purpose: what is refused of a file that merely changed was confirmed of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from router.system.atomic_file import replace_file

_NAME = "applied-policy.sha256"


def note_applied(last_good: Path, content: bytes) -> None:
    """Beside the copy of the last good policy, for all processes of this gateway. Raises OSError."""
    replace_file(last_good.with_name(_NAME), hashlib.sha256(content).hexdigest().encode())


def was_applied(last_good: Path, content: bytes) -> bool:
    try:
        return last_good.with_name(_NAME).read_text(encoding="ascii") == hashlib.sha256(content).hexdigest()
    except (OSError, ValueError):
        return False
