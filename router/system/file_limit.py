"""How many files and connections a process may have open at once."""

from __future__ import annotations

import resource


def allow_most_open_files() -> int:
    """As many as the system lets this process have, rather than what it begins with, often 1,024; -1 for any number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return -1 if hard == resource.RLIM_INFINITY else hard
