"""The upstream of the benchmark: a cheap server that answers like vLLM and counts what reaches it.

Run as `python -m tests.bench.upstream --port N`. It is httptools on uvloop without a framework, so that on the
CPU that it shares with the load generator it limits the proxies as little as possible.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from typing import cast

import httptools
import uvloop

from tests.bench import traffic

_STREAM = re.compile(rb'"stream"\s*:\s*true')
_USAGE = re.compile(rb'"include_usage"\s*:\s*true')
_CONTINUOUS = re.compile(rb'"continuous_usage_stats"\s*:\s*true')
_PAUSE = re.compile(rb'"pause_ms"\s*:\s*(\d+)')
"""What lies between the chunks of a stream, where it is not the usual."""
_METRICS = b"""# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model_name="bench"} 1.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{model_name="bench"} 0.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{model_name="bench"} 0.05
"""
_MODELS = {
    "object": "list",
    "data": [{"id": traffic.UPSTREAM_MODEL, "object": "model", "owned_by": "vllm", "max_model_len": 131072}],
}
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


def _response(status: str, content_type: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nserver: uvicorn\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _frames(usage: bool, continuous: bool) -> tuple[bytes, ...]:
    """A stream as HTTP chunks, one for each event."""
    return tuple(b"%x\r\n%b\r\n" % (len(event), event) for event in traffic.stream_events(usage, continuous))


class Site:
    """What all connections share: prepared answers and counters."""

    def __init__(self) -> None:
        self.answer = _response("200 OK", "application/json", traffic.answer())
        self.frames = {key: _frames(*key) for key in ((False, False), (True, False), (True, True))}
        self.pages = {
            b"/health": _response("200 OK", "text/plain", b""),
            b"/metrics": _response("200 OK", "text/plain; version=0.0.4", _METRICS),
            b"/v1/models": _response("200 OK", "application/json", json.dumps(_MODELS).encode()),
        }
        self.requests = 0
        self.connections = 0
        self.streams = 0
        self.last_body = b"{}"

    def page(self, path: bytes) -> bytes:
        if path == b"/stats":
            return _response("200 OK", "application/json", self._stats())
        return self.pages.get(path) or _response("404 Not Found", "application/json", b'{"detail":"Not Found"}')

    def stream_frames(self, body: bytes) -> tuple[bytes, ...]:
        usage = _USAGE.search(body) is not None
        return self.frames[usage, usage and _CONTINUOUS.search(body) is not None]

    def _stats(self) -> bytes:
        model = json.loads(self.last_body).get("model")
        counts = {"requests": self.requests, "connections": self.connections, "streams": self.streams}
        return json.dumps(counts | {"last_model": model}).encode()


class Connection(asyncio.Protocol):
    """One client connection. `requests` counts completions only, `connections` only those that asked for one."""

    def __init__(self, site: Site, loop: asyncio.AbstractEventLoop) -> None:
        self.site = site
        self.loop = loop
        self.parser = httptools.HttpRequestParser(self)
        self.path = b""
        self.body = b""
        self.counted = False
        self.timer: asyncio.TimerHandle | None = None
        self.interval = traffic.INTERVAL

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.timer is not None:
            self.timer.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    def on_url(self, url: bytes) -> None:
        self.path = url
        self.body = b""

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        if self.path == b"/v1/chat/completions":
            self._complete()
        else:
            self.transport.write(self.site.page(self.path))
        if not self.parser.should_keep_alive() and self.timer is None:
            self.transport.close()

    def _complete(self) -> None:
        self.site.requests += 1
        self.site.last_body = self.body
        if not self.counted:
            self.counted = True
            self.site.connections += 1
        if _STREAM.search(self.body):
            self.site.streams += 1
            pause = _PAUSE.search(self.body)
            self.interval = int(pause[1]) / 1000 if pause else traffic.INTERVAL
            self._start_stream(self.site.stream_frames(self.body))
        else:
            self.transport.write(self.site.answer)

    def _start_stream(self, frames: tuple[bytes, ...]) -> None:
        self.transport.write(_STREAM_HEAD + frames[0])
        self._schedule(frames, 1, self.loop.time())

    def _schedule(self, frames: tuple[bytes, ...], index: int, begun: float) -> None:
        due = begun + index * self.interval
        self.timer = self.loop.call_at(due, self._next_frame, frames, index, begun)

    def _next_frame(self, frames: tuple[bytes, ...], index: int, begun: float) -> None:
        self.transport.write(frames[index])
        if index < traffic.CHUNKS:
            self._schedule(frames, index + 1, begun)
            return
        self.timer = None
        for frame in frames[index + 1 :]:
            self.transport.write(frame)
        self.transport.write(b"0\r\n\r\n")
        if not self.parser.should_keep_alive():
            self.transport.close()


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    site = Site()
    server = await loop.create_server(lambda: Connection(site, loop), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description="A cheap upstream that answers like vLLM.")
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(_serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
