"""What differs between the adapter's endpoints: parameters, the call, the shape of answers, and of errors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final

from router.litellm_adapter.backends import AdapterBackend
from router.litellm_adapter.failures import Failure
from router.litellm_adapter.litellm_calls import Library
from router.litellm_adapter.screening import Json, chat_parameters, embedding_parameters, wants_usage
from router.litellm_adapter.screening_messages import messages_parameters
from router.litellm_adapter.screening_responses import responses_parameters
from router.litellm_adapter.shapes import chat_body, embedding_body, message_body, response_body
from router.litellm_adapter.streams import AnswerStream, ChatStream, MessageStream, ResponseStream, event, named_event


class Endpoint(ABC):
    """One of a backend's; `path` stands behind its own."""

    def __init__(self, name: str, path: str) -> None:
        self.name: Final = name
        """Of the gateway's surface."""
        self.path: Final = path

    @abstractmethod
    def parameters(self, body: Json, *, native: bool, lenient: bool) -> Json:
        """What a body asks, without model and credentials: `native` where the provider has the surface itself, and
        without what nobody knows when `lenient`. Raises RefusedError."""

    @abstractmethod
    async def call(self, library: Library, backend: AdapterBackend, model: str, parameters: Json) -> Any:
        """The library's answer. Raises CallError."""

    @abstractmethod
    def whole(self, answer: Any, body: Json) -> Json:
        """An answer that is no stream."""

    @abstractmethod
    def stream(self, source: Any, body: Json) -> AnswerStream:
        """One that is."""

    def error(self, failure: Failure) -> Json:
        return failure.body()

    def error_event(self, failure: Failure) -> bytes:
        """What ends a stream that has failed."""
        return event(self.error(failure))


class _Chat(Endpoint):
    def parameters(self, body: Json, *, native: bool, lenient: bool) -> Json:
        return chat_parameters(body, lenient=lenient)

    async def call(self, library: Library, backend: AdapterBackend, model: str, parameters: Json) -> Any:
        return await library.chat(backend, model, parameters)

    def whole(self, answer: Any, body: Json) -> Json:
        return chat_body(answer.model_dump())

    def stream(self, source: Any, body: Json) -> AnswerStream:
        return ChatStream(source, body.get("n") or 1, with_usage=wants_usage(body))


class _Embeddings(Endpoint):
    def parameters(self, body: Json, *, native: bool, lenient: bool) -> Json:
        return embedding_parameters(body, lenient=lenient)

    async def call(self, library: Library, backend: AdapterBackend, model: str, parameters: Json) -> Any:
        return await library.embed(backend, model, parameters)

    def whole(self, answer: Any, body: Json) -> Json:
        return embedding_body(answer.model_dump(), body.get("encoding_format") or "float")

    def stream(self, source: Any, body: Json) -> AnswerStream:
        raise NotImplementedError("no embeddings come as a stream")


class _Messages(Endpoint):
    def parameters(self, body: Json, *, native: bool, lenient: bool) -> Json:
        return messages_parameters(body, native=native, lenient=lenient)

    async def call(self, library: Library, backend: AdapterBackend, model: str, parameters: Json) -> Any:
        return await library.messages(backend, model, parameters)

    def whole(self, answer: Any, body: Json) -> Json:
        return message_body(answer if isinstance(answer, dict) else answer.model_dump())

    def stream(self, source: Any, body: Json) -> AnswerStream:
        return MessageStream(source)

    def error(self, failure: Failure) -> Json:
        """Its code stands in it, too, since the gateway knows failures by that."""
        kind = _TYPES.get(failure.status, "api_error" if failure.status >= 500 else "invalid_request_error")
        return {"type": "error", "error": {**failure.body()["error"], "type": kind}}

    def error_event(self, failure: Failure) -> bytes:
        return named_event("error", self.error(failure))


class _Responses(Endpoint):
    def parameters(self, body: Json, *, native: bool, lenient: bool) -> Json:
        return responses_parameters(body, native=native, lenient=lenient)

    async def call(self, library: Library, backend: AdapterBackend, model: str, parameters: Json) -> Any:
        return await library.responses(backend, model, parameters)

    def whole(self, answer: Any, body: Json) -> Json:
        return response_body(answer.model_dump(mode="json", exclude_unset=True, warnings=False))

    def stream(self, source: Any, body: Json) -> AnswerStream:
        return ResponseStream(source)

    def error_event(self, failure: Failure) -> bytes:
        """In the words of both: the API's event has no object, and the gateway knows failures by that."""
        told = {"type": "error", "code": failure.code, "message": failure.message, "param": failure.param}
        return named_event("error", {**told, **failure.body()})


_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""Of errors in Anthropic's dialect."""

CHAT = _Chat("chat", "/chat/completions")
EMBEDDINGS = _Embeddings("embeddings", "/embeddings")
MESSAGES = _Messages("messages", "/messages")
RESPONSES = _Responses("responses", "/responses")
ENDPOINTS: tuple[Endpoint, ...] = (CHAT, EMBEDDINGS, MESSAGES, RESPONSES)
