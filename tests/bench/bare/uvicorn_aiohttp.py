"""uvicorn (uvloop, httptools, no access log) and aiohttp's client, as their documentation says for production."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import aiohttp
import uvicorn

from tests.bench.bare.arguments import arguments

_Message = MutableMapping[str, Any]


class _Application:
    def __init__(self, upstream_port: int) -> None:
        self._upstream = f"http://127.0.0.1:{upstream_port}"
        self._session: aiohttp.ClientSession | None = None

    async def __call__(
        self,
        scope: _Message,
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False)
        body = await _body(receive)
        headers = {"content-type": "application/json"}
        async with self._session.post(self._upstream + scope["path"], data=body, headers=headers) as answer:
            await send({"type": "http.response.start", "status": answer.status, "headers": _passed(answer)})
            if answer.content_length is not None:
                await send({"type": "http.response.body", "body": await answer.read()})
                return
            async for piece in answer.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


async def _body(receive: Callable[[], Awaitable[_Message]]) -> bytes:
    pieces = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)


def _passed(answer: aiohttp.ClientResponse) -> list[tuple[bytes, bytes]]:
    passed = [(b"content-type", answer.headers["content-type"].encode())]
    if answer.content_length is not None:
        passed.append((b"content-length", str(answer.content_length).encode()))
    return passed


if __name__ == "__main__":
    asked = arguments()
    uvicorn.run(
        _Application(asked.upstream_port),
        host="127.0.0.1",
        port=asked.port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="error",
        server_header=False,
        date_header=False,
    )
