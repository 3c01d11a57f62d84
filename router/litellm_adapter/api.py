"""The HTTP surface: OpenAI's and Anthropic's, once per backend."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from aiohttp import web

from router.litellm_adapter.backends import AdapterBackend
from router.litellm_adapter.endpoints import CHAT, ENDPOINTS, Endpoint
from router.litellm_adapter.failures import Failure, Stage, failure_of
from router.litellm_adapter.litellm_calls import CallError, Library
from router.litellm_adapter.redact import Redactor
from router.litellm_adapter.screening import Json, RefusedError
from router.litellm_adapter.streams import compact
from router.surfaces.may_be_billed import HEADER, UNREAD
from router.surfaces.unknown_to_adapter import CHANGED, NOT_FOUND

_MAX_BODY = 1 << 30
_LOG = logging.getLogger("breakeven.adapter")
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_NOTES = web.RequestKey("notes", dict[str, Any])
_ENDPOINT = web.RequestKey("endpoint", Endpoint)


class _FailedError(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.status)
        self.failure = failure


_FINGERPRINT = "x-adapter-fingerprint"
_REPLICA = "/{backend}/replicas/{replica}"
"""A backend with several addresses has one of these for each."""


def application(backends: Mapping[str, AdapterBackend], library: Library, redactor: Redactor) -> web.Application:
    """The adapter's endpoints for these backends."""
    api = _Api(backends, library, redactor)
    app = web.Application(client_max_size=_MAX_BODY, middlewares=[api.answer_errors])
    app.add_routes([web.get("/healthz", _healthz)])
    for endpoint in ENDPOINTS:
        answer = partial(api.answer, endpoint)
        app.add_routes([web.post(f"{place}/v1{endpoint.path}", answer) for place in ("/{backend}", _REPLICA)])
    return app


class _Api:
    def __init__(self, backends: Mapping[str, AdapterBackend], library: Library, redactor: Redactor) -> None:
        self._backends = backends
        self._library = library
        self._redactor = redactor

    async def answer(self, endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        request[_ENDPOINT] = endpoint
        body = await _read(request)
        backend, model = self._route(request, body)
        native = self._library.speaks(endpoint.name, backend, model)
        parameters = endpoint.parameters(body, native=native, lenient=backend.drop_unsupported)
        async with self._failing():
            answer = await endpoint.call(self._library, backend, model, parameters)
            if not parameters.get("stream"):
                return _json_response(endpoint.whole(answer, body))
        return await self._stream(request, endpoint, answer, body)

    def _route(self, request: web.Request, body: Json) -> tuple[AdapterBackend, str]:
        """The path names the backend; the model must be one of its own, as its name chooses the provider."""
        name, asked = request.match_info["backend"], body.get("model")
        backend = self._backends.get(f"{name}/{request.match_info.get('replica', 0)}")
        request[_NOTES].update({"backend": name if backend else None})
        if backend is None:
            raise _FailedError(Failure(404, "The policy has no such backend behind the adapter.", code=NOT_FOUND))
        if request.headers.get(_FINGERPRINT, backend.fingerprint) != backend.fingerprint:
            # After a reload the same name may stand for another provider, in another zone.
            raise _FailedError(Failure(503, "The backend has changed since this request began.", code=CHANGED))
        model = backend.called(asked) if isinstance(asked, str) else None
        if model is None:
            raise _FailedError(Failure(404, f"Backend {name} does not serve this model.", code="model_not_found"))
        request[_NOTES].update({"model": model})
        return backend, model

    @asynccontextmanager
    async def _failing(self) -> AsyncIterator[None]:
        try:
            yield
        except _FailedError:
            raise
        except CallError as error:
            stage = Stage.AT_WORK if error.at_work else Stage.IDLE
            raise _FailedError(failure_of(error.__cause__ or error, self._redactor, stage)) from error
        except Exception as error:
            raise _FailedError(failure_of(error, self._redactor, Stage.ANSWERED)) from error

    async def _stream(self, request: web.Request, endpoint: Endpoint, source: Any, body: Json) -> web.StreamResponse:
        """The first part of an answer is awaited before the status is sent, so that an early failure keeps its status.
        What cannot be read once it was complete is left out, as the usage is."""
        stream = endpoint.stream(source, body)
        events = stream.events()
        try:
            async with self._failing():
                first = await anext(events, None)
            response = web.StreamResponse(headers={"content-type": "text/event-stream; charset=utf-8"})
            await response.prepare(request)
            try:
                if first is not None:
                    await response.write(first)
                async with self._failing():
                    async for each in events:
                        await response.write(each)
            except _FailedError as failed:
                if failed.failure.code != UNREAD or not stream.complete:
                    return await _break_off(request, response, failed.failure)
                if endpoint is CHAT:
                    await response.write(b"data: [DONE]\n\n")
            await response.write_eof()
            return response
        finally:
            await events.aclose()
            await source.aclose()

    @web.middleware
    async def answer_errors(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        started = time.monotonic()
        request[_NOTES] = {"path": request.path.partition("/v1/")[2] or request.path}
        response = await self._answered(request, handler)
        _note(request, response.status, started)
        return response

    async def _answered(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except _FailedError as failed:
            return _error_response(request, failed.failure)
        except RefusedError as refused:
            return _error_response(request, Failure(400, refused.message, code=refused.code, param=refused.param))
        except web.HTTPException as wrong:
            return _error_response(request, Failure(wrong.status, wrong.reason))
        except ConnectionError:
            raise
        except Exception as error:
            cause = type(error).__name__
            return _error_response(
                request, Failure(500, "The adapter failed.", "server_error", "adapter_error", cause=cause)
            )


async def _break_off(request: web.Request, response: web.StreamResponse, failure: Failure) -> web.StreamResponse:
    """An error event and a closed connection, without [DONE]: nobody may take the stream for complete."""
    request[_NOTES].update({"broken": failure.status, "error": failure.cause})
    with suppress(ConnectionError):  # the client may be who left
        await response.write(request[_ENDPOINT].error_event(failure))
    if request.transport is not None:
        request.transport.close()
    return response


async def _read(request: web.Request) -> Json:
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise RefusedError("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise RefusedError("The body must be a JSON object.")
    return body


async def _healthz(request: web.Request) -> web.StreamResponse:
    return _json_response({"status": "ok"})


def _note(request: web.Request, status: int, started: float) -> None:
    elapsed = round((time.monotonic() - started) * 1000)
    _LOG.info("%s", json.dumps(request[_NOTES] | {"status": status, "ms": elapsed}))


def _json_response(value: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=compact(value), status=status, content_type="application/json", headers=headers)


def _error_response(request: web.Request, failure: Failure) -> web.Response:
    request[_NOTES].update({"code": failure.code, "error": failure.cause})
    headers = {"retry-after": failure.retry_after} if failure.retry_after is not None else {}
    if failure.billed:
        headers[HEADER] = failure.billed
    return _json_response(request.get(_ENDPOINT, CHAT).error(failure), failure.status, headers)
