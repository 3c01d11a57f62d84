"""Machines that keep every byte that reaches them, answer any surface as its sample does and as told, and say in each
answer which machine it was."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections import Counter
from typing import Any

import httptools
from support.samples.registry import SAMPLES
from support.samples.sample import SAID, Sample

from router.surfaces.base import PREFIX
from router.surfaces.registry import SURFACES

HOMES = {"own-1": "own", "own-2": "own", "lab-1": "lab", "eu-1": "eu", "us-1": "us", "us-2": "us", "proxy-1": "outside"}
"""Where each machine stands, whatever a policy calls that place. No policy names the one outside."""
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
"""What a machine's environment may say, and nobody may heed: a proxy sees everything."""
OWNED = frozenset({"own", "lab"})
MODEL = "upstream-model"
SIGNATURE = re.compile(rb"answered-by-([a-z]+-[0-9])")

FAULTS = (
    "refused",
    "hangs up at once",
    "reset",
    "silence",
    "slow",
    "garbage",
    "cut short",
    "bytes after the answer",
    "429",
    "429 with a rest",
    "503 with a rest",
    "500",
    "our key refused",
    "redirect to the cloud",
    "another redirect to the cloud",
    "an error event",
    "an empty stream",
    "full queue",
)
"""What a machine may do instead of answering ("ok")."""

_STATUSES = {
    "429": (429, ""),
    "429 with a rest": (429, "retry-after-ms: 20\r\n"),
    "503 with a rest": (503, "retry-after: 0.02\r\n"),
    "500": (500, ""),
    "our key refused": (401, ""),
}
_REDIRECTS = {"redirect to the cloud": 307, "another redirect to the cloud": 308}
_BY_PATH = {each.path if each.at_root else PREFIX + each.path: SAMPLES[name] for name, each in SURFACES.items()}
_NAMELESS = b'data: {"error": {"message": "no"}}\n\n'
"""An error event without a code, as some servers of chat send it."""
_SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_SLOW_SECONDS = 0.015


class Machine:
    """`fault` may be changed at any time; `received` is what came in, over all connections, before any parsing."""

    def __init__(self, name: str, elsewhere: str = "") -> None:
        self.name = name
        self.home = HOMES[name]
        self.fault = "ok"
        self.elsewhere = elsewhere
        """Where its redirects point."""
        self.received = bytearray()
        self.suffered: Counter[str] = Counter()
        """How often each fault met a request or a connection."""
        self._wires: set[_Wire] = set()
        self._server: asyncio.Server | None = None
        # Bound but never listening: it keeps the port while the machine refuses connections.
        self._holder = self._bind(0)
        self.port: int = self._holder.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def proxies(self) -> dict[str, str]:
        """Environment variables that name it as the proxy for everything."""
        at = f"http://127.0.0.1:{self.port}"
        return {spelt: at for name in PROXIES for spelt in (name, name.upper())} | {"no_proxy": "", "NO_PROXY": ""}

    @staticmethod
    def _bind(port: int) -> socket.socket:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(("127.0.0.1", port))
        return bound

    async def become(self, fault: str) -> None:
        self.fault = fault
        if fault == "refused":
            self.suffered[fault] += 1
            self._stop_listening()
        elif self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(lambda: _Wire(self), sock=self._bind(self.port))

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for wire in list(self._wires):
            wire.abort()

    def stop(self) -> None:
        self._stop_listening()
        self._holder.close()

    def opened(self, wire: _Wire) -> None:
        self._wires.add(wire)
        if self.fault == "hangs up at once":
            self.suffered[self.fault] += 1
            wire.abort()

    def closed(self, wire: _Wire) -> None:
        self._wires.discard(wire)

    def answer(self, wire: _Wire, method: str, path: str, body: bytes) -> None:
        if method == "GET":
            wire.write(_whole(200, self._report(path)))
            return
        fault = self.fault
        if fault not in ("ok", "full queue"):
            self.suffered[fault] += 1
        sample = _BY_PATH[path]
        answer = self._stream(sample) if _wants_stream(sample, body) else self._whole_answer(sample)
        if fault == "slow":
            asyncio.get_running_loop().call_later(_SLOW_SECONDS, self._play, wire, "ok", path, answer)
        else:
            self._play(wire, fault, path, answer)

    def _report(self, path: str) -> bytes:
        """What vLLM says of itself."""
        if path.endswith("/models"):
            return json.dumps({"data": [{"id": MODEL, "max_model_len": 100_000}]}).encode()
        if path.endswith("/metrics"):
            full = self.fault == "full queue"
            self.suffered["full queue"] += full
            return b"vllm:num_requests_running 1.0\nvllm:num_requests_waiting %d.0\n" % (99 if full else 0)
        return b""

    def _play(self, wire: _Wire, fault: str, path: str, answer: bytes) -> None:
        if fault in _STATUSES:
            status, headers = _STATUSES[fault]
            wire.write(_whole(status, b"{}", headers))
        elif fault in _REDIRECTS:
            wire.write(_whole(_REDIRECTS[fault], b"", f"location: {self.elsewhere.removesuffix(PREFIX)}{path}\r\n"))
        elif fault == "reset":
            wire.abort()
        elif fault == "garbage":
            wire.write(b"\x00\x01 this is not HTTP\r\n\r\n")
        elif fault == "cut short":
            wire.write(answer[: len(answer) * 2 // 3])
            wire.close()
        elif fault == "bytes after the answer":
            wire.write(answer + _whole(200, b'{"choices": [], "id": "smuggled"}'))
        elif fault == "an error event":
            sample = _BY_PATH[path]
            told = _NAMELESS if sample is SAMPLES["chat"] else sample.failure or _NAMELESS
            wire.write(_SSE + _chunk(told) + _chunk(b""))
        elif fault == "an empty stream":
            wire.write(_SSE + _chunk(b""))
        elif fault != "silence":
            wire.write(answer)

    def _whole_answer(self, sample: Sample) -> bytes:
        return _whole(200, signed(sample.answer(5, 5), self.name), media_type=sample.media_type)

    def _stream(self, sample: Sample) -> bytes:
        assert sample.events is not None, f"{sample.surface} has no streams, and was asked for one"
        events = [signed(event, self.name) for event in sample.events(5, 5)]
        return _SSE + b"".join(map(_chunk, (*events, b"")))


def signed(said: bytes, name: str) -> bytes:
    """What a sample says, as the machine of that name says it."""
    return said.replace(SAID.encode(), f"answered-by-{name}".encode())


def _wants_stream(sample: Sample, body: bytes) -> bool:
    name, value = next(iter(sample.streamed.items()))
    return f'name="{name}"'.encode() in body if sample.form else json.loads(body).get(name) == value


def _whole(status: int, body: bytes, headers: str = "", media_type: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {media_type}\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class _Wire(asyncio.Protocol):
    """One connection to a machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._path = b""
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._machine.opened(self)

    def data_received(self, data: bytes) -> None:
        self._machine.received += data
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._machine.closed(self)

    def on_message_begin(self) -> None:
        self._path = self._body = b""

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        self._machine.answer(self, self._parser.get_method().decode(), self._path.decode(), self._body)

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()
