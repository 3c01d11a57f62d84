"""A gateway in this process between an own backend and a cloud that serve every surface."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from support.gateway import Clock, Gateway, start_gateway, stop_gateway
from support.samples.backend import SampleBackend
from support.samples.play import POLICY
from support.samples.registry import SAMPLES
from support.samples.sample import Sample

from router.surfaces.base import Surface
from router.surfaces.registry import SURFACES

Serve = Callable[..., Awaitable[Gateway]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each proof runs over all surfaces that the registry has."""
    if "name" in metafunc.fixturenames:
        wanted = getattr(metafunc.module, "applies", lambda name: True)
        metafunc.parametrize("name", [name for name in SURFACES if wanted(name)])


@pytest.fixture
def sample(name: str) -> Sample:
    assert name in SAMPLES, f"{name} has no sample: every surface needs one in tests/support/samples"
    return SAMPLES[name]


@pytest.fixture
def surface(name: str) -> Surface:
    return SURFACES[name]


@pytest.fixture
async def gpu() -> AsyncIterator[SampleBackend]:
    backend = SampleBackend()
    await backend.start()
    yield backend
    await backend.stop()


@pytest.fixture
async def api() -> AsyncIterator[SampleBackend]:
    backend = SampleBackend()
    await backend.start()
    yield backend
    await backend.stop()


@pytest.fixture
async def serve(tmp_path: Path, gpu: SampleBackend, api: SampleBackend) -> AsyncIterator[Serve]:
    started: list[Gateway] = []

    async def start(policy: str = POLICY) -> Gateway:
        started.append(await start_gateway(tmp_path, policy, {"gpu": gpu.url, "api": api.url}, Clock()))
        return started[-1]

    yield start
    for gateway in started:
        await stop_gateway(gateway)
