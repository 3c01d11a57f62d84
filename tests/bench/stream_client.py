"""Keeps many streams open for some seconds and verifies that each one is whole.

Run as `python -m tests.bench.stream_client --port N --key K --open 200 --seconds 3`; prints one line of JSON.
Each slot has one keep-alive connection and starts its next stream when the last one ended, until the time is
over; running streams are then read to their end. Slots begin spread over one stream's length, so that
chunks of different streams do not arrive in step.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import asdict, dataclass, field
from statistics import quantiles
from typing import cast

import httptools
import uvloop

from tests.bench import traffic


@dataclass
class Tally:
    """What all slots saw. Times are in milliseconds."""

    streams: int = 0
    events: int = 0
    first_byte: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    streams: int
    events: int
    seconds: float
    first_byte_p50_ms: float
    whole_p50_ms: float
    whole_p99_ms: float
    failed: int
    first_error: str


class Slot(asyncio.Protocol):
    """One connection, which carries one stream after another until `until`."""

    def __init__(self, request: bytes, until: float, tally: Tally) -> None:
        self.request = request
        self.until = until
        self.tally = tally
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._begin()

    def _begin(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.parts: list[bytes] = []
        self.begun = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if not self.parts:
            self.tally.first_byte.append((time.perf_counter() - self.begun) * 1e3)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"bad HTTP: {error}")

    def on_body(self, body: bytes) -> None:
        self.parts.append(body)

    def on_message_complete(self) -> None:
        status = self.parser.get_status_code()
        body = b"".join(self.parts)
        if status != 200:
            self._fail(f"status {status}: {body[:200]!r}")
            return
        try:
            self.tally.events += traffic.check_stream(body)
        except (traffic.WrongAnswerError, ValueError) as error:
            self._fail(str(error))
            return
        self._count()

    def _count(self) -> None:
        self.tally.streams += 1
        self.tally.whole.append((time.perf_counter() - self.begun) * 1e3)
        if time.perf_counter() < self.until:
            asyncio.get_running_loop().call_soon(self._begin)
        else:
            self.transport.close()

    def _fail(self, why: str) -> None:
        self.tally.errors.append(why)
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if time.perf_counter() < self.until and not self.tally.errors:
            self.tally.errors.append(f"the connection was closed early: {exc}")
        if not self.ended.done():
            self.ended.set_result(None)


def _request(port: int, key: str) -> bytes:
    body = traffic.request_body(stream=True)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _run_slot(port: int, request: bytes, delay: float, until: float, tally: Tally) -> None:
    await asyncio.sleep(delay)
    loop = asyncio.get_running_loop()
    _, slot = await loop.create_connection(lambda: Slot(request, until, tally), "127.0.0.1", port)
    await slot.ended


async def load(port: int, key: str, slots: int, seconds: float, limit: float) -> Report:
    """Runs the load; streams that are not over after `limit` seconds count as failed."""
    tally = Tally()
    begun = time.perf_counter()
    request = _request(port, key)
    spread = traffic.CHUNKS * traffic.INTERVAL / slots
    runs = (_run_slot(port, request, i * spread, begun + seconds, tally) for i in range(slots))
    try:
        await asyncio.wait_for(asyncio.gather(*runs), limit)
    except (TimeoutError, OSError) as error:
        tally.errors.append(f"not over after {limit:.0f} s" if isinstance(error, TimeoutError) else str(error))
    return _report(tally, time.perf_counter() - begun)


def _report(tally: Tally, seconds: float) -> Report:
    return Report(
        streams=tally.streams,
        events=tally.events,
        seconds=seconds,
        first_byte_p50_ms=_percentile(tally.first_byte, 50),
        whole_p50_ms=_percentile(tally.whole, 50),
        whole_p99_ms=_percentile(tally.whole, 99),
        failed=len(tally.errors),
        first_error=tally.errors[0] if tally.errors else "",
    )


def _percentile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100)[percent - 1] if len(values) > 1 else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description="Keeps streams open and verifies them.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--open", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--limit", type=float, default=60.0)
    asked = parser.parse_args()
    print(json.dumps(asdict(uvloop.run(load(asked.port, asked.key, asked.open, asked.seconds, asked.limit)))))


if __name__ == "__main__":
    main()
