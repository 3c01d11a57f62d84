"""A provider that speaks OpenAI's dialect and Anthropic's, and keeps a bill of what it was asked.

No request costs as many tokens as another, so that a bill and a ledger that agree have the same requests in them.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from clients import anthropic_dialect as anthropic
from clients import media_dialect as media
from clients import openai_dialect as openai

from router.simulate.serve import serve

Json = dict[str, Any]

OUTPUT = 7


@dataclass(frozen=True)
class Billed:
    """One request as the provider would bill it; no tokens where it does not price by tokens."""

    path: str
    stream: bool
    tokens_in: int
    tokens_out: int


class Provider:
    """`url` has no path. `bill` and `complaints` grow while requests come in."""

    def __init__(self) -> None:
        self.bill: list[Billed] = []
        self.complaints: list[str] = []
        """Requests that this provider does not know, which no client should make."""
        self.url = ""
        self._kept: dict[str, Json] = {}
        self._files: dict[str, bytes] = {}

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64 << 20, middlewares=[self._complain])
        posts: Mapping[str, Callable[[web.Request], Any]] = {
            "/v1/chat/completions": self._chat,
            "/v1/responses": self._responses,
            "/v1/embeddings": self._embeddings,
            "/v1/moderations": self._moderations,
            "/v1/audio/transcriptions": self._transcription,
            "/v1/audio/translations": self._transcription,
            "/v1/audio/speech": self._speech,
            "/v1/images/generations": self._images,
            "/v1/images/edits": self._images,
            "/v1/images/variations": self._images,
            "/v1/messages": self._messages,
            "/v1/messages/count_tokens": self._count_tokens,
        }
        app.add_routes([web.post(path, handler) for path, handler in posts.items()])
        app.add_routes(
            [
                web.get("/v1/models", self._models),
                web.get("/v1/responses/{id}", self._kept_response),
                web.delete("/v1/responses/{id}", self._forget_response),
                web.post("/v1/files", self._keep_file),
                web.get("/v1/files/{id}/content", self._kept_file),
                web.delete("/v1/files/{id}", self._forget_file),
            ]
        )
        return app

    # --- OpenAI

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        number, tokens_in = self._billed(request, bool(body.get("stream")))
        usage = openai.chat_usage(tokens_in, OUTPUT)
        if body.get("stream"):
            return await _stream(request, openai.chat_events(body, number, usage))
        return web.json_response(openai.chat_body(body, number, usage))

    async def _responses(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if (before := body.get("previous_response_id")) and before not in self._kept:
            return _error(400, f"Previous response with id '{before}' not found.", "previous_response_not_found")
        number, tokens_in = self._billed(request, bool(body.get("stream")))
        usage = openai.responses_usage(tokens_in, OUTPUT)
        items = [openai.item_of(openai.responses_says(body), number)]
        whole = openai.response_body(body, number, usage, items)
        if body.get("store", True):
            self._kept[whole["id"]] = whole
        if body.get("stream"):
            return await _stream(request, openai.response_events(body, number, usage))
        return web.json_response(whole)

    async def _kept_response(self, request: web.Request) -> web.StreamResponse:
        self._billed(request, False, 0, counted=False)
        name = request.match_info["id"]
        return web.json_response(self._kept[name]) if name in self._kept else _not_found(name)

    async def _forget_response(self, request: web.Request) -> web.StreamResponse:
        self._billed(request, False, 0, counted=False)
        name = request.match_info["id"]
        if self._kept.pop(name, None) is None:
            return _not_found(name)
        return web.json_response({"id": name, "object": "response", "deleted": True})

    async def _keep_file(self, request: web.Request) -> web.StreamResponse:
        self._billed(request, False, 0, counted=False)
        form = await request.post()
        given = form["file"]
        assert isinstance(given, web.FileField)
        content = given.file.read()
        name = f"file-{len(self._files) + 1}"
        self._files[name] = content
        kept = {
            "id": name,
            "object": "file",
            "bytes": len(content),
            "created_at": openai.CREATED,
            "status": "processed",
        }
        return web.json_response({**kept, "filename": given.filename, "purpose": form["purpose"]})

    async def _kept_file(self, request: web.Request) -> web.StreamResponse:
        self._billed(request, False, 0, counted=False)
        return web.Response(body=self._files[request.match_info["id"]], content_type="application/octet-stream")

    async def _forget_file(self, request: web.Request) -> web.StreamResponse:
        self._billed(request, False, 0, counted=False)
        name = request.match_info["id"]
        del self._files[name]
        return web.json_response({"id": name, "object": "file", "deleted": True})

    async def _embeddings(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        _, tokens_in = self._billed(request, False, 0)
        texts = body["input"] if isinstance(body["input"], list) and not _is_tokens(body["input"]) else [body["input"]]
        vector: Any = [0.25, -0.5, 0.125]
        if body.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack("<3f", *vector)).decode()
        data = [{"object": "embedding", "index": index, "embedding": vector} for index in range(len(texts))]
        usage = {"prompt_tokens": tokens_in, "total_tokens": tokens_in}
        return web.json_response({"object": "list", "data": data, "model": body["model"], "usage": usage})

    async def _moderations(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self._billed(request, False, 0, counted=False)
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        return web.json_response(media.moderation(body.get("model", "omni-moderation-latest"), len(texts)))

    async def _transcription(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        stream = form.get("stream") == "true"
        _, tokens_in = self._billed(request, stream)
        usage = media.transcription_usage(tokens_in, OUTPUT)
        if stream:
            return await _stream(request, media.transcription_events(usage))
        return web.json_response(media.transcription(usage))

    async def _speech(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        stream = body.get("stream_format") == "sse"
        _, tokens_in = self._billed(request, stream, counted=stream)
        if stream:
            return await _stream(request, media.speech_events(media.speech_usage(tokens_in, OUTPUT)))
        return await _stream(request, media.SPEECH, "audio/mpeg")

    async def _images(self, request: web.Request) -> web.StreamResponse:
        body: Mapping[str, Any] = (
            await request.json() if request.content_type == "application/json" else await request.post()
        )
        stream = body.get("stream") in (True, "true")
        _, tokens_in = self._billed(request, stream)
        usage = media.image_usage(tokens_in, OUTPUT)
        if stream:
            kind = "image_edit" if request.path.endswith("edits") else "image_generation"
            return await _stream(request, media.image_events(kind, usage))
        return web.json_response(media.images(usage))

    # --- Anthropic

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        number, tokens_in = self._billed(request, bool(body.get("stream")))
        usage = anthropic.messages_usage(tokens_in, OUTPUT)
        if body.get("stream"):
            return await _stream(request, anthropic.message_events(body, number, usage))
        return web.json_response(anthropic.message_body(body, number, usage))

    async def _count_tokens(self, request: web.Request) -> web.StreamResponse:
        self._billed(request, False, 0, counted=False)
        return web.json_response({"input_tokens": 12})

    # --- both

    async def _models(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"object": "list", "data": []})

    def _billed(
        self, request: web.Request, stream: bool, tokens_out: int = OUTPUT, *, counted: bool = True
    ) -> tuple[int, int]:
        """A number of its own for the request, and what its input counts."""
        number = len(self.bill) + 1
        tokens_in = 10 + number
        self.bill.append(
            Billed(request.path, stream, tokens_in, tokens_out) if counted else Billed(request.path, stream, 0, 0)
        )
        return number, tokens_in

    @web.middleware
    async def _complain(self, request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            answer: web.StreamResponse = await handler(request)
        except web.HTTPException as error:
            self.complaints.append(f"{request.method} {request.path}: {error.status}")
            return _error(error.status, f"Invalid URL ({request.method} {request.path})", None)
        except Exception as error:
            self.complaints.append(f"{request.method} {request.path}: {error!r}")
            raise
        return answer


def _is_tokens(given: list[Any]) -> bool:
    return bool(given) and isinstance(given[0], int)


def _not_found(name: str) -> web.Response:
    return _error(404, f"Response with id '{name}' not found.", None)


def _error(status: int, message: str, code: str | None) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return web.json_response({"error": error}, status=status)


async def _stream(
    request: web.Request, parts: Iterable[bytes], content_type: str = "text/event-stream"
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": content_type})
    await response.prepare(request)
    for part in parts:
        await response.write(part)
        await asyncio.sleep(0)
    await response.write_eof()
    return response


@contextlib.contextmanager
def provided() -> Iterator[Provider]:
    """A provider that serves from a thread of its own until the block ends."""
    provider, ready, stop = Provider(), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        async with serve(provider.application()) as provider.url:
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    assert ready.wait(20), "the provider did not start"
    try:
        yield provider
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()
