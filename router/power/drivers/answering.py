"""Whether a backend's units answer, and serve what they should."""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import Struct

from router.config.secrets import resolve
from router.core.backend_kinds import Backend, VllmBackend
from router.power.drivers.http_client import Answer, HttpClient, NoAnswerError

LONGEST_WAIT = 2.0
"""Seconds for an answer; a unit that is busy answers these within milliseconds."""


class _Model(Struct):
    id: str


class _Models(Struct):
    data: list[_Model]


class Answering:
    """Asks each address of a backend: a vLLM for its health and its models, any other for its models."""

    def __init__(self, backend: Backend, client: HttpClient) -> None:
        """Raises MissingSecretError."""
        self._client = client
        self._urls = tuple(url.rstrip("/") for url in backend.replicas())
        self._names = frozenset(each if isinstance(each, str) else each.model for each in backend.serves.values())
        self._asked_for_health = isinstance(backend, VllmBackend)
        self.api_key = resolve(backend.api_key).reveal() if backend.api_key is not None else ""
        self.headers = {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}

    @property
    def addresses(self) -> int:
        return len(self._urls)

    async def count(self) -> tuple[int, str]:
        """How many addresses answer as they should, and what the first one that does not lacks; empty when all do."""
        lacking = await asyncio.gather(*map(self._lacks, self._urls))
        return sum(not each for each in lacking), next((each for each in lacking if each), "")

    async def _lacks(self, url: str) -> str:
        try:
            if self._asked_for_health:
                health = await self._ask(f"{url.removesuffix('/v1')}/health")
                if health.status != 200:
                    return f"/health answered {health.status}"
            models = await self._ask(f"{url}/models")
        except NoAnswerError as error:
            return f"it does not answer yet: {error}"
        if models.status != 200:
            return f"/models answered {models.status}"
        try:
            listed = {model.id for model in msgspec.json.decode(models.body, type=_Models).data}
        except msgspec.DecodeError:
            return "/models gave no list of models"
        missing = sorted(self._names - listed)
        return f"it does not serve {', '.join(missing)} (it serves {', '.join(sorted(listed))})" if missing else ""

    async def _ask(self, url: str) -> Answer:
        return await self._client.ask("GET", url, LONGEST_WAIT, headers=self.headers)
