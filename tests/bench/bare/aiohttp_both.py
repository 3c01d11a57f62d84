"""aiohttp's server and client on uvloop, as its documentation says for production."""

from __future__ import annotations

import aiohttp
import uvloop
from aiohttp import web

from tests.bench.bare.arguments import arguments

_UPSTREAM = web.AppKey("upstream", str)
_SESSION = web.AppKey("session", aiohttp.ClientSession)


async def _open(app: web.Application) -> None:
    app[_SESSION] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False)


async def _pass_on(request: web.Request) -> web.StreamResponse:
    app, body = request.app, await request.read()
    headers = {"content-type": "application/json"}
    async with app[_SESSION].post(app[_UPSTREAM] + request.path, data=body, headers=headers) as answer:
        passed = {"content-type": answer.headers["content-type"]}
        if answer.content_length is not None:
            return web.Response(status=answer.status, headers=passed, body=await answer.read())
        response = web.StreamResponse(status=answer.status, headers=passed)
        await response.prepare(request)
        async for piece in answer.content.iter_any():
            await response.write(piece)
        await response.write_eof()
        return response


def _application(upstream_port: int) -> web.Application:
    app = web.Application(client_max_size=50_000_000)
    app[_UPSTREAM] = f"http://127.0.0.1:{upstream_port}"
    app.on_startup.append(_open)
    app.router.add_post("/{path:.*}", _pass_on)
    return app


if __name__ == "__main__":
    asked = arguments()
    web.run_app(
        _application(asked.upstream_port),
        host="127.0.0.1",
        port=asked.port,
        access_log=None,
        print=None,
        loop=uvloop.new_event_loop(),
    )
