"""Many whole numbers in little memory, as counts in buckets that are as wide as their numbers are large.

Numbers below 2**(bits + 1) have a bucket each; from there on every doubling has 2**bits (the buckets of HdrHistogram),
so that none is wider than a 2**bits-th of the numbers in it. Two are made of such buckets, and differ in what they are
asked:

    QuantileSketch   what share of all numbers lies below: every number counts alike, and several can be put together
    FadingHistogram  what nearly all numbers stay within, of late: it forgets, and errs upwards only
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

_FINE = 5
_COARSE = 3
REMEMBERED = 2000
"""Numbers after which those before weigh half as much."""
_EXCEEDING = 0.01
_LARGEST = (1 << 30) - 1


class QuantileSketch:
    """Numbers from 0 on, in buckets no wider than a 32nd of them."""

    def __init__(self) -> None:
        self.count = 0
        self._buckets: Counter[int] = Counter()

    def add(self, value: int) -> None:
        self.count += 1
        self._buckets[bucket_of(max(0, value), _FINE)] += 1

    def quantiles(self, shares: Iterable[float]) -> list[float]:
        """The middle of the bucket that the number with each share (0 to 1, ascending) of all below it lies in.

        0 for each when there are no numbers.
        """
        buckets = sorted(self._buckets.items())
        found = []
        for share in shares:
            rank, below, middle = share * self.count, 0, 0.0
            for bucket, count in buckets:
                middle = (lowest_of(bucket, _FINE) + lowest_of(bucket + 1, _FINE) - 1) / 2
                below += count
                if below >= rank:
                    break
            found.append(middle)
        return found


def merged(sketches: Iterable[QuantileSketch]) -> QuantileSketch:
    """One of all their numbers."""
    whole = QuantileSketch()
    for each in sketches:
        whole.count += each.count
        whole._buckets.update(each._buckets)
    return whole


class FadingHistogram:
    """Numbers from 0 on, in buckets no wider than an eighth of them; what is above 2**30 counts as that.

    When it holds `REMEMBERED` numbers, all of them weigh half as much from then on. Every answer of a backend adds two,
    so its buckets are a list.
    """

    __slots__ = ("_counts", "_highest", "_weight")

    def __init__(self) -> None:
        self._counts = [0.0] * (bucket_of(_LARGEST, _COARSE) + 1)
        self._highest = 0
        """The last bucket that was ever used."""
        self._weight = 0.0

    def add(self, value: int) -> None:
        if self._weight >= REMEMBERED:
            self._counts = [count / 2 for count in self._counts]
            self._weight /= 2
        bucket = bucket_of(min(max(value, 0), _LARGEST), _COARSE)
        self._highest = max(self._highest, bucket)
        self._counts[bucket] += 1.0
        self._weight += 1.0

    def upper(self) -> int:
        """The largest number of the lowest bucket that no more than 1 in 100 lie above; 0 without any."""
        allowed = self._weight * _EXCEEDING
        bucket = self._highest
        above = self._counts[bucket]
        while above <= allowed and bucket > 0:
            bucket -= 1
            above += self._counts[bucket]
        return lowest_of(bucket + 1, _COARSE) - 1


def bucket_of(value: int, bits: int) -> int:
    """The number of the bucket of a whole number from 0."""
    shift = value.bit_length() - bits - 1
    return value if shift <= 0 else (shift << bits) + (value >> shift)


def lowest_of(bucket: int, bits: int) -> int:
    """The least number in a bucket."""
    shift = (bucket >> bits) - 1
    return bucket if shift <= 0 else ((bucket & ((1 << bits) - 1)) + (1 << bits)) << shift
