"""Requests on their way into a simulation: put in order, scaled, cut to some days. One pass, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter
from random import Random

from msgspec.structs import replace

from router.simulate.requests import RecordedRequest

MOST_OUT_OF_ORDER = 20_000
"""Records are written when requests end, so they are in the order of their arrival by and large."""
DAY_SECONDS = 86_400.0
_arrival = attrgetter("at")


class OutOfOrder(ValueError):
    """A request came so much too late that the file has to be sorted first."""


def in_order(requests: Iterable[RecordedRequest], most: int = MOST_OUT_OF_ORDER) -> Iterator[RecordedRequest]:
    """In the order of arrival, where none stands more than `most` places too late. Raises OutOfOrder."""
    kept: list[RecordedRequest] = []
    last = float("-inf")
    for number, request in enumerate(requests, 1):
        if request.at < last:
            raise OutOfOrder(
                f"request {number} came {last - request.at:.0f} s before one that stands {most:,} places or more before"
                " it: sort the file by time first"
            )
        kept.append(request)
        if len(kept) >= 2 * most:
            kept.sort(key=_arrival)
            yield from kept[:most]
            last = kept[most - 1].at
            del kept[:most]
    kept.sort(key=_arrival)
    yield from kept


def scaled(requests: Iterable[RecordedRequest], times: float, seed: int = 1) -> Iterator[RecordedRequest]:
    """So many times as many requests at the same times: each is repeated as often as that says whole, and once more
    with the chance of the rest. The same seed makes the same traffic. Copies come within the second after the first."""
    draw = Random(seed)
    whole = int(times)
    for request in requests:
        count = whole + (draw.random() < times - whole)
        if count:
            yield request
        copies = sorted(draw.random() for _ in range(count - 1))
        for number, later in enumerate(copies, 1):
            yield replace(request, at=request.at + later, id=f"{request.id}+{number}" if request.id else "")


def last_days(requests: Iterable[RecordedRequest], first: float) -> Iterator[RecordedRequest]:
    """Those that came from `first` on, in seconds since the epoch."""
    return (request for request in requests if request.at >= first)
