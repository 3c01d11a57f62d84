"""A network of its own with nothing in it but loopback, for the runner and all that it starts.

What a client sends past the gateway goes nowhere there, and every port is free. Linux only.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

_INSIDE = "BREAKEVEN_CLIENTS_CONFINED"
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_PATIENCE = 60.0
"""Seconds in which what runs inside puts away what it started."""


def inside() -> bool:
    return _INSIDE in os.environ


def again(module: str, arguments: Sequence[str]) -> int:
    """Run this module once more, confined; its exit status."""
    as_root = () if os.geteuid() == 0 else ("--map-root-user",)
    command = ["unshare", "--net", *as_root, sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, env={**os.environ, _INSIDE: "1"})
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(_PATIENCE)


def raise_loopback() -> None:
    """What `ip link set lo up` does; a new network has it down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


@contextlib.contextmanager
def relayed(listen: tuple[str, int] | Path, to: tuple[str, int] | Path) -> Iterator[None]:
    """Bytes from one address to another, from a thread, until the block ends; a path is a unix socket.

    One of these outside and one inside, with a unix socket between them, lead out of the network to one server.
    """
    loop, ready, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await (asyncio.open_unix_connection(to) if isinstance(to, Path) else asyncio.open_connection(*to))
        await asyncio.gather(_copied(reader, back), _copied(there, writer), return_exceptions=True)

    async def run() -> None:
        start = (
            asyncio.start_unix_server(connected, listen)
            if isinstance(listen, Path)
            else asyncio.start_server(connected, *listen)
        )
        server = await start
        ready.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    assert ready.wait(20), "the relay did not start"
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
