"""`breakeven` whose supervisor starts what was killed again at once, so that many kills fit into minutes."""

from __future__ import annotations

from router.app import child_process as children
from router.cli import main

if __name__ == "__main__":
    children.LONGEST_PAUSE = children.FIRST_PAUSE
    raise SystemExit(main())
