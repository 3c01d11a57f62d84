"""A client's connection, byte by byte."""

from __future__ import annotations

import asyncio


async def opened(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port)


async def received(reader: asyncio.StreamReader, seconds: float = 10.0) -> tuple[int, dict[str, str], bytes]:
    """One answer with a content-length."""
    async with asyncio.timeout(seconds):
        head = await reader.readuntil(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return int(status.split(" ")[1]), headers, await reader.readexactly(int(headers["content-length"]))
