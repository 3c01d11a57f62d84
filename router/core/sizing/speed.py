"""The most tokens a second that a card's bandwidth and arithmetic allow: a bound that servers stay below, and no
measurement.

The roofline model (Williams, Waterman, Patterson, CACM 52(4), 2009) for decoding and prefill, as in Pope et al.,
Efficiently Scaling Transformer Inference, arXiv 2211.05102, section 2.1. What cards say to each other is left out.
"""

from __future__ import annotations

from msgspec import Struct

from router.core.sizing.cards import Card
from router.core.sizing.fit import Fit, Setup, batch_of
from router.core.sizing.kv_cache import Paging, conversation_bytes
from router.core.sizing.shape import ModelShape
from router.core.sizing.weights import bytes_read_per_step

_TERA = 1e12
_GIGA = 1e9


class Speed(Struct, frozen=True):
    """Tokens a second of all cards together, at most."""

    conversations: int
    """That run at once."""
    decode: float
    """Of answers, while nothing else is done."""
    one: float
    """The same of a single conversation."""
    prefill: float
    """Of prompts, while nothing else is done."""
    decode_bound: str
    """What holds `decode` back: "bandwidth" or "arithmetic"."""

    def blended(self, share_of_output: float, share_of_cached: float = 0.0) -> float:
        """Of prompts and answers of such a mix: the card does one or the other, and cached input costs it nothing."""
        prompts = max(0.0, 1 - share_of_output - share_of_cached)
        return 1 / (share_of_output / self.decode + prompts / self.prefill)


def speed(shape: ModelShape, card: Card, setup: Setup, found: Fit) -> Speed:
    """With as many conversations as fit at once, or may run, each of the whole context.

    decode  = b / max(bytes(b)/bandwidth, 2·active·b/arithmetic),  bytes(b) = weights + b·KV(context)
    prefill = arithmetic / (2·active)
    """
    running = max(1, min(int(found.conversations), batch_of(card, setup).requests))
    decode, bound = _decode(shape, card, setup, found.cards, running)
    one, _ = _decode(shape, card, setup, found.cards, 1)
    return Speed(running, decode, one, _operations(card, setup, found.cards) / (2 * shape.active_parameters), bound)


def _decode(shape: ModelShape, card: Card, setup: Setup, cards: int, running: int) -> tuple[float, str]:
    read = bytes_read_per_step(shape, setup.quantization, running, cards)
    read += running * conversation_bytes(shape, Paging(setup.context, 0, cards, setup.kv_bytes), setup.context)
    by_bandwidth = read / (card.bandwidth_gb * _GIGA)
    by_arithmetic = 2 * shape.active_parameters * running / _operations(card, setup, cards)
    return running / max(by_bandwidth, by_arithmetic), "bandwidth" if by_bandwidth > by_arithmetic else "arithmetic"


def _operations(card: Card, setup: Setup, cards: int) -> float:
    """Weights of 4 bits are multiplied as 16, and those of fp8 as such where the card can."""
    tflops = card.fp8_tflops if setup.quantization.name == "fp8" and card.fp8_tflops else card.half_tflops
    return tflops * _TERA * cards
