"""Whether a pattern does what its author means: its examples hold, and it is not found in nearly everything."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from router.core.sensitivity.detectors import only_own
from router.core.sensitivity.own.patterns import OwnPatterns

ORDINARY = (
    "Please summarise the attached report in three short bullet points.",
    "def area(width, height):\n    return width * height  # in square metres",
    "The meeting moves to Thursday, 14:30; room 212 is booked. Bring your laptop!",
    '{"id": 48213, "status": "shipped", "items": [{"sku": "A-17", "quantity": 2}]}',
    "Wie wird das Wetter morgen in Köln? Quelle: https://example.org/wetter?ort=köln&tag=2",
    "2026-03-14T09:26:53Z INFO worker-3 request finished in 182 ms (status 200)",
    "SELECT name, COUNT(*) FROM orders WHERE total > 99.95 GROUP BY name;",
    "Thanks, that works. Could you explain once more why the quick brown fox jumps over the lazy dog?",
)
"""Texts that have nothing in common but what all texts have."""
_BARE = (b'{"model":"m","messages":[{"role":"user","content":""}]}', b'{"model":"m","input":""}')
"""What requests have before anything is said in them."""


def is_in(patterns: OwnPatterns, text: str) -> bool:
    """Whether any of the patterns is found in a request that says this, however it hides there."""
    return bool(only_own(patterns).scan_body(msgspec.json.encode([text])))


def is_everywhere(patterns: OwnPatterns) -> bool:
    """Whether it is in a request that says nothing, or in half of the ordinary texts."""
    bare = any(patterns.found_in(body) for body in _BARE)
    return bare or 2 * sum(is_in(patterns, text) for text in ORDINARY) >= len(ORDINARY)


def broken_examples(
    patterns: OwnPatterns, matches: tuple[str, ...], ignores: tuple[str, ...]
) -> Iterator[tuple[str, int]]:
    """Of each example that does not hold, the name of its list and its number."""
    for number, text in enumerate(matches):
        if not is_in(patterns, text):
            yield "matches", number
    for number, text in enumerate(ignores):
        if is_in(patterns, text):
            yield "ignores", number
