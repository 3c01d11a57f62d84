"""One server that is every backend: it plays the fault that the path of a request names, and keeps the bill."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import subprocess
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httptools
from msgspec import Struct
from prove.faults import INPUT, End, Made, Place, Repeat, Step, whole

SPARE = "spare"
"""The backend that is always well."""


class Bill(Struct):
    """Tokens that were made for one model, by all backends; and how often each was asked."""

    input: int = 0
    output: int = 0
    asked: int = 0
    """Requests that reached the backend with the fault."""
    spare: int = 0
    """Requests that reached the other one."""


Plays = Callable[[str, bool], Sequence[Step]]
"""The steps of a backend, by its name."""


class Faulty:
    """`url(name, place)` is the address of a backend; `bills` are by the model that was asked for."""

    def __init__(self, plays: Plays, models: Sequence[str], folder: Path) -> None:
        self.bills: dict[str, Bill] = defaultdict(Bill)
        self.wires: set[Wire] = set()
        self.plays = plays
        self.listed = json.dumps({"data": [{"id": name, "max_model_len": 100_000} for name in models]}).encode()
        self._folder = folder
        self._servers: list[asyncio.Server] = []
        self._sockets: list[socket.socket] = []
        self._ports: dict[Place, int] = {}

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        for place in (Place.HTTP, Place.PLAIN):
            await self._listen(place, await loop.create_server(lambda: Wire(self), "127.0.0.1", 0, backlog=4096))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate())
        await self._listen(Place.FOREIGN, await loop.create_server(lambda: Wire(self), "127.0.0.1", 0, ssl=context))
        await self._listen(Place.MUTE, await loop.create_server(asyncio.Protocol, "127.0.0.1", 0))
        bound = self._hold(Place.REFUSED)
        bound.bind(("127.0.0.1", 0))
        full = self._hold(Place.FULL)
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # more than its queue holds
            waiting = socket.socket()
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(full.getsockname())
            self._sockets.append(waiting)
        self._ports |= {Place.REFUSED: bound.getsockname()[1], Place.FULL: full.getsockname()[1], Place.UNNAMED: 1}

    async def _listen(self, place: Place, server: asyncio.Server) -> None:
        self._servers.append(server)
        self._ports[place] = server.sockets[0].getsockname()[1]

    def _hold(self, place: Place) -> socket.socket:
        held = socket.socket()
        self._sockets.append(held)
        return held

    def _certificate(self) -> Path:
        """Of a name that is right, signed by nobody that anybody knows; key and certificate in one file."""
        file = self._folder / "certificate.pem"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
        command += ["-keyout", str(file), "-out", str(file.with_suffix(".crt"))]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        file.write_bytes(file.read_bytes() + file.with_suffix(".crt").read_bytes())
        return file

    def url(self, name: str, place: Place = Place.HTTP) -> str:
        scheme = "https" if place in (Place.PLAIN, Place.FOREIGN, Place.MUTE) else "http"
        host = "no-such-host.invalid" if place is Place.UNNAMED else "127.0.0.1"
        return f"{scheme}://{host}:{self._ports[place]}/{name}/v1"

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        for wire in list(self.wires):
            wire.abort()
        for held in self._sockets:
            held.close()
        await asyncio.sleep(0)


class Wire(asyncio.Protocol):
    """One connection to any of the backends."""

    def __init__(self, server: Faulty) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._path = self._body = b""
        self._playing: asyncio.Task[None] | None = None
        self._flows = asyncio.Event()
        self._flows.set()

    # --- what asyncio and the parser tell

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._server.wires.add(self)

    def data_received(self, data: bytes) -> None:
        with contextlib.suppress(httptools.HttpParserError):
            self._parser.feed_data(data)

    def pause_writing(self) -> None:
        self._flows.clear()

    def resume_writing(self) -> None:
        self._flows.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.wires.discard(self)
        if self._playing is not None:
            self._playing.cancel()

    def on_message_begin(self) -> None:
        self._path = self._body = b""

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        path = self._path.decode()
        if self._parser.get_method() == b"GET":
            self._transport.write(_healthy(self._server.listed if path.endswith("/models") else b"", path))
            return
        asked, name = json.loads(self._body), path.split("/")[1]
        bill = self._server.bills[asked["model"]]
        if name == SPARE:
            bill.spare += 1
        else:
            bill.asked += 1
        steps = (
            whole(asked.get("stream") is True)
            if name == SPARE
            else self._server.plays(name, asked.get("stream") is True)
        )
        self._playing = asyncio.ensure_future(self._play(steps, bill))

    # --- playing

    async def _play(self, steps: Sequence[Step], bill: Bill) -> None:
        read = False
        for step in steps:
            if isinstance(step, Made):
                bill.input += 0 if read else INPUT
                bill.output += step.output
                read = True
            elif isinstance(step, bytes):
                await self._write(step)
            elif isinstance(step, float):
                await asyncio.sleep(step)
            elif isinstance(step, Repeat):
                for _ in range(step.times):
                    await self._write(step.data)
                    await asyncio.sleep(step.pause)
            elif step is End.CLOSE:
                self._transport.close()
            elif step is End.RESET:
                self.abort()
            else:
                await asyncio.Event().wait()

    async def _write(self, data: bytes) -> None:
        await self._flows.wait()
        if not self._transport.is_closing():
            self._transport.write(data)

    def abort(self) -> None:
        self._transport.abort()


def _healthy(models: bytes, path: str) -> bytes:
    """What a vLLM says of itself, whatever becomes of requests."""
    content = models or (b"vllm:num_requests_running 0.0\n" if path.endswith("/metrics") else b"")
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(content) + content
