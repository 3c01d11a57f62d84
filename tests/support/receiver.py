"""A receiver of webhooks: it records what comes, and answers as a test says, or not at all."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes
    status: int = 0
    """That it was answered with; 0 for none."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """`answers` are taken one by one, then 200: a status, or None to hang."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answers: list[int | None] = field(default_factory=list)
    refused: bytes = b""
    """Whatever has this in its body is answered with `refused_with`, unless `answers` say otherwise."""
    refused_with: int = 400
    location: str = ""
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def alerts(self) -> list[Any]:
        return [alert for each in self.received for alert in each.json["alerts"]]

    def told(self, state: str = "firing") -> list[str]:
        """Titles, each as often as it came."""
        return [alert["title"] for alert in self.alerts if alert["state"] == state]

    def taken(self) -> list[str]:
        """Titles of what was answered with success."""
        return [alert["title"] for each in self.received if each.status < 300 for alert in each.json["alerts"]]

    async def start(self) -> Receiver:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def _status_of(self, body: bytes) -> int:
        return self.refused_with if self.refused and self.refused in body else 200

    async def _take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        got = Received(request.path, headers, await request.read())
        self.received.append(got)
        status = self.answers.pop(0) if self.answers else self._status_of(got.body)
        got.status = status or 0
        if status is None:
            await asyncio.Event().wait()
        return web.Response(status=status or 200, headers={"location": self.location} if self.location else {})
