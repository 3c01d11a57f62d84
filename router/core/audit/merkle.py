"""A digest of many records that one of them can be shown to be in: the tree of RFC 6962, section 2.1.

https://www.rfc-editor.org/rfc/rfc6962#section-2.1. A leaf's hash is SHA-256 of a zero byte and its content, a node's of
a one byte and the hashes of the two below; where a level has an odd number, its last one goes up as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def leaf_hash(content: bytes) -> bytes:
    return hashlib.sha256(b"\0" + content).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Of the hashes of all leaves; of none the SHA-256 of nothing."""
    level = list(leaves)
    if not level:
        return hashlib.sha256().digest()
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path_of(leaves: Sequence[bytes], place: int) -> list[bytes]:
    """The hashes beside the way from a leaf to the root, from below."""
    level, path = list(leaves), []
    while len(level) > 1:
        beside = place ^ 1
        if beside < len(level):
            path.append(level[beside])
        level, place = _above(level), place // 2
    return path


def root_by_path(leaf: bytes, place: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """What the root is if the leaf is there; None for a path that is not of such a tree."""
    found, left = leaf, list(path)
    while size > 1:
        if place ^ 1 < size:
            if not left:
                return None
            beside = left.pop(0)
            found = _node(beside, found) if place % 2 else _node(found, beside)
        place, size = place // 2, (size + 1) // 2
    return None if left else found


def _above(level: Sequence[bytes]) -> list[bytes]:
    pairs = [_node(level[n], level[n + 1]) for n in range(0, len(level) - 1, 2)]
    return pairs if len(level) % 2 == 0 else [*pairs, level[-1]]


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
