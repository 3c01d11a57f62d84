"""Calls into litellm; the only module that imports it, and only when told to."""

from __future__ import annotations

import importlib
import logging
from collections.abc import AsyncIterator
from typing import Any, Protocol

from router.adapter.backends import AdapterBackend
from router.adapter.screening import Json

_LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "httpx", "openai", "aiohttp.client", "asyncio")


class ChunkStream(Protocol):
    """litellm's CustomStreamWrapper, as far as it is used."""

    received_finish_reason: str | None
    intermittent_finish_reason: str | None

    def __aiter__(self) -> AsyncIterator[Any]: ...

    async def aclose(self) -> None: ...


class Library(Protocol):
    async def chat(self, backend: AdapterBackend, model: str, call: Json) -> Any:
        """A whole answer, or a ChunkStream when the call says `stream`."""
        ...

    async def embed(self, backend: AdapterBackend, model: str, call: Json) -> Any: ...


class Litellm:
    """Retries, fallbacks, callbacks and caches are off: those are the gateway's matters."""

    def __init__(self) -> None:
        """Imports litellm, which takes seconds; `environment.prepare` comes first. Raises ImportError."""
        litellm: Any = importlib.import_module("litellm")
        self._timeout: Any = importlib.import_module("httpx").Timeout
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        litellm.suppress_debug_info = True
        litellm.turn_off_message_logging = True
        litellm.disable_streaming_logging = True
        litellm.disable_hf_tokenizer_download = True
        # Parameters that litellm knows a model to refuse are left out, so that a client need not know the model.
        litellm.drop_params = True
        self._litellm = litellm

    async def chat(self, backend: AdapterBackend, model: str, call: Json) -> Any:
        # litellm has its own MCP gateway, which a tool in the body could address, and which needs another package.
        return await self._litellm.acompletion(**call, **self._route(backend, model), _skip_mcp_handler=True)

    async def embed(self, backend: AdapterBackend, model: str, call: Json) -> Any:
        return await self._litellm.aembedding(**call, **self._route(backend, model))

    def _route(self, backend: AdapterBackend, model: str) -> Json:
        return {
            "model": model,
            "api_key": backend.api_key,
            "api_base": backend.api_base,
            "timeout": self._timeout(backend.read_timeout, connect=backend.connect_timeout),
            "num_retries": 0,
            "max_retries": 0,
        }
