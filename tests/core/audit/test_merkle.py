"""The tree of RFC 6962, against its own definition, which goes down where this goes up."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from router.core.audit.merkle import leaf_hash, path_of, root_by_path, root_of

LEAVES = st.lists(st.binary(max_size=4), min_size=1, max_size=40).map(lambda all: list(map(leaf_hash, all)))


def defined(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1: split at the largest power of two below the number."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    return hashlib.sha256(b"\1" + defined(leaves[:split]) + defined(leaves[split:])).digest()


@given(LEAVES)
def test_the_root_is_what_the_rfc_defines(leaves):
    assert root_of(leaves) == defined(leaves)


def test_of_nothing_it_is_the_hash_of_nothing():
    assert root_of([]) == hashlib.sha256(b"").digest()
    assert leaf_hash(b"x") == hashlib.sha256(b"\0x").digest()


@given(LEAVES, st.data())
def test_a_leaf_is_shown_to_be_in_it_by_a_few_hashes_and_another_one_is_not(leaves, data):
    place = data.draw(st.integers(0, len(leaves) - 1))
    path, root = path_of(leaves, place), root_of(leaves)
    assert len(path) <= 6 and root_by_path(leaves[place], place, len(leaves), path) == root
    assert root_by_path(leaf_hash(b"forged"), place, len(leaves), path) != root
    assert root_by_path(leaves[place], place, len(leaves), [*path, root]) is None
    assert not path or root_by_path(leaves[place], place, len(leaves), path[:-1]) is None
