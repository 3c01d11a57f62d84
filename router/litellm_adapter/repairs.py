"""What litellm would say otherwise than the provider does, put right where it is made.

Each of these changes one thing of the library, once, after it was imported.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

FINISHES = {
    # The answer is not whole, and may be gone on with: `length` is what clients know for that.
    "model_context_window_exceeded": "length",
    "pause_turn": "length",
}
"""By the provider's finish reason, that of OpenAI's dialect, where litellm takes the answer for whole."""
FAILURES = frozenset(
    {
        "ERROR",
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
        "TOO_MANY_TOOL_CALLS",
        "UNEXPECTED_TOOL_CALL",
        "error",
        "network_error",
    }
)
"""Finish reasons of answers that went wrong. litellm makes `stop` of them, which says that all is well, and the dialect
has no word for it: they are told as failures."""

_MCP = "litellm.responses.mcp.litellm_proxy_mcp_handler"
_PASSING = "litellm.proxy.pass_through_endpoints"


class CutShortError(Exception):
    """A stream ended before the provider said so."""


class AnswerFailedError(Exception):
    """The provider ended its answer with one of FAILURES."""


class _Finishes(dict[str, str]):
    def get(self, reason: str, default: Any = None) -> Any:
        if reason in FAILURES:
            raise AnswerFailedError(reason)
        return super().get(reason, default)


def repair() -> None:
    """For good; litellm is imported already."""
    _finish_as_told(importlib.import_module("litellm.litellm_core_utils.core_helpers"))
    _end_as_told(importlib.import_module("litellm.litellm_core_utils.streaming_handler"))
    _count_nothing(importlib.import_module("litellm.litellm_core_utils.streaming_chunk_builder_utils"))
    _keep_of_gemini(importlib.import_module("litellm.llms.vertex_ai.gemini.vertex_and_google_ai_studio_gemini"))
    _keep_ids(importlib.import_module("litellm.responses.utils"))
    _use_no_mcp()
    _do_without_the_proxy()
    _raise_failures(importlib.import_module("litellm.llms.anthropic.pass_through.adapters.streaming_iterator"))
    _pass_streams_on(importlib.import_module("litellm.llms.anthropic.pass_through.messages.streaming_iterator"))


def _finish_as_told(helpers: Any) -> None:
    helpers._FINISH_REASON_MAP = _Finishes(helpers._FINISH_REASON_MAP | FINISHES)


def _end_as_told(streaming: Any) -> None:
    """It ends a stream that broke off with a finish of its own making."""
    original = streaming.CustomStreamWrapper.finish_reason_handler

    def finish(self: Any) -> Any:
        if not (self.received_finish_reason or self.intermittent_finish_reason):
            raise CutShortError
        return original(self)

    streaming.CustomStreamWrapper.finish_reason_handler = finish


def _count_nothing(building: Any) -> None:
    """It counts tokens itself where a stream reported none, and nobody could tell these from the provider's."""
    building.token_counter = lambda *_, **__: 0


def _keep_of_gemini(gemini: Any) -> None:
    """The text of an answer that was stopped for its content; and ids of tool calls, to which it adds a signature that
    stands beside them, too, and may be as long as an answer."""
    gemini.VertexGeminiConfig.get_flagged_finish_reasons = lambda _: {}
    gemini.encode_tool_call_id_with_signature = lambda tool_call_id, _: tool_call_id


def _keep_ids(utils: Any) -> None:
    """It makes ids of responses that say which provider and which of its deployments answered."""
    utils.ResponsesAPIRequestUtils.update_responses_api_response_id_with_model_id = staticmethod(
        lambda responses_api_response, *_, **__: responses_api_response
    )


def _use_no_mcp() -> None:
    """It looks whether a tool is for its own MCP gateway, which needs another package even to say no."""
    refusing = type("NoGateway", (), {"should_use_litellm_mcp_gateway": staticmethod(lambda tools: False)})
    _stand_in(_MCP, LiteLLM_Proxy_MCP_Handler=refusing)


def _do_without_the_proxy() -> None:
    """Streams of Anthropic's dialect pass through handlers of its proxy server, which is not installed."""

    class Handler:
        @staticmethod
        async def chunk_processor(response: Any, **_: Any) -> AsyncIterator[bytes]:
            async for part in response.aiter_bytes():
                yield part

    _stand_in(f"{_PASSING}.success_handler", PassThroughEndpointLogging=type("NoLogging", (), {}))
    _stand_in(f"{_PASSING}.streaming_handler", PassThroughStreamingHandler=Handler)


def _raise_failures(streaming: Any) -> None:
    """It makes an event of whatever fails in a stream that it translates into Anthropic's dialect."""

    def raise_it(error: Exception) -> bytes:
        raise error

    streaming._mid_stream_error_sse_event = raise_it


def _pass_streams_on(streaming: Any) -> None:
    """It reads on to a stream's end when the client has left, for its own books."""

    async def passed(self: Any, completion_stream: AsyncIterator[Any]) -> AsyncIterator[bytes]:
        async for chunk in completion_stream:
            yield self._convert_chunk_to_sse_format(chunk)

    streaming.BaseAnthropicMessagesStreamingIterator.async_sse_wrapper = passed


def _stand_in(name: str, **members: Any) -> None:
    module: Any = ModuleType(name)
    for member, value in members.items():
        setattr(module, member, value)
    sys.modules[name] = module
