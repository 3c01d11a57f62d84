"""How long a recording is, by its bytes alone. What is not compressed says it exactly; of all else nobody knows."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

LIKELY_BITS_PER_SECOND: Final = 64_000
"""Of compressed speech, as most recordings have it."""
LEAST_BITS_PER_SECOND: Final = 6_000
"""The least that any codec in use keeps speech in (RFC 6716, 2.1.1)."""
TOKENS_PER_SECOND: Final = 10
"""Of sound that a model hears: one for every tenth of a second."""

_MOST_SAMPLES = 384_000
"""A second and channel: a header that says more would make a long recording short."""
_PCM = frozenset({1, 3})
_HEADER = struct.Struct("<4sI4s4sIHHIIHH")


class Length(NamedTuple):
    """In milliseconds."""

    likely: int
    most: int


def length_of(recording: bytes) -> Length:
    size = len(recording)
    rate = _bytes_per_second(recording)
    if rate:
        exact = -(-size * 1000 // rate)
        return Length(exact, exact)
    return Length(-(-size * 8000 // LIKELY_BITS_PER_SECOND), -(-size * 8000 // LEAST_BITS_PER_SECOND))


def tokens_of(milliseconds: int) -> int:
    return -(-milliseconds * TOKENS_PER_SECOND // 1000)


def _bytes_per_second(recording: bytes) -> int:
    """Of samples in a WAV file; 0 for all else."""
    if len(recording) < _HEADER.size:
        return 0
    riff, _, wave, name, _, coding, channels, rate, _, _, bits = _HEADER.unpack_from(recording)
    if (riff, wave, name) != (b"RIFF", b"WAVE", b"fmt ") or coding not in _PCM or rate > _MOST_SAMPLES:
        return 0
    return int(rate * channels * bits // 8)
