"""Keeps streams open, and counts their events when it is asked.

Run as `python -m tests.bench.scale.open_streams --port N --key K --open 3000`. It says `open` once all have begun, and
answers each line on standard input with `events <number so far>`. Where that input ends, it ends: streams are cut then.
A stream that ends is begun again. Together they have `EVENTS` events a second, however many they are: each is slower,
the more there are.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys

import uvloop

from tests.bench import traffic

EVENTS = 3000
_SLOWEST_MS, _FASTEST_MS = 2000, 10
_BEGIN_AT_ONCE = 50


class Stream(asyncio.Protocol):
    """One connection, with one stream after another."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._began = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._begin()

    def _begin(self) -> None:
        self._transport.write(self._site.request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if not self._began:
            self._began = True
            if not data.startswith(b"HTTP/1.1 200"):
                self._site.fail(f"refused: {data[:200]!r}")
            self._site.begun.release()
        self._site.events += data.count(b"data: {")
        if b"data: [DONE]" in data:
            asyncio.get_running_loop().call_later(0.05, self._begin)

    def connection_lost(self, exc: Exception | None) -> None:
        self._site.fail(f"a connection was closed: {exc}")


class Site:
    def __init__(self, request: bytes) -> None:
        self.request = request
        self.events = 0
        self.begun = asyncio.Semaphore(0)

    def fail(self, why: str) -> None:
        print(f"failed {why}", flush=True)


def _request(port: int, key: str, streams: int) -> bytes:
    pause = max(_FASTEST_MS, min(_SLOWEST_MS, round(1000 * streams / EVENTS)))
    body = json.dumps({**json.loads(traffic.request_body(stream=True)), "pause_ms": pause}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def run(port: int, key: str, streams: int) -> None:
    loop = asyncio.get_running_loop()
    site = Site(_request(port, key, streams))
    for first in range(0, streams, _BEGIN_AT_ONCE):
        some = min(_BEGIN_AT_ONCE, streams - first)
        opening = (loop.create_connection(lambda: Stream(site), "127.0.0.1", port) for _ in range(some))
        await asyncio.gather(*opening)
        for _ in range(some):
            await site.begun.acquire()
    print("open", flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(f"events {site.events}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--open", type=int, required=True)
    asked = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536) if hard > 0 else 65536, hard))
    uvloop.run(run(asked.port, asked.key, asked.open))


if __name__ == "__main__":
    main()
