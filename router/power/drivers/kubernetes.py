"""Replicas of a Deployment or StatefulSet, through its scale: `get` and `patch` of that are all that it needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from msgspec import Struct

from router.core.backend_kinds import Backend
from router.core.power.policy import KubernetesPower
from router.power.drivers.answering import Answering
from router.power.drivers.cluster_access import ClusterAccess, of_kubeconfig, of_the_pod
from router.power.drivers.driver import DriverError, Seen
from router.power.drivers.http_client import Answer, HttpClient, NoAnswerError
from router.power.drivers.output import last_words

TRIES = 5
"""Of one change, while others change the same workload or the API asks for patience."""
LONGEST_REST = 10.0
"""Seconds between two of them, whatever the API asks for; the next step of the controller tries again."""
_FIRST_REST = 0.1


class _Metadata(Struct):
    resourceVersion: str = ""  # noqa: N815 - so it is called there


class _Replicas(Struct):
    replicas: int = 0


class _Scale(Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    spec: _Replicas = msgspec.field(default_factory=_Replicas)
    status: _Replicas = msgspec.field(default_factory=_Replicas)


class _Status(Struct):
    message: str = ""


class KubernetesDriver:
    def __init__(
        self, backend: Backend, power: KubernetesPower, access: Callable[[], ClusterAccess] | None = None
    ) -> None:
        """`access` is where the cluster is, when it is not where the policy says. Raises MissingSecretError."""
        self._power = power
        self._client = HttpClient()
        self._answering = Answering(backend, self._client)
        self._access = access or self._named_access

    async def look(self) -> Seen:
        try:
            scale = await self._scale()
        except DriverError as error:
            return Seen(None, 0, str(error))
        # What is asked for is on its way, and what there is costs rent until it is gone.
        units = max(scale.spec.replicas, scale.status.replicas)
        if not units:
            return Seen(0, 0, "")
        answering, lacking = await self._answering.count()
        if not answering:
            return Seen(units, 0, lacking)
        # One address may stand for all of them, and then it does not tell how many there are behind it.
        behind = scale.status.replicas if self._answering.addresses == 1 else answering
        return Seen(units, min(units, max(1, behind)), lacking)

    async def start(self, units: int) -> None:
        await self._change(lambda now: max(now, units))

    async def stop(self, units: int) -> None:
        await self._change(lambda now: min(now, units))

    async def close(self) -> None:
        await self._client.close()

    def _named_access(self) -> ClusterAccess:
        power = self._power
        return of_kubeconfig(power.kubeconfig, power.context) if power.kubeconfig is not None else of_the_pod()

    async def _change(self, wanted: Callable[[int], int]) -> None:
        """Looks again before each try, so that what another changed meanwhile is not undone."""
        for tries in range(1, TRIES + 1):
            scale = await self._scale()
            replicas = wanted(scale.spec.replicas)
            if replicas == scale.spec.replicas:
                return
            change = {"metadata": {"resourceVersion": scale.metadata.resourceVersion}, "spec": {"replicas": replicas}}
            answer = await self._ask("PATCH", msgspec.json.encode(change))
            if answer.status < 300:
                return
            if answer.status not in (409, 429, 500, 503, 504) or tries == TRIES:
                raise DriverError(self._refusal("PATCH", answer))
            await asyncio.sleep(_rest(answer, tries))

    async def _scale(self) -> _Scale:
        for tries in range(1, TRIES + 1):
            answer = await self._ask("GET")
            if answer.status == 200:
                try:
                    return msgspec.json.decode(answer.body, type=_Scale)
                except msgspec.DecodeError:
                    raise DriverError("the cluster answered something that is no scale") from None
            if answer.status != 429 or tries == TRIES:
                break
            await asyncio.sleep(_rest(answer, tries))
        raise DriverError(self._refusal("GET", answer))

    async def _ask(self, method: str, body: bytes | None = None) -> Answer:
        access = self._access()
        power = self._power
        namespace = power.namespace or access.namespace
        path = f"/apis/apps/v1/namespaces/{namespace}/{power.workload.lower()}s/{power.name}/scale"
        kind = {"content-type": "application/merge-patch+json"} if body is not None else {}
        headers = {"accept": "application/json"} | kind | access.headers()
        try:
            return await self._client.ask(
                method, access.url + path, power.timeout, headers=headers, body=body, tls=access.tls
            )
        except NoAnswerError as error:
            raise DriverError(f"the cluster at {access.url} does not answer: {error}") from None

    def _refusal(self, method: str, answer: Answer) -> str:
        try:
            said = last_words(msgspec.json.decode(answer.body, type=_Status).message.encode())
        except msgspec.DecodeError:
            said = ""
        what = f"{self._power.workload} {self._power.name}"
        hint = {
            401: "; are its credentials still valid?",
            403: f"; it needs {method.lower()} of {self._power.workload.lower()}s/scale",
            404: f"; is there a {what} in that namespace?",
        }.get(answer.status, "")
        return f"the cluster answered {answer.status} for {what}{f': {said}' if said else ''}{hint}"


def _rest(answer: Answer, tries: int) -> float:
    """Seconds until the next try: as the API asks, or a little longer each time."""
    asked = answer.headers.get("retry-after", "")
    return min(LONGEST_REST, float(asked) if asked.isdecimal() else _FIRST_REST * 2.0**tries)
