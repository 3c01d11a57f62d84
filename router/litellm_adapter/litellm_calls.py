"""Calls into litellm; the only module that imports it, and only when told to."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import ExitStack
from functools import partial
from typing import Any, Protocol

from router.litellm_adapter import asked
from router.litellm_adapter.backends import AdapterBackend
from router.litellm_adapter.confined import Call, Confinement
from router.litellm_adapter.failures import status_in
from router.litellm_adapter.faithful import TRUSTING, Faith
from router.litellm_adapter.repairs import repair
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


class Library(Protocol):
    """The calls raise CallError. Their answers are litellm's objects, or, when the call says `stream`, streams of them:
    asynchronous iterators with `aclose`."""

    def speaks(self, surface: str, backend: AdapterBackend, model: str) -> bool:
        """Whether a model's provider has this surface itself, so that nothing is translated."""
        ...

    async def chat(self, backend: AdapterBackend, model: str, call: Json) -> Any: ...

    async def embed(self, backend: AdapterBackend, model: str, call: Json) -> Any: ...

    async def messages(self, backend: AdapterBackend, model: str, call: Json) -> Any: ...

    async def responses(self, backend: AdapterBackend, model: str, call: Json) -> Any: ...


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
        repair()
        self._timeout: Any = clients[0].Timeout
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        litellm.suppress_debug_info = True
        litellm.turn_off_message_logging = True
        litellm.disable_streaming_logging = True
        litellm.disable_hf_tokenizer_download = True
        litellm.drop_params = False
        litellm.disable_aiohttp_transport = True
        litellm.disable_aiohttp_trust_env = True
        # Any server of OpenAI's dialect has this endpoint, and few have the Responses API.
        litellm.use_chat_completions_url_for_anthropic_messages = True
        self._litellm = litellm
        self._configs: Any = importlib.import_module("litellm.utils").ProviderConfigManager

    def speaks(self, surface: str, backend: AdapterBackend, model: str) -> bool:
        if surface == "responses" and backend.chat_only:
            return False
        configs = {
            "messages": self._configs.get_provider_anthropic_messages_config,
            "responses": self._configs.get_provider_responses_api_config,
        }
        if surface not in configs:
            return False
        try:
            name, provider, _, _ = self._litellm.get_llm_provider(model=model)
            return configs[surface](model=name, provider=self._litellm.LlmProviders(provider)) is not None
        except Exception:  # of a provider that it does not know; the call says that better
            return False

    async def chat(self, backend: AdapterBackend, model: str, call: Json) -> Any:
        call = asked.usable(call, self._supported(model))
        make = partial(self._litellm.acompletion, **call, **self._route(backend, model))
        return await self._made(backend, make, asked.of_chat(call), streams=bool(call.get("stream")))

    async def embed(self, backend: AdapterBackend, model: str, call: Json) -> Any:
        call = asked.usable(call, self._supported(model, "embeddings"))
        make = partial(self._litellm.aembedding, **call, **self._route(backend, model))
        return await self._made(backend, make, asked.of_embeddings(call))

    async def messages(self, backend: AdapterBackend, model: str, call: Json) -> Any:
        make = partial(self._litellm.anthropic_messages, **call, **self._route(backend, model))
        return await self._made(backend, make, asked.of_messages(call), streams=bool(call.get("stream")))

    async def responses(self, backend: AdapterBackend, model: str, call: Json) -> Any:
        through_chat = not self.speaks("responses", backend, model)
        if through_chat:
            call = asked.usable(call, (set(self._supported(model) or ()) & asked.HINTS) | _BRIDGED)
        route = self._route(backend, model) | ({"use_chat_completions_api": True} if through_chat else {})
        make = partial(self._litellm.aresponses, **call, **route)
        return await self._made(backend, make, asked.of_responses(call), streams=bool(call.get("stream")))

    def _supported(self, model: str, kind: str = "chat_completion") -> Collection[str] | None:
        """Parameters of OpenAI's that litellm knows the model's provider to have; None where it knows nothing."""
        found: Collection[str] | None = self._litellm.get_supported_openai_params(model=model, request_type=kind)
        return found

    async def _made(
        self,
        backend: AdapterBackend,
        make: Callable[[], Awaitable[Any]],
        faith: Faith,
        *,
        streams: bool = False,
    ) -> Any:
        with ExitStack() as stack:
            faith = TRUSTING if backend.drop_unsupported else faith
            towards = [each.towards(backend.destination, streams=streams, faith=faith) for each in self._confinements]
            calls = [stack.enter_context(each) for each in towards]
            try:
                answer = await make()
                if answer is None:  # litellm does that where a provider refuses parameters that it wanted to leave out
                    raise calls[0].failure()
            except Exception as error:
                raise CallError(at_work=any(call.at_work for call in calls)) from _as_refused(error, calls)
            return _ConfinedStream(answer, list(zip(self._confinements, calls, strict=True))) if streams else answer

    def _route(self, backend: AdapterBackend, model: str) -> Json:
        return {
            "model": model,
            "api_key": backend.api_key,
            "api_base": backend.api_base,
            "timeout": self._timeout(backend.read_timeout, connect=backend.connect_timeout),
            "num_retries": 0,
            "max_retries": 0,
            # Only where the policy says so is left out what litellm knows a model to refuse.
            "drop_params": backend.drop_unsupported,
            # litellm has its own MCP gateway, which a tool in the body could address, and which needs another package.
            "_skip_mcp_handler": True,
        }


_BRIDGED = frozenset(
    {
        "input",
        "instructions",
        "include",
        "max_output_tokens",
        "reasoning",
        "stream",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_p",
    }
)
"""Parameters of the Responses API that have a counterpart in chat."""


class _ConfinedStream:
    """A stream whose requests and failures are still its call's: some are made when it is first read."""

    def __init__(self, source: Any, calls: list[tuple[Confinement, Call]]) -> None:
        self._source = source
        self._chunks: AsyncIterator[Any] = source.__aiter__()
        self._calls = calls

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        with ExitStack() as stack:
            for confinement, call in self._calls:
                stack.enter_context(confinement.going_on(call))
            try:
                return await anext(self._chunks)
            except StopAsyncIteration:
                raise
            except Exception as error:
                if any(call.at_work for _, call in self._calls):
                    raise
                raise CallError(at_work=False) from error

    async def aclose(self) -> None:
        close = getattr(self._source, "aclose", None) or getattr(self._chunks, "aclose", None)
        if close is not None:
            await close()


def _as_refused(error: Exception, calls: list[Call]) -> Exception:
    """What the provider refused with, where the library stumbled over its words."""
    refused = next((call for call in calls if call.refusal is not None), None)
    if refused is None or status_in(error) is not None:
        return error
    told = refused.failure()
    told.__cause__ = error
    return told


def _use_no_session(aiohttp: Any) -> None:
    """litellm's other clients are aiohttp's, which are not confined; it is told to do without them."""

    def refuse(*_: object, **__: object) -> None:
        raise UnreachableError("only confined clients may be used here")

    aiohttp.ClientSession._request = refuse


def _call_once(models: Any) -> None:
    """OpenAI's SDK, which litellm does not tell of its own `max_retries` everywhere, tries again twice by default."""
    models.FinalRequestOptions.get_max_retries = lambda _, __: 0
