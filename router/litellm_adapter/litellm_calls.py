"""Calls into litellm; the only module that imports it, and only when told to."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, Protocol

from router.litellm_adapter.backends import AdapterBackend
from router.litellm_adapter.confined import Confinement
from router.litellm_adapter.screening import Json
from router.upstream.outbound_guard import UnreachableError

_CLIENTS = ("httpx", "httpx2")
_NATIVE = "litellm.rust_bridge._native"
"""Opens connections of its own, which neither Python nor we would see; litellm does without it."""
_LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "httpx", "openai", "aiohttp.client", "asyncio")


class CallError(Exception):
    """A call came to nothing, for what stands behind this."""

    def __init__(self, *, at_work: bool) -> None:
        super().__init__(at_work)
        self.at_work = at_work
        """The provider may have worked on it, see `confined.Call`."""


class ChunkStream(Protocol):
    """litellm's CustomStreamWrapper, as far as it is used."""

    received_finish_reason: str | None
    intermittent_finish_reason: str | None

    def __aiter__(self) -> AsyncIterator[Any]: ...

    async def aclose(self) -> None: ...


class Library(Protocol):
    async def chat(self, backend: AdapterBackend, model: str, call: Json) -> Any:
        """A whole answer, or a ChunkStream when the call says `stream`. Raises CallError."""
        ...

    async def embed(self, backend: AdapterBackend, model: str, call: Json) -> Any:
        """Raises CallError."""
        ...


class Litellm:
    """Retries, fallbacks, callbacks and caches are off: those are the gateway's matters."""

    def __init__(self) -> None:
        """Imports litellm, which takes seconds; `litellm_environment.prepare` comes first. Raises ImportError."""
        clients = [importlib.import_module(name) for name in _CLIENTS]
        self._confinements = [Confinement(client) for client in clients]
        for each in self._confinements:
            each.install()
        sys.modules[_NATIVE] = None  # type: ignore[assignment]
        litellm: Any = importlib.import_module("litellm")
        _use_no_session(importlib.import_module("aiohttp"))
        _call_once(importlib.import_module("openai._models"))
        self._timeout: Any = clients[0].Timeout
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        litellm.suppress_debug_info = True
        litellm.turn_off_message_logging = True
        litellm.disable_streaming_logging = True
        litellm.disable_hf_tokenizer_download = True
        # Parameters that litellm knows a model to refuse are left out, so that a client need not know the model.
        litellm.drop_params = True
        litellm.disable_aiohttp_transport = True
        litellm.disable_aiohttp_trust_env = True
        self._litellm = litellm

    async def chat(self, backend: AdapterBackend, model: str, call: Json) -> Any:
        # litellm has its own MCP gateway, which a tool in the body could address, and which needs another package.
        route = self._route(backend, model)
        make = partial(self._litellm.acompletion, **call, **route, _skip_mcp_handler=True)
        return await self._made(backend, make, streams=bool(call.get("stream")))

    async def embed(self, backend: AdapterBackend, model: str, call: Json) -> Any:
        route = self._route(backend, model)
        return await self._made(backend, partial(self._litellm.aembedding, **call, **route))

    async def _made(self, backend: AdapterBackend, make: Callable[[], Awaitable[Any]], *, streams: bool = False) -> Any:
        with ExitStack() as stack:
            towards = [each.towards(backend.destination, streams=streams) for each in self._confinements]
            calls = [stack.enter_context(each) for each in towards]
            try:
                answer = await make()
                if answer is None:  # litellm does that where a provider refuses parameters that it wanted to leave out
                    raise calls[0].failure()
            except Exception as error:
                raise CallError(at_work=any(call.at_work for call in calls)) from error
            return answer

    def _route(self, backend: AdapterBackend, model: str) -> Json:
        return {
            "model": model,
            "api_key": backend.api_key,
            "api_base": backend.api_base,
            "timeout": self._timeout(backend.read_timeout, connect=backend.connect_timeout),
            "num_retries": 0,
            "max_retries": 0,
        }


def _use_no_session(aiohttp: Any) -> None:
    """litellm's other clients are aiohttp's, which are not confined; it is told to do without them."""

    def refuse(*_: object, **__: object) -> None:
        raise UnreachableError("only confined clients may be used here")

    aiohttp.ClientSession._request = refuse


def _call_once(models: Any) -> None:
    """OpenAI's SDK, which litellm does not tell of its own `max_retries` everywhere, tries again twice by default."""
    models.FinalRequestOptions.get_max_retries = lambda _, __: 0
