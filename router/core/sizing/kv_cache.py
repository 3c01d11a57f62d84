"""What attention keeps of each token, and how many tokens fit: vLLM's own pages and groups, so that its log says the
same ("GPU KV cache size: N tokens").

Source: vLLM 0.32, v1/core/kv_cache_utils.py and v1/kv_cache_interface.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from router.core.sizing.shape import KvLayers, ModelShape

BLOCK = 16
"""Tokens of a page; 128 in the build for CPUs."""
_ALIKE = 1.5


class Paging(Struct, frozen=True):
    context: int
    """The longest conversation, in tokens."""
    batch_tokens: int
    """Of a step at most: a window holds those that are on their way, too."""
    cards: int = 1
    element_bytes: float = 2.0
    """2 for bfloat16, 1 for fp8."""
    block: int = BLOCK


class KvRoom(Struct, frozen=True):
    blocks: int
    tokens: int
    """As vLLM's log tells it: conversations of the longest context, times that context."""
    conversations: float
    """Of the longest context."""


def token_bytes(shape: ModelShape, paging: Paging) -> float:
    """On each card, of one token that every layer looks back at: 2·layers·kv_heads·head_dim·bytes, divided by the cards
    as far as there are heads."""
    return sum(each.layers * _layer_bytes(each, paging) for each in shape.kv)


def conversation_bytes(shape: ModelShape, paging: Paging, tokens: int) -> float:
    """On each card, what a step of a conversation of so many tokens reads: of a window no more than it is wide."""
    return sum(each.layers * _layer_bytes(each, paging) * min(tokens, each.window or tokens) for each in shape.kv)


def kv_room(shape: ModelShape, paging: Paging, room: float) -> KvRoom:
    """How much fits in `room` bytes on each card; nothing where it is negative.

    Layers of different windows are put in groups of as many layers as the smallest kind has, or the largest where they
    are about as many. All groups share one pool of pages: a page holds `block` tokens of one group.
    """
    size = _layers_of_a_group(shape.kv)
    page = size * max(_layer_bytes(each, paging) for each in shape.kv) * paging.block
    blocks = max(0, int(room // page))
    needed = sum(-(-each.layers // size) * _blocks_of_a_conversation(each, paging) for each in shape.kv)
    conversations = blocks / needed
    return KvRoom(blocks, int(conversations * paging.context), conversations)


def _layer_bytes(layers: KvLayers, paging: Paging) -> float:
    heads = -(-layers.heads // paging.cards)
    return layers.elements / layers.heads * heads * paging.element_bytes


def _layers_of_a_group(kinds: Sequence[KvLayers]) -> int:
    least, most = min(each.layers for each in kinds), max(each.layers for each in kinds)
    return most if most < _ALIKE * least else least


def _blocks_of_a_conversation(layers: KvLayers, paging: Paging) -> int:
    if layers.window is None:
        return -(-paging.context // paging.block)
    held = min(layers.window - 1 + paging.batch_tokens, paging.context)
    return -(-held // paging.block) + 1
