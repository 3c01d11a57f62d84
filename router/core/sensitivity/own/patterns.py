"""All patterns of a policy at once: which of them are in a text.

The engine is Hyperscan, as for the finders (`core.sensitivity.excerpts`): one pass for all patterns, by automata, so
that no text and no pattern takes it longer than its length says.
"""

from __future__ import annotations

import hyperscan
import msgspec

from router.core.sensitivity.own.syntax import BadPattern, expression_of

MOST = 32
"""Patterns of one policy."""
LARGEST_TOGETHER = 2_000
"""Characters to compare with in all of them, repeats written out: what the engine compiles in seconds at most."""


class OwnPatterns:
    """None: nothing is found."""

    names: frozenset[str] = frozenset()
    identity = b""
    """Of the patterns, whole: two sets of patterns that find something else have another one."""

    def found_in(self, data: bytes) -> frozenset[str]:
        """Names of those in a text (as `finders.text.flat` leaves it), with its backslashes or without them."""
        return self.names


NO_PATTERNS = OwnPatterns()


class _Compiled(OwnPatterns):
    def __init__(self, patterns: tuple[tuple[str, str], ...]) -> None:
        self._ordered = tuple(name for name, _ in patterns)
        self.names = frozenset(self._ordered)
        self.identity = msgspec.json.encode(patterns)
        self._database = hyperscan.Database()
        self._database.compile(
            expressions=[expression_of(pattern).text for _, pattern in patterns],
            ids=list(range(len(patterns))),
            elements=len(patterns),
            flags=[hyperscan.HS_FLAG_SINGLEMATCH] * len(patterns),
        )

    def found_in(self, data: bytes) -> frozenset[str]:
        found = self._met_in(data)
        return found | self._met_in(data.replace(b"\\", b"")) if b"\\" in data else found

    def _met_in(self, data: bytes) -> frozenset[str]:
        found: set[str] = set()

        def met(number: int, start: int, end: int, flags: int, context: object) -> None:
            found.add(self._ordered[number])

        if data:
            self._database.scan(data, match_event_handler=met)
        return frozenset(found)


def compile_patterns(patterns: tuple[tuple[str, str], ...]) -> OwnPatterns:
    """`patterns` by name. Takes up to seconds. Raises BadPattern."""
    if not patterns:
        return NO_PATTERNS
    try:
        return _Compiled(patterns)
    except hyperscan.error as error:
        raise BadPattern(f"the engine refuses it: {error}") from None
