"""Does a model fit a card, with which context, for how many conversations at once?"""

from __future__ import annotations

from msgspec import Struct

from router.core.sizing.cards import Batch, Card
from router.core.sizing.kv_cache import BLOCK, Paging, kv_room, token_bytes
from router.core.sizing.overhead import Overhead
from router.core.sizing.parallel import DEGREES, hindrance
from router.core.sizing.quantization import Quantization
from router.core.sizing.shape import ModelShape
from router.core.sizing.weights import weight_bytes


class Setup(Struct, frozen=True):
    """How a model is to be served."""

    quantization: Quantization
    context: int
    """`max_model_len`, in tokens."""
    conversations: int = 1
    """That have to fit at once, each as long as the context."""
    utilization: float | None = None
    """`gpu_memory_utilization`; vLLM's own when left out."""
    running: int | None = None
    """`max_num_seqs`; vLLM's own for the card when left out."""
    kv_bytes: float = 2.0
    """Of a number in the KV cache."""


class Fit(Struct, frozen=True):
    """On each of `cards`, in bytes."""

    cards: int
    utilization: float
    weights: float
    overhead: float
    token: float
    """Of one token in the KV cache."""
    room: float
    """For the KV cache; below zero where not even the rest fits."""
    tokens: int
    """Of all conversations together."""
    conversations: float
    """Of the whole context, at once."""
    why_not: str
    """Empty where it fits."""

    @property
    def fits(self) -> bool:
        return not self.why_not


def fit(shape: ModelShape, card: Card, setup: Setup, release: Overhead, cards: int = 1) -> Fit:
    """room = utilization·memory - weights - overhead, and pages of KV cache fill it."""
    utilization = release.utilization if setup.utilization is None else setup.utilization
    weights = weight_bytes(shape, setup.quantization, cards)
    overhead = release.bytes_of(shape, batch_of(card, setup), cards)
    room = utilization * card.memory - weights - overhead
    paging = paging_of(card, setup, release, cards)
    found = kv_room(shape, paging, room)
    return Fit(
        cards=cards,
        utilization=utilization,
        weights=weights,
        overhead=overhead,
        token=token_bytes(shape, paging),
        room=room,
        tokens=found.tokens,
        conversations=found.conversations,
        why_not=beyond(shape, setup.context)
        or too_old(card, setup.quantization)
        or hindrance(shape, setup.quantization, cards)
        or _too_little(room, found.conversations, setup),
    )


def batch_of(card: Card, setup: Setup) -> Batch:
    defaults = card.defaults
    return defaults if setup.running is None else Batch(setup.running, defaults.tokens)


def paging_of(card: Card, setup: Setup, release: Overhead, cards: int) -> Paging:
    return Paging(setup.context, card.defaults.tokens * release.batches, cards, setup.kv_bytes, BLOCK)


def fewest_cards(shape: ModelShape, card: Card, setup: Setup, release: Overhead) -> Fit:
    """With the fewest cards that it fits on; with one where it fits on none of `DEGREES`, which says why not."""
    tried = [fit(shape, card, setup, release, cards) for cards in DEGREES]
    return next((each for each in tried if each.fits), tried[0])


def beyond(shape: ModelShape, context: int) -> str:
    """That a context is longer than the model was made for, in words; empty where it is not, or nobody knows."""
    if shape.context is None or context <= shape.context:
        return ""
    return f"it was made for {shape.context:,} tokens, and vLLM refuses to start it with a context of {context:,}"


def too_old(card: Card, quantization: Quantization) -> str:
    """That vLLM has no code for such weights on such a card, in words; empty where it has."""
    if card.capability >= quantization.capability:
        return ""
    return (
        f"vLLM serves {quantization.name} weights on cards of compute capability {quantization.capability} and newer,"
        f" and it has {card.capability}"
    )


def _too_little(room: float, conversations: float, setup: Setup) -> str:
    if room <= 0:
        return "its weights and what vLLM takes for itself leave no room for a KV cache"
    if conversations < 1:
        longest = int(conversations * setup.context)
        return f"its KV cache holds no conversation of {setup.context:,} tokens; the longest is about {longest:,}"
    if conversations < setup.conversations:
        return f"{conversations:.1f} conversations of {setup.context:,} tokens fit at once, not {setup.conversations}"
    return ""
