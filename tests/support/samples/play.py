"""Requests of any surface through a gateway in this process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from support.gateway import PATIENCE, Gateway, parse
from support.samples.sample import Sample

from router.surfaces.registry import SURFACES

ENDPOINTS = f"[{', '.join(SURFACES)}]"
PRICE = "{input: 1, output: 2}"
"""USD per million tokens."""
POLICY = f"""
version: 1
zones: {{local: {{owned: true}}, cloud: {{}}}}
backends:
  gpu: {{zone: local, kind: openai, url: %(gpu)s, serves: {{chat: {{model: tiny-llama, endpoints: {ENDPOINTS}}}}},
        cost: {{usd_per_hour: 1.0}}, first_byte_timeout: 5s, idle_timeout: 5s}}
  api: {{zone: cloud, kind: openai, url: %(api)s,
        serves: {{chat: {{model: gpt-4o-mini, endpoints: {ENDPOINTS}, price: {PRICE}}}}},
        first_byte_timeout: 5s, idle_timeout: 5s}}
models: {{chat: {{backends: [gpu, api]}}}}
sensitivity:
  levels: {{public: [local, cloud], restricted: [local]}}
  default: public
  detectors: [{{find: [credit_card], raise_to: restricted}}]
cost: {{strategy: local_first}}
retry: {{attempts: 3, deadline: 20s, backoff: 1ms, budget: 1.0}}
health: {{failures_to_open: 1000000, cooldown: 1ms}}
"""
"""An own backend and a cloud, which serve every surface; cards may not leave, nor what cannot be read."""
OPEN = POLICY.replace("default: public\n", "default: public\n  unreadable: public\n")
"""What cannot be read may leave."""
SEALED = POLICY.replace("default: public\n", "default: public\n  sealed: public\n").replace(
    "local_first", "cloud_first"
)
"""What a provider sealed may go back to one; nothing else that cannot be read may leave."""
CLOUD_FIRST = OPEN.replace("local_first", "cloud_first")


@dataclass(frozen=True)
class Got:
    """What a client was answered; `ended` says whether its body did, too."""

    status: int
    headers: dict[str, str]
    body: bytes
    ended: bool

    @property
    def backend(self) -> str:
        return self.headers.get("x-breakeven-backend", "")


async def ask(port: int, sample: Sample, body: bytes, *lines: str, path: str = "") -> Got:
    """One request on a connection of its own; `path` is the surface's first."""
    head = f"POST {path or SURFACES[sample.surface].paths[0]} HTTP/1.1"
    told = (head, "host: localhost", f"content-type: {sample.content_type}", f"content-length: {len(body)}", *lines)
    return await exchange(port, ("\r\n".join(told) + "\r\nconnection: close\r\n\r\n").encode() + body)


async def exchange(port: int, sent: bytes) -> Got:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    received = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            while data := await reader.read(65536):
                received += data
    except ConnectionResetError:
        pass
    writer.close()
    status, headers, body = parse(bytes(received)) if received else (0, {}, b"")
    if "transfer-encoding" in headers:
        return Got(status, headers, body, received.endswith(b"0\r\n\r\n"))
    return Got(status, headers, body, len(body) == int(headers.get("content-length", -1)))


async def at_rest(gateway: Gateway) -> None:
    """Until nothing is held any more."""
    async with asyncio.timeout(PATIENCE):
        while gateway.ledger.holds:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)
