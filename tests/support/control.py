"""A control plane in this process, as its clients see it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from router.admin.auth.roles import Role
from router.admin.auth.session_cookie import COOKIE
from router.admin.handler_context import HandlerContext
from router.core.values import Cell

ADMIN = "admin-token-of-these-tests"
VIEWER = "viewer-token-of-these-tests"
NOON = 1_795_604_400.0
"""2026-11-25 12:00 in Berlin."""
POLICY = """\
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: vllm, url: "http://127.0.0.1:9/v1", serves: {chat: llama}, cost: {usd_per_hour: 1.0},
        capacity: {tokens_per_second: 1000}}
  api: {zone: cloud, kind: openai, url: "http://127.0.0.1:9/v1",
        serves: {chat: {model: gpt, price: {input: 1, output: 2}}}}
models: {chat: {backends: [gpu, api]}}
sensitivity: {levels: {public: [local, cloud], restricted: [local]}, default: public}
cost: {strategy: threshold, threshold_tokens_per_day: 500000, timezone: Europe/Berlin}
keys:
  - {name: app, team: search, sha256: "0000000000000000000000000000000000000000000000000000000000000000"}
"""
GPU = Cell("gpu", "local", "chat", "search", "app")
API = Cell("api", "cloud", "chat", "search", "app")


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


@dataclass
class Plane:
    """The control plane, and requests to it."""

    control: HandlerContext
    port: int
    client: aiohttp.ClientSession
    policy: Path
    clock: Clock

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ask(
        self, method: str, path: str, token: str = "", headers: dict[str, str] | None = None, **options: Any
    ) -> Answer:
        sent = {"accept-encoding": "identity"} | ({"authorization": f"Bearer {token}"} if token else {})
        sent |= headers or {}
        async with self.client.request(
            method, self.url + path, headers=sent, allow_redirects=False, **options
        ) as response:
            found = {name.lower(): value for name, value in response.headers.items()}
            cookies = {name: morsel.value for name, morsel in response.cookies.items()}
            return Answer(response.status, found, await response.read(), cookies)

    async def get(self, path: str, token: str = VIEWER, **options: Any) -> Answer:
        return await self.ask("GET", path, token, **options)

    async def post(self, path: str, body: Any, token: str = ADMIN, **options: Any) -> Answer:
        return await self.ask("POST", path, token, json=body, **options)

    async def sign_in(self, token: str = ADMIN) -> dict[str, str]:
        """Headers of a page that is signed in, without the token against forgery."""
        answer = await self.ask("POST", "/sign-in", json={"token": token})
        assert answer.status == 200, answer.body
        return {"cookie": f"breakeven_session={answer.cookies['breakeven_session']}"}

    def session_of(self, role: Role, user: str, teams: Collection[str] | None = None) -> str:
        """The cookie of somebody whom a provider of names would have brought."""
        value, _ = self.control.sessions.open(role, user, teams=None if teams is None else frozenset(teams))
        return f"{COOKIE}={value}"
