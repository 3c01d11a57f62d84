from __future__ import annotations

import resource

import pytest

from router.system.file_limit import allow_most_open_files


@pytest.fixture
def limits() -> tuple[int, int]:
    """Soft and hard ones; the soft one is as before afterwards."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_process_may_open_as_many_as_the_system_lets_it(limits) -> None:
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1000) if hard >= 0 else 1000, hard))
    assert allow_most_open_files() == hard  # which is -1 for any number
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
