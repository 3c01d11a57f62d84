"""A data plane in a process of its own that measures how long its loop is held up, for `test_bodies`.

Ticks come every two milliseconds. What is measured between them is the processor time of the loop's thread, so that
what else runs on the machine does not count: a callback that computes for 100 ms makes a gap of 100 ms.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import uvloop
from support.gateway import Clock, Gateway, start_gateway, stop_gateway

TICK_SECONDS = 0.002
POLICY = """
version: 1
zones: {local: {owned: true}}
backends: {gpu: {zone: local, kind: openai, url: %(gpu)s, serves: {chat: m}, cost: {usd_per_hour: 1.0}}}
models: {chat: {backends: [gpu]}}
sensitivity:
  levels: {public: [local], restricted: [local]}
  default: public
  detectors: [{find: [credit_card, iban, us_ssn, phone, email, api_key], raise_to: restricted}]
"""


class Ticks:
    """Gaps between ticks, in seconds of processor time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.gaps: list[float] = []
        self._loop = loop
        self._last = time.thread_time()
        self._tick()

    def _tick(self) -> None:
        now = time.thread_time()
        self.gaps.append(now - self._last)
        self._last = now
        self._loop.call_later(TICK_SECONDS, self._tick)


def resident(pid: int | str = "self") -> int:
    """Bytes in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


async def main(url: str, folder: str) -> None:
    loop = asyncio.get_running_loop()
    gateway = await start_gateway(Path(folder), POLICY, {"gpu": url}, Clock())
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print(gateway.port, flush=True)
    ticks = Ticks(loop)
    while (await lines.readline()).strip() == b"measure":
        gaps, ticks.gaps = sorted(ticks.gaps), []
        print(json.dumps(report(gaps, gateway)), flush=True)
    await stop_gateway(gateway)


def report(gaps: list[float], gateway: Gateway) -> dict[str, float]:
    """Milliseconds and megabytes. The percentiles are over time: of a moment taken at random."""
    total, passed, found = sum(gaps) + TICK_SECONDS * len(gaps), 0.0, {}
    for gap in gaps:
        passed += gap + TICK_SECONDS
        for share in (50, 99, 99.9):
            if passed >= total * share / 100 and f"p{share}" not in found:
                found[f"p{share}"] = round(gap * 1e3, 1)
    return found | {
        "longest": round(max(gaps, default=0.0) * 1e3, 1),
        "over 50 ms": sum(gap > 0.05 for gap in gaps),
        "ticks": len(gaps),
        "resident": round(resident() / 1e6),
        "held": gateway.service.held.bytes,
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(main(sys.argv[1], folder))
