"""Where numbers begin that are right by their check digit (Luhn), sought in all windows of a text at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import compress

from router.core.sensitivity.finders.rows import places, row

# Leading pairs of digits by the length of the number: what `cards` knows of issuers, as far as two digits tell.
PAIRS: Mapping[int, bytes] = {
    13: rb"4.|50|58|63|67",
    14: rb"50|58|63|67|3[0689]",
    15: rb"50|58|63|67|3[046789]",
    16: rb"4.|50|58|63|67|3[05689]|5[1-5]|2[2-7]|6[0245]|8[12]|97",
    17: rb"50|58|63|67|3[05689]|22|6[0245]|8[12]|97",
    18: rb"50|58|63|67|3[05689]|22|6[0245]|8[12]|97",
    19: rb"4.|50|58|63|67|3[05689]|22|6[0245]|8[12]|97",
}
LONGEST = 8192
"""Octets of the longest block that may be asked about."""
_IS_DIGIT = bytes(48 <= code < 58 for code in range(256))
_DIGIT = bytes(code if 48 <= code < 58 else 255 for code in range(256))
_FIRST = 16
"""Added to a digit that begins a group."""
_VALUE = bytes(code & 15 if 48 <= code < 58 or 64 <= code < 74 else 0 for code in range(256))
_DOUBLED = bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)[value] if value < 10 else 0 for value in _VALUE)
_WITHIN = bytes(255 if code < 64 else 0 for code in range(256))
"""Makes no pair of digits of what is within a group."""
_BITS = {length: 1 << bit for bit, length in enumerate(PAIRS)}
_LENGTHS = bytes(
    sum(_BITS[length] for length, pairs in PAIRS.items() if re.fullmatch(pairs, b"%02x" % code)) for code in range(256)
)
"""The lengths that two leading digits allow, as bits."""
_RIGHT = {length: bytes(bit if sum_ % 10 == 0 else 0 for sum_ in range(256)) for length, bit in _BITS.items()}
_ANY = bytes(code > 0 for code in range(256))
_OFFSETS = tuple(range(LONGEST))


def right_numbers(block: bytes) -> Iterator[int]:
    """Offsets at which a group of digits begins that, with those behind it, may be right, whatever is between them.

    That is: the first 13 to 19 digits from there, some number of them, have an issuer's first two digits and the right
    check digit.
    """
    mask = block.translate(_IS_DIGIT)
    is_digit = row(mask)
    marked = row(block.translate(_DIGIT)) + (is_digit & ~(is_digit << 8)) * _FIRST
    digits = marked.to_bytes(len(block) + 1, "little").translate(None, b"\0\xff")
    hits = _right(digits)
    if not any(hits):
        return
    offsets = tuple(compress(_OFFSETS, mask))
    for hit in places(hits):
        yield offsets[hit]


def _right(digits: bytes) -> bytes:
    """A 1 for each digit at which a right number begins."""
    size = len(digits)
    single = row(digits.translate(_VALUE))
    pair = row(digits.translate(_DOUBLED)) + (single >> 8)
    four = pair + (pair >> 16)
    eight = four + (four >> 32)
    twelve = eight + (four >> 64)
    sixteen = eight + (eight >> 64)
    even = {12: twelve, 14: twelve + (pair >> 96), 16: sixteen, 18: sixteen + (pair >> 128)}
    codes = single << 4 | single >> 8 | row(digits.translate(_WITHIN))
    lengths = row(codes.to_bytes(size + 1, "little").translate(_LENGTHS))
    right = 0
    for length, bits in _RIGHT.items():
        sums = even[length] if length % 2 == 0 else single + (even[length - 1] >> 8)
        right |= row(sums.to_bytes(size, "little").translate(bits))
    return (right & lengths).to_bytes(size + 1, "little")[:size].translate(_ANY)
