"""Backends that no worker can reach -> observations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from router.core.alerts.observation import Observation, Seen

Sight = Literal["healthy", "degraded", "unhealthy", "off", "unknown"]
_SEEN = {"healthy": Seen.GOOD, "off": Seen.GOOD, "unhealthy": Seen.BAD}
"""What some workers see, and what nobody tells, is neither."""


class BackendSight(Struct, frozen=True):
    """One backend, as all workers of all gateways see it together."""

    name: str
    state: Sight
    why: str = ""


def observed(sights: Iterable[BackendSight], after: float, clear: float) -> Iterator[Observation]:
    """`after` is how long it has to be down, in seconds."""
    for sight in sights:
        up = sight.state == "off"
        yield Observation(
            key=f"backend_down|{sight.name}",
            condition="backend_down",
            seen=_SEEN.get(sight.state, Seen.BETWEEN),
            subject=sight.name,
            severity="critical",
            title=f"Backend {sight.name} is down",
            text=_text(sight, up),
            hold=after,
            clear=clear,
        )


def _text(sight: BackendSight, off: bool) -> str:
    if sight.state == "unhealthy":
        why = sight.why.rstrip(".") or "it does not answer"
        return f"No worker can reach it: {why}. Requests that may go elsewhere do."
    return "It was switched off." if off else "It answers again."
