"""Shared by all tests: a machine's own settings, folders and speed must not decide what they see."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from support.serving import is_setting

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Processes that share the tests have to know them by the same names."""
    dated = [item.nodeid for item in items if "\\x1f\\x8b\\x08" in item.nodeid]
    if dated:
        raise pytest.UsageError(f"give this parameter an id, since what gzip makes has the time in it: {dated[0]}")


@pytest.fixture(scope="session", autouse=True)
def _nothing_from_outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither settings of whoever runs the tests, nor the data of a gateway that runs beside them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in filter(is_setting, list(os.environ)):
            patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield
