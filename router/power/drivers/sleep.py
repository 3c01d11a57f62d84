"""A vLLM that sleeps and wakes. Its process runs all the time; asleep, it keeps its weights in the machine's memory and
leaves its card's to others."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from router.core.backend_kinds import Backend
from router.core.power.policy import SleepPower
from router.power.drivers.answering import LONGEST_WAIT, Answering
from router.power.drivers.driver import DriverError, Seen
from router.power.drivers.http_client import Answer, HttpClient, NoAnswerError, Refused


class _Sleeping(Struct):
    is_sleeping: bool


class SleepDriver:
    def __init__(self, backend: Backend, power: SleepPower, sharing: Mapping[str, Backend]) -> None:
        """`sharing` are the other backends on the same card, by name. Raises MissingSecretError."""
        self._power = power
        self._client = HttpClient()
        self._answering = Answering(backend, self._client)
        self._unit = _Unit(backend.replicas()[0], self._answering.headers, self._client)
        self._sharing = {
            name: _Unit(each.replicas()[0], Answering(each, self._client).headers, self._client)
            for name, each in sharing.items()
        }

    async def look(self) -> Seen:
        try:
            if await self._unit.sleeps():
                return Seen(0, 0, "")
        except Refused as error:
            return Seen(0, 0, f"it does not run: {error}")  # and so it holds none of the card
        except (DriverError, NoAnswerError) as error:
            return Seen(None, 0, str(error))
        ready, lacking = await self._answering.count()
        return Seen(1, ready, lacking)

    async def start(self, units: int) -> None:
        if not units:
            return
        try:
            if await self._unit.sleeps():
                await self._leave_to_others()
                await self._wake()
        except NoAnswerError as error:
            raise DriverError(str(error)) from None

    async def stop(self, units: int) -> None:
        if units:
            return
        try:
            if not await self._unit.sleeps():
                await self._unit.tell(self._sleep, self._power.timeout)
        except NoAnswerError as error:
            raise DriverError(str(error)) from None

    async def close(self) -> None:
        await self._client.close()

    @property
    def _sleep(self) -> str:
        return f"/sleep?level={self._power.sleep_level}"

    async def _wake(self) -> None:
        """All of it, or it sleeps again: half awake it says that it sleeps, and holds memory that others need."""
        timeout = self._power.timeout
        try:
            if self._power.sleep_level == 1:
                return await self._unit.tell("/wake_up", timeout)
            # Weights that were dropped have to be there before there is memory for anything else.
            await self._unit.tell("/wake_up?tags=weights", timeout)
            await self._unit.tell("/collective_rpc", timeout, {"method": "reload_weights"})
            await self._unit.tell("/wake_up?tags=kv_cache", timeout)
        except (NoAnswerError, DriverError):
            with contextlib.suppress(NoAnswerError, DriverError):
                await self._unit.tell(self._sleep, timeout)
            raise

    async def _leave_to_others(self) -> None:
        """Two that are awake would not both fit on the card. What does not run holds none of it."""
        for name, unit in self._sharing.items():
            try:
                if not await unit.sleeps():
                    raise DriverError(f"{name} is awake on the card {self._power.card}: it has to sleep first")
            except Refused:
                continue
            except NoAnswerError as error:
                raise DriverError(f"whether {name} is awake on the card cannot be told: {error}") from None


class _Unit:
    def __init__(self, url: str, headers: Mapping[str, str], client: HttpClient) -> None:
        self._root = url.rstrip("/").removesuffix("/v1")
        self._headers = headers
        self._client = client

    async def sleeps(self) -> bool:
        """Raises NoAnswerError, and DriverError when it answers something else."""
        answer = await self._ask("GET", "/is_sleeping", LONGEST_WAIT)
        try:
            return msgspec.json.decode(answer.body, type=_Sleeping).is_sleeping
        except msgspec.DecodeError:
            raise DriverError("it answered /is_sleeping with something else") from None

    async def tell(self, path: str, timeout: float, said: Mapping[str, str] | None = None) -> None:
        """Raises NoAnswerError and DriverError."""
        await self._ask("POST", path, timeout, said)

    async def _ask(self, method: str, path: str, timeout: float, said: Mapping[str, str] | None = None) -> Answer:
        headers = dict(self._headers) if said is None else {**self._headers, "content-type": "application/json"}
        body = None if said is None else msgspec.json.encode(said)
        answer = await self._client.ask(method, self._root + path, timeout, headers=headers, body=body)
        if answer.status == 404:
            raise DriverError(
                f"{path} is not there: the vLLM has to run with --enable-sleep-mode and VLLM_SERVER_DEV_MODE=1"
            )
        if answer.status != 200:
            raise DriverError(f"{path} answered {answer.status}")
        return answer
