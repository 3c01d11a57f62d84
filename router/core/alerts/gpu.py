"""Own GPUs that cost more than they spare -> observations. What they spare is counted as "Worth it?" counts it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from router.core.alerts.observation import Observation, Seen
from router.core.cost.net import Net
from router.core.cost.worth import dollars
from router.core.money import in_usd


class GpuNet(Struct, frozen=True):
    """One own backend over some whole days, see `core.cost.net`."""

    backend: str
    net: Net
    first: str
    last: str
    days_with_rent: int
    could_not_leave: int = 0
    """Requests that only own backends may serve."""


def observed(gpus: Iterable[GpuNet], days: int, usd: float) -> Iterator[Observation]:
    """`usd` is the loss over these days from which it is told. It is well again once nothing is lost."""
    for gpu in gpus:
        net = None if gpu.net.net is None else in_usd(gpu.net.net)
        yield Observation(
            key=f"gpu_loses|{gpu.backend}",
            condition="gpu_loses",
            seen=_seen(net, gpu.days_with_rent, days, usd),
            subject=gpu.backend,
            title=f"{gpu.backend} costs more than it saves",
            text=_text(gpu, net),
        )


def _seen(net: float | None, days_with_rent: int, days: int, usd: float) -> Seen:
    """Nothing is said of a backend that was not paid for all these days, nor where no cloud could have served it."""
    if net is None or days_with_rent < days:
        return Seen.BETWEEN
    if net <= -usd:
        return Seen.BAD
    return Seen.GOOD if net >= 0 else Seen.BETWEEN


def _text(gpu: GpuNet, net: float | None) -> str:
    if net is None or gpu.net.not_bought is None:
        return ""
    spared, rent = dollars(in_usd(gpu.net.not_bought)), dollars(in_usd(gpu.net.rent))
    came = f"lost {dollars(-net)}" if net < 0 else f"saved {dollars(net)}"
    few = gpu.could_not_leave
    told = f" {few:,} request{'s' if few > 1 else ''} could not leave, which is not counted here." if few else ""
    return f"From {gpu.first} to {gpu.last} it {came}: {spared} of the cloud's bill against {rent} of rent.{told}"
