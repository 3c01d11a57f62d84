"""A vLLM 0.32 that serves a generating model: its endpoints, its errors, its queue, its /metrics."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Middleware

from router.simulate.answer import Answer, choices_for
from router.simulate.asked import Asked, InvalidError, Json, read_chat, read_completion
from router.simulate.engine import Engine, metrics_text
from router.simulate.exchange import BadJsonError, Shape, compact, json_response, read_object, send_events
from router.simulate.messages_shapes import message_body, message_error, message_events
from router.simulate.pace import Pace
from router.simulate.responses_shapes import response_body, response_events
from router.simulate.settings import MAX_BODY, SIMULATED, Settings
from router.simulate.turns import read_counted, read_message, read_response
from router.simulate.vllm_shapes import (
    chat_body,
    chat_events,
    completion_body,
    completion_events,
    error_body,
    models_body,
)

_CHAT = Shape("chatcmpl-", "messages", chat_body, chat_events)
_COMPLETION = Shape("cmpl-", "prompt", completion_body, completion_events)
_MESSAGE = Shape("msg_", "messages", message_body, message_events, named=True)
_MESSAGES = "/v1/messages"
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ENGINE = web.AppKey("engine", Engine)
"""Where an application keeps its engine, so that tests can watch its slots."""


class _RefusedError(Exception):
    def __init__(self, status: int, body: Json) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def application(settings: Settings) -> web.Application:
    """A vLLM server that behaves as `settings` say."""
    engine = Engine(settings)
    api = _Api(settings, engine)
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_switched_by(settings.switch), _answer_errors])
    app[ENGINE] = engine
    app.add_routes(
        [
            web.get("/health", _empty),
            web.get("/ping", _empty),
            web.get("/version", _version),
            web.get("/metrics", api.metrics),
            web.get("/v1/models", api.models),
            web.post("/v1/chat/completions", api.chat),
            web.post("/v1/completions", api.completions),
            web.post("/v1/responses", api.responses),
            web.post(_MESSAGES, api.messages),
            web.post(f"{_MESSAGES}/count_tokens", api.count_tokens),
        ]
    )
    return app


class _Api:
    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine
        self._created = int(time.time())

    async def chat(self, request: web.Request) -> web.StreamResponse:
        return await self._generate(request, read_chat(await self._body(request)), _CHAT)

    async def completions(self, request: web.Request) -> web.StreamResponse:
        return await self._generate(request, read_completion(await self._body(request)), _COMPLETION)

    async def responses(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        previous = body.get("previous_response_id")
        if previous is not None:
            message = f"Response with id '{previous}' not found."
            raise _RefusedError(404, error_body(404, message, "invalid_request_error", "response_id"))
        shape = Shape("resp_", "input", partial(response_body, body), partial(response_events, body), named=True)
        return await self._generate(request, read_response(body), shape)

    async def messages(self, request: web.Request) -> web.StreamResponse:
        return await self._generate(request, read_message(await self._body(request)), _MESSAGE)

    async def count_tokens(self, request: web.Request) -> web.StreamResponse:
        return json_response(compact({"input_tokens": read_counted(await self._body(request))}))

    async def models(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        return json_response(compact(models_body(self._settings.models, self._created, self._settings.context)))

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        text = metrics_text(self._engine, self._settings.models[0])
        headers = {**SIMULATED, "content-type": "text/plain; version=1.0.0; charset=utf-8"}
        return web.Response(body=text.encode(), headers=headers)

    async def _body(self, request: web.Request) -> Json:
        """vLLM takes a request without a model as one for its only model."""
        self._check_key(request)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise _RefusedError(400, {"detail": "There was an error parsing the body"})
        if request.content_type != "application/json":
            message = "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed"
            raise _RefusedError(400, error_body(400, message, "Bad Request"))
        body = await read_object(request)
        model = body.get("model") or self._settings.models[0]
        if model not in self._settings.models:
            message = f"The model `{model}` does not exist. Valid aliases: {', '.join(self._settings.models)}."
            raise _RefusedError(404, error_body(404, message, "NotFoundError", "model"))
        return {**body, "model": model}

    def _check_key(self, request: web.Request) -> None:
        wanted = f"Bearer {self._settings.api_key}".encode()
        given = request.headers.get("authorization", "").encode()
        if self._settings.api_key is not None and not secrets.compare_digest(given, wanted):
            raise _RefusedError(401, {"error": "Unauthorized"})

    def _check_length(self, asked: Asked) -> int:
        """Room for the answer, in tokens."""
        context = self._settings.context
        if asked.max_tokens is not None and asked.max_tokens > context:
            raise _too_long(
                f"max_tokens={asked.max_tokens} cannot be greater than max_model_len={context}. Please request fewer "
                f"output tokens. (parameter=max_tokens, value={asked.max_tokens})",
                "max_tokens",
            )
        longest = max(prompt.tokens for prompt in asked.prompts)
        if longest >= context:  # an answer that does not fit behind its prompt is shortened
            raise _too_long(
                f"This model's maximum context length is {context} tokens. However, you requested "
                f"{asked.max_tokens or 1} output tokens and your prompt contains at least {longest} input tokens. "
                f"Please reduce the length of the input prompt. (parameter=input_tokens, value={longest})",
                "input_tokens",
            )
        return context - longest

    def _answer(self, request: web.Request, asked: Asked, room: int, prefix: str) -> Answer:
        return Answer(
            id=prefix + (request.headers.get("x-request-id") or secrets.token_hex(8)),
            created=int(time.time()),
            model=asked.model,
            prompt_tokens=asked.prompt_tokens,
            choices=choices_for(asked, f"{asked.model} (vLLM, simulated)", room),
        )

    async def _generate(self, request: web.Request, asked: Asked, shape: Shape) -> web.StreamResponse:
        answer = self._answer(request, asked, self._check_length(asked), shape.prefix)
        async with self._work(answer):
            pace = Pace(self._settings)
            if asked.stream:
                return await send_events(request, shape.events(asked, answer), pace, {}, named=shape.named)
            await pace.until(answer.steps)
        return json_response(compact(shape.body(asked, answer)))

    @asynccontextmanager
    async def _work(self, answer: Answer) -> AsyncIterator[None]:
        async with self._engine.slot(answer.prompt_tokens + answer.completion_tokens):
            self._engine.prompt_tokens += answer.prompt_tokens
            yield
            self._engine.generation_tokens += answer.completion_tokens
            for choice in answer.choices:
                self._engine.finished["length" if choice.finish == "length" else "stop"] += 1


def _too_long(message: str, param: str) -> _RefusedError:
    return _RefusedError(400, error_body(400, message, "BadRequestError", param))


def _switched_by(file: str) -> Middleware:
    """What an address says behind which no machine is, while a file says that it is off."""

    @web.middleware
    async def switched(request: web.Request, handler: _Handler) -> web.StreamResponse:
        if file and not _is_on(file):
            return web.Response(status=503, text="off", headers=SIMULATED)
        return await handler(request)

    return switched


def _is_on(file: str) -> bool:
    return Path(file).read_text().strip() == "on"


@web.middleware
async def _answer_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except _RefusedError as refused:
        return _refusal(request, refused.body, refused.status)
    except BadJsonError:
        message = "1 validation error:\n  {'type': 'json_invalid', 'loc': 'body.1', 'msg': 'JSON decode error'}"
        return _refusal(request, error_body(400, message, "Bad Request", "body.1"), 400)
    except InvalidError as invalid:
        return _refusal(request, _invalid_body(invalid), 400)
    except web.HTTPMethodNotAllowed as wrong:
        headers = {"allow": ",".join(sorted(wrong.allowed_methods))}
        return json_response(compact({"detail": "Method Not Allowed"}), 405, headers)
    except web.HTTPNotFound:
        return json_response(compact({"detail": "Not Found"}), 404)


def _refusal(request: web.Request, body: Json, status: int) -> web.Response:
    """In Anthropic's shape where that is spoken."""
    error = body.get("error")
    if request.path.startswith(_MESSAGES) and isinstance(error, dict):
        body = message_error(error["message"], error["type"])
    return json_response(compact(body), status)


def _invalid_body(invalid: InvalidError) -> Json:
    loc = f"body.{invalid.param}"
    if invalid.code == "missing_required_parameter":
        message = f"1 validation error:\n  {{'type': 'missing', 'loc': '{loc}', 'msg': 'Field required'}}"
        return error_body(400, message, "Bad Request", loc)
    if invalid.code == "invalid_type":
        message = f"1 validation error:\n  {{'type': 'type_error', 'loc': '{loc}', 'msg': \"{invalid.message}\"}}"
        return error_body(400, message, "Bad Request", loc)
    return error_body(400, f"{invalid.message} (parameter={invalid.param})", "BadRequestError", invalid.param)


async def _empty(request: web.Request) -> web.StreamResponse:
    return web.Response(headers=SIMULATED)


async def _version(request: web.Request) -> web.StreamResponse:
    return json_response(compact({"version": "0.32.0"}))
