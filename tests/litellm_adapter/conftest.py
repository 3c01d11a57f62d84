"""The adapter as a process with its own interpreter, in front of a mock of Anthropic's Messages API."""

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from support.litellm import python_with_litellm

PROJECT = Path(__file__).parents[2]
KEY = "sk-ant-the-key-of-the-policy"
USAGE = {"input_tokens": 10, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 30, "output_tokens": 5}

POLICY = """
version: 1
zones: {{cloud: {{}}}}
backends:
  claude:
    zone: cloud
    kind: litellm
    api_base: {url}
    api_key: env:TEST_ANTHROPIC_KEY
    serves:
      chat:
        model: anthropic/claude-sonnet-4-5
        price: {{input: 3, output: 15, cached_input: 0.3, cache_write: 3.75}}
  vectors:
    zone: cloud
    kind: litellm
    api_base: {url}/v1
    api_key: env:TEST_ANTHROPIC_KEY
    serves: {{vectors: {{model: openai/text-embedding-3-small, price: {{input: 1, output: 1}}}}}}
  lenient:
    zone: cloud
    kind: litellm
    api_base: {url}
    api_key: env:TEST_ANTHROPIC_KEY
    drop_unsupported: true
    serves: {{chat: {{model: anthropic/claude-sonnet-4-5, price: {{input: 3, output: 15}}}}}}
  own:
    zone: cloud
    kind: anthropic
    url: {url}/v1
    api_key: env:TEST_ANTHROPIC_KEY
    serves: {{own: {{model: claude-sonnet-4-5, price: {{input: 3, output: 15}}}}}}
  nobody:
    zone: cloud
    kind: litellm
    api_base: http://127.0.0.1:1
    api_key: env:TEST_ANTHROPIC_KEY
    serves: {{chat: {{model: anthropic/claude-sonnet-4-5, price: {{input: 3, output: 15}}}}}}
secrets: {{TEST_ANTHROPIC_KEY: [127.0.0.1]}}
models: {{chat: {{backends: [claude, lenient, nobody]}}, own: {{backends: [own]}}, vectors: {{backends: [vectors]}}}}
"""

WATCH = """
import sys
with_connections = open({path!r}, "a", buffering=1)
def note(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        print(event, arguments[1:] if event == "socket.connect" else arguments, file=with_connections)
sys.addaudithook(note)
"""
"""A sitecustomize module that notes every connection and look-up of the adapter."""


@dataclass
class Anthropic:
    """What the mock was asked, and what it is to answer; shaped by Anthropic's documentation."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    error: tuple[int, str, str] | None = None
    """Status, type and message."""
    error_headers: dict[str, str] = field(default_factory=dict)
    content: list[dict[str, Any]] = field(default_factory=lambda: [{"type": "text", "text": "Hello there"}])
    stop_reason: str = "end_turn"
    hold: bool = False
    """Go silent: after the first text of a stream, or before the answer."""
    cut: bool = False
    """End the stream after its first text, as if that were the end."""
    silent_about_usage: bool = False
    """Report no tokens for embeddings."""
    fail_inside: bool = False
    """Send an error event after the first text."""
    started: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.json())
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if self.error is not None:
            status, kind, message = self.error
            body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
            return web.json_response(body, status=status, headers={"connection": "close", **self.error_headers})
        try:
            return await (self._stream(request) if self.bodies[-1].get("stream") else self._whole())
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise

    async def embed(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        data = [{"object": "embedding", "index": 0, "embedding": [0.5, -0.25]}]
        answer = {"object": "list", "data": data, "model": "text-embedding-3-small"}
        usage = {} if self.silent_about_usage else {"usage": {"prompt_tokens": 7, "total_tokens": 7}}
        return web.json_response({**answer, **usage})

    def _message(self, content: list[dict[str, Any]], usage: dict[str, int], stop: str | None) -> dict[str, Any]:
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5"}
        return {**head, "content": content, "stop_reason": stop, "stop_sequence": None, "usage": usage}

    async def _whole(self) -> web.Response:
        self.started.set()
        if self.hold:
            await asyncio.Event().wait()
        return web.json_response(self._message(self.content, USAGE, self.stop_reason), headers={"connection": "close"})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream", "connection": "close"})
        await response.prepare(request)
        for event in self._events():
            await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
            if event["type"] == "content_block_delta":
                self.started.set()
                if self.hold:
                    await asyncio.Event().wait()
                if self.cut:
                    break
                if self.fail_inside:
                    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
                    await response.write(f"event: error\ndata: {json.dumps(error)}\n\n".encode())
                    break
        return response

    def _events(self) -> Iterator[dict[str, Any]]:
        usage = {**USAGE, "output_tokens": 1}
        yield {"type": "message_start", "message": self._message([], usage, None)}
        for index, block in enumerate(self.content):
            yield from self._block(index, block)
        delta = {"stop_reason": self.stop_reason, "stop_sequence": None}
        yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": USAGE["output_tokens"]}}
        yield {"type": "message_stop"}

    def _block(self, index: int, block: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if block["type"] == "text":
            start: dict[str, Any] = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": word} for word in block["text"].partition(" ")]
        else:
            start = {**block, "input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
        yield {"type": "content_block_start", "index": index, "content_block": start}
        yield {"type": "ping"}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}


@dataclass
class Adapter:
    process: subprocess.Popen[str]
    socket: str
    log: Path
    connections: Path
    """What it connected to and looked up, a line each."""


@pytest.fixture(scope="session")
def interpreter() -> str:
    """An interpreter with litellm, which cannot live in the environment of these tests."""
    return python_with_litellm()


@pytest.fixture(scope="session")
def listening() -> Iterator[socket.socket]:
    """One address for the mocks of all tests, because the adapter is started once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture(scope="session")
