"""Which zones a request may reach: what it was given at first, less what has come into force since.

A request keeps the policy that it began with, its backends and its prices, and what was sent to a backend goes on. But
it may wait, for room, for a limit to pass or for a second attempt, and whoever narrows a policy or a key meanwhile, or
ends a key, must not see it leave afterwards. So before each attempt it is judged once more by what is in force, which
can only take zones away.
"""

from __future__ import annotations

from router.core.decision.facts import build_facts
from router.core.reading import BadBody
from router.gateway.body_reader import BodyReader
from router.gateway.context import RequestContext
from router.gateway.errors import ApiError
from router.gateway.request import Request
from router.gateway.worker_state import WorkerState
from router.surfaces.headers import TO_BACKEND

NONE: frozenset[str] = frozenset()
_NOT_ITS = frozenset({403, 404})
"""What a refusal says when the request, its key or its model has no place in the policy."""


class Permission:
    """Of one request. `zones` is what it may reach as far as is known; look at `current` before it is relied upon."""

    __slots__ = ("_context", "_keyring", "_reader", "_serving", "_state", "zones")

    def __init__(self, state: WorkerState, context: RequestContext, zones: frozenset[str], reader: BodyReader) -> None:
        self.zones = zones
        self._state = state
        self._context = context
        self._reader = reader
        self._serving = context.serving
        self._keyring = context.keyring

    @property
    def current(self) -> bool:
        """Whether nothing else has come into force since it was judged."""
        return self._state.serving is self._serving and self._state.keyring is self._keyring

    async def renew(self) -> None:
        """Judge it again, until what it was judged by is still in force. Zones never come back."""
        while not self.current:
            # Noted before it is judged: judging may wait, and what comes into force meanwhile makes another round.
            self._serving, self._keyring = self._state.serving, self._state.keyring
            self.zones &= await self._judged()

    async def _judged(self) -> frozenset[str]:
        context, serving = self._context, self._serving
        request = _plain(context)
        try:
            key = self._keyring.identify(request)
            found = self._reader.at_once(serving, context.surface, request)
            if found is None:
                found = await self._reader.apart(serving, context.surface, request, key.name)
            facts = build_facts(
                plan=serving.plan,
                endpoint=context.surface.name,
                reading=found.reading,
                key=key,
                headers=request.headers,
                passed=TO_BACKEND,
                detectors=found.detectors,
                body=context.body,
                pins=context.pins.values(),
            )
            if serving.entities is not None:
                state = self._state
                facts = await state.entities.added(
                    serving, facts, found.reading, context.body, request, context.deadline
                )
        except (ApiError, BadBody):  # its key is gone, or it cannot be read by the new policy: then it stays
            return NONE
        if any(pin.team != key.team for pin in context.pins.values()):
            return NONE
        decision = serving.recall.decide(facts, self._state.snapshot(context.at, self._state.fleet.states))
        if decision.refusal is not None and decision.refusal.status in _NOT_ITS:
            return NONE
        return decision.permitted


def _plain(context: RequestContext) -> Request:
    """The request with the body that was read, which is compressed no more."""
    given = context.request
    headers = {name: value for name, value in given.headers.items() if name != "content-encoding"}
    plain = Request(
        method=given.method,
        path=given.path,
        query=given.query,
        headers=headers,
        body=context.body,
        keep_alive=given.keep_alive,
        http10=given.http10,
        credentials=given.credentials,
    )
    plain.id = given.id
    return plain
