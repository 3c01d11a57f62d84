from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from router.simulate import openai_api, vllm_api
from router.simulate.serve import serve
from router.simulate.settings import Settings

Start = Callable[..., Awaitable[str]]


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as open_stack:
        yield open_stack


@pytest.fixture
def quick() -> Callable[..., Settings]:
    """Settings of a backend that answers at once, unless told otherwise."""

    def make(**changes: Any) -> Settings:
        return Settings(**{"models": ("m",), "tokens_per_second": 1e6, "first_token": 0.0, **changes})

    return make


@pytest.fixture
def start_openai(stack: AsyncExitStack, quick: Callable[..., Settings]) -> Start:
    async def start(**changes: Any) -> str:
        return await stack.enter_async_context(serve(openai_api.application(quick(**changes))))

    return start


@pytest.fixture
def start_vllm(
    stack: AsyncExitStack, quick: Callable[..., Settings]
) -> Callable[..., Awaitable[tuple[str, web.Application]]]:
    async def start(**changes: Any) -> tuple[str, web.Application]:
        app = vllm_api.application(quick(**changes))
        return await stack.enter_async_context(serve(app)), app

    return start


@pytest.fixture
def events() -> Callable[[str], list[str]]:
    """The data of each event of an event stream."""
    return lambda text: [block.removeprefix("data: ") for block in text.split("\n\n") if block]
