"""A control plane beside a real gateway, between two scripted backends."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.control import ADMIN, Plane
from support.gateway import POLICY, Gateway, start_gateway, stop_gateway
from support.scripted import DONE, ScriptedBackend, event, stream, usage_event

from router.admin.sources.interface import Page, Sources
from router.ledger.record import Record

SECRET = "a-secret-of-these-tests"
KEYS = f"""
keys:
  - {{name: app, team: search, sha256: "{sha256(b"sk-app").hexdigest()}"}}
  - {{name: ward, team: hospital, sensitivity: restricted, sha256: "{sha256(b"sk-ward").hexdigest()}"}}
"""


@dataclass
class Recorded:
    """The records of the gateway."""

    gateway: Gateway
    available: bool = True

    async def page(self, query) -> Page:
        found = [each for each in reversed(self.gateway.ledger.records) if each.request == query.id]
        return Page(found[:1])

    async def find(self, id: str) -> Record | None:
        return next((each for each in self.gateway.ledger.records if id == each.request), None)


@dataclass
class Trying:
    plane: Plane
    gateway: Gateway
    backends: dict[str, ScriptedBackend] = field(default_factory=dict)

    async def lines(self, token: str = ADMIN, **attempt: Any) -> list[dict[str, Any]]:
        """Of one request that is tried."""
        body = {"key": "app", "model": "chat", "prompt": "Where is the Louvre?"} | attempt
        answer = await self.plane.post("/api/playground", body, token)
        assert answer.status == 200, answer.body
        return [json.loads(line) for line in answer.body.splitlines()]

    async def refused(self, token: str = ADMIN, **attempt: Any) -> tuple[int, str]:
        body = {"key": "app", "model": "chat", "prompt": "Where is the Louvre?"} | attempt
        answer = await self.plane.post("/api/playground", body, token)
        return answer.status, answer.code

    @property
    def received(self) -> dict[str, int]:
        """Requests that each backend got."""
        return {name: len(backend.requests) for name, backend in self.backends.items()}


@pytest.fixture
async def trying(start, settings, policy, clock, tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """`await trying()` or `await trying("playground: {access: nobody}")`."""
    backends = {name: ScriptedBackend() for name in ("gpu", "api")}
    gateways: list[Gateway] = []
    for backend in backends.values():
        await backend.start()
        backend.default = stream(event("Paris."), event(None, "stop"), usage_event(), DONE)

    async def run(more: str = "", keys: str = KEYS) -> Trying:
        text, urls = f"{POLICY}{keys}{more}\n", {name: backend.url for name, backend in backends.items()}
        (tmp_path / "gateway").mkdir()
        gateway = await start_gateway(tmp_path / "gateway", text, urls, clock)
        gateways.append(gateway)
        gateway.state.playground_secret = SECRET
        gateway.service.rekey()
        policy.write_text(text % urls)
        given = msgspec.structs.replace(settings, gateway_port=gateway.port, playground_secret=SECRET)
        return Trying(await start(Sources(records=Recorded(gateway)), given), gateway, backends)

    yield run
    for gateway in gateways:
        await stop_gateway(gateway)
    for backend in backends.values():
        await backend.stop()
