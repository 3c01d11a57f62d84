"""What is known of a policy beside the copy of the last good one: which file that is a copy of, and which text somebody
applied on purpose: what is refused of a file that merely changed was confirmed of it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from router.system.atomic_file import replace_file

_NAME = "applied-policy.sha256"
_SOURCE = "last-good-policy.path"


def note_applied(last_good: Path, content: bytes) -> None:
    """Beside the copy of the last good policy, for all processes of this gateway. Raises OSError."""
    replace_file(last_good.with_name(_NAME), hashlib.sha256(content).hexdigest().encode())


def was_applied(last_good: Path, content: bytes) -> bool:
    try:
        return last_good.with_name(_NAME).read_text(encoding="ascii") == hashlib.sha256(content).hexdigest()
    except (OSError, ValueError):
        return False


def note_source(last_good: Path, policy: str | Path) -> None:
    """Of which file it is a copy. Raises OSError."""
    replace_file(last_good.with_name(_SOURCE), os.fsencode(Path(policy).absolute()))


def is_copy_of(last_good: Path, policy: str | Path) -> bool:
    try:
        return last_good.with_name(_SOURCE).read_bytes() == os.fsencode(Path(policy).absolute())
    except OSError:
        return False
