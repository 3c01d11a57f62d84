"""A provider that keeps objects for its clients, shaped as OpenAI's documentation says: files, conversations, batches,
vector stores, stored answers. It knows no teams: whoever has an id has what is behind it."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

COLLECTIONS = {
    "files": ("file-", "file"),
    "conversations": ("conv_", "conversation"),
    "vector_stores": ("vs_", "vector_store"),
    "batches": ("batch_", "batch"),
    "uploads": ("upload_", "upload"),
    "containers": ("cntr_", "container"),
    "evals": ("eval_", "eval"),
    "videos": ("video_", "video"),
    "videos/edits": ("video_", "video"),
    "videos/extensions": ("video_", "video"),
    "videos/characters": ("char_", "character"),
    "audio/voice_consents": ("cons_", "audio.voice_consent"),
    "audio/voices": ("voice_", "audio.voice"),
    "skills": ("skill_", "skill"),
    "assistants": ("asst_", "assistant"),
    "threads": ("thread_", "thread"),
    "fine_tuning/jobs": ("ftjob-", "fine_tuning.job"),
    "responses": ("resp_", "response"),
    "chat/completions": ("chatcmpl-", "chat.completion"),
}
USAGE = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
RUN = b"".join(
    b"event: %b\ndata: %b\n\n" % (name.encode(), json.dumps({"object": name.rpartition(".")[0], **made}).encode())
    for name, made in (
        ("thread.run.created", {"id": "run_00000001"}),
        ("thread.message.created", {"id": "msg_00000001"}),
        ("thread.message.delta", {"id": "msg_00000001", "delta": {"content": []}}),
        ("thread.run.step.created", {"id": "step_00000001"}),
    )
)
"""A run of a thread, in events."""
CONTENT = b"the file's content " * 20_000


@dataclass
class Keeper:
    """`asked` are method, path with its query, and body of all that came; `kept` objects by id."""

    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    url: str = ""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()

    def make(self, collection: str, **fields: Any) -> str:
        """An object that somebody made past the gateway."""
        begin, kind = COLLECTIONS[collection]
        id = f"{begin}{next(self._numbers):08d}"
        self.kept[id] = {"id": id, "object": kind, "created_at": 1, **fields}
        return id

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                found = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(found[1]) if found else 0)
                method, target, _ = head.split(" ", 2)
                self.asked.append((method, target.removeprefix("/v1"), body))
                self.heads.append(head)
                status, kind, content = self._answer(method, target.removeprefix("/v1"), body)
                writer.write(
                    f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(content)}\r\n\r\n".encode()
                )
                writer.write(content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, method: str, target: str, body: bytes) -> tuple[int, str, bytes]:
        parts = urlsplit(target)
        status, answer = self._do(method, parts.path.strip("/"), parse_qs(parts.query), body)
        if isinstance(answer, bytes):
            return status, "text/event-stream" if answer.startswith(b"event:") else "application/octet-stream", answer
        return status, "application/json", json.dumps(answer).encode()

    def _do(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        if path == "models":
            return 200, {"object": "list", "data": [{"id": "m", "object": "model"}]}
        collection = next(name for name in sorted(COLLECTIONS, key=len, reverse=True) if path.startswith(name))
        id, _, rest = path[len(collection) :].strip("/").partition("/")
        if not id:
            return (200, self._page(collection, query)) if method == "GET" else (200, self._made(collection, body))
        if id not in self.kept:
            error = {"message": f"No such object: {id}", "type": "invalid_request_error", "param": None, "code": None}
            return 404, {"error": error}
        if method == "DELETE" and not rest:
            del self.kept[id]
            return 200, {"id": id, "object": "deleted", "deleted": True}
        if rest == "content":
            return 200, CONTENT
        if rest == "complete":
            return 200, self.kept[id] | {"status": "completed", "file": self.kept[self.make("files")]}
        if rest in ("items", "input_items", "messages", "files", "events") and method == "GET":
            return 200, {"object": "list", "data": [{"id": "item_1", "object": "item"}], "has_more": False}
        if rest == "runs" and b'"stream": true' in body:
            return 200, RUN + b"event: done\ndata: [DONE]\n\n"
        if "stream" in query:
            ended = {"type": "response.completed", "response": {"id": id, "status": "completed", "output": []}}
            return 200, b"event: response.completed\ndata: %b\n\n" % json.dumps(ended).encode()
        return 200, self.kept[id]

    def _made(self, collection: str, body: bytes) -> dict[str, Any]:
        fields = json.loads(body) if body.startswith(b"{") else {}
        if collection == "batches":
            fields["output_file_id"] = self.make("files")
        made = self.kept[self.make(collection)]
        made |= {name: value for name, value in fields.items() if name not in made}
        if collection == "responses":
            made |= {"status": "completed", "output": [], "usage": USAGE}
        if collection == "chat/completions":
            usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
            message = {"role": "assistant", "content": "Paris."}
            made |= {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
        return made

    def _page(self, collection: str, query: dict[str, list[str]]) -> dict[str, Any]:
        kind = COLLECTIONS[collection][1]
        all = [each for each in self.kept.values() if each["object"] == kind]
        after = query.get("after", [""])[0]
        if after:
            all = all[next(n for n, each in enumerate(all) if each["id"] == after) + 1 :]
        limit = int(query.get("limit", ["20"])[0])
        page = all[:limit]
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {"first_id": None, "last_id": None}
        return {"object": "list", "data": page, "has_more": len(all) > limit, **ends}
