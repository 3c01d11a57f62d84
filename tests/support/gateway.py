"""One worker's data plane in this process, between a client's bytes and scripted backends."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from support.memory_ledger import MemoryLedger

from router.app.assemble import backend_specs
from router.config.load import load
from router.core.cost.volume import day_of
from router.core.values import Plan, Row
from router.gateway.origin_guard import NoGuard
from router.gateway.peers import NoPeers, Peers
from router.gateway.routes import Routes
from router.gateway.server import Server
from router.gateway.worker_state import WorkerState
from router.ledger.shared_status import SharedStatus
from router.system.wake_files import WakeFiles
from router.upstream.fleet import Fleet

POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: openai, url: %(gpu)s, serves: {chat: tiny-llama}, cost: {usd_per_hour: 1.0},
        first_byte_timeout: 1s, idle_timeout: 1s}
  api: {zone: cloud, kind: openai, url: %(api)s, serves: {chat: gpt-4o-mini},
        first_byte_timeout: 1s, idle_timeout: 1s}
models: {chat: {backends: [gpu, api], aliases: [gpt-4o-mini]}}
sensitivity:
  levels: {public: [local, cloud], restricted: [local]}
  default: public
  detectors: [{find: [credit_card, us_ssn], raise_to: restricted}]
cost: {strategy: local_first}
retry: {attempts: 3, deadline: 5s, backoff: 1ms}
"""

PATIENCE = 45.0
"""Seconds for an answer of any kind, on a machine that is busy with other things."""


@dataclass
class Gateway:
    """One worker's data plane, without processes."""

    port: int
    state: WorkerState
    service: Routes
    server: Server
    fleet: Fleet
    ledger: MemoryLedger
    adopt: Callable[[Plan], None]
    shared: SharedStatus | None = None
    peers: Peers | NoPeers = field(default_factory=NoPeers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rows(self) -> list[Row]:
        """What the ledger has counted today."""
        return self.ledger.rows([day_of(self.state.clock(), self.state.timezone)])

    async def post(
        self, body: Any, headers: dict[str, str] | None = None, path: str = "/v1/chat/completions"
    ) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        head = (
            f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n"
        )
        return await self.exchange(f"{head}{lines}connection: close\r\n\r\n".encode() + content)

    async def exchange(self, sent: bytes) -> tuple[int, dict[str, str], bytes]:
        """Bytes in, and the whole answer until the connection ends; chunked bodies are joined."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        received = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        return parse(received)


def parse(received: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = join_chunks(body)
    return int(status.split(" ")[1]), headers, body


def join_chunks(body: bytes) -> bytes:
    """As much as arrived whole; a body that was cut off has no last chunk."""
    parts = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        parts.append(rest[:length])
        body = rest[length + 2 :]
    return b"".join(parts)


@dataclass
class Clock:
    now: float = 1_770_000_000.0

    def __call__(self) -> float:
        return self.now


async def start_gateway(
    directory: Path,
    policy: str,
    urls: Mapping[str, str],
    clock: Clock,
    adapter_socket: str = "",
    redis: str = "",
    guard: type[NoGuard] = NoGuard,
    tls: ssl.SSLContext | None = None,
) -> Gateway:
    """`policy` is a policy's text with %(name)s for the backends' URLs. With `redis` it has peers there."""
    loop = asyncio.get_running_loop()
    path = directory / "policy.yaml"
    path.write_text(policy % urls)
    plan = load(path)
    ledger = MemoryLedger(timezone=ZoneInfo(plan.policy.cost.timezone), clock=clock)
    await ledger.start()
    fleet = Fleet(loop)
    state = WorkerState(plan, fleet, ledger, clock)
    shared = SharedStatus(redis, timeout=0.2) if redis else None
    peers = NoPeers() if shared is None else Peers(state, shared, loop, WakeFiles(directory / "wakes"))
    service = Routes(state, loop, peers, guard)
    to_backends = ssl.create_default_context()

    def adopt(new: Plan) -> None:
        fleet.apply(backend_specs(new, adapter_socket, to_backends))
        state.adopt(new)
        service.adopted()

    adopt(plan)
    fleet.start()
    if shared is not None and isinstance(peers, Peers):
        await shared.start(peers)
    server = Server(service, state, loop, tls=tls)
    listener = socket.create_server(("127.0.0.1", 0))
    await server.start(listener)
    return Gateway(listener.getsockname()[1], state, service, server, fleet, ledger, adopt, shared, peers)


async def stop_gateway(gateway: Gateway) -> None:
    await gateway.server.drain(0.0)
    gateway.fleet.close()
    if gateway.shared is not None:
        await gateway.shared.close()
    await gateway.ledger.close()
