"""How many bytes of requests one worker keeps, and the bound on that."""

from __future__ import annotations

SMALL = 64 * 1024
"""Requests up to this size may use what is kept back for them, so that a few large ones do not shut out all others."""
KEPT_BACK = 8
"""The share of the bound that only small requests may use: one eighth."""


class BufferedBytes:
    """Heads and bodies from their first byte until their request is answered; also what was inflated of them."""

    __slots__ = ("bytes", "calm", "most")

    def __init__(self, most: int) -> None:
        self.bytes = 0
        self.bound(most)

    def bound(self, most: int) -> None:
        self.most = most
        self.calm = most - most // KEPT_BACK
        """Up to this there is room for all."""

    def full(self, own: int) -> bool:
        """Whether a request that has `own` of the bytes held may not go on."""
        return self.bytes > (self.most if own <= SMALL else self.calm)

    def fits(self, more: int) -> bool:
        """Whether a body of that size has room now."""
        return self.bytes + more <= (self.most if more <= SMALL else self.calm)
