"""Quantiles of many whole numbers, in little memory: counts in buckets no wider than a 32nd of their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

_BITS = 5
_HALF = 1 << _BITS


class Sketch:
    """Numbers from 0 on. Numbers below 64 have a bucket each; from there on every doubling has 32."""

    def __init__(self) -> None:
        self.count = 0
        self._buckets: Counter[int] = Counter()

    def add(self, value: int) -> None:
        self.count += 1
        self._buckets[_bucket_of(max(0, value))] += 1

    def quantiles(self, shares: Iterable[float]) -> list[float]:
        """The middle of the bucket that the number with each share (0 to 1, ascending) of all below it lies in.

        0 for each when there are no numbers.
        """
        buckets = sorted(self._buckets.items())
        found = []
        for share in shares:
            rank, below, middle = share * self.count, 0, 0.0
            for bucket, count in buckets:
                middle = _middle_of(bucket)
                below += count
                if below >= rank:
                    break
            found.append(middle)
        return found


def merged(sketches: Iterable[Sketch]) -> Sketch:
    """One of all their numbers."""
    whole = Sketch()
    for each in sketches:
        whole.count += each.count
        whole._buckets.update(each._buckets)
    return whole


def _bucket_of(value: int) -> int:
    shift = value.bit_length() - _BITS - 1
    return value if shift <= 0 else (shift << _BITS) + (value >> shift)


def _middle_of(bucket: int) -> float:
    shift = (bucket >> _BITS) - 1
    if shift <= 0:
        return float(bucket)
    return (((bucket & (_HALF - 1)) + _HALF) << shift) + ((1 << shift) - 1) / 2
