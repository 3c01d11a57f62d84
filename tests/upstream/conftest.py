from __future__ import annotations

import asyncio

import pytest
import uvloop


@pytest.fixture(scope="session")
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    """The loop that workers run on; its transports differ from asyncio's own."""
    return uvloop.EventLoopPolicy()
