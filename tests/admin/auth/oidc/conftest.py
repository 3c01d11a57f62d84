"""A provider that can be told to lie, and a control plane that takes its word."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from support.control import Plane
from support.oidc_provider import OidcProvider, Visitor, serving


@pytest.fixture
async def provider(clock) -> AsyncIterator[OidcProvider]:
    async with serving(clock) as one:
        yield one


@pytest.fixture
async def plane(start, settings, provider) -> Plane:
    return await start(given=msgspec.structs.replace(settings, oidc=provider.settings()))


@pytest.fixture
def anna(plane) -> Visitor:
    return Visitor(plane)
