"""What backends keep for clients: who may refer to it, where it is, and how sensitive it has become.

Before a request is decided: where what it refers to is kept. Before it is sent: what grows by it is as sensitive as the
request is, whatever becomes of it. Before its client gets a byte of an answer that is kept: where that is.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from router.core.bookings import Booking
from router.core.pins import NotKept, Pin, foreign
from router.core.reading import Reading
from router.core.values import Decision, KeyGrant
from router.gateway.active_policy import ActivePolicy
from router.gateway.context import RequestContext
from router.gateway.errors import ApiError
from router.ledger.errors import LedgerUnavailable
from router.ledger.interface import Ledger
from router.surfaces.base import Surface
from router.upstream.fleet import BackendRuntime
from router.upstream.replica import Replica

DAY_SECONDS = 86_400
_NO_PINS: Mapping[str, Pin] = {}

log = logging.getLogger("breakeven.gateway")


class StoredObjects:
    def __init__(self, ledger: Ledger) -> None:
        self._pins: Final = ledger.pins

    async def find(
        self,
        surface: Surface,
        serving: ActivePolicy,
        reading: Reading,
        key: KeyGrant,
        *,
        of_path: bool = False,
    ) -> Mapping[str, Pin]:
        """The pins of all that it refers to, which are on one machine; `of_path` is for how it is told what is not
        there. What is mentioned may be nobody's, but not another team's. Raises ApiError."""
        ids = (*reading.refers_to, *reading.mentions)
        try:
            found = await self._pins.find(ids)
        except LedgerUnavailable as lost:
            raise unknown_now(lost) from None
        missing = foreign((*reading.refers_to, *found), found, key.team)
        if not missing:
            missing = next((id for id, pin in found.items() if not is_there(serving.backends, pin)), "")
        if missing:
            raise not_kept(surface.not_found(missing) if of_path else surface.not_kept(missing))
        if len({(pin.backend, pin.replica) for pin in found.values()}) > 1:
            names = ", ".join(sorted({pin.backend for pin in found.values()}))
            message = f"The objects that the request refers to are kept at different places ({names}), so that no"
            raise ApiError(400, "objects_apart", f"{message} backend has them all.")
        return found

    async def grow(self, context: RequestContext, decision: Decision) -> None:
        """What grows by it is from now on as sensitive as it is. Raises ApiError."""
        levels, tags = labels(context, decision)
        for id, pin in context.pins.items():
            if context.surface.grows(id) and not pin.covers(levels, tags):
                try:
                    await self._pins.remember([id], pin.labelled(levels, tags), seconds_of(context, answer=False))
                except LedgerUnavailable as lost:
                    raise unknown_now(lost) from None

    async def remember(
        self,
        context: RequestContext,
        decision: Decision,
        replica: Replica,
        ids: Collection[str],
        *,
        answer: bool = True,
    ) -> None:
        """An answer is kept there, or parts of one, or another object. What it continues may have become more
        sensitive since it was decided."""
        levels, tags = labels(context, decision)
        made = Pin(
            backend=replica.backend,
            replica=replica.identity,
            model=decision.model,
            team=context.key.team,
            key=context.key.name,
            levels=levels,
            tags=tags,
        )
        try:
            growing = [each for each in context.pins if context.surface.grows(each)]
            for pin in (await self._pins.find(growing)).values() if growing else ():
                made = made.labelled(pin.levels, pin.tags)
            await self._pins.remember(ids, made, seconds_of(context, answer=answer))
        except LedgerUnavailable as lost:
            log.error("a stored answer is not known yet", extra={"request": context.request.id, "why": str(lost)})

    async def book(self, context: RequestContext, id: str, booking: Booking) -> None:
        try:
            await self._pins.book(id, booking, seconds_of(context, answer=True))
        except LedgerUnavailable as lost:
            log.warning("what was estimated stays booked", extra={"request": context.request.id, "why": str(lost)})

    async def booking(self, context: RequestContext, id: str) -> Booking | None:
        """What is to be corrected of it, once."""
        try:
            return await self._pins.take_booking(id)
        except LedgerUnavailable as lost:
            log.warning("what was estimated stays booked", extra={"request": context.request.id, "why": str(lost)})
            return None


def is_there(backends: Mapping[str, BackendRuntime], pin: Pin) -> bool:
    """Whether the policy still has the machine that keeps it: the same name may stand for another one by now."""
    backend = backends.get(pin.backend)
    return backend is not None and any(each.identity == pin.replica for each in backend.replicas)


def replica_of(pins: Iterable[Pin]) -> str:
    """The one machine where all of these are; empty for none."""
    return next((pin.replica for pin in pins), "")


def labels(context: RequestContext, decision: Decision) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Levels and tags that what is kept of it has; none where the policy has no levels, and anybody may name tags."""
    return ((decision.level,), decision.tags) if decision.level else ((), ())


def seconds_of(context: RequestContext, *, answer: bool) -> float:
    """How long it is known where something is kept, an answer or something else."""
    ledger = context.serving.plan.policy.ledger
    return DAY_SECONDS * float(ledger.retain_responses_days if answer else ledger.retain_objects_days)


def not_kept(told: NotKept) -> ApiError:
    note = "It refers to what is not there, or not its team's."
    return ApiError(told.status, told.code, told.message, param=told.param, retryable=False, note=note)


def unknown_now(lost: LedgerUnavailable) -> ApiError:
    message = f"It cannot be looked up now where and whose the objects are that the request names ({lost})."
    return ApiError(503, "objects_unavailable", f"{message} Try again shortly.", retry_after=2, retryable=True)
