from __future__ import annotations

import pytest

from tests.core.conftest import Make


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()
