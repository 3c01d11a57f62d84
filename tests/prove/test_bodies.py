"""A light request waits for no other one, whatever bodies come beside it; and memory comes back."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.scripted import completion
from support.streams import opened, received

from router.app.supervisor import ALLOCATION

pytestmark = pytest.mark.prove

ROOT = Path(__file__).parents[2]
MEGABYTE = 1_000_000
LIGHT = b'{"model":"chat","messages":[{"role":"user","content":"hi"}]}'
MESSAGE = b'{"role":"user","content":""},'
SECONDS = 12.0
AT_ONCE = 3
"""Heavy requests that are under way at any time."""


def chat(text: str) -> bytes:
    return json.dumps({"model": "chat", "messages": [{"role": "user", "content": text}]}).encode()


def raw(inside: bytes) -> bytes:
    return b'{"model":"chat","messages":[{"role":"user","content":' + inside + b"}]}"


def bodies() -> dict[str, tuple[bytes, str]]:
    """Each with its content-encoding. All are allowed by their size."""
    dice = random.Random(7)
    digits = "".join(dice.choices("0123456789 -", k=MEGABYTE))
    noise = "".join(dice.choices("0123456789abcdef", k=600_000))
    return {
        "92 KB of gzip, 90 MB inflated": (gzip.compress(chat(" " * 90 * MEGABYTE)), "gzip"),
        "gzip at the highest ratio": (gzip.compress(chat(noise + " " * 28 * MEGABYTE)), "gzip"),
        "8 MB of words": (chat("the quick brown fox " * 400_000), ""),
        "8 MB of numbers": (raw(b"[" + b"1.5," * 2 * MEGABYTE + b"1]"), ""),
        "8 MB of empty lists": (raw(b"[" + b"[]," * (8 * MEGABYTE // 3) + b"[]]"), ""),
        "8 MB of messages": (
            raw(b'""},' + b'{"role":"user","content":""},' * 270_000 + b'{"role":"user","content":""'),
            "",
        ),
        "8 MB nested": (raw(b"[" * 4 * MEGABYTE + b"]" * 4 * MEGABYTE), ""),
        "8 MB nested as deep as allowed": (raw(b"[" + (b"[" * 900 + b"]" * 900 + b",") * 4400 + b"[]]"), ""),
        "2 MB of escapes": (raw(b'"' + b"\\\\\\\\\\\\\\\\u0034\\u00e9" * (2 * MEGABYTE // 19) + b'"'), ""),
        "1 MB of digits": (chat(digits), ""),
        "1 MB of almost cards": (chat("4111 1111 1111 1112 " * 50_000), ""),
        "48 MB in one string": (chat("x" * 48 * MEGABYTE), ""),
        "40 KB of digits": (chat(digits[:40_000]), ""),
        "31 KB of almost cards": (chat("4111 1111 1111 1112 " * 1_550), ""),
        "31 KB of empty lists": (raw(b"[" + b"[]," * 10_300 + b"[]]"), ""),
    }


@asynccontextmanager
async def backend() -> AsyncIterator[str]:
    """Reads what comes and answers."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        content = completion()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(content)
        try:
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
                left = int(next(line for line in lines if line.startswith("content-length:")).split(":")[1])
                while left:
                    left -= len(await reader.read(min(left, 1 << 20)))
                writer.write(head + content)
        except (OSError, EOFError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


class Plane:
    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port

    async def measure(self) -> dict[str, Any]:
        """Since it was last asked."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(b"measure\n")
        return json.loads(await self.process.stdout.readline())

    async def post(self, body: bytes, encoding: str = "") -> tuple[int, str]:
        """Status, and the code of an error."""
        reader, writer = await opened(self.port)
        lines = f"content-encoding: {encoding}\r\n" if encoding else ""
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n{lines}\r\n"
        writer.write(head.encode() + body)
        try:
            status, _, answered = await received(reader, 90.0)
        finally:
            writer.transport.abort()
        return status, "" if status == 200 else json.loads(answered)["error"]["code"]


@pytest.fixture
async def plane() -> AsyncIterator[Plane]:
    async with backend() as url:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "prove.stalls",
            url,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **ALLOCATION, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        )
        assert process.stdout is not None and process.stdin is not None
        yield Plane(process, int(await process.stdout.readline()))
        process.stdin.close()
        await process.wait()


ALLOWED = {(200, ""), (413, "request_too_large"), (400, "invalid_json"), (503, "too_many_large_requests")}


async def test_a_light_request_waits_for_no_heavy_one(plane: Plane) -> None:
    heavy, waits, answers = bodies(), [], Counter[tuple[str, int, str]]()
    for body, encoding in heavy.values():  # the processes that read them have begun
        await plane.post(body, encoding)
    await plane.measure()
    end = time.monotonic() + SECONDS

    async def send(order: list[str]) -> None:
        while time.monotonic() < end:
            for name in order:
                answers[name, *await plane.post(*heavy[name])] += 1

    async def light() -> None:
        while time.monotonic() < end:
            began = time.monotonic()
            assert await plane.post(LIGHT) == (200, "")
            waits.append(time.monotonic() - began)
            await asyncio.sleep(0.01)

    orders = [random.Random(seed).sample(list(heavy), len(heavy)) for seed in range(AT_ONCE)]
    await asyncio.gather(light(), *map(send, orders))
    found = await plane.measure()
    waits.sort()
    print(f"\nthe loop's processor time between ticks: {found}")
    print(f"light requests: {len(waits)}, p99 {waits[int(len(waits) * 0.99)] * 1e3:.0f} ms of the clock")
    print("\n".join(f"  {times:4} {name}: {status} {code}" for (name, status, code), times in sorted(answers.items())))
    assert {(status, code) for _, status, code in answers} <= ALLOWED
    assert found["p99"] <= 50


async def test_each_body_by_itself(plane: Plane) -> None:
    for name, (body, encoding) in bodies().items():
        await plane.post(LIGHT)
        await plane.measure()
        status, code = await plane.post(body, encoding)
        found = await plane.measure()
        print(f"{name}: {status} {code}, held up for {found['longest']} ms at most")
        assert (status, code) in ALLOWED and found["longest"] <= 100


async def test_memory_comes_back(plane: Plane) -> None:
    """Of bodies that are refused, and of those that are served."""
    heavy, seen = bodies(), []
    for _ in range(4):
        for body, encoding in heavy.values():
            await plane.post(body, encoding)
        seen.append(await plane.measure())
    print(f"\nresident after each round: {[each['resident'] for each in seen]} MB")
    assert all(each["held"] == 0 for each in seen)
    assert seen[-1]["resident"] < seen[0]["resident"] + 60
