"""OpenAI's API: chat, completions, responses, embeddings, models. It keeps no response."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import web

from router.simulate.answer import Answer, choices_for
from router.simulate.asked import Asked, InvalidError, Json, read_chat, read_completion
from router.simulate.embeddings import embedding_body
from router.simulate.exchange import BadJsonError, Shape, indented, json_response, read_object, send_events
from router.simulate.openai_shapes import (
    chat_body,
    chat_events,
    completion_body,
    completion_events,
    error_body,
    model_body,
    models_body,
)
from router.simulate.pace import Pace
from router.simulate.responses_shapes import response_body, response_events
from router.simulate.settings import MAX_BODY, Settings
from router.simulate.turns import read_response

_CHAT = Shape("chatcmpl-", "messages", chat_body, chat_events)
_COMPLETION = Shape("cmpl-", "prompt", completion_body, completion_events)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_STARTED = web.RequestKey("started", float)
_NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY)."
)
_WRONG_KEY = "Incorrect API key provided."
_BAD_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
    "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)"
)


class _RefusedError(Exception):
    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = error_body(message, param=param, code=code)


def application(settings: Settings) -> web.Application:
    """OpenAI's API under /v1, behaving as `settings` say."""
    api = _Api(settings)
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_answer_errors])
    app.add_routes(
        [
            web.post("/v1/chat/completions", api.chat),
            web.post("/v1/completions", api.completions),
            web.post("/v1/responses", api.responses),
            web.post("/v1/embeddings", api.embeddings),
            web.get("/v1/models", api.models),
            web.get("/v1/models/{model:.+}", api.model),
        ]
    )
    return app


class _Api:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._created = int(time.time())

    async def chat(self, request: web.Request) -> web.StreamResponse:
        return await self._generate(request, read_chat(await self._body(request)), _CHAT)

    async def completions(self, request: web.Request) -> web.StreamResponse:
        return await self._generate(request, read_completion(await self._body(request)), _COMPLETION)

    async def responses(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        previous = body.get("previous_response_id")
        if previous is not None:
            message = f"Previous response with id '{previous}' not found."
            raise _RefusedError(400, message, "previous_response_id", "previous_response_not_found")
        shape = Shape("resp_", "input", partial(response_body, body), partial(response_events, body), named=True)
        return await self._generate(request, read_response(body), shape)

    async def embeddings(self, request: web.Request) -> web.StreamResponse:
        body = embedding_body(await self._body(request))
        await Pace(self._settings).until(0)
        return json_response(indented(body), headers=_headers(request))

    async def models(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        return json_response(indented(models_body(self._settings.models, self._created)), headers=_headers(request))

    async def model(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        name = request.match_info["model"]
        self._check_model(name)
        return json_response(indented(model_body(name, self._created)), headers=_headers(request))

    async def _body(self, request: web.Request) -> Json:
        self._check_key(request)
        body = await read_object(request)
        model = body.get("model")
        if not isinstance(model, str) or not model:
            raise _RefusedError(400, "you must provide a model parameter")
        self._check_model(model)
        return body

    def _check_key(self, request: web.Request) -> None:
        if self._settings.api_key is None:
            return
        given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not given:
            raise _RefusedError(401, _NO_KEY)
        if not secrets.compare_digest(given.encode(), self._settings.api_key.encode()):
            raise _RefusedError(401, _WRONG_KEY, code="invalid_api_key")

    def _check_model(self, model: str) -> None:
        if model not in self._settings.models and not self._settings.any_model:
            message = f"The model `{model}` does not exist or you do not have access to it."
            raise _RefusedError(404, message, code="model_not_found")

    def _answer(self, asked: Asked, shape: Shape) -> Answer:
        room = self._settings.context - max(prompt.tokens for prompt in asked.prompts)
        if room < 1:
            message = (
                f"This model's maximum context length is {self._settings.context} tokens. However, your messages "
                f"resulted in {asked.prompt_tokens} tokens. Please reduce the length of the messages."
            )
            raise _RefusedError(400, message, shape.prompt, "context_length_exceeded")
        return Answer(
            id=shape.prefix + secrets.token_hex(14),
            created=int(time.time()),
            model=asked.model,
            prompt_tokens=asked.prompt_tokens,
            choices=choices_for(asked, f"{asked.model} (OpenAI's API, simulated)", room),
            cached_tokens=min(self._settings.cached_tokens, asked.prompt_tokens),
        )

    async def _generate(self, request: web.Request, asked: Asked, shape: Shape) -> web.StreamResponse:
        answer = self._answer(asked, shape)
        pace = Pace(self._settings)
        if asked.stream:
            events = shape.events(asked, answer)
            return await send_events(request, events, pace, _headers(request), named=shape.named)
        await pace.until(answer.steps)
        return json_response(indented(shape.body(asked, answer)), headers=_headers(request))


@web.middleware
async def _answer_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    request[_STARTED] = time.monotonic()
    try:
        return await handler(request)
    except _RefusedError as refused:
        return json_response(indented(refused.body), refused.status, _headers(request))
    except BadJsonError:
        return json_response(indented(error_body(_BAD_JSON)), 400, _headers(request))
    except InvalidError as invalid:
        body = error_body(invalid.message, param=invalid.param, code=invalid.code)
        return json_response(indented(body), 400, _headers(request))
    except web.HTTPMethodNotAllowed:
        message = f"Not allowed to {request.method} on {request.path}."
        return json_response(indented(error_body(message, code="method_not_supported")), 405, _headers(request))
    except web.HTTPNotFound:
        body = error_body(f"Invalid URL ({request.method} {request.path})")
        return json_response(indented(body), 404, _headers(request))


def _headers(request: web.Request) -> dict[str, str]:
    elapsed = int((time.monotonic() - request[_STARTED]) * 1000)
    return {
        "x-request-id": "req_" + secrets.token_hex(16),
        "openai-processing-ms": str(elapsed),
        "openai-version": "2020-10-01",
        "openai-organization": "simulated",
    }
