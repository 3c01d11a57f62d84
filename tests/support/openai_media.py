"""A provider with sound and pictures, shaped as OpenAI's documentation has it; its parser of forms is another's."""

from __future__ import annotations

import base64
import json
from typing import Any

from aiohttp import web

MP3 = b"ID3" + bytes(range(256)) * 64
PNG = base64.b64encode(b"\x89PNG\r\n" + bytes(64)).decode()
HEARD = {"type": "tokens", "input_tokens": 14, "input_token_details": {"text_tokens": 4, "audio_tokens": 10}}
DRAWN = {"input_tokens": 50, "output_tokens": 272, "total_tokens": 322}
SUBTITLES = "1\n00:00:00,000 --> 00:00:02,000\nHi\n"


class MediaProvider:
    """`asked` has what each request said: its path, its fields, and the size of each file."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, int]]] = []

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes(
            [
                web.post("/v1/audio/transcriptions", self.hear),
                web.post("/v1/audio/translations", self.hear),
                web.post("/v1/audio/speech", self.speak),
                web.post("/v1/images/generations", self.draw),
                web.post("/v1/images/edits", self.draw),
                web.post("/v1/images/variations", self.draw),
                web.post("/v1/moderations", self.moderate),
            ]
        )
        return app

    async def _read(self, request: web.Request) -> dict[str, str]:
        fields: dict[str, str] = {}
        files: dict[str, int] = {}
        if request.content_type == "multipart/form-data":
            for name, value in (await request.post()).items():
                if isinstance(value, web.FileField):
                    files[name] = len(value.file.read())
                else:
                    fields[name] = str(value)
        else:
            fields = {
                name: str(value).lower() if isinstance(value, bool) else str(value)
                for name, value in (await request.json()).items()
            }
        self.asked.append((request.path, fields, files))
        return fields

    async def hear(self, request: web.Request) -> web.StreamResponse:
        fields = await self._read(request)
        asked = fields.get("response_format", "json")
        if asked in ("text", "srt", "vtt"):
            return web.Response(text=SUBTITLES, content_type="text/plain")
        usage = HEARD | {"output_tokens": 2, "total_tokens": 16}
        if fields.get("stream") == "true":
            done = {"type": "transcript.text.done", "text": "Hi", "usage": usage}
            return await self._events(request, {"type": "transcript.text.delta", "delta": "Hi"}, done)
        if asked == "verbose_json":
            return web.json_response(
                {"task": "transcribe", "language": "english", "duration": 8.47, "text": "Hi", "segments": []}
            )
        return web.json_response({"text": "Hi", "usage": usage})

    async def speak(self, request: web.Request) -> web.StreamResponse:
        fields = await self._read(request)
        if fields.get("stream_format") == "sse":
            delta = {"type": "speech.audio.delta", "audio": base64.b64encode(MP3).decode()}
            done = {"type": "speech.audio.done", "usage": {"input_tokens": 3, "output_tokens": 40, "total_tokens": 43}}
            return await self._events(request, delta, done)
        response = web.StreamResponse(headers={"content-type": "audio/mpeg"})
        await response.prepare(request)
        for start in range(0, len(MP3), 4096):
            await response.write(MP3[start : start + 4096])
        return response

    async def draw(self, request: web.Request) -> web.StreamResponse:
        fields = await self._read(request)
        kind = "image_edit" if request.path.endswith("edits") else "image_generation"
        if fields.get("stream") == "true":
            part = {"type": f"{kind}.partial_image", "b64_json": PNG, "partial_image_index": 0}
            return await self._events(request, part, {"type": f"{kind}.completed", "b64_json": PNG, "usage": DRAWN})
        made = [{"b64_json": PNG}] * int(fields.get("n", 1))
        return web.json_response({"created": 1, "data": made, "usage": DRAWN})

    async def moderate(self, request: web.Request) -> web.StreamResponse:
        await self._read(request)
        result = {"flagged": False, "categories": {}, "category_scores": {}, "category_applied_input_types": {}}
        return web.json_response({"id": "modr-1", "model": "omni-moderation-latest", "results": [result]})

    async def _events(self, request: web.Request, *events: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for event in events:
            await response.write(b"event: %b\ndata: %b\n\n" % (event["type"].encode(), json.dumps(event).encode()))
        return response
