"""What is on and why, as the controller of the units left it in the ledger, and orders for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from router.admin.answers.power import PowerChange, PowerReport
from router.core.power.terms import Order
from router.core.resilience.worker_status import POWER_SECONDS
from router.ledger.power import PowerEvent, PowerLook, open_power

SHOWN_CHANGES = 50
_READ_EVENTS = 500


class LedgerPower:
    def __init__(self, url: str) -> None:
        self._url = url

    async def units(self) -> Mapping[str, PowerReport]:
        """By backend. Raises LedgerUnavailable."""
        async with open_power(self._url) as book:
            look = await book.look()
            events = await book.events(_READ_EVENTS) if look.kept else []
        return {name: report_of(name, look, events) for name in look.kept}

    async def order(self, backend: str, order: Order, who: str) -> None:
        """Raises LedgerUnavailable."""
        async with open_power(self._url) as book:
            await book.order(backend, order, who)


def report_of(name: str, look: PowerLook, events: Sequence[PowerEvent]) -> PowerReport:
    kept, told = look.kept[name], look.powers.get(name)
    state, ordered = kept.state, look.orders.get(name)
    changes = [
        PowerChange(
            at=each.at,
            before=each.before,
            after=each.after,
            units=each.units,
            reason=each.reason,
            explanation=each.explanation,
            who=each.who,
        )
        for each in events
        if each.backend == name
    ]
    return PowerReport(
        phase=state.phase.value,
        since=state.since,
        units=state.units,
        ready=state.ready,
        wanted=state.wanted,
        reason=state.reason,
        explanation=state.explanation,
        next=kept.next,
        failing=state.error if state.failures else "",
        order="auto" if ordered is None else ordered.order.value,
        ordered_by="" if ordered is None else ordered.who,
        controlled=told is not None and look.now - told.at <= POWER_SECONDS,
        changes=changes[:SHOWN_CHANGES],
    )