def adapter(interpreter: str, listening: socket.socket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adapter]:
    folder = tmp_path_factory.mktemp("adapter")
    connections = folder / "connections"
    (folder / "sitecustomize.py").write_text(WATCH.format(path=str(connections)))
    policy, log, path = folder / "policy.yaml", folder / "log", str(folder / "s")
    policy.write_text(POLICY.format(url=f"http://127.0.0.1:{listening.getsockname()[1]}"))
    # Traps: the adapter must not follow its environment, nor load a .env file.
    traps = {
        "ANTHROPIC_API_BASE": "http://127.0.0.1:1",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:1",
        "LITELLM_LOG": "DEBUG",
    }
    environment = {**os.environ, **traps, "PYTHONPATH": f"{folder}{os.pathsep}{PROJECT}", "TEST_ANTHROPIC_KEY": KEY}
    (folder / ".env").write_text("ANTHROPIC_API_BASE=http://127.0.0.1:1\n")
    command = [interpreter, "-m", "router.litellm_adapter", "--policy", str(policy), "--socket", path]
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, cwd=folder
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        assert line == f"listening on unix:{path}\n", log.read_text()
        yield Adapter(process, path, log, connections)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.fixture
async def anthropic(listening: socket.socket) -> AsyncIterator[Anthropic]:
    mock = Anthropic()
    app = web.Application()
    app.add_routes([web.post("/v1/messages", mock.answer), web.post("/v1/embeddings", mock.embed)])
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.05)
    await runner.setup()
    await web.SockSite(runner, listening.dup()).start()
    yield mock
    await runner.cleanup()


@pytest.fixture
async def client(adapter: Adapter) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.UnixConnector(path=adapter.socket)
    async with aiohttp.ClientSession("http://adapter", connector=connector) as session:
        yield session


@pytest.fixture
def hello() -> dict[str, Any]:
    """The body of a small chat request."""
    return {
        "model": "anthropic/claude-sonnet-4-5",
        "messages": [{"role": "user", "content": "the-prompt"}],
        "max_tokens": 50,
    }


@pytest.fixture
def policy(listening: socket.socket) -> str:
    """What the adapter serves by."""
    return POLICY.format(url=f"http://127.0.0.1:{listening.getsockname()[1]}")


@pytest.fixture
def key() -> str:
    """The key that the policy refers to, which nobody but the provider may see."""
    return KEY


@pytest.fixture
def usage() -> dict[str, int]:
    """The tokens that the mock reports, in Anthropic's terms."""
    return USAGE
